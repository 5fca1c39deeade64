// SPDX-License-Identifier: GPL-2.0

//! `/sys/bus/pci/devices/0000:00:1e.0/pwm_audio/`: what a device is, and what has happened to it
//! since the driver was bound to it.
//!
//! As Documentation/ABI/testing has it:
//!
//! ```text
//! What:           /sys/bus/pci/devices/.../pwm_audio/identity
//! Description:    (RO) The identity that the block has, 0x50574d41.
//!
//! What:           /sys/bus/pci/devices/.../pwm_audio/version
//! Description:    (RO) Version of the register map, MAJOR.MINOR.
//!
//! What:           /sys/bus/pci/devices/.../pwm_audio/interrupts
//! Description:    (RO) Interrupts that were the device's. One that the kernel counts and this does
//!                 not was another's, on a line that is shared.
//!
//! What:           /sys/bus/pci/devices/.../pwm_audio/underruns
//! Description:    (RO) How often a frame was due and there was none to play.
//!
//! What:           /sys/bus/pci/devices/.../pwm_audio/overruns
//! Description:    (RO) Frames that were received and lost, because nobody had taken those before
//!                 them.
//!
//! What:           /sys/bus/pci/devices/.../pwm_audio/dma_errors
//! Description:    (RO) Streams that the device has ended because of its DMA.
//! ```
//!
//! All but `interrupts` and `dma_errors` are read from the device, which is woken for that; ENODEV
//! if it is gone.

use crate::{
    attributes::{
        Attribute,
        Group,
        Groups,
        List, //
    },
    hardware::Registers,
    registers::*,
    DriverData,
    PwmAudioDriver, //
};
use kernel::{
    io::Io,
    prelude::*, //
};

const COUNT: usize = 6;

static ATTRIBUTES: [Attribute<PwmAudioDriver>; COUNT] = [
    Attribute::new(c"identity", |data, page| {
        let identity = data.read(|registers| registers.read(SYSTEM_IDENTITY))?;
        Ok(page.line(fmt!("{:#010x}", identity.into_raw())))
    }),
    Attribute::new(c"version", |data, page| {
        let version = data.read(|registers| registers.read(SYSTEM_VERSION))?;
        let (major, minor) = (version.major().get(), version.minor().get());
        Ok(page.line(fmt!("{major}.{minor}")))
    }),
    Attribute::new(c"interrupts", |data, page| {
        Ok(page.line(fmt!("{}", data.hardware.counters.interrupts.get())))
    }),
    Attribute::new(c"underruns", |data, page| {
        let before = data.hardware.counters.underruns_before_reset.get();
        let since = data.read(|registers| registers.read(TX_UNDERRUN_COUNT))?;
        Ok(page.line(fmt!("{}", before + u64::from(since.into_raw()))))
    }),
    Attribute::new(c"overruns", |data, page| {
        let before = data.hardware.counters.overruns_before_reset.get();
        let since = data.read(|registers| registers.read(RX_OVERRUN_COUNT))?;
        Ok(page.line(fmt!("{}", before + u64::from(since.into_raw()))))
    }),
    Attribute::new(c"dma_errors", |data, page| {
        Ok(page.line(fmt!("{}", data.hardware.counters.dma_errors.get())))
    }),
];
static LIST: List<PwmAudioDriver, { COUNT + 1 }> = List::new(&ATTRIBUTES);
static GROUP: Group<PwmAudioDriver> = Group::new(c"pwm_audio", &LIST);
/// What the driver adds to the folder of a device.
pub(crate) static GROUPS: Groups<PwmAudioDriver> = Groups::new(&GROUP);

impl DriverData<'_> {
    /// Reads from a device that is awake; [`ENODEV`] if it does not answer.
    fn read<T>(&self, read: impl FnOnce(&Registers<'_>) -> T) -> Result<T> {
        let _awake = self.hardware.awake()?;
        let registers = self.hardware.access()?;
        let value = read(&registers);
        // Last: a device that answers this has answered the other, too.
        if registers.read(SYSTEM_IDENTITY) != SYSTEM_IDENTITY::RESET {
            return Err(ENODEV);
        }
        Ok(value)
    }
}
