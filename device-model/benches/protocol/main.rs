//! What a command costs: our server and that of the `vfio_user` crate, in processes of their own, each with the same
//! client on the same CPUs, in turns. `cargo xtask bench protocol` runs it.

mod client;
mod crate_server;
mod figures;
mod server;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use rustix::thread::{CpuSet, sched_getaffinity};

use crate::client::Client;
use crate::figures::Figures;
use crate::server::{Server, run_on};

#[derive(Parser)]
#[command(name = "cargo xtask bench protocol")]
struct Arguments {
    /// How often every server has its turn.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Reads, and writes, that are waited for in a round.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    round_trips: u32,
    /// Batches in a round of writes that nobody answers.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    batches: u32,
    /// Also measure our server when it looks for the next command for so many microseconds before it sleeps.
    #[arg(long, value_name = "MICROSECONDS")]
    spin_us: Option<u64>,
    /// Also measure another server: a program that takes a socket's path, serves a device with memory or a plain register
    /// at 0x008 of BAR0 there, and prints a line when it listens.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Serve with the crate's server and nothing else.
    #[arg(long, hide = true, value_name = "SOCKET")]
    serve: Option<PathBuf>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(socket) = &arguments.serve {
        return crate_server::serve(socket);
    }
    let allowed = sched_getaffinity(None).context("cannot tell which CPUs there are")?;
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    let first = *cpus.first().context("there is no CPU to run on")?;
    measure(&arguments, first, first)?;
    if let Some(&second) = cpus.get(1) {
        println!();
        measure(&arguments, first, second)?;
    }
    Ok(())
}

/// Measures every server on one CPU with the client on another, or on the same, and prints the table.
fn measure(arguments: &Arguments, client_cpu: usize, server_cpu: usize) -> Result<()> {
    let mut servers = vec![Server::ours(server_cpu, 0)?, Server::of_the_crate(server_cpu)?];
    if let Some(spin_us) = arguments.spin_us {
        servers.push(Server::ours(server_cpu, spin_us)?);
    }
    if let Some(program) = &arguments.against {
        servers.push(Server::other(server_cpu, program)?);
    }
    run_on(client_cpu)?;
    let mut clients = servers.iter().map(|server| Client::connect(server.socket())).collect::<Result<Vec<_>>>()?;
    let mut figures = vec![Figures::default(); servers.len()];
    for _ in 0..arguments.rounds {
        for (client, figures) in clients.iter_mut().zip(&mut figures) {
            round(arguments, client, figures)?;
        }
    }
    let rounds = arguments.rounds;
    println!("client on CPU {client_cpu}, server on CPU {server_cpu}; median of {rounds} rounds (lowest to highest)");
    print_line("", &["read round trip, us", "write round trip, us", "writes without reply, 1/s"].map(str::to_owned));
    for (server, figures) in servers.iter().zip(&figures) {
        print_line(server.name(), &figures.cells());
    }
    let [ours, of_the_crate, ..] = &figures[..] else { return Ok(()) };
    let times = ours.writes_per_second() / of_the_crate.acknowledged_writes_per_second();
    println!("our writes without reply come {times:.1} times as often as the crate's with one");
    Ok(())
}

fn round(arguments: &Arguments, client: &mut Client, figures: &mut Figures) -> Result<()> {
    figures.reads.push((0..arguments.round_trips).map(|_| client.read().map(|(_, time)| time)).collect::<Result<_>>()?);
    figures.writes.push((0..arguments.round_trips).map(|value| client.write(value)).collect::<Result<_>>()?);
    figures.batches.push((0..arguments.batches).map(|_| client.write_batch()).collect::<Result<_>>()?);
    Ok(())
}

fn print_line(title: &str, [reads, writes, batches]: &[String; 3]) {
    println!("{title:<18}{reads:>26}{writes:>26}{batches:>30}");
}
