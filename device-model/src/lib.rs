//! Softboard's devices, made from their blocks and ready to be served.

mod capture;
mod coverage;
pub mod serve;

use std::env;
use std::io;
use std::path::PathBuf;

use clap::ValueEnum;
use device::{ClockMode, Device, SampleWindow};

pub use crate::capture::{Capture, stream_file};
pub use crate::coverage::{COVERAGE_VARIABLE, DeviceCoverage, write_coverage_at_end};

/// The blocks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BlockKind {
    /// Four PWM channels and an audio transmitter.
    PwmAudio,
}

/// A device to be made.
#[derive(Clone, Debug)]
pub struct DeviceOptions {
    /// The block it has.
    pub block: BlockKind,
    /// Where its time comes from.
    pub clock: ClockMode,
    /// The folder that takes a WAV file for every stream that is played; none: what is played is only counted.
    pub capture_folder: Option<PathBuf>,
}

/// A device's PCI functions, which belong into one slot.
pub struct Functions {
    /// Function 0: the registers and the interrupt.
    pub registers: Device,
    /// Function 1: the sample window.
    pub window: Device,
}

/// Makes a device in its cold state. It leaves its coverage where [`COVERAGE_VARIABLE`] says.
pub fn functions(options: DeviceOptions) -> io::Result<Functions> {
    let BlockKind::PwmAudio = options.block;
    let mut registers = Device::new(
        Box::new(pwm_audio::PwmAudio::default()),
        pwm_audio::PCI_IDENTITY,
        options.clock,
        Box::new(Capture::new(options.capture_folder)),
    );
    if let Some(folder) = env::var_os(COVERAGE_VARIABLE).filter(|folder| !folder.is_empty()) {
        write_coverage_at_end(&mut registers, "pwm-audio", folder.into());
    }
    let window = SampleWindow::new(pwm_audio::WINDOW_BYTES)?;
    Ok(Functions { registers, window: Device::memory(pwm_audio::WINDOW_PCI_IDENTITY, window) })
}
