//! `cargo xtask test`: sets up and builds what is missing, then runs every test of the workspace and tells what they
//! have touched of the devices' registers.

use std::path::Path;
use std::process::Command;

use cosim_tests::manifest::Manifest;
use cosim_tests::{Lane, MANIFEST_VARIABLE};
use device_model::COVERAGE_VARIABLE;

use crate::build;
use crate::coverage;
use crate::failure::{Context, Failure, Kind};
use crate::progress::Progress;
use crate::setup;
use crate::workspace::Workspace;

/// What nextest's exit code says when tests ran and some failed.
const NEXTEST_TESTS_FAILED: i32 = 100;
/// What nextest's exit code says when no test matches the filter.
const NEXTEST_NO_TESTS: i32 = 4;

/// Run every test: blocks, wire bench, scenarios in the guest; then tell what of the registers they have touched. With
/// another guest than the default one: the scenarios.
#[derive(clap::Args)]
pub struct Options {
    /// Only the tests whose names contain one of these.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Fail if the tests cover less of registers, fields and enumerated values, in percent of them together. Bits do not
    /// count: some are constant, and no test sees those at 0 and at 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=100))]
    coverage_min: Option<u8>,
    /// Count only what the tests whose binary and name contain this have touched: `device-model::` is the wire bench.
    #[arg(long, value_name = "TEXT")]
    coverage_of: Option<String>,
    #[command(flatten)]
    setup: setup::Options,
}

/// Runs the command, with cargo-nextest where it is installed and `cargo test` elsewhere.
///
/// # Errors
/// A test that failed, or too little coverage (exit code 1), a filter that no test matches (2), set-up (3).
pub fn run(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<(), Failure> {
    let manifest = setup::ensure(workspace, &options.setup, progress)?;
    build::ensure(workspace, &manifest, progress)?;

    let output = workspace.lane_output(manifest.lane);
    let folder = coverage::create_folder(&output)?;
    let tested = run_tests(workspace, manifest.lane, &options.filters, folder.path());
    // Also after tests that failed, whose failure is the one that counts.
    let wanted = coverage::Wanted { scenario: options.coverage_of.clone(), minimum_percent: options.coverage_min };
    let covered = coverage::report(&output, folder.path(), &wanted);
    tested.and(covered)
}

fn run_tests(workspace: &Workspace, lane: Lane, filters: &[String], coverage_folder: &Path) -> Result<(), Failure> {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    let mut command = Command::new("cargo");
    command.current_dir(workspace.root()).env(COVERAGE_VARIABLE, coverage_folder);
    let packages: &[&str] = if lane == Lane::default() {
        &["--workspace"]
    } else {
        // What has no guest is the same on every lane.
        command.env(MANIFEST_VARIABLE, Manifest::path(workspace.root(), lane));
        &["--package", "cosim-tests"]
    };
    if nextest {
        command.args(["nextest", "run"]).args(packages);
        if std::env::var_os("CI").is_some() {
            // The report in the profile is one file: it is the default lane's.
            let options: &[&str] = if lane == Lane::default() { &["--profile", "ci"] } else { &["--no-fail-fast"] };
            command.args(options);
        }
        command.args(filters);
    } else {
        command.arg("test").args(packages).arg("--").args(filters);
    }
    let status = command.status().or_environment(|| "cargo cannot be started".to_owned())?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NEXTEST_NO_TESTS) if nextest => {
            let message = format!("no test's name contains any of {filters:?}; `cargo nextest list` has them all");
            Err(Failure::new(Kind::BadInput, message))
        }
        Some(NEXTEST_TESTS_FAILED) if nextest => Err(Failure::new(Kind::Failed, "a test failed: its message is above")),
        _ => Err(Failure::new(Kind::Failed, format!("the tests ended with {status}"))),
    }
}
