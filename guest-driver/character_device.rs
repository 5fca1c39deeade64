// SPDX-License-Identifier: GPL-2.0

//! `/dev/pwm-audio0`: the interface to user space.
//!
//! - `write()` takes interleaved samples in the current format and waits while the driver's ring is
//!   full (with `O_NONBLOCK`: `EAGAIN`). Playback starts when the ring is full, or at
//!   [`DRAIN`]. The first bytes of a frame may come with one call and its last with the next.
//! - `poll()`, also by epoll, tells of output when `write()` would not wait. While playing that is
//!   when the ring is half empty. Once the device is gone there are `POLLERR` and `POLLHUP`.
//! - `mmap()` with `MAP_SHARED` shows the registers, from [`REGISTERS_OFFSET`] on. They can be read,
//!   and written with the module's parameter `writable_registers`; else a writable mapping is
//!   refused (`EACCES`). From [`BUFFER_OFFSET`] on it shows a buffer that the device reaches by DMA:
//!   see [`PLAY_BUFFER`].
//! - `ioctl()`: [`SET_FORMAT`], [`SET_RATE`], [`SET_LOOP`], [`DRAIN`].
//! - One open file at a time (`EBUSY`), or several with the module's parameter `shared_open`. Each
//!   has settings and samples of its own, and starts with 24 bits, two channels, 48,000 Hz and no
//!   loop. The first that writes has the transmitter until it is closed: `write()` to others fails
//!   with `EBUSY`, as it does while another interface of the driver plays.
//! - The last `close()` of a file stops what it plays at once: see [`DRAIN`].
//!
//! When the device goes away, `write()` and the rest fail with `ENODEV`, [`DRAIN`] with `EIO`. When
//! the driver is unbound, touching what is mapped ends with `SIGBUS`. When the device is reset,
//! what was written is lost, and `write()` or [`DRAIN`] fails once with `EIO`.

use crate::{
    audio::Audio,
    dma_buffer::{
        BufferOfFile,
        DmaBuffer, //
    },
    exclusive::{
        Exclusive,
        Taken, //
    },
    format::Format,
    hardware::Hardware,
    mapping::{
        self,
        Mapping,
        MappingFile, //
    },
    module_parameters,
    node::{
        Node,
        OpenFile, //
    },
    power::Awake,
    shared_unit::SharedUnit, //
};
use kernel::{
    bindings,
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
    mm::virt::VmaNew,
    prelude::*,
    sync::{
        poll::PollTable,
        Arc, //
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
/// 1. bits of a sample: 8 (unsigned bytes), 16, 24 (in three bytes) or 32 (signed, little endian);
/// 2. channels: 1 to 8.
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

/// Plays frames from the DMA buffer, by DMA, and waits for the end. A file that plays so has the
/// transmitter as one that writes has, and the buffer until it is closed. `EBUSY` if another file
/// has either or there is anything else to play, `EINVAL` if the frames are not all in the buffer;
/// else as [`DRAIN`], but it always waits, `EINTR` stops it, and with `EIO` the device may also have
/// failed to read the buffer. The argument is two `u32`:
///
/// 1. where in the buffer the first frame begins, in bytes;
/// 2. how many frames.
///
/// The samples are as those of `write()`, but that those of 8 bits are signed.
const PLAY_BUFFER: u32 = _IOW::<[u32; 2]>(IOCTL_TYPE, 6);

/// Where `mmap()` finds the registers.
pub(crate) const REGISTERS_OFFSET: usize = 0;

/// Where `mmap()` finds the DMA buffer, which has [`BUFFER_BYTES`].
///
/// [`BUFFER_BYTES`]: crate::dma_buffer::BUFFER_BYTES
pub(crate) const BUFFER_OFFSET: usize = 0x1_0000;

/// What the node stands for. Outlives the binding of the driver while a file is open.
pub(crate) struct CharacterDevice {
    hardware: Arc<Hardware>,
    transmitter: Arc<SharedUnit<Audio>>,
    mapping: Arc<Mapping>,
    buffer: Arc<DmaBuffer>,
    /// Of files that share the device with no other.
    file: Exclusive,
}

impl CharacterDevice {
    /// `mapping` is what files can map: the registers, and `buffer`.
    pub(crate) fn new(
        hardware: Arc<Hardware>,
        transmitter: Arc<SharedUnit<Audio>>,
        mapping: Arc<Mapping>,
        buffer: Arc<DmaBuffer>,
    ) -> Result<Arc<Self>> {
        let device = Self {
            hardware,
            transmitter,
            mapping,
            buffer,
            file: Exclusive::new()?,
        };
        Ok(Arc::new(device, GFP_KERNEL)?)
    }
}

/// An open file.
#[pin_data]
pub(crate) struct AudioFile {
    device: Arc<CharacterDevice>,
    audio: Arc<Audio>,
    #[pin]
    buffer: BufferOfFile,
    mapping: MappingFile,
    _alone: Option<Taken>,
    _awake: Awake,
}

#[vtable]
impl OpenFile for AudioFile {
    type Device = CharacterDevice;

    fn poll(this: Pin<&Self>, file: &File, table: &PollTable<'_>, _wanted: u32) -> u32 {
        let mut ready = 0;
        if this.audio.poll(file, table) {
            ready |= bindings::POLLOUT | bindings::POLLWRNORM;
        }
        if this.device.hardware.is_gone() {
            return bindings::POLLERR | bindings::POLLHUP;
        }
        ready
    }
}

#[vtable]
impl MiscDevice for AudioFile {
    type Ptr = Pin<KBox<Self>>;

    fn open(file: &File, registration: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        let device = Node::device(registration);
        let awake = device.hardware.awake()?;
        device.hardware.access()?;
        let alone = if *module_parameters::shared_open.value_ref() {
            None
        } else {
            Some(device.file.take()?)
        };
        let file = try_pin_init!(Self {
            device: device.into(),
            audio: Audio::new(device.transmitter.clone())?,
            buffer <- BufferOfFile::new(device.buffer.clone()),
            mapping: MappingFile::new(device.mapping.clone(), file)?,
            _alone: alone,
            _awake: awake,
        });
        KBox::pin_init(file, GFP_KERNEL)
    }

    fn release(file: Self::Ptr, _file: &File) {
        file.audio.close();
    }

    fn mmap(this: Pin<&Self>, _file: &File, area: &VmaNew) -> Result {
        this.device.hardware.access()?;
        if mapping::offset(area) >= BUFFER_OFFSET {
            this.buffer.take()?;
        }
        // SAFETY: The area is of the file that `this` is.
        unsafe { this.mapping.map(area) }
    }

    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, source: &mut IovIterSource<'_>) -> Result<usize> {
        // SAFETY: The file of a request is valid as long as the request. If it was looked up by
        // fdget_pos(), then by this thread: the reference does not leave it.
        let file = unsafe { LocalFile::from_raw_file((*kiocb.as_raw()).ki_filp) };
        kiocb.file().audio.write(source, is_nonblocking(file))
    }

    fn ioctl(this: Pin<&Self>, file: &File, command: u32, argument: usize) -> Result<isize> {
        let mut argument =
            UserSlice::new(UserPtr::from_addr(argument), _IOC_SIZE(command)).reader();
        let audio = &this.audio;
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
            PLAY_BUFFER => {
                let [offset, frames] = argument.read()?;
                audio.play_buffer(this.buffer.take()?, offset, frames)?;
            }
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

fn is_nonblocking(file: &LocalFile) -> bool {
    file.flags() & flags::O_NONBLOCK != 0
}
