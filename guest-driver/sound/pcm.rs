// SPDX-License-Identifier: GPL-2.0

//! PCM devices: streams of samples between a ring of frames in memory and the hardware.
//!
//! C header: [`include/sound/pcm.h`](srctree/include/sound/pcm.h)

use super::{
    bindings as sound,
    card::{
        copy_name,
        NewCard, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::RangeInclusive,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::{
        from_result,
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};

/// Which way the samples of a stream go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From memory to the hardware.
    Playback,
    /// From the hardware to memory.
    Capture,
}

impl Direction {
    const ALL: [Self; 2] = [Self::Playback, Self::Capture];

    const fn into_raw(self) -> c_int {
        match self {
            Self::Playback => sound::SNDRV_PCM_STREAM_PLAYBACK as c_int,
            Self::Capture => sound::SNDRV_PCM_STREAM_CAPTURE as c_int,
        }
    }
}

/// How a sample lies in memory: all two's complement, little endian.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// 8 bits.
    S8,
    /// 16 bits.
    S16,
    /// The low 24 bits of 4 bytes.
    S24,
    /// 24 bits in 3 bytes.
    S24Packed,
    /// 32 bits.
    S32,
}

impl Format {
    const ALL: [Self; 5] = [
        Self::S8,
        Self::S16,
        Self::S24,
        Self::S24Packed,
        Self::S32, //
    ];

    const fn into_raw(self) -> u32 {
        match self {
            Self::S8 => sound::SNDRV_PCM_FORMAT_S8,
            Self::S16 => sound::SNDRV_PCM_FORMAT_S16_LE,
            Self::S24 => sound::SNDRV_PCM_FORMAT_S24_LE,
            Self::S24Packed => sound::SNDRV_PCM_FORMAT_S24_3LE,
            Self::S32 => sound::SNDRV_PCM_FORMAT_S32_LE,
        }
    }
}

/// What a stream can be and do beyond being started and stopped.
pub(crate) struct Capabilities {
    /// The formats it takes.
    pub(crate) formats: &'static [Format],
    /// Frames a second: any in between.
    pub(crate) rates_hz: RangeInclusive<u32>,
    /// Samples of a frame.
    pub(crate) channels: RangeInclusive<u32>,
    /// The most bytes of the ring.
    pub(crate) buffer_bytes_maximum: usize,
    /// Frames of a period, after each of which an interrupt comes.
    pub(crate) period_frames: RangeInclusive<u32>,
    /// Bytes of a period, at most.
    pub(crate) period_bytes_maximum: usize,
    /// Frames that the hardware may be ahead of the position it reports.
    pub(crate) fifo_frames: usize,
    /// The position moves frame by frame. Else it moves by many.
    pub(crate) position_is_exact: bool,
    /// The hardware must know how far the application is, and not only how far itself is:
    /// [`PcmDriver::acknowledge`] is called whenever it moves, and it never moves back.
    pub(crate) follows_application: bool,
    /// [`Trigger::PausePush`] and [`Trigger::PauseRelease`] are known.
    pub(crate) can_pause: bool,
    /// [`Trigger::Resume`] goes on where [`Trigger::Suspend`] has stopped.
    pub(crate) can_resume: bool,
    /// [`Trigger::Drain`] is wanted, and has the hardware stop with the last frame written.
    pub(crate) drains_exactly: bool,
}

impl Capabilities {
    /// Bounds of what the frames of periods and the bytes of samples bound anyway.
    const PERIODS: RangeInclusive<u32> = 2..=1_024;

    fn raw(&self) -> sound::snd_pcm_hardware {
        let mut info = sound::SNDRV_PCM_INFO_INTERLEAVED
            | sound::SNDRV_PCM_INFO_BLOCK_TRANSFER
            | sound::SNDRV_PCM_INFO_MMAP
            | sound::SNDRV_PCM_INFO_MMAP_VALID
            | sound::SNDRV_PCM_INFO_FIFO_IN_FRAMES;
        for (has, flags) in [
            (!self.position_is_exact, sound::SNDRV_PCM_INFO_BATCH),
            (
                self.follows_application,
                sound::SNDRV_PCM_INFO_SYNC_APPLPTR | sound::SNDRV_PCM_INFO_NO_REWINDS,
            ),
            (self.can_pause, sound::SNDRV_PCM_INFO_PAUSE),
            (self.can_resume, sound::SNDRV_PCM_INFO_RESUME),
            (
                self.drains_exactly,
                sound::SNDRV_PCM_INFO_DRAIN_TRIGGER | sound::SNDRV_PCM_INFO_PERFECT_DRAIN,
            ),
        ] {
            if has {
                info |= flags;
            }
        }
        let mut formats = 0;
        for format in self.formats {
            formats |= 1 << format.into_raw();
        }
        sound::snd_pcm_hardware {
            info,
            formats,
            rates: sound::SNDRV_PCM_RATE_CONTINUOUS,
            rate_min: *self.rates_hz.start(),
            rate_max: *self.rates_hz.end(),
            channels_min: *self.channels.start(),
            channels_max: *self.channels.end(),
            buffer_bytes_max: self.buffer_bytes_maximum,
            period_bytes_min: 1,
            period_bytes_max: self.period_bytes_maximum,
            periods_min: *Self::PERIODS.start(),
            periods_max: *Self::PERIODS.end(),
            fifo_size: self.fifo_frames,
            ..pin_init::zeroed()
        }
    }
}

/// What the user of a stream has chosen.
#[derive(Clone, Copy)]
pub(crate) struct Parameters {
    /// How samples lie in memory.
    pub(crate) format: Format,
    /// Samples of a frame.
    pub(crate) channels: u32,
    /// Frames a second.
    pub(crate) rate_hz: u32,
    /// Frames of a period.
    pub(crate) period_frames: u32,
    /// Frames of the ring: two periods or more, not always whole ones.
    pub(crate) buffer_frames: u32,
    /// Bytes of a frame.
    pub(crate) frame_bytes: u32,
}

/// What a stream is to do now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Begin, with the first frame of the ring.
    Start,
    /// End at once. Also of a stream that has stopped by itself.
    Stop,
    /// Stand still.
    PausePush,
    /// Go on.
    PauseRelease,
    /// Stand still: the system is about to sleep.
    Suspend,
    /// Go on. An error has the application begin anew.
    Resume,
    /// Stop with the last frame that was written, and have [`Pcm::ended`] called then.
    Drain,
}

impl Trigger {
    fn from_raw(command: c_int) -> Result<Self> {
        Ok(match u32::try_from(command)? {
            sound::SNDRV_PCM_TRIGGER_START => Self::Start,
            sound::SNDRV_PCM_TRIGGER_STOP => Self::Stop,
            sound::SNDRV_PCM_TRIGGER_PAUSE_PUSH => Self::PausePush,
            sound::SNDRV_PCM_TRIGGER_PAUSE_RELEASE => Self::PauseRelease,
            sound::SNDRV_PCM_TRIGGER_SUSPEND => Self::Suspend,
            sound::SNDRV_PCM_TRIGGER_RESUME => Self::Resume,
            sound::SNDRV_PCM_TRIGGER_DRAIN => Self::Drain,
            _ => return Err(EINVAL),
        })
    }
}

/// Why a stream has stopped without having been asked to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Frames were missing, or lost, or the hardware has failed: the application may begin anew.
    Xrun,
    /// The hardware is gone.
    Disconnected,
}

/// A PCM device's driver. A callback concerns one direction, that of its substream, and the two
/// know nothing of each other.
#[vtable]
pub(crate) trait PcmDriver: Send + Sync + 'static {
    /// What user space calls the device.
    const NAME: &'static CStr;

    /// What streams of `direction` can be.
    fn capabilities(&self, direction: Direction) -> Capabilities;

    /// A stream is opened. May sleep.
    fn open(&self, substream: Substream<'_>) -> Result;

    /// It is closed: the last callback of those that [`Self::open`] began. May sleep.
    fn close(&self, substream: Substream<'_>);

    /// Makes ready for [`Trigger::Start`], with the parameters that hold now; the stream does not
    /// run. May sleep.
    fn prepare(&self, substream: Substream<'_>) -> Result;

    /// Atomic context, as of the next two.
    fn trigger(&self, substream: Substream<'_>, trigger: Trigger) -> Result;

    /// Where in the ring the hardware is, in frames, less than those of the ring. An error stops the
    /// stream, as [`Stopped::Xrun`].
    fn position_frames(&self, substream: Substream<'_>) -> Result<u32>;

    /// The stream has been stopped, and its memory may be given up next: waits until the hardware
    /// does not use it any more. May sleep.
    fn sync_stop(&self, substream: Substream<'_>) -> Result;

    /// The application has moved, to [`Substream::application_frames`].
    fn acknowledge(&self, _substream: Substream<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A substream, in a callback.
///
/// # Invariants
///
/// `substream` is valid for `'a` and has a runtime.
#[derive(Clone, Copy)]
pub(crate) struct Substream<'a> {
    substream: NonNull<sound::snd_pcm_substream>,
    _callback: PhantomData<&'a ()>,
}

impl Substream<'_> {
    fn runtime(self) -> *mut sound::snd_pcm_runtime {
        // SAFETY: By the type invariants it is valid. The runtime stays while the stream is open.
        unsafe { (*self.substream.as_ptr()).runtime }
    }

    /// Which way its samples go.
    pub(crate) fn direction(self) -> Direction {
        // SAFETY: By the type invariants it is valid; the direction never changes.
        let raw = unsafe { (*self.substream.as_ptr()).stream };
        if raw == Direction::Capture.into_raw() {
            Direction::Capture
        } else {
            Direction::Playback
        }
    }

    /// What was chosen; [`EINVAL`] before anything was.
    pub(crate) fn parameters(self) -> Result<Parameters> {
        // SAFETY: By the type invariants it is valid. The fields change only while no callback is
        // made that may ask for them.
        let (format, channels, rate_hz, period_frames, buffer_frames, frame_bits) = unsafe {
            let runtime = self.runtime();
            (
                (*runtime).format,
                (*runtime).channels,
                (*runtime).rate,
                (*runtime).period_size,
                (*runtime).buffer_size,
                (*runtime).frame_bits,
            )
        };
        if buffer_frames == 0 {
            return Err(EINVAL);
        }
        let format = Format::ALL
            .into_iter()
            .find(|known| c_int::try_from(known.into_raw()) == Ok(format))
            .ok_or(EINVAL)?;
        Ok(Parameters {
            format,
            channels,
            rate_hz,
            period_frames: period_frames.try_into()?,
            buffer_frames: buffer_frames.try_into()?,
            frame_bytes: frame_bits / 8,
        })
    }

    /// Where the ring is for the device.
    pub(crate) fn buffer_address(self) -> bindings::dma_addr_t {
        // SAFETY: By the type invariants it is valid. The memory changes with the parameters.
        unsafe { (*self.runtime()).dma_addr }
    }

    /// How far the application is: frames written, or read, since [`PcmDriver::prepare`], modulo
    /// [`Self::boundary_frames`].
    pub(crate) fn application_frames(self) -> u64 {
        // SAFETY: By the type invariants it is valid, and so is the page, which user space may have
        // mapped: it is read once.
        unsafe { ptr::read_volatile(&raw const (*(*self.runtime()).control).appl_ptr) as u64 }
    }

    /// What [`Self::application_frames`] never reaches: a multiple of the ring's frames.
    pub(crate) fn boundary_frames(self) -> u64 {
        // SAFETY: By the type invariants it is valid. It changes with the parameters.
        unsafe { (*self.runtime()).boundary as u64 }
    }

    /// The application wants the hardware to go on over frames that it has not written: it writes
    /// into the ring when it pleases, and says so by a threshold that is never reached.
    pub(crate) fn is_free_running(self) -> bool {
        // SAFETY: By the type invariants it is valid.
        unsafe { (*self.runtime()).stop_threshold > (*self.runtime()).buffer_size }
    }

    /// # Safety
    ///
    /// To be called in `open`, of which the type invariants hold.
    unsafe fn offer(self, capabilities: &Capabilities) -> Result {
        let runtime = self.runtime();
        // SAFETY: As the caller promises, nobody else uses the runtime yet.
        unsafe {
            (*runtime).hw = capabilities.raw();
            to_result(sound::snd_pcm_hw_constraint_minmax(
                runtime,
                sound::SNDRV_PCM_HW_PARAM_PERIOD_SIZE as _,
                *capabilities.period_frames.start(),
                *capabilities.period_frames.end(),
            ))
        }
    }
}

/// An open substream.
///
/// # Invariants
///
/// The pointer is valid and has a runtime as long as it is in its slot of [`Pcm`].
struct OpenSubstream(NonNull<sound::snd_pcm_substream>);

// SAFETY: It may be used on any thread, under the lock of its slot.
unsafe impl Send for OpenSubstream {}

/// A PCM device with one substream a direction.
#[pin_data]
pub(crate) struct Pcm<T> {
    #[pin]
    playback: SpinLockIrq<Option<OpenSubstream>>,
    #[pin]
    capture: SpinLockIrq<Option<OpenSubstream>>,
    #[pin]
    driver: T,
}

impl<T: PcmDriver> Pcm<T> {
    const OPERATIONS: sound::snd_pcm_ops = sound::snd_pcm_ops {
        open: Some(Self::open_callback),
        close: Some(Self::close_callback),
        prepare: Some(Self::prepare_callback),
        trigger: Some(Self::trigger_callback),
        pointer: Some(Self::pointer_callback),
        sync_stop: Some(Self::sync_stop_callback),
        ack: if T::HAS_ACKNOWLEDGE {
            Some(Self::ack_callback)
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// Adds a PCM device to `card`, with number `device`. The card has a share in it as long as it
    /// lives; whoever handles the interrupts has another.
    pub(crate) fn new(
        card: &NewCard<'_>,
        device: c_int,
        driver: impl PinInit<T, Error>,
    ) -> Result<Arc<Self>> {
        let this = Arc::pin_init(
            try_pin_init!(Self {
                playback <- new_spinlock_irq!(None),
                capture <- new_spinlock_irq!(None),
                driver <- driver,
            }),
            GFP_KERNEL,
        )?;
        let mut pcm = ptr::null_mut();
        // SAFETY: The card lives and is not registered yet; the name ends with a null.
        to_result(unsafe {
            let id = T::NAME.as_char_ptr();
            sound::snd_pcm_new(card.as_ptr(), id, device, 1, 1, &raw mut pcm)
        })?;
        // SAFETY: It was just made, and is the card's: nobody uses it before the card is registered.
        unsafe {
            (*pcm).private_data = Arc::into_raw(this.clone()).cast_mut().cast();
            (*pcm).private_free = Some(Self::free);
            copy_name(&mut (*pcm).name, T::NAME);
        }
        for direction in Direction::ALL {
            // SAFETY: As above; the operations live forever and find the `Self` that was set.
            unsafe {
                sound::snd_pcm_set_ops(pcm, direction.into_raw(), &raw const *Self::operations())
            };
        }
        // SAFETY: As above. The parent lives longer than the card. The memory is allocated when a
        // stream's parameters are chosen.
        to_result(unsafe {
            sound::snd_pcm_set_managed_buffer_all(
                pcm,
                sound::SNDRV_DMA_TYPE_DEV as c_int,
                card.parent(),
                0,
                0,
            )
        })?;
        Ok(this)
    }

    fn operations() -> &'static sound::snd_pcm_ops {
        const { &Self::OPERATIONS }
    }

    /// Its driver.
    pub(crate) fn driver(&self) -> &T {
        &self.driver
    }

    fn slot(&self, direction: Direction) -> &SpinLockIrq<Option<OpenSubstream>> {
        match direction {
            Direction::Playback => &self.playback,
            Direction::Capture => &self.capture,
        }
    }

    /// Tells the stream of `direction`, if it runs, that a period is over. In any context, without
    /// a lock that a callback takes.
    pub(crate) fn period_elapsed(&self, direction: Direction) {
        if let Some(open) = &*self.slot(direction).lock() {
            // SAFETY: By the type invariants it is valid: it leaves its slot, under the lock, before
            // it is closed. Who does not run is left alone.
            unsafe { sound::snd_pcm_period_elapsed(open.0.as_ptr()) };
        }
    }

    /// The hardware has stopped by itself, at the end of all that was written: which is what a drain
    /// waits for, and an xrun else. As of [`Self::period_elapsed`].
    pub(crate) fn ended(&self, direction: Direction) {
        let slot = self.slot(direction).lock();
        let Some(open) = &*slot else {
            return;
        };
        let substream = open.0.as_ptr();
        // SAFETY: By the type invariants it is valid, as above, and has a runtime. ALSA usually sees
        // by the position that nothing is left, unless it takes the end for a period that is short.
        unsafe {
            let flags = sound::_snd_pcm_stream_lock_irqsave(substream);
            sound::snd_pcm_period_elapsed_under_stream_lock(substream);
            if (*(*substream).runtime).state == sound::SNDRV_PCM_STATE_DRAINING as c_int {
                sound::snd_pcm_stop(substream, sound::SNDRV_PCM_STATE_SETUP as _);
            }
            sound::snd_pcm_stream_unlock_irqrestore(substream, flags);
            sound::snd_pcm_stop_xrun(substream);
        }
    }

    /// Stops the stream of `direction`, if one is open, and tells its user why. As of
    /// [`Self::period_elapsed`].
    pub(crate) fn stop(&self, direction: Direction, why: Stopped) {
        let slot = self.slot(direction).lock();
        let Some(open) = &*slot else {
            return;
        };
        let substream = open.0.as_ptr();
        // SAFETY: By the type invariants it is valid, as above. snd_pcm_stop() wants the stream's
        // lock.
        unsafe {
            match why {
                Stopped::Xrun => {
                    sound::snd_pcm_stop_xrun(substream);
                }
                Stopped::Disconnected => {
                    let flags = sound::_snd_pcm_stream_lock_irqsave(substream);
                    sound::snd_pcm_stop(substream, sound::SNDRV_PCM_STATE_DISCONNECTED as _);
                    sound::snd_pcm_stream_unlock_irqrestore(substream, flags);
                }
            }
        }
    }

    /// # Safety
    ///
    /// `substream` is what ALSA calls a callback of [`Self::OPERATIONS`] with, and `'a` its call.
    unsafe fn parts<'a>(substream: *mut sound::snd_pcm_substream) -> (&'a Self, Substream<'a>) {
        // SAFETY: ALSA copies `private_data` of the PCM device, which `new` set, and which owns it.
        let this = unsafe { &*(*substream).private_data.cast::<Self>() };
        // SAFETY: ALSA never calls with null.
        let substream = unsafe { NonNull::new_unchecked(substream) };
        // INVARIANT: ALSA makes the runtime before the first callback and frees it after the last.
        let substream = Substream {
            substream,
            _callback: PhantomData,
        };
        (this, substream)
    }

    /// # Safety
    ///
    /// To be called by ALSA with a substream of the device, as of the next six.
    unsafe extern "C" fn open_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        let direction = substream.direction();
        from_result(|| {
            // SAFETY: This is `open`.
            unsafe { substream.offer(&this.driver.capabilities(direction))? };
            this.driver.open(substream)?;
            // INVARIANT: It is valid until `close_callback` is through.
            *this.slot(direction).lock() = Some(OpenSubstream(substream.substream));
            Ok(0)
        })
    }

    unsafe extern "C" fn close_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        *this.slot(substream.direction()).lock() = None;
        this.driver.close(substream);
        0
    }

    unsafe extern "C" fn prepare_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| this.driver.prepare(substream).map(|()| 0))
    }

    unsafe extern "C" fn trigger_callback(
        substream: *mut sound::snd_pcm_substream,
        command: c_int,
    ) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| {
            let trigger = Trigger::from_raw(command)?;
            this.driver.trigger(substream, trigger).map(|()| 0)
        })
    }

    unsafe extern "C" fn pointer_callback(
        substream: *mut sound::snd_pcm_substream,
    ) -> sound::snd_pcm_uframes_t {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        match this.driver.position_frames(substream) {
            Ok(frames) => frames as sound::snd_pcm_uframes_t,
            // SNDRV_PCM_POS_XRUN, of which bindgen does not make a constant.
            Err(_) => sound::snd_pcm_uframes_t::MAX,
        }
    }

    unsafe extern "C" fn sync_stop_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| this.driver.sync_stop(substream).map(|()| 0))
    }

    unsafe extern "C" fn ack_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| this.driver.acknowledge(substream).map(|()| 0))
    }

    /// # Safety
    ///
    /// To be called by ALSA once for a PCM device that [`Self::new`] made, after all callbacks.
    unsafe extern "C" fn free(pcm: *mut sound::snd_pcm) {
        // SAFETY: It comes from `Arc::into_raw`, and the PCM device was its owner.
        drop(unsafe { Arc::from_raw((*pcm).private_data.cast::<Self>().cast_const()) });
    }
}
