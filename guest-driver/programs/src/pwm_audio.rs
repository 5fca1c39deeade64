//! The user-space side of `/dev/pwm-audio0`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::fs::OFlags;

use crate::registers::{BLOCK_BYTES, RegisterBar};
use crate::shared_memory::{MEMORY_BYTES, SharedMemory};
use crate::system_calls::{self, BufferFrames, DeviceMemory, Format, Sharing};

/// Where the driver maps the DMA buffer.
const BUFFER_OFFSET: u64 = 0x1_0000;

/// Where the driver's first device is.
pub const DEVICE_PATH: &str = "/dev/pwm-audio0";

/// What the bytes of one sample are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// One unsigned byte, as WAV files have it.
    Unsigned8,
    /// Two bytes, two's complement, little-endian.
    Signed16,
    /// Three packed bytes, two's complement, little-endian.
    Signed24,
    /// Four bytes, two's complement, little-endian.
    Signed32,
}

impl SampleFormat {
    /// The format with this many bits a sample, if the device has one.
    pub fn from_bits(bits: u32) -> Option<Self> {
        [Self::Unsigned8, Self::Signed16, Self::Signed24, Self::Signed32]
            .into_iter()
            .find(|format| format.bits() == bits)
    }

    /// Bits a sample: 8, 16, 24 or 32.
    pub fn bits(self) -> u32 {
        match self {
            Self::Unsigned8 => 8,
            Self::Signed16 => 16,
            Self::Signed24 => 24,
            Self::Signed32 => 32,
        }
    }
}

/// How many samples make a frame: 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels(u32);

impl Channels {
    /// One sample a frame.
    pub const MONO: Self = Self(1);
    /// Two samples a frame, left first.
    pub const STEREO: Self = Self(2);

    /// The layout with this many channels, if the device has it.
    pub fn from_count(count: u32) -> Option<Self> {
        (1..=8).contains(&count).then_some(Self(count))
    }

    /// 1 to 8.
    pub fn count(self) -> u32 {
        self.0
    }
}

/// What a device is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To play.
    Play,
    /// To record.
    Record,
    /// To do both.
    Both,
}

impl Direction {
    fn plays(self) -> bool {
        self != Self::Record
    }

    fn records(self) -> bool {
        self != Self::Play
    }

    /// What it waits for. `poll()` and epoll have the same bits.
    fn events(self) -> epoll::EventFlags {
        let mut events = epoll::EventFlags::empty();
        events.set(epoll::EventFlags::IN, self.records());
        events.set(epoll::EventFlags::OUT, self.plays());
        events
    }
}

/// What an opened device does in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Stopped,
    /// It plays, or records.
    Running,
    /// It plays the last frames before a drain ends, or plays from the buffer or records to it.
    Finishing,
}

impl State {
    fn of(word: u32) -> Self {
        match word {
            0 => Self::Stopped,
            1 => Self::Running,
            _ => Self::Finishing,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Finishing => "finishing",
        })
    }
}

/// What has become of what an opened device plays, or records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStatus {
    /// What it does.
    pub state: State,
    /// Frames played, or received, since it last began, modulo 2^32.
    pub frames: u32,
    /// Frames that were written and not played yet, or received and not read yet.
    pub held_frames: u32,
    /// Since it last began: underruns, or frames lost to overruns.
    pub lost: u32,
}

impl fmt::Display for StreamStatus {
    /// In one line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, frames, held_frames, lost } = self;
        write!(formatter, "{state} {frames} held {held_frames} lost {lost}")
    }
}

/// What a device is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// Reading would not wait.
    pub input: bool,
    /// Writing would not wait.
    pub output: bool,
    /// The device is gone: nothing will be ready any more.
    pub gone: bool,
}

impl Readiness {
    fn of(events: u32) -> Self {
        let events = epoll::EventFlags::from_bits_retain(events);
        let gone = epoll::EventFlags::ERR | epoll::EventFlags::HUP;
        Self {
            input: events.contains(epoll::EventFlags::IN),
            output: events.contains(epoll::EventFlags::OUT),
            gone: events.contains(gone),
        }
    }
}

impl fmt::Display for Readiness {
    /// In words: `in`, `out`, `gone`, or `nothing`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.input, "in"), (self.output, "out"), (self.gone, "gone")];
        let words: Vec<&str> = words.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word).collect();
        if words.is_empty() { formatter.write_str("nothing") } else { formatter.write_str(&words.join(" ")) }
    }
}

/// The opened device. Closing it (dropping this) stops playback at once; [`PwmAudio::drain`] first plays to the end. It
/// stops recording, too.
///
/// Samples are written through [`Write`]: interleaved, in the current format, blocking while the driver's ring is full.
/// They are read through [`Read`], likewise, at least one frame at a time; the first read starts to record. It fails with
/// `EPIPE` once when frames have been lost, and the next one starts anew.
#[derive(Debug)]
pub struct PwmAudio {
    file: File,
}

impl PwmAudio {
    /// Opens [`DEVICE_PATH`].
    ///
    /// Fails with `EBUSY` when another process has it open and the driver does not share it, and with `ENOENT` when the
    /// driver is not loaded or found no device.
    pub fn open() -> io::Result<Self> {
        Self::open_path(Path::new(DEVICE_PATH), Direction::Both, true)
    }

    /// Opens a device of the driver by its path. What `direction` does not have fails with `EBADF`; what would have to wait
    /// fails with `EAGAIN` unless it `waits`.
    pub fn open_path(path: &Path, direction: Direction, waits: bool) -> io::Result<Self> {
        let flags = if waits { OFlags::empty() } else { OFlags::NONBLOCK };
        let flags = flags.bits().cast_signed();
        let file =
            OpenOptions::new().read(direction.records()).write(direction.plays()).custom_flags(flags).open(path)?;
        Ok(Self { file })
    }

    /// Says what the bytes given to `write` are. Fails with `EBUSY` while playing.
    pub fn set_format(&self, format: SampleFormat, channels: Channels) -> io::Result<()> {
        system_calls::set_format(&self.file, Format { sample_bits: format.bits(), channels: channels.count() })
    }

    /// Sets the rate in frames a second. Fails with `EBUSY` while playing and with `EINVAL` for a rate that the device
    /// does not have.
    pub fn set_rate(&self, rate_hz: u32) -> io::Result<()> {
        system_calls::set_rate(&self.file, rate_hz)
    }

    /// While on, what has been written is played again and again; switched off, the pass at hand is played to its end.
    pub fn set_loop(&self, is_on: bool) -> io::Result<()> {
        system_calls::set_loop(&self.file, is_on)
    }

    /// Starts playback if it has not started and waits until all that was written has been played.
    ///
    /// Fails with `EPIPE` when the device ran dry since playback started, with `EIO` when the device is gone and with
    /// `EINTR` when a signal came.
    pub fn drain(&self) -> io::Result<()> {
        system_calls::drain(&self.file)
    }

    /// Says what the bytes given by `read` are. Fails with `EBUSY` while recording and while something is left to be read.
    pub fn set_record_format(&self, format: SampleFormat, channels: Channels) -> io::Result<()> {
        system_calls::set_record_format(&self.file, Format { sample_bits: format.bits(), channels: channels.count() })
    }

    /// Sets the rate of recording in frames a second. Fails with `EBUSY` while recording and with `EINVAL` for a rate that
    /// the device does not have.
    pub fn set_record_rate(&self, rate_hz: u32) -> io::Result<()> {
        system_calls::set_record_rate(&self.file, rate_hz)
    }

    /// What has become of what it plays and of what it records.
    pub fn status(&self) -> io::Result<[StreamStatus; 2]> {
        let status = |state, frames, held_frames, lost| {
            let state = State::of(state);
            StreamStatus { state, frames, held_frames, lost }
        };
        let [play, played, to_play, underruns, record, received, to_read, lost] = system_calls::status(&self.file)?;
        Ok([status(play, played, to_play, underruns), status(record, received, to_read, lost)])
    }

    /// Maps the registers. The mapping lives on when this is closed, and keeps the device open.
    ///
    /// Fails with `EACCES` if they are to be written and the driver was not loaded for that. When the driver is unbound they
    /// go away: the next access ends the process with SIGBUS.
    pub fn map_registers(&self, sharing: Sharing) -> io::Result<RegisterBar> {
        Ok(RegisterBar::new(DeviceMemory::map(&self.file, 0, BLOCK_BYTES, sharing)?, BLOCK_BYTES))
    }

    /// Maps the DMA buffer, which has [`MEMORY_BYTES`] and is this one's until it is closed. The mapping lives on then, and
    /// keeps the device open.
    ///
    /// Fails with `EBUSY` if another has it. When the driver is unbound it goes away: the next access ends the process with
    /// SIGBUS.
    pub fn map_buffer(&self) -> io::Result<SharedMemory> {
        let memory = DeviceMemory::map(&self.file, BUFFER_OFFSET, MEMORY_BYTES, Sharing::ReadWrite)?;
        Ok(SharedMemory::new(memory))
    }

    /// Plays frames of the DMA buffer, from `offset` in bytes on, and waits for the end. Samples are as those that are
    /// written, but that those of 8 bits are signed.
    ///
    /// Fails with `EBUSY` if another has the buffer or plays, with `EINVAL` if the frames are not in the buffer, with `EIO`
    /// if the device cannot read it or is gone, else as [`Self::drain`].
    pub fn play_buffer(&self, offset: u32, frames: u32) -> io::Result<()> {
        system_calls::play_buffer(&self.file, BufferFrames { offset, frames })
    }

    /// Records frames to the DMA buffer, from `offset` in bytes on, and waits for the end. Samples are as those that
    /// [`Self::play_buffer`] plays.
    ///
    /// Fails with `EBUSY` if another has the buffer or records, with `EINVAL` if the frames are not in the buffer, with
    /// `EPIPE` if frames were lost, with `EIO` if the device cannot write it or is gone and with `EINTR` when a signal came.
    pub fn record_buffer(&self, offset: u32, frames: u32) -> io::Result<()> {
        system_calls::record_buffer(&self.file, BufferFrames { offset, frames })
    }

    /// What it is ready for now, of what `direction` has.
    pub fn readiness(&self, direction: Direction) -> io::Result<Readiness> {
        let wanted = PollFlags::from_bits_retain(direction.events().bits() as u16);
        let mut polled = [PollFd::new(&self.file, wanted)];
        poll(&mut polled, Some(&Timespec::default()))?;
        Ok(Readiness::of(polled[0].revents().bits().into()))
    }

    /// Waits until it is ready for some of what `direction` has, or gone.
    pub fn wait(&self, direction: Direction) -> io::Result<Readiness> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&set, &self.file, epoll::EventData::new_u64(0), direction.events())?;
        let mut events = Vec::with_capacity(1);
        epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
        let flags = events.first().map_or(epoll::EventFlags::empty(), |event: &epoll::Event| event.flags);
        Ok(Readiness::of(flags.bits()))
    }
}

impl Read for PwmAudio {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Write for PwmAudio {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    /// Does nothing: what was written is the device's; [`PwmAudio::drain`] waits for it to be played.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_device_has_is_a_format() {
        for bits in [8, 16, 24, 32] {
            assert_eq!(SampleFormat::from_bits(bits).map(SampleFormat::bits), Some(bits));
        }
        assert_eq!(SampleFormat::from_bits(20), None);
        assert_eq!(Channels::from_count(8).map(Channels::count), Some(8));
        assert_eq!(Channels::from_count(0), None);
        assert_eq!(Channels::from_count(9), None);
    }
}
