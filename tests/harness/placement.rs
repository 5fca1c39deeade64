//! Placing a board on one CPU core.
//!
//! A trapped register access makes three threads take turns: QEMU's virtual CPU, QEMU's device, and the device model.
//! Where waking a thread on another core is slow (virtual machines without halt polling: 6 to 15 times slower), a board
//! whose threads share a core is many times faster. Nothing is lost, because those threads hardly ever run at once.

use std::io;
use std::path::Path;
use std::thread::{Builder, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::folder::name_prefix;
use crate::lock_file::LockFile;

/// How many boards may share a core before placement gives up and leaves threads to the scheduler.
const MAXIMUM_BOARDS_PER_CORE: usize = 64;

/// Where the threads of a board may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cores {
    /// All on one core, the one with the fewest boards.
    #[default]
    One,
    /// Wherever the scheduler puts them.
    Any,
}

/// The core of a board, claimed as long as this lives.
#[derive(Debug)]
pub struct Placement {
    claim: Option<(usize, LockFile)>,
}

impl Placement {
    /// Claims the core with the fewest boards. Where no core can be claimed, threads run anywhere.
    pub(crate) fn claim(cores: Cores) -> Self {
        let claim = match cores {
            Cores::One => claim_core(),
            Cores::Any => None,
        };
        Self { claim }
    }

    /// The number of the core; `None` if threads run anywhere.
    pub fn core(&self) -> Option<usize> {
        self.claim.as_ref().map(|(core, _)| *core)
    }

    /// The lock file of the claim.
    pub(crate) fn lock_path(&self) -> Option<&Path> {
        self.claim.as_ref().map(|(_, lock)| lock.path())
    }

    /// Starts a thread on the core. Threads and processes that it starts stay there too.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let core = self.core();
        Builder::new().name(name.to_owned()).spawn(move || {
            if let Some(core) = core {
                let mut cores = CpuSet::new();
                cores.set(core);
                // If the core was taken from this process meanwhile, the thread runs elsewhere, slower.
                let _ = sched_setaffinity(None, &cores);
            }
            work()
        })
    }
}

/// Every core has slots, each a lock file: taking the lowest free slot of all cores takes the least claimed core.
fn claim_core() -> Option<(usize, LockFile)> {
    let allowed = sched_getaffinity(None).ok()?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    let base = std::env::temp_dir();
    for slot in 0..MAXIMUM_BOARDS_PER_CORE {
        for &core in &cores {
            let path = base.join(format!("{}core-{core}-{slot}.lock", name_prefix()));
            if let Ok(Some(lock)) = LockFile::try_hold(&path) {
                return Some((core, lock));
            }
        }
    }
    None
}
