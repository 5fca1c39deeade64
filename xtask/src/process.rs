//! Other programs, run with their output in a log file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure};

/// How many of a failed program's last lines its failure shows.
const LAST_LINES: usize = 30;

/// A program that runs for its effect.
pub(crate) struct Job<'a> {
    /// Program, arguments and environment.
    pub(crate) command: Command,
    /// What it does, for the failure: "the kernel's build".
    pub(crate) what: String,
    /// Receives its whole output; an older log is replaced.
    pub(crate) log: PathBuf,
    /// Becomes the program's stdin: as long as the program or a child of it lives, the lock is held, even when xtask
    /// itself is killed.
    pub(crate) lock: &'a File,
}

impl Job<'_> {
    /// Runs the program to its end and hands over its output line by line.
    pub(crate) fn run(mut self, mut on_line: impl FnMut(&str)) -> Result<(), Failure> {
        let (mut last_lines, status) = self
            .run_logged(&mut on_line)
            .or_environment(|| format!("cannot run {} for {}", self.command.get_program().display(), self.what))?;
        if status.success() {
            return Ok(());
        }
        last_lines.push_front(format!("{} failed ({status}); its last lines:", self.what));
        Err(Failure::environment(format!(
            "{}\nits whole output: {}",
            last_lines.make_contiguous().join("\n  "),
            self.log.display()
        )))
    }

    fn run_logged(
        &mut self,
        on_line: &mut impl FnMut(&str),
    ) -> io::Result<(VecDeque<String>, std::process::ExitStatus)> {
        let mut log = File::create(&self.log)?;
        let (output, writer) = io::pipe()?;
        self.command.stdin(Stdio::from(self.lock.try_clone()?)).stdout(writer.try_clone()?).stderr(writer);
        let mut child = self.command.spawn()?;
        // The command holds the pipe's writing ends; the output ends only when they are all closed.
        self.command.stdout(Stdio::null()).stderr(Stdio::null());

        let mut last_lines = VecDeque::with_capacity(LAST_LINES + 1);
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        while output.read_until(b'\n', &mut bytes)? > 0 {
            log.write_all(&bytes)?;
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            on_line(&line);
            if last_lines.len() == LAST_LINES {
                last_lines.pop_front();
            }
            last_lines.push_back(line);
            bytes.clear();
        }
        Ok((last_lines, child.wait()?))
    }
}

/// Runs a quick program and returns what it prints on stdout.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_owned();
    let answer = command
        .stdin(Stdio::null())
        .output()
        .or_environment(|| format!("cannot run {}", Path::new(&program).display()))?;
    if !answer.status.success() {
        return Err(Failure::environment(format!(
            "{command:?} failed ({}):\n{}",
            answer.status,
            String::from_utf8_lossy(&answer.stderr).trim_end()
        )));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (Result<(), Failure>, Vec<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let lock = File::create(folder.path().join("lock")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let job = Job { command, what: "the test".to_owned(), log: log.clone(), lock: &lock };
        let mut lines = Vec::new();
        let result = job.run(|line| lines.push(line.to_owned()));
        (result, lines, std::fs::read_to_string(log).unwrap())
    }

    #[test]
    fn a_failure_shows_only_the_last_lines_and_the_log_has_all() {
        let (result, lines, log) = run("seq 1 100; echo broken >&2; exit 7");
        let message = result.unwrap_err().to_string();
        assert!(message.contains("exit status: 7"), "{message}");
        assert!(message.contains("\n  72\n"), "{message}");
        assert!(!message.contains("\n  71\n"), "{message}");
        assert!(message.contains("\n  broken\n"), "{message}");
        assert_eq!(lines.len(), 101);
        assert!(log.starts_with("1\n2\n") && log.ends_with("broken\n"), "{log}");
    }

    #[test]
    fn a_last_line_without_its_end_is_not_lost() {
        let (result, lines, _) = run("printf 'one\\ntwo'");
        result.unwrap();
        assert_eq!(lines, ["one", "two"]);
    }
}
