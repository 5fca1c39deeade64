//! A running board: the guest on it, and its end.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use agent_protocol::{Hello, PROTOCOL_VERSION};
use serde_json::json;

use crate::builder::{BoardBuilder, environment};
use crate::error::BoardError;
use crate::guest::Guest;
use crate::initramfs;
use crate::lane::{KernelVariant, Lane};
use crate::machinery::Machinery;
use crate::monitor::Cause;
use crate::placement::Placement;
use crate::program::GuestProgram;
use crate::qemu::{Accelerator, Machine};
use crate::qemu_monitor::QemuMonitor;
use crate::shared::{Waiting, lock};

/// The socket of QEMU's monitor in a board's folder.
const MONITOR_SOCKET: &str = "monitor";

/// A running board.
///
/// Dropping it ends everything at once: QEMU is killed, the devices are stopped, the folder is removed. To let the guest
/// end in order, see [`Board::shutdown`].
pub struct Board {
    guest: Guest,
    hello: Hello,
    boot_time: Duration,
    boot_limit: Duration,
    accelerator: Accelerator,
    lane: Lane,
    machinery: Machinery,
}

impl Board {
    /// Begins the description of a board.
    pub fn builder() -> BoardBuilder {
        BoardBuilder::default()
    }

    /// Boots a board without devices.
    pub fn boot() -> Result<Self, BoardError> {
        Self::builder().boot()
    }

    pub(crate) fn from_builder(mut builder: BoardBuilder) -> Result<Self, BoardError> {
        let manifest = builder.take_manifest()?;
        let accelerator = builder.chosen_accelerator(manifest.lane)?;
        let placement = Placement::claim(builder.chosen_cores()?);
        let mut machinery = Machinery::new(accelerator, placement)?;
        let devices = machinery.attach(builder.devices)?;
        let more = manifest.sound_programs.filter(|_| builder.sound_programs);
        let initramfs = initramfs::with(manifest.initramfs, more, machinery.folder.path())?;
        let machine = Machine {
            lane: manifest.lane,
            accelerator,
            kernel: manifest.kernel.image,
            initramfs,
            kernel_arguments: builder.kernel_arguments,
            memory_mib: builder.memory_mib,
            monitor_socket: machinery.folder.path().join(MONITOR_SOCKET),
            devices,
            more_arguments: builder.qemu_arguments,
        };
        let start = Instant::now();
        machinery.start(&manifest.qemu, &machine, builder.console_copy)?;
        let shared = &machinery.shared;
        let limit = builder.boot_limit;
        let hello = shared
            .monitor
            .wait(Some(limit), |state| state.hello.clone())
            .map_err(|cause| shared.error(Waiting::Boot(limit), cause))?;
        let boot_time = start.elapsed();
        if hello.protocol_version != PROTOCOL_VERSION {
            let message = format!(
                "it speaks version {} of the protocol, expected {PROTOCOL_VERSION}: run `cargo xtask build`",
                hello.protocol_version
            );
            return Err(BoardError::Protocol { message, report: Box::new(shared.report()) });
        }
        let guest = Guest { shared: shared.clone(), call_limit: builder.call_limit };
        Ok(Self { guest, hello, boot_time, boot_limit: limit, accelerator, lane: manifest.lane, machinery })
    }

    /// The guest.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// What the agent said first.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// From QEMU's start to the agent's hello.
    pub fn boot_time(&self) -> Duration {
        self.boot_time
    }

    /// The guest's architecture and kernel.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// How QEMU executes the guest.
    pub fn accelerator(&self) -> Accelerator {
        self.accelerator
    }

    /// Where the board's threads run.
    pub fn placement(&self) -> &Placement {
        &self.machinery.placement
    }

    /// Accelerator, core and folder, for people.
    pub fn description(&self) -> &str {
        &self.guest.shared.description
    }

    /// The board's private folder: sockets, and the console's output in `console.log`. It goes with the board.
    pub fn folder(&self) -> &Path {
        self.machinery.folder.path()
    }

    /// QEMU's process id; `None` once QEMU has been ended.
    pub fn qemu_process_id(&self) -> Option<u32> {
        self.machinery.qemu_process_id()
    }

    /// The last lines of the guest's console.
    pub fn console_tail(&self, lines: usize) -> Vec<String> {
        lock(&self.guest.shared.console).tail(lines)
    }

    /// The last lines of the devices' timelines.
    pub fn timeline_tail(&self, lines: usize) -> Vec<String> {
        self.guest.shared.timeline_tail(lines)
    }

    /// The guest's console, to write input to. Its output goes to [`BoardBuilder::console_copy`].
    pub fn console_input(&self) -> io::Result<UnixStream> {
        self.machinery.console_input()
    }

    /// QEMU's monitor, whose answers and events may take as long as a call on the guest.
    pub fn qemu_monitor(&self) -> io::Result<QemuMonitor> {
        QemuMonitor::connect(&self.folder().join(MONITOR_SOCKET), self.guest.call_limit)
    }

    /// Has the guest start again by `program`, which reboots it or makes it crash, and waits until it has booted. What
    /// the guest is doing at that moment is lost: calls that are under way will not be answered.
    pub fn restart(&self, program: impl Into<GuestProgram>) -> Result<(), BoardError> {
        let failed = |error| environment(format!("QEMU does not let its guest reboot: {error}"));
        let mut monitor = self.qemu_monitor().map_err(failed)?;
        // Otherwise QEMU ends with a guest that reboots, as one that has crashed does.
        monitor.execute("set-action", &json!({ "reboot": "reset" })).map_err(failed)?;
        let shared = &self.guest.shared;
        shared.monitor.lock().expect_restart();
        // Nobody is left to tell of its end.
        drop(self.guest.start(program)?);
        let limit = self.boot_limit;
        shared
            .monitor
            .wait(Some(limit), |state| state.hello.is_some().then_some(()))
            .map_err(|cause| shared.error(Waiting::Boot(limit), cause))?;
        monitor.execute("set-action", &json!({ "reboot": "shutdown" })).map_err(failed)?;
        Ok(())
    }

    /// From now on a device that ends is no failure: a scenario that kills one goes on.
    pub fn tolerate_device_ends(&self) {
        self.guest.shared.monitor.lock().tolerates_device_ends = true;
    }

    /// Switches the guest off, waits for QEMU's end and cleans up. Fails if a device was to have faults and has not had all
    /// of them: then the scenario has not shown what it is for; and if the kernel is a debug one and has found mistakes.
    pub fn shutdown(self) -> Result<(), BoardError> {
        if self.lane.kernel == KernelVariant::Debug {
            self.guest.kernel_log()?.refuse_reports()?;
        }
        // From here on devices lose their connection, which is as it should be.
        self.tolerate_device_ends();
        match self.guest.power_off() {
            // QEMU may end before it has passed the agent's answer on.
            Ok(()) | Err(BoardError::QemuExited { .. }) => self.wait_for_end(Some(self.guest.call_limit)),
            Err(error) => Err(error),
        }
    }

    /// Waits until the guest switches itself off, however long that takes, and cleans up.
    pub fn wait(self) -> Result<(), BoardError> {
        self.tolerate_device_ends();
        self.wait_for_end(None)
    }

    fn wait_for_end(&self, limit: Option<Duration>) -> Result<(), BoardError> {
        let shared = &self.guest.shared;
        match shared.monitor.wait_for_bad(limit) {
            Cause::QemuExited(end) if end.is_orderly => shared.faults_have_fired(),
            cause => Err(shared.error(Waiting::Call("power off", limit), cause)),
        }
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Board").field("board", &self.description()).finish_non_exhaustive()
    }
}
