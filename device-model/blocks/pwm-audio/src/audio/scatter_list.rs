//! The list of pieces of guest memory that DMA goes through.

use serde::{Deserialize, Serialize};

use super::memory_format::SampleFormat;

/// A piece of guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    address: u64,
    /// Not 0.
    bytes: u32,
}

/// The list as it was read, and the place that DMA is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScatterList {
    entries: Vec<Entry>,
    cyclic: bool,
    /// Frames that all the entries have together.
    pub(super) frames: u64,
    index: usize,
    /// Bytes of the entry that DMA is through with.
    offset: u32,
}

impl ScatterList {
    /// Bytes that an entry takes in guest memory.
    pub(super) const ENTRY_BYTES: usize = 16;

    /// The list that `bytes` are; none if it has no entries, one of them no bytes, or not all bytes make frames.
    pub(super) fn parse(bytes: &[u8], format: SampleFormat, cyclic: bool) -> Option<Self> {
        let entries: Vec<Entry> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|entry: &[u8; Self::ENTRY_BYTES]| {
                let value = u128::from_le_bytes(*entry);
                Entry { address: value as u64, bytes: (value >> 64) as u32 }
            })
            .collect();
        let total_bytes: u64 = entries.iter().map(|entry| u64::from(entry.bytes)).sum();
        let frame_bytes = format.frame_bytes() as u64;
        let good = !entries.is_empty()
            && entries.iter().all(|entry| entry.bytes > 0)
            && total_bytes.is_multiple_of(frame_bytes);
        good.then_some(Self { entries, cyclic, frames: total_bytes / frame_bytes, index: 0, offset: 0 })
    }

    pub(super) fn is_possible(&self) -> bool {
        let in_entry = self.entries.get(self.index).is_none_or(|entry| self.offset < entry.bytes);
        in_entry && self.frames > 0 && !self.entries.is_empty() && (!self.cyclic || self.index < self.entries.len())
    }

    pub(super) fn is_cyclic(&self) -> bool {
        self.cyclic
    }

    /// The entry that DMA is at, from 0; their number when it is through.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Bytes that the entry still has; none when DMA is through with the list.
    pub(super) fn rest_bytes(&self) -> Option<usize> {
        self.entries.get(self.index).map(|entry| (entry.bytes - self.offset) as usize)
    }

    /// Where the next transfer begins; none past address 2^64.
    pub(super) fn address(&self) -> Option<u64> {
        self.entries.get(self.index).and_then(|entry| entry.address.checked_add(self.offset.into()))
    }

    /// DMA has moved `bytes` more, not more than [`Self::rest_bytes`].
    pub(super) fn pass(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(bytes as u32);
        if self.entries.get(self.index).is_some_and(|entry| self.offset >= entry.bytes) {
            (self.index, self.offset) = (self.index + 1, 0);
            if self.cyclic {
                self.index %= self.entries.len();
            }
        }
    }

    /// Of frames that have gone through the list, those of this pass.
    pub(super) fn position(&self, frames: u64) -> u64 {
        if self.cyclic { frames % self.frames } else { frames }
    }
}
