//! Both sides through the ring in the sample window.

use device::{Block, Output};

use crate::bench::{
    Bench, CONTROL, DRAIN, ENABLE, FAILURES, FORMAT, FRAMES, HARDWARE, MARK, MS, PERIOD, RATE, RING_FRAMES,
    RING_OFFSET, RX, SOFTWARE, STATUS, TX, WINDOW,
};

/// 16 bits, mono, 8 kHz, a ring of `frames` at 0x100.
fn ring(side: u64, frames: u32) -> Bench {
    let mut bench = Bench::default();
    bench.set(side, &[(FORMAT, 0x110), (RATE, 8_000), (RING_OFFSET, 0x100), (RING_FRAMES, frames), (CONTROL, WINDOW)]);
    bench
}

fn fill(bench: &Bench, first: u16, count: u16, ring_frames: u64) {
    for number in first..first + count {
        bench.window.write(0x100 + 2 * (u64::from(number) % ring_frames), &number.to_le_bytes());
    }
}

fn firsts(bench: &Bench) -> Vec<i32> {
    bench.played().iter().map(|frame| frame[0]).collect()
}

#[test]
fn the_transmitter_takes_what_is_handed_over_and_wraps() {
    let mut bench = ring(TX, 10);
    bench.write(TX + MARK, 0);
    fill(&bench, 0, 9, 10);
    bench.set(TX, &[(SOFTWARE, 9), (CONTROL, WINDOW | ENABLE)]);
    // The FIFO has room for all of it, so the ring is free again.
    assert_eq!(bench.read(TX + HARDWARE), 9);
    assert_eq!(bench.read(TX + STATUS), 0x0008_0009);
    fill(&bench, 9, 6, 10);
    bench.set(TX, &[(SOFTWARE, 5)]);
    assert_eq!(bench.read(TX + HARDWARE), 5);
    bench.at(14 * 125_000);
    assert_eq!(firsts(&bench), (0..15).collect::<Vec<_>>());
    assert_eq!(bench.read(TX + FAILURES), 0);
    assert_eq!(bench.block.next_deadline_ns(), Some(15 * 125_000));
    bench.at(15 * 125_000);
    assert_eq!(bench.effects.outputs().last(), Some(&Output::StreamUnderrun));
    assert_eq!(bench.take_interrupts(), 0x5, "low and an underrun");
}

#[test]
fn a_ring_behind_the_full_fifo_is_neither_low_nor_empty() {
    let mut bench = ring(TX, 2_000);
    fill(&bench, 0, 1_999, 2_000);
    bench.set(TX, &[(SOFTWARE, 1_999), (CONTROL, WINDOW | ENABLE)]);
    assert_eq!((bench.read(TX + HARDWARE), bench.read(TX + STATUS)), (1_024, 0x0009_0400));
    // 256 of 1,999 are left when 1,743 have been played.
    assert_eq!(bench.block.next_deadline_ns(), Some(1_742 * 125_000));
    bench.at(1_742 * 125_000 - 1);
    assert_eq!(bench.take_interrupts(), 0);
    bench.at(1_742 * 125_000);
    assert_eq!((bench.take_interrupts(), bench.read(TX + HARDWARE)), (0x1, 1_999));
    bench.set(TX, &[(CONTROL, WINDOW | ENABLE | DRAIN)]);
    assert_eq!(bench.block.next_deadline_ns(), Some(1_999 * 125_000));
    bench.at(1_999 * 125_000);
    assert_eq!(bench.read(TX), WINDOW);
    assert_eq!(bench.read(TX + FRAMES), 1_999);
    assert_eq!(firsts(&bench), (0..1_999).collect::<Vec<_>>());
    // Enabled again it begins with the ring's first frame.
    bench.write(TX, WINDOW | ENABLE | DRAIN);
    assert_eq!(bench.at(bench.now_ns).played().len(), 2_000);
}

#[test]
fn the_receiver_writes_until_the_ring_and_the_fifo_are_full() {
    let mut bench = ring(RX, 10);
    bench.set(RX, &[(CONTROL, WINDOW | ENABLE), (MARK, 3)]);
    bench.at(4 * 125_000);
    assert_eq!((bench.read(RX + HARDWARE), bench.read(RX + STATUS)), (5, 0x000a_0000));
    let mut bytes = [0xff; 22];
    bench.window.read(0xfe, &mut bytes);
    // Frame n of the input is 8 n.
    assert_eq!(bytes, [0, 0, 0, 0, 8, 0, 16, 0, 24, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // 9 fit; with 3 more in the FIFO it is high.
    assert_eq!(bench.block.next_deadline_ns(), Some(11 * 125_000));
    bench.at(11 * 125_000);
    assert_eq!((bench.read(RX + HARDWARE), bench.read(RX + STATUS)), (9, 0x000c_0003));
    assert_eq!(bench.take_interrupts(), 0x20);
    bench.at((9 + 1_024) * 125_000 - 1);
    assert_eq!(bench.take_interrupts(), 0x20);
    bench.at((9 + 1_024) * 125_000);
    assert_eq!(bench.take_interrupts(), 0x60, "high, and an overrun");
    assert_eq!((bench.read(RX + FAILURES), bench.read(RX + FRAMES)), (1, 9 + 1_024));
    assert_eq!(bench.effects.outputs(), [Output::ReceiveOverrun]);
    bench.at((9 + 1_026) * 125_000);
    assert_eq!((bench.read(RX + FAILURES), bench.effects.outputs().len()), (3, 1), "one overrun, three frames");
    // Frames 0 to 8 have been read: 9 to 17 come.
    bench.set(RX, &[(SOFTWARE, 9)]);
    assert_eq!((bench.read(RX + HARDWARE), bench.read(RX + STATUS) & 0x7ff), (8, 1_015));
    let mut bytes = [0; 4];
    bench.window.read(0x100 + 18, &mut bytes);
    assert_eq!(bytes[..2], [72, 0]);
    bench.window.read(0x100, &mut bytes);
    assert_eq!(bytes, [80, 0, 88, 0]);
}

#[test]
fn one_long_step_does_what_many_short_ones_do() {
    let mut long = ring(TX, 5_000);
    long.set(RX, &[(FORMAT, 0x110), (RATE, 8_000), (RING_OFFSET, 0x8000), (RING_FRAMES, 4_000)]);
    long.set(RX, &[(CONTROL, WINDOW | ENABLE)]);
    fill(&long, 0, 4_999, 5_000);
    long.set(TX, &[(SOFTWARE, 4_999), (CONTROL, WINDOW | ENABLE)]);
    long.at(3_500 * 125_000);
    assert_eq!(firsts(&long), (0..3_501).collect::<Vec<_>>());
    assert_eq!((long.read(TX + HARDWARE), long.read(TX + FAILURES)), (3_501 + 1_024, 0));
    assert_eq!((long.read(RX + HARDWARE), long.read(RX + FAILURES), long.read(RX + STATUS)), (3_501, 0, 0x000a_0000));
}

#[test]
fn a_period_is_told_when_it_is_in_the_ring() {
    let mut bench = ring(RX, 10);
    bench.set(RX, &[(PERIOD, 6), (CONTROL, WINDOW | ENABLE)]);
    assert_eq!(bench.block.next_deadline_ns(), Some(5 * 125_000));
    bench.at(5 * 125_000 - 1);
    assert_eq!(bench.take_interrupts(), 0);
    bench.at(5 * 125_000);
    assert_eq!(bench.take_interrupts(), 0x80);
    // Frame 11 is received, and there is no room for it in the ring.
    bench.at(20 * 125_000);
    assert_eq!(bench.take_interrupts(), 0);
    bench.set(RX, &[(SOFTWARE, 2)]);
    assert_eq!(bench.take_interrupts(), 0);
    bench.set(RX, &[(SOFTWARE, 3)]);
    assert_eq!(bench.take_interrupts(), 0x80);
}

#[test]
fn a_receiver_with_an_end_stops_when_the_ring_has_it_all() {
    let mut bench = ring(RX, 4);
    bench.set(RX, &[(0x68, 5), (CONTROL, WINDOW | ENABLE)]);
    assert_eq!(bench.block.next_deadline_ns(), Some(4 * 125_000));
    bench.at(MS);
    assert_eq!((bench.take_interrupts(), bench.read(RX), bench.read(RX + FRAMES)), (0, WINDOW | ENABLE, 5));
    bench.set(RX, &[(SOFTWARE, 2)]);
    assert_eq!((bench.take_interrupts(), bench.read(RX)), (0x100, WINDOW));
    assert_eq!(bench.block.next_deadline_ns(), None);
}

#[test]
fn a_ring_that_cannot_be_is_an_error() {
    for side in [TX, RX] {
        let (error, other) = if side == TX { (0x10, 0x200) } else { (0x200, 0x10) };
        // The last frame of 2 bytes ends at 0x10000.
        for (offset, frames, good) in
            [(0xff00, 0x80, true), (0xff01, 0x80, false), (0xff00, 0x81, false), (0, 1, false), (0, 0, false)]
        {
            let mut bench = ring(side, 100);
            bench.set(side, &[(RING_OFFSET, offset), (RING_FRAMES, frames), (CONTROL, WINDOW | ENABLE)]);
            assert_eq!(bench.error(side), if good { 0 } else { 7 }, "{offset:#x} and {frames}");
            assert_eq!(bench.read(side) & ENABLE, u32::from(good));
            assert_eq!(bench.take_interrupts() & (error | other), if good { 0 } else { error });
            assert_eq!(bench.effects.faults().len(), usize::from(!good));
        }
        let mut bench = ring(side, 100);
        bench.set(side, &[(SOFTWARE, 50), (RING_FRAMES, 50), (CONTROL, WINDOW | ENABLE)]);
        assert_eq!(bench.error(side), 7, "the index is not in the ring any more");
        bench.set(side, &[(SOFTWARE, 0), (CONTROL, WINDOW | ENABLE)]);
        assert_eq!(bench.error(side), 0);
    }
}

#[test]
fn an_index_outside_of_the_ring_is_ignored_and_named() {
    for (side, name, ring_name) in [(TX, "TX.PRODUCER", "TX.RING_FRAMES"), (RX, "RX.CONSUMER", "RX.RING_FRAMES")] {
        let mut bench = ring(side, 10);
        bench.set(side, &[(SOFTWARE, 9), (CONTROL, WINDOW | ENABLE)]);
        bench.clear();
        bench.write(side + SOFTWARE, 10);
        let expected = format!("{name} takes a frame of the ring, which has 10 ({ring_name}), not 10");
        assert_eq!(bench.only_fault(), expected);
        assert_eq!(bench.read(side + SOFTWARE), 9);
    }
}
