//! What the harness on the host and the agent in the guest say to each other.
//!
//! The agent (process 1 of the guest) serves the virtio-serial port named [`PORT_NAME`]. Both directions carry frames
//! ([`frame`]): a little-endian `u32` length and that many bytes of postcard. The agent speaks first, with
//! [`FromAgent::Hello`]; then the host sends [`ToAgent`] requests, as many at a time as it likes, and every one is
//! answered by one [`FromAgent::Reply`] with the same id, in whatever order they end.

pub mod frame;
mod kernel_log;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use frame::{FrameError, MAXIMUM_FRAME_BYTES, read_frame, write_frame};
pub use kernel_log::{KernelLogRecord, NotARecord};

/// The name of the virtio-serial port that the agent serves.
pub const PORT_NAME: &str = "softboard.agent";

/// The version of this protocol; postcard does not describe itself, so both sides must have been built from the same.
pub const PROTOCOL_VERSION: u32 = 1;

/// The most bytes of one output stream, or of one file, that a reply carries: both streams of a program fit a frame.
pub const MAXIMUM_CONTENT_BYTES: usize = MAXIMUM_FRAME_BYTES / 2 - 64 * 1024;

/// A frame from the host to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToAgent {
    /// Chosen by the host, unique among the requests that are not answered yet.
    pub id: u64,
    /// What the agent is asked to do.
    pub request: Request,
}

/// A frame from the agent to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromAgent {
    /// The first frame, sent once when the agent is ready for requests.
    Hello(Hello),
    /// The answer to one request.
    Reply {
        /// The id of the request.
        id: u64,
        /// What came of it.
        outcome: Result<Reply, AgentError>,
    },
}

/// What the agent says about itself and its guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the agent. It stays the first field, so that a different version can be told.
    pub protocol_version: u32,
    /// The agent's package version.
    pub agent_version: String,
    /// The release of the running kernel, as `uname -r` prints it.
    pub kernel_release: String,
}

/// What the host can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Run a program to its end; answered by [`Reply::Ended`].
    Run(Program),
    /// Send a signal to a program that a [`Request::Run`] started and that has not ended; answered by [`Reply::Done`].
    Signal {
        /// The id of the request that started it.
        run: u64,
        /// The signal's number.
        signal: i32,
    },
    /// Read a whole file; answered by [`Reply::Content`].
    ReadFile {
        /// Absolute path in the guest.
        path: String,
    },
    /// Create or replace a file; answered by [`Reply::Done`].
    WriteFile {
        /// Absolute path in the guest.
        path: String,
        /// The new content.
        #[serde(with = "serde_bytes")]
        content: Vec<u8>,
    },
    /// List a directory; answered by [`Reply::Directory`].
    ReadDirectory {
        /// Absolute path in the guest.
        path: String,
    },
    /// Load a kernel module and wait for its initialisation; answered by [`Reply::Done`].
    LoadModule {
        /// Absolute path of the `.ko` file in the guest.
        path: String,
        /// Module parameters as `insmod` takes them, separated by blanks.
        parameters: String,
    },
    /// Unload a kernel module; answered by [`Reply::Done`].
    UnloadModule {
        /// Name as `lsmod` prints it.
        name: String,
    },
    /// Everything the kernel has logged since it started; answered by [`Reply::KernelLog`].
    KernelLog,
    /// Switch the guest off; answered by [`Reply::Done`] just before it goes.
    PowerOff,
}

/// A program to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Absolute path, or the name of a file in the guest's `/bin`.
    pub program: String,
    /// The arguments, without the program's own name.
    pub arguments: Vec<String>,
    /// Variables added to the environment that every program of the guest gets.
    pub environment: Vec<(String, String)>,
    /// What the program reads from its standard input.
    #[serde(with = "serde_bytes")]
    pub standard_input: Vec<u8>,
}

/// What came of a request that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done and there is nothing to tell.
    Done,
    /// A program ended; whether well is for the host to judge.
    Ended(ProgramEnd),
    /// The content of a file.
    Content(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The entries of a directory, sorted by name, without `.` and `..`.
    Directory(Vec<DirectoryEntry>),
    /// The kernel's log, oldest first.
    KernelLog(Vec<KernelLogRecord>),
}

/// How a program ended and what it printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramEnd {
    /// Exit code or signal.
    pub status: ProgramStatus,
    /// All of its standard output.
    #[serde(with = "serde_bytes")]
    pub standard_output: Vec<u8>,
    /// All of its standard error.
    #[serde(with = "serde_bytes")]
    pub standard_error: Vec<u8>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgramStatus {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
}

impl fmt::Display for ProgramStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(formatter, "exit code {code}"),
            Self::Signalled(signal) => write!(formatter, "ended by signal {signal}"),
        }
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The file name, without the directory.
    pub name: String,
    /// What it is; links are not followed.
    pub kind: EntryKind,
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device node, a socket or a pipe.
    Special,
}

/// Why the agent could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AgentError {
    /// What was tried and what went wrong, for people.
    pub message: String,
    /// The guest kernel's error number, when a system call failed.
    pub errno: Option<i32>,
}

impl AgentError {
    /// An error that no system call is behind.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), errno: None }
    }

    /// A failed system call, with what it was for ("read /proc/interrupts").
    pub fn from_io(doing: &str, error: &std::io::Error) -> Self {
        Self { message: format!("could not {doing}: {error}"), errno: error.raw_os_error() }
    }
}
