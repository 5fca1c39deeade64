//! Clients that mean harm. Whatever they send, every command of theirs that is whole has one reply, the next client is
//! served, and nothing of theirs stays.

use std::os::fd::{AsFd, BorrowedFd};

use crate::bench::{Bench, limit_memory};
use crate::client::Client;
use crate::descriptors::{Memory, interrupt};
use crate::message::{
    ANY_ERRNO, BAR0, BAR2, CONFIG, HEADER_BYTES, MIG_DATA_READ, MSI, Message, NO_REPLY, REGION_WRITE_MULTI, dma_map,
    dma_unmap, get_info, irq_info, one_of_each, one_of_each_unsupported, qemu_version, read, region_info, set_irqs,
    u32s, u64s, write,
};

const SECURITY: &str = "Security Considerations";
const SIZES: &str = "Message sizes: the request's payload";

/// Numbers that follow from a seed (xorshift64*): the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// A number of the kind that finds the edges.
    fn word(&mut self) -> u32 {
        const EDGES: [u32; 16] =
            [0, 1, 2, 3, 4, 7, 8, 9, 16, 20, 24, 32, 0x1000, 0x8000_0000, 0xffff_f000, 0xffff_ffff];
        match self.below(8) {
            0 => self.next() as u32,
            _ => EDGES[self.below(EDGES.len())],
        }
    }
}

/// Every command that a client may think of, well-formed.
fn every_command() -> Vec<Message> {
    one_of_each().into_iter().chain(one_of_each_unsupported()).collect()
}

#[test]
fn payloads_that_are_cut_short_are_refused_at_every_length() {
    let bench = Bench::start(SIZES);
    let mut client = bench.client();
    for message in every_command() {
        for bytes in HEADER_BYTES..message.bytes() {
            client.refuses(&message.clone().resized(bytes), ANY_ERRNO);
        }
        client.is_in_step();
    }
}

#[test]
fn all_flags_at_once_are_answered_or_ignored() {
    let bench = Bench::start("Header: Flags");
    let mut client = bench.client();
    for message in every_command() {
        client.send(&message.clone().flags(u32::MAX));
        client.refuses(&message.flags(!NO_REPLY), ANY_ERRNO);
    }
    for message in [dma_map(0, 0x1000), set_irqs(MSI, 0, 0, 1), dma_unmap(0, 0x1000), get_info(), region_info(0)] {
        client.call(&message.put32(4, u32::MAX), &[]);
        client.is_in_step();
    }
}

#[test]
fn counts_of_all_ones_take_no_memory() {
    let bench = Bench::start(SECURITY);
    limit_memory();
    let mut client = bench.client();
    for region in [BAR0, BAR2, CONFIG, 8, 9] {
        client.refuses(&read(region, 0, u32::MAX), ANY_ERRNO);
        client.refuses(&read(region, u64::MAX, u32::MAX), ANY_ERRNO);
        client.refuses(&write(region, 0, &[0; 8]).put32(12, u32::MAX), ANY_ERRNO);
    }
    for message in [
        set_irqs(MSI, 0x24, u32::MAX, u32::MAX),
        set_irqs(MSI, 0x22, 0, u32::MAX).and(&[1; 64]).argsz(u32::MAX),
        dma_map(u64::MAX, u64::MAX).argsz(u32::MAX),
        dma_unmap(u64::MAX, u64::MAX).argsz(u32::MAX),
        Message::new(REGION_WRITE_MULTI, u64s(&[u64::MAX])).and(&[0xff; 24]),
        Message::new(MIG_DATA_READ, u32s(&[u32::MAX, u32::MAX])),
        region_info(u32::MAX).argsz(u32::MAX),
        irq_info(u32::MAX).argsz(u32::MAX),
    ] {
        client.refuses(&message, ANY_ERRNO);
        client.is_in_step();
    }
}

#[test]
fn random_commands_have_one_reply_each() {
    let bench = Bench::start(SECURITY);
    let mut random = Random(0x5eed_0001);
    for _ in 0..10 {
        let mut client = bench.client();
        for _ in 0..500 {
            let words: Vec<u32> = (0..random.below(12)).map(|_| random.word()).collect();
            let mut message = Message::new(2 + random.below(19) as u16, u32s(&words));
            if random.below(4) == 0 {
                let bytes = HEADER_BYTES + random.below(64);
                message = message.resized(bytes);
            }
            if random.below(4) == 0 {
                client.send(&message.no_reply());
            } else {
                client.call(&message, &[]);
            }
        }
        client.is_in_step();
    }
}

#[test]
fn sessions_with_a_few_bytes_changed_end_in_order() {
    let bench = Bench::start(SECURITY);
    let mut random = Random(0x5eed_0002);
    let session: Vec<u8> = [qemu_version()].into_iter().chain(every_command()).flat_map(|one| one.encode(1)).collect();
    for _ in 0..500 {
        let mut changed = session.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(changed.len());
            changed[at] = random.next() as u8;
        }
        end_in_order(bench.connect(), &changed);
    }
    bench.serves();
}

#[test]
fn random_bytes_end_in_order() {
    let bench = Bench::start(SECURITY);
    let mut random = Random(0x5eed_0003);
    for number in 0..500 {
        let bytes = random.bytes(512);
        end_in_order(if number % 2 == 0 { bench.connect() } else { bench.client() }, &bytes);
    }
    bench.serves();
}

#[test]
fn random_version_data_ends_in_order() {
    let bench = Bench::start("VFIO_USER_VERSION: version data");
    let mut random = Random(0x5eed_0004);
    let proposal = qemu_version().encode(1);
    for _ in 0..500 {
        let mut changed = proposal.clone();
        for _ in 0..=random.below(3) {
            let at = HEADER_BYTES + random.below(changed.len() - HEADER_BYTES);
            changed[at] = *b"\0\"{}[]:,0-9e.\\tn\xff\x80".get(random.below(18)).unwrap_or(&b' ');
        }
        end_in_order(bench.connect(), &changed);
    }
    bench.serves();
}

/// Sends bytes and no more, and expects an end of the connection after whatever replies.
#[track_caller]
fn end_in_order(mut client: Client, bytes: &[u8]) {
    client.remember(format!("{bytes:02x?}"));
    client.send_bytes(bytes, &[]);
    client.end_sending();
    client.drain();
}

#[test]
fn hundreds_of_descriptors_are_closed() {
    let bench = Bench::start("VFIO_USER_VERSION: max_msg_fds");
    let (memory, eventfd) = (Memory::new(0x1000), interrupt());
    let mut client = bench.client();
    for round in 0..3 {
        for message in every_command() {
            let descriptors: Vec<BorrowedFd<'_>> = vec![memory.as_fd(); 2 + round * 7];
            client.call(&message.clone(), &descriptors);
            client.call(&message, &[eventfd.as_fd(); 16]);
        }
    }
    client.is_in_step();
    bench.eventually("no descriptor that came with more than were due", || !memory.is_held());
}

#[test]
fn more_descriptors_than_the_server_takes_are_closed() {
    let bench = Bench::start("VFIO_USER_VERSION: max_msg_fds");
    let memory = Memory::new(0x1000);
    for message in [get_info(), dma_map(0, 0x1000), set_irqs(MSI, 0x24, 0, 1)] {
        for count in [17, 64, 253] {
            let mut client = bench.client();
            // Refused, or too much to go on with: the specification has no word for it.
            client.send_with(&message, &vec![memory.as_fd(); count]);
            client.end_sending();
            client.drain();
        }
    }
    bench.eventually("no descriptor of more than were agreed", || !memory.is_held());
    bench.serves();
}

#[test]
fn descriptors_in_the_middle_of_a_message_are_closed() {
    let bench = Bench::start(SECURITY);
    let memory = Memory::new(0x1000);
    for message in every_command() {
        let encoded = message.encode(1);
        let mut client = bench.client();
        client.remember(format!("{message}, with a descriptor at every 4 bytes"));
        for part in encoded.chunks(4) {
            client.send_bytes(part, &[memory.as_fd()]);
        }
        client.end_sending();
        client.drain();
    }
    bench.eventually("no descriptor that came in the middle", || !memory.is_held());
    bench.serves();
}
