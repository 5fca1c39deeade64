//! The PCI side of the device over its socket: vectors of MSI-X, resets, power states. Offsets and values are retyped
//! from the datasheet and from the PCI specifications.

use std::os::fd::{AsRawFd, OwnedFd};

use device::{ClockMode, Happening, Pin};
use rustix::event::{EventfdFlags, eventfd};

use crate::bench::{ACTION_TRIGGER, BAR0, Bench, CONFIG, DATA_EVENTFD};

const BAR4: u32 = 4;
const MSIX: u32 = 2;

const INTERRUPT_STATUS: u64 = 0x010;
const INTERRUPT_ENABLE: u64 = 0x014;
const INTERRUPT_FORCE: u64 = 0x018;
const VECTORS_LOW: u64 = 0x020;
const VECTORS_HIGH: u64 = 0x024;
/// How many sources of interrupts the block has.
const SOURCES: u32 = 14;

const COMMAND: u64 = 0x04;
const POWER_CONTROL: u64 = 0x54;
const MSIX_CONTROL: u64 = 0x62;
const DEVICE_CONTROL: u64 = 0x78;
const PENDING_BITS: u64 = 0x800;

impl Bench {
    fn read_bytes<const BYTES: usize>(&mut self, region: u32, offset: u64) -> [u8; BYTES] {
        let mut data = [0; BYTES];
        self.client.region_read(region, offset, &mut data).expect("read");
        data
    }

    fn write_bytes(&mut self, region: u32, offset: u64, data: &[u8]) {
        self.client.region_write(region, offset, data).expect("write");
    }

    /// A descriptor for every vector.
    fn connect_vectors(&mut self) -> Vec<OwnedFd> {
        let eventfds: Vec<OwnedFd> = (0..16).map(|_| eventfd(0, EventfdFlags::NONBLOCK).expect("eventfd")).collect();
        let descriptors: Vec<_> = eventfds.iter().map(AsRawFd::as_raw_fd).collect();
        self.client.set_irqs(MSIX, DATA_EVENTFD | ACTION_TRIGGER, 0, 16, &descriptors).expect("connect the vectors");
        eventfds
    }

    /// Gives source n vector n + `first`, from 16 on vector 0 again, and enables all sources.
    fn spread_vectors(&mut self, first: u32) {
        let vectors = (0..SOURCES).fold(0_u64, |all, source| all | u64::from((source + first) % 16) << (4 * source));
        self.write(VECTORS_LOW, vectors as u32);
        self.write(VECTORS_HIGH, (vectors >> 32) as u32);
        self.write(INTERRUPT_ENABLE, (1 << SOURCES) - 1);
    }

    fn pending(&mut self) -> u16 {
        let [low, high, rest @ ..] = self.read_bytes::<8>(BAR4, PENDING_BITS);
        assert_eq!(rest, [0; 6]);
        u16::from_le_bytes([low, high])
    }

    /// All that a guest can read and that is the function's state.
    fn everything(&mut self) -> (Vec<u8>, Vec<u8>, Vec<u32>) {
        let (config, msix) = (self.read_bytes::<4096>(CONFIG, 0).to_vec(), self.read_bytes::<4096>(BAR4, 0).to_vec());
        let registers = (0..0x1000).step_by(4).map(|offset| u32::from_le_bytes(self.read_bytes(BAR0, offset)));
        (config, msix, registers.collect())
    }

    /// Writes all there is to be written, plays, and leaves interrupts pending.
    fn be_busy(&mut self) {
        self.connect_vectors();
        self.write_bytes(CONFIG, 0, &[0xff; 0x54]);
        self.write_bytes(CONFIG, MSIX_CONTROL, &[0xff; 0x10]);
        self.write_bytes(CONFIG, DEVICE_CONTROL, &0x7fff_u16.to_le_bytes());
        self.write_bytes(CONFIG, 0x98, &[0xff; 4]);
        self.write_bytes(BAR4, 0, &[0xff; 256]);
        for offset in (0x008..0x1000).step_by(4).filter(|offset| *offset != 0x00c) {
            self.write(offset, 0x0101_0101);
        }
        for number in 0..100_u64 {
            self.write_bytes(BAR0, 0x460, &number.to_le_bytes());
        }
        self.write(0x440, 1);
        self.spread_vectors(3);
        self.write(INTERRUPT_FORCE, (1 << SOURCES) - 1);
    }
}

/// The interrupts by each vector since the last look.
fn fired(eventfds: &[OwnedFd]) -> Vec<u64> {
    let count = |eventfd| {
        let mut count = [0; 8];
        rustix::io::read(eventfd, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
    };
    eventfds.iter().map(count).collect()
}

/// One interrupt by each of the vectors whose bit is set.
fn one_each(vectors: u16) -> Vec<u64> {
    (0..16).map(|vector| u64::from(vectors >> vector & 1)).collect()
}

#[test]
fn sources_go_to_the_vectors_that_they_are_given() {
    let mut bench = Bench::start(ClockMode::Warp);
    let eventfds = bench.connect_vectors();
    for first in [0, 5, 15] {
        bench.spread_vectors(first);
        for source in 0..SOURCES {
            bench.write(INTERRUPT_FORCE, 1 << source);
            assert_eq!(fired(&eventfds), one_each(1 << ((source + first) % 16)), "source {source}");
        }
        bench.write(INTERRUPT_STATUS, !0);
        bench.write(INTERRUPT_FORCE, (1 << SOURCES) - 1);
        let all = ((1_u32 << SOURCES) - 1) << first;
        assert_eq!(fired(&eventfds), one_each((all | all >> 16) as u16), "all at once");
        bench.write(INTERRUPT_STATUS, !0);
    }
    let vectors = bench.server.with_device(|device| {
        let pins = device.timeline().events().rev().filter_map(|event| match event.happening {
            Happening::Interrupt(pin) => Some(pin),
            _ => None,
        });
        pins.take(14).collect::<Vec<_>>()
    });
    assert_eq!(vectors[..2], [Pin::MsiX(15), Pin::MsiX(12)], "the latest first: sources 0 and 13 of the last round");
}

#[test]
fn sources_that_share_a_vector_have_one_interrupt_until_all_are_cleared() {
    let mut bench = Bench::start(ClockMode::Warp);
    let eventfds = bench.connect_vectors();
    bench.write(VECTORS_LOW, 0x0000_0077);
    bench.write(INTERRUPT_ENABLE, 0b11);
    for _ in 0..3 {
        bench.write(INTERRUPT_FORCE, 0b01);
        bench.write(INTERRUPT_FORCE, 0b10);
        bench.write(INTERRUPT_STATUS, 0b01);
        assert_eq!(fired(&eventfds), one_each(1 << 7));
        bench.write(INTERRUPT_STATUS, 0b10);
    }
}

#[test]
fn each_vector_is_masked_pending_unmasked_and_then_sent_once() {
    let mut bench = Bench::start(ClockMode::Warp);
    let eventfds = bench.connect_vectors();
    for first in [0, 2] {
        bench.spread_vectors(first);
        for vector in first..first + SOURCES {
            let control = 16 * u64::from(vector) + 12;
            bench.write_bytes(BAR4, control, &1_u32.to_le_bytes());
            for _ in 0..2 {
                bench.write(INTERRUPT_FORCE, 1 << (vector - first));
            }
            assert_eq!((fired(&eventfds), bench.pending()), (one_each(0), 1 << vector), "vector {vector}");
            bench.write_bytes(BAR4, control, &0_u32.to_le_bytes());
            assert_eq!((fired(&eventfds), bench.pending()), (one_each(1 << vector), 0), "vector {vector}");
            bench.write_bytes(BAR4, control, &1_u32.to_le_bytes());
            bench.write_bytes(BAR4, control, &0_u32.to_le_bytes());
            assert_eq!(fired(&eventfds), one_each(0), "vector {vector}: sent once");
            bench.write(INTERRUPT_STATUS, !0);
        }
    }
}

#[test]
fn the_function_mask_holds_all_vectors_and_lets_each_go_once() {
    let mut bench = Bench::start(ClockMode::Warp);
    let eventfds = bench.connect_vectors();
    bench.spread_vectors(1);
    bench.write_bytes(CONFIG, MSIX_CONTROL, &0xc00f_u16.to_le_bytes());
    bench.write(INTERRUPT_FORCE, (1 << SOURCES) - 1);
    assert_eq!((fired(&eventfds), bench.pending()), (one_each(0), 0x7ffe));
    // Two are seen by polling, and one more vector is masked by itself.
    bench.write(INTERRUPT_STATUS, 0b11);
    bench.write_bytes(BAR4, 14 * 16 + 12, &[1]);
    assert_eq!(bench.pending(), 0x7ff8);
    bench.write_bytes(CONFIG, MSIX_CONTROL, &0x800f_u16.to_le_bytes());
    assert_eq!((fired(&eventfds), bench.pending()), (one_each(0x3ff8), 0x4000));
    bench.write_bytes(BAR4, 14 * 16 + 12, &[0]);
    assert_eq!((fired(&eventfds), bench.pending()), (one_each(0x4000), 0));
}

#[test]
fn a_reset_of_either_kind_gives_the_cold_state() {
    let mut cold = Bench::start(ClockMode::Warp);
    let cold = cold.everything();
    for function_level in [false, true] {
        let mut bench = Bench::start(ClockMode::Warp);
        bench.be_busy();
        let (config, msix, registers) = bench.everything();
        assert!(config != cold.0 && msix != cold.1 && registers != cold.2, "there is something to reset");
        if function_level {
            bench.write_bytes(CONFIG, DEVICE_CONTROL + 1, &[0x80]);
        } else {
            bench.client.reset().expect("reset");
        }
        let (config, msix, registers) = bench.everything();
        assert_eq!(config, cold.0, "function-level: {function_level}");
        assert_eq!(msix, cold.1, "function-level: {function_level}");
        let differing = (0..).step_by(4).zip(registers.iter().zip(&cold.2)).filter(|(_, (one, other))| one != other);
        let differing: Vec<(u64, (&u32, &u32))> = differing.collect();
        assert_eq!(differing, [], "function-level: {function_level}");
    }
}

#[test]
fn a_function_in_d3hot_sleeps_and_wakes_as_it_was() {
    let mut bench = Bench::start(ClockMode::Warp);
    let eventfds = bench.connect_vectors();
    bench.spread_vectors(0);
    bench.write(0x008, 0xcafe_f00d);
    bench.write_bytes(CONFIG, COMMAND, &0x0006_u16.to_le_bytes());
    bench.write_bytes(CONFIG, MSIX_CONTROL, &0xc00f_u16.to_le_bytes());
    bench.write(INTERRUPT_FORCE, 1 << 4);
    bench.write_bytes(CONFIG, POWER_CONTROL, &0x0003_u16.to_le_bytes());
    bench.write_bytes(CONFIG, MSIX_CONTROL, &0x800f_u16.to_le_bytes());
    for region in [BAR0, BAR4] {
        assert_eq!(bench.read_bytes(region, 8), [0xff; 4], "region {region}");
        bench.write_bytes(region, 0, &[0; 8]);
    }
    assert_eq!(bench.read_bytes(CONFIG, POWER_CONTROL), [0x0b, 0x00], "D3hot, No_Soft_Reset");
    assert_eq!(fired(&eventfds), one_each(0));
    let said = bench.server.with_device(|device| device.timeline_tail(5));
    assert!(said[0].ends_with("the function goes into D3hot"), "{said:?}");
    assert!(said[1].ends_with("ignored: read of 4 bytes at BAR0 0x8: the function is in D3hot"), "{said:?}");

    bench.write_bytes(CONFIG, POWER_CONTROL, &0x0000_u16.to_le_bytes());
    assert_eq!(fired(&eventfds), one_each(1 << 4));
    assert_eq!(bench.read_bytes(BAR0, 0x008), 0xcafe_f00d_u32.to_le_bytes());
    assert_eq!(bench.read_bytes(CONFIG, COMMAND), [0x06, 0x00]);
}
