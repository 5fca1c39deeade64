// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/pwm_audio/0000:00:1e.0/registers`: every register of the datasheet, by name.
//!
//! A line has the offset, the name and the value. A register whose read changes something is not
//! read, and neither is one that can only be written; the line says so. Reading the file wakes the
//! device.

use crate::{
    hardware::Hardware,
    registers::{
        NamedRegister,
        Reading,
        REGISTERS, //
    }, //
};
use kernel::{
    debugfs::{
        Dir,
        Writer, //
    },
    device::Device,
    fmt,
    io::Io,
    prelude::*,
    sync::{
        global_lock,
        Arc, //
    },
};

global_lock! {
    /// The folder of all devices, as long as the module is loaded.
    // SAFETY: `Root::new` initialises it, before the first device is probed.
    unsafe(uninit) static ROOT: Mutex<Option<Dir>> = None;
}

/// Keeps the folder of all devices.
pub(crate) struct Root(());

impl Root {
    /// # Safety
    ///
    /// Called once, before any [`RegisterDump::file`].
    pub(crate) unsafe fn new(name: &CStr) -> Self {
        // SAFETY: The caller promises it to be the first call and the only one.
        unsafe { ROOT.init() };
        *ROOT.lock() = Some(Dir::new(name));
        Self(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        *ROOT.lock() = None;
    }
}

/// What the file shows.
pub(crate) struct RegisterDump(pub(crate) Arc<Hardware>);

impl RegisterDump {
    /// The file's name in the [`folder`] of its device.
    pub(crate) const FILE: &'static CStr = c"registers";

    fn line(&self, register: &NamedRegister, output: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(output, "{:#05x} {}: ", register.offset, register.name)?;
        match register.reading {
            Reading::Value => {}
            Reading::Effect => return writeln!(output, "not read, a read changes something"),
            Reading::Nothing => return writeln!(output, "not read, it is write-only"),
        }
        // Not for all of them together: who has access keeps the processor.
        let Ok(registers) = self.0.access() else {
            return writeln!(output, "not read, the device is away");
        };
        match registers.try_read32(register.offset) {
            Ok(value) => writeln!(output, "{value:#010x}"),
            Err(_) => writeln!(output, "not read, it is not in the BAR"),
        }
    }
}

impl Writer for RegisterDump {
    fn write(&self, output: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(_awake) = self.0.awake() else {
            return writeln!(output, "the device does not wake up");
        };
        REGISTERS
            .iter()
            .try_for_each(|register| self.line(register, output))
    }
}

// `line` reads 32 bits.
const _: () = {
    let mut index = 0;
    while index < REGISTERS.len() {
        assert!(REGISTERS[index].bits == 32);
        index += 1;
    }
};

/// The folder of a device. There is none if there was no memory for it, or no debugfs.
pub(crate) fn folder(device: &Device) -> Result<Dir> {
    let root = ROOT.lock().clone().ok_or(ENODEV)?;
    Ok(root.subdir(device.name()))
}
