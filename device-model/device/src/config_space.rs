//! The configuration space of a PCI Express function: PCI Express Base specification, section 7.5, and PCI Local Bus
//! specification 3.0, chapter 6.
//!
//! Of the 4,096 bytes the first 256 are used: that there are no extended capabilities is said by zeros at 0x100
//! (PCI Express 7.6.3).

mod capabilities;

use std::fmt;
use std::str::FromStr;

use capabilities::{EXPRESS, EXPRESS_DEVICE_CONTROL, EXPRESS_DEVICE_STATUS, MSIX_CONTROL, POWER_STATE};

/// Size of the configuration space.
pub const CONFIG_SPACE_BYTES: usize = 4_096;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const REVISION: usize = 0x08;
const BAR_0: usize = 0x10;
const SUBSYSTEM: usize = 0x2c;
const CAPABILITIES_POINTER: usize = 0x34;
const INTERRUPT_LINE: usize = 0x3c;
const INTERRUPT_PIN: usize = 0x3d;

/// Memory space, bus master, parity error response, SERR enable, interrupt disable (PCI 3.0, section 6.2.2).
const COMMAND_WRITABLE: u16 = 0x0546;
const COMMAND_BUS_MASTER: u8 = 1 << 2;
const COMMAND_INTERRUPT_DISABLE: u8 = 1 << (10 - 8);
const STATUS_INTERRUPT: u8 = 1 << 3;
const STATUS_CAPABILITIES: u16 = 1 << 4;
const STATUS_RECEIVED_MASTER_ABORT: u8 = 1 << (13 - 8);
/// Detected parity error, signalled system error, received master abort, received and signalled target abort, master
/// data parity error: cleared by writing 1 (section 6.2.3).
const STATUS_CLEARED_BY_ONES: u16 = 0xf900;

/// Who the function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Vendor, also of the subsystem.
    pub vendor_id: u16,
    /// Device, also of the subsystem.
    pub device_id: u16,
    /// Revision.
    pub revision_id: u8,
    /// Base class, sub-class and programming interface, from the high byte down.
    pub class_code: u32,
    /// Version of the block's register map, for the vendor-specific capability.
    pub block_version: u32,
}

/// The interrupts that a function offers: the one named and those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfferedInterrupts {
    /// None at all: what has no registers has nothing to clear one with.
    None,
    /// Pin A only.
    Intx,
    /// MSI with one vector, and pin A.
    Msi,
    /// MSI-X, MSI and pin A.
    #[default]
    MsiX,
}

/// A word that names no kind of interrupt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `msi-x`, `msi` or `intx`, found `{0}`")]
pub struct ParseOfferedInterruptsError(String);

impl FromStr for OfferedInterrupts {
    type Err = ParseOfferedInterruptsError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "intx" => Ok(Self::Intx),
            "msi" => Ok(Self::Msi),
            "msi-x" => Ok(Self::MsiX),
            other => Err(ParseOfferedInterruptsError(other.to_owned())),
        }
    }
}

impl fmt::Display for OfferedInterrupts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "none",
            Self::Intx => "intx",
            Self::Msi => "msi",
            Self::MsiX => "msi-x",
        })
    }
}

/// What the rest of the function shows in its configuration space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownState {
    /// Whether an interrupt is asserted.
    pub interrupt: bool,
    /// Whether DMA is under way.
    pub transactions_pending: bool,
}

/// The bytes of the configuration space and what writes do to their bits, byte by byte.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: Vec<u8>,
    writable: Vec<u8>,
    cleared_by_ones: Vec<u8>,
    offered: OfferedInterrupts,
    last_capability: usize,
    reset_requested: bool,
}

impl ConfigSpace {
    /// A function with memory BARs of the given sizes (0: no BAR; else a power of two of 16 or more), and the
    /// capabilities power management, PCI Express and one of the vendor's; with the interrupts that it offers pin A, MSI
    /// and MSI-X.
    ///
    /// # Panics
    /// If a size is no such power of two: the device's author has to mend that.
    pub fn new(identity: Identity, bar_bytes: &[u32; 6], offered: OfferedInterrupts) -> Self {
        let mut space = Self {
            bytes: vec![0; CONFIG_SPACE_BYTES],
            writable: vec![0; CONFIG_SPACE_BYTES],
            cleared_by_ones: vec![0; CONFIG_SPACE_BYTES],
            offered,
            last_capability: CAPABILITIES_POINTER - 1,
            reset_requested: false,
        };
        space.put16(0x00, identity.vendor_id, 0);
        space.put16(0x02, identity.device_id, 0);
        space.put16(COMMAND, 0, COMMAND_WRITABLE);
        space.put16(STATUS, STATUS_CAPABILITIES, 0);
        space.cleared_by_ones[STATUS..STATUS + 2].copy_from_slice(&STATUS_CLEARED_BY_ONES.to_le_bytes());
        space.put32(REVISION, identity.class_code << 8 | u32::from(identity.revision_id), 0);
        for (index, &size) in bar_bytes.iter().enumerate().filter(|(_, size)| **size > 0) {
            assert!(size.is_power_of_two() && size >= 16, "BAR{index}: {size} bytes is no power of two of 16 or more");
            space.put32(BAR_0 + 4 * index, 0, !(size - 1));
        }
        space.put16(SUBSYSTEM, identity.vendor_id, 0);
        space.put16(SUBSYSTEM + 2, identity.device_id, 0);
        if offered > OfferedInterrupts::None {
            space.writable[INTERRUPT_LINE] = 0xff;
            space.bytes[INTERRUPT_PIN] = 1;
        }
        space.put_capabilities(identity.block_version);
        space
    }

    fn put16(&mut self, offset: usize, value: u16, writable: u16) {
        self.bytes[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
        self.writable[offset..offset + 2].copy_from_slice(&writable.to_le_bytes());
    }

    fn put32(&mut self, offset: usize, value: u32, writable: u32) {
        self.bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        self.writable[offset..offset + 4].copy_from_slice(&writable.to_le_bytes());
    }

    /// Reads as many bytes as `data` has; what lies past the end reads as zero.
    pub fn read(&self, offset: u64, shown: ShownState, data: &mut [u8]) {
        let start = index(offset);
        data.fill(0);
        let rest = self.bytes.get(start..).unwrap_or_default();
        data.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let mut show = |place: usize, bit: u8, holds: bool| {
            if let Some(byte) = place.checked_sub(start).and_then(|at| data.get_mut(at)).filter(|_| holds) {
                *byte |= bit;
            }
        };
        show(STATUS, STATUS_INTERRUPT, shown.interrupt);
        let pending = capabilities::DEVICE_STATUS_TRANSACTIONS_PENDING;
        show(EXPRESS + EXPRESS_DEVICE_STATUS, pending, shown.transactions_pending);
    }

    /// Writes the bits that can be written, byte by byte; what lies past the end is ignored.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        for (place, &value) in (index(offset)..CONFIG_SPACE_BYTES).zip(data) {
            let writable = self.writable[place];
            if place == POWER_STATE && !capabilities::is_power_state(value) {
                continue;
            }
            self.bytes[place] =
                (self.bytes[place] & !writable | value & writable) & !(value & self.cleared_by_ones[place]);
            self.reset_requested |= place == EXPRESS + EXPRESS_DEVICE_CONTROL + 1
                && value & capabilities::DEVICE_CONTROL_INITIATE_RESET != 0;
        }
    }

    /// Whether a function-level reset has been asked for; asks once.
    pub fn take_reset_request(&mut self) -> bool {
        std::mem::take(&mut self.reset_requested)
    }

    /// The interrupts that the function offers.
    pub fn offered_interrupts(&self) -> OfferedInterrupts {
        self.offered
    }

    /// The Bus Master bit of the command register: whether the function may access guest memory.
    pub fn bus_master(&self) -> bool {
        self.bytes[COMMAND] & COMMAND_BUS_MASTER != 0
    }

    /// The Interrupt Disable bit of the command register.
    pub fn intx_disabled(&self) -> bool {
        self.bytes[COMMAND + 1] & COMMAND_INTERRUPT_DISABLE != 0
    }

    /// The Function Mask bit of MSI-X.
    pub fn msix_function_masked(&self) -> bool {
        self.bytes[MSIX_CONTROL + 1] & capabilities::MSIX_FUNCTION_MASK != 0
    }

    /// Whether the function is in D3hot, where it answers nothing but configuration requests and asks for nothing.
    pub fn is_d3hot(&self) -> bool {
        self.bytes[POWER_STATE] & capabilities::POWER_STATE_MASK == capabilities::POWER_STATE_D3HOT
    }

    /// Notes that a read of the function's has been answered by nobody.
    pub fn received_master_abort(&mut self) {
        self.bytes[STATUS + 1] |= STATUS_RECEIVED_MASTER_ABORT;
    }

    /// Notes that the function was asked for what it does not do.
    pub fn detected_unsupported_request(&mut self) {
        self.bytes[EXPRESS + EXPRESS_DEVICE_STATUS] |= capabilities::DEVICE_STATUS_UNSUPPORTED_REQUEST;
    }
}

/// An offset as an index; what no index can hold is past the end.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
