//! A device that is served over its real vfio-user socket, and the `vfio_user` crate's client for it.

use std::path::PathBuf;

use device::{ClockMode, Device};
use device_model::{BlockKind, DeviceOptions, Functions};
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
    /// Serves function 0.
    pub(crate) fn start(clock: ClockMode) -> Self {
        Self::serve(clock, |functions| functions.registers)
    }

    /// Serves one function of the device.
    pub(crate) fn serve(clock: ClockMode, function: impl FnOnce(Functions) -> Device) -> Self {
        let folder = TempDir::new().expect("folder");
        let options =
            DeviceOptions { block: BlockKind::PwmAudio, clock, capture_folder: Some(folder.path().to_owned()) };
        let device = function(device_model::functions(options).expect("device"));
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
