// SPDX-License-Identifier: GPL-2.0

//! `/dev/pwm-audio0`: the interface to user space.
//!
//! - `write()` takes interleaved samples in the current format and waits while the driver's ring is
//!   full (with `O_NONBLOCK`: `EAGAIN`). Playback starts when the ring is full, or at
//!   [`DRAIN`]. The first bytes of a frame may come with one call and its last with the next.
//! - `ioctl()`: [`SET_FORMAT`], [`SET_RATE`], [`SET_LOOP`], [`DRAIN`].
//! - One open file at a time (`EBUSY`). Each starts with 24 bits, two channels, 48,000 Hz and no
//!   loop. The last `close()` stops the device at once: see [`DRAIN`].
//!
//! When the device goes away, `write()` and the rest fail with `ENODEV`, [`DRAIN`] with `EIO`.

use crate::{
    audio::Audio,
    format::Format,
    node::Node, //
};
use kernel::{
    fs::{
        file::{
            flags,
            LocalFile, //
        },
        File,
        Kiocb, //
    },
    ioctl::{
        _IO,
        _IOC_SIZE,
        _IOW, //
    },
    iov::IovIterSource,
    miscdevice::{
        MiscDevice,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Release, //
            },
            AtomicFlag, //
        },
        Arc,
        ArcBorrow, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// Type byte of all ioctl numbers, 'P'.
const IOCTL_TYPE: u32 = 0x50;

/// Sets the format of the samples to come. `EBUSY` while there are samples to play, `EINVAL` for
/// values not listed. The argument is two `u32`:
///
/// 1. bits of a sample: 8 (unsigned bytes), 16 (signed, little endian) or 24 (signed, little
///    endian, in three bytes);
/// 2. channels: 1 or 2.
const SET_FORMAT: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 1);

/// Sets the frames played a second, 8,000 to 192,000. `EBUSY` while playing, `EINVAL` if out of
/// range.
const SET_RATE: u32 = _IOW::<u32>(IOCTL_TYPE, 2);

/// 1: plays what was written again and again; `write()` appends to it until the ring is full, then
/// fails with `ENOSPC`. 0: plays to the end of the current pass. `EINVAL` for other values.
///
/// What the ring has given to the device before the loop was turned on is not repeated.
const SET_LOOP: u32 = _IOW::<u32>(IOCTL_TYPE, 3);

/// Plays everything written, from the start if need be, and waits for its end; while looping, until
/// somebody turns the loop off.
///
/// `EINTR` on a signal (playback goes on), `EIO` if the device is gone, `EPIPE` if it ran out of
/// samples since it started. With `O_NONBLOCK` it does not wait: `EAGAIN` if the end is still to
/// come. A `write()` that comes before the end waits for it.
const DRAIN: u32 = _IO(IOCTL_TYPE, 4);

/// What an open file refers to; it outlives the binding of the driver while one is open.
pub(crate) struct CharacterDevice {
    audio: Arc<Audio>,
    is_open: AtomicFlag,
}

impl CharacterDevice {
    pub(crate) fn new(audio: Arc<Audio>) -> Result<Arc<Self>> {
        let device = Self {
            audio,
            is_open: AtomicFlag::new(false),
        };
        Ok(Arc::new(device, GFP_KERNEL)?)
    }
}

#[vtable]
impl MiscDevice for CharacterDevice {
    type Ptr = Arc<Self>;

    fn open(_file: &File, registration: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        let device = Node::device(registration);
        device.audio.check_present()?;
        if device.is_open.xchg(true, Acquire) {
            return Err(EBUSY);
        }
        Ok(device.into())
    }

    fn release(device: Arc<Self>, _file: &File) {
        device.audio.reset();
        device.is_open.store(false, Release);
    }

    fn write_iter(kiocb: Kiocb<'_, Arc<Self>>, source: &mut IovIterSource<'_>) -> Result<usize> {
        // SAFETY: The file of a request is valid as long as the request. If it was looked up by
        // fdget_pos(), then by this thread: the reference does not leave it.
        let file = unsafe { LocalFile::from_raw_file((*kiocb.as_raw()).ki_filp) };
        kiocb.file().audio.write(source, is_nonblocking(file))
    }

    fn ioctl(
        device: ArcBorrow<'_, Self>,
        file: &File,
        command: u32,
        argument: usize,
    ) -> Result<isize> {
        let mut argument =
            UserSlice::new(UserPtr::from_addr(argument), _IOC_SIZE(command)).reader();
        let audio = &device.audio;
        match command {
            SET_FORMAT => {
                let [sample_bits, channels] = argument.read()?;
                audio.set_format(Format::new(sample_bits, channels)?)?;
            }
            SET_RATE => audio.set_rate_hz(argument.read()?)?,
            SET_LOOP => match argument.read::<u32>()? {
                0 => audio.set_looping(false)?,
                1 => audio.set_looping(true)?,
                _ => return Err(EINVAL),
            },
            DRAIN => audio.drain(is_nonblocking(file))?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

fn is_nonblocking(file: &LocalFile) -> bool {
    file.flags() & flags::O_NONBLOCK != 0
}
