//! The configuration space, which is region 7: PCI Local Bus specification 3.0, chapter 6; PCI Express Base, section 7.5.

use std::os::fd::AsFd;

use crate::bench::Bench;
use crate::client::Client;
use crate::descriptors::{Memory, fired, interrupt};
use crate::message::{CONFIG, EVENTFD, INTX, TRIGGER, dma_map, read, set_irqs, write};

const ACCESS: &str = "Device Read and Write (config space)";

#[track_caller]
fn config(client: &mut Client, offset: u64, count: u32) -> Vec<u8> {
    client.accepts(&read(CONFIG, offset, count)).data().to_vec()
}

#[track_caller]
fn config32(client: &mut Client, offset: u64) -> u32 {
    config(client, offset, 4)
        .try_into()
        .map_or_else(|data| client.fail("4 bytes", format!("{data:?}")), u32::from_le_bytes)
}

#[test]
fn the_whole_space_comes_in_one_read_or_in_parts() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    let space = config(&mut client, 0, 4096);
    client.expect("bytes", space.len(), 4096);
    client.expect("no extended capabilities", &space[0x100..0x104], &[0; 4]);
    client.expect("vendor and device", &space[..4], &[0x36, 0x1b, 0xd0, 0x0a]);
    client.expect("class 04.01.00, revision 1", &space[0x08..0x0c], &[0x01, 0x00, 0x01, 0x04]);
    client.expect("an ordinary header", space[0x0e], 0);
    client.expect("interrupt pin A", space[0x3d], 1);
    for width in [1, 2, 4, 8] {
        for offset in (0..0x108).step_by(width) {
            client.reads(CONFIG, offset as u64, &space[offset..offset + width]);
        }
    }
}

#[test]
fn bars_tell_their_sizes() {
    for (bench, there) in [
        (Bench::start(ACCESS), [(0x10, 0xffff_f000), (0x20, 0xffff_f000)].as_slice()),
        (Bench::start_window(ACCESS), &[(0x18, 0xffff_0000)]),
    ] {
        let mut client = bench.client();
        for offset in [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30] {
            client.accepts(&write(CONFIG, offset, &[0xff; 4]));
            let found = config32(&mut client, offset);
            let expected = there.iter().find(|bar| bar.0 == offset).map_or(0, |bar| bar.1);
            client.expect("size bits", (offset, found), (offset, expected));
        }
    }
}

#[test]
fn what_a_guest_sets_up_can_be_written() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    client.reads(CONFIG, 0x04, &[0, 0]);
    client.accepts(&write(CONFIG, 0x04, &0x0006_u16.to_le_bytes()));
    client.reads(CONFIG, 0x04, &[0x06, 0]);
    client.accepts(&write(CONFIG, 0x04, &[0]));
    client.reads(CONFIG, 0x04, &[0, 0]);
    // One byte leaves its neighbours.
    client.accepts(&write(CONFIG, 0x3c, &[0x0b]));
    client.reads(CONFIG, 0x3c, &[0x0b, 0x01]);
}

#[test]
fn who_the_device_is_cannot_be_written() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    client.accepts(&write(CONFIG, 0, &[0xff; 4]));
    client.accepts(&write(CONFIG, 8, &[0xff; 4]));
    client.accepts(&write(CONFIG, 0x2c, &[0; 4]));
    client.reads(CONFIG, 0x00, &[0x36, 0x1b, 0xd0, 0x0a]);
    client.reads(CONFIG, 0x08, &[0x01, 0x00, 0x01, 0x04]);
    client.reads(CONFIG, 0x2c, &[0x36, 0x1b, 0xd0, 0x0a]);
}

#[test]
fn the_capability_list_leads_to_what_the_datasheet_has() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    client.reads(CONFIG, 0x06, &[0x10, 0]);
    let mut at = config32(&mut client, 0x34) & 0xff;
    let mut found = Vec::new();
    while at != 0 && found.len() < 48 {
        let capability = config32(&mut client, u64::from(at));
        found.push((at, capability & 0xff, capability >> 16));
        at = capability >> 8 & 0xff;
    }
    let ids: Vec<u32> = found.iter().map(|(_, id, _)| *id).collect();
    client.expect("MSI, power management, MSI-X, PCI Express, vendor", ids, vec![0x05, 0x01, 0x11, 0x10, 0x09]);
    let msi = found.iter().find(|(_, id, _)| *id == 0x05).copied();
    client.expect("MSI: 64-bit, one vector, off", msi.map(|(_, _, control)| control), Some(0x0080));
    let Some((at, ..)) = msi else { return };
    let control = u64::from(at) + 2;
    client.accepts(&write(CONFIG, control, &0xffff_u16.to_le_bytes()));
    client.reads(CONFIG, control, &[0x81, 0x00]);
}

#[test]
fn the_interrupt_is_seen_in_the_status_and_can_be_disabled_in_the_command() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    let intx = interrupt();
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    client.accepts(&write(CONFIG, 0x04, &0x0400_u16.to_le_bytes()));
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.reads(CONFIG, 0x06, &[0x18, 0]);
    client.expect("interrupts while they are disabled", fired(&intx), 0);
    client.accepts(&write(CONFIG, 0x04, &0_u16.to_le_bytes()));
    client.expect("interrupts once they are enabled", fired(&intx), 1);
    client.write32(0x010, 1);
    client.reads(CONFIG, 0x06, &[0x10, 0]);
}

#[test]
fn the_vendors_capability_has_the_version_that_the_registers_have() {
    let bench = Bench::start(ACCESS);
    let mut client = bench.client();
    // Identifier, next, length, 0; version 2.0.
    client.reads(CONFIG, 0xb0, &[0x09, 0x00, 0x08, 0x00, 0x00, 0x00, 0x02, 0x00]);
    client.register_has(0x004, 0x0002_0000);
}

#[test]
fn a_function_level_reset_is_a_reset_and_keeps_maps_and_eventfds() {
    let bench = Bench::start("PCI Express Base, section 6.6.2");
    let mut client = bench.client();
    let (intx, memory) = (interrupt(), Memory::new(0x1000));
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    client.accepts_with(&dma_map(0x4000, 0x1000), &[memory.as_fd()]);
    let cold = config(&mut client, 0, 4096);
    client.write32(0x008, 7);
    client.accepts(&write(CONFIG, 0x04, &0x0406_u16.to_le_bytes()));
    client.accepts(&write(CONFIG, 0x78, &0xa000_u16.to_le_bytes()));
    client.register_has(0x008, 0);
    client.reads(CONFIG, 0, &cold);
    client.expect("guest memory", bench.guest_bytes(0x4000, 1), Some(vec![0]));
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts after it", fired(&intx), 1);
}
