//! A device that is served over its real vfio-user socket, and the `vfio_user` crate's client for it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;

use device::{ClockMode, Device, FaultPlan, SampleWindow};
use device_model::{BlockKind, DeviceOptions, Functions};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::time::Timespec;
use tempfile::TempDir;
use vfio_user::Client;
use vfio_user_server::{RunningServer, ServerEvent, ServerOptions};

/// The region that has the registers.
pub(crate) const BAR0: u32 = 0;
/// The region that is the configuration space.
pub(crate) const CONFIG: u32 = 7;
/// The index of pin A.
pub(crate) const INTX: u32 = 0;
/// The index of MSI.
pub(crate) const MSI: u32 = 1;
// The flags of `struct vfio_irq_set`, from linux/vfio.h.
pub(crate) const DATA_EVENTFD: u32 = 1 << 2;
pub(crate) const ACTION_TRIGGER: u32 = 1 << 5;

pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) server: RunningServer,
    pub(crate) folder: TempDir,
    /// The memory of function 1.
    pub(crate) window: SampleWindow,
}

impl Bench {
    /// Serves function 0.
    pub(crate) fn start(clock: ClockMode) -> Self {
        Self::start_with(|_| DeviceOptions::new(BlockKind::PwmAudio, clock))
    }

    /// Serves function 0 with the options that are given for its folder.
    pub(crate) fn start_with(options: impl FnOnce(&Path) -> DeviceOptions) -> Self {
        Self::serve(ServerOptions::default(), options, |functions| functions.registers)
    }

    /// Serves function 0 in another way than usual.
    pub(crate) fn start_served(server_options: ServerOptions, clock: ClockMode) -> Self {
        Self::serve(server_options, |_| DeviceOptions::new(BlockKind::PwmAudio, clock), |functions| functions.registers)
    }

    /// Serves function 1, the sample window.
    pub(crate) fn start_window(clock: ClockMode) -> Self {
        Self::serve(
            ServerOptions::default(),
            |_| DeviceOptions::new(BlockKind::PwmAudio, clock),
            |functions| functions.window,
        )
    }

    fn serve(
        server_options: ServerOptions,
        options: impl FnOnce(&Path) -> DeviceOptions,
        function: impl FnOnce(Functions) -> Device,
    ) -> Self {
        let folder = TempDir::new().expect("folder");
        let capture_folder = Some(folder.path().to_owned());
        let options = DeviceOptions { capture_folder, ..options(folder.path()) };
        let functions = device_model::functions(options).expect("device");
        let window = functions.window.window().cloned().expect("a window");
        let device = function(functions);
        let socket = socket(&folder);
        let server =
            server_options.listen(&socket, device, |event| assert_eq!(event, ServerEvent::ClientGone)).expect("server");
        let client = Client::new(&socket).expect("client");
        Self { client, server, folder, window }
    }

    /// Reads 4 bytes.
    pub(crate) fn read(&mut self, region: u32, offset: u64) -> u32 {
        let mut data = [0; 4];
        self.client.region_read(region, offset, &mut data).expect("read");
        u32::from_le_bytes(data)
    }

    /// Writes a register.
    pub(crate) fn write(&mut self, offset: u64, value: u32) {
        self.client.region_write(BAR0, offset, &value.to_le_bytes()).expect("write");
    }

    /// Gives interrupt 0 of `index` a descriptor.
    pub(crate) fn connect(&mut self, index: u32) -> OwnedFd {
        let eventfd = eventfd(0, EventfdFlags::NONBLOCK).expect("eventfd");
        self.client
            .set_irqs(index, DATA_EVENTFD | ACTION_TRIGGER, 0, 1, &[eventfd.as_raw_fd()])
            .expect("connect the interrupt");
        eventfd
    }
}

/// The interrupts since the last look.
pub(crate) fn interrupts(eventfd: &OwnedFd) -> u64 {
    let mut count = [0; 8];
    rustix::io::read(eventfd, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
}

/// Waits for an interrupt and gives the number since the last look.
pub(crate) fn wait(eventfd: &OwnedFd) -> u64 {
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(eventfd, PollFlags::IN)], Some(&limit)).expect("poll");
    assert_eq!(ready, 1, "no interrupt came");
    interrupts(eventfd)
}

/// A bench whose device has a plan of faults: a test that ends with one that has not fired fails.
pub(crate) struct FaultBench(Bench);

impl FaultBench {
    pub(crate) fn start(clock: ClockMode, faults: FaultPlan) -> Self {
        let faults = Some(faults);
        Self(Bench::start_with(|_| DeviceOptions { faults, ..DeviceOptions::new(BlockKind::PwmAudio, clock) }))
    }
}

impl Deref for FaultBench {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.0
    }
}

impl DerefMut for FaultBench {
    fn deref_mut(&mut self) -> &mut Bench {
        &mut self.0
    }
}

impl Drop for FaultBench {
    fn drop(&mut self) {
        if !thread::panicking() {
            let unfired = self.0.server.with_device(|device| device.unfired_faults());
            assert!(unfired.is_empty(), "faults that have not fired: {unfired:#?}");
        }
    }
}

pub(crate) fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("device.sock")
}
