//! Storage of the registers of one map, with the map's access semantics.

use std::sync::Arc;

use crate::change::{Change, ReadEffect, ReadOutcome, WriteOutcome};
use crate::lanes::{Lane, Lanes};
use crate::map::{FieldHandle, RegisterHandle, RegisterMap};
use crate::semantics::Masks;

/// The widest access in bytes.
pub const MAXIMUM_ACCESS_BYTES: usize = 8;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) value: u64,
    /// Bits that can be written once and have been.
    pub(crate) spent: u64,
    /// What the bus saw last, bit by bit.
    pub(crate) last_read: u64,
}

/// The values of a block's registers.
///
/// The **bus side** ([`read`](Self::read), [`write`](Self::write)) follows the access semantics of the map, byte lane
/// by byte lane: an access touches the bits of the bytes that it carries and no others, also where it clears or sets
/// what it touches. Bytes without a register read as 0, take no writes, and are named in the outcome. The **hardware side**
/// ([`get`](Self::get), [`set`](Self::set)) is the block's: it sees and changes every bit. Neither allocates.
#[derive(Clone, Debug)]
pub struct RegisterFile {
    pub(crate) map: Arc<RegisterMap>,
    pub(crate) cells: Box<[Cell]>,
    /// The register that answers at each byte.
    pub(crate) answering: Box<[u16]>,
}

impl RegisterFile {
    /// Every register as after reset.
    pub fn new(map: Arc<RegisterMap>) -> Self {
        let cells = map.entries().iter().map(|register| Cell {
            value: register.reset_value,
            spent: 0,
            last_read: register.reset_value & register.masks.readable,
        });
        Self { cells: cells.collect(), answering: map.answering.clone().into(), map }
    }

    /// The map.
    pub fn map(&self) -> &Arc<RegisterMap> {
        &self.map
    }

    /// Puts every register into its state after reset, and deselects every alternate.
    pub fn reset(&mut self) {
        for (cell, register) in self.cells.iter_mut().zip(self.map.entries()) {
            let readable = register.reset_value & register.masks.readable;
            *cell = Cell { value: register.reset_value, spent: 0, last_read: readable };
        }
        self.answering.copy_from_slice(&self.map.answering);
    }

    /// Lets `register` answer the bus at all of its bytes, instead of those that it is an alternate of.
    pub fn select(&mut self, register: RegisterHandle) {
        let entry = &self.map[register];
        let first = entry.offset as usize;
        self.answering[first..first + entry.bytes() as usize].fill(register.0);
    }

    /// The value of a register, all bits of it.
    pub fn get(&self, register: RegisterHandle) -> u64 {
        self.cells[usize::from(register.0)].value
    }

    /// Sets a register, whatever the bus may do with it; bits that it does not have are cut off.
    pub fn set(&mut self, register: RegisterHandle, value: u64) {
        self.cells[usize::from(register.0)].value = value & self.map[register].mask();
    }

    /// The value of a field.
    pub fn get_field(&self, field: FieldHandle) -> u64 {
        field.of(self.get(field.register))
    }

    /// Sets a field, whatever the bus may do with it; bits that it does not have are cut off.
    pub fn set_field(&mut self, field: FieldHandle, value: impl Into<u64>) {
        let cell = &mut self.cells[usize::from(field.register.0)];
        cell.value = cell.value & !field.mask | value.into() << field.first_bit & field.mask;
    }

    /// A read from the bus: of `bytes` bytes, little endian and zero extended. More than
    /// [`MAXIMUM_ACCESS_BYTES`] are as many as that.
    pub fn read(&mut self, offset: u64, bytes: usize) -> ReadOutcome {
        let bytes = bytes.min(MAXIMUM_ACCESS_BYTES) as u32;
        let mut outcome = ReadOutcome::default();
        let mut lanes = Lanes::new(self.map.entries(), &self.answering, offset, bytes);
        for lane in &mut lanes {
            let masks = &self.map.entries()[usize::from(lane.register.0)].masks;
            let cell = &mut self.cells[usize::from(lane.register.0)];
            let carried = lane.mask();
            let old = cell.value;
            let seen = old & masks.readable;
            cell.last_read = cell.last_read & !carried | seen & carried;
            outcome.value |= lane.to_access(seen);
            if masks.reads_are_pure() {
                continue;
            }
            cell.value = masks.read(old, carried);
            let modified = carried & masks.read_modify;
            let modified_external = carried & masks.read_modify_external;
            if cell.value != old || modified | modified_external != 0 {
                outcome.effects.push(ReadEffect {
                    register: lane.register,
                    old,
                    new: cell.value,
                    first_byte: lane.first_byte as u8,
                    bytes_read: lane.bytes as u8,
                    modified,
                    modified_external,
                });
            }
        }
        outcome.unmapped_bytes = lanes.unmapped_bytes;
        outcome
    }

    /// A write from the bus: of the lowest `bytes` bytes of `value`, little endian. More than
    /// [`MAXIMUM_ACCESS_BYTES`] are as many as that.
    pub fn write(&mut self, offset: u64, bytes: usize, value: u64) -> WriteOutcome {
        let bytes = bytes.min(MAXIMUM_ACCESS_BYTES) as u32;
        let mut outcome = WriteOutcome::default();
        let mut lanes = Lanes::new(self.map.entries(), &self.answering, offset, bytes);
        for lane in &mut lanes {
            let masks = &self.map.entries()[usize::from(lane.register.0)].masks;
            let cell = &mut self.cells[usize::from(lane.register.0)];
            let change = cell.write(masks, lane, lane.to_register(value));
            outcome.old |= lane.to_access(change.old);
            outcome.new |= lane.to_access(change.new);
            outcome.changes.push(change);
        }
        outcome.unmapped_bytes = lanes.unmapped_bytes;
        outcome
    }
}

impl Cell {
    fn write(&mut self, masks: &Masks, lane: Lane, written: u64) -> Change {
        let old = self.value;
        let carried = lane.mask();
        let wanted = old & !carried | written & carried;
        // A constraint is on the value that the bits would have, of which a narrow access brings only a part.
        let refused = masks
            .constraints
            .iter()
            .filter(|constraint| constraint.mask & carried != 0 && !constraint.allows(wanted, self.last_read))
            .fold(0, |refused, constraint| refused | constraint.mask);
        let locked = carried & self.spent;
        let taken = carried & !refused & !locked;
        self.value = masks.written(old, written, taken);
        self.spent |= taken & masks.once;
        Change {
            register: lane.register,
            old,
            new: self.value,
            written,
            first_byte: lane.first_byte as u8,
            bytes_written: lane.bytes as u8,
            refused: refused & carried,
            locked,
        }
    }
}
