//! The guest's kernel: configured from tinyconfig and our fragment, and built outside its source tree.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use cosim_tests::manifest::Kernel;

use super::kernel_source::{self, Source};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::cache::Stamp;
use crate::failure::{Context, Failure};
use crate::files::{self, fingerprint, identity};
use crate::host::{self, LlvmPlace, RUSTC_RELEASE};
use crate::inputs::KERNEL_FRAGMENT;

/// Everything that the kernel is built with.
struct Tools<'a> {
    llvm: LlvmPlace,
    rust_source: &'a Path,
    bindgen: &'a Path,
}

pub(super) fn need(setup: &Setup) -> Need {
    let built = kernel_source::find(setup).and_then(|source| {
        let name = folder_name(&source);
        Some((setup.cache.stamp(&name)?.version, setup.cache.path(&name).join("vmlinux")))
    });
    let state = match built {
        Some((release, image)) => State::found(release, image),
        None => State::Obtainable("built by set-up, 5 to 10 minutes on two cores".to_owned()),
    };
    Need::new("kernel", "the guest boots it", state)
}

/// Objects of another source must not be taken for up to date: unpacked files are older than any object.
fn folder_name(source: &Source) -> String {
    format!("kernel-x86_64-{}", &source.key[..12])
}

impl Tools<'_> {
    /// Where rust-src is does not count: it has rustc's version wherever it is.
    fn key(&self, source: &Source) -> String {
        let programs = [self.llvm.root.join("bin/clang"), self.bindgen.to_owned()];
        let identities = programs.map(|program| identity(&program).unwrap_or_default());
        let inputs = [&source.key, KERNEL_FRAGMENT, RUSTC_RELEASE].map(str::as_bytes);
        fingerprint(inputs.into_iter().chain(identities.iter().map(String::as_bytes)))
    }

    /// What kbuild needs, for the kernel and for modules.
    fn environment(&self) -> Result<BTreeMap<String, String>, Failure> {
        let first = [
            self.bindgen.parent().map(Path::to_owned),
            Some(self.llvm.root.join("bin")),
            Some(host::rustc_sysroot().join("bin")),
        ];
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(first.into_iter().flatten().chain(env::split_paths(&path)))
            .or_environment(|| "a folder with a colon in its name cannot be put on PATH".to_owned())?;
        [
            ("PATH", path),
            ("LIBCLANG_PATH", self.llvm.root.join("lib").into()),
            ("RUST_LIB_SRC", self.rust_source.into()),
        ]
        .into_iter()
        .map(|(name, value)| Ok((name.to_owned(), text(value)?)))
        .collect()
    }
}

fn text(value: OsString) -> Result<String, Failure> {
    value.into_string().map_err(|value| Failure::environment(format!("{} is not UTF-8", Path::new(&value).display())))
}

pub(super) fn ensure(run: &Run, source: &Source, rust_source: &Path, bindgen: &Path) -> Result<Kernel, Failure> {
    let setup = run.setup;
    let llvm = host::find_llvm(&setup.inputs.llvm)
        .ok_or_else(|| Failure::environment("LLVM is still incomplete after installing it"))?;
    let tools = Tools { llvm, rust_source, bindgen };
    let environment = tools.environment()?;
    let name = folder_name(source);
    let inputs = tools.key(source);
    if source.is_own || setup.cache.finished(&name, &inputs).is_none() {
        let build = Build { run, source: &source.folder, folder: setup.cache.path(&name), environment: &environment };
        // An interrupted build of other inputs must not leave the stamp of what was here before.
        setup.cache.clear_stamp(&name)?;
        build.configure()?;
        build.make()?;
        setup.cache.set_stamp(&name, &Stamp { inputs, version: build.release()? })?;
    }
    let folder = setup.cache.path(&name);
    let release = setup.cache.stamp(&name).map(|stamp| stamp.version).unwrap_or_default();
    Ok(Kernel { image: folder.join("vmlinux"), source: source.folder.clone(), build: folder, release, environment })
}

struct Build<'a> {
    run: &'a Run<'a>,
    source: &'a Path,
    folder: PathBuf,
    environment: &'a BTreeMap<String, String>,
}

impl Build<'_> {
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.source)
            .envs(self.environment)
            .env("LC_ALL", "C")
            // Kbuild would take these from the caller's environment.
            .env_remove("CROSS_COMPILE")
            .env_remove("KCFLAGS")
            .env_remove("KRUSTFLAGS");
        command
    }

    fn kbuild(&self, targets: &[&str]) -> Command {
        let mut command = self.command("make");
        command.arg(format!("O={}", self.folder.display())).args(["LLVM=1", "ARCH=x86_64"]).args(targets);
        command
    }

    fn configure(&self) -> Result<(), Failure> {
        files::create_folder(&self.folder)?;
        let fragment = self.folder.join("softboard.config");
        let config = self.folder.join(".config");
        files::write(&fragment, KERNEL_FRAGMENT)?;
        let mut merge = self.command(self.source.join("scripts/kconfig/merge_config.sh"));
        merge.arg("-m").arg("-O").arg(&self.folder).args([&config, &fragment]);
        merge.env("KCONFIG_CONFIG", &config);

        let step = self.run.progress.step("configure the kernel");
        for (command, what, log) in [
            (self.kbuild(&["rustavailable"]), "checking the kernel's Rust tools", "kernel-rustavailable"),
            (self.kbuild(&["tinyconfig"]), "make tinyconfig", "kernel-tinyconfig"),
            (merge, "merging the kernel's configuration", "kernel-merge"),
            (self.kbuild(&["olddefconfig"]), "make olddefconfig", "kernel-olddefconfig"),
        ] {
            self.run.job(command, what, log).run(|line| step.detail(line.trim()))?;
        }
        let taken = fs::read_to_string(&config).or_environment(|| format!("cannot read {}", config.display()))?;
        let lost = not_taken(KERNEL_FRAGMENT, &taken);
        if !lost.is_empty() {
            return Err(Failure::environment(format!(
                "the kernel in {} does not take these lines of images/kernel/x86_64.config (renamed, or a \
                 dependency is missing):\n  {}",
                self.source.display(),
                lost.join("\n  ")
            )));
        }
        step.finish();
        Ok(())
    }

    fn make(&self) -> Result<(), Failure> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let command = self.kbuild(&[&format!("-j{cores}"), "vmlinux", "modules"]);
        let step = self.run.progress.count("build the kernel", self.run.setup.inputs.linux.build_lines);
        self.run.job(command, "the kernel's build", "kernel-build").run(|line| {
            if line.starts_with("  ") {
                step.advance();
                step.detail(line.trim());
            }
        })?;
        step.finish();
        Ok(())
    }

    fn release(&self) -> Result<String, Failure> {
        let path = self.folder.join("include/config/kernel.release");
        let release = fs::read_to_string(&path).or_environment(|| format!("cannot read {}", path.display()))?;
        Ok(release.trim().to_owned())
    }
}

/// The lines of a fragment that a finished configuration does not have. A symbol that the configuration does not
/// mention counts as switched off.
fn not_taken<'f>(fragment: &'f str, config: &str) -> Vec<&'f str> {
    let values: BTreeMap<&str, &str> =
        config.lines().filter(|line| line.starts_with("CONFIG_")).filter_map(|line| line.split_once('=')).collect();
    fragment
        .lines()
        .filter(|line| {
            let off = line.strip_prefix("# ").and_then(|line| line.strip_suffix(" is not set"));
            match (line.split_once('='), off) {
                (_, Some(symbol)) | (Some((symbol, "n")), None) => values.contains_key(symbol),
                (Some((symbol, value)), None) if symbol.starts_with("CONFIG_") => values.get(symbol) != Some(&value),
                _ => false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_kconfig_did_not_take_are_named() {
        let fragment = "# A comment with = in it\n\nCONFIG_RUST=y\nCONFIG_PVH=y\nCONFIG_TIMEOUT=-1\n\
                        # CONFIG_VT is not set\n# CONFIG_USB is not set\nCONFIG_SND=n\n";
        let config = "CONFIG_RUST=y\nCONFIG_TIMEOUT=-1\n# CONFIG_PVH is not set\n# CONFIG_VT is not set\n";
        assert_eq!(not_taken(fragment, config), ["CONFIG_PVH=y"]);
        let config = "CONFIG_RUST=m\nCONFIG_PVH=y\nCONFIG_TIMEOUT=0\nCONFIG_VT=y\nCONFIG_SND=m\n";
        assert_eq!(
            not_taken(fragment, config),
            ["CONFIG_RUST=y", "CONFIG_TIMEOUT=-1", "# CONFIG_VT is not set", "CONFIG_SND=n"]
        );
    }

    #[test]
    fn a_symbol_does_not_pass_for_a_longer_one() {
        assert_eq!(not_taken("CONFIG_PCI=y\n", "CONFIG_PCI_MSI=y\n"), ["CONFIG_PCI=y"]);
        assert_eq!(not_taken("CONFIG_HZ=1\n", "CONFIG_HZ=100\n"), ["CONFIG_HZ=1"]);
    }
}
