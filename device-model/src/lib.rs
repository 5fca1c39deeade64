//! Softboard's devices, made from their blocks and ready to be served.

mod audio_input;
mod capture;
mod converter_output;
mod coverage;
pub mod serve;
mod signal_input;
mod sinks;
mod waveform;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use device::{ClockMode, Device, FaultPlan, OfferedInterrupts, OutputSink, SampleWindow};

pub use crate::audio_input::{AudioSource, ParseAudioSourceError};
pub use crate::capture::{Capture, stream_file};
pub use crate::converter_output::ConverterOutputOptions;
pub use crate::coverage::{COVERAGE_VARIABLE, DeviceCoverage, write_coverage_at_end};
pub use crate::signal_input::{Levels, SignalInputError, read_named_signal, read_signal};

use crate::converter_output::ConverterOutput;
use crate::sinks::Sinks;
use crate::waveform::Waveform;

/// The signals that the PWM channels put out.
const SIGNALS: u8 = 8;

/// The blocks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BlockKind {
    /// Eight PWM channels, an audio transmitter and an audio receiver.
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
    /// What is to go wrong with it.
    pub faults: Option<FaultPlan>,
    /// The interrupts that it offers.
    pub interrupts: OfferedInterrupts,
    /// The VCD file that takes every edge of the PWM channels.
    pub waveform: Option<PathBuf>,
    /// The WAV file that takes the mean of a PWM channel's output.
    pub converter_output: Option<ConverterOutputOptions>,
    /// What the signal input has: see [`read_signal`]. Empty: 0 for ever.
    pub signal_input: Levels,
    /// What the audio receiver hears.
    pub audio_input: AudioSource,
}

impl DeviceOptions {
    /// A device that works, and whose streams are only counted.
    pub fn new(block: BlockKind, clock: ClockMode) -> Self {
        Self {
            block,
            clock,
            capture_folder: None,
            faults: None,
            interrupts: OfferedInterrupts::default(),
            waveform: None,
            converter_output: None,
            signal_input: Levels::new(),
            audio_input: AudioSource::Silence,
        }
    }
}

/// A device's PCI functions, which belong into one slot.
pub struct Functions {
    /// Function 0: the registers and the interrupt.
    pub registers: Device,
    /// Function 1: the sample window.
    pub window: Device,
}

/// Makes a device in its cold state. A plan of faults that cannot be followed is invalid input. It leaves its coverage
/// where [`COVERAGE_VARIABLE`] says.
pub fn functions(options: DeviceOptions) -> io::Result<Functions> {
    let BlockKind::PwmAudio = options.block;
    let window = SampleWindow::new(pwm_audio::WINDOW_BYTES)?;
    let surroundings = pwm_audio::Surroundings {
        record_signals: options.waveform.is_some() || options.converter_output.is_some(),
        signal_input: options.signal_input,
        window: Some(window.clone()),
        audio_input: options.audio_input.open()?,
    };
    let mut sinks: Vec<Box<dyn OutputSink>> = vec![Box::new(Capture::new(options.capture_folder))];
    if let Some(path) = options.waveform {
        let names: Vec<String> = (0..SIGNALS).map(|number| format!("pwm{number}")).collect();
        let waveform = Waveform::create(&path, "pwm_audio", &names);
        sinks.push(Box::new(waveform.map_err(|error| cannot_write(&path, error.kind(), &error))?));
    }
    if let Some(options) = options.converter_output {
        let path = options.path.clone();
        let output = ConverterOutput::create(options);
        sinks.push(Box::new(output.map_err(|error| cannot_write(&path, io::ErrorKind::Other, &error))?));
    }
    let mut registers = Device::new(
        Box::new(pwm_audio::PwmAudio::new(surroundings)),
        pwm_audio::PCI_IDENTITY,
        options.clock,
        Box::new(Sinks(sinks)),
    )
    .offering(options.interrupts);
    if let Some(plan) = &options.faults {
        registers.inject(plan).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    if let Some(folder) = env::var_os(COVERAGE_VARIABLE).filter(|folder| !folder.is_empty()) {
        write_coverage_at_end(&mut registers, "pwm-audio", folder.into());
    }
    Ok(Functions { registers, window: Device::memory(pwm_audio::WINDOW_PCI_IDENTITY, window) })
}

fn cannot_write(path: &Path, kind: io::ErrorKind, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(kind, format!("cannot write {}: {error}", path.display()))
}
