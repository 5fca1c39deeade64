//! What set-up leaves behind for everybody who boots a board: where QEMU, the kernel and the initramfs are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::lane::Lane;

/// Where the parts of a board are on this machine; written by `cargo xtask setup`, read by the harness.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
    /// The guest that these parts make.
    pub lane: Lane,
    /// The emulator.
    pub qemu: Qemu,
    /// The guest kernel, and what a module for it is built with.
    pub kernel: Kernel,
    /// How the guest's programs are built.
    pub programs: Programs,
    /// A static busybox for the interactive shell; `None` where the machine offers none (no test needs it).
    pub busybox: Option<PathBuf>,
    /// The guest's file system, packed by `cargo xtask build`.
    pub initramfs: PathBuf,
    /// ALSA's programs, as an archive on top of the initramfs; `None` where the machine offers none.
    pub sound_programs: Option<PathBuf>,
    /// Module name to module file on the host, built by `cargo xtask build`.
    pub modules: BTreeMap<String, PathBuf>,
}

/// How QEMU is started: `env program args... <the board's own arguments>`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Qemu {
    /// QEMU itself, or the dynamic loader that starts a privately unpacked QEMU.
    pub program: PathBuf,
    /// What comes before the board's own arguments.
    pub args: Vec<String>,
    /// Added to the environment.
    pub env: BTreeMap<String, String>,
    /// Such as "11.1.3".
    pub version: String,
}

/// The guest kernel and its out-of-tree build environment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Kernel {
    /// What QEMU's `-kernel` takes: the uncompressed `vmlinux`, or `Image` on arm64.
    pub image: PathBuf,
    /// The source tree (kbuild's `-C`).
    pub source: PathBuf,
    /// The build tree (kbuild's `O=`).
    pub build: PathBuf,
    /// Such as "7.3.4".
    pub release: String,
    /// The environment of `make`: `PATH`, `LIBCLANG_PATH`, `RUST_LIB_SRC`.
    pub environment: BTreeMap<String, String>,
}

/// How cargo builds the guest's programs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Programs {
    /// Rust's name of the target.
    pub target: String,
    /// Arguments of `cargo build` besides target and package.
    pub arguments: Vec<String>,
    /// Added to the environment: the compiler's flags, and where a standard library without a build is.
    pub environment: BTreeMap<String, String>,
}

/// Why a manifest could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Set-up has not run in this workspace, or not for this guest.
    #[error("{} does not exist: run `cargo xtask setup` first", path.display())]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a manifest of this version: run `cargo xtask setup` again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser stumbled over.
        source: serde_json::Error,
    },
}

impl Manifest {
    /// Where the manifest of a workspace is: `manifest.json` for the default lane, `manifest-arm64.json` and the like for
    /// the others.
    pub fn path(workspace: &Path, lane: Lane) -> PathBuf {
        let suffix = if lane == Lane::default() { String::new() } else { format!("-{lane}") };
        workspace.join(format!("target/softboard/manifest{suffix}.json"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When set-up has not written it, or something that this version does not understand.
    pub fn load(path: &Path) -> Result<Self, ManifestError> {
        let path = path.to_owned();
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| ManifestError::Malformed { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ManifestError::Missing { path }),
            Err(source) => Err(ManifestError::Io { action: "read", path, source }),
        }
    }

    /// Writes the manifest of a workspace, whole or not at all; a file that says the same already is left alone.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, workspace: &Path) -> Result<(), ManifestError> {
        let path = Self::path(workspace, self.lane);
        if Self::load(&path).is_ok_and(|saved| saved == *self) {
            return Ok(());
        }
        let write = || {
            let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
            let temporary = path.with_extension(format!("json.{}", std::process::id()));
            fs::create_dir_all(path.parent().unwrap_or(workspace))?;
            fs::write(&temporary, text)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| ManifestError::Io { action: "write", path: path.clone(), source })
    }
}
