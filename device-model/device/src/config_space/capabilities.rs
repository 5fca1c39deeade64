//! The capabilities: where they are, and what they have before anybody has written to them.

use super::{ConfigSpace, OfferedInterrupts};
use crate::msix;

const MSI: usize = 0x40;
const POWER_MANAGEMENT: usize = 0x50;
const MSIX: usize = 0x60;
pub(super) const EXPRESS: usize = 0x70;
const VENDOR: usize = 0xb0;

// Identifiers of capabilities: PCI Local Bus 3.0, appendix H.
const POWER_MANAGEMENT_ID: u8 = 0x01;
const MSI_ID: u8 = 0x05;
const VENDOR_ID: u8 = 0x09;
const EXPRESS_ID: u8 = 0x10;
const MSIX_ID: u8 = 0x11;

/// "64-bit address capable" of MSI's message control (PCI 3.0, section 6.8.1.3); one vector, no mask bits.
const MSI_CONTROL_64_BIT: u16 = 1 << 7;
const MSI_CONTROL_ENABLE: u16 = 1;

/// Message control of MSI-X (section 6.8.2.3). Its low bits have the number of vectors, less 1.
pub(super) const MSIX_CONTROL: usize = MSIX + 2;
const MSIX_CONTROL_WRITABLE: u16 = 1 << 15 | 1 << 14;
/// In the high byte.
pub(super) const MSIX_FUNCTION_MASK: u8 = 1 << (14 - 8);

/// Low byte of the control and status register (PCI Power Management 1.2, section 3.2.4).
pub(super) const POWER_STATE: usize = POWER_MANAGEMENT + 4;
pub(super) const POWER_STATE_MASK: u8 = 0b11;
pub(super) const POWER_STATE_D3HOT: u8 = 0b11;
const POWER_STATE_D0: u8 = 0b00;
/// Version 3 of the interface; neither D1 nor D2, no PME.
const POWER_CAPABILITIES: u16 = 0b011;
/// Back from D3hot the function is as it was: a driver restores nothing.
const POWER_NO_SOFT_RESET: u16 = 1 << 3;

// Registers of the PCI Express capability (PCI Express Base, section 7.5.3), from its begin.
const EXPRESS_CAPABILITIES: usize = 0x02;
const EXPRESS_DEVICE_CAPABILITIES: usize = 0x04;
pub(super) const EXPRESS_DEVICE_CONTROL: usize = 0x08;
pub(super) const EXPRESS_DEVICE_STATUS: usize = 0x0a;
const EXPRESS_LINK_CAPABILITIES: usize = 0x0c;
const EXPRESS_LINK_STATUS: usize = 0x12;
const EXPRESS_DEVICE_CAPABILITIES_2: usize = 0x24;
const EXPRESS_DEVICE_CONTROL_2: usize = 0x28;
const EXPRESS_LINK_CAPABILITIES_2: usize = 0x2c;

/// Version 2 of the structure, of an endpoint: QEMU makes one that is integrated into the root complex of it on pcie.0,
/// and refuses everything that is neither.
const EXPRESS_ENDPOINT: u16 = 0x0002;
/// Role-based error reporting, function-level reset; packets of 128 bytes at most.
const DEVICE_CAPABILITIES: u32 = 1 << 28 | 1 << 15;
/// Reads of 512 bytes at most.
const DEVICE_CONTROL: u16 = 0b010 << 12;
/// The size of reads and the four enable bits of error reports. Relaxed ordering and No Snoop are never used and
/// hardwired to 0.
const DEVICE_CONTROL_WRITABLE: u16 = 0b111 << 12 | 0b1111;
/// In the high byte; reads as 0.
pub(super) const DEVICE_CONTROL_INITIATE_RESET: u8 = 1 << (15 - 8);
/// The four kinds of errors that were detected.
const DEVICE_STATUS_CLEARED_BY_ONES: u8 = 0b1111;
pub(super) const DEVICE_STATUS_UNSUPPORTED_REQUEST: u8 = 1 << 3;
pub(super) const DEVICE_STATUS_TRANSACTIONS_PENDING: u8 = 1 << 5;
/// 2.5 GT/s, one lane. There is no link to control, so its control register is hardwired to 0.
const LINK_CAPABILITIES: u32 = 1 << 4 | 1;
const LINK_STATUS: u16 = 1 << 4 | 1;
const LINK_CAPABILITIES_2: u32 = 1 << 1;
/// That the function may wait for completions without a time-out.
const COMPLETION_TIMEOUT_DISABLE: u8 = 1 << 4;

/// The whole of the vendor-specific capability: identifier, next, this length, 0, version of the block (32 bits).
const VENDOR_BYTES: u8 = 8;

/// Whether the function has the power state of a write. A write of one that it does not have is without effect (PCI Power
/// Management 1.2, section 3.2.4).
pub(super) fn is_power_state(value: u8) -> bool {
    matches!(value & POWER_STATE_MASK, POWER_STATE_D0 | POWER_STATE_D3HOT)
}

impl ConfigSpace {
    pub(super) fn put_capabilities(&mut self, block_version: u32) {
        if self.offered >= OfferedInterrupts::Msi {
            self.put_capability(MSI, MSI_ID);
            self.put16(MSI + 2, MSI_CONTROL_64_BIT, MSI_CONTROL_ENABLE);
            self.put32(MSI + 4, 0, !0b11);
            self.put32(MSI + 8, 0, !0);
            self.put16(MSI + 12, 0, !0);
        }
        self.put_capability(POWER_MANAGEMENT, POWER_MANAGEMENT_ID);
        self.put16(POWER_MANAGEMENT + 2, POWER_CAPABILITIES, 0);
        self.put16(POWER_STATE, POWER_NO_SOFT_RESET, POWER_STATE_MASK.into());
        if self.offered >= OfferedInterrupts::MsiX {
            self.put_capability(MSIX, MSIX_ID);
            self.put16(MSIX_CONTROL, u16::from(msix::VECTOR_COUNT) - 1, MSIX_CONTROL_WRITABLE);
            self.put32(MSIX + 4, msix::TABLE as u32 | u32::from(msix::MSIX_BAR), 0);
            self.put32(MSIX + 8, msix::PENDING_BITS as u32 | u32::from(msix::MSIX_BAR), 0);
        }
        self.put_express();
        self.put_capability(VENDOR, VENDOR_ID);
        self.bytes[VENDOR + 2] = VENDOR_BYTES;
        self.put32(VENDOR + 4, block_version, 0);
    }

    fn put_express(&mut self) {
        self.put_capability(EXPRESS, EXPRESS_ID);
        self.put16(EXPRESS + EXPRESS_CAPABILITIES, EXPRESS_ENDPOINT, 0);
        self.put32(EXPRESS + EXPRESS_DEVICE_CAPABILITIES, DEVICE_CAPABILITIES, 0);
        self.put16(EXPRESS + EXPRESS_DEVICE_CONTROL, DEVICE_CONTROL, DEVICE_CONTROL_WRITABLE);
        self.cleared_by_ones[EXPRESS + EXPRESS_DEVICE_STATUS] = DEVICE_STATUS_CLEARED_BY_ONES;
        self.put32(EXPRESS + EXPRESS_LINK_CAPABILITIES, LINK_CAPABILITIES, 0);
        self.put16(EXPRESS + EXPRESS_LINK_STATUS, LINK_STATUS, 0);
        self.put32(EXPRESS + EXPRESS_DEVICE_CAPABILITIES_2, COMPLETION_TIMEOUT_DISABLE.into(), 0);
        self.put16(EXPRESS + EXPRESS_DEVICE_CONTROL_2, 0, COMPLETION_TIMEOUT_DISABLE.into());
        self.put32(EXPRESS + EXPRESS_LINK_CAPABILITIES_2, LINK_CAPABILITIES_2, 0);
    }

    /// Appends a capability to the list.
    fn put_capability(&mut self, offset: usize, id: u8) {
        // The pointer to the first one is where the next pointer of a capability before it would be.
        self.bytes[self.last_capability + 1] = offset as u8;
        self.bytes[offset] = id;
        self.last_capability = offset;
    }
}
