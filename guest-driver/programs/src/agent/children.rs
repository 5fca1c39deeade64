//! The processes that process 1 has to wait for: programs it started, and orphans of theirs.

use std::collections::HashMap;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard};

use agent_protocol::ProgramStatus;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, wait, waitid};

/// Every child of process 1. One thread, [`Children::reap`], waits for all of them; nobody else may wait.
#[derive(Default)]
pub(crate) struct Children {
    table: Mutex<Table>,
    started: Condvar,
}

#[derive(Default)]
struct Table {
    /// Who wants to know how a program ended.
    programs: HashMap<i32, Sender<ProgramStatus>>,
    /// How many programs have been started, to tell whether one was while the reaper looked away.
    started: u64,
}

/// A program that was started.
pub(crate) struct Started {
    /// Its pipes. Its `wait` must not be called.
    pub(crate) child: Child,
    /// Its process id.
    pub(crate) process: Pid,
    /// Delivers how it ended, once.
    pub(crate) ended: Receiver<ProgramStatus>,
}

impl Children {
    /// Starts a program.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<Started> {
        // The table is locked until the program is in it, so the reaper cannot miss it; and a child that could not
        // execute the program is waited for by `spawn` itself, undisturbed.
        let mut table = self.lock();
        let child = command.spawn()?;
        let process = Pid::from_child(&child);
        let (sender, ended) = channel();
        table.programs.insert(process.as_raw_nonzero().get(), sender);
        table.started += 1;
        self.started.notify_one();
        Ok(Started { child, process, ended })
    }

    /// Sends a signal to a program, unless it has ended.
    pub(crate) fn signal(&self, process: Pid, signal: Signal) -> io::Result<()> {
        // While the table is locked the program cannot be reaped, so its id cannot have become another's.
        let table = self.lock();
        if !table.programs.contains_key(&process.as_raw_nonzero().get()) {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()));
        }
        Ok(kill_process(process, signal)?)
    }

    /// Waits for children, for ever.
    pub(crate) fn reap(&self) -> ! {
        let mut seen_started = 0;
        loop {
            self.wait_for_a_start_after(seen_started);
            seen_started = self.lock().started;
            // Only looks: which child it was is found out under the lock, see `start`.
            while waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).is_ok() {
                self.reap_ended();
            }
            // No child is left: there is nothing to wait for until the next start.
        }
    }

    fn wait_for_a_start_after(&self, seen_started: u64) {
        let table = self.lock();
        let waited = self.started.wait_while(table, |table| table.started == seen_started);
        drop(waited.expect("a panic ends the agent, so no lock is poisoned"));
    }

    fn reap_ended(&self) {
        let mut table = self.lock();
        while let Ok(Some((process, status))) = wait(WaitOptions::NOHANG) {
            let status = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => ProgramStatus::Exited(code),
                (_, Some(signal)) => ProgramStatus::Signalled(signal),
                // Stops and continuations are not asked for.
                (None, None) => continue,
            };
            if let Some(receiver) = table.programs.remove(&process.as_raw_nonzero().get()) {
                // Whoever started it may have gone.
                let _ = receiver.send(status);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("a panic ends the agent, so no lock is poisoned")
    }
}
