//! How a command fails: a message for the user and the exit code of the process.

use std::error::Error;
use std::process::ExitCode;

use cosim_tests::BoardError;

/// What went wrong, as the exit code tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A scenario or a check failed: exit code 1.
    Failed,
    /// A wrong command line or an unusable file: exit code 2.
    BadInput,
    /// The machine lacks something, or set-up broke off: exit code 3.
    Environment,
    /// The guest or the device crashed: exit code 4.
    Crashed,
}

/// A command's failure: what was expected, what was found, and what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without a cause behind it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The machine lacks something, or set-up broke off.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Kind::Environment, message)
    }

    /// The same failure, with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Failed => 1,
            Kind::BadInput => 2,
            Kind::Environment => 3,
            Kind::Crashed => 4,
        })
    }

    /// Prints the message and the chain of causes on stderr.
    pub fn print(&self) {
        eprintln!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            eprintln!("  because: {error}");
            cause = error.source();
        }
    }
}

impl From<BoardError> for Failure {
    fn from(error: BoardError) -> Self {
        let kind = match error.exit_code() {
            3 => Kind::Environment,
            4 => Kind::Crashed,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

/// Turns any error into a [`Failure`] with a message that says what was being done.
pub trait Context<T> {
    /// The failure is the machine's: exit code 3.
    fn or_environment(self, message: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Context<T> for Result<T, E> {
    fn or_environment(self, message: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::environment(message()).caused_by(error))
    }
}
