//! The PWM/audio block: eight PWM channels with capture and a converter, an audio transmitter and an audio receiver.
//!
//! A pure state machine: see [`device::Block`]. Its registers are in `pwm-audio.svd`: a register file stores them and
//! applies their access semantics, the block reacts to what changed.

mod audio;
mod map;
mod pwm;
#[allow(dead_code, reason = "every register and field is here, also what needs no code because storage does it")]
mod registers;

use std::sync::Arc;

use ::registers::{Change, RegisterFile, RegisterMap};
use device::{Block, DmaFailure, Effects, Identity, SampleWindow, Snapshot, SnapshotError, Stored, Width};
use serde_json::json;

pub use crate::audio::AudioInput;
pub use crate::map::rates_hz;

use crate::audio::{Audio, Step};
use crate::map::{REGISTERS, Unit};
use crate::pwm::{PwmChannels, SILENCE};

/// The function that the block is shown as. Vendor 0x1b36 is Red Hat's, whose low device numbers QEMU's own devices
/// have; 0x0ad0 is allocated to nobody and borrowed here.
pub const PCI_IDENTITY: Identity = Identity {
    vendor_id: 0x1b36,
    device_id: 0x0ad0,
    revision_id: 1,
    class_code: 0x04_01_00,
    // What SYSTEM.VERSION has.
    block_version: 0x0002_0000,
};

/// The function that the sample window is shown as, in the same slot. It is one of its own because QEMU waits for the reply
/// to each write to a BAR of a function that has a region to map.
pub const WINDOW_PCI_IDENTITY: Identity = Identity { device_id: 0x0ad1, class_code: 0x05_80_00, ..PCI_IDENTITY };

/// Size of the sample window that the guest maps.
pub const WINDOW_BYTES: usize = 0x1_0000;

/// Size of the register space: a page, which is what a guest maps at least.
const REGISTER_BYTES: u64 = 0x1000;

/// What the block is connected to.
#[derive(Default)]
pub struct Surroundings {
    /// The sample window, which the guest maps; without it there is none to play from or to record to.
    pub window: Option<SampleWindow>,
    /// Put out every edge of the PWM channels: [`device::Output::Edge`] with the channel as its signal.
    pub record_signals: bool,
    /// The signal input: levels and the times, ascending and in ns of device time, from which on it has them. Before the
    /// first one it is 0.
    pub signal_input: Vec<(u64, bool)>,
    /// What the receiver hears; silence if there is none.
    pub audio_input: Option<Box<dyn AudioInput>>,
}

/// The block and its state.
pub struct PwmAudio {
    file: RegisterFile,
    pwm: PwmChannels,
    audio: Audio,
    /// What the step at hand has played; kept for its memory.
    played: Vec<(u64, u32)>,
}

impl Default for PwmAudio {
    fn default() -> Self {
        Self::new(Surroundings::default())
    }
}

impl PwmAudio {
    /// A block in its state after reset.
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            file: RegisterFile::new(REGISTERS.map.clone()),
            pwm: PwmChannels::new(surroundings.record_signals, surroundings.signal_input),
            audio: Audio::new(surroundings.window, surroundings.audio_input),
            played: Vec::new(),
        }
    }

    /// Brings the registers that an access touches and that the hardware changes up to date.
    fn refresh(&mut self, offset: u64, width: Width, now_ns: u64) {
        let first = Unit::at(offset);
        let last = Unit::at(offset + width.bytes() as u64 - 1).filter(|last| first != Some(*last));
        for unit in [first, last].into_iter().flatten() {
            match unit {
                // What its registers have is what was written to them, and interrupts, which are collected.
                Unit::System => {}
                Unit::Pwm => self.pwm.refresh(&mut self.file, now_ns),
                Unit::Audio => self.audio.refresh(&mut self.file),
            }
        }
    }

    /// Does what a write makes the hardware do.
    fn react(&mut self, change: &Change, now_ns: u64, effects: &mut Effects) {
        match Unit::of(change.register) {
            Unit::System => self.react_system(change, now_ns, effects),
            Unit::Pwm => self.pwm.react(change, &mut self.file, now_ns, effects),
            Unit::Audio => self.with_audio(now_ns, effects, |audio, file, step| audio.react(change, file, step)),
        }
    }

    fn react_system(&mut self, change: &Change, now_ns: u64, effects: &mut Effects) {
        let (system, register) = (&REGISTERS.system, change.register);
        if register == system.control.register {
            self.file.set(register, 0);
            if change.written_to(system.control.reset) == Some(1) {
                self.start_over(now_ns, effects);
            }
        } else if register == system.interrupt_force.register {
            self.file.set(register, 0);
            self.set_interrupts(change.new);
        }
    }

    /// The state after reset, but for transfers that are under way: their ends are passed over when they come.
    fn start_over(&mut self, now_ns: u64, effects: &mut Effects) {
        self.file.reset();
        self.pwm.reset(effects);
        self.with_audio(now_ns, effects, |audio, _, step| audio.reset(step));
    }

    /// Does one step of the audio side, and lets the converter have what it has played.
    fn with_audio(
        &mut self,
        now_ns: u64,
        effects: &mut Effects,
        step: impl FnOnce(&mut Audio, &mut RegisterFile, Step),
    ) {
        let (played, follows) = (&mut self.played, self.pwm.follows_audio());
        let mut take = |time_ns, fraction: Option<u32>| {
            if !follows {
                // The latest is what a converter that is switched on later begins with.
                played.clear();
            }
            played.push((time_ns, fraction.unwrap_or(SILENCE)));
        };
        step(&mut self.audio, &mut self.file, Step { now_ns, effects, played: &mut take });
        for (time_ns, fraction) in self.played.drain(..) {
            self.pwm.audio_sample(time_ns, fraction, &mut self.file, effects);
        }
    }

    fn set_interrupts(&mut self, interrupts: u64) {
        let status = REGISTERS.system.interrupt_status.register;
        self.file.set(status, self.file.get(status) | interrupts);
    }

    fn restore_parts(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let refused = |part| move |reason| SnapshotError::Part { part, reason };
        self.file.restore(&snapshot.part("registers")?)?;
        self.pwm.restore(snapshot.part("pwm")?).map_err(refused("pwm"))?;
        self.audio.restore(snapshot.part("audio")?).map_err(refused("audio"))?;
        self.pwm.arm(&self.file);
        Ok(())
    }

    fn collect_interrupts(&mut self) {
        let interrupts = self.pwm.take_interrupts(&self.file) | self.audio.take_interrupts();
        self.set_interrupts(interrupts);
        self.pwm.arm(&self.file);
    }
}

/// The first byte of every run of bytes whose bits are set.
fn runs(bytes: u8) -> impl Iterator<Item = u64> {
    let starts = bytes & !(bytes << 1);
    (0..8).filter(move |byte| starts >> byte & 1 == 1)
}

impl Block for PwmAudio {
    fn register_bytes(&self) -> u64 {
        REGISTER_BYTES
    }

    fn register_map(&self) -> &Arc<RegisterMap> {
        &REGISTERS.map
    }

    fn read(&mut self, offset: u64, width: Width, now_ns: u64, effects: &mut Effects) -> u64 {
        self.refresh(offset, width, now_ns);
        let outcome = self.file.read(offset, width.bytes());
        for effect in outcome.effects.iter().filter(|effect| effect.modified != 0) {
            self.with_audio(now_ns, effects, |audio, _, step| audio.react_to_read(effect, step));
        }
        for byte in runs(outcome.unmapped_bytes) {
            effects.fault(format!("read at offset {:#x}: no register is there, it reads as 0", offset + byte));
        }
        outcome.value
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, now_ns: u64, effects: &mut Effects) -> Stored {
        self.refresh(offset, width, now_ns);
        let outcome = self.file.write(offset, width.bytes(), value);
        for change in outcome.changes.iter() {
            let register = &REGISTERS.map[change.register];
            if register.writable_bits() == 0 {
                effects
                    .fault(format!("write to {} (offset {:#x}): it takes no writes", register.name, register.offset));
            } else {
                self.react(change, now_ns, effects);
            }
        }
        for byte in runs(outcome.unmapped_bytes) {
            effects.fault(format!("write to no register (offset {:#x}): it takes no writes", offset + byte));
        }
        self.collect_interrupts();
        Stored { old: outcome.old, new: outcome.new }
    }

    fn advance(&mut self, now_ns: u64, effects: &mut Effects) {
        self.with_audio(now_ns, effects, |audio, _, step| audio.advance(step));
        self.pwm.advance(&mut self.file, now_ns, effects);
        self.collect_interrupts();
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        [self.pwm.next_deadline_ns(), self.audio.next_deadline_ns(&self.file)].into_iter().flatten().min()
    }

    fn interrupt_vectors(&self) -> u16 {
        let system = &REGISTERS.system;
        let asserted =
            self.file.get(system.interrupt_status.register) & self.file.get(system.interrupt_enable.register);
        let vectors =
            [system.vectors_low.register, system.vectors_high.register].map(|register| self.file.get(register));
        // Eight sources a register, four bits a source.
        (0..u64::BITS / 4)
            .filter(|source| asserted >> source & 1 == 1)
            .fold(0, |asserted, source| asserted | 1 << (vectors[source as usize / 8] >> (4 * (source % 8)) & 0xf))
    }

    fn dma_ended(&mut self, channel: u8, result: Result<Vec<u8>, DmaFailure>, now_ns: u64, effects: &mut Effects) {
        self.with_audio(now_ns, effects, |audio, _, step| audio.dma_ended(channel, result, step));
        self.collect_interrupts();
    }

    fn reset(&mut self, effects: &mut Effects) {
        // Nobody plays any more who could tell when: the channels are reset as well.
        self.start_over(0, effects);
        self.audio.forget_transfers();
    }

    fn save(&self) -> Snapshot {
        let (pwm, audio) = (self.pwm.save(), self.audio.save());
        Snapshot::new(json!({ "registers": self.file.save(), "pwm": pwm, "audio": audio }))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let before = self.save();
        let restored = self.restore_parts(snapshot);
        if restored.is_err() {
            self.restore_parts(&before)?;
        }
        restored
    }
}
