//! The folder of a board: its sockets and its console log, for as long as the board lives.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::getuid;

use crate::lock_file::{LockFile, Locked, lock};

/// The lock that a folder's owner holds, in the folder.
const LOCK_NAME: &str = "lock";
/// The most bytes that the path of a Unix socket may have.
const MAXIMUM_SOCKET_PATH_BYTES: usize = 107;
/// Room for the socket names of devices below the folder.
const SOCKET_NAME_BYTES: usize = 16;

/// A folder that only its user may enter; it is removed when dropped.
#[derive(Debug)]
pub(crate) struct BoardFolder {
    path: PathBuf,
    _lock: File,
}

/// The beginning of the names of everything that boards of this user put into the folder for temporary files.
pub(crate) fn name_prefix() -> String {
    format!("softboard-{}-", getuid().as_raw())
}

impl BoardFolder {
    /// Creates a folder in the system's folder for temporary files.
    pub(crate) fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        let process = std::process::id();
        for attempt in 0_u32.. {
            let path = base.join(format!("{}{process:x}-{attempt:x}", name_prefix()));
            if path.as_os_str().len() + SOCKET_NAME_BYTES > MAXIMUM_SOCKET_PATH_BYTES {
                let message = format!("{} is too long for sockets: set TMPDIR to a shorter path", path.display());
                return Err(io::Error::other(message));
            }
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            if let Some(lock) = Self::hold(&path)? {
                return Ok(Self { path, _lock: lock });
            }
            // Another process swept the folder away before it was locked.
        }
        Err(io::Error::other("every folder name is taken"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Locks a new folder; `None` if it is gone or going.
    fn hold(path: &Path) -> io::Result<Option<File>> {
        let lock_path = path.join(LOCK_NAME);
        let file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock_path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((lock(&file, &lock_path)? == Locked::Held).then_some(file))
    }
}

impl Drop for BoardFolder {
    fn drop(&mut self) {
        // What cannot be removed now, the next sweep removes.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders and lock files of boards whose process was killed.
///
/// What cannot be examined or removed is left for the next sweep: it keeps nobody from booting.
pub(crate) fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    let (prefix, user) = (name_prefix(), getuid().as_raw());
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(&prefix);
        match entry.metadata() {
            Ok(metadata) if is_ours && metadata.uid() == user => {
                let _ = if metadata.is_dir() { sweep_folder(&entry.path()) } else { sweep_lock(&entry.path()) };
            }
            _ => {}
        }
    }
}

fn sweep_folder(path: &Path) -> io::Result<()> {
    let lock_path = path.join(LOCK_NAME);
    match File::open(&lock_path) {
        Ok(file) if lock(&file, &lock_path)? == Locked::Held => fs::remove_dir_all(path),
        Ok(_) => Ok(()),
        // Its owner has not come to create the lock, or died before: only an empty folder goes, and the owner notices.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_dir(path),
        Err(error) => Err(error),
    }
}

fn sweep_lock(path: &Path) -> io::Result<()> {
    // Held and dropped: dropping removes it.
    if path.extension().is_some_and(|extension| extension == "lock") {
        LockFile::try_hold(path)?;
    }
    Ok(())
}
