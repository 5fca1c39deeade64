//! Sections `VFIO_USER_DMA_READ` and `VFIO_USER_DMA_WRITE`: guest memory that came without a descriptor.

use crate::bench::Bench;
use crate::client::{Came, Client, Reply};
use crate::descriptors::Memory;
use crate::message::{BAR0, Message, REPLY, TYPE_MASK, dma_map, dma_unmap, reset, u64s, version, write};

const PAGE: u64 = 0x1000;
const DMA_READ: u16 = 11;
const DMA_WRITE: u16 = 12;
const ERROR: u32 = 1 << 5;
/// The most that a message of the server carries: QEMU 11.1 loses its place after a reply of 0x36000 bytes.
const LARGEST: usize = 0x2_0000;

/// The next command of the server, with the address and the count that it has.
#[track_caller]
fn command(client: &mut Client, number: u16, address: u64, count: usize) -> Reply {
    let came = match client.receive() {
        Came::Reply(command) if command.flags & TYPE_MASK == 0 => command,
        other => client.fail("a command of the server", other),
    };
    client.expect("command", came.command, number);
    client.expect("address and count", came.body[..16].to_vec(), u64s(&[address, count as u64]));
    came
}

/// Answers a command of the server.
fn answer(client: &mut Client, command: &Reply, body: Vec<u8>) {
    client.send(&Message::new(command.command, body).flags(REPLY).id(command.id));
}

/// The payload of the reply to a `DMA_READ`.
fn read_reply(address: u64, data: &[u8]) -> Vec<u8> {
    [u64s(&[address, data.len() as u64]), data.to_vec()].concat()
}

/// The payload of the reply to a `DMA_WRITE`, whose count has 4 bytes.
fn write_reply(address: u64, count: u32) -> Vec<u8> {
    [u64s(&[address]), count.to_ne_bytes().to_vec()].concat()
}

#[test]
fn memory_without_descriptor_is_read_by_message() {
    let bench = Bench::start("VFIO_USER_DMA_READ");
    let mut client = bench.client();
    client.accepts(&dma_map(4 * PAGE, PAGE));
    let result = bench.dma_read(4 * PAGE + 8, 5);
    let asked = command(&mut client, DMA_READ, 4 * PAGE + 8, 5);
    client.expect("bytes of payload", asked.body.len(), 16);
    answer(&mut client, &asked, read_reply(4 * PAGE + 8, b"guest"));
    client.expect("data", result.wait(), Ok(b"guest".to_vec()));
}

#[test]
fn memory_without_descriptor_is_written_by_message() {
    let bench = Bench::start("VFIO_USER_DMA_WRITE");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let result = bench.dma_write(PAGE - 6, b"device");
    let asked = command(&mut client, DMA_WRITE, PAGE - 6, 6);
    client.expect("data", &asked.body[16..], &b"device"[..]);
    answer(&mut client, &asked, write_reply(PAGE - 6, 6));
    client.expect("outcome", result.wait(), Ok(Vec::new()));
}

#[test]
fn long_transfers_go_in_messages_that_the_client_can_take() {
    for (capability, part) in [(1_048_576, LARGEST), (4_096, 4_096)] {
        let bench = Bench::start("VFIO_USER_VERSION: max_data_xfer_size");
        let mut client = bench.connect();
        client.accepts(&version(0, 0, &format!(r#"{{"capabilities":{{"max_data_xfer_size":{capability}}}}}"#)));
        client.accepts(&dma_map(0, 128 * PAGE));
        let result = bench.dma_read(16, 2 * part + 7);
        for (number, bytes) in [part, part, 7].into_iter().enumerate() {
            let address = 16 + (number * part) as u64;
            let asked = command(&mut client, DMA_READ, address, bytes);
            answer(&mut client, &asked, read_reply(address, &vec![number as u8; bytes]));
        }
        let expected = [vec![0; part], vec![1; part], vec![2; 7]].concat();
        client.expect("data", result.wait() == Ok(expected), true);
    }
}

#[test]
fn a_transfer_takes_each_part_as_it_was_mapped() {
    let bench = Bench::start("Client memory access");
    let mut client = bench.client();
    let memory = Memory::new(2 * PAGE);
    memory.write(PAGE - 2, b"by");
    client.accepts_with(&dma_map(0, PAGE), &[memory.as_fd()]);
    client.accepts(&dma_map(PAGE, PAGE));
    client.accepts_with(&dma_map(2 * PAGE, PAGE).put64(8, PAGE), &[memory.as_fd()]);
    memory.write(PAGE, b"file");
    let result = bench.dma_read(PAGE - 2, PAGE as usize + 6);
    let asked = command(&mut client, DMA_READ, PAGE, PAGE as usize);
    answer(&mut client, &asked, read_reply(PAGE, &[b'-'; PAGE as usize]));
    let expected = [b"by".to_vec(), vec![b'-'; PAGE as usize], b"file".to_vec()].concat();
    client.expect("data", result.wait() == Ok(expected), true);
}

#[test]
fn commands_are_served_while_an_answer_is_awaited() {
    let bench = Bench::start("Command Concurrency: unrelated messages in between");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let result = bench.dma_read(0, 1);
    let asked = command(&mut client, DMA_READ, 0, 1);
    client.accepts(&write(BAR0, 0x008, &[1, 2, 3, 4]));
    client.register_has(0x008, 0x0403_0201);
    client.accepts(&reset());
    answer(&mut client, &asked, read_reply(0, &[7]));
    client.expect("data", result.wait(), Ok(vec![7]));
    client.is_in_step();
}

#[test]
fn transfers_are_done_in_order() {
    let bench = Bench::start("VFIO_USER_DMA_READ");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let results = [0, 8, 16].map(|address| bench.dma_read(address, 8));
    for address in [0, 8, 16] {
        let asked = command(&mut client, DMA_READ, address, 8);
        answer(&mut client, &asked, read_reply(address, &[address as u8; 8]));
    }
    for (address, result) in [0, 8, 16].into_iter().zip(results) {
        client.expect("data", result.wait(), Ok(vec![address; 8]));
    }
}

#[test]
fn answers_that_are_errors_or_nonsense_end_their_transfer_only() {
    let bench = Bench::start("VFIO_USER_DMA_READ: Reply");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let wrong = [
        read_reply(0, &[1; 3]),
        read_reply(0, &[1; 5]),
        read_reply(8, &[1; 4]),
        [u64s(&[0, 4]), vec![1; 3]].concat(),
        u64s(&[0]),
        Vec::new(),
    ];
    for body in wrong {
        let result = bench.dma_read(0, 4);
        let asked = command(&mut client, DMA_READ, 0, 4);
        answer(&mut client, &asked, body);
        client.expect("an error", result.wait().is_err(), true);
    }
    let result = bench.dma_write(0, &[1; 4]);
    let asked = command(&mut client, DMA_WRITE, 0, 4);
    client.send(&Message::new(DMA_WRITE, []).flags(REPLY | ERROR).error(14).id(asked.id));
    client.expect("an error with its number", result.wait().unwrap_err().contains("14"), true);
    let result = bench.dma_read(0, 1);
    let asked = command(&mut client, DMA_READ, 0, 1);
    answer(&mut client, &asked, read_reply(0, &[9]));
    client.expect("data", result.wait(), Ok(vec![9]));
}

#[test]
fn replies_that_nobody_waits_for_are_passed_over() {
    let bench = Bench::start("Header: Message ID");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    client.send(&Message::new(DMA_READ, read_reply(0, &[1])).flags(REPLY).id(0));
    let result = bench.dma_read(0, 1);
    let asked = command(&mut client, DMA_READ, 0, 1);
    client.send(&Message::new(DMA_READ, read_reply(0, &[1])).flags(REPLY).id(asked.id.wrapping_add(1)));
    client.send(&Message::new(DMA_WRITE, write_reply(0, 1)).flags(REPLY).id(asked.id));
    client.is_in_step();
    answer(&mut client, &asked, read_reply(0, &[2]));
    client.expect("data", result.wait(), Ok(vec![2]));
}

#[test]
fn memory_that_is_not_there_or_not_for_that_is_not_asked_for() {
    let bench = Bench::start("VFIO_USER_DMA_READ: address");
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE).put32(4, 1));
    client.accepts(&dma_map(PAGE, PAGE).put32(4, 2));
    client.accepts(&dma_map(2 * PAGE, PAGE));
    client.accepts(&dma_unmap(2 * PAGE, PAGE));
    for result in [
        bench.dma_write(0, &[1]),
        bench.dma_read(PAGE, 1),
        bench.dma_read(2 * PAGE, 1),
        bench.dma_read(u64::MAX, 1),
        bench.dma_write(u64::MAX - 3, &[1; 8]),
    ] {
        client.expect("an error", result.wait().is_err(), true);
    }
    client.expect("nothing", bench.dma_read(0x1234_5678, 0).wait(), Ok(Vec::new()));
    client.hears_nothing();
}

#[test]
fn a_client_that_goes_or_does_not_answer_ends_its_transfers() {
    let bench = Bench::start("Client Disconnection");
    client_goes(&bench);
    client_stays_silent(&bench);
    let nobody = bench.dma_read(0, 1);
    assert!(nobody.wait().is_err(), "there is no client");
}

fn client_goes(bench: &Bench) {
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let results = [bench.dma_read(0, 1), bench.dma_read(8, 1)];
    command(&mut client, DMA_READ, 0, 1);
    drop(client);
    assert!(results.into_iter().all(|result| result.wait().is_err()));
}

fn client_stays_silent(bench: &Bench) {
    let mut client = bench.client();
    client.accepts(&dma_map(0, PAGE));
    let result = bench.dma_read(0, 1);
    let late = command(&mut client, DMA_READ, 0, 1);
    client.expect("an error", result.wait().is_err(), true);
    // It comes too late, and is served all the same.
    answer(&mut client, &late, read_reply(0, &[1]));
    client.is_in_step();
}
