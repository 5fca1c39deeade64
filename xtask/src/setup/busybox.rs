//! A static busybox for `cargo xtask shell`. No test needs it, so a machine without apt does without.

use std::path::PathBuf;

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::Failure;
use crate::files::fingerprint;

fn folder(setup: &Setup) -> String {
    setup.of_guest("busybox")
}

pub(super) fn need(setup: &Setup) -> Need {
    let wanted = &setup.inputs.busybox;
    let state = match find(setup) {
        Some(place) => {
            State::found(setup.cache.stamp(&folder(setup)).map(|stamp| stamp.version).unwrap_or_default(), place)
        }
        None if apt::is_available() => {
            State::Obtainable(format!("unpacks {} of {} into the cache", wanted.package, wanted.suite))
        }
        None => State::Dispensable("without apt there is no shell in the guest; everything else works".to_owned()),
    };
    Need::new("busybox", "the guest's interactive shell", state)
}

fn key(setup: &Setup) -> String {
    let wanted = &setup.inputs.busybox;
    fingerprint([&wanted.package, &wanted.suite, &wanted.program].map(String::as_bytes))
}

fn find(setup: &Setup) -> Option<PathBuf> {
    Some(setup.cache.finished(&folder(setup), &key(setup))?.join(&setup.inputs.busybox.program))
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt) -> Result<Option<PathBuf>, Failure> {
    let setup = run.setup;
    if let Some(program) = find(setup) {
        return Ok(Some(program));
    }
    if !apt::is_available() {
        return Ok(None);
    }
    let (wanted, name) = (&setup.inputs.busybox, folder(setup));
    let (download, package) = apt.fetch_one(&name, apt.single(&wanted.package, &wanted.suite)?)?;
    setup.cache.install(&name, &key(setup), |folder| {
        apt::unpack_member(run, &package, &format!("./{}", wanted.program), folder)?;
        Ok(download.version)
    })?;
    apt.forget(&name)?;
    Ok(find(setup))
}
