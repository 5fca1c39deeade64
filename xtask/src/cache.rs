//! The cache folder: what set-up downloads and builds, shared by all workspaces of a user.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Context, Failure, Kind};
use crate::files;
use crate::progress::Progress;

const STAMP: &str = ".softboard-stamp";

/// The folder that everything lands in.
#[derive(Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// Written last into a finished folder.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Stamp {
    /// Fingerprint of what the folder was made from.
    pub(crate) inputs: String,
    /// What the user calls it, such as a package version.
    pub(crate) version: String,
}

impl Cache {
    /// The folder by `SOFTBOARD_CACHE`, else the XDG cache, else `~/.cache`. Creates nothing.
    pub(crate) fn find() -> Result<Self, Failure> {
        let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = folder("SOFTBOARD_CACHE")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("softboard")))
            .or_else(|| folder("HOME").map(|home| home.join(".cache/softboard")))
            .ok_or_else(|| {
                Failure::environment("no place for the cache: set SOFTBOARD_CACHE (or HOME) to a folder you can write")
            })?;
        if root.is_absolute() {
            Ok(Self { root })
        } else {
            Err(Failure::new(Kind::BadInput, format!("the cache folder {} must be an absolute path", root.display())))
        }
    }

    /// The cache in the given folder.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A path in the cache.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Creates the folder and waits until no other set-up works in it. The lock goes when the file and all its
    /// duplicates are closed.
    pub(crate) fn lock(&self, progress: &Progress) -> Result<File, Failure> {
        let lock_path = self.path("lock");
        files::create_folder(&self.path("log"))
            .and_then(|()| File::create(&lock_path).or_environment(|| format!("cannot create {}", lock_path.display())))
            .map_err(|failure| {
                Failure::environment(format!(
                    "the cache folder {} is not writable: set SOFTBOARD_CACHE to one that is",
                    self.root.display()
                ))
                .caused_by(failure)
            })
            .and_then(|file| lock(file, progress, "set-up"))
    }

    /// The stamp of a finished folder, whatever it was made from.
    pub(crate) fn stamp(&self, name: &str) -> Option<Stamp> {
        let text = fs::read(self.path(name).join(STAMP)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The folder `name` if it was finished from these inputs.
    pub(crate) fn finished(&self, name: &str, inputs: &str) -> Option<PathBuf> {
        let stamp = self.stamp(name)?;
        (stamp.inputs == inputs).then(|| self.path(name))
    }

    /// Marks a folder as finished from these inputs.
    pub(crate) fn set_stamp(&self, name: &str, stamp: &Stamp) -> Result<(), Failure> {
        write_stamp(&self.path(name), stamp)
    }

    /// Marks a folder as unfinished.
    pub(crate) fn clear_stamp(&self, name: &str) -> Result<(), Failure> {
        files::remove(&self.path(name).join(STAMP))
    }

    /// Makes the folder `name` whole or not at all: `fill` works in a temporary folder, which takes its name when it
    /// is done. `fill` returns the version for the stamp.
    pub(crate) fn install(
        &self,
        name: &str,
        inputs: &str,
        fill: impl FnOnce(&Path) -> Result<String, Failure>,
    ) -> Result<PathBuf, Failure> {
        let temporary = self.path(&format!("{name}.partial"));
        files::remove(&temporary)?;
        files::create_folder(&temporary)?;
        let version = fill(&temporary)?;
        write_stamp(&temporary, &Stamp { inputs: inputs.to_owned(), version })?;
        let folder = self.path(name);
        // The stamp goes first: what is left of an interrupted removal must not count as finished.
        files::remove(&folder.join(STAMP))?;
        files::remove(&folder)?;
        files::rename(&temporary, &folder)?;
        Ok(folder)
    }
}

fn write_stamp(folder: &Path, stamp: &Stamp) -> Result<(), Failure> {
    let text = serde_json::to_vec(stamp).or_environment(|| "cannot write a stamp".to_owned())?;
    let temporary = folder.join(format!("{STAMP}.partial"));
    files::write(&temporary, text)?;
    files::rename(&temporary, &folder.join(STAMP))
}

/// Waits for an exclusive lock, and tells the user when there is something to wait for.
pub(crate) fn lock(file: File, progress: &Progress, what: &str) -> Result<File, Failure> {
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress.note(&format!("waiting for another {what} to finish"));
        }
        Err(TryLockError::Error(error)) => {
            return Err(Failure::environment(format!("cannot lock against another {what}")).caused_by(error));
        }
    }
    file.lock().or_environment(|| format!("cannot lock against another {what}"))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(cache: &Cache, inputs: &str, content: &str) -> Result<PathBuf, Failure> {
        cache.install("thing", inputs, |folder| {
            files::write(&folder.join("file"), content)?;
            Ok(format!("version of {inputs}"))
        })
    }

    #[test]
    fn only_a_finished_folder_of_the_same_inputs_counts() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        assert_eq!(cache.finished("thing", "a"), None);
        let path = install(&cache, "a", "first").unwrap();
        assert_eq!(cache.finished("thing", "a"), Some(path));
        assert_eq!(cache.finished("thing", "b"), None);
        assert_eq!(cache.stamp("thing").unwrap().version, "version of a");
    }

    #[test]
    fn an_interrupted_unpack_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let broken = cache.install("thing", "a", |folder| {
            files::write(&folder.join("rubbish"), "half")?;
            Err(Failure::environment("interrupted"))
        });
        assert!(broken.is_err());
        assert_eq!(cache.finished("thing", "a"), None);
        let path = install(&cache, "a", "whole").unwrap();
        assert!(!path.join("rubbish").exists());
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "whole");
        assert!(!cache.path("thing.partial").exists());
    }

    #[test]
    fn a_failed_renewal_leaves_the_old_folder_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let path = install(&cache, "a", "old").unwrap();
        let broken = cache.install("thing", "b", |_| Err(Failure::environment("no network")));
        assert!(broken.is_err());
        assert_eq!(cache.finished("thing", "a"), Some(path.clone()));
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "old");
    }

    #[test]
    fn a_damaged_stamp_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let path = install(&cache, "a", "whole").unwrap();
        fs::write(path.join(STAMP), "{\"inputs\":\"a\"").unwrap();
        assert_eq!(cache.finished("thing", "a"), None);
    }
}
