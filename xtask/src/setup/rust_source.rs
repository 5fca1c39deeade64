//! The source of Rust's core library, which the kernel compiles for itself: the toolchain's own where it has it, else the
//! distribution's package, else rustup's component; always of rustc's own version.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::Failure;
use crate::files::fingerprint;
use crate::host::{self, RUSTC_RELEASE};

const FOLDER: &str = "rust-src";
const ADD_COMPONENT: &str = "rustup component add rust-src";

pub(super) fn need(setup: &Setup) -> Need {
    let state = match find(setup) {
        Some(place) => State::found(RUSTC_RELEASE, place),
        None if apt::is_available() => {
            State::Obtainable(format!("unpacks {} {RUSTC_RELEASE} into the cache", setup.inputs.rust_source.package))
        }
        None if toolchain().is_some() => State::Obtainable(ADD_COMPONENT.to_owned()),
        None => State::Missing(format!(
            "install the rust-src of rustc {RUSTC_RELEASE} below {}, or use rustup (https://rustup.rs) and type: \
             {ADD_COMPONENT}",
            host::rustc_sysroot().display()
        )),
    };
    Need::new("rust-src", "the kernel compiles Rust's core library for itself", state)
}

/// The name of the toolchain if it is rustup's and rustup is there.
fn toolchain() -> Option<&'static str> {
    let sysroot = host::rustc_sysroot();
    let is_rustups = sysroot.parent()?.file_name()? == "toolchains";
    (is_rustups && host::find_program("rustup").is_some()).then(|| sysroot.file_name()?.to_str())?
}

fn key(setup: &Setup) -> String {
    fingerprint([setup.inputs.rust_source.package.as_bytes(), RUSTC_RELEASE.as_bytes()])
}

/// The `library` folder, for `RUST_LIB_SRC`.
fn find(setup: &Setup) -> Option<PathBuf> {
    let component = host::rustc_sysroot().join("lib/rustlib/src/rust/library");
    if component.join("core/src/lib.rs").is_file() {
        return Some(component);
    }
    let folder = setup.cache.finished(FOLDER, &key(setup))?;
    Some(folder.join(path_in_package()))
}

fn path_in_package() -> String {
    format!("usr/src/rustc-{RUSTC_RELEASE}/library")
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt) -> Result<PathBuf, Failure> {
    let setup = run.setup;
    if let Some(library) = find(setup) {
        return Ok(library);
    }
    let unpacked = if apt::is_available() {
        unpack(run, apt)
    } else {
        Err(Failure::environment(format!("the distribution's rust-src {RUSTC_RELEASE} cannot be had here")))
    };
    match (unpacked, toolchain()) {
        (Err(failure), Some(toolchain)) => {
            // The only thing outside of the cache that set-up adds to a user's own toolchain, so it comes last.
            run.progress.note(&format!("{failure}: asking rustup instead"));
            add_component(run, toolchain)?;
            find(setup).ok_or(failure)
        }
        (unpacked, _) => unpacked,
    }
}

fn unpack(run: &Run, apt: &PrivateApt) -> Result<PathBuf, Failure> {
    let setup = run.setup;
    let package = &setup.inputs.rust_source.package;
    let (download, file) = apt.fetch_one(FOLDER, apt.upstream_version(package, RUSTC_RELEASE)?)?;
    let step = run.progress.step("unpack rust-src");
    let root = setup.cache.install(FOLDER, &key(setup), |folder: &Path| {
        apt::unpack_member(run, &file, &format!("./{}", path_in_package()), folder)?;
        Ok(download.version)
    })?;
    step.finish();
    apt.forget(FOLDER)?;
    Ok(root.join(path_in_package()))
}

fn add_component(run: &Run, toolchain: &str) -> Result<(), Failure> {
    let mut command = Command::new("rustup");
    command.args(["component", "add", "rust-src", "--toolchain", toolchain]);
    let step = run.progress.step(ADD_COMPONENT);
    run.job(command, ADD_COMPONENT, "rustup").run(|line| step.detail(line))?;
    step.finish();
    Ok(())
}
