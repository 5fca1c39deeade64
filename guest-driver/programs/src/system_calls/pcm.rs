//! PCM substreams of the kernel, as include/uapi/sound/asound.h has them for 64-bit programs.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::ioctl::{Getter, IntegerSetter, NoArg, Opcode, Updater, ioctl, opcode};

const TYPE: u8 = b'A';
const HARDWARE_PARAMETERS: Opcode = opcode::read_write::<HardwareParameters>(TYPE, 0x11);
const SOFTWARE_PARAMETERS: Opcode = opcode::read_write::<SoftwareParameters>(TYPE, 0x13);
const STATUS: Opcode = opcode::read::<KernelStatus>(TYPE, 0x20);
const PREPARE: Opcode = opcode::none(TYPE, 0x40);
const START: Opcode = opcode::none(TYPE, 0x42);
const DROP: Opcode = opcode::none(TYPE, 0x43);
const DRAIN: Opcode = opcode::none(TYPE, 0x44);
const PAUSE: Opcode = opcode::write::<i32>(TYPE, 0x45);
const WRITE: Opcode = opcode::write::<Transfer>(TYPE, 0x50);
const READ: Opcode = opcode::read::<Transfer>(TYPE, 0x51);

/// Of the masks and of the intervals, those that are asked for.
const ACCESS: usize = 0;
const FORMAT: usize = 1;
const CHANNELS: usize = 2;
const RATE: usize = 3;
const PERIOD_FRAMES: usize = 5;
const BUFFER_FRAMES: usize = 9;

const INTERLEAVED: u32 = 3;
const WHOLE_NUMBER: u32 = 1 << 2;

#[repr(C)]
#[derive(Clone, Copy)]
struct Interval {
    minimum: u32,
    maximum: u32,
    flags: u32,
}

/// `struct snd_pcm_hw_params`.
#[repr(C)]
struct HardwareParameters {
    flags: u32,
    masks: [[u32; 8]; 3],
    reserved_masks: [[u32; 8]; 5],
    intervals: [Interval; 12],
    reserved_intervals: [Interval; 9],
    requested: u32,
    changed: u32,
    information: u32,
    significant_bits: u32,
    rate_numerator: u32,
    rate_denominator: u32,
    fifo_frames: u64,
    synchronisation: [u8; 16],
    reserved: [u8; 48],
}

/// `struct snd_pcm_sw_params`.
#[repr(C)]
#[derive(Default)]
struct SoftwareParameters {
    timestamp_mode: i32,
    period_step: u32,
    sleep_minimum: u32,
    available_minimum_frames: u64,
    transfer_align: u64,
    start_threshold_frames: u64,
    stop_threshold_frames: u64,
    silence_threshold_frames: u64,
    silence_frames: u64,
    boundary_frames: u64,
    protocol: u32,
    timestamp_type: u32,
    reserved: [u64; 7],
}

/// `struct snd_pcm_status`.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelStatus {
    state: u32,
    trigger_timestamp: [u64; 2],
    timestamp: [u64; 2],
    application_frames: u64,
    hardware_frames: u64,
    rest: [u64; 12],
}

/// `struct snd_xferi`.
#[repr(C)]
struct Transfer {
    result: i64,
    buffer: *mut u8,
    frames: u64,
}

/// How samples lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcmFormat {
    /// One byte, two's complement; as are the others, little-endian.
    S8,
    /// Two bytes.
    S16,
    /// 24 bits in four bytes, of which the highest does not count.
    S24,
    /// 24 bits in three bytes.
    S24Packed,
    /// Four bytes.
    S32,
}

impl PcmFormat {
    /// The kernel's number of the format, and the bytes of a sample.
    fn layout(self) -> (usize, usize) {
        match self {
            Self::S8 => (0, 1),
            Self::S16 => (2, 2),
            Self::S24 => (6, 4),
            Self::S32 => (10, 4),
            Self::S24Packed => (32, 3),
        }
    }
}

/// How a substream is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmSetup {
    /// What a sample is.
    pub format: PcmFormat,
    /// Samples of a frame.
    pub channels: u32,
    /// Frames a second.
    pub rate_hz: u32,
    /// From one interrupt to the next.
    pub period_frames: u32,
    /// What fits between the program and the device.
    pub buffer_frames: u32,
}

/// Where a substream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmStatus {
    /// The kernel's name of the state, such as `RUNNING`.
    pub state: &'static str,
    /// Frames that the hardware has played or recorded since it was prepared.
    pub hardware_frames: u64,
    /// Frames that the program has written or read since it was prepared.
    pub application_frames: u64,
}

/// An open substream with all its parameters, prepared. Closing it (dropping this) stops it at once.
///
/// It starts by itself when its buffer is full, and ends in an underrun or overrun when the program is a buffer behind.
#[derive(Debug)]
pub struct PcmSubstream {
    file: File,
    /// As the kernel knows it: there is no way to set the parameters once more.
    frame_bytes: usize,
    setup: PcmSetup,
}

impl PcmSubstream {
    /// Opens a substream, such as `/dev/snd/pcmC0D0p`, and sets it up. Fails with `EINVAL` if it cannot be that way, and
    /// with `EBUSY` if somebody else uses it.
    pub fn open(path: &Path, setup: PcmSetup) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let (format, sample_bytes) = setup.format.layout();
        let mut parameters = any_hardware_parameters();
        parameters.masks[ACCESS] = only(INTERLEAVED as usize);
        parameters.masks[FORMAT] = only(format);
        for (interval, value) in [
            (CHANNELS, setup.channels),
            (RATE, setup.rate_hz),
            (PERIOD_FRAMES, setup.period_frames),
            (BUFFER_FRAMES, setup.buffer_frames),
        ] {
            parameters.intervals[interval] = Interval { minimum: value, maximum: value, flags: WHOLE_NUMBER };
        }
        // SAFETY: the kernel reads and writes as many bytes as the request's number says: `HardwareParameters`.
        unsafe { ioctl(&file, Updater::<HARDWARE_PARAMETERS, _>::new(&mut parameters)) }?;
        let substream = Self { file, frame_bytes: sample_bytes * setup.channels as usize, setup };
        substream.wake_at(setup.period_frames.into())?;
        substream.prepare()?;
        Ok(substream)
    }

    /// The bytes of a frame.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Has [`Self::wait`] and the like wake up when so many frames could be written or read.
    fn wake_at(&self, frames: u64) -> io::Result<()> {
        let buffer_frames = u64::from(self.setup.buffer_frames);
        let mut parameters = SoftwareParameters {
            period_step: 1,
            available_minimum_frames: frames.clamp(1, buffer_frames),
            start_threshold_frames: buffer_frames,
            stop_threshold_frames: buffer_frames,
            ..SoftwareParameters::default()
        };
        // SAFETY: the kernel reads and writes as many bytes as the request's number says: `SoftwareParameters`.
        Ok(unsafe { ioctl(&self.file, Updater::<SOFTWARE_PARAMETERS, _>::new(&mut parameters)) }?)
    }

    /// Makes it ready to start from its beginning.
    pub fn prepare(&self) -> io::Result<()> {
        // SAFETY: the request has no argument.
        Ok(unsafe { ioctl(&self.file, NoArg::<PREPARE>::new()) }?)
    }

    /// Starts it.
    pub fn start(&self) -> io::Result<()> {
        // SAFETY: the request has no argument.
        Ok(unsafe { ioctl(&self.file, NoArg::<START>::new()) }?)
    }

    /// Stops it at once.
    pub fn stop(&self) -> io::Result<()> {
        // SAFETY: the request has no argument.
        Ok(unsafe { ioctl(&self.file, NoArg::<DROP>::new()) }?)
    }

    /// Waits until all that was written has been played; starts it if it has not started.
    pub fn drain(&self) -> io::Result<()> {
        // SAFETY: the request has no argument.
        Ok(unsafe { ioctl(&self.file, NoArg::<DRAIN>::new()) }?)
    }

    /// Has it pause, or go on.
    pub fn pause(&self, is_on: bool) -> io::Result<()> {
        // SAFETY: the kernel takes the argument as a number, although the request's own says that it is a pointer.
        Ok(unsafe { ioctl(&self.file, IntegerSetter::<PAUSE>::new_usize(usize::from(is_on))) }?)
    }

    /// Writes whole frames, and waits where the buffer is full. Gives the frames that were taken.
    pub fn write(&self, samples: &[u8]) -> io::Result<usize> {
        let frames = (samples.len() / self.frame_bytes) as u64;
        let mut transfer = Transfer { result: 0, buffer: samples.as_ptr().cast_mut(), frames };
        // SAFETY: the kernel reads and writes a `Transfer`, whatever the request's number says, and of the buffer it reads
        // `frames` times the bytes of a frame, which are there.
        unsafe { ioctl(&self.file, Updater::<WRITE, _>::new(&mut transfer)) }?;
        Ok(usize::try_from(transfer.result).unwrap_or(0))
    }

    /// Reads frames until `samples` has no room for another, and waits where there are none. Gives the frames that came.
    pub fn read(&self, samples: &mut [u8]) -> io::Result<usize> {
        let frames = (samples.len() / self.frame_bytes) as u64;
        let mut transfer = Transfer { result: 0, buffer: samples.as_mut_ptr(), frames };
        // SAFETY: as in `write`; the kernel writes to the buffer, which is borrowed mutably.
        unsafe { ioctl(&self.file, Updater::<READ, _>::new(&mut transfer)) }?;
        Ok(usize::try_from(transfer.result).unwrap_or(0))
    }

    /// Where it is, as of now.
    pub fn status(&self) -> io::Result<PcmStatus> {
        // SAFETY: the kernel writes as many bytes as the request's number says: a `KernelStatus`, of numbers only.
        let status = unsafe { ioctl(&self.file, Getter::<STATUS, KernelStatus>::new()) }?;
        let KernelStatus { hardware_frames, application_frames, .. } = status;
        Ok(PcmStatus { state: state_name(status.state), hardware_frames, application_frames })
    }

    /// Waits until a period ends with which the hardware is at `hardware_frames` or beyond. Returns when the substream
    /// stops, too.
    pub fn wait(&self, hardware_frames: u64) -> io::Result<()> {
        let behind = self.status()?.application_frames.saturating_sub(hardware_frames);
        self.wake_at(u64::from(self.setup.buffer_frames).saturating_sub(behind))?;
        poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None)?;
        self.wake_at(self.setup.period_frames.into())
    }
}

fn only(bit: usize) -> [u32; 8] {
    let mut mask = [0; 8];
    mask[bit / 32] = 1 << (bit % 32);
    mask
}

fn any_hardware_parameters() -> HardwareParameters {
    let any = Interval { minimum: 0, maximum: u32::MAX, flags: 0 };
    HardwareParameters {
        flags: 0,
        masks: [[u32::MAX; 8]; 3],
        reserved_masks: [[0; 8]; 5],
        intervals: [any; 12],
        reserved_intervals: [Interval { minimum: 0, maximum: 0, flags: 0 }; 9],
        requested: u32::MAX,
        changed: 0,
        information: 0,
        significant_bits: 0,
        rate_numerator: 0,
        rate_denominator: 0,
        fifo_frames: 0,
        synchronisation: [0; 16],
        reserved: [0; 48],
    }
}

fn state_name(state: u32) -> &'static str {
    const NAMES: [&str; 9] =
        ["OPEN", "SETUP", "PREPARED", "RUNNING", "XRUN", "DRAINING", "PAUSED", "SUSPENDED", "DISCONNECTED"];
    NAMES.get(state as usize).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernels_sizes() {
        // From the requests' numbers as strace shows them: 0xc2604111, 0xc0884113, 0x80984120, 0x40184150.
        let sizes = [
            size_of::<HardwareParameters>(),
            size_of::<SoftwareParameters>(),
            size_of::<KernelStatus>(),
            size_of::<Transfer>(),
        ];
        assert_eq!(sizes, [0x260, 0x88, 0x98, 0x18]);
        assert_eq!(std::mem::offset_of!(KernelStatus, hardware_frames), 48);
        assert_eq!(std::mem::offset_of!(HardwareParameters, intervals), 4 + 8 * 32);
    }

    #[test]
    fn a_mask_of_one_bit_has_it_where_the_kernel_looks() {
        assert_eq!(only(3), [8, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(only(32), [0, 1, 0, 0, 0, 0, 0, 0]);
    }
}
