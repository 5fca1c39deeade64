//! Reads and writes of regions. Offsets and values are the datasheet's.

use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

use crate::bench::Bench;
use crate::message::{
    ANY_ERRNO, BAR0, BAR2, CONFIG, EINVAL, Message, REGION_WRITE_MULTI, read, region_info, u32s, u64s, write,
};

const READ_REPLY: &str = "VFIO_USER_REGION_READ: Reply";
const READ_REQUEST: &str = "VFIO_USER_REGION_READ: Request";
const BOTH: &str = "Read and Write Operations";
const SCRATCH: u64 = 0x008;
/// What a transfer may carry where nothing else was agreed; the server agrees on no less.
const MAX_DATA_BYTES: u32 = 1_048_576;

#[test]
fn a_read_says_again_what_it_read() {
    let bench = Bench::start(READ_REPLY);
    let mut client = bench.client();
    let reply = client.accepts(&read(CONFIG, 0x008, 4));
    let expected = [u64s(&[0x008]), u32s(&[CONFIG, 4]), vec![0x01, 0x00, 0x01, 0x04]].concat();
    client.expect("offset, region, count and data", reply.body, expected);
    client.expect("descriptors", reply.descriptors.len(), 0);
}

#[test]
fn a_write_says_again_what_it_wrote_without_the_data() {
    let bench = Bench::start_window("VFIO_USER_REGION_WRITE: Reply");
    let mut client = bench.client();
    let reply = client.accepts(&write(BAR2, 0x1230, &[1, 2, 3, 4, 5]));
    client.expect("offset, region and count", reply.body, [u64s(&[0x1230]), u32s(&[BAR2, 5])].concat());
    client.reads(BAR2, 0x1230, &[1, 2, 3, 4, 5]);
}

#[test]
fn accesses_have_1_2_4_or_8_bytes() {
    let bench = Bench::start(READ_REQUEST);
    let mut client = bench.client();
    client.reads(BAR0, 0, &[0x41, 0x4d, 0x57, 0x50, 0, 0, 2, 0]);
    client.accepts(&write(BAR0, SCRATCH, &[0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0]));
    client.reads(BAR0, SCRATCH, &[0x11, 0x22, 0x33, 0x44]);
    client.accepts(&write(BAR0, SCRATCH + 1, &[0xaa]));
    client.accepts(&write(BAR0, SCRATCH + 2, &[0xbb, 0xcc]));
    client.reads(BAR0, SCRATCH, &[0x11, 0xaa]);
    client.reads(BAR0, SCRATCH + 3, &[0xcc]);
}

#[test]
fn registers_answer_other_sizes_with_ones() {
    let bench = Bench::start(READ_REQUEST);
    let mut client = bench.client();
    client.write32(SCRATCH, 0x1234_5678);
    for count in [3, 5, 6, 7, 9, 16, 4096] {
        client.accepts(&write(BAR0, SCRATCH, &vec![0; count]));
        client.reads(BAR0, SCRATCH, &vec![0xff; count]);
    }
    client.register_has(SCRATCH, 0x1234_5678);
}

#[test]
fn past_a_regions_end_there_is_nothing_and_offsets_do_not_wrap_around() {
    let bench = Bench::start("Security Considerations");
    let window_bench = Bench::start_window("Security Considerations");
    let (mut client, mut window) = (bench.client(), window_bench.client());
    for offset in [0x1_0000, 0xffff_ffff, 1 << 40, 1 << 63, u64::MAX - 7, u64::MAX - 3, u64::MAX] {
        for (client, region) in [(&mut client, BAR0), (&mut window, BAR2)] {
            client.accepts(&write(region, offset, &[0; 8]));
            client.reads(region, offset, &[0xff; 8]);
        }
    }
    // The first bytes would still be within.
    client.reads(BAR0, 0xffd, &[0xff; 4]);
    window.reads(BAR2, 0xfffd, &[0xff; 4]);
    window.reads(BAR2, 0, &[0; 8]);
    let space = client.accepts(&read(CONFIG, 0, 4096)).data().to_vec();
    for offset in [0x1000, 0xffe, u64::MAX, u64::MAX - 3] {
        client.call(&read(CONFIG, offset, 4), &[]);
    }
    for offset in [0x1000, u64::MAX - 3] {
        client.call(&write(CONFIG, offset, &[0xff; 8]), &[]);
    }
    client.reads(CONFIG, 0, &space);
}

#[test]
fn a_region_of_no_bytes_has_nothing_to_read() {
    let bench = Bench::start("VFIO_USER_REGION_READ: region");
    let mut client = bench.client();
    for region in [1, 2, 3, 5, 6, 8] {
        let reply = client.call(&read(region, 0, 4), &[]);
        if reply.is_error() {
            client.is_refusal(reply, ANY_ERRNO);
        } else {
            client.expect("data", reply.data(), &[0xff; 4]);
        }
        client.call(&write(region, 0, &[0; 4]), &[]);
        client.is_in_step();
    }
}

#[test]
fn regions_that_are_not_there_are_refused() {
    let bench = Bench::start("VFIO_USER_REGION_READ: region");
    let mut client = bench.client();
    for region in [9, 10, 0x8000_0000, u32::MAX] {
        client.refuses(&read(region, 0, 4), EINVAL);
        client.refuses(&write(region, 0, &[0; 256]), EINVAL);
        client.is_in_step();
    }
}

#[test]
fn no_bytes_are_a_transfer_too() {
    let paragraph = "VFIO_USER_REGION_READ: count";
    for (bench, region) in [(Bench::start(paragraph), BAR0), (Bench::start_window(paragraph), BAR2)] {
        let mut client = bench.client();
        let reply = client.accepts(&read(region, 0, 0));
        client.expect("offset, region and count", reply.body, [u64s(&[0]), u32s(&[region, 0])].concat());
        client.accepts(&write(region, 0, &[]));
        client.is_in_step();
    }
}

#[test]
fn a_write_whose_count_is_not_its_data_is_refused() {
    let bench = Bench::start("VFIO_USER_REGION_WRITE: count");
    let mut client = bench.client();
    for (count, bytes) in [(8, 4), (4, 8), (0, 4), (4, 0), (u32::MAX, 4), (0x8000_0004, 4)] {
        client.refuses(&write(BAR0, SCRATCH, &vec![0x5a; bytes]).put32(12, count), EINVAL);
        client.is_in_step();
    }
    client.register_has(SCRATCH, 0);
}

#[test]
fn a_transfer_has_as_much_as_was_agreed_and_no_more() {
    let bench = Bench::start_window(BOTH);
    let mut client = bench.client();
    let reply = client.accepts(&read(BAR2, 0, MAX_DATA_BYTES));
    client.expect("bytes of data", reply.data().len(), MAX_DATA_BYTES as usize);
    client.accepts(&write(BAR2, 0, &vec![0; MAX_DATA_BYTES as usize]));
    client.refuses(&read(BAR2, 0, MAX_DATA_BYTES + 1), EINVAL);
    client.refuses(&write(BAR2, 0, &vec![0; MAX_DATA_BYTES as usize + 1]), ANY_ERRNO);
    client.is_in_step();
}

#[test]
fn a_region_that_can_be_mapped_is_read_and_written_by_message_too() {
    let bench = Bench::start_window(BOTH);
    let mut client = bench.client();
    let pattern: Vec<u8> = (0..0x1_0000_u32).map(|at| (at ^ at >> 8) as u8).collect();
    client.accepts(&write(BAR2, 0, &pattern));
    client.reads(BAR2, 0, &pattern);
    for (offset, count) in [(0, 1), (1, 3), (0xff, 2), (0x1234, 4096), (0xffff, 1)] {
        client.reads(BAR2, offset as u64, &pattern[offset..offset + count]);
    }
}

#[test]
fn the_mapped_window_and_the_one_by_message_are_the_same() {
    let bench = Bench::start_window("Region Information");
    let mut client = bench.client();
    let mut reply = client.accepts(&region_info(BAR2).argsz(4096));
    client.expect("descriptors", reply.descriptors.len(), 1);
    let file = reply.descriptors.remove(0).into();
    let mapped = MmapRegion::<()>::from_file(FileOffset::new(file, 0), 0x1_0000).expect("a mapping");
    let mapped = mapped.as_volatile_slice();
    mapped.write_slice(b"mapped", 0xfff0).expect("write");
    client.reads(BAR2, 0xfff0, b"mapped");
    client.accepts(&write(BAR2, 0x10, b"by message"));
    let mut seen = [0; 10];
    mapped.read_slice(&mut seen, 0x10).expect("read");
    client.expect("mapped", &seen, b"by message");
}

#[test]
fn writes_in_one_message_are_refused_as_they_were_not_agreed() {
    let bench = Bench::start("VFIO_USER_REGION_WRITE_MULTI");
    let mut client = bench.connect();
    // Not offered, so not agreed, whatever the server could do.
    client.accepts(&crate::message::version(0, 0, r#"{"capabilities":{"max_msg_fds":16}}"#));
    let one = [u64s(&[SCRATCH]), u32s(&[BAR0, 4]), u64s(&[0x5a5a_5a5a])].concat();
    for count in [1, 2, 16] {
        client.refuses(&Message::new(REGION_WRITE_MULTI, u64s(&[count as u64])).and(&one.repeat(count)), ANY_ERRNO);
        client.is_in_step();
    }
    client.register_has(SCRATCH, 0);
}
