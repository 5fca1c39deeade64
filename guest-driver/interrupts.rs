// SPDX-License-Identifier: GPL-2.0

//! The interrupt handler, and who hears of the device through it.
//!
//! The handler itself only asks whether the interrupt is the device's and keeps it from sending
//! another; all work is the thread's, since filling or emptying a FIFO is hundreds of accesses.

use crate::{
    hardware::Hardware,
    registers::SYSTEM_INTERRUPT_STATUS, //
};
use kernel::{
    irq::{
        IrqReturn,
        ThreadedHandler,
        ThreadedIrqReturn, //
    },
    prelude::*,
    sync::Arc, //
};

/// An interface of the driver that the device has news for. All methods are called where sleeping
/// is allowed.
pub(crate) trait Client: Send + Sync {
    /// Handles those of `pending` that are of what it does.
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS);

    /// Ends all waiting: [`Hardware::access`] fails from now on.
    fn device_gone(&self);

    /// The device is about to lose its state: streams end, and their users hear of it. Nobody has
    /// access until [`reset_done`](Self::reset_done).
    fn reset_prepare(&self);

    /// The device is as it was after the probe: what outlives streams has to be set again.
    fn reset_done(&self);
}

/// Everybody whom the device may have news for.
pub(crate) type Clients = Arc<KVec<Arc<dyn Client>>>;

/// What the interrupt core calls.
pub(crate) struct InterruptHandler {
    pub(crate) hardware: Arc<Hardware>,
    pub(crate) clients: Clients,
}

impl ThreadedHandler for InterruptHandler {
    fn handle(&self) -> ThreadedIrqReturn {
        let Ok(access) = self.hardware.access() else {
            return ThreadedIrqReturn::None;
        };
        match access.begin_interrupt() {
            Ok(false) => ThreadedIrqReturn::None,
            Ok(true) => ThreadedIrqReturn::WakeThread,
            Err(_) => {
                self.hardware.give_up();
                ThreadedIrqReturn::WakeThread
            }
        }
    }

    fn handle_threaded(&self) -> IrqReturn {
        // Not kept: a client may sleep.
        let pending = self.hardware.access().map(|access| access.pending());
        if let Ok(pending) = pending {
            for client in self.clients.iter() {
                client.handle_interrupt(pending);
            }
        }
        match self.hardware.access() {
            Ok(access) => access.end_interrupt(),
            Err(_) if self.hardware.is_gone() => {
                for client in self.clients.iter() {
                    client.device_gone();
                }
            }
            // It is away, and this not waited for.
            Err(_) => {}
        }
        IrqReturn::Handled
    }
}
