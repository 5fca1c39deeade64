//! The ring in the sample window.

use device::SampleWindow;
use serde::{Deserialize, Serialize};

use super::fifo::Fifo;
use super::memory_format::{MAXIMUM_FRAME_BYTES, SampleFormat};
use super::settings::Settings;

/// Bytes that are moved at once.
const PIECE_BYTES: usize = 128 * MAXIMUM_FRAME_BYTES;

/// A ring at work. Software's index is a setting: it may move at any time, and is less than `frames`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ring {
    offset: u64,
    /// Two or more.
    frames: u32,
    /// The hardware's index.
    pub(super) index: u32,
}

impl Ring {
    /// The ring that the settings describe; none if there cannot be one in the window.
    pub(super) fn new(settings: &Settings, window: Option<&SampleWindow>) -> Option<Self> {
        let (offset, frames) = (u64::from(settings.ring_offset), settings.ring_frames);
        let bytes = u64::from(frames) * settings.format.frame_bytes() as u64;
        let fits = window.is_some_and(|window| offset + bytes <= window.bytes() as u64);
        (fits && frames >= 2 && settings.software_index < frames).then_some(Self { offset, frames, index: 0 })
    }

    pub(super) fn is_possible(&self, settings: &Settings) -> bool {
        self.frames >= 2 && self.index < self.frames && settings.software_index < self.frames
    }

    /// Frames from index `from` up to index `to`.
    fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from { to - from } else { to + (self.frames - from) }
    }

    /// Frames that the transmitter may take.
    pub(super) fn available(&self, producer: u32) -> usize {
        self.distance(self.index, producer) as usize
    }

    /// Frames that the receiver may write.
    pub(super) fn free(&self, consumer: u32) -> usize {
        (self.frames - 1 - self.distance(consumer, self.index)) as usize
    }

    /// How many of `frames` lie in one piece from the hardware's index on, and where that piece begins.
    fn piece(&self, frames: usize, frame_bytes: usize) -> (usize, u64) {
        let count = frames.min((self.frames - self.index) as usize).min(PIECE_BYTES / frame_bytes);
        (count, self.offset + u64::from(self.index) * frame_bytes as u64)
    }

    fn pass(&mut self, frames: usize) {
        self.index = (self.index + frames as u32) % self.frames;
    }

    /// Moves what there is, and fits, into the FIFO.
    pub(super) fn take(&mut self, producer: u32, format: SampleFormat, window: &SampleWindow, fifo: &mut Fifo) {
        let frame_bytes = format.frame_bytes();
        let mut bytes = [0; PIECE_BYTES];
        loop {
            let (count, offset) = self.piece(self.available(producer).min(fifo.room()), frame_bytes);
            if count == 0 {
                return;
            }
            let bytes = &mut bytes[..count * frame_bytes];
            window.read(offset, bytes);
            for frame in bytes.chunks_exact(frame_bytes) {
                fifo.push(format.decode(frame));
            }
            self.pass(count);
        }
    }

    /// Moves what the FIFO has, and fits, into the ring: how many frames.
    pub(super) fn put(&mut self, consumer: u32, format: SampleFormat, window: &SampleWindow, fifo: &mut Fifo) -> usize {
        let mut moved = 0;
        let mut bytes = Vec::new();
        loop {
            let (count, offset) = self.piece(self.free(consumer).min(fifo.len()), format.frame_bytes());
            if count == 0 {
                return moved;
            }
            bytes.clear();
            for frame in std::iter::from_fn(|| fifo.pop()).take(count) {
                format.encode(&frame, &mut bytes);
            }
            window.write(offset, &bytes);
            self.pass(count);
            moved += count;
        }
    }
}
