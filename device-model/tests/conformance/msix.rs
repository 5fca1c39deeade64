//! Setting the vectors of MSI-X, in the sequences of QEMU 11.1's, and the table and pending bits in BAR 4: PCI Local Bus
//! specification 3.0, sections 6.8.2 and 6.8.3.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use device::OfferedInterrupts;

use crate::bench::Bench;
use crate::client::Client;
use crate::descriptors::{Memory, eventfd_descriptors, fired, interrupt};
use crate::message::{
    BAR4, BOOL, CONFIG, EINVAL, EVENTFD, INTX, MASK, MSI, MSIX, NONE, TRIGGER, UNMASK, irq_info, read, region_info,
    reset, set_irqs, write,
};

const DESCRIPTORS: &str = "VFIO_USER_DEVICE_SET_IRQS: VFIO_IRQ_SET_DATA_EVENTFD";
const VECTORS: u32 = 16;
const CONTROL: u64 = 0x62;
const PENDING_BITS: u64 = 0x800;
/// Of the block: which sources have happened, which of them assert their vector, what sets them, and their vectors,
/// four bits a source.
const INTERRUPT_STATUS: u64 = 0x010;
const INTERRUPT_ENABLE: u64 = 0x014;
const INTERRUPT_FORCE: u64 = 0x018;
const VECTORS_LOW: u64 = 0x020;

#[track_caller]
fn assign(client: &mut Client, start: u32, count: u32) -> Vec<OwnedFd> {
    let eventfds: Vec<OwnedFd> = (0..count).map(|_| interrupt()).collect();
    let descriptors: Vec<BorrowedFd<'_>> = eventfds.iter().map(AsFd::as_fd).collect();
    let reply = client.accepts_with(&set_irqs(MSIX, EVENTFD | TRIGGER, start, count), &descriptors);
    client.expect("payload and descriptors", (reply.body.len(), reply.descriptors.len()), (0, 0));
    eventfds
}

/// Has source 0 assert `vector`.
#[track_caller]
fn raise(client: &mut Client, vector: u32) {
    client.write32(VECTORS_LOW, vector);
    client.write32(INTERRUPT_ENABLE, 1);
    client.write32(INTERRUPT_FORCE, 1);
}

#[track_caller]
fn lower(client: &mut Client) {
    client.write32(INTERRUPT_STATUS, 1);
}

#[track_caller]
fn expect_fired(client: &Client, eventfds: &[OwnedFd], expected: &[u64]) {
    client.expect("interrupts since the last look", eventfds.iter().map(fired).collect(), expected.to_vec());
}

#[test]
fn vectors_are_enabled_as_qemu_does_it() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, as QEMU enables MSI-X");
    let mut client = bench.client();
    let intx = interrupt();
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    client.accepts(&write(CONFIG, CONTROL, &0xc00f_u16.to_le_bytes()));
    client.accepts(&set_irqs(INTX, NONE | TRIGGER, 0, 0));
    // Enabled without a vector: none is unmasked yet.
    client.accepts(&set_irqs(MSIX, EVENTFD | TRIGGER, 0, 1));
    client.accepts(&write(CONFIG, CONTROL, &0x800f_u16.to_le_bytes()));
    raise(&mut client, 2);
    lower(&mut client);
    // The guest unmasks one vector after the other; with NORESIZE all are disabled before, and enabled in blocks.
    for count in 1..=VECTORS {
        client.accepts(&set_irqs(MSIX, NONE | TRIGGER, 0, 0));
        let eventfds = assign(&mut client, 0, count);
        raise(&mut client, count - 1);
        let expected: Vec<u64> = (1..=count).map(|vector| u64::from(vector == count)).collect();
        expect_fired(&client, &eventfds, &expected);
        lower(&mut client);
    }
    client.expect("interrupts by INTx", fired(&intx), 0);
}

#[test]
fn every_vector_has_a_descriptor_of_its_own() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    let eventfds: Vec<OwnedFd> = (0..VECTORS).flat_map(|vector| assign(&mut client, vector, 1)).collect();
    for vector in 0..VECTORS {
        raise(&mut client, vector);
        raise(&mut client, vector);
        let expected: Vec<u64> = (0..VECTORS).map(|other| u64::from(other == vector)).collect();
        expect_fired(&client, &eventfds, &expected);
        lower(&mut client);
    }
}

#[test]
fn a_block_of_descriptors_replaces_its_own_vectors_only() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    let all = assign(&mut client, 0, VECTORS);
    let block = assign(&mut client, 4, 3);
    for (vector, expected) in [(3, [0, 0, 0]), (4, [1, 0, 0]), (5, [0, 1, 0]), (6, [0, 0, 1]), (7, [0, 0, 0])] {
        raise(&mut client, vector);
        expect_fired(&client, &block, &expected);
        client.expect("interrupts by the first", fired(&all[vector as usize]), u64::from(expected == [0; 3]));
        lower(&mut client);
    }
    bench.eventually("no descriptor of those that were replaced", || {
        all[4..7].iter().all(|eventfd| eventfd_descriptors(eventfd) == 1)
    });
}

#[test]
fn a_gap_without_descriptors_de_assigns() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, VECTORS);
    client.accepts(&set_irqs(MSIX, EVENTFD | TRIGGER, 1, 14));
    for (vector, expected) in [(0, 1), (1, 0), (14, 0), (15, 1)] {
        raise(&mut client, vector);
        client.expect("interrupts", fired(&eventfds[vector as usize]), expected);
        lower(&mut client);
    }
    bench.eventually("no descriptor of the gap", || {
        eventfds[1..15].iter().all(|eventfd| eventfd_descriptors(eventfd) == 1)
    });
}

#[test]
fn count_0_without_data_disables_all_vectors() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: count of 0");
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, VECTORS);
    client.accepts(&set_irqs(MSIX, NONE | TRIGGER, 0, 0));
    raise(&mut client, 9);
    expect_fired(&client, &eventfds, &[0; 16]);
    bench.eventually("no descriptor of a vector", || eventfds.iter().all(|eventfd| eventfd_descriptors(eventfd) == 1));
    // What nobody was told of is told to the next one, once.
    let again = assign(&mut client, 9, 1);
    expect_fired(&client, &again, &[1]);
}

#[test]
fn a_client_may_trigger_vectors_itself() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, 5");
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, 4);
    client.accepts(&set_irqs(MSIX, NONE | TRIGGER, 1, 2));
    expect_fired(&client, &eventfds, &[0, 1, 1, 0]);
    client.accepts(&set_irqs(MSIX, BOOL | TRIGGER, 0, 4).and(&[1, 0, 0, 0xff]).argsz(24));
    expect_fired(&client, &eventfds, &[1, 0, 0, 1]);
    // Those without descriptor do no harm.
    client.accepts(&set_irqs(MSIX, NONE | TRIGGER, 0, VECTORS));
    expect_fired(&client, &eventfds, &[1; 4]);
}

#[test]
fn counts_of_descriptors_and_vectors_have_to_fit() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: start and count");
    let mut client = bench.client();
    let (eventfds, other) = (assign(&mut client, 0, VECTORS), interrupt());
    for (start, count, brought) in [(0, 2, 1), (0, 1, 2), (0, 16, 15), (15, 2, 2), (16, 1, 1), (16, 0, 1), (0, 17, 0)] {
        let descriptors = vec![other.as_fd(); brought];
        client.refuses_with(&set_irqs(MSIX, EVENTFD | TRIGGER, start, count), &descriptors, EINVAL);
    }
    for (start, count) in [(16, 1), (0, 17), (u32::MAX, 1), (1, u32::MAX)] {
        client.refuses(&set_irqs(MSIX, NONE | TRIGGER, start, count), EINVAL);
    }
    for action in [MASK, UNMASK] {
        client.refuses(&set_irqs(MSIX, NONE | action, 0, 1), EINVAL);
        client.refuses_with(&set_irqs(MSIX, EVENTFD | action, 0, 1), &[other.as_fd()], EINVAL);
    }
    client.is_in_step();
    raise(&mut client, 15);
    client.expect("interrupts", (fired(&eventfds[15]), fired(&other)), (1, 0));
    bench.eventually("no descriptor that was refused", || eventfd_descriptors(&other) == 1);
}

#[test]
fn of_a_block_with_a_descriptor_that_cannot_be_used_none_is_taken() {
    let bench = Bench::start("Security Considerations");
    let mut client = bench.client();
    let (eventfds, good, memory) = (assign(&mut client, 0, 2), interrupt(), Memory::new(8));
    let refused = client.call(&set_irqs(MSIX, EVENTFD | TRIGGER, 0, 2), &[good.as_fd(), memory.as_fd()]).is_error();
    raise(&mut client, 0);
    client.expect("interrupts", (fired(&eventfds[0]), fired(&good)), if refused { (1, 0) } else { (0, 1) });
    client.is_in_step();
}

#[test]
fn descriptors_go_with_their_client() {
    let bench = Bench::start("Client Disconnection");
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, VECTORS);
    drop(client);
    bench.eventually("no descriptor of a client that went", || {
        eventfds.iter().all(|eventfd| eventfd_descriptors(eventfd) == 1)
    });
    let mut client = bench.client();
    raise(&mut client, 3);
    expect_fired(&client, &eventfds, &[0; 16]);
}

#[test]
fn a_masked_vector_is_pending_and_fires_once_when_it_is_unmasked() {
    let bench = Bench::start("PCI Local Bus 3.0, section 6.8.3.4");
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, VECTORS);
    client.accepts(&write(BAR4, 0x5c, &[1]));
    raise(&mut client, 5);
    expect_fired(&client, &eventfds[5..6], &[0]);
    client.reads(BAR4, PENDING_BITS, &[0x20, 0, 0, 0, 0, 0, 0, 0]);
    client.accepts(&write(BAR4, PENDING_BITS, &[0; 8]));
    client.reads(BAR4, PENDING_BITS, &[0x20]);
    client.accepts(&write(BAR4, 0x5c, &[0]));
    expect_fired(&client, &eventfds[5..6], &[1]);
    client.reads(BAR4, PENDING_BITS, &[0; 8]);
}

#[test]
fn the_function_mask_is_taken_from_the_config_space() {
    let bench = Bench::start("PCI Local Bus 3.0, section 6.8.2.3");
    let mut client = bench.client();
    let eventfds = assign(&mut client, 0, VECTORS);
    client.accepts(&write(CONFIG, CONTROL + 1, &[0xc0]));
    raise(&mut client, 12);
    expect_fired(&client, &eventfds, &[0; 16]);
    client.reads(BAR4, PENDING_BITS, &[0x00, 0x10]);
    client.accepts(&write(CONFIG, CONTROL + 1, &[0x80]));
    client.expect("interrupts", fired(&eventfds[12]), 1);
    client.reads(BAR4, PENDING_BITS, &[0; 2]);
}

#[test]
fn a_reset_masks_the_table_and_keeps_the_descriptors() {
    let bench = Bench::start("VFIO_USER_DEVICE_RESET");
    let mut client = bench.client();
    let cold = client.accepts(&read(BAR4, 0, 4096)).data().to_vec();
    let eventfds = assign(&mut client, 0, VECTORS);
    client.accepts(&write(BAR4, 0, &[0xff; 256]));
    raise(&mut client, 1);
    client.reads(BAR4, PENDING_BITS, &[0x02]);
    client.accepts(&reset());
    client.reads(BAR4, 0, &cold);
    expect_fired(&client, &eventfds, &[0; 16]);
    // QEMU does not send the table: who gives descriptors unmasks.
    raise(&mut client, 1);
    client.expect("interrupts", fired(&eventfds[1]), 1);
}

#[test]
fn what_is_not_offered_has_no_vectors_no_capability_and_no_bar() {
    for (offered, msi, msix) in
        [(OfferedInterrupts::Intx, 0, 0), (OfferedInterrupts::Msi, 1, 0), (OfferedInterrupts::MsiX, 1, 16)]
    {
        let bench = Bench::start_offering("VFIO_USER_DEVICE_GET_IRQ_INFO", offered);
        let mut client = bench.client();
        for (index, count) in [(INTX, 1), (MSI, msi), (MSIX, msix)] {
            let reply = client.accepts(&irq_info(index));
            client.expect("index, count", reply.words()[2..].to_vec(), vec![index, count]);
            client.refuses(&set_irqs(index, NONE | TRIGGER, 0, count + 1), EINVAL);
        }
        let size = client.accepts(&region_info(BAR4)).words()[4];
        client.expect("bytes of BAR 4", size, if msix == 0 { 0 } else { 0x1000 });
        let space = client.accepts(&read(CONFIG, 0, 256)).data().to_vec();
        let mut ids = Vec::new();
        let mut at = usize::from(space[0x34]);
        while at != 0 {
            ids.push(space[at]);
            at = usize::from(space[at + 1]);
        }
        client.expect("MSI and MSI-X", (ids.contains(&0x05), ids.contains(&0x11)), (msi > 0, msix > 0));
    }
}
