//! Why a board, or a call on its guest, failed.

use std::fmt;
use std::time::Duration;

use agent_protocol::AgentError;

use crate::program::ProgramOutput;

/// How many lines of the console and of the timeline a failure shows.
pub(crate) const TAIL_LINES: usize = 50;

/// Why a board, or a call on its guest, failed.
///
/// `Debug` prints what `Display` prints, because that is what a test that returns this error shows.
#[derive(thiserror::Error)]
pub enum BoardError {
    /// The machine is not ready for boards; the message says what to do.
    #[error("{0}")]
    Environment(String),
    /// The guest's kernel panicked, or said on the console that it is broken.
    #[error("the guest panicked: {line}\n{report}")]
    GuestPanic {
        /// The lines that say so.
        line: String,
        /// What was seen before.
        report: Box<Report>,
    },
    /// The agent's hello did not come in time.
    #[error("the guest did not boot: no hello from its agent within {} s\n{report}", after.as_secs_f32())]
    BootTimeout {
        /// How long it had.
        after: Duration,
        /// What was seen before.
        report: Box<Report>,
    },
    /// A device on the board's bus ended while it was needed.
    #[error("the device {device} died: {reason}\n{report}")]
    DeviceDied {
        /// Its name.
        device: String,
        /// How it ended.
        reason: String,
        /// What was seen before.
        report: Box<Report>,
    },
    /// QEMU ended while it was needed, or could not be started.
    #[error("QEMU ended unexpectedly: {status}\n{report}")]
    QemuExited {
        /// Its exit status.
        status: String,
        /// What was seen before.
        report: Box<Report>,
    },
    /// The guest did not answer a call in time.
    #[error("`{call}` did not end within {} s\n{report}", after.as_secs_f32())]
    CallTimeout {
        /// The call.
        call: String,
        /// How long it had.
        after: Duration,
        /// What was seen before.
        report: Box<Report>,
    },
    /// The agent sent something that it should not, or could not be talked to.
    #[error("the guest's agent cannot be understood: {message}\n{report}")]
    Protocol {
        /// What was expected and what was found.
        message: String,
        /// What was seen before.
        report: Box<Report>,
    },
    /// The agent could not do what it was asked. The board works on.
    #[error("`{call}` failed in the guest: {error}")]
    Refused {
        /// The call.
        call: String,
        /// What the agent said.
        error: AgentError,
    },
    /// A device was to have faults that it has not had, so that what was to be shown with them was not.
    #[error("the device {device} has had no such fault:\n{}\n{report}", unfired.join("\n"))]
    UnfiredFaults {
        /// The device's name.
        device: String,
        /// The rules of its plan that have not fired.
        unfired: Vec<String>,
        /// What was seen before.
        report: Box<Report>,
    },
    /// A program in the guest ended, but not well. The board works on.
    #[error("{0}")]
    ProgramFailed(Box<ProgramOutput>),
    /// A debug kernel has found mistakes.
    #[error("the debug kernel found a mistake: {first}\n  its log from there on:\n    {}", log.join("\n    "))]
    KernelReport {
        /// The report's first line.
        first: String,
        /// The kernel's log from there on.
        log: Vec<String>,
    },
    /// A file of the guest does not look as expected. The board works on.
    #[error("expected {expected} in the guest's {place}, found {found:?}")]
    Unreadable {
        /// What was looked for.
        expected: &'static str,
        /// Where.
        place: String,
        /// What was there.
        found: String,
    },
}

impl BoardError {
    /// The error number of the guest's kernel, if a system call of the agent's failed.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { error, .. } => error.errno,
            _ => None,
        }
    }

    /// The exit code for a command that failed with this error: 3 for the environment, 4 for a crash of guest, device
    /// or QEMU, 1 for a call that failed on a board that works.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Environment(_) => 3,
            Self::GuestPanic { .. }
            | Self::BootTimeout { .. }
            | Self::DeviceDied { .. }
            | Self::QemuExited { .. }
            | Self::CallTimeout { .. }
            | Self::Protocol { .. } => 4,
            Self::Refused { .. }
            | Self::ProgramFailed(_)
            | Self::Unreadable { .. }
            | Self::UnfiredFaults { .. }
            | Self::KernelReport { .. } => 1,
        }
    }
}

impl fmt::Debug for BoardError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What was seen of a board before it failed.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Accelerator, core and folder of the board.
    pub board: String,
    /// What else went wrong at about the same time.
    pub also: Vec<String>,
    /// The last lines of the guest's console.
    pub console: Vec<String>,
    /// The last lines of the devices' timelines.
    pub timeline: Vec<String>,
    /// The devices' registers that are not as after reset.
    pub registers: Vec<String>,
    /// The last lines that QEMU printed.
    pub qemu: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  board: {}", self.board)?;
        for line in &self.also {
            writeln!(formatter, "  also: {line}")?;
        }
        write_section(formatter, "QEMU's messages", &self.qemu)?;
        write_section(formatter, "the timeline", &self.timeline)?;
        write_section(formatter, "the console", &self.console)?;
        if !self.registers.is_empty() {
            writeln!(formatter, "  registers that are not as after reset:")?;
        }
        self.registers.iter().try_for_each(|line| writeln!(formatter, "    {line}"))
    }
}

fn write_section(formatter: &mut fmt::Formatter<'_>, what: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return writeln!(formatter, "  {what}: nothing");
    }
    writeln!(formatter, "  the last {} lines of {what}:", lines.len())?;
    lines.iter().try_for_each(|line| writeln!(formatter, "    {line}"))
}
