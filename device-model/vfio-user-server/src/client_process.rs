//! The process of the client, as far as device time needs to know it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::path::PathBuf;

/// A process that may be asked whether it computes.
#[derive(Debug)]
pub(crate) struct ClientProcess {
    tasks: PathBuf,
}

impl ClientProcess {
    pub(crate) fn new(id: u32) -> Self {
        Self { tasks: PathBuf::from(format!("/proc/{id}/task")) }
    }

    /// Whether one of its threads runs, or would if it had a CPU or the page that it waits for. A virtual machine whose
    /// guest is idle has none: its virtual CPUs sleep. A process that has gone computes no more.
    pub(crate) fn computes(&self) -> bool {
        // The threads are asked one after the other, and may wake each other meanwhile: all have slept at once only if
        // none has run between two looks.
        let asleep = self.sleeping_threads();
        asleep.is_none() || asleep != self.sleeping_threads()
    }

    /// The threads, and how often each has been switched to another; none if one of them computes.
    fn sleeping_threads(&self) -> Option<BTreeMap<OsString, [u64; 2]>> {
        let tasks = fs::read_dir(&self.tasks).into_iter().flatten().flatten();
        let look = |task: DirEntry| match fs::read_to_string(task.path().join("status")) {
            Ok(status) => switches_of_a_sleeper(&status).map(|switches| Some((task.file_name(), switches))),
            // It has ended.
            Err(_) => Some(None),
        };
        tasks.map(look).collect::<Option<Vec<_>>>().map(|threads| threads.into_iter().flatten().collect())
    }
}

/// Reads from `/proc/PID/task/TID/status` how often the thread has been switched to another, by itself and by the system;
/// none if it runs, waits for a CPU or for the disk.
fn switches_of_a_sleeper(status: &str) -> Option<[u64; 2]> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let state = field("State")?;
    let count = |name| field(name)?.parse().ok();
    let switches = [count("voluntary_ctxt_switches")?, count("nonvoluntary_ctxt_switches")?];
    (!state.starts_with(['R', 'D'])).then_some(switches)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Ends its process also when the test fails: one that spins must not outlive it.
    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_that_waits_does_not_compute_and_one_that_spins_does() {
        let waiting = Killed(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat"));
        let spinning = Killed(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("sh"));
        let (idle, busy) = (ClientProcess::new(waiting.0.id()), ClientProcess::new(spinning.0.id()));
        // Both need a moment until they do what they are for; if one never gets there, the test's time limit says so.
        while idle.computes() {}
        while !busy.computes() {}
        drop(spinning);
        assert!(!busy.computes());
    }

    #[test]
    fn a_status_is_read() {
        let status = |state: &str| {
            format!("Name:\tState:\tR\nState:\t{state}\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n")
        };
        assert_eq!(switches_of_a_sleeper(&status("S (sleeping)")), Some([12, 3]));
        assert_eq!(switches_of_a_sleeper(&status("R (running)")), None);
        assert_eq!(switches_of_a_sleeper(&status("D (disk sleep)")), None);
        assert_eq!(switches_of_a_sleeper(""), None);
    }
}
