//! A device that is served over its real vfio-user socket, and the `vfio_user` crate's client for it.

use std::path::PathBuf;

use device::ClockMode;
use device_model::{BlockKind, DeviceOptions};
use tempfile::TempDir;
use vfio_user::Client;
use vfio_user_server::{RunningServer, ServerEvent};

/// The region that has the registers.
pub(crate) const BAR0: u32 = 0;

pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) server: RunningServer,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn start(clock: ClockMode) -> Self {
        let folder = TempDir::new().expect("folder");
        let options =
            DeviceOptions { block: BlockKind::PwmAudio, clock, capture_folder: Some(folder.path().to_owned()) };
        let device = device_model::device(options).expect("device");
        let socket = socket(&folder);
        let server =
            RunningServer::start(&socket, device, |event| assert_eq!(event, ServerEvent::ClientGone)).expect("server");
        let client = Client::new(&socket).expect("client");
        Self { client, server, folder }
    }
}

pub(crate) fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("device.sock")
}
