//! What QEMU 11.1 sends, in its order and words, as it was seen on the wire.

use std::os::fd::{AsFd, OwnedFd};

use crate::bench::Bench;
use crate::client::Client;
use crate::descriptors::{Memory, eventfd_descriptors, fired, interrupt, signal};
use crate::message::{
    BAR2, CONFIG, DMA_MAP, DMA_UNMAP, EVENTFD, INTX, MSI, NONE, TRIGGER, UNMASK, dma_map, dma_unmap, get_info,
    irq_info, qemu_version, read, region_info, reset, set_irqs, write,
};

const MIB: u64 = 0x10_0000;
const MSI_CONTROL: u64 = 0x42;
const MSIX_CONTROL: u64 = 0x62;

/// QEMU's guest memory: RAM of one file at two addresses, and a ROM of which it has no descriptor to give.
fn map_ram(client: &mut Client, ram: &Memory) {
    let maps = [
        (dma_map(0, 3 * MIB), true),
        (dma_map(0xfffc_0000, 0x4_0000).put32(4, 1), false),
        (dma_map(0x1_0000_0000, MIB).put64(8, 3 * MIB), true),
    ];
    // Pipelined: the replies are read after the last map.
    let ids: Vec<u16> = maps
        .iter()
        .map(|(map, shared)| if *shared { client.send_with(map, &[ram.as_fd()]) } else { client.send(map) })
        .collect();
    for id in ids {
        let reply = client.reply_to(id, DMA_MAP);
        client.expect("errno", (reply.is_error(), reply.error), (false, 0));
    }
}

fn unmap_ram(client: &mut Client) {
    for (address, size) in [(0, 3 * MIB), (0xfffc_0000, 0x4_0000), (0x1_0000_0000, MIB)] {
        client.accepts(&dma_unmap(address, size));
    }
}

/// A region's information as QEMU asks for it: again, with room, if there is more.
fn ask_for_region(client: &mut Client, index: u32) {
    let argsz = client.accepts(&region_info(index)).words()[0];
    if argsz > 32 {
        client.accepts(&region_info(index).argsz(argsz));
    }
}

/// What QEMU sends until it knows the function, whose BARs with memory have their registers at `bars`.
fn look_at(client: &mut Client, ram: &Memory, bars: &[u64]) {
    client.negotiate();
    map_ram(client, ram);
    client.accepts(&get_info());
    for index in [0, 1, 2, 3, 4, 5, 7] {
        ask_for_region(client, index);
    }
    client.accepts(&irq_info(3));
    client.accepts(&read(CONFIG, 0, 4096));
    client.accepts(&write(CONFIG, 0x30, &0xffff_f800_u32.to_le_bytes()));
    for &offset in [0x30].iter().chain(bars) {
        client.accepts(&read(CONFIG, offset, 4));
    }
}

/// What QEMU sends until function 0 is there; gives the eventfd of INTx.
fn realize(client: &mut Client, ram: &Memory) -> OwnedFd {
    look_at(client, ram, &[0x10, 0x20]);
    client.accepts(&read(CONFIG, MSI_CONTROL, 2));
    for (offset, bytes) in [(MSIX_CONTROL, 2), (MSIX_CONTROL + 2, 4), (MSIX_CONTROL + 6, 4)] {
        client.accepts(&read(CONFIG, offset, bytes));
    }
    client.accepts(&irq_info(2));
    connect_intx(client)
}

fn connect_intx(client: &mut Client) -> OwnedFd {
    let pin = client.accepts(&read(CONFIG, 0x3d, 1)).data().to_vec();
    client.expect("interrupt pin A", pin, vec![1]);
    let intx = interrupt();
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    intx
}

fn reset_device(client: &mut Client) -> OwnedFd {
    client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
    client.accepts(&read(CONFIG, 0x04, 2));
    client.accepts(&write(CONFIG, 0x04, &[0; 2]));
    client.accepts(&reset());
    let intx = connect_intx(client);
    for offset in (0x10..=0x24).step_by(4) {
        client.accepts(&write(CONFIG, offset, &[0; 4]));
    }
    intx
}

#[test]
fn the_reply_to_qemus_version_is_no_longer_than_its_request() {
    let bench = Bench::start("VFIO_USER_VERSION: Reply, as QEMU takes it");
    let mut client = bench.connect();
    client.expect("bytes of QEMU's request", qemu_version().bytes(), 214);
    let reply = client.negotiate();
    client.expect("a reply of at most 214 bytes", 16 + reply.body.len() <= 214, true);
}

#[test]
fn realize_and_reset() {
    let bench = Bench::start("Connection Initiation to VFIO_USER_DEVICE_RESET, as QEMU realizes and resets");
    let mut client = bench.connect();
    let ram = Memory::new(4 * MIB);
    ram.write(3 * MIB, b"above 4 GiB");
    let at_realize = realize(&mut client, &ram);
    let intx = reset_device(&mut client);
    client.expect("guest memory after the reset", bench.guest_bytes(0x1_0000_0000, 11), Some(b"above 4 GiB".to_vec()));
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts", (fired(&at_realize), fired(&intx)), (0, 1));
}

#[test]
fn a_function_without_an_interrupt_is_realized_and_reset_without_one() {
    let bench = Bench::start_window("Connection Initiation to VFIO_USER_DEVICE_RESET, as QEMU realizes and resets");
    let mut client = bench.connect();
    let ram = Memory::new(4 * MIB);
    look_at(&mut client, &ram, &[0x18]);
    for _ in 0..2 {
        let pin = client.accepts(&read(CONFIG, 0x3d, 1)).data().to_vec();
        client.expect("no interrupt pin", pin, vec![0]);
        client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
        client.accepts(&write(BAR2, 0x8000, b"kept"));
        client.accepts(&reset());
        client.reads(BAR2, 0x8000, b"kept");
    }
    unmap_ram(&mut client);
    client.expect("descriptors and mappings", (ram.others().len(), ram.mappings()), (0, 0));
}

#[test]
fn firmware_unmaps_all_memory_and_maps_it_in_pieces_several_times() {
    let bench = Bench::start("VFIO_USER_DMA_MAP and _UNMAP, as QEMU boots");
    let mut client = bench.connect();
    let ram = Memory::new(4 * MIB);
    realize(&mut client, &ram);
    let pieces = [(0, 0xa_0000), (0xc_0000, 0x2_0000), (0xe_0000, 0x2_0000), (MIB, 2 * MIB)];
    for _ in 0..4 {
        unmap_ram(&mut client);
        client.expect("mappings", ram.mappings(), 0);
        let mut sent = Vec::new();
        for (address, size) in pieces {
            let map = dma_map(address, size).put64(8, address);
            sent.push((client.send_with(&map, &[ram.as_fd()]), DMA_MAP));
        }
        for (address, size) in pieces {
            sent.push((client.send(&dma_unmap(address, size)), DMA_UNMAP));
        }
        for (id, command) in sent {
            let reply = client.reply_to(id, command);
            client.expect("errno", (reply.is_error(), reply.error), (false, 0));
        }
        map_ram(&mut client, &ram);
    }
    client.is_in_step();
}

#[test]
fn a_bar_that_the_guest_maps_is_mapped_for_dma_while_an_interrupt_is_pending() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: file descriptor, as QEMU maps BARs");
    let mut client = bench.connect();
    let ram = Memory::new(4 * MIB);
    let intx = realize(&mut client, &ram);
    client.accepts(&write(CONFIG, 0x18, &0xfea0_0000_u32.to_le_bytes()));
    client.accepts(&write(CONFIG, 0x04, &0x0006_u16.to_le_bytes()));
    client.accepts(&dma_map(0xfea0_0000, 0x1_0000));
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts", fired(&intx), 1);
    client.accepts(&dma_unmap(0xfea0_0000, 0x1_0000));
    client.accepts(&set_irqs(INTX, NONE | UNMASK, 0, 1));
    client.expect("interrupts", fired(&intx), 1);
    client.accepts(&dma_map(0xfea0_0000, 0x1_0000));
    client.is_in_step();
}

#[test]
fn intx_with_kvm_is_unmasked_by_a_resample_descriptor() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: VFIO_IRQ_SET_ACTION_UNMASK, as QEMU sets INTx with KVM");
    let mut client = bench.connect();
    realize(&mut client, &Memory::new(4 * MIB));
    // QEMU takes its own eventfd back and gives the one that KVM listens to.
    client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
    let (intx, resample) = (interrupt(), interrupt());
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    client.accepts_with(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1), &[resample.as_fd()]);
    client.accepts(&set_irqs(INTX, NONE | UNMASK, 0, 1));
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts", fired(&intx), 1);
    signal(&resample, 1);
    bench.eventually("another interrupt while the level is high", || fired(&intx) == 1);
}

#[test]
fn a_driver_changes_from_intx_to_msi_and_back() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, as QEMU goes from INTx to MSI");
    let mut client = bench.connect();
    let mut intx = realize(&mut client, &Memory::new(4 * MIB));
    client.write32(0x014, 1);
    for _ in 0..3 {
        client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
        let msi = interrupt();
        client.accepts_with(&set_irqs(MSI, EVENTFD | TRIGGER, 0, 1), &[msi.as_fd()]);
        client.accepts(&write(CONFIG, MSI_CONTROL, &0x0081_u16.to_le_bytes()));
        client.write32(0x018, 1);
        client.expect("interrupts by MSI", (fired(&msi), fired(&intx)), (1, 0));
        client.write32(0x010, 1);

        client.accepts(&write(CONFIG, MSI_CONTROL, &0x0080_u16.to_le_bytes()));
        client.accepts(&set_irqs(MSI, NONE | TRIGGER, 0, 0));
        intx = connect_intx(&mut client);
        client.write32(0x018, 1);
        client.expect("interrupts by INTx", (fired(&msi), fired(&intx)), (0, 1));
        client.write32(0x010, 1);
    }
}

#[test]
fn unplug_undoes_everything_and_the_device_can_be_plugged_again() {
    let bench = Bench::start("Client Disconnection, as QEMU unplugs");
    let ram = Memory::new(4 * MIB);
    for round in 0..3 {
        let mut client = bench.connect();
        let intx = realize(&mut client, &ram);
        client.accepts(&dma_map(0xfea0_0000, 0x1_0000));
        client.write32(0x104, round);
        client.accepts(&dma_unmap(0xfea0_0000, 0x1_0000));
        client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
        unmap_ram(&mut client);
        client.expect("descriptors and mappings", (ram.others().len(), ram.mappings()), (0, 0));
        drop(client);
        bench.eventually("no descriptor of INTx", || eventfd_descriptors(&intx) == 1);
    }
    bench.serves();
}

#[test]
fn quitting_is_a_plain_disconnect() {
    let bench = Bench::start("Client Disconnection, as QEMU quits");
    let ram = Memory::new(4 * MIB);
    let mut client = bench.connect();
    let intx = realize(&mut client, &ram);
    reset_device(&mut client);
    drop(client);
    bench.eventually("nothing of the guest's memory and interrupts", || {
        !ram.is_held() && eventfd_descriptors(&intx) == 1
    });
    realize(&mut bench.connect(), &ram);
}
