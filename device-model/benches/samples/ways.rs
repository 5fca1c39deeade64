//! One stream in one way: what a driver does for it.

use std::fmt;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::board::{Board, MEMORY};

/// 100 ms at 48 kHz.
const PERIOD_FRAMES: u32 = 4_800;
const PERIODS: u32 = 4;
/// Frames of the ring in the window, of 4 bytes.
const RING_FRAMES: u32 = 16_384;
/// The list, and the memory that it names.
const LIST: u64 = MEMORY;
const DATA: u64 = MEMORY + 0x1000;

const ENABLE: u32 = 1;
const DRAIN: u32 = 1 << 1;
const CYCLIC: u32 = 1 << 10;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Registers,
    Window,
    Dma,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Transmit,
    Receive,
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Registers => "registers",
            Self::Window => "window",
            Self::Dma => "DMA",
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Transmit => "transmit",
            Self::Receive => "receive",
        })
    }
}

/// The registers of one direction that differ, and its interrupts.
struct Side {
    base: u64,
    /// Low or high.
    mark: u32,
    period: u32,
    /// Drained or done.
    end: u32,
}

impl Direction {
    fn side(self) -> Side {
        match self {
            Self::Transmit => Side { base: 0x440, mark: 1 << 0, period: 1 << 3, end: 1 << 1 },
            Self::Receive => Side { base: 0x540, mark: 1 << 5, period: 1 << 7, end: 1 << 8 },
        }
    }
}

/// Plays or records `frames`: how long it takes.
pub(crate) fn stream(board: &mut Board, way: Way, direction: Direction, frames: u32) -> Result<Duration> {
    let side = direction.side();
    let base = side.base;
    let registers = [
        (0x04, 0x210),
        (0x40, 0),
        (0x44, RING_FRAMES),
        (0x50, if way == Way::Registers { 0 } else { PERIOD_FRAMES }),
        (0x58, LIST as u32),
        (0x60, 1),
        (0x68, frames),
    ];
    for (register, value) in registers {
        board.write(base + register, value)?;
    }
    let memory = [&DATA.to_le_bytes()[..], &(PERIODS * PERIOD_FRAMES * 4).to_le_bytes(), &[0; 4]].concat();
    board.memory.write_all_at(&memory, LIST - MEMORY)?;
    let began = Instant::now();
    match (way, direction) {
        (Way::Registers, Direction::Transmit) => write_registers(board, frames)?,
        (Way::Registers, Direction::Receive) => read_registers(board, frames)?,
        (Way::Window, _) => window(board, direction, frames)?,
        (Way::Dma, _) => {
            let drain = if direction == Direction::Transmit { DRAIN } else { 0 };
            begin(board, &side, 2 << 8 | CYCLIC | ENABLE | drain, side.period | side.end)?;
            while !period_or_end(board, &side)? {}
        }
    }
    let time = began.elapsed();
    let (count, failures) = (board.read(base + 0x14)?, board.read(base + 0x10)?);
    ensure!((count, failures) == (frames, 0), "expected {frames} frames and no failure, found {count} and {failures}");
    Ok(time)
}

fn begin(board: &mut Board, side: &Side, control: u32, interrupts: u32) -> Result<()> {
    board.write(0x014, interrupts)?;
    board.write(side.base, control)
}

/// Waits for an interrupt and clears it: whether the stream has ended.
fn period_or_end(board: &mut Board, side: &Side) -> Result<bool> {
    let interrupts = board.wait()?;
    board.write(0x010, interrupts)?;
    Ok(interrupts & side.end != 0)
}

fn write_registers(board: &mut Board, frames: u32) -> Result<()> {
    let side = Direction::Transmit.side();
    let (mut written, mut room) = (0, 1_024);
    loop {
        let end = frames.min(written + room);
        for number in written..end {
            board.write_frame(side.base + 0x20, u64::from(number & 0x7fff))?;
        }
        written = end;
        if written == frames {
            begin(board, &side, ENABLE | DRAIN, side.end)?;
        } else if room == 1_024 {
            begin(board, &side, ENABLE, side.mark)?;
        }
        // Low has been set as long as it held: it is taken when it does not any more.
        board.write(0x010, side.mark)?;
        let interrupts = board.wait()?;
        if interrupts & side.end != 0 {
            return board.write(0x010, interrupts);
        }
        room = 1_023 - (board.read(side.base + 0x0c)? & 0x7ff);
    }
}

fn read_registers(board: &mut Board, frames: u32) -> Result<()> {
    let side = Direction::Receive.side();
    begin(board, &side, ENABLE, side.mark | side.end)?;
    let mut read = 0;
    while read < frames {
        let interrupts = board.wait()?;
        for _ in 0..board.read(side.base + 0x0c)? & 0x7ff {
            board.read_frame(side.base + 0x20)?;
            read += 1;
        }
        board.write(0x010, interrupts)?;
    }
    Ok(())
}

fn window(board: &mut Board, direction: Direction, frames: u32) -> Result<()> {
    let side = direction.side();
    let mut bytes = vec![0; 4 * PERIOD_FRAMES as usize];
    let (mut moved, way) = (0, 1 << 8);
    if direction == Direction::Transmit {
        moved = frames.min(3 * PERIOD_FRAMES);
        board.write(side.base + 0x48, moved)?;
    }
    let drain = |moved| if direction == Direction::Transmit && moved == frames { DRAIN } else { 0 };
    begin(board, &side, way | ENABLE | drain(moved), side.period | side.end)?;
    while !period_or_end(board, &side)? {
        // A copy within the ring, as a driver makes it; where exactly does not matter for what it costs.
        let offset = u64::from(moved % RING_FRAMES.saturating_sub(PERIOD_FRAMES)) * 4;
        match direction {
            Direction::Transmit => board.window.write(offset, &bytes),
            Direction::Receive => board.window.read(offset, &mut bytes),
        };
        let before = moved;
        moved = frames.min(moved + PERIOD_FRAMES);
        board.write(side.base + 0x48, moved % RING_FRAMES)?;
        if drain(moved) != drain(before) {
            board.write(side.base, way | ENABLE | DRAIN)?;
        }
    }
    Ok(())
}
