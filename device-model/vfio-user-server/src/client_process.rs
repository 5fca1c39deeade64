//! The process of the client, as far as device time needs to know it.

use std::fs;
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
        let Ok(tasks) = fs::read_dir(&self.tasks) else { return false };
        tasks.flatten().any(|task| fs::read(task.path().join("stat")).is_ok_and(|stat| is_busy(&stat)))
    }
}

/// Reads the state from a line of `/proc/PID/stat`: the field after the name, which is in parentheses and may hold some.
fn is_busy(stat: &[u8]) -> bool {
    let name_end = stat.iter().rposition(|&byte| byte == b')');
    name_end.is_some_and(|end| stat[end..].starts_with(b") R") || stat[end..].starts_with(b") D"))
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
    fn the_name_may_look_like_a_state() {
        assert!(is_busy(b"7 (CPU 0/TCG) R 1 2"));
        assert!(is_busy(b"7 (CPU 0/TCG) D 1 2"));
        assert!(!is_busy(b"7 (a) R b) S 1 2"));
        assert!(!is_busy(b""));
    }
}
