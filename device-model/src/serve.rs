//! The `device-model` command line: a device on a vfio-user socket, for any QEMU.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use device::{ClockMode, FaultPlan, OfferedInterrupts};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use vfio_user_server::{ServerEvent, ServerOptions, inherited_listener};

use crate::{AudioSource, BlockKind, ConverterOutputOptions, DeviceOptions, Functions, read_named_signal};

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
    #[command(flatten)]
    listen: Listen,
    /// The socket to make for function 1, which is the memory that the guest maps; without it that function is not served.
    #[arg(long, value_name = "PATH")]
    window_socket: Option<PathBuf>,
    /// Where device time comes from: `real`, `real:SCALE` with so many device seconds a wall second, or `warp`, which
    /// jumps to the next deadline when the guest is quiet.
    #[arg(long, default_value = "real", value_name = "real[:SCALE]|warp")]
    clock: ClockMode,
    /// The best interrupt that is offered: `msi-x`, `msi` or `intx`. A driver takes the best it knows, so this makes it
    /// take another.
    #[arg(long, value_name = "KIND", default_value_t)]
    interrupts: OfferedInterrupts,
    /// A folder that takes a WAV file for every stream that is played.
    #[arg(long)]
    capture: Option<PathBuf>,
    /// A VCD file that takes every edge of the PWM channels' outputs.
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,
    /// A VCD file that the capture unit's signal input has: its first signal of one bit, or the one that is named.
    #[arg(long, value_name = "FILE[:NAME]")]
    signal: Option<String>,
    /// A WAV file that takes the mean of a PWM channel's output, as a low-pass filter behind it would have it.
    #[arg(long, value_name = "FILE")]
    converter: Option<PathBuf>,
    /// The PWM channel that --converter is of.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..8))]
    converter_channel: u8,
    /// Samples a second of --converter.
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    converter_rate: u32,
    /// What the audio receiver hears: a WAV file, or `silence`, `ramp`, `tone:HZ`.
    #[arg(long, value_name = "FILE.wav|ramp|tone:HZ|silence", default_value = "silence")]
    audio_in: AudioSource,
    /// A file that takes every access, interrupt and fault as it happens, a line each.
    #[arg(long)]
    timeline: Option<PathBuf>,
    /// A file that says what is to go wrong, in TOML: see `FaultPlan` of the crate `device`.
    #[arg(long, value_name = "FILE.toml")]
    faults: Option<PathBuf>,
    /// Reset the device when a client has gone; else the next one finds it as it was.
    #[arg(long)]
    reset_on_disconnect: bool,
    /// Look for the next command for so many microseconds before sleeping: quicker where client and server have a CPU
    /// each, slower where they share one.
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0)]
    spin_us: u64,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Listen {
    /// The socket to make and listen on.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The number of an inherited descriptor that listens already.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(3..))]
    socket_fd: Option<i32>,
}

fn device_options(options: &Options) -> Result<DeviceOptions> {
    let (signal, rate_hz) = (options.converter_channel, options.converter_rate);
    let converter_output = options.converter.clone().map(|path| ConverterOutputOptions { path, signal, rate_hz });
    let signal_input = options.signal.as_deref().map(read_named_signal).transpose().context("--signal")?;
    Ok(DeviceOptions {
        capture_folder: options.capture.clone(),
        faults: options.faults.as_deref().map(fault_plan).transpose()?,
        interrupts: options.interrupts,
        waveform: options.vcd.clone(),
        converter_output,
        signal_input: signal_input.unwrap_or_default(),
        audio_input: options.audio_in.clone(),
        ..DeviceOptions::new(options.block, options.clock)
    })
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
    // Before anything else is opened, which could get this number.
    let inherited = options
        .listen
        .socket_fd
        .map(|number| {
            inherited_listener(number).with_context(|| format!("--socket-fd {number}: expected a socket that listens"))
        })
        .transpose()?;
    // Signals are waited for before the socket is there: from then on it is removed however this ends.
    let (sender, end) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    let signalled = sender.clone();
    thread::spawn(move || signals.forever().try_for_each(|signal| signalled.send(End::Signal(signal))));

    if let Some(folder) = options.capture.as_ref().filter(|folder| !folder.is_dir()) {
        bail!("--capture {}: expected a folder that exists; make it first", folder.display());
    }
    let Functions { registers: mut device, window } =
        crate::functions(device_options(&options)?).context("cannot make the device")?;
    if let Some(path) = &options.timeline {
        let log = File::create(path).with_context(|| format!("cannot write --timeline {}", path.display()))?;
        device.log_timeline(Box::new(log));
    }
    let server_options = ServerOptions {
        reset_on_disconnect: options.reset_on_disconnect,
        spin: Duration::from_micros(options.spin_us),
        ..ServerOptions::default()
    };
    let on_event = move |event| match event {
        ServerEvent::ClientGone => log::info!("the client has gone; waiting for the next one"),
        // Nobody listens any more only when the process is about to end.
        ServerEvent::Failed(reason) => drop(sender.send(End::Failure(reason))),
    };
    // Until the end of this function.
    let _window_server = options
        .window_socket
        .as_ref()
        .map(|path| server_options.clone().listen(path, window, on_event.clone()))
        .transpose()?;
    let path = options.listen.socket.unwrap_or_default();
    let (server, place) = match inherited {
        Some(listener) => (server_options.serve(listener, device, on_event)?, "the inherited socket".to_owned()),
        None => (server_options.listen(&path, device, on_event)?, path.display().to_string()),
    };
    let window_place = options.window_socket.map(|path| format!(", the window on {}", path.display()));
    // The one line on standard output: whoever started this process may connect now.
    println!("serving on {place}{}", window_place.unwrap_or_default());

    let end = end.recv().context("nothing is left that could end the server")?;
    let mut device = server.stop().context("the server's thread panicked")?;
    log::info!("{:?}", device.timeline().counters());
    for rule in device.unfired_faults() {
        log::warn!("a fault has not fired: {rule}");
    }
    device.close_outputs().map_err(anyhow::Error::msg)?;
    match end {
        End::Failure(reason) => bail!(reason),
        End::Signal(signal) => log::info!("ended by signal {signal}"),
    }
    Ok(())
}

fn fault_plan(path: &Path) -> Result<FaultPlan> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read --faults {}", path.display()))?;
    text.parse().with_context(|| format!("--faults {}", path.display()))
}
