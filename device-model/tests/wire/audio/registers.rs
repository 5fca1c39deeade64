//! Every register, field, value and interrupt of both sides over the wire.

use super::board::{
    Board, CONTROL, CYCLIC, DATA, DMA, DRAIN, ENABLE, END, ENTRY, FAILURES, FORMAT, FRAMES, LIST_ENTRIES, LIST_HIGH,
    LIST_LOW, MARK, PERIOD, POSITION, RATE, RING_FRAMES, RING_OFFSET, RX, SAMPLE, SOFTWARE, STATUS, TX, WINDOW,
};

#[test]
fn settings_keep_every_value_that_they_have() {
    let mut board = Board::start();
    for side in [TX, RX] {
        let formats = [0x108, 0x210, 0x318, 0x1_0418, 0x520, 0x620, 0x720, 0x820];
        for (register, values) in [
            (FORMAT, &formats[..]),
            (RATE, &[8_000, 44_100, 192_000]),
            (MARK, &[1, 1_023]),
            (0x1c, &[0, 255, 256]),
            (RING_OFFSET, &[0xffff, 0]),
            (RING_FRAMES, &[0x1_0000, 0]),
            (SOFTWARE, &[0xffff_ffff, 0]),
            (PERIOD, &[0xffff_ffff, 0]),
            (LIST_LOW, &[0xffff_ffff, 0]),
            (LIST_HIGH, &[0xffff_ffff, 0]),
            (LIST_ENTRIES, &[4_096, 0]),
            (END, &[0xffff_ffff, 0]),
            (CONTROL, &[0x008, 0x010, WINDOW, DMA, DMA | CYCLIC, 0]),
        ] {
            for &value in values {
                board.write(side + register, value);
                assert_eq!(board.read(side + register), value, "{side:#x} + {register:#x}");
            }
        }
    }
}

#[test]
fn interrupts_are_forced_and_cleared_one_by_one() {
    let mut board = Board::start();
    for interrupt in (0..10).map(|bit| 1 << bit) {
        board.write(0x014, interrupt);
        board.write(0x018, interrupt);
        assert_eq!(board.wait(), interrupt);
        board.clear(interrupt);
        assert_eq!(board.read(0x010), 0);
    }
}

#[test]
fn full_and_empty_fifos_run_over_and_under() {
    let mut board = Board::start();
    board.set(TX, &[(FORMAT, 0x110), (RATE, 192_000)]);
    for _ in 0..1_025 {
        board.set(TX, &[(SAMPLE, 7)]);
    }
    // Full with 1,024, and one was dropped.
    assert_eq!(board.read(TX + STATUS), 0x0021_0400);
    board.write(0x014, 0x4);
    board.set(TX, &[(CONTROL, ENABLE)]);
    assert_eq!(board.wait(), 0x4);
    assert_eq!((board.read(TX + STATUS), board.read(TX + FAILURES)), (0x0036_0000, 1));
    board.set(TX, &[(CONTROL, DRAIN | 0x4)]);
    assert_eq!(board.read(TX + STATUS), 0x0016_0000, "the flush has cleared overflow");

    board.set(RX, &[(FORMAT, 0x110), (RATE, 192_000), (MARK, 1_024)]);
    board.write(0x014, 0x40);
    board.set(RX, &[(CONTROL, ENABLE)]);
    assert_eq!(board.wait(), 0x40);
    assert_eq!(board.read(RX + STATUS), 0x001d_0400);
    board.set(RX, &[(CONTROL, 0x4)]);
    for channel in 0..8 {
        assert_eq!(board.read(RX + SAMPLE + 4 * channel), 0);
    }
    assert_eq!(board.read(RX + STATUS), 0x0032_0000);
    assert!(board.read(RX + FAILURES) >= 1);
    let overruns = board.bench.server.with_device(|device| device.timeline().counters().overruns);
    assert_eq!(overruns, 1);
    let tail = board.bench.server.with_device(|device| device.timeline_tail(40));
    let told = "receive overrun: a frame was received and there was no room for it";
    assert!(tail.iter().any(|line| line.ends_with(told)), "{tail:?}");
}

#[test]
fn loopback_by_dma_on_both_sides_brings_every_frame_back() {
    let mut board = Board::start();
    let bytes: Vec<u8> = (0..40_000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    board.put(DATA, &bytes);
    board.list(TX, &[(DATA, 40_000)]);
    board.list(RX, &[(DATA + 0x10_0000, 40_000)]);
    for side in [TX, RX] {
        board.set(side, &[(FORMAT, 0x210), (RATE, 192_000)]);
    }
    board.write(0x014, 0x100);
    board.set(RX, &[(CONTROL, DMA | ENABLE | 0x2)]);
    board.set(TX, &[(CONTROL, DMA | ENABLE | DRAIN)]);
    assert_eq!(board.wait(), 0x100);
    assert_eq!((board.read(RX + FRAMES), board.read(RX + FAILURES)), (10_000, 0));
    for side in [TX, RX] {
        assert_eq!((board.read(side + ENTRY), board.read(side + POSITION)), (1, 10_000));
    }
    assert!(board.get(DATA + 0x10_0000, 40_000) == bytes);
}
