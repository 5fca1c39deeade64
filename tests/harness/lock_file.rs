//! Lock files that leave nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// A lock file that this process holds. It is removed when dropped, and the kernel frees it when the process dies.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    _file: File,
}

impl LockFile {
    /// Creates and locks a file; `None` if another holder has it.
    pub(crate) fn try_hold(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).mode(0o600);
            let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
            match lock(&file, path)? {
                Locked::Held => return Ok(Some(Self { path: path.to_owned(), _file: file })),
                Locked::ByAnother => return Ok(None),
                // The holder before us removed it after we had opened it.
                Locked::ButRemoved => {}
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Removed while still locked: whoever opened it before finds, once it gets the lock, that the path is gone.
        // If it cannot be removed, the next sweep does it.
        let _ = fs::remove_file(&self.path);
    }
}

/// What came of locking an open file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is locked, and the path names it.
    Held,
    /// Another holder has it.
    ByAnother,
    /// It is locked, but the path names it no more, so the lock keeps nobody out.
    ButRemoved,
}

/// Locks an open file without waiting.
pub(crate) fn lock(file: &File, path: &Path) -> io::Result<Locked> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Locked::ByAnother),
        Err(error) => return Err(error.into()),
    }
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => Ok(Locked::Held),
        Ok(_) => Ok(Locked::ButRemoved),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Locked::ButRemoved),
        Err(error) => Err(error),
    }
}
