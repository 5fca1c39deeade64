//! A device in warp time over its socket, with guest memory and an interrupt.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, anyhow, ensure};
use device::{ClockMode, SampleWindow};
use device_model::{AudioSource, BlockKind, DeviceOptions, Functions};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::time::Timespec;
use tempfile::TempDir;
use vfio_user::Client;
use vfio_user_server::RunningServer;

const BAR0: u32 = 0;
const CONFIG: u32 = 7;
const MSI: u32 = 1;
/// `VFIO_IRQ_SET_DATA_EVENTFD` and `VFIO_IRQ_SET_ACTION_TRIGGER`.
const CONNECT: u32 = 1 << 2 | 1 << 5;

/// Where guest memory is mapped.
pub(crate) const MEMORY: u64 = 0x8000_0000;
const MEMORY_BYTES: u64 = 0x10_0000;

pub(crate) struct Board {
    client: Client,
    pub(crate) memory: File,
    msi: OwnedFd,
    pub(crate) window: SampleWindow,
    _server: RunningServer,
    _folder: TempDir,
}

fn plain(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the client: {error}")
}

impl Board {
    pub(crate) fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let Functions { registers, window } = device_model::functions(DeviceOptions {
            capture_folder: Some(folder.path().to_owned()),
            audio_input: AudioSource::Ramp,
            ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp)
        })?;
        let window = window.window().cloned().context("a function without its window")?;
        let socket = folder.path().join("device.sock");
        let server = RunningServer::start(&socket, registers, |_| {})?;
        let mut client = Client::new(&socket).map_err(plain)?;
        let memory = File::from(memfd_create("guest", MemfdFlags::CLOEXEC)?);
        ftruncate(&memory, MEMORY_BYTES)?;
        client.dma_map(0, MEMORY, MEMORY_BYTES, memory.as_raw_fd()).map_err(plain)?;
        let msi = eventfd(0, EventfdFlags::NONBLOCK)?;
        client.set_irqs(MSI, CONNECT, 0, 1, &[msi.as_raw_fd()]).map_err(plain)?;
        // Memory enable and bus mastering.
        client.region_write(CONFIG, 0x04, &[0x06, 0]).map_err(plain)?;
        Ok(Self { client, memory, msi, window, _server: server, _folder: folder })
    }

    pub(crate) fn read(&mut self, offset: u64) -> Result<u32> {
        let mut data = [0; 4];
        self.client.region_read(BAR0, offset, &mut data).map_err(plain)?;
        Ok(u32::from_le_bytes(data))
    }

    pub(crate) fn write(&mut self, offset: u64, value: u32) -> Result<()> {
        self.client.region_write(BAR0, offset, &value.to_le_bytes()).map_err(plain)
    }

    /// Reads a stereo frame.
    pub(crate) fn read_frame(&mut self, offset: u64) -> Result<()> {
        self.client.region_read(BAR0, offset, &mut [0; 8]).map_err(plain)
    }

    /// Writes a stereo frame.
    pub(crate) fn write_frame(&mut self, offset: u64, frame: u64) -> Result<()> {
        self.client.region_write(BAR0, offset, &frame.to_le_bytes()).map_err(plain)
    }

    /// Waits for an interrupt: the status bits that are set and enabled.
    pub(crate) fn wait(&mut self) -> Result<u32> {
        loop {
            // One that came while another was handled has made no edge.
            let pending = self.read(0x010)? & self.read(0x014)?;
            if pending != 0 {
                return Ok(pending);
            }
            let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
            ensure!(
                poll(&mut [PollFd::new(&self.msi, PollFlags::IN)], Some(&limit))? == 1,
                "no interrupt came in 20 s"
            );
            rustix::io::read(&self.msi, &mut [0; 8])?;
        }
    }
}
