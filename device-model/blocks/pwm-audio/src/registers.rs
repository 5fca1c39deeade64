//! The block's registers by name: `pwm-audio.svd` says where they are and what accesses do to them.

use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use registers::{Description, FieldHandle, RegisterHandle, RegisterMap, WriteConstraint};
use vm_device::bus::{MmioAddress, MmioBus, MmioRange};

const SVD: &str = include_str!("../pwm-audio.svd");

/// Number of PWM channels.
pub(crate) const CHANNELS: usize = 4;

/// Read once: every block of the process has the same.
pub(crate) static REGISTERS: LazyLock<Registers> = LazyLock::new(Registers::load);

/// A part of the block with registers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    System,
    Pwm(usize),
    Audio,
}

/// The register map, and handles for what the block reacts to.
pub(crate) struct Registers {
    pub(crate) map: Arc<RegisterMap>,
    units: MmioBus<Unit>,
    pub(crate) system: System,
    pub(crate) pwm: [Pwm; CHANNELS],
    pub(crate) audio: Audio,
    /// Length of a cycle of the clock that the PWM channels count.
    pub(crate) cycle_ns: u64,
}

/// Registers of the whole block.
pub(crate) struct System {
    pub(crate) control: RegisterHandle,
    pub(crate) reset: FieldHandle,
    pub(crate) interrupt_status: RegisterHandle,
    pub(crate) tx_low: FieldHandle,
    pub(crate) tx_drained: FieldHandle,
    pub(crate) tx_underrun: FieldHandle,
    pub(crate) interrupt_enable: RegisterHandle,
    pub(crate) interrupt_force: RegisterHandle,
}

/// Registers of a PWM channel.
pub(crate) struct Pwm {
    pub(crate) control: RegisterHandle,
    pub(crate) enable: FieldHandle,
    pub(crate) polarity: FieldHandle,
    pub(crate) level: FieldHandle,
    pub(crate) period: RegisterHandle,
    pub(crate) duty: RegisterHandle,
    pub(crate) counter: RegisterHandle,
}

/// Registers of the transmitter.
pub(crate) struct Audio {
    pub(crate) control: RegisterHandle,
    pub(crate) enable: FieldHandle,
    pub(crate) drain: FieldHandle,
    pub(crate) flush: FieldHandle,
    pub(crate) format: RegisterHandle,
    pub(crate) sample_bits: FieldHandle,
    pub(crate) channels: FieldHandle,
    pub(crate) rate: RegisterHandle,
    pub(crate) fill: FieldHandle,
    pub(crate) full: FieldHandle,
    pub(crate) empty: FieldHandle,
    pub(crate) low: FieldHandle,
    pub(crate) running: FieldHandle,
    pub(crate) underrun: FieldHandle,
    pub(crate) overflow: FieldHandle,
    pub(crate) underrun_count: RegisterHandle,
    pub(crate) frames_played: RegisterHandle,
    pub(crate) tx_left: RegisterHandle,
    pub(crate) tx_right: RegisterHandle,
}

/// The frame rates that the transmitter has, in Hz.
pub fn rates_hz() -> RangeInclusive<u32> {
    match REGISTERS.map[REGISTERS.audio.rate].write_constraint {
        Some(WriteConstraint::Range { minimum, maximum }) => minimum as u32..=maximum as u32,
        _ => 1..=u32::MAX,
    }
}

impl Registers {
    /// The unit that has a register at `offset`, or between its registers there.
    pub(crate) fn unit(&self, offset: u64) -> Option<Unit> {
        self.units.device(MmioAddress(offset)).map(|(_, unit)| *unit)
    }

    /// Panics where the file that is a part of this crate has a mistake: no input can cause that.
    fn load() -> Self {
        let map = Description::parse(SVD).and_then(|description| description.map(&[]));
        let map = map.unwrap_or_else(|error| panic!("pwm-audio.svd: {error}"));
        let register = |name: &str| map.register(name).unwrap_or_else(|error| panic!("pwm-audio.svd: {error}"));
        let field = |name: &str| map.field(name).unwrap_or_else(|error| panic!("pwm-audio.svd: {error}"));
        let system = System {
            control: register("SYSTEM.CONTROL"),
            reset: field("SYSTEM.CONTROL.reset"),
            interrupt_status: register("SYSTEM.INTERRUPT_STATUS"),
            tx_low: field("SYSTEM.INTERRUPT_STATUS.tx_low"),
            tx_drained: field("SYSTEM.INTERRUPT_STATUS.tx_drained"),
            tx_underrun: field("SYSTEM.INTERRUPT_STATUS.tx_underrun"),
            interrupt_enable: register("SYSTEM.INTERRUPT_ENABLE"),
            interrupt_force: register("SYSTEM.INTERRUPT_FORCE"),
        };
        let pwm = std::array::from_fn(|index| Pwm {
            control: register(&format!("PWM{index}.CONTROL")),
            enable: field(&format!("PWM{index}.CONTROL.enable")),
            polarity: field(&format!("PWM{index}.CONTROL.polarity")),
            level: field(&format!("PWM{index}.CONTROL.level")),
            period: register(&format!("PWM{index}.PERIOD")),
            duty: register(&format!("PWM{index}.DUTY")),
            counter: register(&format!("PWM{index}.COUNTER")),
        });
        let audio = Audio {
            control: register("AUDIO.CONTROL"),
            enable: field("AUDIO.CONTROL.enable"),
            drain: field("AUDIO.CONTROL.drain"),
            flush: field("AUDIO.CONTROL.flush"),
            format: register("AUDIO.FORMAT"),
            sample_bits: field("AUDIO.FORMAT.sample_bits"),
            channels: field("AUDIO.FORMAT.channels"),
            rate: register("AUDIO.RATE"),
            fill: field("AUDIO.STATUS.fill"),
            full: field("AUDIO.STATUS.full"),
            empty: field("AUDIO.STATUS.empty"),
            low: field("AUDIO.STATUS.low"),
            running: field("AUDIO.STATUS.running"),
            underrun: field("AUDIO.STATUS.underrun"),
            overflow: field("AUDIO.STATUS.overflow"),
            underrun_count: register("AUDIO.UNDERRUN_COUNT"),
            frames_played: register("AUDIO.FRAMES_PLAYED"),
            tx_left: register("AUDIO.TX_LEFT"),
            tx_right: register("AUDIO.TX_RIGHT"),
        };
        let mut units = MmioBus::new();
        for (name, unit) in [("SYSTEM".to_owned(), Unit::System), ("AUDIO".to_owned(), Unit::Audio)]
            .into_iter()
            .chain((0..CHANNELS).map(|index| (format!("PWM{index}"), Unit::Pwm(index))))
        {
            let (first, end) = span(&map, &name);
            MmioRange::new(MmioAddress(first), end - first)
                .and_then(|range| units.register(range, unit))
                .unwrap_or_else(|error| panic!("pwm-audio.svd: {name} from {first:#x} to {end:#x}: {error}"));
        }
        let cycle_ns = 1_000_000_000 / map[register("SYSTEM.CLOCK_HZ")].reset_value;
        Self { units, system, pwm, audio, cycle_ns, map: Arc::new(map) }
    }
}

/// The first byte of a peripheral's registers and the first one after them.
fn span(map: &RegisterMap, peripheral: &str) -> (u64, u64) {
    let registers = || {
        let registers = map.registers().map(|(_, register)| register);
        registers.filter(|register| register.name.split_once('.').is_some_and(|(name, _)| name == peripheral))
    };
    let first = registers().map(|register| register.offset).min();
    let end = registers().map(|register| register.offset + register.bytes()).max();
    first.zip(end).unwrap_or_else(|| panic!("pwm-audio.svd: the peripheral {peripheral} has no registers"))
}
