//! What a board and the handles to its guest have in common.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_protocol::{Request, ToAgent, write_frame};

use crate::attach::AttachedDevice;
use crate::console::LineLog;
use crate::error::{BoardError, Report, TAIL_LINES};
use crate::monitor::{Cause, Monitor};

/// What a board and the handles to its guest have in common.
pub(crate) struct Shared {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) console: Mutex<LineLog>,
    pub(crate) messages: Mutex<LineLog>,
    pub(crate) devices: Mutex<Vec<Box<dyn AttachedDevice>>>,
    /// Accelerator, core and folder, for people.
    pub(crate) description: String,
    /// The host's end of the agent's port, once QEMU runs.
    pub(crate) agent: Mutex<Option<UnixStream>>,
}

/// How long the reason for a broken stream may take to show.
const SEND_FAILURE_LIMIT: Duration = Duration::from_secs(2);

/// What failed, for the error that tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waiting<'call> {
    /// Waiting for the agent's hello.
    Boot(Duration),
    /// Waiting for the answer to a call; without a limit for `None`.
    Call(&'call str, Option<Duration>),
}

impl Shared {
    /// The error for a wait that failed.
    pub(crate) fn error(&self, waiting: Waiting<'_>, cause: Cause) -> BoardError {
        let report = Box::new(self.report());
        match (cause, waiting) {
            (Cause::TimedOut, Waiting::Boot(after)) => BoardError::BootTimeout { after, report },
            (Cause::TimedOut, Waiting::Call(call, after)) => {
                BoardError::CallTimeout { call: call.to_owned(), after: after.unwrap_or_default(), report }
            }
            (Cause::GuestPanic(line), _) => BoardError::GuestPanic { line, report },
            (Cause::DeviceDied { device, reason }, _) => BoardError::DeviceDied { device, reason, report },
            (Cause::QemuExited(end), _) => BoardError::QemuExited { status: end.status, report },
            (Cause::AgentUnreadable(message), _) => BoardError::Protocol { message, report },
        }
    }

    /// What is known of the board now.
    pub(crate) fn report(&self) -> Report {
        let also = self.monitor.lock().everything_bad();
        Report {
            board: self.description.clone(),
            also,
            console: lock(&self.console).tail(TAIL_LINES),
            timeline: self.timeline_tail(TAIL_LINES),
            registers: self.of_every_device(|device| device.changed_registers()),
            qemu: lock(&self.messages).tail(TAIL_LINES),
        }
    }

    /// The last lines of every device's timeline.
    pub(crate) fn timeline_tail(&self, lines: usize) -> Vec<String> {
        self.of_every_device(|device| device.timeline_tail(lines))
    }

    /// What is to be said of every device; of several, with their names.
    fn of_every_device(&self, said: impl Fn(&dyn AttachedDevice) -> Vec<String>) -> Vec<String> {
        let devices = lock(&self.devices);
        if let [device] = devices.as_slice() {
            return said(device.as_ref());
        }
        let named = |device: &dyn AttachedDevice| {
            let name = device.name();
            said(device).into_iter().map(move |line| format!("{name}: {line}"))
        };
        devices.iter().flat_map(|device| named(device.as_ref())).collect()
    }

    /// Whether every fault that a device was to have has been.
    pub(crate) fn faults_have_fired(&self) -> Result<(), BoardError> {
        let unfired = |device: &dyn AttachedDevice| {
            let unfired = device.unfired_faults();
            (!unfired.is_empty()).then(|| (device.name(), unfired))
        };
        let found = lock(&self.devices).iter().find_map(|device| unfired(device.as_ref()));
        found.map_or(Ok(()), |(device, unfired)| {
            Err(BoardError::UnfiredFaults { device, unfired, report: Box::new(self.report()) })
        })
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&self, call: &str, limit: Duration, request: Request) -> Result<u64, BoardError> {
        let mut agent = lock(&self.agent);
        // Under the lock of the stream, so that ids go out in order.
        let id = self.monitor.lock().add_request();
        let Some(stream) = agent.as_mut() else {
            return Err(BoardError::Environment(format!("`{call}` needs a board that has not been shut down")));
        };
        // A guest that is stuck reads nothing, and the socket's buffer is finite.
        let sent = stream.set_write_timeout(Some(limit)).map_err(Into::into);
        let Err(error) = sent.and_then(|()| write_frame(stream, &ToAgent { id, request })) else { return Ok(id) };
        // Half a frame may be out: nothing sent after it would be understood.
        let _ = stream.shutdown(Shutdown::Write);
        *agent = None;
        drop(agent);
        // If QEMU ended, say that; a broken stream is only how it shows.
        match self.monitor.wait_for_bad(Some(SEND_FAILURE_LIMIT)) {
            Cause::TimedOut => Err(BoardError::Protocol {
                message: format!("`{call}` could not be sent: {error}"),
                report: Box::new(self.report()),
            }),
            cause => Err(self.error(Waiting::Call(call, Some(limit)), cause)),
        }
    }
}

/// A lock whose holders do not leave its content half-changed, so that a panic of one is no harm to the next.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
