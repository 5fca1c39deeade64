//! A device that is served apart from any board, so that it outlives them.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use cosim_tests::{BoardError, Guest, Wav, play};
use device::ClockMode;
use device_model::{BlockKind, DeviceOptions, stream_file};
use serde_json::{Value, json};
use tempfile::TempDir;
use vfio_user_server::{DmaMappings, RunningServer, ServerEvent};

use crate::support::wav;

/// The device in warp time, served by this process.
pub(crate) struct Served {
    pub(crate) server: RunningServer,
    folder: TempDir,
    events: Receiver<ServerEvent>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let capture_folder = Some(folder.path().to_owned());
        let options = DeviceOptions { block: BlockKind::PwmAudio, clock: ClockMode::Warp, capture_folder };
        let device = device_model::device(options).expect("a device");
        let (sender, events) = channel();
        let on_event = move |event| drop(sender.send(event));
        let server = RunningServer::start(&folder.path().join("socket"), device, on_event).expect("a server");
        Self { server, folder, events }
    }

    /// What QEMU is to be told of the device.
    pub(crate) fn properties(&self) -> Value {
        properties(&self.folder.path().join("socket"))
    }

    /// Waits until QEMU has gone; it leaves no guest memory.
    pub(crate) fn wait_until_qemu_has_gone(&self) {
        let event = self.events.recv_timeout(Duration::from_secs(10)).expect("QEMU goes");
        assert_eq!(event, ServerEvent::ClientGone);
        assert_eq!(self.server.with_dma_mappings(DmaMappings::count), 0);
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

/// What QEMU is to be told of a device that is served on `socket`.
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
