//! `images/inputs.toml` and the kernel's fragments, compiled into xtask: a workspace that only depends on the library
//! needs no images folder of its own.

use cosim_tests::{Architecture, KernelVariant, Lane};
use serde::Deserialize;

use crate::failure::{Context, Failure};

/// A part of the kernel's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    /// Its file in the repository, for messages.
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! fragment {
    ($file:literal) => {
        Fragment { file: concat!("images/kernel/", $file), text: include_str!(concat!("../../images/kernel/", $file)) }
    };
}

/// The kernel's configuration on top of `make tinyconfig`; what a later fragment says takes precedence.
pub(crate) fn kernel_fragments(lane: Lane) -> Vec<Fragment> {
    let architecture = match lane.architecture {
        Architecture::X86_64 => fragment!("x86_64.config"),
        Architecture::Arm64 => fragment!("arm64.config"),
    };
    let mut fragments = vec![fragment!("common.config"), architecture];
    if lane.kernel == KernelVariant::Debug {
        fragments.push(fragment!("debug.config"));
    }
    fragments
}

const INPUTS: &str = include_str!("../../images/inputs.toml");

/// What set-up brings to a machine, and what it accepts when it is there already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inputs {
    pub(crate) debian: Debian,
    pub(crate) llvm: Llvm,
    pub(crate) qemu: Qemu,
    pub(crate) linux: Linux,
    pub(crate) rust_source: RustSource,
    pub(crate) bindgen: Bindgen,
    pub(crate) busybox: Busybox,
    pub(crate) guest_toolchain: GuestToolchain,
    pub(crate) sound_programs: SoundPrograms,
    pub(crate) host: Vec<HostNeed>,
}

/// What the private apt root offers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Debian {
    pub(crate) suites: Vec<String>,
    pub(crate) component: String,
}

/// The compiler of the kernel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Llvm {
    pub(crate) minimum: u32,
    pub(crate) preferred: u32,
    /// Package names with "{}" for the version.
    pub(crate) packages: Vec<String>,
    /// Programs that an LLVM must have in its `bin` folder.
    pub(crate) programs: Vec<String>,
}

/// The emulator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Qemu {
    pub(crate) suite: String,
    pub(crate) minimum: String,
    /// The device that `-device help` must list.
    pub(crate) device: String,
    pub(crate) x86_64: QemuProgram,
    pub(crate) arm64: QemuProgram,
}

impl Qemu {
    /// The emulator of an architecture.
    pub(crate) fn of(&self, architecture: Architecture) -> &QemuProgram {
        match architecture {
            Architecture::X86_64 => &self.x86_64,
            Architecture::Arm64 => &self.arm64,
        }
    }
}

/// The emulator of one architecture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QemuProgram {
    pub(crate) package: String,
    pub(crate) program: String,
}

/// The kernel's source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linux {
    pub(crate) package: String,
    pub(crate) suite: String,
    /// Folders of the source that are not unpacked.
    pub(crate) leave_out: Vec<String>,
    /// Length of the progress bar.
    pub(crate) build_lines: u64,
}

/// The source of Rust's core library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RustSource {
    pub(crate) package: String,
}

/// The generator of the kernel's Rust bindings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bindgen {
    pub(crate) minimum: String,
    /// What `cargo install` builds.
    pub(crate) version: String,
}

/// The guest's shell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Busybox {
    pub(crate) package: String,
    pub(crate) suite: String,
    /// Its path in the package.
    pub(crate) program: String,
}

/// What programs for a guest of another architecture than the host's are linked with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuestToolchain {
    /// Packages of the guest's architecture.
    pub(crate) packages: Vec<String>,
    pub(crate) suite: String,
    /// Folders in the packages with libraries and start files; "{}" stands for the architecture as Rust calls it.
    pub(crate) folders: Vec<String>,
    /// Symbols that a library of the packages may refer to and that the C library does not have.
    pub(crate) missing_symbols: Vec<String>,
}

/// Programs for the guest that are linked with shared libraries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SoundPrograms {
    /// Packages of the guest's architecture.
    pub(crate) packages: Vec<String>,
    pub(crate) suite: String,
    /// Files and folders in the packages; "{}" stands for the architecture as Rust calls it.
    pub(crate) files: Vec<String>,
    pub(crate) loader: Loader,
}

/// What loads shared libraries: its path in the packages, by architecture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Loader {
    pub(crate) x86_64: String,
    pub(crate) arm64: String,
}

impl Loader {
    /// The loader of an architecture.
    pub(crate) fn of(&self, architecture: Architecture) -> &str {
        match architecture {
            Architecture::X86_64 => &self.x86_64,
            Architecture::Arm64 => &self.arm64,
        }
    }
}

/// A package of the host, and the one thing in it that shows whether it is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostNeed {
    pub(crate) package: String,
    pub(crate) program: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) library: Option<String>,
    pub(crate) why: String,
}

impl Inputs {
    /// The inputs that this xtask was built with.
    pub(crate) fn load() -> Result<Self, Failure> {
        toml::from_str(INPUTS).or_environment(|| "images/inputs.toml is malformed".to_owned())
    }
}

/// Whether the dotted version `found` is `minimum` or newer. What follows the digits of a part is ignored.
pub(crate) fn at_least(found: &str, minimum: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version
            .split('.')
            .map_while(|part| {
                let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                part[..digits].parse().ok()
            })
            .collect()
    };
    numbers(found) >= numbers(minimum)
}

/// The first word of a text that looks like a dotted version, such as "0.72.1" in "bindgen 0.72.1".
pub(crate) fn version_in(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || c == '(' || c == ',')
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inputs_are_complete_and_consistent() {
        let inputs = Inputs::load().unwrap();
        assert!(inputs.llvm.minimum <= inputs.llvm.preferred);
        assert!(at_least(&inputs.bindgen.version, &inputs.bindgen.minimum));
        let Inputs { qemu, linux, busybox, guest_toolchain, sound_programs, .. } = &inputs;
        let suites = [&qemu.suite, &linux.suite, &busybox.suite, &guest_toolchain.suite, &sound_programs.suite];
        for suite in suites {
            assert!(inputs.debian.suites.contains(suite), "{suite} is not in debian.suites");
        }
        for need in &inputs.host {
            let tests = [&need.program, &need.header, &need.library];
            let count = tests.iter().filter(|test| test.is_some()).count();
            assert_eq!(count, 1, "{} needs exactly one of program, header, library", need.package);
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Inputs>(&format!("typo = 1\n{INPUTS}")).unwrap_err();
        assert!(error.to_string().contains("typo"), "{error}");
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(at_least("10.1.0", "10.1"));
        assert!(at_least("11.0", "10.1"));
        assert!(!at_least("7.2.19", "10.1"));
        assert!(!at_least("9.10", "10.1"));
        assert!(at_least("0.72.1", "0.71.1"));
        assert!(!at_least("0.71.0", "0.71.1"));
        assert!(!at_least("unknown", "1"));
    }

    #[test]
    fn versions_are_found_in_what_tools_print() {
        assert_eq!(
            version_in("QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)\nCopyright"),
            Some("11.1.3")
        );
        assert_eq!(version_in("bindgen 0.72.1"), Some("0.72.1"));
        assert_eq!(version_in("no version"), None);
    }
}
