//! The interface of a hardware block, and what one of its steps asks its surroundings for.

use std::sync::Arc;
use std::vec::Drain;

use registers::RegisterMap;
use serde::{Deserialize, Serialize};

use crate::{Snapshot, SnapshotError, Width};

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

    /// The interrupt vectors that the block asserts, bit by bit from vector 0 on: derived from the state, so that no path
    /// can forget to update it. MSI and INTx have one interrupt for all of them.
    fn interrupt_vectors(&self) -> u16;

    /// Takes what has become of a DMA that [`Effects::dma`] has asked for: the bytes of one that reads, none of one that
    /// writes. Not called for what was asked for before a reset of the function.
    fn dma_ended(&mut self, channel: u8, result: Result<Vec<u8>, DmaFailure>, now_ns: u64, effects: &mut Effects);

    /// Puts the block into the state that power-on leaves it in.
    fn reset(&mut self, effects: &mut Effects);

    /// The whole state, as a block of the same kind takes it: with the same calls at the same times both do the same from
    /// then on.
    fn save(&self) -> Snapshot;

    /// Takes the state of a snapshot, or keeps its own. What goes on is that of the snapshot's time: `now_ns` of the next
    /// call is no earlier than it was of the last one before the snapshot.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
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

/// The most samples that a frame has.
pub const MAXIMUM_CHANNELS: usize = 8;

/// One frame: two's complement samples by channel, 0 for the channels that its stream does not have.
pub type Frame = [i32; MAXIMUM_CHANNELS];

/// How the frames of a stream are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFormat {
    /// Significant bits of a sample: 8, 16, 24 or 32.
    pub sample_bits: u16,
    /// Channels a frame: 1 to [`MAXIMUM_CHANNELS`].
    pub channels: u16,
    /// Frames a second.
    pub rate_hz: u32,
}

/// A transfer that a block makes from or to guest memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DmaTransfer {
    /// So many bytes from guest memory.
    Read {
        /// How many.
        bytes: usize,
    },
    /// These bytes to guest memory.
    Write {
        /// The bytes.
        data: Vec<u8>,
    },
}

/// A transfer and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmaRequest {
    /// Which of the block's channels asks: given back with the result. A channel has at most one under way.
    pub channel: u8,
    /// Where in guest memory the transfer begins.
    pub address: u64,
    /// What is transferred.
    pub transfer: DmaTransfer,
}

impl DmaRequest {
    /// How many bytes are transferred.
    pub fn bytes(&self) -> usize {
        match &self.transfer {
            DmaTransfer::Read { bytes } => *bytes,
            DmaTransfer::Write { data } => data.len(),
        }
    }
}

/// Why a transfer has not taken place. It has touched nothing then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DmaFailure {
    /// Part of the range is not guest memory.
    #[error("it is not all in guest memory")]
    NotMapped,
    /// Part of the range is guest memory that may not be read, or written.
    #[error("guest memory there does not allow it")]
    NotAllowed,
    /// The range goes past address 2^64.
    #[error("it goes past address 2^64")]
    Wraps,
    /// The guest has not enabled bus mastering, or it has put the function into D3hot.
    #[error("bus mastering is not enabled, or the function is in D3hot")]
    BusMasterDisabled,
    /// It failed on its way: the client went, refused it or did not answer.
    #[error("it failed on its way")]
    Failed,
}

/// What a block puts out to the world outside of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A stream of frames begins.
    StreamStarted(StreamFormat),
    /// One frame of the stream.
    Frame(Frame),
    /// A frame was due and there was none: the stream has a gap until the next one.
    StreamUnderrun,
    /// The stream has ended.
    StreamStopped,
    /// A frame was received and there was no room for it: it is lost, and so are all until there is room.
    ReceiveOverrun,
    /// A signal of the block has changed its level.
    Edge {
        /// Which: the block numbers its signals.
        signal: u8,
        /// When, in device time. The edges of one signal come in order, and never after the step's time.
        time_ns: u64,
        /// Its level from then on.
        level: bool,
    },
}

/// What one step of a block asks its surroundings for, beside the interrupt level and the next deadline, which
/// are asked for when the step is over.
#[derive(Debug, Default)]
pub struct Effects {
    outputs: Vec<Output>,
    faults: Vec<String>,
    dma: Vec<DmaRequest>,
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

    /// Asks for a transfer from or to guest memory. [`Block::dma_ended`] has the result.
    pub fn dma(&mut self, request: DmaRequest) {
        self.dma.push(request);
    }

    /// What was put out since [`Self::clear`].
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// What was ignored since [`Self::clear`].
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The transfers asked for since [`Self::clear`].
    pub fn dma_requests(&self) -> &[DmaRequest] {
        &self.dma
    }

    /// Takes these transfers, with their data.
    pub(crate) fn take_dma_requests(&mut self) -> Drain<'_, DmaRequest> {
        self.dma.drain(..)
    }

    /// Makes ready for the next step; the memory stays allocated.
    pub fn clear(&mut self) {
        self.outputs.clear();
        self.faults.clear();
        self.dma.clear();
    }
}
