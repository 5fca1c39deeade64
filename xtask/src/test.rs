//! `cargo xtask test`: sets up and builds what is missing, then runs every test of the workspace.

use std::process::Command;

use crate::build;
use crate::failure::{Context, Failure, Kind};
use crate::progress::Progress;
use crate::setup;
use crate::workspace::Workspace;

/// What nextest's exit code says when tests ran and some failed.
const NEXTEST_TESTS_FAILED: i32 = 100;
/// What nextest's exit code says when no test matches the filter.
const NEXTEST_NO_TESTS: i32 = 4;

/// Run every test: blocks, wire bench, scenarios in the guest.
#[derive(clap::Args)]
pub struct Options {
    /// Only the tests whose names contain one of these.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    #[command(flatten)]
    setup: setup::Options,
}

/// Runs the command, with cargo-nextest where it is installed and `cargo test` elsewhere.
///
/// # Errors
/// A test that failed (exit code 1), a filter that no test matches (2), set-up (3).
pub fn run(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<(), Failure> {
    let manifest = setup::ensure(workspace, &options.setup, progress)?;
    build::ensure(workspace, &manifest, progress)?;

    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    let mut command = Command::new("cargo");
    command.current_dir(workspace.root());
    if nextest {
        command.args(["nextest", "run", "--workspace"]);
        if std::env::var_os("CI").is_some() {
            command.args(["--profile", "ci"]);
        }
        command.args(&options.filters);
    } else {
        command.args(["test", "--workspace", "--"]).args(&options.filters);
    }
    let status = command.status().or_environment(|| "cargo cannot be started".to_owned())?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NEXTEST_NO_TESTS) if nextest => {
            let message =
                format!("no test's name contains any of {:?}; `cargo nextest list` has them all", options.filters);
            Err(Failure::new(Kind::BadInput, message))
        }
        Some(NEXTEST_TESTS_FAILED) if nextest => Err(Failure::new(Kind::Failed, "a test failed: its message is above")),
        _ => Err(Failure::new(Kind::Failed, format!("the tests ended with {status}"))),
    }
}
