//! What accesses have touched: which registers, fields, values and bits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use svd_parser::svd::Access;

use crate::lanes::Lane;
use crate::map::{EnumeratedValue, Field, Register, RegisterMap, low_bits};

/// Counts what accesses touch of one map's registers.
///
/// An access touches **the bits of the bytes that it carries**. It reads or writes a field, and an enumerated value of
/// it, when it carries all of the field. It counts for the register that answers when no alternate is selected;
/// registers that answer at only some of their bytes then, or at none, are left out.
#[derive(Clone, Debug)]
pub struct Coverage {
    map: Arc<RegisterMap>,
    reads: Side,
    writes: Side,
}

/// What was done to one register: [`Coverage::registers`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterCoverage {
    /// The full name, `PERIPHERAL.CLUSTER.REGISTER`.
    pub name: String,
    /// Bytes from the start of the map.
    pub offset: u64,
    /// Bits of fields that can be read, or all where there are no fields and the register can.
    pub readable_bits: u64,
    /// Bits of fields that can be written, or all where there are no fields and the register can.
    pub writable_bits: u64,
    /// What reads gave, also of bits that cannot be read.
    pub reads: Seen,
    /// What writes brought, also to bits that cannot be written.
    pub writes: Seen,
    /// Its fields, in the order of the file.
    pub fields: Vec<FieldCoverage>,
}

/// Accesses of one direction to one register, and the bits that they carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The number of accesses.
    pub accesses: u64,
    /// Bits that were 0 at least once.
    pub zeros: u64,
    /// Bits that were 1 at least once.
    pub ones: u64,
}

/// What was done to one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldCoverage {
    /// The name, without the register's.
    pub name: String,
    /// Whether and how it was accessed whole.
    pub touched: Touch,
    /// Its enumerated values, in the order of the file.
    pub enumerated_values: Vec<ValueCoverage>,
}

/// Whether an enumerated value was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCoverage {
    /// The name.
    pub name: String,
    /// Whether and how it was seen.
    pub touched: Touch,
}

/// Whether something was read and written; `None` where it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Whether it was read.
    pub read: Option<bool>,
    /// Whether it was written.
    pub written: Option<bool>,
}

/// The accesses of one direction.
#[derive(Clone, Debug)]
struct Side {
    cells: Box<[Cell]>,
}

#[derive(Clone, Debug)]
struct Cell {
    seen: Seen,
    /// Which bytes accesses have carried together: bit `8 * first byte + bytes - 1`. A field is whole in an access if
    /// it is in one of these, which need not be looked at before somebody asks.
    shapes: u64,
    fields: Box<[NamedField]>,
}

/// A field whose values have names.
#[derive(Clone, Debug)]
struct NamedField {
    /// Its place in its register.
    index: usize,
    /// The place of each name in its field, the one for all other values last, and whether it was seen.
    values: Box<[(usize, bool)]>,
}

impl Coverage {
    /// Nothing touched yet.
    pub fn new(map: Arc<RegisterMap>) -> Self {
        let reads = Side::new(&map, |field| field.access.can_read(), |value| value.for_reading);
        let writes = Side::new(&map, |field| field.access.can_write(), |value| value.for_writing);
        Self { map, reads, writes }
    }

    /// Counts a read of `bytes` bytes, 8 at most, that gave `value`. Does not allocate.
    pub fn read(&mut self, offset: u64, bytes: usize, value: u64) {
        self.reads.count(&self.map, offset, bytes, value);
    }

    /// Counts a write of `bytes` bytes, 8 at most, that brought `value`. Does not allocate.
    pub fn written(&mut self, offset: u64, bytes: usize, value: u64) {
        self.writes.count(&self.map, offset, bytes, value);
    }

    /// What was done to every register so far, by ascending offset.
    pub fn registers(&self) -> Vec<RegisterCoverage> {
        let answers = |index: u16, register: &Register| {
            let bytes = register.offset as usize..(register.offset + register.bytes()) as usize;
            self.map.answering[bytes].iter().all(|answering| *answering == index)
        };
        let registers = self.map.registers().filter(|(handle, register)| answers(handle.0, register));
        registers.map(|(handle, register)| self.register(usize::from(handle.0), register)).collect()
    }

    fn register(&self, index: usize, register: &Register) -> RegisterCoverage {
        let (reads, writes) = (&self.reads.cells[index], &self.writes.cells[index]);
        let bits = |can: fn(Access) -> bool| {
            let parts = register.parts().iter().filter(|part| can(part.access));
            parts.fold(0, |bits, part| bits | part.mask())
        };
        let field = |(index, field): (usize, &Field)| FieldCoverage {
            name: field.name.clone(),
            touched: Touch {
                read: field.access.can_read().then(|| reads.carried(field.mask())),
                written: field.access.can_write().then(|| writes.carried(field.mask())),
            },
            enumerated_values: (0..)
                .zip(&field.enumerated_values)
                .map(|(value, entry)| ValueCoverage {
                    name: entry.name.clone(),
                    touched: Touch { read: reads.value(index, value), written: writes.value(index, value) },
                })
                .collect(),
        };
        RegisterCoverage {
            name: register.name.clone(),
            offset: register.offset,
            readable_bits: bits(Access::can_read),
            writable_bits: bits(Access::can_write),
            reads: reads.seen,
            writes: writes.seen,
            fields: register.fields.iter().enumerate().map(field).collect(),
        }
    }
}

impl Side {
    /// With the names of the values that accesses of this direction can carry.
    fn new(map: &RegisterMap, has: fn(&Field) -> bool, carries: fn(&EnumeratedValue) -> bool) -> Self {
        let named = |(index, field): (usize, &Field)| {
            let entries = &field.enumerated_values;
            let mut values: Vec<_> =
                (0..entries.len()).filter(|entry| carries(&entries[*entry])).map(|entry| (entry, false)).collect();
            values.sort_by_key(|(entry, _)| entries[*entry].is_default);
            (has(field) && !values.is_empty()).then(|| NamedField { index, values: values.into() })
        };
        let cell = |register: &Register| Cell {
            seen: Seen::default(),
            shapes: 0,
            fields: register.fields.iter().enumerate().filter_map(named).collect(),
        };
        Self { cells: map.entries().iter().map(cell).collect() }
    }

    #[inline]
    fn count(&mut self, map: &RegisterMap, offset: u64, bytes: usize, value: u64) {
        for lane in map.lanes(offset, bytes) {
            let index = usize::from(lane.register.0);
            self.cells[index].count(&map.entries()[index], &lane, lane.to_register(value));
        }
    }
}

impl Cell {
    #[inline]
    fn count(&mut self, register: &Register, lane: &Lane, value: u64) {
        let carried = lane.mask();
        self.seen.accesses += 1;
        self.seen.zeros |= carried & !value;
        self.seen.ones |= value;
        self.shapes |= 1 << (8 * lane.first_byte + lane.bytes - 1);
        for named in &mut self.fields {
            let field = &register.fields[named.index];
            let mask = field.mask();
            if mask & !carried == 0 {
                let value = (value & mask) >> field.first_bit;
                let entry = named.values.iter_mut().find(|(entry, _)| field.enumerated_values[*entry].names(value));
                if let Some((_, seen)) = entry {
                    *seen = true;
                }
            }
        }
    }

    /// Whether one access has carried all of `mask`.
    fn carried(&self, mask: u64) -> bool {
        let carries = |shape: u32| {
            let (first_byte, bytes) = (shape / 8, shape % 8 + 1);
            mask & !(low_bits(8 * bytes) << (8 * first_byte)) == 0
        };
        (0..u64::BITS).any(|shape| self.shapes >> shape & 1 != 0 && carries(shape))
    }

    /// Whether a value was seen; `None` where it cannot be.
    fn value(&self, field: usize, value: usize) -> Option<bool> {
        let named = self.fields.iter().find(|named| named.index == field)?;
        named.values.iter().find(|(index, _)| *index == value).map(|(_, seen)| *seen)
    }
}
