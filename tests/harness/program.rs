//! Programs in the guest: how to start them, and what came of them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;

use agent_protocol::{Program, ProgramEnd, ProgramStatus};

use crate::error::BoardError;

/// A program to run in the guest. The first word is an absolute path, or the name of a file in the guest's `/bin`.
///
/// Anything that is a list of words can be used in its place: `guest.run(["play", "--rate", "48000", "/tmp/a"])`.
#[derive(Debug, Clone, Default)]
pub struct GuestProgram {
    pub(crate) program: Program,
}

impl GuestProgram {
    /// A program with its arguments.
    pub fn new<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Self {
        let mut words = words.into_iter().map(|word| word.as_ref().to_string_lossy().into_owned());
        let program = words.next().unwrap_or_default();
        Self { program: Program { program, arguments: words.collect(), ..Program::default() } }
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.program.environment.push((name.into(), value.into()));
        self
    }

    /// Sets what it reads from its standard input; nothing otherwise.
    #[must_use]
    pub fn standard_input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.program.standard_input = bytes.into();
        self
    }

    /// Program and arguments, for people.
    pub(crate) fn command(&self) -> String {
        let words = std::iter::once(&self.program.program).chain(&self.program.arguments);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl<W: AsRef<OsStr>, const COUNT: usize> From<[W; COUNT]> for GuestProgram {
    fn from(words: [W; COUNT]) -> Self {
        Self::new(words)
    }
}

impl<W: AsRef<OsStr>> From<&[W]> for GuestProgram {
    fn from(words: &[W]) -> Self {
        Self::new(words)
    }
}

impl<W: AsRef<OsStr>> From<Vec<W>> for GuestProgram {
    fn from(words: Vec<W>) -> Self {
        Self::new(words)
    }
}

/// What came of a program that ran in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Program and arguments.
    pub command: String,
    /// How it ended.
    pub status: ProgramStatus,
    /// All of its standard output.
    pub standard_output: Vec<u8>,
    /// All of its standard error.
    pub standard_error: Vec<u8>,
}

impl ProgramOutput {
    pub(crate) fn new(command: String, end: ProgramEnd) -> Self {
        let ProgramEnd { status, standard_output, standard_error } = end;
        Self { command, status, standard_output, standard_error }
    }

    /// Whether it exited with code 0.
    pub fn is_success(&self) -> bool {
        self.status == ProgramStatus::Exited(0)
    }

    /// Itself, if it exited with code 0, else an error with all that it printed.
    pub fn success(self) -> Result<Self, BoardError> {
        if self.is_success() { Ok(self) } else { Err(BoardError::ProgramFailed(Box::new(self))) }
    }

    /// Itself, if it exited with this code, which for a test that expects a failure is the success.
    pub fn exit_code(self, expected: i32) -> Result<Self, BoardError> {
        if self.status == ProgramStatus::Exited(expected) {
            Ok(self)
        } else {
            Err(BoardError::ProgramFailed(Box::new(self)))
        }
    }

    /// Its standard output as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.standard_output)
    }

    /// Its standard error as text.
    pub fn error_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.standard_error)
    }
}

impl fmt::Display for ProgramOutput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "`{}` in the guest: {}", self.command, self.status)?;
        for (name, text) in [("standard output", self.text()), ("standard error", self.error_text())] {
            if !text.is_empty() {
                writeln!(formatter, "  its {name}:")?;
                text.lines().try_for_each(|line| writeln!(formatter, "    {line}"))?;
            }
        }
        Ok(())
    }
}
