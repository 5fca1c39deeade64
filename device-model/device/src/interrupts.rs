//! The interrupt pins of a PCI function: which of them fires when the block's level changes.

use std::fmt;

/// A way of telling the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The level-triggered pin A.
    Intx,
    /// The one message-signalled vector.
    Msi,
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Intx => "INTx",
            Self::Msi => "MSI",
        })
    }
}

/// Which pins are connected and what the block's level is.
///
/// MSI has one edge each time the level rises. INTx masks itself when it fires (VFIO's "automask") and fires again
/// on unmask while the level is still high: so a handler that never clears its source gets one message an assertion,
/// or a level, and never a storm of the device's making.
#[derive(Debug, Default)]
pub struct Interrupts {
    asserted: bool,
    intx_disabled: bool,
    intx: Option<ConnectedIntx>,
    msi: Option<ConnectedMsi>,
}

#[derive(Debug)]
struct ConnectedIntx {
    masked: bool,
}

#[derive(Debug)]
struct ConnectedMsi {
    /// The level has risen and the message has not been sent yet.
    owed: bool,
}

impl Interrupts {
    /// Whether the block asserts its interrupt.
    pub fn asserted(&self) -> bool {
        self.asserted
    }

    /// Takes the block's level after a step.
    pub fn set_level(&mut self, asserted: bool) {
        if let Some(msi) = &mut self.msi {
            msi.owed = asserted && (msi.owed || !self.asserted);
        }
        self.asserted = asserted;
    }

    /// Connects or disconnects a pin. A level that is already high is told to whoever connects.
    pub fn connect(&mut self, pin: Pin, connected: bool) {
        match pin {
            Pin::Intx => self.intx = connected.then_some(ConnectedIntx { masked: false }),
            Pin::Msi => self.msi = connected.then_some(ConnectedMsi { owed: self.asserted }),
        }
    }

    /// Masks or unmasks pin A.
    pub fn mask_intx(&mut self, masked: bool) {
        if let Some(intx) = &mut self.intx {
            intx.masked = masked;
        }
    }

    /// Takes the Interrupt Disable bit of the command register (PCI Local Bus 3.0, section 6.2.2).
    pub fn disable_intx(&mut self, disabled: bool) {
        self.intx_disabled = disabled;
    }

    /// The pin that has to fire now; it counts as fired. Ask after every change.
    pub fn take_due(&mut self) -> Option<Pin> {
        if let Some(msi) = &mut self.msi {
            return std::mem::take(&mut msi.owed).then_some(Pin::Msi);
        }
        let intx = self.intx.as_mut().filter(|intx| !intx.masked)?;
        intx.masked = self.asserted && !self.intx_disabled;
        intx.masked.then_some(Pin::Intx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msi_has_one_edge_an_assertion() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Msi, true);
        for _ in 0..2 {
            interrupts.set_level(true);
            interrupts.set_level(true);
            assert_eq!(interrupts.take_due(), Some(Pin::Msi));
            interrupts.set_level(true);
            assert_eq!(interrupts.take_due(), None);
            interrupts.set_level(false);
            assert_eq!(interrupts.take_due(), None);
        }
    }

    #[test]
    fn msi_that_is_connected_late_learns_of_the_level() {
        let mut interrupts = Interrupts::default();
        interrupts.set_level(true);
        assert_eq!(interrupts.take_due(), None);
        interrupts.connect(Pin::Msi, true);
        assert_eq!(interrupts.take_due(), Some(Pin::Msi));
    }

    #[test]
    fn intx_fires_again_after_unmask_while_the_level_is_high() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Intx, true);
        interrupts.set_level(true);
        assert_eq!(interrupts.take_due(), Some(Pin::Intx));
        assert_eq!(interrupts.take_due(), None);
        interrupts.mask_intx(false);
        assert_eq!(interrupts.take_due(), Some(Pin::Intx));
        interrupts.set_level(false);
        interrupts.mask_intx(false);
        assert_eq!(interrupts.take_due(), None);
    }

    #[test]
    fn the_interrupt_disable_bit_silences_intx_only() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Intx, true);
        interrupts.disable_intx(true);
        interrupts.set_level(true);
        assert_eq!(interrupts.take_due(), None);
        interrupts.connect(Pin::Msi, true);
        assert_eq!(interrupts.take_due(), Some(Pin::Msi));
    }
}
