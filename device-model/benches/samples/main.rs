//! What a stream costs: frames a second of wall time in each of the three ways and both directions, over the socket, with
//! what is played captured as a WAV file. `cargo xtask bench samples` runs it.

mod board;
mod ways;

use anyhow::{Context, Result};
use clap::Parser;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::board::Board;
use crate::ways::{Direction, Way};

#[derive(Parser)]
#[command(name = "cargo xtask bench samples")]
struct Arguments {
    /// Frames a stream: 16 bits, stereo, at 48 kHz.
    #[arg(long, default_value_t = 192_000, value_parser = clap::value_parser!(u32).range(1..))]
    frames: u32,
    /// Measure this way only.
    #[arg(long, value_enum)]
    way: Option<Way>,
    /// How often every stream is measured; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    run_on_one_cpu()?;
    let (frames, rounds) = (arguments.frames, arguments.rounds);
    println!("{frames} frames a stream, 16 bits, stereo, 48 kHz; median of {rounds} (lowest to highest)");
    println!("{:<24}{:>36}{:>14}", "", "frames/s", "seconds");
    for way in [Way::Registers, Way::Window, Way::Dma] {
        for direction in [Direction::Transmit, Direction::Receive] {
            if arguments.way.is_none_or(|wanted| wanted == way) {
                measure(way, direction, frames, rounds)?;
            }
        }
    }
    Ok(())
}

/// Client and server take turns, so they share a CPU as a board's threads do.
fn run_on_one_cpu() -> Result<()> {
    let allowed = sched_getaffinity(None).context("cannot tell which CPUs there are")?;
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).context("there is no CPU to run on")?;
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one).context("cannot choose a CPU")
}

fn measure(way: Way, direction: Direction, frames: u32, rounds: u32) -> Result<()> {
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        let mut board = Board::start()?;
        seconds.push(ways::stream(&mut board, way, direction, frames)?.as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let rate = |seconds: f64| f64::from(frames) / seconds;
    let (fastest, median, slowest) = (seconds[0], seconds[seconds.len() / 2], seconds[seconds.len() - 1]);
    let cell = format!("{:.0} ({:.0} to {:.0})", rate(median), rate(slowest), rate(fastest));
    println!("{:<24}{cell:>36}{median:>14.3}", format!("{direction}, {way}"));
    Ok(())
}
