//! The interrupt pins of a PCI function: which of them fires when the block's levels change.

use std::fmt;

use crate::msix::Vectors;

/// A way of telling the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    /// The level-triggered pin A.
    Intx,
    /// The one vector of MSI.
    Msi,
    /// A vector of MSI-X.
    MsiX(u8),
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intx => formatter.write_str("INTx"),
            Self::Msi => formatter.write_str("MSI"),
            Self::MsiX(vector) => write!(formatter, "MSI-X vector {vector}"),
        }
    }
}

/// Which pins are connected and what the block's levels are. If several kinds are connected, the later of INTx, MSI and
/// MSI-X has them.
///
/// MSI and MSI-X have one message each time the level rises: of any vector, or of their own. It is owed from then on
/// until it is sent or the level falls, also while nobody is connected. INTx masks itself when it fires (VFIO's
/// "automask") and fires again on unmask while the level is still high. So a handler that never clears its source gets
/// one message an assertion, or a level, and never a storm of the device's making.
#[derive(Debug, Default)]
pub struct Interrupts {
    asserted: bool,
    /// In D3hot nothing is sent; it is owed until then.
    silent: bool,
    intx_disabled: bool,
    intx: Option<ConnectedIntx>,
    msi: Msi,
    pub(crate) vectors: Vectors,
}

#[derive(Debug)]
struct ConnectedIntx {
    masked: bool,
}

#[derive(Debug, Default)]
struct Msi {
    connected: bool,
    /// The level has risen and the message has not been sent yet.
    owed: bool,
}

impl Interrupts {
    /// Whether the block asserts an interrupt.
    pub fn asserted(&self) -> bool {
        self.asserted
    }

    /// Takes the levels of the block's vectors after a step.
    pub fn set_levels(&mut self, vectors: u16) {
        let asserted = vectors != 0;
        self.msi.owed = asserted && (self.msi.owed || !self.asserted);
        self.asserted = asserted;
        self.vectors.set_levels(vectors);
    }

    /// Connects or disconnects a pin.
    pub fn connect(&mut self, pin: Pin, connected: bool) {
        match pin {
            Pin::Intx => self.intx = connected.then_some(ConnectedIntx { masked: false }),
            Pin::Msi => self.msi.connected = connected,
            Pin::MsiX(vector) => self.vectors.connect(vector, connected),
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

    /// Takes the Function Mask bit of MSI-X (section 6.8.2.3).
    pub fn mask_msix(&mut self, masked: bool) {
        self.vectors.mask_function(masked);
    }

    /// Lets nothing be sent, or everything that is owed.
    pub fn silence(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// Puts what the guest has set up into its state after reset. What is connected is the client's and stays.
    pub fn reset(&mut self) {
        self.intx_disabled = false;
        self.silent = false;
        self.vectors.reset();
    }

    /// A pin that has to fire now; it counts as fired. Ask after every change, until there is none.
    pub fn take_due(&mut self) -> Option<Pin> {
        if self.silent {
            return None;
        }
        if self.vectors.is_connected() {
            return self.vectors.take_due().map(Pin::MsiX);
        }
        if self.msi.connected {
            return std::mem::take(&mut self.msi.owed).then_some(Pin::Msi);
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
    fn msi_has_one_edge_an_assertion_whichever_vectors_assert_it() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Msi, true);
        for _ in 0..2 {
            interrupts.set_levels(0x0001);
            interrupts.set_levels(0x8000);
            assert_eq!(interrupts.take_due(), Some(Pin::Msi));
            interrupts.set_levels(0x8001);
            assert_eq!(interrupts.take_due(), None);
            interrupts.set_levels(0);
            assert_eq!(interrupts.take_due(), None);
        }
    }

    #[test]
    fn whoever_connects_late_learns_of_a_level_that_nobody_has_been_told_of() {
        for pin in [Pin::Intx, Pin::Msi, Pin::MsiX(2)] {
            let mut interrupts = Interrupts::default();
            interrupts.set_levels(0b100);
            assert_eq!(interrupts.take_due(), None);
            interrupts.connect(pin, true);
            assert_eq!(interrupts.take_due(), Some(pin));
            assert_eq!(interrupts.take_due(), None);
        }
    }

    #[test]
    fn a_handler_that_never_clears_its_source_gets_no_storm() {
        for (pin, others) in [(Pin::Msi, 0), (Pin::MsiX(0), 0), (Pin::Intx, 3)] {
            let mut interrupts = Interrupts::default();
            interrupts.connect(pin, true);
            interrupts.set_levels(1);
            assert_eq!(interrupts.take_due(), Some(pin));
            for _ in 0..1_000 {
                interrupts.set_levels(1);
                assert_eq!(interrupts.take_due(), None, "{pin}");
            }
            // What its handler makes of it: an end of interrupt each time, which unmasks INTx.
            let again = (0..3).filter(|_| {
                interrupts.mask_intx(false);
                interrupts.take_due().is_some()
            });
            assert_eq!(again.count(), others, "{pin}");
        }
    }

    #[test]
    fn intx_fires_again_after_unmask_while_the_level_is_high() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Intx, true);
        interrupts.set_levels(0b10);
        assert_eq!(interrupts.take_due(), Some(Pin::Intx));
        assert_eq!(interrupts.take_due(), None);
        interrupts.mask_intx(false);
        assert_eq!(interrupts.take_due(), Some(Pin::Intx));
        interrupts.set_levels(0);
        interrupts.mask_intx(false);
        assert_eq!(interrupts.take_due(), None);
    }

    #[test]
    fn the_interrupt_disable_bit_silences_intx_only() {
        let mut interrupts = Interrupts::default();
        interrupts.connect(Pin::Intx, true);
        interrupts.disable_intx(true);
        interrupts.set_levels(1);
        assert_eq!(interrupts.take_due(), None);
        interrupts.connect(Pin::Msi, true);
        assert_eq!(interrupts.take_due(), Some(Pin::Msi));
    }

    #[test]
    fn what_is_owed_in_silence_is_sent_after_it() {
        for pin in [Pin::Intx, Pin::Msi, Pin::MsiX(0)] {
            let mut interrupts = Interrupts::default();
            interrupts.connect(pin, true);
            interrupts.silence(true);
            interrupts.set_levels(1);
            assert_eq!(interrupts.take_due(), None);
            interrupts.silence(false);
            assert_eq!(interrupts.take_due(), Some(pin));
        }
    }

    #[test]
    fn vectors_fire_one_after_the_other_and_before_msi_and_intx() {
        let mut interrupts = Interrupts::default();
        for pin in [Pin::Intx, Pin::Msi, Pin::MsiX(1), Pin::MsiX(4)] {
            interrupts.connect(pin, true);
        }
        interrupts.set_levels(0b1_0011);
        assert_eq!([0; 3].map(|_| interrupts.take_due()), [Some(Pin::MsiX(1)), Some(Pin::MsiX(4)), None]);
    }
}
