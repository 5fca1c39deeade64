//! Storage of the registers of one map, with the map's access semantics.

use std::sync::Arc;

use crate::change::{Change, ReadEffect, ReadOutcome, WriteOutcome};
use crate::map::{FieldHandle, NOBODY, RegisterHandle, RegisterMap, low_bits};

/// The widest access in bytes.
pub const MAXIMUM_ACCESS_BYTES: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Cell {
    value: u64,
    /// Bits that can be written once and have been.
    spent: u64,
    /// What the bus saw last, bit by bit.
    last_read: u64,
}

/// The values of a block's registers.
///
/// The **bus side** ([`read`](Self::read), [`write`](Self::write)) follows the access semantics of the map, byte lane
/// by byte lane: an access touches the bits of the bytes that it carries and no others, also where it clears or sets
/// what it touches. Bytes without a register read as 0, take no writes, and are named in the outcome. The **hardware side**
/// ([`get`](Self::get), [`set`](Self::set)) is the block's: it sees and changes every bit. Neither allocates.
#[derive(Clone, Debug)]
pub struct RegisterFile {
    map: Arc<RegisterMap>,
    cells: Box<[Cell]>,
    /// The register that answers at each byte.
    answering: Box<[u16]>,
}

/// The part of an access that goes to one register.
struct Lane {
    register: RegisterHandle,
    /// The register's first byte that is touched.
    first_byte: u32,
    bytes: u32,
    /// The access's byte that goes with it.
    position: u32,
}

impl Lane {
    fn mask(&self) -> u64 {
        low_bits(8 * self.bytes) << (8 * self.first_byte)
    }

    /// The access's bits, moved to where the register has them.
    fn to_register(&self, access: u64) -> u64 {
        access >> (8 * self.position) << (8 * self.first_byte) & self.mask()
    }

    /// The register's bits, moved to where the access has them.
    fn to_access(&self, register: u64) -> u64 {
        (register & self.mask()) >> (8 * self.first_byte) << (8 * self.position)
    }
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
        self.cells[usize::from(register.0)].value = value & low_bits(u32::from(self.map[register].bits));
    }

    /// The value of a field.
    pub fn get_field(&self, field: FieldHandle) -> u64 {
        field.of(self.get(field.register))
    }

    /// Sets a field, whatever the bus may do with it; bits that it does not have are cut off.
    pub fn set_field(&mut self, field: FieldHandle, value: u64) {
        let cell = &mut self.cells[usize::from(field.register.0)];
        cell.value = cell.value & !field.mask | value << field.first_bit & field.mask;
    }

    /// The register's part of an access of `bytes` bytes at `offset` from its byte `position` on.
    #[inline]
    fn lane(&self, offset: u64, bytes: u32, position: u32) -> Option<Lane> {
        let at = usize::try_from(offset.checked_add(u64::from(position))?).ok()?;
        let answering = self.answering.get(at..)?;
        let index = *answering.first().filter(|index| **index != NOBODY)?;
        let left = (bytes - position) as usize;
        let touched = answering.iter().take(left).take_while(|other| **other == index).count() as u32;
        let first_byte = (at as u64 - self.map.entries()[usize::from(index)].offset) as u32;
        Some(Lane { register: RegisterHandle(index), first_byte, bytes: touched, position })
    }

    /// The next register's part of an access from its byte `position` on, which moves past it; bytes that no register has
    /// on the way are noted in `unmapped_bytes`.
    #[inline]
    fn next_lane(&self, offset: u64, bytes: u32, position: &mut u32, unmapped_bytes: &mut u8) -> Option<Lane> {
        while *position < bytes {
            if let Some(lane) = self.lane(offset, bytes, *position) {
                *position += lane.bytes;
                return Some(lane);
            }
            *unmapped_bytes |= 1 << *position;
            *position += 1;
        }
        None
    }

    /// A read from the bus: of `bytes` bytes, little endian and zero extended. More than
    /// [`MAXIMUM_ACCESS_BYTES`] are as many as that.
    pub fn read(&mut self, offset: u64, bytes: usize) -> ReadOutcome {
        let bytes = bytes.min(MAXIMUM_ACCESS_BYTES) as u32;
        let mut outcome = ReadOutcome::default();
        let mut position = 0;
        while let Some(lane) = self.next_lane(offset, bytes, &mut position, &mut outcome.unmapped_bytes) {
            let masks = &self.map.entries()[usize::from(lane.register.0)].masks;
            let cell = &mut self.cells[usize::from(lane.register.0)];
            let lanes = lane.mask();
            let old = cell.value;
            let seen = old & masks.readable;
            cell.last_read = cell.last_read & !lanes | seen & lanes;
            outcome.value |= lane.to_access(seen);
            if masks.reads_are_pure() {
                continue;
            }
            cell.value = masks.read(old, lanes);
            let modified = lanes & masks.read_modify;
            let modified_external = lanes & masks.read_modify_external;
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
        outcome
    }

    /// A write from the bus: of the lowest `bytes` bytes of `value`, little endian. More than
    /// [`MAXIMUM_ACCESS_BYTES`] are as many as that.
    pub fn write(&mut self, offset: u64, bytes: usize, value: u64) -> WriteOutcome {
        let bytes = bytes.min(MAXIMUM_ACCESS_BYTES) as u32;
        let mut outcome = WriteOutcome::default();
        let mut position = 0;
        while let Some(lane) = self.next_lane(offset, bytes, &mut position, &mut outcome.unmapped_bytes) {
            outcome.changes.push(self.write_lane(&lane, lane.to_register(value)));
        }
        outcome
    }

    fn write_lane(&mut self, lane: &Lane, written: u64) -> Change {
        let masks = &self.map.entries()[usize::from(lane.register.0)].masks;
        let cell = &mut self.cells[usize::from(lane.register.0)];
        let old = cell.value;
        let carried = lane.mask();
        let wanted = old & !carried | written & carried;
        // A constraint is on the value that the bits would have, of which a narrow access brings only a part.
        let refused = masks
            .constraints
            .iter()
            .filter(|constraint| constraint.mask & carried != 0 && !constraint.allows(wanted, cell.last_read))
            .fold(0, |refused, constraint| refused | constraint.mask);
        let locked = carried & cell.spent;
        let taken = carried & !refused & !locked;
        cell.value = masks.written(old, written, taken);
        cell.spent |= taken & masks.once;
        Change {
            register: lane.register,
            old,
            new: cell.value,
            written,
            first_byte: lane.first_byte as u8,
            bytes_written: lane.bytes as u8,
            refused: refused & carried,
            locked,
        }
    }
}
