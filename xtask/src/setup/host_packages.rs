//! Packages of the host itself: the tools, headers and libraries that building the kernel and the guest takes.

use std::process::Command;

use super::need::{Need, State};
use super::{Run, Setup};
use crate::failure::Failure;
use crate::host;
use crate::inputs::Llvm;
use crate::process;

/// Each package of the host, and LLVM.
pub(super) fn needs(setup: &Setup) -> Vec<Need> {
    let llvm_why = format!("LLVM {} or newer compiles the kernel", setup.inputs.llvm.minimum);
    let llvm = match host::find_llvm(&setup.inputs.llvm) {
        Some(place) => State::found(place.version.to_string(), place.root),
        None => lacking(llvm_packages(&setup.inputs.llvm, setup.inputs.llvm.preferred)),
    };
    setup
        .inputs
        .host
        .iter()
        .map(|need| {
            let state = match host::find_host_need(need) {
                Some(place) => State::found("", place),
                None => lacking(vec![need.package.clone()]),
            };
            Need::new(&need.package, &need.why, state)
        })
        .chain([Need::new("LLVM", &llvm_why, llvm)])
        .collect()
}

fn lacking(packages: Vec<String>) -> State {
    if host::installs_packages() {
        State::Obtainable(format!("apt-get install {}", packages.join(" ")))
    } else {
        State::MissingPackages(packages)
    }
}

fn llvm_packages(llvm: &Llvm, version: u32) -> Vec<String> {
    llvm.packages.iter().map(|name| name.replace("{}", &version.to_string())).collect()
}

/// Installs what is missing. The survey has made sure that it can be.
pub(super) fn ensure(run: &Run) -> Result<(), Failure> {
    let inputs = &run.setup.inputs;
    let missing = || inputs.host.iter().filter(|need| host::find_host_need(need).is_none());
    let mut packages: Vec<String> = missing().map(|need| need.package.clone()).collect();
    let lacks_llvm = host::find_llvm(&inputs.llvm).is_none();
    if packages.is_empty() && !lacks_llvm {
        return Ok(());
    }
    let step = run.progress.step("install host packages");
    apt_get(run, &["update"], "updating the host's package lists").run(|line| step.detail(line))?;
    if lacks_llvm {
        let offered = process::output(Command::new("apt-cache").args(["pkgnames", "clang-"]))?;
        let version = pick_llvm(&offered, &inputs.llvm).ok_or_else(|| {
            Failure::environment(format!(
                "apt on this machine offers no clang of version {} or newer: add a source that does \
                 (Debian has one since bookworm)",
                inputs.llvm.minimum
            ))
        })?;
        packages.extend(llvm_packages(&inputs.llvm, version));
    }
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages.iter().map(String::as_str));
    apt_get(run, &arguments, &format!("installing {}", packages.join(", "))).run(|line| step.detail(line))?;
    step.finish();

    if let Some(need) = missing().next() {
        return Err(Failure::environment(format!(
            "{} is installed, and yet what it is needed for is not there: {}",
            need.package, need.why
        )));
    }
    Ok(())
}

fn apt_get<'r>(run: &'r Run, arguments: &[&str], what: &str) -> process::Job<'r> {
    let mut command = Command::new("apt-get");
    command.arg("-q").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    run.job(command, what, &format!("host-{}", arguments[0]))
}

/// The version to install, out of the package names that apt knows: the preferred one, else the newest.
fn pick_llvm(names: &str, llvm: &Llvm) -> Option<u32> {
    names
        .lines()
        .filter_map(|name| name.strip_prefix("clang-")?.parse().ok())
        .filter(|version| *version >= llvm.minimum)
        .max_by_key(|version| (*version == llvm.preferred, *version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;

    #[test]
    fn the_preferred_llvm_is_installed_else_the_newest() {
        let llvm = Inputs::load().unwrap().llvm;
        assert_eq!(pick_llvm("clang-14\nclang-19-doc\nclang-19\nclang-21\nclang-tools-22\n", &llvm), Some(19));
        assert_eq!(pick_llvm("clang-14\nclang-17\nclang-21\nclang-format-22\n", &llvm), Some(21));
        assert_eq!(pick_llvm("clang-14\nclang-16\n", &llvm), None);
    }
}
