//! Bytes and bits are retyped from the PCI specifications: PCI Local Bus 3.0, PCI Power Management 1.2, PCI Express Base.

use super::*;

const IDENTITY: Identity = Identity {
    vendor_id: 0x1b36,
    device_id: 0x0ad0,
    revision_id: 1,
    class_code: 0x04_01_00,
    block_version: 0x0002_0001,
};

fn space() -> ConfigSpace {
    ConfigSpace::new(IDENTITY, &[4096, 0, 65536, 0, 4096, 0], OfferedInterrupts::MsiX)
}

fn read<const BYTES: usize>(space: &ConfigSpace, offset: u64) -> [u8; BYTES] {
    let mut data = [0xaa; BYTES];
    space.read(offset, ShownState::default(), &mut data);
    data
}

fn read32(space: &ConfigSpace, offset: u64) -> u32 {
    u32::from_le_bytes(read(space, offset))
}

fn read16(space: &ConfigSpace, offset: u64) -> u16 {
    u16::from_le_bytes(read(space, offset))
}

/// Identifier and place of every capability, as the list has them.
fn capabilities(space: &ConfigSpace) -> Vec<(u8, u8)> {
    let [mut at] = read(space, 0x34);
    let mut found = Vec::new();
    while at != 0 && found.len() < 48 {
        let [id, next] = read(space, at.into());
        found.push((id, at));
        at = next;
    }
    found
}

#[test]
fn header_has_the_bytes_that_the_specification_names() {
    // PCI 3.0, section 6.1.
    let space = space();
    assert_eq!(read32(&space, 0x00), 0x0ad0_1b36);
    assert_eq!(read32(&space, 0x04), 0x0010_0000, "capability list, nothing enabled");
    assert_eq!(read32(&space, 0x08), 0x0401_0001, "class 04.01.00, revision 1");
    assert_eq!(read32(&space, 0x2c), 0x0ad0_1b36);
    assert_eq!(read32(&space, 0x34), 0x40);
    assert_eq!(read32(&space, 0x3c), 0x0000_0100, "pin A");
}

#[test]
fn the_list_has_the_capabilities_that_are_offered() {
    // PCI 3.0, appendix H.
    let offering = |offered| capabilities(&ConfigSpace::new(IDENTITY, &[0; 6], offered));
    let (msi, power, msix, express, vendor) = ((0x05, 0x40), (0x01, 0x50), (0x11, 0x60), (0x10, 0x70), (0x09, 0xb0));
    assert_eq!(offering(OfferedInterrupts::MsiX), [msi, power, msix, express, vendor]);
    assert_eq!(offering(OfferedInterrupts::Msi), [msi, power, express, vendor]);
    assert_eq!(offering(OfferedInterrupts::Intx), [power, express, vendor]);
    assert_eq!(read32(&space(), 0x100), 0, "no extended capabilities: PCI Express, section 7.6.3");
}

#[test]
fn capabilities_have_the_bytes_that_the_specifications_name() {
    let space = space();
    // PCI 3.0, section 6.8.1.3: 64-bit, one vector, no mask bits.
    assert_eq!(read16(&space, 0x42), 0x0080);
    // PCI Power Management 1.2, sections 3.2.3 and 3.2.4: version 3, no PME, D0, No_Soft_Reset.
    assert_eq!(read::<6>(&space, 0x52), [0x03, 0x00, 0x08, 0x00, 0x00, 0x00]);
    // PCI 3.0, sections 6.8.2.3 to 6.8.2.5: 16 vectors, table and pending bits in BAR 4.
    assert_eq!(read::<10>(&space, 0x62), [0x0f, 0x00, 0x04, 0x00, 0x00, 0x00, 0x04, 0x08, 0x00, 0x00]);
    // PCI Express, section 7.5.3: version 2, endpoint; function-level reset, role-based error reporting; no status.
    assert_eq!(read16(&space, 0x72), 0x0002);
    assert_eq!(read32(&space, 0x74), 0x1000_8000);
    assert_eq!(read32(&space, 0x78), 0x0000_2000, "reads of 512 bytes");
    assert_eq!(read32(&space, 0x7c), 0x0000_0011, "2.5 GT/s, one lane");
    assert_eq!(read32(&space, 0x80), 0x0011_0000);
    assert_eq!(read32(&space, 0x94), 0x0000_0010, "no time-out of completions");
    assert_eq!(read32(&space, 0x9c), 0x0000_0002, "2.5 GT/s");
    // PCI 3.0, section 6.7 and appendix H: a length, then what the vendor has chosen.
    assert_eq!(read::<6>(&space, 0xb2), [0x08, 0x00, 0x01, 0x00, 0x02, 0x00], "version 2.1");
}

#[test]
fn sizing_a_bar_tells_its_size() {
    let mut space = space();
    let bars = [(0x10, 0xffff_f000), (0x14, 0), (0x18, 0xffff_0000), (0x20, 0xffff_f000), (0x24, 0), (0x30, 0)];
    for (offset, expected) in bars {
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
    assert_eq!(read16(&space, 0x42), 0x0081);
    space.write(0x62, &[0xff, 0xff]);
    assert_eq!(read16(&space, 0x62), 0xc00f, "enable and function mask");
    space.write(0x63, &[0x40]);
    assert_eq!(read16(&space, 0x62), 0x400f);
    assert!(space.msix_function_masked());
    // Device control without Initiate FLR, link control, device control 2.
    space.write(0x78, &[0xff, 0x7f]);
    space.write(0x80, &[0xff, 0xff]);
    space.write(0x98, &[0xff, 0xff]);
    let controls = [0x78, 0x80, 0x98].map(|offset| read16(&space, offset));
    assert_eq!(controls, [0x700f, 0x0000, 0x0010]);
    space.write(0xb0, &[0xff; 8]);
    assert_eq!(read::<8>(&space, 0xb0), [0x09, 0x00, 0x08, 0x00, 0x01, 0x00, 0x02, 0x00]);
}

#[test]
fn the_power_state_is_d0_or_d3hot() {
    let mut space = space();
    assert!(!space.is_d3hot());
    for (written, expected) in [(0xff, 0x0b), (0x01, 0x0b), (0x02, 0x0b), (0x00, 0x08), (0x02, 0x08), (0x03, 0x0b)] {
        space.write(0x54, &[written, 0xff]);
        assert_eq!(read16(&space, 0x54), expected, "after {written:#x}");
        assert_eq!(space.is_d3hot(), expected & 3 == 3);
    }
}

#[test]
fn status_bits_are_cleared_by_ones_in_their_own_byte() {
    // PCI 3.0, section 6.2.3: bit 13. PCI Express, section 7.5.3.5: bit 3.
    let mut space = space();
    space.received_master_abort();
    space.detected_unsupported_request();
    assert_eq!((read16(&space, 0x06), read16(&space, 0x7a)), (0x2010, 0x0008));
    space.write(0x06, &[0xff]);
    space.write(0x7b, &[0xff]);
    space.write(0x06, &[0x00, 0x00]);
    space.write(0x04, &[0x00, 0x00, 0x00, 0xdf]);
    assert_eq!((read16(&space, 0x06), read16(&space, 0x7a)), (0x2010, 0x0008));
    space.write(0x07, &[0x20]);
    space.write(0x7a, &[0x08]);
    assert_eq!((read16(&space, 0x06), read16(&space, 0x7a)), (0x0010, 0x0000));
}

#[test]
fn initiate_flr_asks_once_and_reads_as_zero() {
    // PCI Express, section 7.5.3.4: bit 15.
    let mut space = space();
    space.write(0x78, &[0xff]);
    space.write(0x77, &[0x80]);
    assert!(!space.take_reset_request(), "its byte was not written");
    space.write(0x79, &[0x80]);
    assert_eq!(read16(&space, 0x78) & 0x8000, 0);
    assert_eq!((space.take_reset_request(), space.take_reset_request()), (true, false));
}

#[test]
fn interrupt_status_and_disable_are_where_the_specification_has_them() {
    let mut space = space();
    let mut status = [0; 2];
    space.read(0x06, ShownState { interrupt: true, ..ShownState::default() }, &mut status);
    assert_eq!(status, [0x18, 0]);
    assert!(!space.intx_disabled());
    space.write(0x04, &[0x00, 0x04]);
    assert!(space.intx_disabled());
}

#[test]
fn transactions_that_are_pending_are_shown_in_the_device_status() {
    // PCI Express, section 7.5.3.5: bit 5. Reads that begin before it and at it, and one that ends before it.
    let space = space();
    let shown = ShownState { transactions_pending: true, ..ShownState::default() };
    let (mut whole, mut at, mut before) = ([0; 256], [0; 1], [0; 2]);
    space.read(0, shown, &mut whole);
    space.read(0x7a, shown, &mut at);
    space.read(0x78, shown, &mut before);
    assert_eq!((whole[0x7a], at, before), (0x20, [0x20], [0x00, 0x20]));
}

#[test]
fn accesses_past_the_end_read_zero_and_write_nothing() {
    let mut space = space();
    assert_eq!(read::<8>(&space, 0xffc), [0; 8]);
    space.write(0xffe, &[1, 2, 3, 4]);
    space.write(u64::MAX - 1, &[1, 2]);
    assert_eq!(read::<2>(&space, u64::MAX - 1), [0, 0]);
}

#[test]
fn words_for_what_is_offered_are_read_as_they_are_written() {
    for offered in [OfferedInterrupts::Intx, OfferedInterrupts::Msi, OfferedInterrupts::MsiX] {
        assert_eq!(offered.to_string().parse(), Ok(offered));
    }
    let refused = "msix".parse::<OfferedInterrupts>().expect_err("no such word");
    assert_eq!(refused.to_string(), "expected `msi-x`, `msi` or `intx`, found `msix`");
}
