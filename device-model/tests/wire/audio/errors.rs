//! DMA that cannot be stops the stream, names the reason, interrupts, and touches nothing.

use device::{DmaFailure, FaultOutcome, FaultPlan, FaultRule};
use rustix::fs::ftruncate;

use super::board::{
    Board, CONTROL, DATA, DMA, ENABLE, FORMAT, MEMORY, MEMORY_BYTES, RATE, RING_FRAMES, RING_OFFSET, RX, STATUS, TX,
    WINDOW,
};

/// Both sides with the error interrupt that each has.
const SIDES: [(u64, u32); 2] = [(TX, 0x10), (RX, 0x200)];

/// Enables a side of 16 bits mono and expects that it stops with this error.
fn stops(board: &mut Board, (side, interrupt): (u64, u32), way: u32, error: u32) {
    board.set(side, &[(FORMAT, 0x110), (RATE, 192_000)]);
    board.write(0x014, interrupt);
    board.set(side, &[(CONTROL, way | ENABLE)]);
    assert_eq!(board.wait(), interrupt);
    assert_eq!((board.read(side + STATUS) >> 24 & 7, board.read(side + CONTROL)), (error, way));
    board.write(0x014, 0);
    board.clear(0x3fff);
}

#[test]
fn addresses_outside_of_memory_and_lists_and_rings_that_cannot_be() {
    let mut board = Board::start();
    board.put(DATA, &[0x11; 4_096]);
    for side in SIDES {
        let last = MEMORY + MEMORY_BYTES - 1_024;
        for (pieces, error) in [
            (&[(0x1000, 4_096)][..], 1),
            // Its first half is good.
            (&[(MEMORY + MEMORY_BYTES - 512, 1_024)], 1),
            (&[(last, 1_024), (0, 1_024)], 1),
            (&[(MEMORY - 2, 1_024)], 1),
            (&[(u64::MAX - 511, 1_024)], 3),
            (&[], 6),
            (&[(DATA, 4_096), (DATA, 0)], 6),
            (&[(DATA, 4_095)], 6),
        ] {
            board.list(side.0, pieces);
            stops(&mut board, side, DMA, error);
        }
        board.set(side.0, &[(0x58, 0x1000), (0x5c, 0), (0x60, 1)]);
        stops(&mut board, side, DMA, 1);
        for (offset, frames) in [(0xffff, 2), (0, 0x8001), (0, 1)] {
            board.set(side.0, &[(RING_OFFSET, offset), (RING_FRAMES, frames)]);
            stops(&mut board, side, WINDOW, 7);
        }
    }
    assert_eq!(board.get(DATA, 4_096), [0x11; 4_096]);
    let end = board.get(MEMORY + MEMORY_BYTES - 512, 512);
    assert!(end.iter().any(|&byte| byte != 0), "the good entry before the bad one was written");
}

#[test]
fn without_bus_mastering_nothing_is_read() {
    let mut board = Board::start();
    for side in SIDES {
        board.list(side.0, &[(DATA, 4_096)]);
        board.set_bus_master(false);
        stops(&mut board, side, DMA, 4);
        board.set_bus_master(true);
    }
    let counters = board.bench.server.with_device(|device| device.timeline().counters());
    assert_eq!((counters.dma_transfers, counters.dma_failures), (0, 2));
}

#[test]
fn memory_whose_file_was_cut_short() {
    let mut board = Board::start();
    for side in SIDES {
        board.list(side.0, &[(DATA, 4_096)]);
    }
    ftruncate(&board.memory, DATA - MEMORY).expect("it shrinks");
    stops(&mut board, SIDES[0], DMA, 5);
}

/// The list has been read when the first transfer of data fails.
#[test]
fn transfers_that_are_made_to_fail() {
    let failures = [
        (DmaFailure::NotMapped, 1),
        (DmaFailure::NotAllowed, 2),
        (DmaFailure::Wraps, 3),
        (DmaFailure::BusMasterDisabled, 4),
        (DmaFailure::Failed, 5),
    ];
    for (channel, side) in (0..).zip(SIDES) {
        for (failure, error) in failures {
            let fault = FaultRule::dma(channel, FaultOutcome::Fail(failure)).nth(2);
            let mut board = Board::start_with_faults(FaultPlan::default().rule(fault));
            board.put(DATA, &[0x11; 4_096]);
            board.list(side.0, &[(DATA, 4_096)]);
            stops(&mut board, side, DMA, error);
            assert_eq!(board.get(DATA, 4_096), [0x11; 4_096]);
            let (unfired, counters) =
                board.bench.server.with_device(|device| (device.unfired_faults(), device.timeline().counters()));
            assert_eq!((unfired.len(), counters.dma_transfers, counters.dma_failures), (0, 1, 1), "{failure:?}");
        }
    }
}
