//! The kernel module, built by kbuild with its output outside the source tree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use cosim_tests::manifest::{Kernel, Manifest};

use crate::failure::{Context, Failure, Kind};
use crate::files::{self, fingerprint, identity};
use crate::process::Job;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Builds `file` from `guest-driver/`, unless it was built from the same sources for the same kernel: a kbuild that
/// has nothing to do still takes seconds.
pub(super) fn ensure(
    workspace: &Workspace,
    manifest: &Manifest,
    name: &str,
    file: &Path,
    progress: &Progress,
    lock: &File,
) -> Result<(), Failure> {
    let kernel = &manifest.kernel;
    let folder = file.parent().unwrap_or(workspace.root());
    let stamp = folder.join(format!("{name}.inputs"));
    let inputs = key(&workspace.root().join("guest-driver"), kernel)?;
    if file.is_file() && fs::read_to_string(&stamp).is_ok_and(|text| text == inputs) {
        return Ok(());
    }
    files::remove(&stamp)?;
    let mut command = kbuild(workspace, manifest, folder)?;
    command.arg("modules");
    let step = progress.step(&format!("build {name}.ko"));
    let log = workspace.lane_output(manifest.lane).join(format!("{name}.log"));
    let job = Job { command, what: format!("building {name}.ko"), log, lock };
    job.run(|line| step.detail(line.trim())).map_err(|failure| Failure::new(Kind::Failed, failure.to_string()))?;
    step.finish();
    files::write(&stamp, inputs)
}

/// Kbuild on the driver, to be given variables and targets; what it makes goes to the folder `output`.
pub(crate) fn kbuild(workspace: &Workspace, manifest: &Manifest, output: &Path) -> Result<Command, Failure> {
    files::create_folder(output)?;
    let kernel = &manifest.kernel;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("make");
    command
        .args(["--no-print-directory", &format!("-j{cores}"), "-C"])
        .arg(&kernel.source)
        .arg(format!("O={}", kernel.build.display()))
        .arg(format!("M={}", workspace.root().join("guest-driver").display()))
        .arg(format!("MO={}", output.display()))
        .args(["LLVM=1", &format!("ARCH={}", manifest.lane.architecture)])
        .envs(&kernel.environment)
        .env("LC_ALL", "C");
    Ok(command)
}

/// The files that the module is made of, in order: not the guest's programs.
pub(crate) fn sources(driver: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = || format!("cannot read the driver's source in {}", driver.display());
    let mut sources = Vec::new();
    let mut folders = vec![driver.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).or_environment(failure)? {
            let path = entry.or_environment(failure)?.path();
            let is_code =
                path.extension().is_some_and(|extension| ["rs", "c", "h"].iter().any(|code| extension == *code));
            if path.is_dir() && !path.join("Cargo.toml").exists() {
                folders.push(path);
            } else if is_code || path.ends_with("Kbuild") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    Ok(sources)
}

/// Fingerprint of the sources and of the kernel, which is built anew when its tools change.
fn key(driver: &Path, kernel: &Kernel) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for path in sources(driver)? {
        let content = fs::read(&path).or_environment(|| format!("cannot read {}", path.display()))?;
        parts.extend([path.into_os_string().into_encoded_bytes(), content]);
    }
    parts.push(identity(&kernel.image).unwrap_or_default().into_bytes());
    Ok(fingerprint(parts.iter().map(Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_key_follows_sources_and_kernel_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let sources = folder.path().join("guest-driver");
        fs::create_dir_all(sources.join("programs/src")).unwrap();
        fs::write(sources.join("programs/Cargo.toml"), "").unwrap();
        fs::write(sources.join("driver.rs"), "one").unwrap();
        let image = folder.path().join("vmlinux");
        fs::write(&image, "kernel").unwrap();
        let kernel = Kernel {
            image: image.clone(),
            source: PathBuf::new(),
            build: PathBuf::new(),
            release: String::new(),
            environment: BTreeMap::new(),
        };
        let first = key(&sources, &kernel).unwrap();
        fs::write(sources.join("programs/src/main.rs"), "program").unwrap();
        assert_eq!(key(&sources, &kernel).unwrap(), first, "programs are not the module's");
        fs::write(sources.join("driver.rs"), "two").unwrap();
        let second = key(&sources, &kernel).unwrap();
        assert_ne!(second, first);
        fs::create_dir(sources.join("part")).unwrap();
        fs::write(sources.join("part/a.h"), "").unwrap();
        let third = key(&sources, &kernel).unwrap();
        assert_ne!(third, second);
        fs::write(&image, "another kernel").unwrap();
        assert_ne!(key(&sources, &kernel).unwrap(), third);
    }
}
