//! The PWM/audio block: four PWM channels and an audio transmitter behind one interrupt.
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
use device::{Block, Effects, Identity, Stored, Width};

pub use crate::map::rates_hz;

use crate::audio::Transmitter;
use crate::map::{REGISTERS, Unit};
use crate::pwm::Channel;
use crate::registers::Pwm;

/// The function that the block is shown as. Vendor 0x1b36 is Red Hat's, whose low device numbers QEMU's own devices
/// have; 0x0ad0 is allocated to nobody and borrowed here.
pub const PCI_IDENTITY: Identity =
    Identity { vendor_id: 0x1b36, device_id: 0x0ad0, revision_id: 1, class_code: 0x04_01_00 };

/// The function that the sample window is shown as, in the same slot. It is one of its own because QEMU waits for the reply
/// to each write to a BAR of a function that has a region to map.
pub const WINDOW_PCI_IDENTITY: Identity = Identity { device_id: 0x0ad1, class_code: 0x05_80_00, ..PCI_IDENTITY };

/// Size of the sample window that the guest maps.
pub const WINDOW_BYTES: usize = 0x1_0000;

/// Size of the register space: a page, which is what a guest maps at least.
const REGISTER_BYTES: u64 = 0x1000;

/// The block and its state.
pub struct PwmAudio {
    file: RegisterFile,
    channels: [Channel; Pwm::COUNT],
    transmitter: Transmitter,
}

impl Default for PwmAudio {
    fn default() -> Self {
        Self {
            file: RegisterFile::new(REGISTERS.map.clone()),
            channels: Default::default(),
            transmitter: Transmitter::default(),
        }
    }
}

impl PwmAudio {
    /// Brings the registers that an access touches and that the hardware changes up to date.
    fn refresh(&mut self, offset: u64, width: Width, now_ns: u64) {
        let first = Unit::at(offset);
        let last = Unit::at(offset + width.bytes() as u64 - 1).filter(|last| first != Some(*last));
        for unit in [first, last].into_iter().flatten() {
            match unit {
                // What its registers have is what was written to them, and interrupts, which are collected.
                Unit::System => {}
                Unit::Pwm(index) => self.channels[index].refresh(&REGISTERS.pwm[index], &mut self.file, now_ns),
                Unit::Audio => self.transmitter.refresh(&mut self.file),
            }
        }
    }

    /// Does what a write makes the hardware do.
    fn react(&mut self, change: &Change, now_ns: u64, effects: &mut Effects) {
        let system = &REGISTERS.system;
        let register = change.register;
        if register == system.control.register {
            self.file.set(register, 0);
            if change.written_to(system.control.reset) == Some(1) {
                self.reset(effects);
            }
        } else if register == system.interrupt_force.register {
            self.file.set(register, 0);
            self.set_interrupts(change.new);
        } else if let Some(index) = REGISTERS.pwm.iter().position(|pwm| pwm.control.register == register) {
            self.channels[index].controlled(&REGISTERS.pwm[index], change, now_ns);
        } else {
            self.transmitter.react(change, &mut self.file, now_ns, effects);
        }
    }

    fn set_interrupts(&mut self, interrupts: u64) {
        let status = REGISTERS.system.interrupt_status.register;
        self.file.set(status, self.file.get(status) | interrupts);
    }

    fn collect_interrupts(&mut self) {
        let interrupts = self.transmitter.take_interrupts();
        self.set_interrupts(interrupts);
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
        self.transmitter.advance(now_ns, effects);
        self.collect_interrupts();
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        self.transmitter.next_deadline_ns()
    }

    fn interrupt_asserted(&self) -> bool {
        let system = &REGISTERS.system;
        self.file.get(system.interrupt_status.register) & self.file.get(system.interrupt_enable.register) != 0
    }

    fn reset(&mut self, effects: &mut Effects) {
        self.transmitter.reset(effects);
        *self = Self::default();
    }
}
