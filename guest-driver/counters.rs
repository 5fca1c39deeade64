// SPDX-License-Identifier: GPL-2.0

//! What has happened since the driver was bound to the device.

use crate::registers::SYSTEM_INTERRUPT_STATUS;
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// A number that only grows. Nothing is ordered by it.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.add(count, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of a device.
pub(crate) struct Counters {
    /// Interrupts that were the device's.
    pub(crate) interrupts: Counter,
    /// Underruns before the latest reset of the device, whose own counter has those after it.
    pub(crate) underruns_before_reset: Counter,
    /// The same of frames lost to overruns.
    pub(crate) overruns_before_reset: Counter,
    /// Streams that the device has ended because of an error, which can be one of their DMA only.
    pub(crate) dma_errors: Counter,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            interrupts: Counter::new(),
            underruns_before_reset: Counter::new(),
            overruns_before_reset: Counter::new(),
            dma_errors: Counter::new(),
        }
    }
    /// Counts an interrupt of the device, which asked for it with `pending`.
    pub(crate) fn count_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        self.interrupts.add(1);
        let errors = [pending.tx_error(), pending.rx_error()];
        self.dma_errors
            .add(errors.into_iter().filter(|is_set| *is_set).count() as u64);
    }
}
