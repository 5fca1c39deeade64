//! bindgen, which generates the kernel's Rust bindings: the one on PATH if it is new enough, else compiled into
//! the cache.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::{Context, Failure};
use crate::files::{self, fingerprint};
use crate::host;
use crate::inputs::{at_least, version_in};

const FOLDER: &str = "bindgen";

pub(super) fn need(setup: &Setup) -> Need {
    let wanted = &setup.inputs.bindgen;
    let state = match find(setup) {
        Some((program, version)) => State::found(version, program),
        None => State::Obtainable(format!("cargo install bindgen-cli {} into the cache", wanted.version)),
    };
    Need::new("bindgen", "generates the kernel's Rust bindings", state)
}

fn key(setup: &Setup) -> String {
    fingerprint([setup.inputs.bindgen.version.as_bytes()])
}

/// The program and its version.
fn find(setup: &Setup) -> Option<(PathBuf, String)> {
    let wanted = &setup.inputs.bindgen;
    let on_path = host::find_program("bindgen").and_then(|program| {
        let answer = setup.probes.ask(&program, &["--version"])?;
        let version = version_in(&answer)?.to_owned();
        at_least(&version, &wanted.minimum).then_some((program, version))
    });
    on_path.or_else(|| {
        let folder = setup.cache.finished(FOLDER, &key(setup))?;
        Some((folder.join("bin/bindgen"), wanted.version.clone()))
    })
}

/// The path of a bindgen that serves.
pub(super) fn ensure(run: &Run) -> Result<PathBuf, Failure> {
    let setup = run.setup;
    if let Some((program, _)) = find(setup) {
        return Ok(program);
    }
    let version = &setup.inputs.bindgen.version;
    // Kept between runs, so that an interrupted compilation continues.
    let objects = setup.cache.path("bindgen-target");
    let folder = setup.cache.install(FOLDER, &key(setup), |folder| {
        let step = run.progress.step(&format!("compile bindgen {version}"));
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["install", "bindgen-cli", "--version", version, "--locked", "--no-track", "--root"])
            .arg(folder)
            .arg("--target-dir")
            .arg(&objects)
            .current_dir(folder);
        run.job(command, "compiling bindgen", "bindgen").run(|line| step.detail(line.trim())).or_environment(|| {
            format!(
                "bindgen {} or newer is not on PATH and cannot be compiled here: put one on PATH, or give cargo a way \
                 to its registry, and run `cargo xtask setup` again",
                setup.inputs.bindgen.minimum
            )
        })?;
        step.finish();
        Ok(version.clone())
    })?;
    files::remove(&objects)?;
    Ok(folder.join("bin/bindgen"))
}
