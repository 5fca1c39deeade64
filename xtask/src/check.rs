//! `cargo xtask check`: generated files, formatting, clippy and documentation, with warnings denied.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::codegen;
use crate::failure::{Context, Failure, Kind};
use crate::workspace::Workspace;

/// The kernel's edition and style, whatever rustfmt.toml the workspace has.
pub(crate) const KERNEL_STYLE: [&str; 4] =
    ["--edition", "2021", "--config", "max_width=100,use_small_heuristics=Default"];

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
    // The kernel module is no cargo package, so cargo fmt does not know it.
    let module = module_sources(workspace)?;
    if !module.is_empty() {
        let mut rustfmt = Command::new("rustfmt");
        rustfmt.arg("--check").args(KERNEL_STYLE).args(module);
        checks.push(("rustfmt --check (in the kernel's style) guest-driver/*.rs", rustfmt));
    }

    let mut failed = Vec::new();
    eprintln!("{GENERATED}");
    if let Err(failure) = codegen::check(workspace) {
        failure.print();
        failed.push(GENERATED);
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

fn module_sources(workspace: &Workspace) -> Result<Vec<PathBuf>, Failure> {
    let folder = workspace.root().join("guest-driver");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).or_environment(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect())
}
