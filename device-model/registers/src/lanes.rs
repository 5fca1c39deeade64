//! Which bytes of an access go to which register.

use crate::map::{NOBODY, Register, RegisterHandle, low_bits};

/// The part of an access that goes to one register.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) register: RegisterHandle,
    /// The register's first byte that is touched.
    pub(crate) first_byte: u32,
    pub(crate) bytes: u32,
    /// The access's byte that goes with it.
    position: u32,
}

impl Lane {
    /// The register's bits that the access carries.
    pub(crate) fn mask(&self) -> u64 {
        low_bits(8 * self.bytes) << (8 * self.first_byte)
    }

    /// The access's bits, moved to where the register has them.
    pub(crate) fn to_register(self, access: u64) -> u64 {
        access >> (8 * self.position) << (8 * self.first_byte) & self.mask()
    }

    /// The register's bits, moved to where the access has them.
    pub(crate) fn to_access(self, register: u64) -> u64 {
        (register & self.mask()) >> (8 * self.first_byte) << (8 * self.position)
    }
}

/// An access, register by register.
pub(crate) struct Lanes<'a> {
    registers: &'a [Register],
    /// The register that answers at each byte.
    answering: &'a [u16],
    offset: u64,
    bytes: u32,
    position: u32,
    /// A bit for each byte of the access, from bit 0, that has been passed and that no register has.
    pub(crate) unmapped_bytes: u8,
}

impl<'a> Lanes<'a> {
    /// Those of an access of `bytes` bytes at `offset`, 8 at most.
    pub(crate) fn new(registers: &'a [Register], answering: &'a [u16], offset: u64, bytes: u32) -> Self {
        Self { registers, answering, offset, bytes, position: 0, unmapped_bytes: 0 }
    }

    #[inline]
    fn at(&self, position: u32) -> Option<Lane> {
        let at = usize::try_from(self.offset.checked_add(u64::from(position))?).ok()?;
        let answering = self.answering.get(at..)?;
        let index = *answering.first().filter(|index| **index != NOBODY)?;
        let left = (self.bytes - position) as usize;
        let bytes = answering.iter().take(left).take_while(|other| **other == index).count() as u32;
        let first_byte = (at as u64 - self.registers[usize::from(index)].offset) as u32;
        Some(Lane { register: RegisterHandle(index), first_byte, bytes, position })
    }
}

impl Iterator for Lanes<'_> {
    type Item = Lane;

    #[inline]
    fn next(&mut self) -> Option<Lane> {
        while self.position < self.bytes {
            if let Some(lane) = self.at(self.position) {
                self.position += lane.bytes;
                return Some(lane);
            }
            self.unmapped_bytes |= 1 << self.position;
            self.position += 1;
        }
        None
    }
}
