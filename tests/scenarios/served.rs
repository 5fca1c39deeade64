//! A device that is served apart from any board, so that it outlives them.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use cosim_tests::{BoardError, Guest, Placement, Wav, play};
use device::{ClockMode, OfferedInterrupts, SampleWindow};
use device_model::{BlockKind, DeviceOptions, Functions, stream_file};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::{Value, json};
use tempfile::TempDir;
use vfio_user_server::{DmaMappings, RunningServer, ServerEvent};

use crate::support::{DEVICE_PROGRAM, wav};

/// The device in warp time, its two functions served by this process.
pub(crate) struct Served {
    pub(crate) server: RunningServer,
    pub(crate) window: SampleWindow,
    window_server: RunningServer,
    folder: TempDir,
    events: Receiver<ServerEvent>,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::offering(OfferedInterrupts::default())
    }

    /// The same with other interrupts than all of them.
    pub(crate) fn offering(interrupts: OfferedInterrupts) -> Self {
        let folder = TempDir::new().expect("a folder");
        let capture_folder = Some(folder.path().to_owned());
        let options =
            DeviceOptions { capture_folder, interrupts, ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp) };
        let Functions { registers, window: window_function } = device_model::functions(options).expect("a device");
        let window = window_function.window().cloned().expect("a window");
        let (sender, events) = channel();
        let on_event = move |event| drop(sender.send(event));
        let serve = |function, device| {
            RunningServer::start(&socket(&folder, function), device, on_event.clone()).expect("a server")
        };
        let (server, window_server) = (serve(0, registers), serve(1, window_function));
        Self { server, window, window_server, folder, events }
    }

    /// What QEMU is to be told of the functions in `slot`. Function 0 comes last: it makes a slot that is plugged complete.
    pub(crate) fn properties(&self, slot: &str) -> [Value; 2] {
        slot_properties(&self.folder, slot)
    }

    /// QEMU's arguments for a board with the device from the start on.
    pub(crate) fn qemu_arguments(&self) -> Vec<String> {
        qemu_arguments(&self.folder)
    }

    /// Waits until QEMU has gone from both functions; it leaves no guest memory.
    pub(crate) fn wait_until_qemu_has_gone(&self) {
        let servers = [&self.server, &self.window_server];
        for _ in servers {
            let event = self.events.recv_timeout(Duration::from_secs(10)).expect("QEMU goes");
            assert_eq!(event, ServerEvent::ClientGone);
        }
        for server in servers {
            assert_eq!(server.with_dma_mappings(DmaMappings::count), 0);
        }
    }

    /// Stream `number`, counted from 1, that the device has played.
    pub(crate) fn stream(&self, number: u32) -> Wav {
        Wav::open(&stream_file(self.folder.path(), number)).expect("a capture")
    }

    /// The guest, with its driver loaded, plays on the device.
    pub(crate) fn plays(&self, guest: &Guest) -> Result<(), BoardError> {
        let streams = || self.server.with_device(|device| device.timeline().counters().streams);
        let before = streams();
        plays(guest, self.folder.path(), before + 1)?;
        assert_eq!(streams(), before + 1);
        Ok(())
    }
}

fn socket(folder: &TempDir, function: u8) -> PathBuf {
    folder.path().join(format!("socket-{function}"))
}

fn qemu_arguments(folder: &TempDir) -> Vec<String> {
    slot_properties(folder, "1e").iter().flat_map(|function| ["-device".to_owned(), function.to_string()]).collect()
}

fn slot_properties(folder: &TempDir, slot: &str) -> [Value; 2] {
    [1, 0].map(|function| {
        let mut properties = properties(&socket(folder, function));
        properties["addr"] = format!("{slot}.{function}").into();
        properties["multifunction"] = (function == 0).into();
        properties
    })
}

/// What QEMU is to be told of a function that is served on `socket`.
pub(crate) fn properties(socket: &Path) -> Value {
    json!({ "driver": "vfio-user-pci", "socket": { "type": "unix", "path": socket } })
}

/// The guest plays, and the file of stream `number` in `folder` is what it played.
pub(crate) fn plays(guest: &Guest, folder: &Path, number: u32) -> Result<(), BoardError> {
    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    let played = Wav::open(&stream_file(folder, number)).expect("a capture");
    assert_eq!(played.difference(&file), None);
    Ok(())
}

/// `device-model serve` in warp time, until this is dropped.
pub(crate) struct ServerProcess(Child);

impl ServerProcess {
    /// Returns when it listens.
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(DEVICE_PROGRAM);
        command.args(["serve", "--block", "pwm-audio", "--clock", "warp"]).args(arguments);
        // It tells of every client that goes.
        command.env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut server = Self(command.spawn().expect("it starts"));
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().expect("its output is piped")).read_line(&mut line).expect("it tells");
        assert!(line.starts_with("serving on"), "{line}");
        server
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it is ours");
    }
}

/// A device that is served by a process of its own, whose descriptors are its own.
pub(crate) struct ServedApart {
    server: ServerProcess,
    folder: TempDir,
}

impl ServedApart {
    pub(crate) fn offering(interrupts: OfferedInterrupts) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (registers, window) = (socket(&folder, 0), socket(&folder, 1));
        let interrupts = interrupts.to_string();
        let arguments: [&OsStr; 8] = [
            "--socket".as_ref(),
            registers.as_ref(),
            "--window-socket".as_ref(),
            window.as_ref(),
            "--interrupts".as_ref(),
            interrupts.as_ref(),
            "--capture".as_ref(),
            folder.path().as_ref(),
        ];
        Self { server: ServerProcess::start(arguments), folder }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.server.0.id()
    }

    /// Moves it to the core of a board: a register access takes turns, see [`Placement`].
    pub(crate) fn move_to(&self, placement: &Placement) {
        let Some(core) = placement.core() else { return };
        let mut cores = CpuSet::new();
        cores.set(core);
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process_id())).expect("it runs");
        for task in tasks.map_while(Result::ok) {
            let id = task.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
            // If it cannot be had it runs elsewhere, slower.
            let _ = sched_setaffinity(id, &cores);
        }
    }

    /// What QEMU is to be told of the functions in `slot`: see [`Served::properties`].
    pub(crate) fn properties(&self, slot: &str) -> [Value; 2] {
        slot_properties(&self.folder, slot)
    }

    pub(crate) fn qemu_arguments(&self) -> Vec<String> {
        qemu_arguments(&self.folder)
    }

    /// How many streams it has played.
    pub(crate) fn streams(&self) -> u32 {
        let mut count = 0;
        while stream_file(self.folder.path(), count + 1).exists() {
            count += 1;
        }
        count
    }
}
