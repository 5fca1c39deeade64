// SPDX-License-Identifier: GPL-2.0

//! What streams of samples can be, what their users choose of it, and what they are told to do.
//!
//! C header: [`include/uapi/sound/asound.h`](srctree/include/uapi/sound/asound.h)

use super::bindings as sound;
use core::ops::RangeInclusive;
use kernel::prelude::*;

/// Which way the samples of a stream go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From memory to the hardware.
    Playback,
    /// From the hardware to memory.
    Capture,
}

impl Direction {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Playback, Self::Capture];

    pub(super) const fn into_raw(self) -> c_int {
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
    pub(super) const ALL: [Self; 5] = [
        Self::S8,
        Self::S16,
        Self::S24,
        Self::S24Packed,
        Self::S32, //
    ];

    pub(super) const fn into_raw(self) -> u32 {
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
    /// [`acknowledge`](super::pcm::PcmDriver::acknowledge) is called whenever it moves, and it
    /// never moves back.
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

    pub(super) fn raw(&self) -> sound::snd_pcm_hardware {
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
    /// Stop with the last frame that was written, and have [`ended`](super::pcm::Pcm::ended) called
    /// then.
    Drain,
}

impl Trigger {
    pub(super) fn from_raw(command: c_int) -> Result<Self> {
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
    /// The hardware has lost what it was told when the stream was prepared: the application has to
    /// prepare it again, as after an xrun, also if it has not started it yet.
    Reset,
    /// The hardware is gone.
    Disconnected,
}
