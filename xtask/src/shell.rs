//! `cargo xtask shell`: a board with the driver loaded, and a shell in it.

use std::io::{self, IsTerminal, stdin, stdout};
use std::thread;

use cosim_tests::{Board, PwmAudio};
use device::ClockMode;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::build;
use crate::failure::{Context, Failure};
use crate::files;
use crate::progress::Progress;
use crate::setup;
use crate::workspace::Workspace;

/// Boot the board with the driver loaded, and open a shell in it.
#[derive(clap::Args)]
pub struct Options {
    /// Where device time comes from: as for `run`.
    #[arg(long, default_value = "warp", value_name = "real[:SCALE]|warp")]
    clock: ClockMode,
    #[command(flatten)]
    setup: setup::Options,
}

/// Runs the command until the shell ends.
///
/// # Errors
/// Set-up (exit code 3), a crash of guest or device (4).
pub fn run(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<(), Failure> {
    let manifest = setup::ensure(workspace, &options.setup, progress)?;
    build::ensure(workspace, &manifest, progress)?;

    let streams = workspace.output().join("streams");
    files::remove(&streams)?;
    files::create_folder(&streams)?;
    eprintln!(
        "A board with the driver loaded: /dev/pwm-audio0, /dev/pwm-audio-window0, /dev/pwmchip0, `play FILE`, \
         `window read 0 16`, `echo set 0 1000 250 0 | pwm`, `aplay -D hw:0,0 FILE`. What is played is put into {}. \
         `exit` ends it.",
        streams.display()
    );
    let device = PwmAudio::new(options.clock).capture_folder(&streams);
    // Before the guest's shell asks the terminal for its size.
    let _raw = RawTerminal::enter().or_environment(|| "the terminal cannot be switched to the guest".to_owned())?;
    let builder = if manifest.sound_programs.is_some() { Board::builder().sound_programs() } else { Board::builder() };
    let board = builder.manifest(manifest).device(device).shell().console_copy(stdout()).boot()?;
    let mut input = board.console_input().or_environment(|| "the guest's console takes no input".to_owned())?;
    board.guest().load_module("pwm_audio")?;
    // Ends with the process: nobody can wake a thread that reads a terminal.
    thread::spawn(move || io::copy(&mut stdin(), &mut input));
    Ok(board.wait()?)
}

/// The terminal passes every key to the guest, Ctrl-C too, until this is dropped.
struct RawTerminal {
    before: Option<Termios>,
}

impl RawTerminal {
    fn enter() -> io::Result<Self> {
        if !stdin().is_terminal() {
            return Ok(Self { before: None });
        }
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that has gone needs no restoring.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
