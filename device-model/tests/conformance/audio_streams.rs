//! Streams by DMA in guest memory that came without a descriptor, and in memory that does not allow it.

use crate::bench::Bench;
use crate::client::{Came, Client, Reply};
use crate::message::{BAR0, CONFIG, Message, REPLY, TYPE_MASK, dma_map, read, u64s, write};

const PAGE: u64 = 0x1000;
const DMA_READ: u16 = 11;
const DMA_WRITE: u16 = 12;
const TX: u64 = 0x440;
const RX: u64 = 0x540;
const DMA_AND_ENABLE: u32 = 0x201;

fn set(client: &mut Client, offset: u64, value: u32) {
    client.accepts(&write(BAR0, offset, &value.to_le_bytes()));
}

fn get(client: &mut Client, offset: u64) -> u32 {
    client.accepts(&read(BAR0, offset, 4)).words()[4]
}

/// Bus mastering, and a side with 16 bits mono at 192 kHz whose list of one entry is at the start of memory.
fn set_up(client: &mut Client, side: u64) {
    client.accepts(&write(CONFIG, 0x04, &[0x06, 0]));
    for (register, value) in [(0x04, 0x110), (0x08, 192_000), (0x60, 1), (0x00, DMA_AND_ENABLE)] {
        set(client, side + register, value);
    }
}

/// The next command of the server, with the address and the count that it has.
#[track_caller]
fn command(client: &mut Client, number: u16, address: u64, count: u64) -> Reply {
    let came = match client.receive() {
        Came::Reply(command) if command.flags & TYPE_MASK == 0 => command,
        other => client.fail("a command of the server", other),
    };
    client.expect("command", came.command, number);
    client.expect("address and count", came.body[..16].to_vec(), u64s(&[address, count]));
    came
}

fn answer_read(client: &mut Client, address: u64, data: &[u8]) {
    let asked = command(client, DMA_READ, address, data.len() as u64);
    let body = [u64s(&[address, data.len() as u64]), data.to_vec()].concat();
    client.send(&Message::new(DMA_READ, body).flags(REPLY).id(asked.id));
}

fn list(address: u64, bytes: u32) -> Vec<u8> {
    [u64s(&[address]), bytes.to_ne_bytes().to_vec(), vec![0; 4]].concat()
}

/// Reads a register until it has this value: each access takes 1 us of device time.
#[track_caller]
fn becomes(client: &mut Client, offset: u64, value: u32) {
    let mut values = (0..10_000).map(|_| get(client, offset));
    assert!(values.any(|found| found == value), "expected {value:#x} at {offset:#x}");
}

#[test]
fn a_stream_is_played_from_memory_that_is_read_by_message() {
    let bench = Bench::start("VFIO_USER_DMA_READ");
    let mut client = bench.client();
    client.accepts(&dma_map(0, 2 * PAGE));
    set_up(&mut client, TX);
    answer_read(&mut client, 0, &list(PAGE + 2, 12));
    answer_read(&mut client, PAGE + 2, &[7; 12]);
    becomes(&mut client, TX + 0x14, 6);
    set(&mut client, TX, DMA_AND_ENABLE | 0x2);
    becomes(&mut client, TX, 0x200);
}

#[test]
fn a_stream_is_received_into_memory_that_is_written_by_message() {
    let bench = Bench::start("VFIO_USER_DMA_WRITE");
    let mut client = bench.client();
    client.accepts(&dma_map(0, 2 * PAGE));
    set_up(&mut client, RX);
    answer_read(&mut client, 0, &list(PAGE, 8));
    let asked = command(&mut client, DMA_WRITE, PAGE, 8);
    client.expect("silence", asked.body[16..].to_vec(), vec![0; 8]);
    let body = [u64s(&[PAGE]), 8_u32.to_ne_bytes().to_vec()].concat();
    client.send(&Message::new(DMA_WRITE, body).flags(REPLY).id(asked.id));
    becomes(&mut client, RX, 0x200);
    let interrupts = get(&mut client, 0x010);
    client.expect("rx_done", interrupts & 0x3c0, 0x100);
}

#[test]
fn a_client_that_refuses_stops_the_stream() {
    for side in [TX, RX] {
        let bench = Bench::start("VFIO_USER_DMA_READ: errors");
        let mut client = bench.client();
        client.accepts(&dma_map(0, PAGE));
        set_up(&mut client, side);
        let asked = command(&mut client, DMA_READ, 0, 16);
        client.send(&Message::new(DMA_READ, []).flags(REPLY | 1 << 5).error(14).id(asked.id));
        becomes(&mut client, side, 0x200);
        let status = get(&mut client, side + 0x0c);
        client.expect("failed", status >> 24, 5);
    }
}

#[test]
fn memory_that_may_only_be_read_or_only_be_written() {
    for (side, flags) in [(TX, 2), (RX, 1)] {
        let bench = Bench::start("VFIO_USER_DMA_MAP: flags");
        let mut client = bench.client();
        client.accepts(&dma_map(0, PAGE));
        client.accepts(&dma_map(PAGE, PAGE).put32(4, flags));
        set_up(&mut client, side);
        answer_read(&mut client, 0, &list(PAGE, 8));
        becomes(&mut client, side, 0x200);
        let status = get(&mut client, side + 0x0c);
        client.expect("not_allowed", status >> 24, 2);
        client.is_in_step();
    }
}
