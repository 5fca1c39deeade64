//! The interface of a hardware block, and what one of its steps asks its surroundings for.

use std::sync::Arc;

use registers::RegisterMap;

use crate::Width;

/// A hardware block as a pure state machine.
///
/// It has no sockets, no locks, no threads and no clock of its own: `now_ns`, the device time in nanoseconds,
/// comes in with every call and never goes back. Whatever a guest does is answered, never a panic: what the hardware
/// would ignore is ignored and named in [`Effects::fault`].
pub trait Block: Send {
    /// Size of the register space in bytes: a power of two, or 0 for a block that has no registers, nor an interrupt.
    fn register_bytes(&self) -> u64;

    /// The registers, as the block's SVD file has them.
    fn register_map(&self) -> &Arc<RegisterMap>;

    /// Answers a read of registers, little endian and zero extended.
    fn read(&mut self, offset: u64, width: Width, now_ns: u64, effects: &mut Effects) -> u64;

    /// Takes a write to registers, and tells what it did to their bytes.
    fn write(&mut self, offset: u64, width: Width, value: u64, now_ns: u64, effects: &mut Effects) -> Stored;

    /// Lets everything happen that is due until and including `now_ns`. Called before every access.
    fn advance(&mut self, now_ns: u64, effects: &mut Effects);

    /// When the block next does something by itself, in device time.
    fn next_deadline_ns(&self) -> Option<u64>;

    /// Whether the block asserts its interrupt: derived from the state, so that no path can forget to update it.
    fn interrupt_asserted(&self) -> bool;

    /// Puts the block into the state that power-on leaves it in.
    fn reset(&mut self, effects: &mut Effects);
}

/// What a write made of the bytes that it carried, before the block reacted to it: little endian, 0 for bytes that no
/// register has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// What they were, also those that cannot be read.
    pub old: u64,
    /// What they became.
    pub new: u64,
}

/// How the frames of an output stream are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// Significant bits of a sample: 8, 16 or 24.
    pub sample_bits: u16,
    /// Channels a frame: 1 or 2.
    pub channels: u16,
    /// Frames a second.
    pub rate_hz: u32,
}

/// What a block puts out to the world outside of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A stream of frames begins.
    StreamStarted(StreamFormat),
    /// One frame of the stream: two's complement samples, left and right; of a mono frame the left one counts.
    Frame([i32; 2]),
    /// A frame was due and there was none: the stream has a gap until the next one.
    StreamUnderrun,
    /// The stream has ended.
    StreamStopped,
}

/// What one step of a block asks its surroundings for, beside the interrupt level and the next deadline, which
/// are asked for when the step is over.
#[derive(Debug, Default)]
pub struct Effects {
    outputs: Vec<Output>,
    faults: Vec<String>,
}

impl Effects {
    /// Puts something out to the world.
    pub fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Names something that the guest did and that the hardware ignores, in plain words.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// What was put out since [`Self::clear`].
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// What was ignored since [`Self::clear`].
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Makes ready for the next step; the memory stays allocated.
    pub fn clear(&mut self) {
        self.outputs.clear();
        self.faults.clear();
    }
}
