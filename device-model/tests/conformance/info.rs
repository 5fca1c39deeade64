//! What the server says about the device, its regions and its interrupts.

use rustix::fs::fstat;

use crate::bench::Bench;
use crate::client::{Client, Reply};
use crate::message::{BAR2, EINVAL, INTX, MSI, MSIX, NONE, TRIGGER, get_info, irq_info, region_info, set_irqs};

const DEVICE: &str = "VFIO_USER_DEVICE_GET_INFO: Reply";
const REGION: &str = "VFIO_USER_DEVICE_GET_REGION_INFO: Reply";
const IRQ: &str = "VFIO_USER_DEVICE_GET_IRQ_INFO: Reply";
const ARGSZ: &str = "Message sizes";

// `struct vfio_region_info`.
const READ: u32 = 1 << 0;
const WRITE: u32 = 1 << 1;
const MMAP: u32 = 1 << 2;
const CAPS: u32 = 1 << 3;
const REGION_INFO_BYTES: u32 = 32;
const CAP_SPARSE_MMAP: u16 = 1;

/// What a region's information says.
#[derive(Debug, PartialEq)]
struct RegionInfo {
    argsz: u32,
    flags: u32,
    index: u32,
    cap_offset: u32,
    size: u64,
    offset: u64,
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn parse(client: &Client, reply: &Reply) -> RegionInfo {
    client.expect("at least 32 bytes of payload", reply.body.len() >= REGION_INFO_BYTES as usize, true);
    let words = reply.words();
    let double = |at: usize| u64::from(words[at]) | u64::from(words[at + 1]) << 32;
    let [argsz, flags, index, cap_offset] = [0, 1, 2, 3].map(|at| words[at]);
    RegionInfo { argsz, flags, index, cap_offset, size: double(4), offset: double(6) }
}

/// Asks as QEMU does: first for the structure alone, then again for all that the reply says there is.
#[track_caller]
fn whole_region(client: &mut Client, index: u32) -> (RegionInfo, Reply) {
    let reply = client.accepts(&region_info(index));
    let info = parse(client, &reply);
    if info.argsz <= REGION_INFO_BYTES {
        return (info, reply);
    }
    let reply = client.accepts(&region_info(index).argsz(info.argsz));
    (parse(client, &reply), reply)
}

#[test]
fn the_device_is_a_pci_function_that_can_be_reset() {
    let bench = Bench::start(DEVICE);
    let mut client = bench.client();
    let reply = client.accepts(&get_info());
    client.expect("argsz, flags, regions, interrupt types", reply.words(), vec![16, 0b11, 9, 5]);
}

#[test]
fn a_larger_argsz_is_answered_with_the_size_that_is_needed() {
    let bench = Bench::start(ARGSZ);
    let mut client = bench.client();
    for argsz in [17, 64, u32::MAX] {
        let reply = client.accepts(&get_info().argsz(argsz));
        client.expect("argsz, flags, regions, interrupt types", reply.words(), vec![16, 0b11, 9, 5]);
        let reply = client.accepts(&irq_info(INTX).argsz(argsz));
        client.expect("argsz, flags, index, count", reply.words(), vec![16, 7, INTX, 1]);
    }
}

#[test]
fn an_argsz_below_the_structure_is_refused() {
    let bench = Bench::start(ARGSZ);
    let mut client = bench.client();
    for argsz in [0, 1, 15] {
        client.refuses(&get_info().argsz(argsz), EINVAL);
        client.refuses(&irq_info(MSI).argsz(argsz), EINVAL);
        client.refuses(&region_info(BAR2).argsz(16 + argsz), EINVAL);
    }
    client.is_in_step();
}

#[test]
fn regions_have_the_sizes_and_flags_of_the_datasheet() {
    for (bench, there) in [
        (
            Bench::start(REGION),
            [(0, 0x1000, READ | WRITE), (4, 0x1000, READ | WRITE), (7, 0x1000, READ | WRITE)].as_slice(),
        ),
        (Bench::start_window(REGION), &[(2, 0x1_0000, READ | WRITE | MMAP), (7, 0x1000, READ | WRITE)]),
    ] {
        let mut client = bench.client();
        for index in 0..9 {
            let expected = there.iter().find(|region| region.0 == index).copied().unwrap_or((index, 0, 0));
            let (info, _) = whole_region(&mut client, index);
            client.expect("index, size and flags", (info.index, info.size, info.flags & !CAPS), expected);
        }
    }
}

#[test]
fn regions_that_are_not_there_are_refused() {
    let bench = Bench::start("VFIO_USER_DEVICE_GET_REGION_INFO: index");
    let mut client = bench.client();
    for index in [9, 10, 0x8000_0000, u32::MAX] {
        client.refuses(&region_info(index), EINVAL);
    }
    client.is_in_step();
}

#[test]
fn what_does_not_fit_is_left_out_and_argsz_says_so() {
    let bench = Bench::start_window(ARGSZ);
    let mut client = bench.client();
    for index in 0..9 {
        let reply = client.accepts(&region_info(index));
        client.expect("bytes of payload when 32 are the most", reply.body.len(), 32);
        let info = parse(&client, &reply);
        client.expect("an argsz of 32 or more", info.argsz >= 32, true);
        // QEMU 11.1 gives the device up over this one.
        client.expect("the CAPS flag with cap_offset 0", info.flags & CAPS != 0 && info.cap_offset == 0, false);
    }
}

#[test]
fn capabilities_are_a_list_within_the_reply() {
    let bench = Bench::start_window("VFIO region capabilities");
    let mut client = bench.client();
    for index in 0..9 {
        let (info, reply) = whole_region(&mut client, index);
        client.expect("argsz, against the bytes of payload", info.argsz as usize, reply.body.len());
        client.expect("the CAPS flag, against a list", info.flags & CAPS != 0, info.argsz > 32);
        let mut at = info.cap_offset as usize;
        while at != 0 {
            client.expect("a capability within the reply", at >= 32 && at + 16 <= reply.body.len(), true);
            client.expect("id and version", (half(&reply.body, at), half(&reply.body, at + 2)), (CAP_SPARSE_MMAP, 1));
            let areas = reply.words()[at / 4 + 2] as usize;
            client.expect("areas within the reply", at + 16 + areas * 16 <= reply.body.len(), true);
            let next = reply.words()[at / 4 + 1] as usize;
            client.expect("a list that goes on or ends", next == 0 || next > at, true);
            at = next;
        }
    }
}

#[test]
fn a_region_that_can_be_mapped_brings_one_descriptor_and_others_none() {
    let bench = Bench::start_window("VFIO_USER_DEVICE_GET_REGION_INFO: VFIO_REGION_INFO_FLAG_MMAP");
    let mut client = bench.client();
    for index in 0..9 {
        let (info, reply) = whole_region(&mut client, index);
        let expected = usize::from(index == BAR2);
        client.expect("the MMAP flag", info.flags & MMAP != 0, index == BAR2);
        client.expect("descriptors", reply.descriptors.len(), expected);
        for descriptor in &reply.descriptors {
            let bytes = fstat(descriptor).expect("a file").st_size.cast_unsigned();
            client.expect("offset and size within the file", info.offset + info.size <= bytes, true);
            client.expect("an offset of whole pages", info.offset & 0xfff, 0);
        }
    }
}

/// QEMU waits for the reply to each BAR write of a function that has a region to map.
#[test]
fn no_region_of_function_0_can_be_mapped() {
    let bench = Bench::start("VFIO_USER_DEVICE_GET_REGION_INFO: VFIO_REGION_INFO_FLAG_MMAP");
    let mut client = bench.client();
    for index in 0..9 {
        let reply = client.accepts(&region_info(index).argsz(4096));
        client.expect("the MMAP flag", parse(&client, &reply).flags & MMAP, 0);
        client.expect("descriptors and bytes of payload", (reply.descriptors.len(), reply.body.len()), (0, 32));
    }
}

#[test]
fn every_reply_that_says_mmap_brings_the_descriptor() {
    let bench = Bench::start_window("VFIO_USER_DEVICE_GET_REGION_INFO: VFIO_REGION_INFO_FLAG_MMAP");
    let mut client = bench.client();
    for argsz in [32, 33, 64, 4096] {
        let reply = client.accepts(&region_info(BAR2).argsz(argsz));
        let mapped = parse(&client, &reply).flags & MMAP != 0;
        client.expect("descriptors", reply.descriptors.len(), usize::from(mapped));
    }
}

#[test]
fn interrupts_have_the_counts_and_flags_of_the_datasheet() {
    let bench = Bench::start(IRQ);
    let mut client = bench.client();
    // INTx: eventfd, maskable, automasked. MSI and MSI-X: eventfd, no resize.
    for (index, flags, count) in [(INTX, 0b0111, 1), (MSI, 0b1001, 1), (MSIX, 0b1001, 16)] {
        let reply = client.accepts(&irq_info(index));
        client.expect("argsz, flags, index, count", reply.words(), vec![16, flags, index, count]);
    }
    for index in 3..5 {
        let words = client.accepts(&irq_info(index)).words();
        client.expect("argsz, index, count", words.get(2..), Some(&[index, 0][..]));
    }
}

#[test]
fn a_function_of_memory_alone_has_no_interrupts() {
    let bench = Bench::start_window(IRQ);
    let mut client = bench.client();
    for index in 0..5 {
        let words = client.accepts(&irq_info(index)).words();
        client.expect("argsz, flags, index, count", words, vec![16, 0, index, 0]);
        client.refuses(&set_irqs(index, NONE | TRIGGER, 0, 1), EINVAL);
    }
    client.is_in_step();
}

#[test]
fn interrupts_that_are_not_there_are_refused() {
    let bench = Bench::start("VFIO_USER_DEVICE_GET_IRQ_INFO: index");
    let mut client = bench.client();
    for index in [5, 6, 0x8000_0000, u32::MAX] {
        client.refuses(&irq_info(index), EINVAL);
    }
    client.is_in_step();
}
