//! `device-model serve`: a device on a vfio-user socket, for any QEMU.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use device::ClockMode;
use device_model::{BlockKind, DeviceOptions};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use vfio_user_server::RunningServer;

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
    Serve {
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
    },
}

enum End {
    Signal(i32),
    Failure(String),
}

fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let Arguments { command: Command::Serve { block, socket, clock, capture } } = Arguments::parse();

    let (sender, end) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    let signalled = sender.clone();
    thread::spawn(move || signals.forever().try_for_each(|signal| signalled.send(End::Signal(signal))));

    if let Some(folder) = capture.as_ref().filter(|folder| !folder.is_dir()) {
        bail!("--capture {}: expected a folder that exists; make it first", folder.display());
    }
    let device = device_model::device(DeviceOptions { block, clock, capture_folder: capture })
        .context("cannot make the device")?;
    let server = RunningServer::start(&socket, device, move |reason| {
        // Nobody listens any more only when the process is about to end.
        let _ = sender.send(End::Failure(reason));
    })?;
    log::info!("serving {block:?} on {}", socket.display());

    let end = end.recv().context("nothing is left that could end the server")?;
    // The client may stay connected, so the server is not stopped in order: only its socket is removed.
    std::fs::remove_file(&socket).with_context(|| format!("cannot remove {}", socket.display()))?;
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
