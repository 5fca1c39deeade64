//! QEMU: the one on PATH if it can be a vfio-user client, else the distribution's newest, unpacked into the cache
//! and started through its own loader, so that the host's libraries do not matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use cosim_tests::manifest::Qemu;

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::Failure;
use crate::files::fingerprint;
use crate::host;
use crate::inputs::{self, at_least, version_in};
use crate::process;

fn folder(setup: &Setup) -> String {
    setup.of_guest("qemu")
}

/// Package and program for the guest's architecture.
fn program(setup: &Setup) -> &inputs::QemuProgram {
    setup.inputs.qemu.of(setup.lane.architecture)
}

pub(super) fn need(setup: &Setup) -> Need {
    let wanted = &setup.inputs.qemu;
    let state = match find(setup) {
        Some(qemu) => State::found(qemu.version.clone(), place(&qemu)),
        None if apt::is_available() => {
            State::Obtainable(format!("unpacks {} of {} into the cache", program(setup).package, wanted.suite))
        }
        None => State::Missing(format!(
            "put a {} of version {} or newer with the device {} on PATH (https://www.qemu.org/download)",
            program(setup).program,
            wanted.minimum,
            wanted.device
        )),
    };
    Need::new("QEMU", "runs the guest and connects it to the device model", state)
}

/// The QEMU program itself, behind the loader if there is one.
fn place(qemu: &Qemu) -> PathBuf {
    qemu.args.get(2).map_or_else(|| qemu.program.clone(), PathBuf::from)
}

fn key(setup: &Setup) -> String {
    fingerprint([&program(setup).package, &setup.inputs.qemu.suite].map(String::as_bytes))
}

fn find(setup: &Setup) -> Option<Qemu> {
    let on_path = host::find_program(&program(setup).program).and_then(|program| {
        let qemu = Qemu { program, args: Vec::new(), env: BTreeMap::new(), version: String::new() };
        serves(&setup.inputs.qemu, qemu, |program, arguments| setup.probes.ask(program, arguments))
    });
    on_path.or_else(|| {
        let root = setup.cache.finished(&folder(setup), &key(setup))?;
        let version = setup.cache.stamp(&folder(setup))?.version;
        Some(Qemu { version, ..unpacked(setup, &root) })
    })
}

/// How to start the QEMU that was unpacked below `root`.
fn unpacked(setup: &Setup, root: &Path) -> Qemu {
    let below = |path: &str| root.join(path).display().to_string();
    let libraries = below("usr/lib/x86_64-linux-gnu");
    Qemu {
        program: root.join("usr/lib64/ld-linux-x86-64.so.2"),
        env: BTreeMap::from([("QEMU_MODULE_DIR".to_owned(), format!("{libraries}/qemu"))]),
        args: vec![
            "--library-path".to_owned(),
            libraries,
            below(&format!("usr/bin/{}", program(setup).program)),
            "-L".to_owned(),
            below("usr/share/qemu"),
            "-L".to_owned(),
            below("usr/share/seabios"),
            "-L".to_owned(),
            below("usr/lib/ipxe/qemu"),
        ],
        version: String::new(),
    }
}

/// The same QEMU with its version, if it is new enough and has the device. `ask` starts it.
fn serves(wanted: &inputs::Qemu, qemu: Qemu, ask: impl Fn(&Path, &[&str]) -> Option<String>) -> Option<Qemu> {
    let ask = |question: &[&str]| {
        let arguments: Vec<&str> = qemu.args.iter().map(String::as_str).chain(question.iter().copied()).collect();
        ask(&qemu.program, &arguments)
    };
    let answer = ask(&["--version"])?;
    let version = version_in(&answer)?.to_owned();
    let has_device = at_least(&version, &wanted.minimum) && ask(&["-device", "help"])?.contains(&wanted.device);
    has_device.then_some(Qemu { version, ..qemu })
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt) -> Result<Qemu, Failure> {
    let setup = run.setup;
    if let Some(qemu) = find(setup) {
        return Ok(qemu);
    }
    let (wanted, name, package) = (&setup.inputs.qemu, folder(setup), &program(setup).package);
    let packages = apt.fetch(&name, &apt.closure(package, &wanted.suite)?)?;
    let root = setup.cache.install(&name, &key(setup), |folder| {
        let step = run.progress.count("unpack QEMU", packages.len() as u64);
        for package in &packages {
            apt::unpack(run, package, folder)?;
            step.advance();
        }
        let ask = |program: &Path, arguments: &[&str]| process::output(Command::new(program).args(arguments)).ok();
        let qemu = serves(wanted, unpacked(setup, folder), ask).ok_or_else(|| {
            Failure::environment(format!(
                "{package} of {} does not start here, is older than {}, or lacks the device {}",
                wanted.suite, wanted.minimum, wanted.device
            ))
        })?;
        step.finish();
        Ok(qemu.version)
    })?;
    apt.forget(&name)?;
    find(setup).ok_or_else(|| Failure::environment(format!("{} changed meanwhile", root.display())))
}
