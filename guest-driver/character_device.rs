// SPDX-License-Identifier: GPL-2.0

//! `/dev/pwm-audio0`: the interface to user space.
//!
//! - `write()` takes interleaved samples in the current format and waits while the driver's ring is
//!   full (with `O_NONBLOCK`: `EAGAIN`). Playback starts when the ring is full, or at
//!   [`DRAIN`]. The first bytes of a frame may come with one call and its last with the next.
//! - `read()` gives interleaved samples in the current format, at least one and at most what there
//!   is, and waits while there is none (with `O_NONBLOCK`: `EAGAIN`). Recording starts with the
//!   first `read()` and goes on until `close()`. When the driver's ring and the FIFO are full,
//!   frames are lost: `read()` gives those before the gap, except for up to 1,024, then fails with
//!   `EPIPE`, and the next one starts anew.
//! - `poll()`, also by epoll, tells of output when `write()` would not wait: while playing that is
//!   when the ring is half empty. It tells of input when `read()` would not wait, and starts to
//!   record when it is asked that. Once the device is gone there are `POLLERR` and `POLLHUP`.
//! - `mmap()` with `MAP_SHARED` shows the registers, from [`REGISTERS_OFFSET`] on. They can be
//!   read, and written with the module's parameter `writable_registers`; else a writable mapping
//!   is refused (`EACCES`). From [`BUFFER_OFFSET`] on it shows a buffer that the device reaches by
//!   DMA: see [`PLAY_BUFFER`].
//! - `ioctl()`: see [`requests`].
//! - One open file at a time (`EBUSY`), or several with the module's parameter `shared_open`. Each
//!   has settings and samples of its own, and starts with 24 bits, two channels, 48,000 Hz and no
//!   loop. The first that writes has the transmitter until it is closed: `write()` to others fails
//!   with `EBUSY`, as it does while another interface of the driver plays. So it is with `read()`
//!   and the receiver.
//! - The last `close()` of a file stops what it plays and records at once: see [`DRAIN`].
//!
//! When the device goes away, `write()` and the rest fail with `ENODEV`, [`DRAIN`] with `EIO`. When
//! the driver is unbound, touching what is mapped ends with `SIGBUS`. When the device is reset,
//! what was written is lost, and `write()` or [`DRAIN`] fails once with `EIO`.

use crate::{
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
    player::Player,
    power::Awake,
    recorder::Recorder,
    requests::*,
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
    ioctl::_IOC_SIZE,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
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
    types::ForeignOwnable,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// Where `mmap()` finds the registers.
pub(crate) const REGISTERS_OFFSET: usize = 0;

/// Where `mmap()` finds the DMA buffer, which has [`BUFFER_BYTES`].
///
/// [`BUFFER_BYTES`]: crate::dma_buffer::BUFFER_BYTES
pub(crate) const BUFFER_OFFSET: usize = 0x1_0000;

/// What the node stands for. Outlives the binding of the driver while a file is open.
pub(crate) struct CharacterDevice {
    hardware: Arc<Hardware>,
    transmitter: Arc<SharedUnit<Player>>,
    receiver: Arc<SharedUnit<Recorder>>,
    mapping: Arc<Mapping>,
    buffer: Arc<DmaBuffer>,
    /// Of files that share the device with no other.
    file: Exclusive,
}

impl CharacterDevice {
    /// `mapping` is what files can map: the registers, and `buffer`.
    pub(crate) fn new(
        hardware: Arc<Hardware>,
        transmitter: Arc<SharedUnit<Player>>,
        receiver: Arc<SharedUnit<Recorder>>,
        mapping: Arc<Mapping>,
        buffer: Arc<DmaBuffer>,
    ) -> Result<Arc<Self>> {
        let device = Self {
            hardware,
            transmitter,
            receiver,
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
    /// If it is open for writing.
    player: Option<Arc<Player>>,
    /// If it is open for reading.
    recorder: Option<Arc<Recorder>>,
    #[pin]
    buffer: BufferOfFile,
    mapping: MappingFile,
    _alone: Option<Taken>,
    _awake: Awake,
}

impl AudioFile {
    fn player(&self) -> Result<&Arc<Player>> {
        self.player.as_ref().ok_or(EBADF)
    }

    fn recorder(&self) -> Result<&Arc<Recorder>> {
        self.recorder.as_ref().ok_or(EBADF)
    }

    fn status(&self) -> Result<Status> {
        let playback = self.player.as_ref().map_or(Ok(None), Player::status)?;
        let recording = self.recorder.as_ref().map_or(Ok(None), Recorder::status)?;
        let [play_state, played, to_play, underruns] =
            playback.map_or([0; 4], |status| status.words());
        let [record_state, received, to_read, lost] =
            recording.map_or([0; 4], |status| status.words());
        Ok([
            play_state,
            played,
            to_play,
            underruns,
            record_state,
            received,
            to_read,
            lost,
        ])
    }
}

#[vtable]
impl OpenFile for AudioFile {
    type Device = CharacterDevice;

    fn poll(this: Pin<&Self>, file: &File, table: &PollTable<'_>, wanted: u32) -> u32 {
        const INPUT: u32 = bindings::POLLIN | bindings::POLLRDNORM;
        const OUTPUT: u32 = bindings::POLLOUT | bindings::POLLWRNORM;

        let mut ready = 0;
        let player = this.player.as_ref();
        if player.is_some_and(|player| player.poll(file, table)) {
            ready |= OUTPUT;
        }
        let recorder = this.recorder.as_ref();
        if recorder.is_some_and(|recorder| recorder.poll(file, table, wanted & INPUT != 0)) {
            ready |= INPUT;
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
        let access = file.flags() & flags::O_ACCMODE;
        let player = (access != flags::O_RDONLY).then(|| Player::new(device.transmitter.clone()));
        let recorder = (access != flags::O_WRONLY).then(|| Recorder::new(device.receiver.clone()));
        let opened = try_pin_init!(Self {
            device: device.into(),
            player: player.transpose()?,
            recorder: recorder.transpose()?,
            buffer <- BufferOfFile::new(device.buffer.clone()),
            mapping: MappingFile::new(device.mapping.clone(), file)?,
            _alone: alone,
            _awake: awake,
        });
        KBox::pin_init(opened, GFP_KERNEL)
    }

    fn release(this: Self::Ptr, _file: &File) {
        if let Some(player) = &this.player {
            player.close();
        }
        if let Some(recorder) = &this.recorder {
            recorder.close();
        }
    }

    fn mmap(this: Pin<&Self>, _file: &File, area: &VmaNew) -> Result {
        this.device.hardware.access()?;
        if mapping::offset(area) >= BUFFER_OFFSET {
            this.buffer.take()?;
        }
        // SAFETY: The area is of the file that `this` is.
        unsafe { this.mapping.map(area) }
    }

    fn read_iter(kiocb: Kiocb<'_, Self::Ptr>, destination: &mut IovIterDest<'_>) -> Result<usize> {
        let nonblocking = is_nonblocking(file_of(&kiocb));
        kiocb.file().recorder()?.read(destination, nonblocking)
    }

    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, source: &mut IovIterSource<'_>) -> Result<usize> {
        let nonblocking = is_nonblocking(file_of(&kiocb));
        kiocb.file().player()?.write(source, nonblocking)
    }

    fn ioctl(this: Pin<&Self>, file: &File, command: u32, argument: usize) -> Result<isize> {
        let argument = UserSlice::new(UserPtr::from_addr(argument), _IOC_SIZE(command));
        if command == STATUS {
            argument.writer().write(&this.status()?)?;
            return Ok(0);
        }
        let mut argument = argument.reader();
        match command {
            SET_FORMAT => {
                let [sample_bits, channels] = argument.read()?;
                let format = Format::new(sample_bits, channels)?;
                this.player()?.set_format(format)?;
            }
            SET_RATE => this.player()?.set_rate_hz(argument.read()?)?,
            SET_LOOP => match argument.read::<u32>()? {
                0 => this.player()?.set_looping(false)?,
                1 => this.player()?.set_looping(true)?,
                _ => return Err(EINVAL),
            },
            DRAIN => this.player()?.drain(is_nonblocking(file))?,
            PLAY_BUFFER => {
                let [offset, frames] = argument.read()?;
                let player = this.player()?;
                player.play_buffer(this.buffer.take()?, offset, frames)?;
            }
            RECORD_BUFFER => {
                let [offset, frames] = argument.read()?;
                let recorder = this.recorder()?;
                recorder.record_buffer(this.buffer.take()?, offset, frames)?;
            }
            SET_RECORD_FORMAT => {
                let [sample_bits, channels] = argument.read()?;
                let format = Format::new(sample_bits, channels)?;
                this.recorder()?.set_format(format)?;
            }
            SET_RECORD_RATE => this.recorder()?.set_rate_hz(argument.read()?)?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

/// The file of a request, for this thread.
fn file_of<'a, T: ForeignOwnable>(kiocb: &'a Kiocb<'_, T>) -> &'a LocalFile {
    // SAFETY: The file of a request is valid as long as the request. If it was looked up by
    // fdget_pos(), then by this thread: the reference does not leave it.
    unsafe { LocalFile::from_raw_file((*kiocb.as_raw()).ki_filp) }
}

fn is_nonblocking(file: &LocalFile) -> bool {
    file.flags() & flags::O_NONBLOCK != 0
}
