//! The kernel's source: the user's own tree, or the distribution's source package unpacked into the cache.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Options, Run, Setup};
use crate::failure::{Context, Failure, Kind};
use crate::files::fingerprint;

const FOLDER: &str = "linux";

/// Where the kernel is built from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Source {
    pub(super) folder: PathBuf,
    /// Changes when another source takes its place: names the build folder.
    pub(super) key: String,
    /// The user works in it: whether it changed is for make to find out.
    pub(super) is_own: bool,
}

/// The user's own tree, checked to be one.
pub(super) fn own_tree(options: &Options) -> Result<Option<PathBuf>, Failure> {
    let Some(tree) = &options.kernel_src else {
        return Ok(None);
    };
    let unusable = |reason: &str| {
        Failure::new(
            Kind::BadInput,
            format!("--kernel-src {} {reason}: name the top folder of a Linux 7.3 tree", tree.display()),
        )
    };
    if !tree.join("Kconfig").is_file() || !tree.join("rust/kernel/lib.rs").is_file() {
        return Err(unusable("is no Linux source tree with Rust support"));
    }
    let tree = tree.canonicalize().map_err(|error| unusable("cannot be opened").caused_by(error))?;
    Ok(Some(tree))
}

pub(super) fn need(setup: &Setup) -> Need {
    let wanted = &setup.inputs.linux;
    let state = match find(setup) {
        Some(source) if source.is_own => State::found("your own tree", source.folder),
        Some(source) => {
            State::found(setup.cache.stamp(FOLDER).map(|stamp| stamp.version).unwrap_or_default(), source.folder)
        }
        None if apt::is_available() => {
            State::Obtainable(format!("unpacks {} of {} into the cache", wanted.package, wanted.suite))
        }
        None => State::Missing(
            "get the source of Linux 7.3 (https://www.kernel.org) and name it: cargo xtask setup --kernel-src DIR"
                .to_owned(),
        ),
    };
    Need::new("Linux source", "the guest's kernel and its modules are built from it", state)
}

fn key(setup: &Setup) -> String {
    let wanted = &setup.inputs.linux;
    let leave_out = wanted.leave_out.iter().map(String::as_bytes);
    fingerprint([wanted.package.as_bytes(), wanted.suite.as_bytes()].into_iter().chain(leave_out))
}

pub(super) fn find(setup: &Setup) -> Option<Source> {
    if let Some(tree) = &setup.kernel_tree {
        let key = fingerprint([tree.as_os_str().as_encoded_bytes()]);
        return Some(Source { folder: tree.clone(), key, is_own: true });
    }
    let folder = setup.cache.finished(FOLDER, &key(setup))?;
    let version = setup.cache.stamp(FOLDER)?.version;
    let key = fingerprint([key(setup).as_bytes(), version.as_bytes()]);
    Some(Source { folder, key, is_own: false })
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt) -> Result<Source, Failure> {
    let setup = run.setup;
    if let Some(source) = find(setup) {
        return Ok(source);
    }
    let wanted = &setup.inputs.linux;
    let (download, package) = apt.fetch_one(FOLDER, apt.single(&wanted.package, &wanted.suite)?)?;
    setup.cache.install(FOLDER, &key(setup), |folder| {
        unpack(run, &package, folder)?;
        Ok(download.version)
    })?;
    apt.forget(FOLDER)?;
    find(setup).ok_or_else(|| Failure::environment("the unpacked Linux source vanished"))
}

/// Unpacks the archive in the package without storing it in between.
fn unpack(run: &Run, package: &Path, into: &Path) -> Result<(), Failure> {
    let failure = || format!("cannot unpack {}", package.display());
    let wanted = &run.setup.inputs.linux;
    // The package holds little else than the archive, compressed already.
    let total_bytes = fs::metadata(package).or_environment(failure)?.len();
    let step = run.progress.bytes("unpack Linux source", total_bytes);

    let mut package_reader = apt::archive(run, package)?.spawn().or_environment(failure)?;
    let mut archive_reader = Command::new("tar")
        .args(["-x", "-O", &format!("./usr/src/{}.tar.xz", wanted.package)])
        .stdin(package_reader.stdout.take().map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::piped())
        .spawn()
        .or_environment(failure)?;
    let mut writer = Command::new("tar")
        .args(["-x", "--xz", "--strip-components=1", "-C"])
        .arg(into)
        .args(wanted.leave_out.iter().map(|folder| format!("--exclude={}/{folder}", wanted.package)))
        // xz uses all cores where its version can.
        .env("XZ_DEFAULTS", "-T0")
        .stdin(Stdio::piped())
        .spawn()
        .or_environment(failure)?;

    let copied = match archive_reader.stdout.take().zip(writer.stdin.take()) {
        Some((archive, sink)) => copy(archive, sink, |position| step.set_position(position)),
        None => Ok(()),
    };
    let mut succeeded = true;
    for child in [&mut package_reader, &mut archive_reader, &mut writer] {
        succeeded &= child.wait().or_environment(failure)?.success();
    }
    copied.or_environment(failure)?;
    if !succeeded {
        return Err(Failure::environment(failure()));
    }
    step.finish();
    Ok(())
}

/// Copies all bytes, says after each block how many they are, and closes both ends.
fn copy(mut from: impl Read, mut to: impl Write, on_position: impl Fn(u64)) -> io::Result<()> {
    let mut block = vec![0; 1 << 18];
    let mut position = 0;
    loop {
        let count = from.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&block[..count])?;
        position += count as u64;
        on_position(position);
    }
}
