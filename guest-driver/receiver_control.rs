// SPDX-License-Identifier: GPL-2.0

//! The receiver's control register, which two own: the mixer its loopback bit, and who has claimed
//! the receiver all others.

use crate::{
    hardware::Access,
    registers::*, //
};
use kernel::{
    io::Io,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// The only way to write `RX_CONTROL`.
#[pin_data]
pub(crate) struct ReceiverControl {
    /// What was written last.
    #[pin]
    written: SpinLockIrq<RX_CONTROL>,
}

impl ReceiverControl {
    /// Of a device that was just reset.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            written <- new_spinlock_irq!(RX_CONTROL::zeroed()),
        })
    }

    /// Writes all of `control` but its loopback bit.
    pub(crate) fn write(&self, access: &Access<'_>, control: RX_CONTROL) {
        let mut written = self.written.lock();
        let control = control.with_loopback(written.loopback());
        access.write_reg(control);
        *written = control.with_flush(false);
    }

    /// Writes the loopback bit into a block that was reset.
    pub(crate) fn restore(&self, access: &Access<'_>) {
        let mut written = self.written.lock();
        *written = RX_CONTROL::zeroed().with_loopback(written.loopback());
        access.write_reg(*written);
    }

    /// Whether the receiver takes what the transmitter plays.
    pub(crate) fn loopback(&self) -> bool {
        self.written.lock().loopback()
    }

    /// Has the receiver take what the transmitter plays, or the block's audio input. Returns
    /// whether it was otherwise.
    pub(crate) fn set_loopback(&self, access: &Access<'_>, on: bool) -> bool {
        let mut written = self.written.lock();
        if written.loopback() == on {
            return false;
        }
        let control = written.with_loopback(on);
        // Of a receiver that has stopped by itself, by an error, no write may make a new start.
        let is_enabled = access.read(RX_CONTROL).enable();
        access.write_reg(control.with_enable(is_enabled && control.enable()));
        *written = control;
        true
    }
}
