//! QEMU's monitor: commands to QEMU and events from it, as JSON lines (QMP).

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// The monitor of a board's QEMU. QEMU has one such connection at a time: it is free again when this is dropped.
pub struct QemuMonitor {
    stream: BufReader<UnixStream>,
    /// Events that nobody has waited for yet.
    events: VecDeque<Value>,
}

impl QemuMonitor {
    /// Connects; from then on an answer or an event may take as long as `limit`.
    pub(crate) fn connect(socket: &Path, limit: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(limit))?;
        let mut monitor = Self { stream: BufReader::new(stream), events: VecDeque::new() };
        // Its greeting. Commands are taken once its capabilities have been agreed on.
        monitor.receive()?;
        monitor.execute("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// Executes a command and gives what it returns. What QEMU refuses is an error in QEMU's words.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> io::Result<Value> {
        let line = json!({ "execute": command, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{line}")?;
        loop {
            let mut message = self.receive()?;
            if let Some(error) = message.get("error") {
                return Err(io::Error::other(format!("QEMU refuses `{command}`: {error}")));
            }
            match message.get_mut("return") {
                Some(value) => return Ok(value.take()),
                None => self.events.push_back(message),
            }
        }
    }

    /// Waits for an event for which `is_it` holds of its name and data, also one that came while a command was executed.
    pub fn wait_for(&mut self, mut is_it: impl FnMut(&str, &Value) -> bool) -> io::Result<()> {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.receive()?,
            };
            if event["event"].as_str().is_some_and(|name| is_it(name, &event["data"])) {
                return Ok(());
            }
        }
    }

    fn receive(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(serde_json::from_str(&line)?),
        }
    }
}
