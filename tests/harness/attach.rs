//! How devices come onto a board's bus.

use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::monitor::{Event, Monitor};
use crate::placement::Placement;

/// A device that QEMU's `vfio-user-pci` connects to.
///
/// The calls come in this order: `attach`, then those that look at the device at any time from any thread (never two calls
/// at once), then `stop`, once, when QEMU has ended, also when the board failed to boot. After an `attach` that failed
/// there are no more calls.
pub trait AttachedDevice: Send {
    /// What failures call it.
    fn name(&self) -> String;

    /// How many functions of its slot the device is, 1 to 8: function 0 and those after it.
    fn functions(&self) -> u8 {
        1
    }

    /// Starts to listen on the attachment's sockets. When this returns, QEMU must be able to connect.
    ///
    /// Threads are started with the attachment's [`Placement::spawn`], so that they share the board's core.
    fn attach(&mut self, attachment: Attachment<'_>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Properties added to QEMU's `vfio-user-pci` of each function, such as `x-no-posted-writes`.
    fn qemu_properties(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The last lines of the device's timeline, for failures.
    fn timeline_tail(&self, lines: usize) -> Vec<String>;

    /// The registers that are not as after reset, a line each, for failures.
    fn changed_registers(&self) -> Vec<String> {
        Vec::new()
    }

    /// The faults that the device was to have and has not had, in words: a board that ends in order fails with them.
    fn unfired_faults(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends the device's threads and returns when they have ended.
    fn stop(&mut self);
}

/// What a board gives to a device.
#[derive(Debug)]
pub struct Attachment<'board> {
    /// Where to listen for each function. The folder exists, is private, and is removed with the board.
    pub socket_paths: Vec<PathBuf>,
    /// Where the device's threads run.
    pub placement: &'board Placement,
    /// To be told when the device ends.
    pub end: DeviceEnd,
}

/// Tells a board that a device ended, so that whoever waits for the guest fails at once instead of timing out.
#[derive(Debug, Clone)]
pub struct DeviceEnd {
    pub(crate) device: String,
    pub(crate) monitor: Arc<Monitor>,
}

impl DeviceEnd {
    /// The device failed, or was made to.
    pub fn failed(&self, reason: impl Display) {
        self.post(reason.to_string(), false);
    }

    /// QEMU closed the connection. Normal when QEMU ends; a failure when it lives on.
    pub fn disconnected(&self) {
        self.post("QEMU closed the connection".to_owned(), true);
    }

    fn post(&self, reason: String, was_disconnected: bool) {
        self.monitor.post(Event::DeviceEnded { device: self.device.clone(), reason, was_disconnected });
    }
}
