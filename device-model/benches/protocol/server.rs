//! Servers in processes of their own.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_setaffinity};
use tempfile::TempDir;

/// A server's process, which ends with this value.
pub(crate) struct Server {
    name: String,
    process: Child,
    /// Holds the socket.
    folder: TempDir,
}

/// Lets this thread, and what it starts from now on, run on one CPU only.
pub(crate) fn run_on(cpu: usize) -> io::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    Ok(sched_setaffinity(None, &cpus)?)
}

impl Server {
    /// Ours, as `device-model serve` has it.
    pub(crate) fn ours(cpu: usize, spin_us: u64) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-model"));
        command.args(["serve", "--block", "pwm-audio", "--spin-us", &spin_us.to_string(), "--socket"]);
        let name = if spin_us == 0 { "ours".to_owned() } else { format!("ours, spin {spin_us} us") };
        Self::start(name, command, cpu)
    }

    /// That of the `vfio_user` crate: this program once more.
    pub(crate) fn of_the_crate(cpu: usize) -> Result<Self> {
        let mut command = Command::new(env::current_exe().context("cannot tell which program this is")?);
        command.arg("--serve");
        Self::start("vfio_user crate".to_owned(), command, cpu)
    }

    /// A program of the user's.
    pub(crate) fn other(cpu: usize, program: &Path) -> Result<Self> {
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        Self::start(name, Command::new(program), cpu)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// Starts the program with a socket's path as its last argument and waits until it listens there.
    fn start(name: String, mut command: Command, cpu: usize) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a folder for a socket")?;
        command.arg(socket(&folder)).env("RUST_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped());
        // A process runs where the thread does that starts it.
        let started = thread::spawn(move || run_on(cpu).and_then(|()| command.spawn())).join();
        let process =
            started.expect("starting a process does not panic").with_context(|| format!("cannot start {name}"))?;
        let mut server = Self { name, process, folder };
        let mut line = String::new();
        if let Some(stdout) = server.process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        ensure!(!line.is_empty(), "{} ended before it listened; what it says is above", server.name);
        Ok(server)
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("device.sock")
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
