//! Headers, the order of replies, and where a message ends.

use crate::bench::{Bench, limit_memory};
use crate::descriptors::Memory;
use crate::message::{
    ANY_ERRNO, BAR0, BAR2, DEVICE_GET_INFO, DMA_MAP, DMA_READ, EINVAL, ERROR, HEADER_BYTES, Message, NO_REPLY, NONE,
    REGION_READ, REGION_WRITE, REPLY, TRIGGER, dma_map, get_info, irq_info, one_of_each, one_of_each_unsupported, read,
    region_info, reset, set_irqs, u32s, write,
};

const SIZE: &str = "Header: Message size";
const TYPE: &str = "Header: Flags, Type";
const SILENT: &str = "Header: Flags, No_reply";
const ORDER: &str = "Command Concurrency";
const SCRATCH: u64 = 0x008;

/// Commands that no table of the specification has. 14 is the one that it once had.
const UNKNOWN: [u16; 4] = [0, 14, 19, 0xffff];

#[test]
fn a_size_below_the_headers_closes_the_connection() {
    let bench = Bench::start(SIZE);
    for size in [0, 1, 15] {
        let mut client = bench.client();
        client.send(&get_info().size(size));
        client.is_dropped();
    }
    bench.serves();
}

#[test]
fn a_message_larger_than_any_is_refused_and_skipped() {
    let bench = Bench::start_window(SIZE);
    let mut client = bench.client();
    for message in [write(BAR2, 0, &vec![0x55; 0x20_0000]), get_info().resized(0x12_3456)] {
        client.refuses(&message, ANY_ERRNO);
        client.is_in_step();
    }
    // The write was refused whole.
    client.reads(BAR2, 0, &[0; 4]);
}

#[test]
fn the_largest_size_takes_no_memory() {
    let bench = Bench::start(SIZE);
    limit_memory();
    for message in [get_info(), write(BAR0, SCRATCH, &[0; 4]), Message::new(0xffff, [])] {
        let mut client = bench.client();
        client.send(&message.size(u32::MAX));
        client.end_sending();
        client.drain();
    }
    bench.serves();
}

#[test]
fn the_id_is_echoed_whatever_it_is() {
    let bench = Bench::start("Header: Message ID");
    let mut client = bench.client();
    for id in [0, 1, 0x7fff, 0x8000, 0xffff] {
        client.accepts(&get_info().id(id));
        client.refuses(&region_info(9).id(id), ANY_ERRNO);
    }
    // The same one for several messages at once.
    let messages = [get_info().id(7), irq_info(0).id(7), get_info().id(7)];
    client.send_together(&messages);
    for message in &messages {
        client.reply_to(7, message.command);
    }
}

#[test]
fn a_type_that_is_neither_command_nor_reply_is_refused() {
    let bench = Bench::start(TYPE);
    let mut client = bench.client();
    for kind in [2, 3, 8, 15] {
        client.refuses(&get_info().flags(kind), EINVAL);
        client.refuses(&write(BAR0, SCRATCH, &[0x5a; 4]).flags(kind), EINVAL);
    }
    client.register_has(SCRATCH, 0);
}

#[test]
fn replies_that_nobody_asked_for_are_ignored() {
    let bench = Bench::start(TYPE);
    let mut client = bench.client();
    for message in one_of_each().into_iter().chain([Message::new(DMA_READ, vec![0; 4112]), Message::new(0xffff, [])]) {
        client.send(&message.clone().flags(REPLY));
        client.send(&message.flags(REPLY | ERROR).error(5));
    }
    client.send(&write(BAR0, SCRATCH, &[0x5a; 4]).flags(REPLY));
    client.is_in_step();
    client.register_has(SCRATCH, 0);
}

#[test]
fn reserved_bits_and_the_error_field_of_a_command_are_ignored() {
    let bench = Bench::start("Header: Flags and Error");
    let mut client = bench.client();
    for message in [get_info().flags(0xffff_ffc0), get_info().error(u32::MAX), region_info(0).flags(1 << 6).error(22)] {
        client.accepts(&message);
    }
}

#[test]
fn unknown_commands_are_refused_and_their_payload_is_skipped() {
    let bench = Bench::start("Commands");
    let mut client = bench.client();
    for command in UNKNOWN {
        for payload in [0, 1, 16, 4096, 0x1_0000] {
            client.refuses(&Message::new(command, vec![0; payload]), ANY_ERRNO);
        }
        client.is_in_step();
    }
}

#[test]
fn commands_that_are_not_supported_are_refused_and_their_payload_is_skipped() {
    let bench = Bench::start("Commands");
    let mut client = bench.client();
    for message in one_of_each_unsupported() {
        client.refuses(&message, ANY_ERRNO);
        client.is_in_step();
    }
    // One of them was a write in a REGION_WRITE_MULTI.
    client.register_has(SCRATCH, 0);
}

#[test]
fn an_error_reply_is_a_header_with_the_error_bit_and_a_reason() {
    let bench = Bench::start("Header: If an error occurs");
    let mut client = bench.client();
    for message in [region_info(9), irq_info(5), read(9, 0, 4), set_irqs(5, NONE | TRIGGER, 0, 0)] {
        let reply = client.call(&message, &[]);
        client.expect("flags", reply.flags & 0x3f, REPLY | ERROR);
        client.expect("errno", reply.error, EINVAL);
        client.expect("bytes of payload", reply.body.len(), 0);
    }
}

#[test]
fn what_wants_no_reply_gets_none_not_even_when_it_fails() {
    let bench = Bench::start(SILENT);
    let mut client = bench.client();
    let unknown = UNKNOWN.map(|command| Message::new(command, vec![0; 40]));
    let wrong = [
        region_info(9),
        get_info().argsz(0),
        read(9, 0, 4),
        read(BAR0, 0, u32::MAX),
        write(9, 0, &[0; 64]),
        dma_map(0, 0),
        reset().and(&[0]),
        get_info().resized(20),
        get_info().resized(0x20_0000),
    ];
    for message in one_of_each().into_iter().chain(unknown).chain(wrong).chain(one_of_each_unsupported()) {
        client.send(&message.no_reply());
        client.is_in_step();
    }
}

#[test]
fn what_wants_no_reply_is_done_before_what_follows_is_answered() {
    let bench = Bench::start(ORDER);
    let mut client = bench.client();
    for value in 1..=200_u32 {
        client.send(&write(BAR0, SCRATCH, &value.to_le_bytes()).no_reply());
        if value % 50 == 0 {
            client.register_has(SCRATCH, value);
        }
    }
}

#[test]
fn many_messages_in_one_write_are_answered_in_order() {
    let bench = Bench::start(ORDER);
    let mut client = bench.client();
    let messages: Vec<Message> = (0..50_u32)
        .flat_map(|value| [write(BAR0, SCRATCH, &value.to_le_bytes()), read(BAR0, SCRATCH, 4), get_info(), irq_info(7)])
        .collect();
    let ids = client.send_together(&messages);
    let mut seen = Vec::new();
    for (message, id) in messages.iter().zip(ids) {
        let reply = client.reply_to(id, message.command);
        seen.extend((message.command == REGION_READ).then(|| reply.data().to_vec()));
    }
    client.expect("what was read", seen, (0..50_u32).map(|value| value.to_le_bytes().to_vec()).collect());
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let bench = Bench::start(SIZE);
    let mut client = bench.client();
    client.remember("a REGION_WRITE, id 0x77, byte by byte".to_owned());
    for (at, byte) in write(BAR0, SCRATCH, &[0x11, 0x22, 0x33, 0x44]).encode(0x77).into_iter().enumerate() {
        client.send_bytes(&[byte], &[]);
        // Let the server see some of them alone.
        if at % 8 == 0 {
            client.hears_nothing();
        }
    }
    client.reply_to(0x77, REGION_WRITE);
    client.register_has(SCRATCH, 0x4433_2211);
}

#[test]
fn a_message_may_come_in_two_parts() {
    let bench = Bench::start(SIZE);
    let mut client = bench.client();
    let bytes = get_info().encode(0x55);
    for cut in [1, 8, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, bytes.len() - 1] {
        client.remember(format!("a GET_INFO, id 0x55, in two parts: {cut} bytes first"));
        client.send_bytes(&bytes[..cut], &[]);
        client.hears_nothing();
        client.send_bytes(&bytes[cut..], &[]);
        client.reply_to(0x55, DEVICE_GET_INFO);
    }
}

#[test]
fn descriptors_belong_to_the_message_whose_first_byte_they_came_with() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: file descriptor");
    let mut client = bench.client();
    let memory = Memory::new(0x1000);
    memory.write(0, b"first");
    let bytes = dma_map(0x4000, 0x1000).encode(0x66);
    client.remember("a DMA_MAP, id 0x66, in two parts: 7 bytes with the descriptor first".to_owned());
    client.send_bytes(&bytes[..7], &[memory.as_fd()]);
    client.hears_nothing();
    client.send_bytes(&bytes[7..], &[]);
    client.reply_to(0x66, DMA_MAP);
    client.expect("guest memory", bench.guest_bytes(0x4000, 5), Some(b"first".to_vec()));
}

#[test]
fn pipelined_maps_have_each_its_own_descriptor() {
    let bench = Bench::start(ORDER);
    let mut client = bench.client();
    let memories: Vec<Memory> = (0..16).map(|_| Memory::new(0x1000)).collect();
    let ids: Vec<u16> = (0..)
        .zip(&memories)
        .map(|(number, memory)| {
            memory.write(0, &[number]);
            client.send_with(&dma_map(u64::from(number) * 0x1000, 0x1000), &[memory.as_fd()])
        })
        .collect();
    for (number, id) in (0..).zip(ids) {
        let reply = client.reply_to(id, DMA_MAP);
        client.expect("an error", reply.is_error(), false);
        client.expect("guest memory", bench.guest_bytes(u64::from(number) * 0x1000, 1), Some(vec![number]));
    }
}

#[test]
fn bytes_past_the_end_of_a_structure_do_not_become_a_message() {
    let bench = Bench::start("Message sizes");
    let mut client = bench.client();
    for message in one_of_each() {
        let longer = message.and(&get_info().encode(0x99));
        // Refused or accepted: either way they belong to this message.
        client.call(&longer, &[]);
        client.is_in_step();
    }
    client.send(&Message::new(0xffff, u32s(&[0; 4])).flags(NO_REPLY));
    client.is_in_step();
}
