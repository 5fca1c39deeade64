//! `cargo xtask run`: plays a WAV file through driver and device, and shows what happened.

mod picture;

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cosim_tests::manifest::Manifest;
use cosim_tests::{Board, MAXIMUM_SAMPLE_BYTES, PwmAudio, Wav, patience, player};
use device::{ClockMode, Counters};

use crate::build;
use crate::failure::{Failure, Kind};
use crate::output::print_line;
use crate::progress::Progress;
use crate::setup;
use crate::workspace::Workspace;

/// The name that the driver's interrupt handler has in the guest.
const HANDLER: &str = "pwm-audio0";

const PICTURE_COLUMNS: usize = 76;
const PICTURE_ROWS: u32 = 6;

/// Play a WAV file through the driver, and show what happened.
#[derive(clap::Args)]
pub struct Options {
    /// PCM, 8 to 32 bits, mono or stereo, 8,000 to 192,000 Hz [default: two seconds of speech].
    #[arg(long, value_name = "FILE")]
    wav: Option<PathBuf>,
    /// Where to put what the device played [default: target/softboard/capture.wav].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// `real`: as on the wall, or `real:SCALE`, with so many seconds a second; `warp`: as fast as the guest can supply it,
    /// without underruns of the host's making.
    #[arg(long, default_value = "warp", value_name = "real[:SCALE]|warp")]
    clock: ClockMode,
    #[command(flatten)]
    setup: setup::Options,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be played or written (exit code 2), set-up (3), a crash of guest or device (4), a playback that
/// failed or is not bit-exact (1).
pub fn run(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<(), Failure> {
    let path = options.wav.clone().unwrap_or_else(|| workspace.root().join("tests/assets/speech-16k-s16-mono.wav"));
    let out = options.out.clone().unwrap_or_else(|| workspace.output().join("capture.wav"));
    // What the user gave is looked at before anything that takes time.
    let wav = Wav::open(&path).map_err(|error| Failure::new(Kind::BadInput, error.to_string()))?;
    check_length(&path, &wav)?;
    if options.out.is_some() {
        check_out(&out)?;
    }
    let manifest = setup::ensure(workspace, &options.setup, progress)?;
    build::ensure(workspace, &manifest, progress)?;

    print_line(describe(&path, &wav));
    let run = play_on_board(manifest, &wav, options.clock, &out)?;
    print_line(summary(&run, &out));
    verdict(&wav, &run, &out)
}

struct Run {
    board: String,
    playing: Duration,
    device_time: Duration,
    counters: Counters,
    handled: u64,
    capture: Wav,
}

fn play_on_board(manifest: Manifest, wav: &Wav, clock: ClockMode, out: &Path) -> Result<Run, Failure> {
    let device = PwmAudio::new(clock);
    let board = Board::builder().manifest(manifest).device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module("pwm_audio")?;
    let program = player(guest, wav)?;

    let (started, started_ns) = (Instant::now(), device.with_device(|device| device.now_ns()));
    let played = guest.with_call_limit(patience(wav)).run(program)?;
    let playing = started.elapsed();
    let device_time = Duration::from_nanos(device.with_device(|device| device.now_ns()) - started_ns);
    let counters = device.counters();
    if counters.underruns == 0 {
        played.success()?;
    }

    let handled = guest.interrupts()?.count(HANDLER).unwrap_or(0);
    let capture = device.stream(1).map_err(|error| Failure::new(Kind::Crashed, error.to_string()))?;
    put(&device.stream_file(1), out).map_err(|error| out_failure(out, &error))?;
    let boot_seconds = board.boot_time().as_secs_f64();
    let board_line = format!(
        "Linux {} ({}), QEMU with {}, booted in {boot_seconds:.2} s",
        board.hello().kernel_release,
        board.lane(),
        board.accelerator(),
    );
    board.shutdown()?;
    Ok(Run { board: board_line, playing, device_time, counters, handled, capture })
}

fn describe(path: &Path, wav: &Wav) -> String {
    let channels = if wav.format.channels == 1 { "mono" } else { "stereo" };
    let surplus = if wav.source_bits > wav.format.sample_bits {
        format!(" (the upper {} of them are played)", wav.format.sample_bits)
    } else {
        String::new()
    };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    format!(
        "{name}: {} bits{surplus}, {channels}, {} Hz, {} frames, {:.2} s",
        wav.source_bits,
        wav.format.rate_hz,
        wav.frames(),
        wav.seconds(),
    )
}

fn summary(run: &Run, out: &Path) -> String {
    let Run { board, capture, handled, .. } = run;
    let Counters { register_reads, register_writes, interrupts, faults, underruns, .. } = run.counters;
    let left: Vec<i32> = capture.samples.iter().step_by(usize::from(capture.format.channels)).copied().collect();
    let full_scale = 1 << (capture.format.sample_bits - 1);
    let picture = picture::waveform(&left, full_scale, PICTURE_COLUMNS, PICTURE_ROWS);
    let (frames, out) = (capture.frames(), out.display());
    let (device_seconds, seconds) = (run.device_time.as_secs_f64(), run.playing.as_secs_f64());
    format!(
        "{picture}
board       {board}
played      {frames} frames in {device_seconds:.3} s of device time, {seconds:.1} s of yours
interrupts  {interrupts} raised by the device, {handled} handled by the driver
registers   {register_writes} writes, {register_reads} reads, {faults} ignored by the device
underruns   {underruns}
capture     {out}"
    )
}

fn verdict(wav: &Wav, run: &Run, out: &Path) -> Result<(), Failure> {
    if let Some(difference) = wav.difference(&run.capture) {
        let message = format!("the capture {} is not what was in the file: {difference}", out.display());
        return Err(Failure::new(Kind::Failed, message));
    }
    print_line(match wav.format.sample_bits {
        bits if bits == wav.source_bits => "            every sample is the file's, bit by bit".to_owned(),
        bits => format!("            every sample is the upper {bits} bits of the file's"),
    });
    match run.counters.underruns {
        0 => Ok(()),
        gaps => Err(Failure::new(
            Kind::Failed,
            format!("the guest was too slow for real time {gaps} times; `--clock warp` waits for it"),
        )),
    }
}

/// Refuses a file that is longer than what a guest is sent.
fn check_length(path: &Path, wav: &Wav) -> Result<(), Failure> {
    let frame_bytes = usize::from(wav.format.sample_bits / 8 * wav.format.channels);
    let frames = MAXIMUM_SAMPLE_BYTES / frame_bytes;
    if wav.frames() <= frames {
        return Ok(());
    }
    let seconds = frames / wav.format.rate_hz as usize;
    let message = format!(
        "{}: expected at most {seconds} s in this format, found {:.0} s; cut it with e.g. `sox INPUT OUTPUT.wav trim 0 {seconds}`",
        path.display(),
        wav.seconds()
    );
    Err(Failure::new(Kind::BadInput, message))
}

/// Refuses a place for the capture that cannot take it, before anything has been played.
fn check_out(out: &Path) -> Result<(), Failure> {
    let problem = if out.is_dir() {
        Err(io::Error::other("it is a folder"))
    } else {
        tempfile::tempfile_in(folder_of(out)).map(drop)
    };
    problem.map_err(|error| out_failure(out, &error))
}

fn out_failure(out: &Path, error: &io::Error) -> Failure {
    let message =
        format!("the capture cannot be written to {}: {error}; name a file in a folder of yours", out.display());
    Failure::new(Kind::BadInput, message)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Copies a file so that its new place has either all of it or what it had before.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    // As any new file of the user's: the umask takes away what it should.
    let permissions = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder_of(to))?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.persist(to)?;
    Ok(())
}
