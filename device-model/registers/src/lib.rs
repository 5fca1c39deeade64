//! Registers of a hardware block, from its SVD file.
//!
//! A [`Description`] is a CMSIS-SVD file; it gives [`RegisterMap`]s, of all its peripherals or of one: registers and
//! fields with their names, places and access semantics. A [`RegisterFile`] stores the registers of a map and applies
//! these semantics to accesses from the bus. [`Coverage`] counts what accesses have touched.
//!
//! A file that contradicts itself is refused, with the register and the line. What vendors' files are known to break
//! can be let through, rule by rule ([`Leniency`]), and is then listed ([`RegisterMap::let_through`]): nothing is
//! ignored in silence.
//!
//! # What the words of the standard mean here
//!
//! - An access touches **the bits of the bytes that it carries**, and no others. `modifiedWriteValues` of `clear` and
//!   `set`, and the read actions of that name, clear and set those bits.
//! - **Write once**: a bit keeps what was first written to it until reset, bit by bit.
//! - A **write constraint** is on the value that a field would have with the bytes that the write brings. What it does
//!   not allow leaves the field as it was, and is named in the change.
//! - **Reserved bits**, those of no field in a register that has fields, read as after reset and take no writes.
//! - **Write-only bits** read as 0. What is not known after reset (`resetMask`) is 0.
//! - **Alternate registers** have values of their own. They answer the bus once the block has selected them
//!   ([`RegisterFile::select`]).
//! - What is **derived** has all that its base says itself, and the rest from where it is, not from where its base is.

mod build;
mod change;
mod check;
mod coverage;
mod describe;
mod error;
mod fields;
mod file;
mod lanes;
mod map;
mod saved;
mod semantics;
mod source;
mod vocabulary;

pub use change::{Change, ReadEffect, ReadOutcome, Touched, WriteOutcome};
pub use coverage::{Coverage, FieldCoverage, RegisterCoverage, Seen, Touch, ValueCoverage};
pub use error::{Finding, Leniency, MapError, NoSuchName};
pub use file::{MAXIMUM_ACCESS_BYTES, RegisterFile};
pub use map::{Alternate, Device, EnumeratedValue, Field, FieldHandle, Peripheral};
pub use map::{Register, RegisterHandle, RegisterMap, WriteConstraint};
pub use saved::{SavedRegister, SavedRegisters, SavedRegistersError};
pub use source::Description;
pub use svd_parser::svd::{Access, ModifiedWriteValues, ReadAction};
