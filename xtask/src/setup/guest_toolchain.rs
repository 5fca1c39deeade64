//! What the guest's programs are built with. For the host's architecture that is the toolchain as it is. For another one
//! it is a standard library that cargo builds from rust-src, and a C library of that architecture, unpacked into the
//! cache: no toolchain has to have the target installed.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use cosim_tests::manifest::Programs;

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::Failure;
use crate::files::fingerprint;
use crate::host;

/// Separates the flags in `CARGO_ENCODED_RUSTFLAGS`, which, unlike `RUSTFLAGS`, may have spaces in them.
const SEPARATOR: &str = "\x1f";

const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];

/// Rust's name of the guest's architecture, when it is not the host's.
fn foreign(setup: &Setup) -> Option<&'static str> {
    let name = setup.lane.architecture.rust_name();
    (name != env::consts::ARCH).then_some(name)
}

fn folder(setup: &Setup) -> String {
    setup.of_guest("toolchain")
}

fn key(setup: &Setup) -> String {
    let wanted = &setup.inputs.guest_toolchain;
    fingerprint(wanted.packages.iter().chain([&wanted.suite]).map(String::as_bytes))
}

fn find(setup: &Setup) -> Option<PathBuf> {
    setup.cache.finished(&folder(setup), &key(setup))
}

/// `None` for a guest of the host's architecture.
pub(super) fn need(setup: &Setup) -> Option<Need> {
    foreign(setup)?;
    let wanted = &setup.inputs.guest_toolchain;
    let packages = wanted.packages.join(", ");
    let state = match find(setup) {
        Some(place) => {
            State::found(setup.cache.stamp(&folder(setup)).map(|stamp| stamp.version).unwrap_or_default(), place)
        }
        None if apt::is_available() => {
            State::Obtainable(format!("unpacks {packages} of {} into the cache", wanted.suite))
        }
        None => State::Missing(format!(
            "the guest's programs are linked with Debian's packages {packages}: use a Debian machine for this guest"
        )),
    };
    Some(Need::new("guest toolchain", "the guest's programs are linked with its C library", state))
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt, rust_source: &Path) -> Result<Programs, Failure> {
    let setup = run.setup;
    let Some(architecture) = foreign(setup) else {
        let environment = BTreeMap::from([("CARGO_ENCODED_RUSTFLAGS".to_owned(), STATIC.join(SEPARATOR))]);
        let target = format!("{}-unknown-linux-gnu", setup.lane.architecture.rust_name());
        return Ok(Programs { target, arguments: Vec::new(), environment });
    };
    let root = match find(setup) {
        Some(root) => root,
        None => unpack(run, apt)?,
    };
    let flags = flags(setup, architecture, &root)?;
    let environment = [
        ("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR)),
        // Building the standard library is not stable.
        ("RUSTC_BOOTSTRAP", "1".to_owned()),
        ("__CARGO_TESTS_ONLY_SRC_ROOT", text(rust_source)?),
    ];
    Ok(Programs {
        target: format!("{architecture}-unknown-linux-musl"),
        arguments: vec!["-Zbuild-std=std,panic_abort".to_owned()],
        environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

fn unpack(run: &Run, apt: &PrivateApt) -> Result<PathBuf, Failure> {
    let setup = run.setup;
    let (wanted, name) = (&setup.inputs.guest_toolchain, folder(setup));
    let mut downloads = Vec::new();
    for package in &wanted.packages {
        downloads.extend(apt.single(package, &wanted.suite)?);
    }
    let packages = apt.fetch(&name, &downloads)?;
    let root = setup.cache.install(&name, &key(setup), |folder| {
        packages.iter().try_for_each(|package| apt::unpack(run, package, folder))?;
        Ok(downloads.first().map(|download| download.version.clone()).unwrap_or_default())
    })?;
    apt.forget(&name)?;
    Ok(root)
}

/// The compiler's flags: clang links, with nothing of the host's.
fn flags(setup: &Setup, architecture: &str, root: &Path) -> Result<Vec<String>, Failure> {
    let llvm = host::find_llvm(&setup.inputs.llvm)
        .ok_or_else(|| Failure::environment("LLVM is still incomplete after installing it"))?;
    let mut flags: Vec<String> = STATIC.map(str::to_owned).into();
    let mut code = |option: String| flags.extend(["-C".to_owned(), option]);
    code("panic=abort".to_owned());
    code("link-self-contained=no".to_owned());
    code(format!("linker={}", text(&llvm.root.join("bin/clang"))?));
    code(format!("link-arg=--target={architecture}-linux-musl"));
    code("link-arg=-fuse-ld=lld".to_owned());
    let wanted = &setup.inputs.guest_toolchain;
    for folder in &wanted.folders {
        let folder = text(&root.join(folder.replace("{}", architecture)))?;
        code(format!("link-arg=-L{folder}"));
        code(format!("link-arg=-B{folder}"));
    }
    for symbol in &wanted.missing_symbols {
        code(format!("link-arg=-Wl,--defsym={symbol}=abort"));
    }
    Ok(flags)
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| Failure::environment(format!("{} is no UTF-8", path.display())))
}
