//! Memory that the block reads and writes: what it has asked for, until it knows the end of it.

use std::collections::{BTreeMap, VecDeque};

use super::Device;
use crate::{Direction, DmaFailure, DmaRequest, DmaTransfer, Happening};

/// A transfer of one device: every one has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DmaId(u64);

/// The transfers that the block has asked for and does not know the end of.
#[derive(Default)]
pub(super) struct Dma {
    next_id: u64,
    /// Nobody has taken them yet.
    pub(super) asked: VecDeque<DmaRequest>,
    under_way: BTreeMap<DmaId, UnderWay>,
}

impl Dma {
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.under_way.is_empty()
    }

    /// Forgets all of them: what becomes of those that have been taken is passed over.
    pub(super) fn give_up(&mut self) {
        self.asked.clear();
        self.under_way.clear();
    }
}

/// A transfer that somebody has taken, with its data.
struct UnderWay {
    channel: u8,
    direction: Direction,
    address: u64,
    bytes: usize,
}

impl UnderWay {
    fn new(request: &DmaRequest) -> Self {
        let direction = match request.transfer {
            DmaTransfer::Read { .. } => Direction::Read,
            DmaTransfer::Write { .. } => Direction::Write,
        };
        Self { channel: request.channel, direction, address: request.address, bytes: request.bytes() }
    }
}

impl Device {
    /// A transfer that is to take place now; [`Self::dma_ended`] has to be told what has become of it. Ask after every
    /// step, until there is none.
    pub fn take_dma(&mut self) -> Option<(DmaId, DmaRequest)> {
        while let Some(request) = self.dma.asked.pop_front() {
            let id = DmaId(self.dma.next_id);
            self.dma.next_id += 1;
            let transfer = UnderWay::new(&request);
            let last = (transfer.bytes as u64).saturating_sub(1);
            let injected = self.injected_dma_failure(&request);
            if self.is_removed() {
                return None;
            }
            let failure = if injected.is_some() {
                injected
            } else if !self.config.bus_master() || self.config.is_d3hot() {
                Some(DmaFailure::BusMasterDisabled)
            } else if request.address.checked_add(last).is_none() {
                Some(DmaFailure::Wraps)
            } else {
                None
            };
            self.dma.under_way.insert(id, transfer);
            match failure {
                Some(failure) => self.dma_ended(id, Err(failure)),
                None => return Some((id, request)),
            }
        }
        None
    }

    /// Lets time go on without an access, before [`Self::dma_ended`] of a transfer that has taken some.
    pub fn pass(&mut self, wall_ns: u64) {
        let now_ns = self.clock.passes(wall_ns);
        self.advance(now_ns);
        self.finish();
    }

    /// Tells what has become of a transfer, at this very device time: the bytes that were read, none of one that writes.
    /// One that a reset has given up is passed over.
    pub fn dma_ended(&mut self, id: DmaId, result: Result<Vec<u8>, DmaFailure>) {
        let Some(UnderWay { channel, direction, address, bytes }) = self.dma.under_way.remove(&id) else { return };
        let now_ns = self.clock.now_ns();
        let failure = result.as_ref().err().copied();
        if (direction, failure) == (Direction::Read, Some(DmaFailure::NotMapped)) {
            self.config.received_master_abort();
        }
        self.record(Happening::Dma { direction, address, bytes, failure });
        self.block.dma_ended(channel, result, now_ns, &mut self.effects);
        self.finish();
    }
}
