//! The user-space side of a PWM chip of the kernel, `/dev/pwmchip0`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::system_calls::{self, ChannelWaveform};

/// Where the kernel's first PWM chip is.
pub const CHIP_PATH: &str = "/dev/pwmchip0";

/// What a channel puts out, in ns. With a period of 0 it is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waveform {
    /// From one period's start to the next one's.
    pub period_ns: u64,
    /// How long the output is high in each period.
    pub duty_ns: u64,
    /// From the start of a period until the output rises.
    pub offset_ns: u64,
}

impl Waveform {
    fn of(self, channel: u32) -> ChannelWaveform {
        let Self { period_ns, duty_ns, offset_ns } = self;
        ChannelWaveform { channel, padding: 0, period_ns, duty_ns, offset_ns }
    }
}

impl From<ChannelWaveform> for Waveform {
    fn from(waveform: ChannelWaveform) -> Self {
        let ChannelWaveform { period_ns, duty_ns, offset_ns, .. } = waveform;
        Self { period_ns, duty_ns, offset_ns }
    }
}

impl fmt::Display for Waveform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.period_ns, self.duty_ns, self.offset_ns)
    }
}

/// An opened PWM chip. Closing it (dropping this) gives its channels back and leaves them as they are.
///
/// Once the chip is gone, everything fails with `ENODEV`.
#[derive(Debug)]
pub struct PwmChip {
    file: File,
}

impl PwmChip {
    /// Opens a chip by its path.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file })
    }

    /// Takes a channel, as everything else expects; once more does no harm. Fails with `EBUSY` when somebody else has it,
    /// and with `EINVAL` when there is no such channel.
    pub fn request(&self, channel: u32) -> io::Result<()> {
        system_calls::request_channel(&self.file, channel)
    }

    /// What [`Self::set_rounded`] would make of `waveform`.
    pub fn round(&self, channel: u32, waveform: Waveform) -> io::Result<Waveform> {
        system_calls::round_waveform(&self.file, waveform.of(channel)).map(Into::into)
    }

    /// What the channel has.
    pub fn get(&self, channel: u32) -> io::Result<Waveform> {
        let any = Waveform { period_ns: 0, duty_ns: 0, offset_ns: 0 };
        system_calls::get_waveform(&self.file, any.of(channel)).map(Into::into)
    }

    /// Has the channel put out what comes nearest to `waveform`.
    pub fn set_rounded(&self, channel: u32, waveform: Waveform) -> io::Result<()> {
        system_calls::set_rounded_waveform(&self.file, waveform.of(channel))
    }

    /// Has the channel put out `waveform`. Fails with `EDOM` if it can only come near to it.
    pub fn set_exactly(&self, channel: u32, waveform: Waveform) -> io::Result<()> {
        system_calls::set_exact_waveform(&self.file, waveform.of(channel))
    }
}
