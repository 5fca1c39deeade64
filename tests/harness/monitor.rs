//! What has happened on a board, told by the threads that watch its parts, and waiting for it.
//!
//! Every wait of the harness is [`Monitor::wait`]: it ends with what is waited for, with the first bad event, or with
//! a time-out. Nothing is polled.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_protocol::{AgentError, FromAgent, Hello, Reply};

/// How long QEMU may take to follow a guest that crashed, so that the report has all that the guest said.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

/// Something that happened on a board.
#[derive(Debug)]
pub(crate) enum Event {
    /// The agent sent a frame.
    Agent(FromAgent),
    /// The agent sent something else.
    AgentUnreadable(String),
    /// The guest's kernel says on the console that it is broken.
    CrashLine(String),
    /// The console is closed: nothing more will come.
    ConsoleEnded,
    /// QEMU ended.
    QemuExited(QemuEnd),
    /// A device ended.
    DeviceEnded { device: String, reason: String, was_disconnected: bool },
}

/// How QEMU ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QemuEnd {
    /// Its exit status, for people.
    pub(crate) status: String,
    /// Whether it exited with code 0, as it does when the guest switches itself off (or panics).
    pub(crate) is_orderly: bool,
}

/// Why a wait failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    TimedOut,
    GuestPanic(String),
    DeviceDied { device: String, reason: String },
    QemuExited(QemuEnd),
    AgentUnreadable(String),
}

/// What is known of a board.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) hello: Option<Hello>,
    pub(crate) qemu_end: Option<QemuEnd>,
    pub(crate) console_ended: bool,
    /// Device ends that happened on purpose do not count.
    pub(crate) tolerates_device_ends: bool,
    /// The guest is made to start again: that it crashes is no failure until its agent says hello.
    restarting: bool,
    /// By request; `None` until the reply is there.
    replies: HashMap<u64, Option<Result<Reply, AgentError>>>,
    next_request: u64,
    crash_lines: Vec<String>,
    device_ends: Vec<DeviceEnd>,
    /// How many crash lines there were when the first device failed.
    crash_lines_before_device: Option<usize>,
    agent_unreadable: Option<String>,
}

#[derive(Debug)]
struct DeviceEnd {
    device: String,
    reason: String,
    was_disconnected: bool,
}

impl State {
    /// From now until its agent says hello again, the guest may crash and reboot.
    pub(crate) fn expect_restart(&mut self) {
        self.hello = None;
        self.restarting = true;
    }

    /// Registers a request and returns its id.
    pub(crate) fn add_request(&mut self) -> u64 {
        self.next_request += 1;
        self.replies.insert(self.next_request, None);
        self.next_request
    }

    /// The reply to a request, once.
    pub(crate) fn take_reply(&mut self, request: u64) -> Option<Result<Reply, AgentError>> {
        let outcome = self.replies.get_mut(&request)?.take()?;
        self.replies.remove(&request);
        Some(outcome)
    }

    /// Nobody waits for this reply any more.
    pub(crate) fn forget_request(&mut self, request: u64) {
        self.replies.remove(&request);
    }

    /// Everything bad that happened, for people.
    pub(crate) fn everything_bad(&self) -> Vec<String> {
        let crashes = self.crash_lines.iter().map(|line| format!("console: {line}"));
        let devices = self.device_ends.iter().map(|end| format!("device {}: {}", end.device, end.reason));
        let qemu = self.qemu_end.iter().map(|end| format!("QEMU: {}", end.status));
        crashes.chain(devices).chain(qemu).chain(self.agent_unreadable.clone()).collect()
    }

    fn record(&mut self, event: Event) {
        match event {
            Event::Agent(FromAgent::Hello(hello)) if self.hello.is_none() => {
                self.hello = Some(hello);
                self.restarting = false;
            }
            Event::Agent(FromAgent::Hello(_)) => {
                self.agent_unreadable.get_or_insert("it said hello twice".to_owned());
            }
            Event::Agent(FromAgent::Reply { id, outcome }) => match self.replies.get_mut(&id) {
                Some(reply @ None) => *reply = Some(outcome),
                // The answer to a call that timed out.
                None if id <= self.next_request => {}
                _ => {
                    let message = format!("it replied to request {id}, which does not wait for an answer");
                    self.agent_unreadable.get_or_insert(message);
                }
            },
            Event::AgentUnreadable(message) => {
                self.agent_unreadable.get_or_insert(message);
            }
            Event::CrashLine(_) if self.restarting => {}
            Event::CrashLine(line) => self.crash_lines.push(line),
            Event::ConsoleEnded => self.console_ended = true,
            Event::QemuExited(end) => self.qemu_end = Some(end),
            Event::DeviceEnded { device, reason, was_disconnected } => {
                if !was_disconnected {
                    self.crash_lines_before_device.get_or_insert(self.crash_lines.len());
                }
                self.device_ends.push(DeviceEnd { device, reason, was_disconnected });
            }
        }
    }

    /// Why the board is of no use any more. A guest that loses its device may crash, and the other way round: of these
    /// two the first one counts. QEMU's end and a lost connection are only how a crash shows, unless there was none.
    fn cause(&self) -> Option<Cause> {
        let device = |was_disconnected| {
            let ends = if self.tolerates_device_ends { &[] } else { self.device_ends.as_slice() };
            let end = ends.iter().find(|end| end.was_disconnected == was_disconnected)?;
            Some(Cause::DeviceDied { device: end.device.clone(), reason: end.reason.clone() })
        };
        let panic = || (!self.crash_lines.is_empty()).then(|| Cause::GuestPanic(self.crash_lines.join("; ")));
        let crash = match self.crash_lines_before_device {
            Some(0) => device(false).or_else(panic),
            _ => panic().or_else(|| device(false)),
        };
        crash
            .or_else(|| self.qemu_end.clone().map(Cause::QemuExited))
            .or_else(|| self.agent_unreadable.clone().map(Cause::AgentUnreadable))
            .or_else(|| device(true))
    }

    fn has_failed_device(&self) -> bool {
        self.crash_lines_before_device.is_some()
    }
}

/// What has happened on a board, shared by its threads.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    state: Mutex<State>,
    changed: Condvar,
}

impl Monitor {
    /// Tells that something happened.
    pub(crate) fn post(&self, event: Event) {
        self.lock().record(event);
        self.changed.notify_all();
    }

    /// What is known. Nothing may be waited for while holding it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds something, a bad event happens, or `limit` is over.
    pub(crate) fn wait<T>(
        &self,
        limit: Option<Duration>,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Cause> {
        let (found, mut state) = self.wait_until(self.lock(), limit, |state| match look(state) {
            Some(found) => Some(Ok(found)),
            None => state.cause().map(Err),
        });
        match found {
            Some(Ok(found)) => return Ok(found),
            None => return Err(Cause::TimedOut),
            // A dead device says by itself what happened; QEMU may well go on without it.
            Some(Err(cause @ Cause::DeviceDied { .. })) if state.qemu_end.is_none() && state.has_failed_device() => {
                return Err(cause);
            }
            Some(Err(_)) => {}
        }
        // A guest that crashes says more after its first line, and takes QEMU with it.
        (_, state) = self.wait_until(state, Some(SETTLE_LIMIT), |state| {
            (state.qemu_end.is_some() && state.console_ended).then_some(())
        });
        Err(state.cause().unwrap_or(Cause::TimedOut))
    }

    /// Waits until the board is of no use any more, and returns why, or that it still is when `limit` is over.
    pub(crate) fn wait_for_bad(&self, limit: Option<Duration>) -> Cause {
        self.wait(limit, |_| None::<Infallible>).err().unwrap_or(Cause::TimedOut)
    }

    fn wait_until<'monitor, T>(
        &'monitor self,
        mut state: MutexGuard<'monitor, State>,
        limit: Option<Duration>,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> (Option<T>, MutexGuard<'monitor, State>) {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if let Some(found) = look(&mut state) {
                return (Some(found), state);
            }
            let Some(deadline) = deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return (None, state);
            }
            (state, _) = self.changed.wait_timeout(state, remaining).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_millis(20));

    fn disconnected() -> Event {
        Event::DeviceEnded { device: "d".into(), reason: "disconnected".into(), was_disconnected: true }
    }

    #[test]
    fn a_reply_that_is_there_wins_over_a_later_crash() {
        let monitor = Monitor::default();
        let id = monitor.lock().add_request();
        monitor.post(Event::Agent(FromAgent::Reply { id, outcome: Ok(Reply::Done) }));
        monitor.post(Event::CrashLine("Kernel panic".into()));
        monitor.post(Event::ConsoleEnded);
        monitor.post(Event::QemuExited(QemuEnd { status: "exit status: 0".into(), is_orderly: true }));
        assert_eq!(monitor.wait(SOON, |state| state.take_reply(id)), Ok(Ok(Reply::Done)));
        assert_eq!(monitor.wait(SOON, |state| state.take_reply(id)), Err(Cause::GuestPanic("Kernel panic".into())));
    }

    #[test]
    fn a_crash_explains_what_it_drags_along() {
        let monitor = Monitor::default();
        let end = QemuEnd { status: "exit status: 0".into(), is_orderly: true };
        for event in [disconnected(), Event::QemuExited(end.clone()), Event::ConsoleEnded] {
            monitor.post(event);
        }
        assert_eq!(monitor.wait_for_bad(SOON), Cause::QemuExited(end));
        monitor.post(Event::CrashLine("Oops".into()));
        assert_eq!(monitor.wait_for_bad(SOON), Cause::GuestPanic("Oops".into()));
        assert_eq!(monitor.lock().everything_bad().len(), 3);
    }

    #[test]
    fn of_a_crash_and_a_failed_device_the_first_counts() {
        let crash = || Event::CrashLine("Oops".into());
        let failed = || Event::DeviceEnded { device: "d".into(), reason: "killed".into(), was_disconnected: false };
        let died = Cause::DeviceDied { device: "d".into(), reason: "killed".into() };
        for (events, cause) in [([crash(), failed()], Cause::GuestPanic("Oops".into())), ([failed(), crash()], died)] {
            let monitor = Monitor::default();
            for event in events {
                monitor.post(event);
            }
            assert_eq!(monitor.lock().cause(), Some(cause));
        }
    }

    #[test]
    fn a_device_that_ends_on_purpose_is_no_failure() {
        let monitor = Monitor::default();
        monitor.lock().tolerates_device_ends = true;
        monitor.post(disconnected());
        assert_eq!(monitor.wait_for_bad(SOON), Cause::TimedOut);
    }

    #[test]
    fn a_guest_that_is_to_start_again_may_crash_once_and_says_hello_again() {
        let hello = || {
            let text = String::new();
            Event::Agent(FromAgent::Hello(Hello {
                protocol_version: 1,
                agent_version: text.clone(),
                kernel_release: text,
            }))
        };
        let monitor = Monitor::default();
        monitor.post(hello());
        monitor.lock().expect_restart();
        monitor.post(Event::CrashLine("Kernel panic".into()));
        assert_eq!(monitor.wait(SOON, |state| state.hello.clone()), Err(Cause::TimedOut));
        monitor.post(hello());
        assert!(monitor.wait(SOON, |state| state.hello.clone()).is_ok());
        monitor.post(Event::CrashLine("Oops".into()));
        assert_eq!(monitor.lock().cause(), Some(Cause::GuestPanic("Oops".into())));
    }

    #[test]
    fn late_replies_are_dropped_and_replies_to_nothing_are_not() {
        let monitor = Monitor::default();
        let id = monitor.lock().add_request();
        monitor.lock().forget_request(id);
        monitor.post(Event::Agent(FromAgent::Reply { id, outcome: Ok(Reply::Done) }));
        assert_eq!(monitor.lock().cause(), None);
        monitor.post(Event::Agent(FromAgent::Reply { id: id + 1, outcome: Ok(Reply::Done) }));
        assert!(matches!(monitor.lock().cause(), Some(Cause::AgentUnreadable(_))));
    }
}
