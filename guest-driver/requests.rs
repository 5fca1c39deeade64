// SPDX-License-Identifier: GPL-2.0

//! The numbers of `ioctl()` on `/dev/pwm-audio0`, and what they do.
//!
//! Who has not opened the device for what a request is for gets `EBADF`; for a number that is not
//! here there is `ENOTTY`.

use kernel::ioctl::{
    _IO,
    _IOR,
    _IOW, //
};

/// Type byte of all ioctl numbers, 'P'.
const IOCTL_TYPE: u32 = 0x50;

/// Sets the format of the samples to be written. `EBUSY` while there are samples to play, `EINVAL`
/// for values not listed. The argument is two `u32`:
///
/// 1. bits of a sample: 8 (unsigned bytes), 16, 24 (in three bytes) or 32 (signed, little endian);
/// 2. channels: 1 to 8.
pub(crate) const SET_FORMAT: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 1);

/// Sets the frames played a second, 8,000 to 192,000. `EBUSY` while playing, `EINVAL` if out of
/// range.
pub(crate) const SET_RATE: u32 = _IOW::<u32>(IOCTL_TYPE, 2);

/// 1: plays what was written again and again; `write()` appends to it until the ring is full, then
/// fails with `ENOSPC`. 0: plays to the end of the current pass. `EINVAL` for other values.
///
/// What the ring has given to the device before the loop was turned on is not repeated.
pub(crate) const SET_LOOP: u32 = _IOW::<u32>(IOCTL_TYPE, 3);

/// Plays everything written, from the start if need be, and waits for its end; while looping, until
/// somebody turns the loop off.
///
/// `EINTR` on a signal (playback goes on), `EIO` if the device is gone, `EPIPE` if it ran out of
/// samples since it started. With `O_NONBLOCK` it does not wait: `EAGAIN` if the end is still to
/// come. A `write()` that comes before the end waits for it.
pub(crate) const DRAIN: u32 = _IO(IOCTL_TYPE, 4);

/// What has become of what the file plays and records: a [`Status`].
pub(crate) const STATUS: u32 = _IOR::<Status>(IOCTL_TYPE, 5);

/// Plays frames from the DMA buffer, by DMA, and waits for the end. A file that plays so has the
/// transmitter as one that writes has, and the buffer until it is closed. `EBUSY` if another file
/// has either or there is anything else to play, `EINVAL` if the frames are not all in the buffer;
/// else as [`DRAIN`], but it always waits, `EINTR` stops it, and with `EIO` the device may also
/// have failed to read the buffer. The argument is two `u32`:
///
/// 1. where in the buffer the first frame begins, in bytes;
/// 2. how many frames.
///
/// The samples are as those of `write()`, but that those of 8 bits are signed.
pub(crate) const PLAY_BUFFER: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 6);

/// Records frames to the DMA buffer, by DMA, and waits for the end. A file that records so has the
/// receiver as one that reads has, and the buffer until it is closed. `EBUSY` if another file has
/// either or there is anything else to read, `EINVAL` if the buffer has no room for the frames,
/// `EINTR` on a signal, which stops it, `EPIPE` if frames were lost, `EIO` if the device is gone or
/// has failed to write the buffer. The argument is as that of [`PLAY_BUFFER`], and so are the
/// samples.
pub(crate) const RECORD_BUFFER: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 7);

/// Sets the format of the samples to be read, as [`SET_FORMAT`] does of those to be written.
/// `EBUSY` while recording, or if samples are left to be read.
pub(crate) const SET_RECORD_FORMAT: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 8);

/// Sets the frames recorded a second, 8,000 to 192,000. `EBUSY` while recording, `EINVAL` if out of
/// range.
pub(crate) const SET_RECORD_RATE: u32 = _IOW::<u32>(IOCTL_TYPE, 9);

/// What [`STATUS`] gives. Of a transmitter or receiver that the file does not use all is 0.
///
/// 1. 0: plays nothing, 1: plays, 2: plays the last frames before a drain ends, or those of the
///    buffer;
/// 2. frames played since it last began to play, modulo 2^32;
/// 3. frames written and not played yet;
/// 4. underruns since it last began to play;
/// 5. 0: records nothing, 1: records, 2: records to the buffer;
/// 6. frames received since it last began to record, modulo 2^32;
/// 7. frames received and not read yet;
/// 8. frames lost to overruns since it last began to record.
pub(crate) type Status = [u32; 8];
