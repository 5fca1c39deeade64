// SPDX-License-Identifier: GPL-2.0

//! The substream that a callback of a PCM device is for.
//!
//! C header: [`include/sound/pcm.h`](srctree/include/sound/pcm.h)

use super::{
    bindings as sound,
    stream::{
        Capabilities,
        Direction,
        Format,
        Parameters, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

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
    /// # Safety
    ///
    /// `substream` is what ALSA calls a callback with, and `'a` its call.
    pub(super) unsafe fn from_raw(substream: *mut sound::snd_pcm_substream) -> Self {
        // INVARIANT: ALSA makes the runtime before the first callback and frees it after the last.
        Self {
            // SAFETY: ALSA never calls with null.
            substream: unsafe { NonNull::new_unchecked(substream) },
            _callback: PhantomData,
        }
    }

    pub(super) fn as_ptr(self) -> NonNull<sound::snd_pcm_substream> {
        self.substream
    }

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

    /// Copies what is in the ring from byte `offset` on; [`EINVAL`] past its end.
    pub(crate) fn read_buffer(self, offset: usize, destination: &mut [u8]) -> Result {
        let source = self.buffer(offset, destination.len())?;
        // SAFETY: `source` has as many bytes, and nobody else knows of `destination`. The
        // application may write them meanwhile, which memcpy() does not mind.
        unsafe {
            bindings::memcpy(
                destination.as_mut_ptr().cast(),
                source.as_ptr().cast(),
                destination.len(),
            )
        };
        Ok(())
    }

    /// Copies to the ring, from byte `offset` on; [`EINVAL`] past its end.
    pub(crate) fn write_buffer(self, offset: usize, source: &[u8]) -> Result {
        let destination = self.buffer(offset, source.len())?;
        // SAFETY: `destination` has as many bytes. The application may read them meanwhile, which
        // memcpy() does not mind.
        unsafe {
            bindings::memcpy(
                destination.as_ptr().cast(),
                source.as_ptr().cast(),
                source.len(),
            )
        };
        Ok(())
    }

    /// Where the `length` bytes of the ring from byte `offset` on are.
    fn buffer(self, offset: usize, length: usize) -> Result<NonNull<u8>> {
        // SAFETY: By the type invariants it is valid. The memory changes with the parameters.
        let (area, bytes) = unsafe { ((*self.runtime()).dma_area, (*self.runtime()).dma_bytes) };
        let end = offset.checked_add(length).ok_or(EINVAL)?;
        if end > bytes {
            return Err(EINVAL);
        }
        let area = NonNull::new(area).ok_or(EINVAL)?;
        // SAFETY: It is in the area, or at its end.
        Ok(unsafe { area.add(offset) })
    }

    /// How far the application is: frames written, or read, since
    /// [`prepare`](super::pcm::PcmDriver::prepare), modulo [`Self::boundary_frames`].
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

    /// Says what the stream can be.
    ///
    /// # Safety
    ///
    /// To be called in the callback that opens the stream.
    pub(super) unsafe fn offer(self, capabilities: &Capabilities) -> Result {
        let runtime = self.runtime();
        // SAFETY: As the caller promises, nobody else uses the runtime yet.
        unsafe {
            (*runtime).hw = capabilities.raw();
            to_result(sound::snd_pcm_hw_constraint_minmax(
                runtime,
                sound::SNDRV_PCM_HW_PARAM_PERIOD_SIZE as sound::snd_pcm_hw_param_t,
                *capabilities.period_frames.start(),
                *capabilities.period_frames.end(),
            ))
        }
    }
}
