//! The state of a register file by the registers' names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::file::{Cell, RegisterFile};
use crate::map::{Register, RegisterMap};

/// The state of every register, by full name. Of registers with one name, which a vendor's file may have, all but the
/// first have `@` and their offset after it.
pub type SavedRegisters = BTreeMap<String, SavedRegister>;

/// The state of one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedRegister {
    /// All bits of it.
    pub value: u64,
    /// The bits that can be written once and have been.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spent: u64,
    /// What the bus saw last, bit by bit.
    pub last_read: u64,
    /// A bit for each byte at which it answers the bus, where that is not as after reset: alternates have been selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u8>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Why a register file cannot have a saved state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedRegistersError {
    /// The state is of a register that the map does not have.
    #[error("the map has no register {0}")]
    Unknown(String),
    /// The map has a register whose state is not there.
    #[error("it has no register {0}, and the map has one")]
    Missing(String),
    /// A value has bits that the register does not have.
    #[error("{name} has {bits} bits, and not {value:#x}")]
    TooWide {
        /// The register.
        name: String,
        /// How many bits it has.
        bits: u8,
        /// The value.
        value: u64,
    },
}

impl RegisterFile {
    /// The state of every register, also what the bus cannot see of it.
    pub fn save(&self) -> SavedRegisters {
        let saved = |(index, (cell, register)): (u16, (&Cell, &Register))| {
            let answers = answers(&self.answering, index, register);
            let usual = answers == self::answers(&self.map.answering, index, register);
            let Cell { value, spent, last_read } = *cell;
            let saved = SavedRegister { value, spent, last_read, answers: (!usual).then_some(answers) };
            (saved_name(&self.map, index), saved)
        };
        (0..).zip(self.cells.iter().zip(self.map.entries())).map(saved).collect()
    }

    /// Takes a saved state; where that cannot be, the file stays as it is.
    pub fn restore(&mut self, saved: &SavedRegisters) -> Result<(), SavedRegistersError> {
        let mut restored = self.clone();
        restored.answering.copy_from_slice(&self.map.answering);
        let mut unknown = saved.clone();
        for (index, register) in (0..).zip(self.map.entries()) {
            let name = saved_name(&self.map, index);
            let Some(saved) = unknown.remove(&name) else { return Err(SavedRegistersError::Missing(name)) };
            let SavedRegister { value, spent, last_read, answers } = saved;
            if let Some(value) = [value, spent, last_read].into_iter().find(|value| value & !register.mask() != 0) {
                return Err(SavedRegistersError::TooWide { name, bits: register.bits, value });
            }
            restored.cells[usize::from(index)] = Cell { value, spent, last_read };
            let bytes = answers.into_iter().flat_map(|answers| (0..8).filter(move |byte| answers >> byte & 1 == 1));
            for byte in bytes.filter(|byte| *byte < register.bytes()) {
                restored.answering[(register.offset + byte) as usize] = index;
            }
        }
        if let Some(name) = unknown.into_keys().next() {
            return Err(SavedRegistersError::Unknown(name));
        }
        *self = restored;
        Ok(())
    }
}

fn saved_name(map: &RegisterMap, index: u16) -> String {
    let register = &map.entries()[usize::from(index)];
    if map.register(&register.name).is_ok_and(|first| first.0 == index) {
        register.name.clone()
    } else {
        format!("{}@{:#x}", register.name, register.offset)
    }
}

/// A bit for each byte of the register at which it answers.
fn answers(answering: &[u16], index: u16, register: &Register) -> u8 {
    let first = register.offset as usize;
    let bytes = answering[first..first + register.bytes() as usize].iter().enumerate();
    bytes.fold(0, |answers, (byte, at)| answers | u8::from(*at == index) << byte)
}
