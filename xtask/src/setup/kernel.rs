//! The guest's kernel: configured from tinyconfig and our fragments, and built outside its source tree.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use cosim_tests::manifest::Kernel;
use cosim_tests::{Architecture, Lane};

use super::kernel_config::Settings;
use super::kernel_source::{self, Source};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::cache::Stamp;
use crate::failure::{Context, Failure};
use crate::files::{self, fingerprint, identity};
use crate::host::{self, LlvmPlace, RUSTC_RELEASE};
use crate::inputs::kernel_fragments;

/// Everything that the kernel is built with.
struct Tools<'a> {
    llvm: LlvmPlace,
    rust_source: &'a Path,
    bindgen: &'a Path,
}

pub(super) fn need(setup: &Setup) -> Need {
    let built = kernel_source::find(setup).and_then(|source| {
        let name = folder_name(setup.lane, &source);
        Some((setup.cache.stamp(&name)?.version, setup.cache.path(&name).join(image(setup.lane))))
    });
    let state = match built {
        Some((release, image)) => State::found(release, image),
        None => State::Obtainable("built by set-up, 5 to 10 minutes on two cores".to_owned()),
    };
    Need::new("kernel", "the guest boots it", state)
}

/// Objects of another source must not be taken for up to date, because unpacked files are older than any object; and who
/// asks for other settings must not take the kernel away from those who boot it.
fn folder_name(lane: Lane, source: &Source) -> String {
    let settings = Settings::new(&kernel_fragments(lane)).fingerprint(&source.key);
    format!("kernel-{}-{}-{}", lane.architecture, lane.kernel, &settings[..12])
}

/// What QEMU boots, in the build folder.
fn image(lane: Lane) -> &'static str {
    match lane.architecture {
        Architecture::X86_64 => "vmlinux",
        Architecture::Arm64 => "arch/arm64/boot/Image",
    }
}

impl Tools<'_> {
    /// Where rust-src is does not count: it has rustc's version wherever it is.
    fn key(&self, settings: &Settings, source: &Source) -> String {
        let programs = [self.llvm.root.join("bin/clang"), self.bindgen.to_owned()];
        let identities = programs.map(|program| identity(&program).unwrap_or_default());
        let settings = settings.fingerprint(&source.key);
        let inputs = [&settings, RUSTC_RELEASE].map(str::as_bytes);
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
    let lane = setup.lane;
    let settings = Settings::new(&kernel_fragments(lane));
    let name = folder_name(lane, source);
    let inputs = tools.key(&settings, source);
    if source.is_own || setup.cache.finished(&name, &inputs).is_none() {
        let folder = setup.cache.path(&name);
        let build = Build { run, source: &source.folder, folder, settings: &settings, environment: &environment };
        // An interrupted build of other inputs must not leave the stamp of what was here before.
        setup.cache.clear_stamp(&name)?;
        build.configure()?;
        build.make()?;
        setup.cache.set_stamp(&name, &Stamp { inputs, version: build.release()? })?;
    }
    let folder = setup.cache.path(&name);
    let release = setup.cache.stamp(&name).map(|stamp| stamp.version).unwrap_or_default();
    Ok(Kernel { image: folder.join(image(lane)), source: source.folder.clone(), build: folder, release, environment })
}

struct Build<'a> {
    run: &'a Run<'a>,
    source: &'a Path,
    folder: PathBuf,
    settings: &'a Settings<'a>,
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
        let architecture = format!("ARCH={}", self.run.setup.lane.architecture);
        command.arg(format!("O={}", self.folder.display())).args(["LLVM=1", &architecture]).args(targets);
        command
    }

    fn configure(&self) -> Result<(), Failure> {
        files::create_folder(&self.folder)?;
        let fragment = self.folder.join("softboard.config");
        let config = self.folder.join(".config");
        files::write(&fragment, self.settings.text())?;
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
        let lost = self.settings.not_taken(&taken);
        if !lost.is_empty() {
            return Err(Failure::environment(format!(
                "the kernel in {} does not take these settings (renamed, or a dependency is missing):\n  {}",
                self.source.display(),
                lost.join("\n  ")
            )));
        }
        step.finish();
        Ok(())
    }

    fn make(&self) -> Result<(), Failure> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        // Without the folders before it: kbuild has a target of its own for the image.
        let image = Path::new(image(self.run.setup.lane)).file_name().unwrap_or_default().to_string_lossy();
        let command = self.kbuild(&[&format!("-j{cores}"), &image, "modules"]);
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
