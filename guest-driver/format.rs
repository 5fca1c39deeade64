// SPDX-License-Identifier: GPL-2.0

//! Sample formats: what user space writes and reads, and what the device takes and gives.

use crate::{
    dma_buffer::BUFFER_BYTES,
    hardware::Registers,
    registers::{
        RX_FORMAT,
        RX_SAMPLE,
        TX_FORMAT,
        TX_SAMPLE, //
    }, //
};
use core::ops::{
    Range,
    RangeInclusive, //
};
use kernel::{
    io::{
        register::Register,
        Io, //
    },
    prelude::*, //
};

/// Layout of one sample in the bytes of user space.
#[derive(Clone, Copy)]
enum Sample {
    /// Unsigned, silence at 128, as WAV files have it.
    Unsigned8,
    /// Two's complement, little endian.
    Signed16,
    /// Two's complement, little endian, packed in three bytes.
    Signed24,
    /// Two's complement, little endian.
    Signed32,
}

impl Sample {
    const fn bits(self) -> u32 {
        match self {
            Sample::Unsigned8 => TX_FORMAT::SAMPLE_BITS_SIGNED_8,
            Sample::Signed16 => TX_FORMAT::SAMPLE_BITS_SIGNED_16,
            Sample::Signed24 => TX_FORMAT::SAMPLE_BITS_SIGNED_24,
            Sample::Signed32 => TX_FORMAT::SAMPLE_BITS_SIGNED_32,
        }
    }

    const fn bytes(self) -> usize {
        self.bits() as usize / 8
    }

    /// Converts `bytes`, which are [`Self::bytes`] long, to two's complement in the low bits.
    fn to_register(self, bytes: &[u8]) -> u32 {
        match (self, bytes) {
            (Sample::Unsigned8, &[only]) => u32::from(only ^ 0x80),
            (_, &[low, high]) => u32::from_le_bytes([low, high, 0, 0]),
            (_, &[low, middle, high]) => u32::from_le_bytes([low, middle, high, 0]),
            (_, &[lowest, low, high, highest]) => u32::from_le_bytes([lowest, low, high, highest]),
            _ => 0,
        }
    }

    /// Converts `value` back, to `bytes` that are [`Self::bytes`] long.
    fn write_bytes(self, value: u32, bytes: &mut [u8]) {
        for (byte, value) in bytes.iter_mut().zip(value.to_le_bytes()) {
            *byte = match self {
                Sample::Unsigned8 => value ^ 0x80,
                _ => value,
            };
        }
    }
}

/// A format that the device plays and records without loss.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    sample: Sample,
    channels: u32,
}

impl Format {
    /// The format of the device after a reset: 24 bits, two channels.
    pub(crate) const DEFAULT: Self = Self {
        sample: Sample::Signed24,
        channels: TX_FORMAT::CHANNELS_STEREO,
    };

    const CHANNELS: RangeInclusive<u32> = TX_FORMAT::CHANNELS_MINIMUM..=TX_FORMAT::CHANNELS_MAXIMUM;

    /// The format with `sample_bits` (8, 16, 24, 32) and `channels` (1 to 8); [`EINVAL`] for all
    /// others.
    pub(crate) fn new(sample_bits: u32, channels: u32) -> Result<Self> {
        let sample = match sample_bits {
            TX_FORMAT::SAMPLE_BITS_SIGNED_8 => Sample::Unsigned8,
            TX_FORMAT::SAMPLE_BITS_SIGNED_16 => Sample::Signed16,
            TX_FORMAT::SAMPLE_BITS_SIGNED_24 => Sample::Signed24,
            TX_FORMAT::SAMPLE_BITS_SIGNED_32 => Sample::Signed32,
            _ => return Err(EINVAL),
        };
        if !Self::CHANNELS.contains(&channels) {
            return Err(EINVAL);
        }
        Ok(Self { sample, channels })
    }

    /// Bytes of a frame in user space: 1 to 32.
    pub(crate) fn frame_bytes(self) -> usize {
        self.sample.bytes() * self.channels as usize
    }

    /// Where `frames` are in the buffer from `offset` on; [`EINVAL`] if there are none or the
    /// buffer ends before.
    pub(crate) fn range(self, offset: u32, frames: u32) -> Result<Range<usize>> {
        let start = offset as usize;
        let length = (frames as usize).checked_mul(self.frame_bytes());
        let end = length.and_then(|length| start.checked_add(length));
        end.filter(|end| frames > 0 && *end <= BUFFER_BYTES)
            .map(|end| start..end)
            .ok_or(EINVAL)
    }

    /// The value of the transmitter's format register.
    pub(crate) fn tx_register(self) -> Result<TX_FORMAT> {
        Ok(TX_FORMAT::zeroed()
            .try_with_sample_bits(self.sample.bits())?
            .try_with_channels(self.channels)?
            // As in user space.
            .with_packed(true))
    }

    /// Puts a frame, [`Self::frame_bytes`] long, into the FIFO of a transmitter of this format. Two
    /// samples are one access.
    pub(crate) fn transmit(self, registers: &Registers<'_>, frame: &[u8]) -> Result {
        let sample_bytes = self.sample.bytes();
        let mut offset = TX_SAMPLE::OFFSET;
        for pair in frame.chunks(2 * sample_bytes) {
            let (first, second) = pair.split_at_checked(sample_bytes).ok_or(EINVAL)?;
            let first = self.sample.to_register(first);
            if second.is_empty() {
                registers.try_write32(first, offset)?;
            } else {
                let second = self.sample.to_register(second);
                registers.try_write64(u64::from(first) | u64::from(second) << 32, offset)?;
            }
            offset += size_of::<u64>();
        }
        Ok(())
    }

    /// The value of the receiver's format register.
    pub(crate) fn rx_register(self) -> Result<RX_FORMAT> {
        Ok(RX_FORMAT::zeroed()
            .try_with_sample_bits(self.sample.bits())?
            .try_with_channels(self.channels)?
            .with_packed(true))
    }

    /// Takes a frame, [`Self::frame_bytes`] long, out of the FIFO of a receiver of this format. Two
    /// samples are one access.
    pub(crate) fn receive(self, registers: &Registers<'_>, frame: &mut [u8]) -> Result {
        let sample_bytes = self.sample.bytes();
        let mut offset = RX_SAMPLE::OFFSET;
        for pair in frame.chunks_mut(2 * sample_bytes) {
            let (first, second) = pair.split_at_mut_checked(sample_bytes).ok_or(EINVAL)?;
            let samples = if second.is_empty() {
                u64::from(registers.try_read32(offset)?)
            } else {
                registers.try_read64(offset)?
            };
            self.sample.write_bytes(samples as u32, first);
            self.sample.write_bytes((samples >> 32) as u32, second);
            offset += size_of::<u64>();
        }
        Ok(())
    }
}
