// SPDX-License-Identifier: GPL-2.0

//! The frames that user space has written and the device has not taken yet.

use kernel::prelude::*;

/// Frames that a [`Ring`] holds.
pub(crate) const CAPACITY_FRAMES: usize = 16_384;

// Positions wrap by masking: no division, and an index the compiler can see to be in bounds.
const POSITION_MASK: usize = CAPACITY_FRAMES - 1;
kernel::static_assert!(CAPACITY_FRAMES.is_power_of_two());

/// A ring of frames in the layout of the transmit registers: the left sample in bits 31:0, the
/// right sample, if there is one, in bits 63:32.
///
/// While looping, [`pop`](Ring::pop) goes over the same frames again and again.
pub(crate) struct Ring {
    frames: KVBox<[u64; CAPACITY_FRAMES]>,
    /// Position of the oldest frame.
    start: usize,
    /// Frames held, `played` included.
    length: usize,
    /// Frames from `start` on that the current pass of the loop has popped; 0 when not looping.
    played: usize,
    looping: bool,
}

impl Ring {
    /// An empty ring that does not loop.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            frames: KVBox::init(pin_init::init_zeroed(), GFP_KERNEL)?,
            start: 0,
            length: 0,
            played: 0,
            looping: false,
        })
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

    /// Appends a frame. Returns whether there was room for it.
    #[must_use]
    pub(crate) fn push(&mut self, frame: u64) -> bool {
        if self.room() == 0 {
            return false;
        }
        self.frames[(self.start + self.length) & POSITION_MASK] = frame;
        self.length += 1;
        true
    }

    /// The next frame to play.
    pub(crate) fn pop(&mut self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        if self.looping {
            if self.played == self.length {
                self.played = 0;
            }
            let frame = self.frames[(self.start + self.played) & POSITION_MASK];
            self.played += 1;
            Some(frame)
        } else {
            let frame = self.frames[self.start & POSITION_MASK];
            self.discard(1);
            Some(frame)
        }
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

    fn discard(&mut self, frames: usize) {
        self.start = (self.start + frames) & POSITION_MASK;
        self.length -= frames;
    }
}
