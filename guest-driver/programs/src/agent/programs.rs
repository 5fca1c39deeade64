//! Running programs.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use agent_protocol::{AgentError, MAXIMUM_CONTENT_BYTES, Program, ProgramEnd};

use crate::children::{Children, Started};

/// Starts a program with pipes for its standard streams.
pub(crate) fn start(program: &Program, children: &Children) -> Result<Started, AgentError> {
    let path = path_of(&program.program);
    let mut command = Command::new(&path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs([("PATH", "/bin"), ("HOME", "/tmp")])
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .stdin(if program.standard_input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    children.start(&mut command).map_err(|error| AgentError::from_io(&format!("start {path}"), &error))
}

/// Feeds a program, collects what it prints and waits for its end, and for the end of everything that inherited its
/// output.
pub(crate) fn finish(program: Program, started: Started) -> Result<ProgramEnd, AgentError> {
    let Started { mut child, ended, .. } = started;
    if let Some(mut pipe) = child.stdin.take() {
        // A program need not read all of its input: an error here is not one of the run.
        thread::spawn(move || pipe.write_all(&program.standard_input));
    }
    let errors = child.stderr.take().map(|stream| thread::spawn(move || collect(stream)));
    let standard_output = child.stdout.take().map(collect).unwrap_or_default();
    let standard_error = errors.map(|thread| thread.join().expect("a panic ends the agent")).unwrap_or_default();
    let status = ended.recv().map_err(|_| AgentError::new(format!("{} was never reaped", program.program)))?;
    for (content, stream) in [(&standard_output, "standard output"), (&standard_error, "standard error")] {
        if content.len() > MAXIMUM_CONTENT_BYTES {
            let name = &program.program;
            let message = format!(
                "{name} ({status}) printed more than {MAXIMUM_CONTENT_BYTES} bytes to its {stream}: let it write a file"
            );
            return Err(AgentError::new(message));
        }
    }
    Ok(ProgramEnd { status, standard_output, standard_error })
}

fn path_of(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { Path::new("/bin").join(name).display().to_string() }
}

/// Reads a stream to its end, and keeps at most one byte more than a reply may carry.
fn collect(mut stream: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let limit_bytes = MAXIMUM_CONTENT_BYTES as u64 + 1;
    // An error ends a pipe like its end does: what was read counts.
    let _ = stream.by_ref().take(limit_bytes).read_to_end(&mut kept);
    let _ = io::copy(&mut stream, &mut io::sink());
    kept
}
