//! The PCI side of a device: configuration space, power states, and which BARs there are.

use super::{BAR_COUNT, Device, REGISTER_BAR, WINDOW_BAR};
use crate::msix::MSIX_BAR_BYTES;
use crate::{ConfigSpace, MSIX_BAR, OfferedInterrupts, Region, ShownState};

impl Device {
    /// Offers other interrupts than all of them, from the cold state on.
    #[must_use]
    pub fn offering(mut self, interrupts: OfferedInterrupts) -> Self {
        self.config = self.cold_config_space(interrupts);
        self
    }

    /// The interrupts that the device offers.
    pub fn offered_interrupts(&self) -> OfferedInterrupts {
        self.config.offered_interrupts()
    }

    pub(super) fn cold_config_space(&self, interrupts: OfferedInterrupts) -> ConfigSpace {
        let mut bars = [0; BAR_COUNT as usize];
        for (index, size) in (0..).zip(&mut bars) {
            *size = self.bar_bytes_offering(index, interrupts) as u32;
        }
        ConfigSpace::new(self.identity, &bars, interrupts)
    }

    pub(super) fn bar_bytes_offering(&self, index: u8, interrupts: OfferedInterrupts) -> u64 {
        match index {
            REGISTER_BAR => self.block.register_bytes(),
            WINDOW_BAR => self.window.as_ref().map_or(0, |window| window.bytes() as u64),
            MSIX_BAR if interrupts == OfferedInterrupts::MsiX => MSIX_BAR_BYTES,
            _ => 0,
        }
    }

    pub(super) fn read_config(&self, offset: u64, data: &mut [u8]) {
        let transactions_pending = !self.dma.is_idle();
        self.config.read(offset, ShownState { interrupt: self.interrupts.asserted(), transactions_pending }, data);
    }

    pub(super) fn write_config(&mut self, offset: u64, data: &[u8]) {
        let was_d3hot = self.config.is_d3hot();
        self.config.write(offset, data);
        let is_d3hot = self.config.is_d3hot();
        if is_d3hot != was_d3hot {
            self.note(if is_d3hot { "the function goes into D3hot" } else { "the function comes back to D0" });
        }
        self.interrupts.silence(is_d3hot);
        self.interrupts.disable_intx(self.config.intx_disabled());
        self.interrupts.mask_msix(self.config.msix_function_masked());
        if self.config.take_reset_request() {
            self.reset_function();
        }
    }

    /// PCI Power Management 1.2, section 5.4.1: in D3hot a function answers configuration requests only.
    pub(super) fn refuse_in_d3hot(&mut self, what: &str, region: Region, offset: u64, bytes: usize) {
        self.config.detected_unsupported_request();
        self.effects.fault(format!("{what} of {bytes} bytes at {region} {offset:#x}: the function is in D3hot"));
    }

    pub(super) fn is_msix(&self, region: Region) -> bool {
        region == Region::Bar(MSIX_BAR) && self.offered_interrupts() == OfferedInterrupts::MsiX
    }
}

#[cfg(test)]
mod tests;
