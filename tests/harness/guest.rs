//! The guest of a board: typed calls to the agent in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::{AgentError, DirectoryEntry, Reply, Request};

use crate::error::BoardError;
use crate::interrupts::Interrupts;
use crate::kernel_log::KernelLog;
use crate::monitor::Event;
use crate::pci::{self, PciDevice};
use crate::program::{GuestProgram, ProgramOutput};
use crate::shared::{Shared, Waiting};

/// The guest of a board. Clones are handles to the same guest; they may be used from several threads at once.
///
/// Every call fails as soon as the guest panics, QEMU or a device ends, or its time is over.
#[derive(Clone)]
pub struct Guest {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call_limit: Duration,
}

impl Guest {
    /// A handle whose calls may take this long.
    #[must_use]
    pub fn with_call_limit(&self, limit: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), call_limit: limit }
    }

    /// Runs a program to its end. That it ended badly is no error of this call: see [`ProgramOutput::success`].
    pub fn run(&self, program: impl Into<GuestProgram>) -> Result<ProgramOutput, BoardError> {
        self.start(program)?.wait()
    }

    /// Starts a program and does not wait for it.
    pub fn start(&self, program: impl Into<GuestProgram>) -> Result<Running, BoardError> {
        let program = program.into();
        let command = program.command();
        let pending = self.send(command, Request::Run(program.program))?;
        Ok(Running { pending })
    }

    /// Reads a whole file, also one of `/proc` or `/sys`.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, BoardError> {
        let pending = self.send(format!("read {path}"), Request::ReadFile { path: path.to_owned() })?;
        pending.wait(|reply| match reply {
            Reply::Content(content) => Ok(content),
            other => Err(other),
        })
    }

    /// Reads a whole text file. Bytes that are no UTF-8 are replaced.
    pub fn read_text(&self, path: &str) -> Result<String, BoardError> {
        Ok(String::from_utf8_lossy(&self.read_file(path)?).into_owned())
    }

    /// Creates or replaces a file.
    pub fn write_file(&self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), BoardError> {
        let request = Request::WriteFile { path: path.to_owned(), content: content.into() };
        self.send(format!("write {path}"), request)?.done()
    }

    /// Lists a directory, sorted by name.
    pub fn read_directory(&self, path: &str) -> Result<Vec<DirectoryEntry>, BoardError> {
        let pending = self.send(format!("list {path}"), Request::ReadDirectory { path: path.to_owned() })?;
        pending.wait(|reply| match reply {
            Reply::Directory(entries) => Ok(entries),
            other => Err(other),
        })
    }

    /// Loads `/lib/modules/NAME.ko` and waits for its initialisation.
    pub fn load_module(&self, name: &str) -> Result<(), BoardError> {
        self.load_module_with(name, "")
    }

    /// As [`Guest::load_module`], with parameters as `insmod` takes them.
    pub fn load_module_with(&self, name: &str, parameters: &str) -> Result<(), BoardError> {
        let path = format!("/lib/modules/{name}.ko");
        let request = Request::LoadModule { path, parameters: parameters.to_owned() };
        self.send(format!("load module {name}"), request)?.done()
    }

    /// Unloads a module. One that is in use is refused (`EAGAIN`), not waited for.
    pub fn unload_module(&self, name: &str) -> Result<(), BoardError> {
        self.send(format!("unload module {name}"), Request::UnloadModule { name: name.to_owned() })?.done()
    }

    /// Everything the kernel has logged since it started.
    pub fn kernel_log(&self) -> Result<KernelLog, BoardError> {
        self.send("read the kernel log".to_owned(), Request::KernelLog)?.wait(|reply| match reply {
            Reply::KernelLog(records) => Ok(KernelLog { records }),
            other => Err(other),
        })
    }

    /// The functions on the guest's PCI buses, by address.
    pub fn pci_devices(&self) -> Result<Vec<PciDevice>, BoardError> {
        pci::read_devices(self)
    }

    /// How often every interrupt has been taken.
    pub fn interrupts(&self) -> Result<Interrupts, BoardError> {
        Interrupts::parse(&self.read_text("/proc/interrupts")?)
    }

    /// Asks the guest to switch itself off. [`Board::shutdown`](crate::Board::shutdown) also waits for it.
    pub(crate) fn power_off(&self) -> Result<(), BoardError> {
        self.send("power off".to_owned(), Request::PowerOff)?.done()
    }

    fn send(&self, call: String, request: Request) -> Result<Pending, BoardError> {
        let id = self.shared.send(&call, self.call_limit, request)?;
        Ok(Pending { guest: self.clone(), call, id })
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guest").field("board", &self.shared.description).finish_non_exhaustive()
    }
}

/// A program that runs in the guest. Dropping this neither ends the program nor waits for it.
#[derive(Debug)]
pub struct Running {
    pending: Pending,
}

impl Running {
    /// Waits for its end, and for the end of everything that inherited its output.
    pub fn wait(self) -> Result<ProgramOutput, BoardError> {
        let command = self.pending.call.clone();
        let end = self.pending.wait(|reply| match reply {
            Reply::Ended(end) => Ok(end),
            other => Err(other),
        })?;
        Ok(ProgramOutput::new(command, end))
    }

    /// Sends it a signal, such as 2 (interrupt) or 9 (kill). Fails if it has ended.
    pub fn signal(&self, signal: i32) -> Result<(), BoardError> {
        let call = format!("send signal {signal} to {}", self.pending.call);
        self.pending.guest.send(call, Request::Signal { run: self.pending.id, signal })?.done()
    }
}

/// A call whose answer has not been taken.
#[derive(Debug)]
struct Pending {
    guest: Guest,
    call: String,
    id: u64,
}

impl Pending {
    fn done(self) -> Result<(), BoardError> {
        self.wait(|reply| match reply {
            Reply::Done => Ok(()),
            other => Err(other),
        })
    }

    /// Waits for the answer; `take` returns what it is not made for.
    fn wait<T>(self, take: impl FnOnce(Reply) -> Result<T, Reply>) -> Result<T, BoardError> {
        let shared = &self.guest.shared;
        let limit = Some(self.guest.call_limit);
        let outcome: Result<Reply, AgentError> = shared
            .monitor
            .wait(limit, |state| state.take_reply(self.id))
            .map_err(|cause| shared.error(Waiting::Call(&self.call, limit), cause))?;
        let reply = outcome.map_err(|error| BoardError::Refused { call: self.call.clone(), error })?;
        take(reply).map_err(|other| {
            let message = format!("`{}` was answered by {}", self.call, variant_name(&other));
            shared.monitor.post(Event::AgentUnreadable(message.clone()));
            BoardError::Protocol { message, report: Box::new(shared.report()) }
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.guest.shared.monitor.lock().forget_request(self.id);
    }
}

/// A reply may be large: only its kind is shown.
fn variant_name(reply: &Reply) -> &'static str {
    match reply {
        Reply::Done => "Done",
        Reply::Ended(_) => "Ended",
        Reply::Content(_) => "Content",
        Reply::Directory(_) => "Directory",
        Reply::KernelLog(_) => "KernelLog",
    }
}
