//! The `device-model` command line: a device on a vfio-user socket, for any QEMU.

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use device::ClockMode;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use vfio_user_server::{RunningServer, ServerEvent};

use crate::{BlockKind, DeviceOptions};

/// Softboard's devices, served to QEMU over vfio-user.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a device until SIGINT or SIGTERM, to one client after the other.
    Serve(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The block that the device has.
    #[arg(long, value_enum)]
    block: BlockKind,
    /// The socket to make and listen on.
    #[arg(long)]
    socket: PathBuf,
    /// Where device time comes from: `real`, or `warp`, which jumps to the next deadline when the guest is quiet.
    #[arg(long, default_value = "real")]
    clock: ClockMode,
    /// A folder that takes a WAV file for every stream that is played.
    #[arg(long)]
    capture: Option<PathBuf>,
    /// A file that takes every access, interrupt and fault as it happens, a line each.
    #[arg(long)]
    timeline: Option<PathBuf>,
}

enum End {
    Signal(i32),
    Failure(String),
}

/// Runs the command line of this process.
pub fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let Command::Serve(options) = Arguments::parse().command;
    serve(options)
}

fn serve(options: Options) -> Result<()> {
    // Signals are waited for before the socket is there: from then on it is removed however this ends.
    let (sender, end) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    let signalled = sender.clone();
    thread::spawn(move || signals.forever().try_for_each(|signal| signalled.send(End::Signal(signal))));

    if let Some(folder) = options.capture.as_ref().filter(|folder| !folder.is_dir()) {
        bail!("--capture {}: expected a folder that exists; make it first", folder.display());
    }
    let device_options = DeviceOptions { block: options.block, clock: options.clock, capture_folder: options.capture };
    let mut device = crate::device(device_options).context("cannot make the device")?;
    if let Some(path) = &options.timeline {
        let log = File::create(path).with_context(|| format!("cannot write --timeline {}", path.display()))?;
        device.log_timeline(Box::new(log));
    }
    let server = RunningServer::start(&options.socket, device, move |event| match event {
        ServerEvent::ClientGone => log::info!("the client has gone; waiting for the next one"),
        // Nobody listens any more only when the process is about to end.
        ServerEvent::Failed(reason) => drop(sender.send(End::Failure(reason))),
    })?;
    // The one line on standard output: whoever started this process may connect now.
    println!("serving on {}", options.socket.display());

    let end = end.recv().context("nothing is left that could end the server")?;
    // The client may stay connected, so the server is not stopped in order: only its socket is removed.
    std::fs::remove_file(&options.socket).with_context(|| format!("cannot remove {}", options.socket.display()))?;
    let closed = server.with_device(|device| {
        log::info!("{:?}", device.timeline().counters());
        device.close_outputs()
    });
    closed.map_err(anyhow::Error::msg)?;
    match end {
        End::Failure(reason) => bail!(reason),
        End::Signal(signal) => log::info!("ended by signal {signal}"),
    }
    Ok(())
}
