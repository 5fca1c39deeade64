// SPDX-License-Identifier: GPL-2.0

//! Sample formats: what user space writes and what the device takes.

use crate::registers::TX_FORMAT;
use kernel::prelude::*;

/// Layout of one sample in the bytes that user space writes.
#[derive(Clone, Copy)]
enum Sample {
    /// Unsigned, silence at 128, as WAV files have it.
    Unsigned8,
    /// Two's complement, little endian.
    Signed16,
    /// Two's complement, little endian, packed in three bytes.
    Signed24,
}

impl Sample {
    const fn bytes(self) -> usize {
        match self {
            Sample::Unsigned8 => 1,
            Sample::Signed16 => 2,
            Sample::Signed24 => 3,
        }
    }

    /// Converts `bytes`, which are [`Self::bytes`] long, to two's complement in the low bits.
    fn to_register(self, bytes: &[u8]) -> u32 {
        match (self, bytes) {
            (Sample::Unsigned8, &[only]) => u32::from(only ^ 0x80),
            (_, &[low, high]) => u32::from_le_bytes([low, high, 0, 0]),
            (_, &[low, middle, high]) => u32::from_le_bytes([low, middle, high, 0]),
            _ => 0,
        }
    }
}

/// A format that the device plays without loss.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    sample: Sample,
    stereo: bool,
}

impl Format {
    /// The format of the device after a reset: 24 bits, two channels.
    pub(crate) const DEFAULT: Self = Self {
        sample: Sample::Signed24,
        stereo: true,
    };

    /// The format with `sample_bits` (8, 16, 24) and `channels` (1, 2); [`EINVAL`] for all others.
    pub(crate) fn new(sample_bits: u32, channels: u32) -> Result<Self> {
        let sample = match sample_bits {
            TX_FORMAT::SAMPLE_BITS_SIGNED_8 => Sample::Unsigned8,
            TX_FORMAT::SAMPLE_BITS_SIGNED_16 => Sample::Signed16,
            TX_FORMAT::SAMPLE_BITS_SIGNED_24 => Sample::Signed24,
            _ => return Err(EINVAL),
        };
        let stereo = match channels {
            TX_FORMAT::CHANNELS_MONO => false,
            TX_FORMAT::CHANNELS_STEREO => true,
            _ => return Err(EINVAL),
        };
        Ok(Self { sample, stereo })
    }

    pub(crate) fn is_stereo(self) -> bool {
        self.stereo
    }

    /// Bytes of a frame as user space writes it: 1 to 6.
    pub(crate) fn frame_bytes(self) -> usize {
        let channels = if self.stereo { 2 } else { 1 };
        self.sample.bytes() * channels
    }

    /// Converts one frame, [`Self::frame_bytes`] long, to the layout of
    /// [`Ring`](crate::ring::Ring).
    pub(crate) fn frame(self, bytes: &[u8]) -> u64 {
        let (left, right) = if self.stereo {
            bytes
                .split_at_checked(self.sample.bytes())
                .unwrap_or_default()
        } else {
            (bytes, [].as_slice())
        };
        u64::from(self.sample.to_register(left)) | u64::from(self.sample.to_register(right)) << 32
    }

    /// The value of the format register.
    pub(crate) fn register(self) -> TX_FORMAT {
        type Register = TX_FORMAT;
        let format = Register::zeroed();
        let format = match self.sample {
            Sample::Unsigned8 => {
                format.with_const_sample_bits::<{ Register::SAMPLE_BITS_SIGNED_8 }>()
            }
            Sample::Signed16 => {
                format.with_const_sample_bits::<{ Register::SAMPLE_BITS_SIGNED_16 }>()
            }
            Sample::Signed24 => {
                format.with_const_sample_bits::<{ Register::SAMPLE_BITS_SIGNED_24 }>()
            }
        };
        if self.stereo {
            format.with_const_channels::<{ Register::CHANNELS_STEREO }>()
        } else {
            format.with_const_channels::<{ Register::CHANNELS_MONO }>()
        }
    }
}
