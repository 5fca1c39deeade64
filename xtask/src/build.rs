//! `cargo xtask build`: the kernel module, the guest's programs, and the initramfs that holds them.

mod initramfs;
pub(crate) mod module;
mod programs;

use std::fs::File;

use cosim_tests::manifest::Manifest;

use crate::cache;
use crate::failure::{Context, Failure};
use crate::files;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Builds what is out of date of all that a board boots, for the kernel of the manifest.
///
/// # Errors
/// When the module or a program does not compile (exit code 1), or the machine does not let it (exit code 3).
pub fn ensure(workspace: &Workspace, manifest: &Manifest, progress: &Progress) -> Result<(), Failure> {
    let output = workspace.output();
    files::create_folder(&output)?;
    let lock_path = output.join("lock");
    let lock = File::create(&lock_path).or_environment(|| format!("cannot create {}", lock_path.display()))?;
    let lock = cache::lock(lock, progress, "build of this workspace")?;

    for (name, file) in &manifest.modules {
        module::ensure(workspace, manifest, name, file, progress, &lock)?;
    }
    let programs = programs::ensure(workspace, &manifest.programs)?;
    initramfs::ensure(manifest, &programs)
}
