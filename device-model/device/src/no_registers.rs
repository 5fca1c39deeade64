//! The block of a function that is memory alone.

use std::sync::Arc;

use registers::RegisterMap;

use crate::{Block, DmaFailure, Effects, Snapshot, SnapshotError, Stored, Width};

/// Does nothing and is never asked to: no access goes to registers that have no bytes.
#[derive(Default)]
pub(crate) struct NoRegisters {
    map: Arc<RegisterMap>,
}

impl Block for NoRegisters {
    fn register_bytes(&self) -> u64 {
        0
    }

    fn register_map(&self) -> &Arc<RegisterMap> {
        &self.map
    }

    fn read(&mut self, _: u64, _: Width, _: u64, _: &mut Effects) -> u64 {
        0
    }

    fn write(&mut self, _: u64, _: Width, _: u64, _: u64, _: &mut Effects) -> Stored {
        Stored::default()
    }

    fn advance(&mut self, _: u64, _: &mut Effects) {}

    fn next_deadline_ns(&self) -> Option<u64> {
        None
    }

    fn interrupt_vectors(&self) -> u16 {
        0
    }

    fn dma_ended(&mut self, _: u8, _: Result<Vec<u8>, DmaFailure>, _: u64, _: &mut Effects) {}

    fn reset(&mut self, _: &mut Effects) {}

    fn save(&self) -> Snapshot {
        Snapshot::default()
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}
