// SPDX-License-Identifier: GPL-2.0

//! PCM devices: streams of samples between a ring of frames in memory and the hardware.
//!
//! C header: [`include/sound/pcm.h`](srctree/include/sound/pcm.h)

use super::{
    bindings as sound,
    card::{
        copy_name,
        NewCard, //
    },
    stream::{
        Capabilities,
        Direction,
        Stopped,
        Trigger, //
    },
    substream::Substream, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
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

/// What the ring of a stream is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// In one piece, for DMA by the card's parent.
    Dma,
    /// For the processor only.
    Virtual,
}

/// A PCM device's driver. A callback concerns one direction, that of its substream, and the two
/// know nothing of each other.
#[vtable]
pub(crate) trait PcmDriver: Send + Sync + 'static {
    /// What user space calls the device.
    const NAME: &'static CStr;
    /// What memory the hardware needs.
    const MEMORY: Memory;

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

    /// Where in the ring the hardware is, in frames, less than those of the ring. An error stops
    /// the stream, as [`Stopped::Xrun`].
    fn position_frames(&self, substream: Substream<'_>) -> Result<u32>;

    /// The stream has been stopped, and its memory may be given up next: waits until the hardware
    /// does not use it any more. May sleep.
    fn sync_stop(&self, substream: Substream<'_>) -> Result;

    /// The application has moved, to [`Substream::application_frames`].
    fn acknowledge(&self, _substream: Substream<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
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
        // SAFETY: It was just made, and is the card's: nobody uses it before the card is
        // registered.
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
        let (memory, device) = match T::MEMORY {
            Memory::Dma => (sound::SNDRV_DMA_TYPE_DEV, card.parent()),
            Memory::Virtual => (sound::SNDRV_DMA_TYPE_VMALLOC, ptr::null_mut()),
        };
        // SAFETY: As above. The parent lives longer than the card. The memory is allocated when a
        // stream's parameters are chosen.
        to_result(unsafe {
            sound::snd_pcm_set_managed_buffer_all(pcm, memory as c_int, device, 0, 0)
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
            // SAFETY: By the type invariants it is valid: it leaves its slot, under the lock,
            // before it is closed. Who does not run is left alone.
            unsafe { sound::snd_pcm_period_elapsed(open.0.as_ptr()) };
        }
    }

    /// The hardware has stopped by itself, at the end of all that was written: which is what a
    /// drain waits for, and an xrun else. As of [`Self::period_elapsed`].
    pub(crate) fn ended(&self, direction: Direction) {
        let slot = self.slot(direction).lock();
        let Some(open) = &*slot else {
            return;
        };
        let substream = open.0.as_ptr();
        // SAFETY: By the type invariants it is valid, as above, and has a runtime. ALSA usually
        // sees by the position that nothing is left, unless it takes the end for a period that is
        // short.
        unsafe {
            let flags = sound::_snd_pcm_stream_lock_irqsave(substream);
            sound::snd_pcm_period_elapsed_under_stream_lock(substream);
            if (*(*substream).runtime).state
                == sound::SNDRV_PCM_STATE_DRAINING as sound::snd_pcm_state_t
            {
                sound::snd_pcm_stop(
                    substream,
                    sound::SNDRV_PCM_STATE_SETUP as sound::snd_pcm_state_t,
                );
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
                Stopped::Reset => {
                    let flags = sound::_snd_pcm_stream_lock_irqsave(substream);
                    if matches!(
                        (*(*substream).runtime).state as c_uint,
                        sound::SNDRV_PCM_STATE_PREPARED
                            | sound::SNDRV_PCM_STATE_RUNNING
                            | sound::SNDRV_PCM_STATE_DRAINING
                            | sound::SNDRV_PCM_STATE_PAUSED
                    ) {
                        sound::snd_pcm_stop(
                            substream,
                            sound::SNDRV_PCM_STATE_XRUN as sound::snd_pcm_state_t,
                        );
                    }
                    sound::snd_pcm_stream_unlock_irqrestore(substream, flags);
                }
                Stopped::Disconnected => {
                    let flags = sound::_snd_pcm_stream_lock_irqsave(substream);
                    sound::snd_pcm_stop(
                        substream,
                        sound::SNDRV_PCM_STATE_DISCONNECTED as sound::snd_pcm_state_t,
                    );
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
        // SAFETY: As the caller promises.
        (this, unsafe { Substream::from_raw(substream) })
    }

    /// # Safety
    ///
    /// To be called by ALSA with a substream of the device.
    unsafe extern "C" fn open_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        let direction = substream.direction();
        from_result(|| {
            // SAFETY: This is `open`.
            unsafe { substream.offer(&this.driver.capabilities(direction))? };
            this.driver.open(substream)?;
            // INVARIANT: It is valid until `close_callback` is through.
            *this.slot(direction).lock() = Some(OpenSubstream(substream.as_ptr()));
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
    unsafe extern "C" fn close_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        *this.slot(substream.direction()).lock() = None;
        this.driver.close(substream);
        0
    }

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
    unsafe extern "C" fn prepare_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| this.driver.prepare(substream).map(|()| 0))
    }

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
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

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
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

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
    unsafe extern "C" fn sync_stop_callback(substream: *mut sound::snd_pcm_substream) -> c_int {
        // SAFETY: As the caller promises.
        let (this, substream) = unsafe { Self::parts(substream) };
        from_result(|| this.driver.sync_stop(substream).map(|()| 0))
    }

    /// # Safety
    ///
    /// As of [`Self::open_callback`].
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
