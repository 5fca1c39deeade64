// SPDX-License-Identifier: GPL-2.0

//! Frames on their way between user space and the device, in the layout of user space.

use kernel::prelude::*;

/// Frames that a [`Ring`] holds.
pub(crate) const CAPACITY_FRAMES: usize = 16_384;

// Positions wrap by masking: no division.
const POSITION_MASK: usize = CAPACITY_FRAMES - 1;
kernel::static_assert!(CAPACITY_FRAMES.is_power_of_two());

/// A ring of frames.
///
/// While looping, [`pop`](Ring::pop) goes over the same frames again and again.
pub(crate) struct Ring {
    /// Room for [`CAPACITY_FRAMES`], once [`prepare`](Self::prepare) has been called.
    bytes: KVVec<u8>,
    frame_bytes: usize,
    /// Position of the oldest frame.
    start: usize,
    /// Frames held, `played` included.
    length: usize,
    /// Frames from `start` on that the current pass of the loop has popped; 0 when not looping.
    played: usize,
    looping: bool,
}

impl Ring {
    /// An empty ring that does not loop, without memory.
    pub(crate) fn new() -> Self {
        Self {
            bytes: KVVec::new(),
            frame_bytes: 0,
            start: 0,
            length: 0,
            played: 0,
            looping: false,
        }
    }

    /// Gets an empty ring the memory for frames of `frame_bytes`.
    pub(crate) fn prepare(&mut self, frame_bytes: usize) -> Result {
        if self.frame_bytes != frame_bytes {
            self.bytes = KVVec::from_elem(0, CAPACITY_FRAMES * frame_bytes, GFP_KERNEL)?;
            self.frame_bytes = frame_bytes;
        }
        Ok(())
    }

    /// Frames that can be pushed.
    pub(crate) fn room(&self) -> usize {
        CAPACITY_FRAMES - self.length
    }

    /// Whether [`pop`](Self::pop) has nothing to give until more frames are pushed.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether frames stay in the ring when they are popped.
    pub(crate) fn is_looping(&self) -> bool {
        self.looping
    }

    /// Frames held.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Appends a frame. Returns whether there was room for it, and memory.
    #[must_use]
    pub(crate) fn push(&mut self, frame: &[u8]) -> bool {
        let Some(slot) = self.slot().filter(|slot| slot.len() == frame.len()) else {
            return false;
        };
        slot.copy_from_slice(frame);
        self.length += 1;
        true
    }

    /// Appends the frame that `write` makes. [`ENOSPC`] if there is no room for it, or no memory.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut [u8]) -> Result) -> Result {
        write(self.slot().ok_or(ENOSPC)?)?;
        self.length += 1;
        Ok(())
    }

    /// Where the next frame goes.
    fn slot(&mut self) -> Option<&mut [u8]> {
        if self.room() == 0 || self.frame_bytes == 0 {
            return None;
        }
        let start = ((self.start + self.length) & POSITION_MASK) * self.frame_bytes;
        self.bytes.get_mut(start..start + self.frame_bytes)
    }

    /// The oldest frame, or the next one of the loop.
    pub(crate) fn pop(&mut self) -> Option<&[u8]> {
        if self.is_empty() {
            return None;
        }
        let position = if self.looping {
            if self.played == self.length {
                self.played = 0;
            }
            self.played += 1;
            self.start + self.played - 1
        } else {
            let position = self.start;
            self.discard(1);
            position
        };
        let start = (position & POSITION_MASK) * self.frame_bytes;
        self.bytes.get(start..start + self.frame_bytes)
    }

    /// Turns looping on or off. After turning it off, [`pop`](Self::pop) gives what is left of the
    /// current pass.
    pub(crate) fn set_looping(&mut self, looping: bool) {
        if self.looping && !looping {
            self.discard(self.played);
            self.played = 0;
        }
        self.looping = looping;
    }

    /// Forgets all frames.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
        self.played = 0;
    }

    fn discard(&mut self, frames: usize) {
        self.start = (self.start + frames) & POSITION_MASK;
        self.length -= frames;
    }
}
