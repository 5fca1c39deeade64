//! `cargo xtask check`: generated files, formatting, clippy and documentation, with warnings denied; and the kernel
//! module as the kernel's maintainers would check it.

mod driver;

use std::env;
use std::process::Command;

use crate::codegen;
use crate::failure::{Context, Failure, Kind};
use crate::workspace::Workspace;

/// The fuzz targets, which are a workspace of their own.
const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

const GENERATED: &str = "cargo xtask codegen --check";

/// Runs every check, even after one has failed, and names those that failed.
///
/// # Errors
/// When a check fails (exit code 1) or cannot be run (exit code 3).
pub fn run(workspace: &Workspace) -> Result<(), Failure> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    };
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "-Dwarnings");
    let mut checks = vec![
        ("cargo fmt --all --check", cargo(&["fmt", "--all", "--check"])),
        (
            "cargo clippy --workspace --all-targets -- -D warnings",
            cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ),
        ("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps", documentation),
    ];
    if workspace.root().join(FUZZ_MANIFEST).is_file() {
        let mut clippy = cargo(&["clippy", "--manifest-path", FUZZ_MANIFEST, "--no-default-features"]);
        // In a folder of its own: another flag is another build.
        clippy.args(["--target-dir", "target/fuzz-check", "--", "-D", "warnings"]).env("RUSTFLAGS", "--cfg fuzzing");
        checks.push((
            "cargo fmt --manifest-path fuzz/Cargo.toml --check",
            cargo(&["fmt", "--manifest-path", FUZZ_MANIFEST, "--check"]),
        ));
        checks.push(("cargo clippy --manifest-path fuzz/Cargo.toml (without libFuzzer) -- -D warnings", clippy));
    }

    let mut failed = Vec::new();
    eprintln!("{GENERATED}");
    if let Err(failure) = codegen::check(workspace) {
        failure.print();
        failed.push(GENERATED);
    }
    match driver::checks(workspace) {
        Ok(driver) => checks.extend(driver),
        Err(failure) => {
            failure.print();
            failed.push(driver::NAME);
        }
    }
    for (name, mut command) in checks {
        eprintln!("{name}");
        let status =
            command.current_dir(workspace.root()).status().or_environment(|| format!("cannot start {name}"))?;
        if !status.success() {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, format!("these checks failed:\n  {}", failed.join("\n  "))))
}
