//! Whatever a guest writes, and whenever: the block answers.

use device::{Block, DmaFailure, DmaTransfer, Width};

use crate::bench::{
    Bench, CONTROL, CYCLIC, DMA, DRAIN, ENABLE, END, FAILURES, FORMAT, FRAMES, LOOPBACK, MS, PERIOD, RATE, RING_FRAMES,
    RX, SOFTWARE, STATUS, TX, WINDOW,
};

#[test]
fn a_period_of_one_frame_that_nobody_takes_has_no_deadline_a_frame() {
    let mut bench = Bench::default();
    bench.map(0x1000, vec![1; 16_000]);
    bench.list(TX, &[(0x1000, 16_000)]);
    bench.list(RX, &[(0x1000, 16_000)]);
    for side in [TX, RX] {
        bench.set(side, &[(FORMAT, 0x110), (RATE, 192_000), (PERIOD, 1), (CONTROL, DMA | CYCLIC | ENABLE)]);
    }
    let mut deadlines = 0;
    while let Some(deadline_ns) = bench.block.next_deadline_ns().filter(|&deadline_ns| deadline_ns < 1_000 * MS) {
        bench.at(deadline_ns);
        bench.effects.clear();
        bench.requests.clear();
        deadlines += 1;
    }
    // 192,000 frames a second in bursts of 512, which both sides have at the same time but for the first ones.
    assert!((375..400).contains(&deadlines), "{deadlines} deadlines");
    assert_eq!(bench.read(0x010) & 0x88, 0x88);
    assert_eq!((bench.error(TX), bench.error(RX)), (0, 0));
}

#[test]
fn settings_of_the_largest_numbers() {
    let mut bench = Bench::default();
    bench.map(0x1000, vec![1; 4_000]);
    for side in [TX, RX] {
        bench.list(side, &[(0x1000, 4_000)]);
        bench.set(side, &[(FORMAT, 0x110), (RATE, 192_000), (PERIOD, u32::MAX), (END, u32::MAX)]);
        bench.set(side, &[(CONTROL, DMA | CYCLIC | ENABLE)]);
    }
    bench.until(20 * MS);
    assert_eq!((bench.read(TX + FRAMES), bench.read(RX + FRAMES)), (3_841, 3_841));
    // A jump past many bursts: what could not come in time is counted.
    bench.at(10_000 * MS);
    assert!(bench.read(TX + FAILURES) > 0 && bench.read(RX + FAILURES) > 0);
}

#[test]
fn a_ring_whose_size_changes_between_streams() {
    let mut bench = Bench::default();
    bench.set(TX, &[(FORMAT, 0x110), (RING_FRAMES, 1_000), (SOFTWARE, 999), (CONTROL, WINDOW | ENABLE)]);
    bench.set(TX, &[(RING_FRAMES, 2)]);
    assert_eq!(bench.read(TX + RING_FRAMES), 1_000, "not while it is used");
    bench.set(TX, &[(CONTROL, WINDOW), (RING_FRAMES, 2), (CONTROL, WINDOW | ENABLE)]);
    assert_eq!(bench.error(TX), 7);
    bench.set(TX, &[(RING_FRAMES, 0), (SOFTWARE, 0), (CONTROL, WINDOW | ENABLE | DRAIN)]);
    assert_eq!(bench.error(TX), 7);
}

/// A generator that is good enough for tests.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn anything_at_any_time() {
    let widths = [Width::BYTE, Width::HALF, Width::WORD, Width::DOUBLE];
    let failures = [DmaFailure::NotMapped, DmaFailure::Failed];
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut bench = Bench { holds_back: true, ..Bench::default() };
        for side in [TX, RX] {
            bench.list(side, &[(0x1000, 24), (0x2000, 4_800)]);
        }
        for _ in 0..2_000 {
            let side = [TX, RX][random.next(2) as usize];
            let offset = side + random.next(0x70);
            let width = widths[random.next(4) as usize];
            match random.next(8) {
                0 | 1 => drop(bench.block.read(offset, width, bench.now_ns, &mut bench.effects)),
                2 => {
                    let control = random.next(0x800) as u32 & !(LOOPBACK * random.next(2) as u32);
                    bench.write(side + CONTROL, control);
                }
                3 => {
                    let value = random.next(1 << 31) >> random.next(31);
                    bench.block.write(offset, width, value, bench.now_ns, &mut bench.effects);
                }
                4 => drop(bench.at(bench.now_ns + random.next(3 * MS))),
                5 => bench.set(side, &[(RING_FRAMES, 64), (SOFTWARE, random.next(70) as u32)]),
                6 => {
                    let deadline_ns = bench.block.next_deadline_ns().unwrap_or(bench.now_ns);
                    bench.at(deadline_ns.clamp(bench.now_ns, bench.now_ns + 50 * MS));
                }
                _ => {
                    let channel = random.next(2) as u8;
                    let request = bench.requests.iter().rev().find(|request| request.channel == channel).cloned();
                    let result = match request.map(|request| request.transfer) {
                        _ if random.next(8) == 0 => Err(failures[random.next(2) as usize]),
                        Some(DmaTransfer::Read { bytes }) => Ok(vec![random.next(4) as u8; bytes]),
                        _ => Ok(Vec::new()),
                    };
                    bench.end(channel, result);
                }
            }
            bench.effects.clear();
            bench.requests.clear();
        }
        for side in [TX, RX] {
            assert!(bench.read(side + STATUS) & 0x7ff <= 1_024);
        }
    }
}
