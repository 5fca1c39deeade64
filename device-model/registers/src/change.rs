//! What one bus access did to registers.

use std::ops::Deref;

use crate::file::MAXIMUM_ACCESS_BYTES;
use crate::map::{FieldHandle, RegisterHandle, low_bits};

/// What one write did to one register. Values and masks have the register's bits where the register has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The register.
    pub register: RegisterHandle,
    /// Its value before.
    pub old: u64,
    /// Its value after.
    pub new: u64,
    /// What was written, 0 in the bytes that the access did not carry.
    pub written: u64,
    /// The register's first byte that the access carried.
    pub first_byte: u8,
    /// How many of its bytes the access carried.
    pub bytes_written: u8,
    /// Bits that kept their value because a write constraint does not allow the one that they would have had.
    pub refused: u64,
    /// Bits that kept their value because they can be written once and had been.
    pub locked: u64,
}

impl Change {
    /// The bits of the bytes that the access carried.
    pub fn lanes(&self) -> u64 {
        low_bits(8 * u32::from(self.bytes_written)) << (8 * u32::from(self.first_byte))
    }

    /// What was written to `field`, 0 for bits that were not carried; `None` if none of them was, or if the field is
    /// another register's.
    pub fn written_to(&self, field: FieldHandle) -> Option<u64> {
        (field.register == self.register && field.mask & self.lanes() != 0).then(|| field.of(self.written))
    }
}

/// What one read did to one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadEffect {
    /// The register.
    pub register: RegisterHandle,
    /// Its value before, which was read.
    pub old: u64,
    /// Its value after the read has cleared or set what it clears or sets.
    pub new: u64,
    /// The register's first byte that was read.
    pub first_byte: u8,
    /// How many of its bytes were read.
    pub bytes_read: u8,
    /// Bits that were read and that the hardware now modifies: the block's turn.
    pub modified: u64,
    /// Bits that were read and that make the hardware modify another register: the block's turn.
    pub modified_external: u64,
}

/// Entries for the registers that one access touches, in ascending order, without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched<T> {
    entries: [T; MAXIMUM_ACCESS_BYTES],
    count: u8,
}

impl<T: Copy> Touched<T> {
    pub(crate) fn push(&mut self, entry: T) {
        // An access has as many bytes as there are entries, and every entry is for one of them at least.
        self.entries[usize::from(self.count)] = entry;
        self.count += 1;
    }
}

impl<T> Deref for Touched<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries[..usize::from(self.count)]
    }
}

impl Default for Touched<Change> {
    fn default() -> Self {
        let register = RegisterHandle(0);
        let unused =
            Change { register, old: 0, new: 0, written: 0, first_byte: 0, bytes_written: 0, refused: 0, locked: 0 };
        Self { entries: [unused; MAXIMUM_ACCESS_BYTES], count: 0 }
    }
}

impl Default for Touched<ReadEffect> {
    fn default() -> Self {
        let register = RegisterHandle(0);
        let unused =
            ReadEffect { register, old: 0, new: 0, first_byte: 0, bytes_read: 0, modified: 0, modified_external: 0 };
        Self { entries: [unused; MAXIMUM_ACCESS_BYTES], count: 0 }
    }
}

/// The answer to a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOutcome {
    /// What was read, little endian and zero extended.
    pub value: u64,
    /// A bit for each byte of the access, from bit 0, that no register answered.
    pub unmapped_bytes: u8,
    /// What the read did to registers; those that it did nothing to are not here.
    pub effects: Touched<ReadEffect>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// A bit for each byte of the access, from bit 0, that no register took.
    pub unmapped_bytes: u8,
    /// What the bytes of the access were before, also those that cannot be read; 0 where no register is.
    pub old: u64,
    /// What they are now.
    pub new: u64,
    /// One for every register that the access touched, also where nothing changed.
    pub changes: Touched<Change>,
}
