//! The processes and threads behind a board, from the first to the last.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use agent_protocol::{FrameError, read_frame};

use crate::attach::{AttachedDevice, Attachment, DeviceEnd};
use crate::builder::environment;
use crate::console::{LineLog, crash_in};
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::manifest::Qemu;
use crate::monitor::{Event, Monitor};
use crate::placement::Placement;
use crate::qemu::{self, Accelerator, Machine, QemuProcess, QemuStreams, VfioUserDevice};
use crate::shared::{Shared, lock};
use crate::supervisor::{self, Registration, kill};

/// How much console output is kept in the board's folder, in bytes.
const CONSOLE_FILE_BYTES: usize = 16 * 1024 * 1024;

/// The processes and threads behind a board. Dropping this ends them.
pub(crate) struct Machinery {
    pub(crate) shared: Arc<Shared>,
    qemu: Option<QemuProcess>,
    console: Option<UnixStream>,
    readers: Vec<JoinHandle<()>>,
    // Fields are dropped in this order: the core is free for the next board when nothing of this one is left.
    pub(crate) folder: BoardFolder,
    registration: Registration,
    pub(crate) placement: Placement,
}

impl Machinery {
    /// A board with nothing on it but its folder.
    pub(crate) fn new(accelerator: Accelerator, placement: Placement) -> Result<Self, BoardError> {
        let (folder, registration) = supervisor::create_folder(&placement)
            .map_err(|error| environment(format!("could not create a folder for a board: {error}")))?;
        let core = placement.core().map_or("any core".to_owned(), |core| format!("core {core}"));
        let shared = Arc::new(Shared {
            monitor: Arc::new(Monitor::default()),
            console: Mutex::default(),
            messages: Mutex::default(),
            devices: Mutex::default(),
            description: format!("{accelerator}, {core}, {}", folder.path().display()),
            agent: Mutex::default(),
        });
        Ok(Self { shared, qemu: None, console: None, readers: Vec::new(), folder, registration, placement })
    }

    /// Attaches devices and returns what QEMU has to know of them.
    pub(crate) fn attach(&mut self, devices: Vec<Box<dyn AttachedDevice>>) -> Result<Vec<VfioUserDevice>, BoardError> {
        let mut attached = Vec::new();
        for (index, mut device) in devices.into_iter().enumerate() {
            let name = device.name();
            let socket_path = |function| self.folder.path().join(format!("device-{index}.{function}"));
            let socket_paths: Vec<_> = (0..device.functions()).map(socket_path).collect();
            let end = DeviceEnd { device: name.clone(), monitor: Arc::clone(&self.shared.monitor) };
            let attachment = Attachment { socket_paths: socket_paths.clone(), placement: &self.placement, end };
            device
                .attach(attachment)
                .map_err(|error| environment(format!("the device {name} could not be started: {error}")))?;
            let properties = device.qemu_properties();
            attached.push(VfioUserDevice { socket_paths, properties });
            lock(&self.shared.devices).push(device);
        }
        Ok(attached)
    }

    /// Starts QEMU and the threads that listen to it.
    pub(crate) fn start(
        &mut self,
        qemu: &Qemu,
        machine: &Machine,
        console_copy: Option<Box<dyn Write + Send>>,
    ) -> Result<(), BoardError> {
        let (process, streams) = qemu::start(qemu, machine, &self.placement, Arc::clone(&self.shared.monitor))
            .map_err(|error| {
                environment(format!(
                    "could not start QEMU ({}): {error}: run `cargo xtask setup`",
                    qemu.program.display()
                ))
            })?;
        // From here on dropping ends QEMU, whatever fails below.
        let handle = self.qemu.insert(process).handle.try_clone();
        self.listen(handle, streams, console_copy)
            .map_err(|error| environment(format!("could not listen to QEMU: {error}")))
    }

    fn listen(
        &mut self,
        handle: io::Result<OwnedFd>,
        streams: QemuStreams,
        copy: Option<Box<dyn Write + Send>>,
    ) -> io::Result<()> {
        self.registration.set_qemu(handle?);
        let QemuStreams { agent, console, messages } = streams;
        *lock(&self.shared.agent) = Some(agent.try_clone()?);
        self.console = Some(console.try_clone()?);
        let file = Some(File::create(self.folder.path().join("console.log"))?);
        let mut log = ConsoleLog { file, file_bytes: 0, copy };
        self.spawn("console", move |shared| read_console(shared, console, &mut log))?;
        self.spawn("qemu-messages", move |shared| read_messages(shared, messages))?;
        self.spawn("agent", move |shared| read_agent(&shared.monitor, agent))
    }

    fn spawn(&mut self, name: &str, read: impl FnOnce(&Shared) + Send + 'static) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        self.readers.push(self.placement.spawn(name, move || read(&shared))?);
        Ok(())
    }

    pub(crate) fn qemu_process_id(&self) -> Option<u32> {
        self.qemu.as_ref().map(|qemu| qemu.id)
    }

    pub(crate) fn console_input(&self) -> io::Result<UnixStream> {
        self.console.as_ref().ok_or(io::ErrorKind::NotConnected)?.try_clone()
    }
}

impl Drop for Machinery {
    fn drop(&mut self) {
        if let Some(qemu) = self.qemu.take() {
            kill(&qemu.handle);
            // A thread of ours that panicked has said so; here only its end counts.
            let _ = qemu.thread.join();
        }
        lock(&self.shared.devices).iter_mut().for_each(|device| device.stop());
        *lock(&self.shared.agent) = None;
        // QEMU has ended, so every stream has.
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// Where console output goes besides memory.
struct ConsoleLog {
    file: Option<File>,
    file_bytes: usize,
    copy: Option<Box<dyn Write + Send>>,
}

impl ConsoleLog {
    /// Output that cannot be written is not worth ending the board for: the rest of it is left out.
    fn write(&mut self, bytes: &[u8]) {
        self.file_bytes = self.file_bytes.saturating_add(bytes.len());
        if self.file_bytes > CONSOLE_FILE_BYTES {
            self.file = None;
        }
        self.file = self.file.take().filter(|mut file| file.write_all(bytes).is_ok());
        self.copy = self
            .copy
            .take()
            .and_then(|mut copy| copy.write_all(bytes).and_then(|()| copy.flush()).is_ok().then_some(copy));
    }
}

fn read_console(shared: &Shared, console: UnixStream, log: &mut ConsoleLog) {
    read_lines(console, &shared.console, |bytes, lines| {
        log.write(bytes);
        for line in lines.iter().filter_map(|line| crash_in(line)) {
            shared.monitor.post(Event::CrashLine(line.to_owned()));
        }
    });
    shared.monitor.post(Event::ConsoleEnded);
}

fn read_messages(shared: &Shared, messages: impl Read) {
    read_lines(messages, &shared.messages, |_, _| {});
}

/// Reads a stream to its end; `on_read` gets what was read and the lines that it ended.
fn read_lines(mut stream: impl Read, log: &Mutex<LineLog>, mut on_read: impl FnMut(&[u8], &[String])) {
    let mut buffer = [0; 4096];
    loop {
        let bytes = match stream.read(&mut buffer) {
            // An error ends a stream like its end does.
            Ok(0) => return,
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut lines = Vec::new();
        lock(log).add(bytes, |line| lines.push(line.to_owned()));
        on_read(bytes, &lines);
    }
}

fn read_agent(monitor: &Monitor, agent: UnixStream) {
    let mut agent = BufReader::new(agent);
    loop {
        match read_frame(&mut agent) {
            Ok(frame) => monitor.post(Event::Agent(frame)),
            // The port is open as long as QEMU lives, and QEMU's end is told by who waits for it.
            Err(FrameError::Closed | FrameError::Truncated { .. } | FrameError::Stream(_)) => return,
            Err(error) => return monitor.post(Event::AgentUnreadable(error.to_string())),
        }
    }
}
