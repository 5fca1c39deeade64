//! The FIFO of one side.

use std::collections::VecDeque;

use device::Frame;
use serde::{Deserialize, Serialize};

/// Frames in their order, at most [`Fifo::FRAMES`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "VecDeque<Frame>", into = "VecDeque<Frame>")]
pub(super) struct Fifo(VecDeque<Frame>);

impl Default for Fifo {
    fn default() -> Self {
        Self(VecDeque::with_capacity(Self::FRAMES))
    }
}

impl TryFrom<VecDeque<Frame>> for Fifo {
    type Error = String;

    fn try_from(mut frames: VecDeque<Frame>) -> Result<Self, String> {
        if frames.len() > Self::FRAMES {
            return Err(format!("a FIFO has at most {} frames, not {}", Self::FRAMES, frames.len()));
        }
        frames.reserve(Self::FRAMES - frames.len());
        Ok(Self(frames))
    }
}

impl From<Fifo> for VecDeque<Frame> {
    fn from(fifo: Fifo) -> Self {
        fifo.0
    }
}

impl Fifo {
    /// Its depth.
    pub(super) const FRAMES: usize = 1_024;

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn room(&self) -> usize {
        Self::FRAMES - self.0.len()
    }

    pub(super) fn oldest(&self) -> Option<&Frame> {
        self.0.front()
    }

    /// Whether there was room.
    pub(super) fn push(&mut self, frame: Frame) -> bool {
        let room = self.0.len() < Self::FRAMES;
        if room {
            self.0.push_back(frame);
        }
        room
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        self.0.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
