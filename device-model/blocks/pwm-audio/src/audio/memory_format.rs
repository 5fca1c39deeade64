//! Samples, and how they lie in memory: little endian, channel after channel, frame after frame.

use device::{Frame, MAXIMUM_CHANNELS};
use serde::{Deserialize, Serialize};

/// The most bytes that a frame takes.
pub(super) const MAXIMUM_FRAME_BYTES: usize = 4 * MAXIMUM_CHANNELS;

/// What the FORMAT register says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SampleFormat {
    /// 8, 16, 24 or 32.
    pub(super) bits: u32,
    /// 1 to 8.
    pub(super) channels: usize,
    /// 24 bits take 3 bytes.
    pub(super) packed: bool,
}

impl SampleFormat {
    pub(super) fn is_possible(self) -> bool {
        matches!(self.bits, 8 | 16 | 24 | 32) && (1..=MAXIMUM_CHANNELS).contains(&self.channels)
    }

    pub(super) fn sample_bytes(self) -> usize {
        match self.bits {
            8 => 1,
            16 => 2,
            24 if self.packed => 3,
            _ => 4,
        }
    }

    pub(super) fn frame_bytes(self) -> usize {
        self.sample_bytes() * self.channels
    }

    /// The sample in the low bits of `value`, its sign extended.
    pub(super) fn sample(self, value: i32) -> i32 {
        let unused = 32 - self.bits;
        value << unused >> unused
    }

    /// A sample as a part of 2^32, 0 the lowest there is.
    pub(super) fn fraction(self, sample: i32) -> u32 {
        (sample.cast_unsigned() << (32 - self.bits)) ^ 0x8000_0000
    }

    /// The frame that has so much of each sample as this format has bits and channels, of one that has `from`'s.
    pub(super) fn converted(self, frame: Frame, from: Self) -> Frame {
        let mut converted = Frame::default();
        for (sample, original) in converted.iter_mut().zip(frame).take(self.channels) {
            *sample = original << (32 - from.bits) >> (32 - self.bits);
        }
        converted
    }

    /// The frame at the start of `bytes`; what is not there is 0.
    pub(super) fn decode(self, bytes: &[u8]) -> Frame {
        let mut frame = Frame::default();
        let pieces = bytes.chunks_exact(self.sample_bytes());
        for (sample, piece) in frame.iter_mut().zip(pieces).take(self.channels) {
            let value = match *piece {
                [low] => i32::from(low),
                [low, high] => i32::from(i16::from_le_bytes([low, high])),
                [low, middle, high] => i32::from_le_bytes([low, middle, high, 0]),
                [first, second, third, fourth] => i32::from_le_bytes([first, second, third, fourth]),
                _ => 0,
            };
            *sample = self.sample(value);
        }
        frame
    }

    /// Appends the frame to `bytes`.
    pub(super) fn encode(self, frame: &Frame, bytes: &mut Vec<u8>) {
        let sample_bytes = self.sample_bytes();
        for sample in &frame[..self.channels] {
            bytes.extend_from_slice(&sample.to_le_bytes()[..sample_bytes]);
        }
    }
}
