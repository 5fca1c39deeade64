//! The PWM/audio device on a board, in a process of its own that may be killed.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::attach::{AttachedDevice, Attachment};
use crate::pwm_audio::two_functions;

/// `device-model serve`, started for a board.
pub struct DeviceProcess {
    program: PathBuf,
    process: Killer,
    timeline: PathBuf,
    watcher: Option<JoinHandle<()>>,
}

/// Kills a device's process.
#[derive(Clone, Debug, Default)]
pub struct Killer(Arc<OnceLock<OwnedFd>>);

impl Killer {
    /// Ends the process at once, as a crash would. A process that has not started, or has ended, is left alone.
    pub fn kill(&self) {
        if let Some(process) = self.0.get() {
            // The one error there is says that the process has ended already.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

impl DeviceProcess {
    /// A device that `program`, a `device-model`, will serve in warp time.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), process: Killer::default(), timeline: PathBuf::new(), watcher: None }
    }

    /// What kills the process, once the board has started it.
    pub fn killer(&self) -> Killer {
        self.process.clone()
    }
}

/// Starts the process and returns when it listens.
fn start(mut command: Command, process: &Killer) -> io::Result<Child> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or_else(|| io::Error::other("a process without an id"))?;
    let _ = process.0.set(pidfd_open(pid, PidfdFlags::empty())?);
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("a process without its output"))?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.is_empty() {
        let status = child.wait()?;
        return Err(io::Error::other(format!("it ended before it listened: {status}")));
    }
    Ok(child)
}

impl AttachedDevice for DeviceProcess {
    fn name(&self) -> String {
        "pwm-audio in its own process".to_owned()
    }

    fn functions(&self) -> u8 {
        2
    }

    fn attach(&mut self, attachment: Attachment<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Attachment { socket_paths, placement, end } = attachment;
        let [socket_path, window_socket_path] = two_functions(socket_paths)?;
        self.timeline = socket_path.with_extension("timeline");
        let mut command = Command::new(&self.program);
        command.args(["serve", "--block", "pwm-audio", "--clock", "warp"]);
        command.arg("--socket").arg(socket_path).arg("--window-socket").arg(window_socket_path);
        command.arg("--timeline").arg(&self.timeline);
        let process = self.process.clone();
        let (sender, started) = channel();
        // The process ends with the thread that starts it: see bin/device-process.rs. So this thread waits for it.
        self.watcher = Some(placement.spawn("device-process", move || match start(command, &process) {
            Err(error) => drop(sender.send(Err(error))),
            Ok(mut child) => {
                drop(sender.send(Ok(())));
                match child.wait() {
                    Ok(status) => end.failed(format!("its process ended: {status}")),
                    Err(error) => end.failed(format!("its process cannot be waited for: {error}")),
                }
            }
        })?);
        Ok(started.recv()??)
    }

    fn timeline_tail(&self, lines: usize) -> Vec<String> {
        let text = fs::read_to_string(&self.timeline).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect()
    }

    fn stop(&mut self) {
        self.process.kill();
        if let Some(watcher) = self.watcher.take() {
            // Its panic, if it had one, has been told on standard error.
            let _ = watcher.join();
        }
    }
}
