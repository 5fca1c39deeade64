//! `cargo xtask bench`: measures, and prints a table.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::failure::{Context, Failure, Kind};
use crate::workspace::Workspace;

/// Measure, and print a table; another load of the machine shows, so measure more than once.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Round trips and writes without reply over the vfio-user socket: our server and that of the `vfio_user` crate.
    Protocol {
        /// What the measuring program takes: see `cargo xtask bench protocol -- --help`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Frames a second of audio streams over the vfio-user socket, in each way and direction.
    Samples {
        /// What the measuring program takes: see `cargo xtask bench samples -- --help`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs the command.
///
/// # Errors
/// When something cannot be built or measured (exit code 1), or cargo cannot be started (exit code 3).
pub fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    let (name, arguments) = match &options.what {
        What::Protocol { arguments } => ("protocol", arguments),
        What::Samples { arguments } => ("samples", arguments),
    };
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--quiet", "--package", "device-model", "--bench", name, "--"])
        .args(arguments)
        .current_dir(workspace.root())
        .status()
        .or_environment(|| "cargo cannot be started".to_owned())?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, format!("the benchmark ended with {status}: its message is above")))
}
