//! Nothing is left behind: what to clean up when a signal ends the process while boards are running.
//!
//! Four things end a board, each covered: dropping it, also while a panic unwinds (`Board`'s `Drop`); SIGINT, SIGTERM
//! and SIGHUP (here); the death of the process in any other way (QEMU ends with its parent, and the next boot sweeps
//! the folder).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::folder::{BoardFolder, sweep};
use crate::placement::Placement;

/// How long a killed QEMU may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// The running boards of this process.
static BOARDS: Mutex<BTreeMap<u64, Leftovers>> = Mutex::new(BTreeMap::new());

/// What a board would leave behind.
struct Leftovers {
    folder: PathBuf,
    core_lock: Option<PathBuf>,
    qemu: Option<OwnedFd>,
}

/// A board's entry; dropped when the board has been cleaned up.
#[derive(Debug)]
pub(crate) struct Registration {
    id: u64,
}

/// Creates the folder of a board, known to the supervisor from its first moment on; sweeps what killed processes left.
pub(crate) fn create_folder(placement: &Placement) -> io::Result<(BoardFolder, Registration)> {
    watch_signals()?;
    sweep();
    // The lock is held while the folder comes into being, so that a signal finds it either registered or not there.
    let mut boards = boards();
    let folder = BoardFolder::create()?;
    let id = boards.last_key_value().map_or(0, |(last, _)| last + 1);
    boards.insert(
        id,
        Leftovers {
            folder: folder.path().to_owned(),
            core_lock: placement.lock_path().map(Path::to_owned),
            qemu: None,
        },
    );
    Ok((folder, Registration { id }))
}

impl Registration {
    /// Adds the QEMU to kill, by its pidfd, which never names another process.
    pub(crate) fn set_qemu(&self, qemu: OwnedFd) {
        if let Some(leftovers) = boards().get_mut(&self.id) {
            leftovers.qemu = Some(qemu);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        boards().remove(&self.id);
    }
}

fn boards() -> MutexGuard<'static, BTreeMap<u64, Leftovers>> {
    BOARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread that waits for signals, once a process.
fn watch_signals() -> io::Result<()> {
    static WATCHING: OnceLock<Result<(), String>> = OnceLock::new();
    let watch = || -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                clean_up();
                std::process::exit(128 + signal);
            }
        })?;
        Ok(())
    };
    WATCHING.get_or_init(|| watch().map_err(|error| error.to_string())).clone().map_err(io::Error::other)
}

/// Kills every QEMU and removes every folder. The lock stays taken until the process is gone: no board is born or
/// buried meanwhile.
fn clean_up() {
    let boards = boards();
    for leftovers in boards.values() {
        if let Some(qemu) = &leftovers.qemu {
            kill(qemu);
        }
        // An error is for the next sweep.
        let _ = fs::remove_dir_all(&leftovers.folder);
        let _ = leftovers.core_lock.as_ref().map(fs::remove_file);
    }
    std::mem::forget(boards);
}

/// Kills a process and waits until it has ended.
pub(crate) fn kill(process: &OwnedFd) {
    // Fails only if it has ended already.
    let _ = pidfd_send_signal(process, Signal::KILL);
    let limit = Timespec { tv_sec: KILL_LIMIT.as_secs().cast_signed(), tv_nsec: 0 };
    // A pidfd becomes readable when its process ends.
    let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit));
}
