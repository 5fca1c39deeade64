//! The two system calls of the driver's user interface, and of the kernel's for PWM chips and PCM, that Rust cannot check:
//! `ioctl` and `mmap`.
//!
//! This is all the unsafe code of the guest's programs; `pwm_audio`, `pwm_chip` and `registers` wrap it in interfaces that
//! cannot be misused, and `pcm` is one.
#![allow(
    unsafe_code,
    reason = "the kernel reads a pointer from ioctl and hands out device memory from mmap: no safe wrapper exists"
)]

pub(crate) mod pcm;

use std::fs::File;
use std::io;
use std::ptr::NonNull;

use rustix::ioctl::{Getter, IntegerSetter, NoArg, Opcode, Setter, Updater, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The type byte of the driver's requests.
const TYPE: u8 = b'P';
const SET_FORMAT: Opcode = opcode::write::<Format>(TYPE, 0x01);
const SET_RATE: Opcode = opcode::write::<u32>(TYPE, 0x02);
const SET_LOOP: Opcode = opcode::write::<u32>(TYPE, 0x03);
const DRAIN: Opcode = opcode::none(TYPE, 0x04);
const STATUS: Opcode = opcode::read::<[u32; 8]>(TYPE, 0x05);
const PLAY_BUFFER: Opcode = opcode::write::<BufferFrames>(TYPE, 0x06);
const RECORD_BUFFER: Opcode = opcode::write::<BufferFrames>(TYPE, 0x07);
const SET_RECORD_FORMAT: Opcode = opcode::write::<Format>(TYPE, 0x08);
const SET_RECORD_RATE: Opcode = opcode::write::<u32>(TYPE, 0x09);

/// The argument of `SET_FORMAT` and `SET_RECORD_FORMAT`, laid out as the driver reads it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) sample_bits: u32,
    pub(crate) channels: u32,
}

/// The argument of `PLAY_BUFFER` and `RECORD_BUFFER`, laid out as the driver reads it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct BufferFrames {
    /// In bytes.
    pub(crate) offset: u32,
    pub(crate) frames: u32,
}

pub(crate) fn set_format(device: &File, format: Format) -> io::Result<()> {
    // SAFETY: the driver only reads the argument, and reads as many bytes as the request's number says: a `Format`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<SET_FORMAT, Format>::new(format)) }?)
}

pub(crate) fn set_rate(device: &File, rate_hz: u32) -> io::Result<()> {
    // SAFETY: the driver only reads the argument, and reads as many bytes as the request's number says: a `u32`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<SET_RATE, u32>::new(rate_hz)) }?)
}

pub(crate) fn set_loop(device: &File, is_on: bool) -> io::Result<()> {
    // SAFETY: the driver only reads the argument, and reads as many bytes as the request's number says: a `u32`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<SET_LOOP, u32>::new(u32::from(is_on))) }?)
}

pub(crate) fn drain(device: &File) -> io::Result<()> {
    // SAFETY: the request has no argument.
    Ok(unsafe { rustix::ioctl::ioctl(device, NoArg::<DRAIN>::new()) }?)
}

pub(crate) fn play_buffer(device: &File, frames: BufferFrames) -> io::Result<()> {
    // SAFETY: the driver only reads the argument, and reads as many bytes as the request's number says: a `BufferFrames`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<PLAY_BUFFER, BufferFrames>::new(frames)) }?)
}

pub(crate) fn record_buffer(device: &File, frames: BufferFrames) -> io::Result<()> {
    // SAFETY: as in `play_buffer`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<RECORD_BUFFER, BufferFrames>::new(frames)) }?)
}

pub(crate) fn set_record_format(device: &File, format: Format) -> io::Result<()> {
    // SAFETY: as in `set_format`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<SET_RECORD_FORMAT, Format>::new(format)) }?)
}

pub(crate) fn set_record_rate(device: &File, rate_hz: u32) -> io::Result<()> {
    // SAFETY: as in `set_rate`.
    Ok(unsafe { rustix::ioctl::ioctl(device, Setter::<SET_RECORD_RATE, u32>::new(rate_hz)) }?)
}

/// The words as the driver has them.
pub(crate) fn status(device: &File) -> io::Result<[u32; 8]> {
    // SAFETY: the driver writes as many bytes as the request's number says: eight `u32`, of which any bits are a value.
    Ok(unsafe { rustix::ioctl::ioctl(device, Getter::<STATUS, [u32; 8]>::new()) }?)
}

/// The type byte of the requests of PWM chips: include/uapi/linux/pwm.h has them.
const PWM_TYPE: u8 = 0x75;
const PWM_REQUEST: Opcode = opcode::none(PWM_TYPE, 1);
const PWM_ROUND: Opcode = opcode::read_write::<ChannelWaveform>(PWM_TYPE, 3);
const PWM_GET: Opcode = opcode::read_write::<ChannelWaveform>(PWM_TYPE, 4);
const PWM_SET_ROUNDED: Opcode = opcode::write::<ChannelWaveform>(PWM_TYPE, 5);
const PWM_SET_EXACT: Opcode = opcode::write::<ChannelWaveform>(PWM_TYPE, 6);

/// The kernel's `struct pwmchip_waveform`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelWaveform {
    pub(crate) channel: u32,
    /// 0.
    pub(crate) padding: u32,
    pub(crate) period_ns: u64,
    pub(crate) duty_ns: u64,
    pub(crate) offset_ns: u64,
}

pub(crate) fn request_channel(chip: &File, channel: u32) -> io::Result<()> {
    // SAFETY: the request's argument is a number, which the kernel compares with how many channels there are.
    Ok(unsafe { rustix::ioctl::ioctl(chip, IntegerSetter::<PWM_REQUEST>::new_usize(channel as usize)) }?)
}

pub(crate) fn round_waveform(chip: &File, mut waveform: ChannelWaveform) -> io::Result<ChannelWaveform> {
    // SAFETY: the kernel reads and writes as many bytes as the request's number says: a `ChannelWaveform`.
    unsafe { rustix::ioctl::ioctl(chip, Updater::<PWM_ROUND, _>::new(&mut waveform)) }?;
    Ok(waveform)
}

pub(crate) fn get_waveform(chip: &File, mut waveform: ChannelWaveform) -> io::Result<ChannelWaveform> {
    // SAFETY: as in `round_waveform`.
    unsafe { rustix::ioctl::ioctl(chip, Updater::<PWM_GET, _>::new(&mut waveform)) }?;
    Ok(waveform)
}

pub(crate) fn set_rounded_waveform(chip: &File, waveform: ChannelWaveform) -> io::Result<()> {
    // SAFETY: the kernel only reads the argument, and as many bytes as the request's number says: a `ChannelWaveform`.
    Ok(unsafe { rustix::ioctl::ioctl(chip, Setter::<PWM_SET_ROUNDED, _>::new(waveform)) }?)
}

pub(crate) fn set_exact_waveform(chip: &File, waveform: ChannelWaveform) -> io::Result<()> {
    // SAFETY: as in `set_rounded_waveform`.
    Ok(unsafe { rustix::ioctl::ioctl(chip, Setter::<PWM_SET_EXACT, _>::new(waveform)) }?)
}

/// How memory of a device is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// To be read.
    ReadOnly,
    /// To be read and written.
    ReadWrite,
    /// As a copy of the process's own, of which devices have none: they refuse.
    Private,
}

/// Memory of a device, mapped.
///
/// The device may change it at any time, hence no slices of it are handed out: bytes are copied in and out.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    start: NonNull<u8>,
    length_bytes: usize,
    is_writable: bool,
}

impl DeviceMemory {
    /// Maps what the device has at `offset`.
    pub(crate) fn map(device: &File, offset: u64, length_bytes: usize, sharing: Sharing) -> io::Result<Self> {
        let is_writable = sharing == Sharing::ReadWrite;
        let protection = if is_writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        let flags = if sharing == Sharing::Private { MapFlags::PRIVATE } else { MapFlags::SHARED };
        // SAFETY: the kernel chooses a free address range, so no memory that Rust knows of is replaced.
        let start = unsafe { mmap(std::ptr::null_mut(), length_bytes, protection, flags, device, offset) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { start, length_bytes, is_writable })
    }

    /// Whether it may be written.
    pub(crate) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Copies bytes out.
    ///
    /// # Panics
    /// If the range is not inside the mapping.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        self.check_range(offset, bytes.len());
        for (index, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: the index is inside the mapping (checked above), which lives as long as `self`. The access is
            // volatile because the device shares the memory.
            *byte = unsafe { self.start.add(offset + index).read_volatile() };
        }
    }

    /// Copies bytes in.
    ///
    /// # Panics
    /// If the range is not inside the mapping, or the mapping not writable.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        assert!(self.is_writable, "the mapping can only be read");
        self.check_range(offset, bytes.len());
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: as in `read`; the mapping is writable.
            unsafe { self.start.add(offset + index).write_volatile(*byte) };
        }
    }

    /// Reads one register in one access of `width_bytes`.
    ///
    /// # Panics
    /// If the register is not inside the mapping, or not at a multiple of its width of 1, 2, 4 or 8 bytes.
    pub(crate) fn read_register(&self, offset: usize, width_bytes: usize) -> u64 {
        self.check_register(offset, width_bytes);
        // SAFETY: the register is inside the mapping, which is page-aligned, and aligned itself (checked above).
        unsafe {
            let register = self.start.add(offset);
            match width_bytes {
                1 => u64::from(register.read_volatile()),
                2 => u64::from(register.cast::<u16>().read_volatile()),
                4 => u64::from(register.cast::<u32>().read_volatile()),
                _ => register.cast::<u64>().read_volatile(),
            }
        }
    }

    /// Writes one register in one access of `width_bytes`; bits of `value` that are beyond the width are left out.
    ///
    /// # Panics
    /// As [`Self::read_register`], and if the mapping is not writable.
    pub(crate) fn write_register(&mut self, offset: usize, width_bytes: usize, value: u64) {
        assert!(self.is_writable, "the mapping can only be read");
        self.check_register(offset, width_bytes);
        // SAFETY: as in `read_register`; the mapping is writable.
        unsafe {
            let register = self.start.add(offset);
            match width_bytes {
                1 => register.write_volatile(value as u8),
                2 => register.cast::<u16>().write_volatile(value as u16),
                4 => register.cast::<u32>().write_volatile(value as u32),
                _ => register.cast::<u64>().write_volatile(value),
            }
        }
    }

    fn check_register(&self, offset: usize, width_bytes: usize) {
        assert!(matches!(width_bytes, 1 | 2 | 4 | 8), "no access has {width_bytes} bytes");
        assert!(offset.is_multiple_of(width_bytes), "a register of {width_bytes} bytes at {offset:#x}");
        self.check_range(offset, width_bytes);
    }

    fn check_range(&self, offset: usize, length_bytes: usize) {
        let end = offset.checked_add(length_bytes);
        assert!(end.is_some_and(|end| end <= self.length_bytes), "a range outside of the mapping");
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // SAFETY: `map` mapped exactly this range, and no pointer into it has left this type.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length_bytes) };
        debug_assert!(unmapped.is_ok(), "a mapping of our own can be unmapped");
    }
}
