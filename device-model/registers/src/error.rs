//! Why a description is refused, and what a caller may let through all the same.

use std::fmt;

/// A rule that vendors' files are known to break, and what the map does where a caller lets that through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leniency {
    /// Registers share bytes and none says that it is an alternate: the one that comes first in the file answers
    /// the bus, the other becomes its alternate.
    RegisterOverlap,
    /// A register lies outside of its peripheral's address blocks: it is kept.
    OutsideAddressBlock,
    /// Two registers, or two fields of a register, have the same name: the first one is found by it.
    DuplicateName,
    /// A field has bits that its register does not have: those are cut off.
    FieldOutsideRegister,
    /// Fields share bits: the first one's semantics apply to them, both are named.
    FieldOverlap,
    /// The reset value has bits that the register does not have: they are cut off.
    ResetOutsideRegister,
    /// The reset value breaks a write constraint: it is kept.
    ResetOutsideConstraint,
    /// An enumerated value does not fit into its field: it is left out.
    EnumeratedValueOutsideField,
    /// Two enumerated values of one use have the same value or the same name: the first one names it.
    DuplicateEnumeratedValue,
    /// A write constraint is empty, or allows values that the field cannot have: what remains of it applies.
    ConstraintOutsideField,
    /// A write or read effect is given for bits that cannot be written or read: it is left out.
    ContradictorySemantics,
    /// Nothing says how a register or field may be accessed: read-write.
    MissingAccess,
    /// Nothing says what a register is after reset: zero.
    MissingResetValue,
    /// Accesses are restricted to secure or privileged ones, which a register file cannot tell apart: all pass.
    Protection,
    /// An element or attribute that CMSIS-SVD does not have at this place: it is left out.
    UnknownElement,
}

/// One breach of a rule: where, and in plain words what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Line of the file, from 1.
    pub line: u32,
    /// The register, field or other element, by its full name.
    pub place: String,
    /// What was expected and what was found.
    pub problem: String,
    /// What lets it through; `None` where nothing does.
    pub leniency: Option<Leniency>,
}

impl Finding {
    fn hint(&self) -> String {
        let hint = |leniency| format!(", or let it through with Leniency::{leniency:?}");
        self.leniency.map(hint).unwrap_or_default()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}: {}", self.line, self.place, self.problem)
    }
}

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The text is not XML.
    #[error("the description is not well-formed XML: {0}")]
    Xml(#[from] roxmltree::Error),
    /// The file says something that no register map can have.
    #[error("{0}; mend the file{hint}", hint = .0.hint())]
    Refused(Box<Finding>),
    /// The file has no such peripheral.
    #[error("the description has no peripheral {wanted}; it has {there}")]
    NoSuchPeripheral {
        /// What was asked for.
        wanted: String,
        /// Those that there are.
        there: String,
    },
    /// More than a register file holds.
    #[error("{what}: {found}, and a map has at most {limit}; build maps of single peripherals instead")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
}

/// A name that a map does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the register map has no {kind} {name}; names are written as in the SVD file, PERIPHERAL.REGISTER.FIELD")]
pub struct NoSuchName {
    /// "register" or "field".
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
}
