//! The reset of the device.

use std::os::fd::AsFd;

use crate::bench::Bench;
use crate::descriptors::{Memory, fired, interrupt};
use crate::message::{
    BAR0, CONFIG, EINVAL, EVENTFD, INTX, MSI, NONE, TRIGGER, UNMASK, dma_map, dma_unmap, read, reset, set_irqs, write,
};

const RESET: &str = "VFIO_USER_DEVICE_RESET";
const SCRATCH: u64 = 0x008;

#[test]
fn a_reset_brings_the_registers_back() {
    let bench = Bench::start(RESET);
    let mut client = bench.client();
    for (offset, value, after) in [(SCRATCH, 7, 0), (0x014, 7, 0), (0x104, 9, 0), (0x448, 8_000, 48_000)] {
        client.write32(offset, value);
        client.register_has(offset, value);
        let reply = client.accepts(&reset());
        client.expect("payload and descriptors", (reply.body.len(), reply.descriptors.len()), (0, 0));
        client.register_has(offset, after);
    }
}

#[test]
fn a_reset_with_a_payload_is_refused_and_does_nothing() {
    let bench = Bench::start(RESET);
    let mut client = bench.client();
    client.write32(SCRATCH, 7);
    for bytes in [1, 4, 4096] {
        client.refuses(&reset().and(&vec![0; bytes]), EINVAL);
        client.is_in_step();
    }
    client.register_has(SCRATCH, 7);
}

#[test]
fn a_reset_brings_the_config_space_back() {
    let bench = Bench::start(RESET);
    let mut client = bench.client();
    let before = client.accepts(&read(CONFIG, 0, 4096)).body;
    client.accepts(&write(CONFIG, 0x04, &0x0406_u16.to_le_bytes()));
    client.accepts(&write(CONFIG, 0x10, &0xfebf_0000_u32.to_le_bytes()));
    client.accepts(&write(CONFIG, 0x42, &1_u16.to_le_bytes()));
    client.accepts(&reset());
    let after = client.accepts(&read(CONFIG, 0, 4096)).body;
    client.expect("the config space", after, before);
}

#[test]
fn a_reset_keeps_the_maps_and_the_eventfds() {
    // As QEMU needs it: it does not send the maps again.
    let bench = Bench::start(RESET);
    let mut client = bench.client();
    let memory = Memory::new(0x1000);
    memory.write(0, b"kept");
    let msi = interrupt();
    client.accepts_with(&set_irqs(MSI, EVENTFD | TRIGGER, 0, 1), &[msi.as_fd()]);
    client.accepts_with(&dma_map(0x4000, 0x1000), &[memory.as_fd()]);
    client.accepts(&dma_map(0x8000, 0x1000));
    client.accepts(&reset());
    client.expect("guest memory", bench.guest_bytes(0x4000, 4), Some(b"kept".to_vec()));
    client.accepts(&dma_unmap(0x4000, 0x1000));
    client.accepts(&dma_unmap(0x8000, 0x1000));
    client.expect("interrupts of the reset", fired(&msi), 0);
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts after it", fired(&msi), 1);
}

#[test]
fn a_reset_ends_the_interrupt() {
    let bench = Bench::start(RESET);
    let mut client = bench.client();
    let intx = interrupt();
    client.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    client.expect("interrupts before the reset", fired(&intx), 1);
    client.accepts(&reset());
    client.accepts(&set_irqs(INTX, NONE | UNMASK, 0, 1));
    client.expect("interrupts after it", fired(&intx), 0);
}

#[test]
fn a_reset_takes_its_place_in_the_order() {
    let bench = Bench::start("Command Concurrency");
    let mut client = bench.client();
    let scratch = |value: u32| write(BAR0, SCRATCH, &value.to_le_bytes());
    let messages =
        [scratch(1), read(BAR0, SCRATCH, 4), reset(), read(BAR0, SCRATCH, 4), scratch(3), read(BAR0, SCRATCH, 4)];
    let mut seen = Vec::new();
    for (message, id) in messages.iter().zip(client.send_together(&messages)) {
        seen.extend(client.reply_to(id, message.command).data().first().copied());
    }
    client.expect("the scratch register over time", seen, vec![1, 0, 3]);
}
