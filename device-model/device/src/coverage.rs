//! The coverage of a device's registers, and who takes it when the device ends.

use registers::Coverage;

/// Takes the coverage of a device that ends.
pub type CoverageTaker = Box<dyn FnOnce(&Coverage) + Send>;

/// Hands the coverage out once: when it is asked to, else when it is dropped.
pub(crate) struct HandedOut {
    pub(crate) coverage: Coverage,
    pub(crate) taker: Option<CoverageTaker>,
}

impl HandedOut {
    pub(crate) fn hand_out(&mut self) {
        if let Some(take) = self.taker.take() {
            take(&self.coverage);
        }
    }
}

impl Drop for HandedOut {
    fn drop(&mut self) {
        self.hand_out();
    }
}
