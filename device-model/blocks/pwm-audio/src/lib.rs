//! The PWM/audio block: four PWM channels and an audio transmitter behind one interrupt.
//!
//! A pure state machine: see [`device::Block`]. Its registers are in [`spec`].

mod audio;
mod pwm;
pub mod spec;

use std::ops::Range;

use device::{Block, Effects, Identity, Width};
use vm_device::bus::{MmioAddress, MmioBus, MmioRange};

use crate::audio::Transmitter;
use crate::pwm::Channel;
use crate::spec::system::{
    CLOCK_HZ, CLOCK_HZ_VALUE, CONTROL, CONTROL_RESET, IDENTITY, IDENTITY_VALUE, INTERRUPT_ALL, INTERRUPT_ENABLE,
    INTERRUPT_FORCE, INTERRUPT_STATUS, SCRATCH, VERSION, VERSION_VALUE,
};

/// The function that the block is shown as. Vendor 0x1b36 is Red Hat's, whose low device numbers QEMU's own devices
/// have; 0x0ad0 is allocated to nobody and borrowed here.
pub const PCI_IDENTITY: Identity =
    Identity { vendor_id: 0x1b36, device_id: 0x0ad0, revision_id: 1, class_code: 0x04_01_00 };

/// Size of the sample window that the guest maps.
pub const WINDOW_BYTES: usize = 0x1_0000;

/// A part of the block with a range of registers of its own.
#[derive(Clone, Copy, Debug)]
enum Unit {
    System,
    Pwm(usize),
    Audio,
}

/// The block and its state.
pub struct PwmAudio {
    bus: MmioBus<Unit>,
    scratch: u32,
    interrupt_status: u32,
    interrupt_enable: u32,
    channels: [Channel; spec::pwm::CHANNELS as usize],
    transmitter: Transmitter,
}

impl Default for PwmAudio {
    fn default() -> Self {
        Self {
            bus: bus(),
            scratch: 0,
            interrupt_status: 0,
            interrupt_enable: 0,
            channels: Default::default(),
            transmitter: Transmitter::default(),
        }
    }
}

fn bus() -> MmioBus<Unit> {
    let channels = (0..spec::pwm::CHANNELS)
        .map(|index| (spec::pwm::BASE + index * spec::pwm::STRIDE, spec::pwm::BYTES, Unit::Pwm(index as usize)));
    let mut bus = MmioBus::new();
    for (base, bytes, unit) in
        [(spec::system::BASE, spec::system::BYTES, Unit::System), (spec::audio::BASE, spec::audio::BYTES, Unit::Audio)]
            .into_iter()
            .chain(channels)
    {
        MmioRange::new(MmioAddress(base), bytes)
            .and_then(|range| bus.register(range, unit))
            .unwrap_or_else(|error| panic!("the register map's {unit:?} at {base:#x}: {error}"));
    }
    bus
}

/// A register's part of an access.
struct Lane {
    /// Offset of the register in the register space.
    offset: u64,
    /// Where the access's bytes are in the register's four.
    bytes: Range<u64>,
    /// The access's byte that goes with the first of them.
    first: u64,
}

impl Lane {
    /// The registers that an access touches, in ascending order.
    fn of_access(offset: u64, width: Width) -> impl Iterator<Item = Self> {
        let end = offset + width.bytes() as u64;
        (offset & !3..end).step_by(4).map(move |register| {
            let first = register.max(offset);
            Self {
                offset: register,
                bytes: first - register..(register + 4).min(end) - register,
                first: first - offset,
            }
        })
    }

    /// The register's bits that the access carries.
    fn mask(&self) -> u32 {
        (((1_u64 << (8 * (self.bytes.end - self.bytes.start))) - 1) << (8 * self.bytes.start)) as u32
    }
}

impl PwmAudio {
    fn unit(&self, offset: u64) -> Option<(Unit, u64)> {
        let (range, unit) = self.bus.check_access(MmioAddress(offset), 4).ok()?;
        Some((*unit, offset - range.base().0))
    }

    fn read_register(&self, register: u64, now_ns: u64) -> Option<u32> {
        let (unit, offset) = self.unit(register)?;
        match unit {
            Unit::System => Some(self.read_system(offset)),
            Unit::Pwm(index) => self.channels[index].read(offset, now_ns),
            Unit::Audio => self.transmitter.read(offset),
        }
    }

    fn read_system(&self, offset: u64) -> u32 {
        match offset {
            IDENTITY => IDENTITY_VALUE,
            VERSION => VERSION_VALUE,
            SCRATCH => self.scratch,
            INTERRUPT_STATUS => self.interrupt_status,
            INTERRUPT_ENABLE => self.interrupt_enable,
            CLOCK_HZ => CLOCK_HZ_VALUE,
            _ => 0,
        }
    }

    /// `false` where no register takes a write.
    fn write_register(&mut self, register: u64, value: u32, lanes: u32, now_ns: u64, effects: &mut Effects) -> bool {
        let Some((unit, offset)) = self.unit(register) else { return false };
        match unit {
            Unit::System => self.write_system(offset, value & lanes, lanes, effects),
            Unit::Pwm(index) => self.channels[index].write(offset, value, lanes, now_ns),
            Unit::Audio => self.transmitter.write(offset, value, lanes, now_ns, effects),
        }
    }

    fn write_system(&mut self, offset: u64, value: u32, lanes: u32, effects: &mut Effects) -> bool {
        match offset {
            SCRATCH => self.scratch = self.scratch & !lanes | value,
            CONTROL if value & CONTROL_RESET != 0 => self.reset(effects),
            CONTROL => {}
            INTERRUPT_STATUS => self.interrupt_status &= !value,
            INTERRUPT_ENABLE => self.interrupt_enable = (self.interrupt_enable & !lanes | value) & INTERRUPT_ALL,
            INTERRUPT_FORCE => self.interrupt_status |= value & INTERRUPT_ALL,
            _ => return false,
        }
        true
    }

    fn collect_interrupts(&mut self) {
        self.interrupt_status |= self.transmitter.take_interrupts();
    }

    fn name(&self, register: u64) -> String {
        let named = |names: &[(u64, &'static str)], offset| {
            names.iter().find(|(named, _)| *named == offset).map_or("no register", |(_, name)| name)
        };
        match self.unit(register) {
            Some((Unit::Pwm(index), offset)) => format!("PWM{index}.{}", named(spec::PWM_NAMES, offset)),
            _ => named(spec::NAMES, register).to_owned(),
        }
    }
}

impl Block for PwmAudio {
    fn register_bytes(&self) -> u64 {
        spec::REGISTER_BYTES
    }

    fn register_name(&self, offset: u64, width: Width) -> String {
        let names: Vec<String> = Lane::of_access(offset, width).map(|lane| self.name(lane.offset)).collect();
        names.join(" + ")
    }

    fn read(&mut self, offset: u64, width: Width, now_ns: u64, effects: &mut Effects) -> u64 {
        let mut value = 0;
        for lane in Lane::of_access(offset, width) {
            if let Some(register) = self.read_register(lane.offset, now_ns) {
                let bits = u64::from(register & lane.mask()) >> (8 * lane.bytes.start);
                value |= bits << (8 * lane.first);
            } else {
                effects.fault(format!("read at offset {:#x}: no register is there, it reads as 0", lane.offset));
            }
        }
        value
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, now_ns: u64, effects: &mut Effects) {
        for lane in Lane::of_access(offset, width) {
            let bits = (value >> (8 * lane.first) << (8 * lane.bytes.start)) as u32;
            if !self.write_register(lane.offset, bits, lane.mask(), now_ns, effects) {
                let name = self.name(lane.offset);
                effects.fault(format!("write to {name} (offset {:#x}): it takes no writes", lane.offset));
            }
        }
        self.collect_interrupts();
    }

    fn advance(&mut self, now_ns: u64, effects: &mut Effects) {
        self.transmitter.advance(now_ns, effects);
        self.collect_interrupts();
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        self.transmitter.next_deadline_ns()
    }

    fn interrupt_asserted(&self) -> bool {
        self.interrupt_status & self.interrupt_enable != 0
    }

    fn reset(&mut self, effects: &mut Effects) {
        self.transmitter.reset(effects);
        *self = Self::default();
    }
}
