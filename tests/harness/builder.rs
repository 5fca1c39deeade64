//! How a board is to be: everything that can be chosen before it boots.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::attach::AttachedDevice;
use crate::board::Board;
use crate::error::BoardError;
use crate::lane::Lane;
use crate::manifest::Manifest;
use crate::placement::Cores;
use crate::qemu::Accelerator;

/// The manifest to use instead of the workspace's.
pub const MANIFEST_VARIABLE: &str = "SOFTBOARD_MANIFEST";
/// The accelerator to use instead of the one that is detected: `tcg` or `kvm`.
const ACCELERATOR_VARIABLE: &str = "SOFTBOARD_ACCEL";
/// Where the board's threads may run: `one` core (the default) or `any`.
const CORES_VARIABLE: &str = "SOFTBOARD_CORES";

/// How a board is to be. Without any choice: the kernel and initramfs of set-up, no device, 256 MiB.
pub struct BoardBuilder {
    pub(crate) devices: Vec<Box<dyn AttachedDevice>>,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) accelerator: Option<Accelerator>,
    pub(crate) cores: Option<Cores>,
    pub(crate) memory_mib: u32,
    pub(crate) sound_programs: bool,
    pub(crate) kernel_arguments: Vec<String>,
    pub(crate) qemu_arguments: Vec<String>,
    pub(crate) boot_limit: Duration,
    pub(crate) call_limit: Duration,
    pub(crate) console_copy: Option<Box<dyn Write + Send>>,
}

impl Default for BoardBuilder {
    fn default() -> Self {
        Self {
            devices: Vec::new(),
            manifest: None,
            accelerator: None,
            cores: None,
            memory_mib: 256,
            sound_programs: false,
            kernel_arguments: Vec::new(),
            qemu_arguments: Vec::new(),
            boot_limit: Duration::from_secs(30),
            call_limit: Duration::from_secs(60),
            console_copy: None,
        }
    }
}

impl fmt::Debug for BoardBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices: Vec<String> = self.devices.iter().map(|device| device.name()).collect();
        formatter.debug_struct("BoardBuilder").field("devices", &devices).finish_non_exhaustive()
    }
}

impl BoardBuilder {
    /// Adds a device to the board's bus. Devices come in the order they are added.
    #[must_use]
    pub fn device(mut self, device: impl AttachedDevice + 'static) -> Self {
        self.devices.push(Box::new(device));
        self
    }

    /// Boots what this manifest names; otherwise `SOFTBOARD_MANIFEST` names one, otherwise it is the workspace's.
    #[must_use]
    pub fn manifest(mut self, manifest: Manifest) -> Self {
        self.manifest = Some(manifest);
        self
    }

    /// Uses this accelerator; otherwise `SOFTBOARD_ACCEL` decides, otherwise the machine.
    #[must_use]
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// Places the board's threads; otherwise `SOFTBOARD_CORES` (`one` or `any`) decides, otherwise they share one core.
    #[must_use]
    pub fn cores(mut self, cores: Cores) -> Self {
        self.cores = Some(cores);
        self
    }

    /// The guest's memory in MiB.
    #[must_use]
    pub fn memory_mib(mut self, memory_mib: u32) -> Self {
        self.memory_mib = memory_mib;
        self
    }

    /// Gives the guest `aplay`, `arecord`, `speaker-test` and `amixer`. They make its boot a little longer.
    #[must_use]
    pub fn sound_programs(mut self) -> Self {
        self.sound_programs = true;
        self
    }

    /// Adds a word to the kernel's command line.
    #[must_use]
    pub fn kernel_argument(mut self, argument: impl Into<String>) -> Self {
        self.kernel_arguments.push(argument.into());
        self
    }

    /// Runs a shell on the console; the guest switches itself off when the shell ends.
    #[must_use]
    pub fn shell(self) -> Self {
        self.kernel_argument("softboard.shell=1")
    }

    /// Adds arguments to QEMU's command line.
    #[must_use]
    pub fn qemu_arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.qemu_arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// How long the guest may take from QEMU's start to the agent's hello.
    #[must_use]
    pub fn boot_limit(mut self, limit: Duration) -> Self {
        self.boot_limit = limit;
        self
    }

    /// How long a call on the guest may take.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Also writes what the console prints here, byte by byte as it comes. When it fails, it is not written to again.
    #[must_use]
    pub fn console_copy(mut self, copy: impl Write + Send + 'static) -> Self {
        self.console_copy = Some(Box::new(copy));
        self
    }

    /// Boots the board and waits for the agent's hello.
    pub fn boot(self) -> Result<Board, BoardError> {
        Board::from_builder(self)
    }

    /// The manifest to boot from, with everything it names there.
    pub(crate) fn take_manifest(&mut self) -> Result<Manifest, BoardError> {
        let manifest = match self.manifest.take() {
            Some(manifest) => manifest,
            None => load_manifest()?,
        };
        let needed = [
            ("QEMU", &manifest.qemu.program, "setup"),
            ("the guest's kernel", &manifest.kernel.image, "setup"),
            ("the guest's initramfs", &manifest.initramfs, "build"),
        ];
        for (what, path, command) in needed {
            if !path.is_file() {
                return Err(environment(format!("{what} is not at {}: run `cargo xtask {command}`", path.display())));
            }
        }
        if self.sound_programs && !manifest.sound_programs.as_ref().is_some_and(|archive| archive.is_file()) {
            let message = "expected aplay and the like for the guest, found none: run `cargo xtask setup`, which brings \
                           them on a machine with Debian's apt";
            return Err(environment(message.to_owned()));
        }
        Ok(manifest)
    }

    pub(crate) fn chosen_accelerator(&self, lane: Lane) -> Result<Accelerator, BoardError> {
        let named = || from_variable(ACCELERATOR_VARIABLE, "tcg or kvm", Accelerator::from_name);
        self.accelerator.map_or_else(|| Ok(named()?.unwrap_or_else(|| Accelerator::detect(lane.architecture))), Ok)
    }

    pub(crate) fn chosen_cores(&self) -> Result<Cores, BoardError> {
        let named = || {
            from_variable(CORES_VARIABLE, "one or any", |name| match name {
                "one" => Some(Cores::One),
                "any" => Some(Cores::Any),
                _ => None,
            })
        };
        self.cores.map_or_else(|| Ok(named()?.unwrap_or_default()), Ok)
    }
}

pub(crate) fn environment(message: String) -> BoardError {
    BoardError::Environment(message)
}

fn from_variable<T>(
    variable: &str,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, BoardError> {
    let Some(value) = std::env::var_os(variable) else { return Ok(None) };
    let value = value.to_string_lossy();
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(environment(format!("{variable} expects {expected}, found {value:?}"))),
    }
}

/// The manifest that `SOFTBOARD_MANIFEST` names, else that of the workspace's default lane.
fn load_manifest() -> Result<Manifest, BoardError> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let named = std::env::var_os(MANIFEST_VARIABLE).map(PathBuf::from);
    let path = named.unwrap_or_else(|| Manifest::path(workspace, Lane::default()));
    Manifest::load(&path).map_err(|error| environment(with_sources(&error)))
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
