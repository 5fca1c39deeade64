//! The configuration space of a PCI function: PCI Local Bus specification 3.0, chapter 6.

/// Size of a conventional configuration space.
pub const CONFIG_SPACE_BYTES: usize = 256;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const REVISION: usize = 0x08;
const BAR_0: usize = 0x10;
const SUBSYSTEM: usize = 0x2c;
const CAPABILITIES_POINTER: usize = 0x34;
const INTERRUPT_LINE: usize = 0x3c;
const INTERRUPT_PIN: usize = 0x3d;
/// Where the MSI capability is put.
const MSI: usize = 0x40;

/// Memory space, bus master, parity error response, SERR enable, interrupt disable (section 6.2.2).
const COMMAND_WRITABLE: u16 = 0x0546;
const COMMAND_INTERRUPT_DISABLE: u16 = 1 << 10;
const STATUS_INTERRUPT: u16 = 1 << 3;
const STATUS_CAPABILITIES: u16 = 1 << 4;

/// Capability identifier of MSI, and "64-bit address" of its message control (section 6.8.1).
const MSI_CAPABILITY: u8 = 0x05;
const MSI_CONTROL_64_BIT: u16 = 1 << 7;
const MSI_CONTROL_ENABLE: u16 = 1;

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
}

/// The bytes of the configuration space and which of their bits the guest may write.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: [u8; CONFIG_SPACE_BYTES],
    writable: [u8; CONFIG_SPACE_BYTES],
}

impl ConfigSpace {
    /// A function with memory BARs of the given sizes (0: no BAR; else a power of two of 16 or more) and no interrupt.
    ///
    /// # Panics
    /// If a size is no such power of two: the device's author has to mend that.
    pub fn new(identity: Identity, bar_bytes: &[u32; 6]) -> Self {
        let mut space = Self { bytes: [0; CONFIG_SPACE_BYTES], writable: [0; CONFIG_SPACE_BYTES] };
        space.put16(0x00, identity.vendor_id, 0);
        space.put16(0x02, identity.device_id, 0);
        space.put16(COMMAND, 0, COMMAND_WRITABLE);
        space.put32(REVISION, identity.class_code << 8 | u32::from(identity.revision_id), 0);
        for (index, &size) in bar_bytes.iter().enumerate().filter(|(_, size)| **size > 0) {
            assert!(size.is_power_of_two() && size >= 16, "BAR{index}: {size} bytes is no power of two of 16 or more");
            space.put32(BAR_0 + 4 * index, 0, !(size - 1));
        }
        space.put16(SUBSYSTEM, identity.vendor_id, 0);
        space.put16(SUBSYSTEM + 2, identity.device_id, 0);
        space
    }

    /// The same with interrupt pin A and an MSI capability with one vector.
    #[must_use]
    pub fn with_interrupt(self) -> Self {
        let mut space = self;
        space.put16(STATUS, STATUS_CAPABILITIES, 0);
        space.bytes[CAPABILITIES_POINTER] = MSI as u8;
        space.writable[INTERRUPT_LINE] = 0xff;
        space.bytes[INTERRUPT_PIN] = 1;

        space.bytes[MSI] = MSI_CAPABILITY;
        space.put16(MSI + 2, MSI_CONTROL_64_BIT, MSI_CONTROL_ENABLE);
        space.put32(MSI + 4, 0, !0b11);
        space.put32(MSI + 8, 0, !0);
        space.put16(MSI + 12, 0, !0);
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
    pub fn read(&self, offset: u64, interrupt_asserted: bool, data: &mut [u8]) {
        let mut bytes = self.bytes;
        if interrupt_asserted {
            bytes[STATUS] |= STATUS_INTERRUPT as u8;
        }
        let rest = bytes.get(index(offset)..).unwrap_or_default();
        data.fill(0);
        data.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    }

    /// Writes the writable bits, byte by byte; what lies past the end is ignored.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        for ((byte, writable), value) in self.bytes.iter_mut().zip(&self.writable).skip(index(offset)).zip(data) {
            *byte = *byte & !writable | value & writable;
        }
    }

    /// The Interrupt Disable bit of the command register.
    pub fn intx_disabled(&self) -> bool {
        u16::from_le_bytes([self.bytes[COMMAND], self.bytes[COMMAND + 1]]) & COMMAND_INTERRUPT_DISABLE != 0
    }
}

/// An offset as an index; what no index can hold is past the end.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> ConfigSpace {
        let identity = Identity { vendor_id: 0x1b36, device_id: 0x0ad0, revision_id: 1, class_code: 0x04_01_00 };
        ConfigSpace::new(identity, &[4096, 0, 65536, 0, 0, 0]).with_interrupt()
    }

    fn read32(space: &ConfigSpace, offset: u64) -> u32 {
        let mut data = [0; 4];
        space.read(offset, false, &mut data);
        u32::from_le_bytes(data)
    }

    #[test]
    fn header_has_the_bytes_that_the_specification_names() {
        let space = space();
        assert_eq!(read32(&space, 0x00), 0x0ad0_1b36);
        assert_eq!(read32(&space, 0x04), 0x0010_0000, "capability list, nothing enabled");
        assert_eq!(read32(&space, 0x08), 0x0401_0001, "class 04.01.00, revision 1");
        assert_eq!(read32(&space, 0x2c), 0x0ad0_1b36);
        assert_eq!(read32(&space, 0x34), 0x40);
        assert_eq!(read32(&space, 0x3c), 0x0000_0100, "pin A");
        assert_eq!(read32(&space, 0x40), 0x0080_0005, "MSI, last capability, 64-bit, one vector");
    }

    #[test]
    fn without_an_interrupt_there_is_neither_pin_nor_capability() {
        let identity = Identity { vendor_id: 0x1b36, device_id: 0x0ad1, revision_id: 1, class_code: 0x05_80_00 };
        let mut space = ConfigSpace::new(identity, &[0, 0, 65536, 0, 0, 0]);
        space.write(0x3c, &[0xff; 24]);
        let found = [0x04, 0x08, 0x34, 0x3c, 0x40, 0x44].map(|offset| read32(&space, offset));
        assert_eq!(found, [0, 0x0580_0001, 0, 0, 0, 0]);
    }

    #[test]
    fn sizing_a_bar_tells_its_size() {
        let mut space = space();
        for (offset, expected) in [(0x10, 0xffff_f000), (0x14, 0), (0x18, 0xffff_0000), (0x24, 0), (0x30, 0)] {
            space.write(offset, &[0xff; 4]);
            assert_eq!(read32(&space, offset), expected, "at {offset:#x}");
        }
    }

    #[test]
    fn only_writable_bits_take_a_write_byte_by_byte() {
        let mut space = space();
        space.write(0x00, &[0xff; 8]);
        assert_eq!(read32(&space, 0x00), 0x0ad0_1b36);
        assert_eq!(read32(&space, 0x04), 0x0010_0546);
        space.write(0x05, &[0x00]);
        assert_eq!(read32(&space, 0x04), 0x0010_0146 & !0x0100);
        space.write(0x42, &[0xff, 0xff]);
        assert_eq!(read32(&space, 0x40), 0x0081_0005);
    }

    #[test]
    fn interrupt_status_and_disable_are_where_the_specification_has_them() {
        let mut space = space();
        let mut status = [0; 2];
        space.read(0x06, true, &mut status);
        assert_eq!(status, [0x18, 0]);
        assert!(!space.intx_disabled());
        space.write(0x04, &[0x00, 0x04]);
        assert!(space.intx_disabled());
    }

    #[test]
    fn accesses_past_the_end_read_zero_and_write_nothing() {
        let mut space = space();
        let mut data = [0xaa; 8];
        space.read(0xfc, false, &mut data);
        assert_eq!(data, [0; 8]);
        space.write(0xfe, &[1, 2, 3, 4]);
        space.read(u64::MAX - 1, false, &mut data[..2]);
        assert_eq!(data[..2], [0, 0]);
    }
}
