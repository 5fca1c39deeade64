//! Maps and unmaps of guest memory. What is mapped is seen as the device sees it, and as the kernel counts it.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use crate::bench::Bench;
use crate::descriptors::{Memory, descriptor_field, interrupt};
use crate::message::{ANY_ERRNO, EEXIST, EINVAL, dma_map, dma_unmap};

const MAP_DESCRIPTOR: &str = "VFIO_USER_DMA_MAP: file descriptor";
/// `VFIO_DMA_UNMAP_FLAG_ALL` of linux/vfio.h.
const UNMAP_ALL: u32 = 1 << 1;
const PAGE: u64 = 0x1000;

#[test]
fn shared_memory_is_the_same_for_client_and_device() {
    let bench = Bench::start(MAP_DESCRIPTOR);
    let mut client = bench.client();
    let memory = Memory::new(2 * PAGE);
    let reply = client.accepts_with(&dma_map(0x8000_0000, 2 * PAGE), &[memory.as_fd()]);
    client.expect("payload and descriptors", (reply.body.len(), reply.descriptors.len()), (0, 0));
    memory.write(0xffe, b"from the guest");
    client.expect("guest memory", bench.guest_bytes(0x8000_0ffe, 14), Some(b"from the guest".to_vec()));
    bench.write_guest(0x8000_0010, b"from the device");
    client.expect("the client's memory", memory.read(0x10, 15), b"from the device".to_vec());
    client.expect("memory past the end", bench.guest_bytes(0x8000_0000 + 2 * PAGE, 1), None);
}

#[test]
fn a_map_may_begin_within_its_file() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: offset");
    let mut client = bench.client();
    let memory = Memory::new(8 * PAGE);
    memory.write(5 * PAGE, b"page 5");
    client.accepts_with(&dma_map(0, 2 * PAGE).put64(8, 5 * PAGE), &[memory.as_fd()]);
    client.expect("guest memory", bench.guest_bytes(0, 6), Some(b"page 5".to_vec()));
}

#[test]
fn memory_may_come_without_a_descriptor() {
    let bench = Bench::start(MAP_DESCRIPTOR);
    let mut client = bench.client();
    client.accepts(&dma_map(0xc_0000, 0x2_0000).put32(4, 1));
    client.refuses(&dma_map(0xc_0000, PAGE), EEXIST);
    client.accepts(&dma_unmap(0xc_0000, 0x2_0000));
}

#[test]
fn memory_may_be_for_reading_only() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: flags");
    let mut client = bench.client();
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(&[0x5a; PAGE as usize]).expect("a page");
    let read_only = File::open(file.path()).expect("a descriptor for reading");
    client.refuses_with(&dma_map(0, PAGE), &[read_only.as_fd()], ANY_ERRNO);
    client.accepts_with(&dma_map(0, PAGE).put32(4, 1), &[read_only.as_fd()]);
    client.expect("guest memory", bench.guest_bytes(0, 2), Some(vec![0x5a; 2]));
}

#[test]
fn ranges_that_cannot_be_are_refused() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: Request");
    let mut client = bench.client();
    let memory = Memory::new(2 * PAGE);
    let last_page = u64::MAX - (PAGE - 1);
    for (address, size) in [(0, 0), (0x5000, 0), (last_page, 2 * PAGE), (2 * PAGE, last_page)] {
        client.refuses(&dma_map(address, size), EINVAL);
        client.refuses_with(&dma_map(address, size), &[memory.as_fd()], EINVAL);
    }
    client.is_in_step();
    bench.eventually("nothing of memory that was refused", || !memory.is_held());
}

#[test]
fn ranges_of_parts_of_pages_are_refused() {
    let bench = Bench::start("VFIO_USER_VERSION: pgsizes");
    let mut client = bench.client();
    let memory = Memory::new(4 * PAGE);
    for map in [
        dma_map(0x800, PAGE),
        dma_map(1, PAGE),
        dma_map(0, PAGE + 1),
        dma_map(0, 0x800),
        dma_map(0, PAGE).put64(8, 0x10),
    ] {
        client.refuses_with(&map, &[memory.as_fd()], EINVAL);
    }
    client.refuses(&dma_map(0x800, PAGE), EINVAL);
    client.refuses(&dma_map(0, 0x800), EINVAL);
}

#[test]
fn a_map_over_another_is_refused() {
    let bench = Bench::start("VFIO_USER_DMA_MAP: a map over an existing region");
    let mut client = bench.client();
    let (memory, other) = (Memory::new(4 * PAGE), Memory::new(8 * PAGE));
    memory.write(0, b"first");
    client.accepts_with(&dma_map(4 * PAGE, 4 * PAGE), &[memory.as_fd()]);
    client.accepts(&dma_map(8 * PAGE, 4 * PAGE));
    for (first, pages) in [(4, 4), (4, 1), (7, 1), (3, 2), (7, 2), (11, 2), (0, 16), (5, 2), (8, 4), (9, 1)] {
        client.refuses(&dma_map(first * PAGE, pages * PAGE), EEXIST);
        if pages <= 8 {
            client.refuses_with(&dma_map(first * PAGE, pages * PAGE), &[other.as_fd()], EEXIST);
        }
    }
    client.expect("guest memory", bench.guest_bytes(4 * PAGE, 5), Some(b"first".to_vec()));
    bench.eventually("nothing of memory that was refused", || !other.is_held());
    // Neighbours are not over each other.
    client.accepts_with(&dma_map(3 * PAGE, PAGE), &[other.as_fd()]);
    client.accepts_with(&dma_map(12 * PAGE, PAGE), &[other.as_fd()]);
}

#[test]
fn a_descriptor_of_fewer_bytes_is_refused() {
    let bench = Bench::start("Security Considerations");
    let mut client = bench.client();
    let memory = Memory::new(2 * PAGE);
    let far = u64::MAX - (PAGE - 1);
    for (offset, size) in [(0, 3 * PAGE), (PAGE, 2 * PAGE), (2 * PAGE, PAGE), (far, PAGE), (1 << 63, PAGE)] {
        client.refuses_with(&dma_map(0, size).put64(8, offset), &[memory.as_fd()], EINVAL);
    }
    client.expect("guest memory", bench.guest_bytes(0, 1), None);
    bench.eventually("nothing of memory that was refused", || !memory.is_held());
}

#[test]
fn more_than_one_descriptor_is_refused() {
    let bench = Bench::start(MAP_DESCRIPTOR);
    let mut client = bench.client();
    let memory = Memory::new(PAGE);
    for count in [2, 3, 16] {
        client.refuses_with(&dma_map(0, PAGE), &vec![memory.as_fd(); count], EINVAL);
    }
    bench.eventually("nothing of memory that was refused", || !memory.is_held());
    client.accepts_with(&dma_map(0, PAGE), &[memory.as_fd()]);
}

#[test]
fn a_descriptor_that_cannot_be_mapped_is_refused() {
    let bench = Bench::start(MAP_DESCRIPTOR);
    let mut client = bench.client();
    let (reader, writer) = std::io::pipe().expect("pipe");
    let (eventfd, folder) = (interrupt(), File::open("/").expect("a folder"));
    for descriptor in [reader.as_fd(), writer.as_fd(), eventfd.as_fd(), folder.as_fd()] {
        client.refuses_with(&dma_map(0, PAGE), &[descriptor], ANY_ERRNO);
    }
    client.accepts(&dma_map(0, PAGE));
}

#[test]
fn received_descriptors_are_not_handed_on_to_programs() {
    let bench = Bench::start("Security Considerations");
    let mut client = bench.client();
    let memory = Memory::new(PAGE);
    client.accepts_with(&dma_map(0, PAGE), &[memory.as_fd()]);
    for number in memory.others() {
        let flags = descriptor_field(&number, "flags").unwrap_or_default();
        let close_on_exec = u32::from_str_radix(&flags, 8).unwrap_or(0) & 0o200_0000 != 0;
        client.expect("a descriptor that is closed on exec", close_on_exec, true);
    }
}

#[test]
fn an_unmap_is_answered_with_its_entry_when_nothing_refers_to_the_memory_any_more() {
    let bench = Bench::start("VFIO_USER_DMA_UNMAP: Reply");
    let mut client = bench.client();
    let memory = Memory::new(4 * PAGE);
    for page in 0..4 {
        client.accepts_with(&dma_map(page * PAGE, PAGE).put64(8, page * PAGE), &[memory.as_fd()]);
    }
    client.expect("a descriptor or a mapping", memory.is_held(), true);
    for page in 0..4 {
        let reply = client.accepts(&dma_unmap(page * PAGE, PAGE));
        client.expect("argsz, flags, address, size", reply.words(), vec![24, 0, page as u32 * 0x1000, 0, 0x1000, 0]);
        client.expect("guest memory", bench.guest_bytes(page * PAGE, 1), None);
    }
    client.expect("descriptors and mappings", (memory.others().len(), memory.mappings()), (0, 0));
}

#[test]
fn an_unmap_that_does_not_match_a_map_is_refused() {
    let bench = Bench::start("VFIO_USER_DMA_UNMAP: Request");
    let mut client = bench.client();
    let memory = Memory::new(4 * PAGE);
    client.accepts_with(&dma_map(4 * PAGE, 4 * PAGE), &[memory.as_fd()]);
    client.accepts(&dma_map(8 * PAGE, PAGE));
    for (first, pages) in [(4, 3), (4, 5), (5, 3), (3, 5), (0, 1), (4, 0), (0, 0), (8, 2), (9, 1), (0, 64)] {
        client.refuses(&dma_unmap(first * PAGE, pages * PAGE), ANY_ERRNO);
    }
    client.refuses(&dma_unmap(4 * PAGE, u64::MAX), ANY_ERRNO);
    client.refuses(&dma_unmap(u64::MAX, PAGE), ANY_ERRNO);
    client.expect("guest memory", bench.guest_bytes(4 * PAGE, 1), Some(vec![0]));
    client.accepts(&dma_unmap(4 * PAGE, 4 * PAGE));
    client.refuses(&dma_unmap(4 * PAGE, 4 * PAGE), ANY_ERRNO);
}

#[test]
fn unmap_all_leaves_nothing() {
    let bench = Bench::start("VFIO_USER_DMA_UNMAP: flags (VFIO_DMA_UNMAP_FLAG_ALL)");
    let mut client = bench.client();
    let memory = Memory::new(4 * PAGE);
    let all = dma_unmap(0, 0).put32(4, UNMAP_ALL);
    for _ in 0..2 {
        client.accepts_with(&dma_map(0, 4 * PAGE), &[memory.as_fd()]);
        client.accepts(&dma_map(16 * PAGE, PAGE));
        let reply = client.accepts(&all);
        client.expect("argsz, flags, address, size", reply.words(), vec![24, UNMAP_ALL, 0, 0, 0, 0]);
        client.expect("descriptors and mappings", (memory.others().len(), memory.mappings()), (0, 0));
    }
    // Nothing is left to unmap: that is no error.
    client.accepts(&all);
}

#[test]
fn an_argsz_below_the_structure_is_refused() {
    let bench = Bench::start("VFIO_USER_DMA_MAP and _UNMAP: argsz");
    let mut client = bench.client();
    let memory = Memory::new(PAGE);
    for argsz in [0, 24, 31] {
        client.refuses_with(&dma_map(0, PAGE).argsz(argsz), &[memory.as_fd()], EINVAL);
    }
    client.accepts(&dma_map(0, PAGE));
    for argsz in [0, 16, 23] {
        client.refuses(&dma_unmap(0, PAGE).argsz(argsz), EINVAL);
    }
    client.accepts(&dma_unmap(0, PAGE));
}

#[test]
fn a_thousand_maps_are_valid_at_once() {
    let bench = Bench::start("VFIO_USER_VERSION: max_dma_maps");
    let mut client = bench.client();
    let memory = Memory::new(2000 * PAGE);
    for page in (0..1000).map(|number| 2 * number) {
        memory.write(page * PAGE, &page.to_ne_bytes());
        client.accepts_with(&dma_map(page * PAGE, PAGE).put64(8, page * PAGE), &[memory.as_fd()]);
    }
    for page in (0..1000_u64).rev().map(|number| 2 * number) {
        client.expect("guest memory", bench.guest_bytes(page * PAGE, 8), Some(page.to_ne_bytes().to_vec()));
        client.accepts(&dma_unmap(page * PAGE, PAGE));
    }
    client.expect("descriptors and mappings", (memory.others().len(), memory.mappings()), (0, 0));
}

#[test]
fn maps_and_unmaps_without_reply_are_done_in_order() {
    let bench = Bench::start("Command Concurrency");
    let mut client = bench.client();
    let memory = Memory::new(PAGE);
    for _ in 0..50 {
        client.send_with(&dma_map(0, PAGE).no_reply(), &[memory.as_fd()]);
        client.send(&dma_unmap(0, PAGE).no_reply());
    }
    client.accepts_with(&dma_map(0, PAGE), &[memory.as_fd()]);
    client.accepts(&dma_unmap(0, PAGE));
    client.expect("descriptors and mappings", (memory.others().len(), memory.mappings()), (0, 0));
}
