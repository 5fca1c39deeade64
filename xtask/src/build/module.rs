//! The kernel module, built by kbuild with its output outside the source tree.

use std::collections::BTreeMap;
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
    files::create_folder(folder)?;
    files::remove(&stamp)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("make");
    command
        .args(["--no-print-directory", &format!("-j{cores}"), "-C"])
        .arg(&kernel.source)
        .arg(format!("O={}", kernel.build.display()))
        .arg(format!("M={}", workspace.root().join("guest-driver").display()))
        .arg(format!("MO={}", folder.display()))
        .args(["LLVM=1", &format!("ARCH={}", manifest.lane.architecture), "modules"])
        .envs(&kernel.environment)
        .env("LC_ALL", "C");
    let step = progress.step(&format!("build {name}.ko"));
    let log = workspace.lane_output(manifest.lane).join(format!("{name}.log"));
    let job = Job { command, what: format!("building {name}.ko"), log, lock };
    job.run(|line| step.detail(line.trim())).map_err(|failure| Failure::new(Kind::Failed, failure.to_string()))?;
    step.finish();
    files::write(&stamp, inputs)
}

/// Fingerprint of the sources (Kbuild and the Rust files, not the guest's programs) and of the kernel, which is built
/// anew when its tools change.
fn key(sources: &Path, kernel: &Kernel) -> Result<String, Failure> {
    let failure = || format!("cannot read the driver's source in {}", sources.display());
    let mut contents = BTreeMap::new();
    let mut folders = vec![sources.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).or_environment(failure)? {
            let path: PathBuf = entry.or_environment(failure)?.path();
            let is_source = path.extension().is_some_and(|extension| extension == "rs") || path.ends_with("Kbuild");
            if path.is_dir() && !path.join("Cargo.toml").exists() {
                folders.push(path);
            } else if is_source {
                let content = fs::read(&path).or_environment(failure)?;
                contents.insert(path, content);
            }
        }
    }
    let sources = contents.iter().flat_map(|(path, content)| [path.as_os_str().as_encoded_bytes(), content]);
    let image = identity(&kernel.image).unwrap_or_default();
    Ok(fingerprint(sources.chain([image.as_bytes()])))
}

#[cfg(test)]
mod tests {
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
        fs::write(sources.join("part/a.rs"), "").unwrap();
        let third = key(&sources, &kernel).unwrap();
        assert_ne!(third, second);
        fs::write(&image, "another kernel").unwrap();
        assert_ne!(key(&sources, &kernel).unwrap(), third);
    }
}
