//! What every register should be, from what was done to the block since its last reset.

use std::collections::BTreeMap;

use registers::{ReadAction, RegisterHandle, RegisterMap};

use crate::bit::{Bit, Taken};
use crate::constraint::Constraint;
use crate::declarations::{Declarations, HardwareOwned};

/// The part of an access, or of what is to be accessed, that one register has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) register: RegisterHandle,
    /// The register's bits in the bytes that the access carries.
    pub(crate) carried: u64,
    /// The access's value of these, in the register's place.
    pub(crate) value: u64,
    /// The first of these bytes: of the register, and of the access.
    first_byte: u64,
    position: u64,
}

impl Part {
    /// The register's value `value`, as far as the access carries it, in the access's place.
    pub(crate) fn to_access(self, value: u64) -> u64 {
        (value & self.carried) >> (8 * self.first_byte) << (8 * self.position)
    }
}

/// A bit that is not what it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrong {
    pub(crate) register: RegisterHandle,
    pub(crate) bit: u8,
    pub(crate) expected: bool,
}

/// One register as it should be.
pub(crate) struct Expected {
    pub(crate) bits: Vec<Bit>,
    pub(crate) constraints: Vec<Constraint>,
}

impl Expected {
    /// The bits for which `holds`, as a mask.
    pub(crate) fn mask(&self, holds: impl Fn(&Bit) -> bool) -> u64 {
        self.mask_at(|_, bit| holds(bit))
    }

    /// The same, with the place of each bit.
    pub(crate) fn mask_at(&self, holds: impl Fn(u8, &Bit) -> bool) -> u64 {
        let places = (0..).zip(&self.bits).filter(|(place, bit)| holds(*place, bit));
        places.fold(0, |mask, (place, _)| mask | 1 << place)
    }

    fn write(&mut self, carried: u64, value: u64) {
        let mut taken = vec![Taken::Yes; self.bits.len()];
        for constraint in self.constraints.iter().filter(|constraint| constraint.mask() & carried != 0) {
            let judgement = constraint.judge(&self.bits, carried, value);
            let constrained = taken.iter_mut().enumerate().filter(|(place, _)| constraint.mask() >> place & 1 == 1);
            // One refusal is enough.
            for (_, taken) in constrained.filter(|(_, taken)| **taken != Taken::Refused && judgement != Taken::Yes) {
                *taken = judgement;
            }
        }
        for (place, (bit, taken)) in self.bits.iter_mut().zip(taken).enumerate() {
            if carried >> place & 1 == 1 {
                bit.write(value >> place & 1 == 1, taken);
            }
        }
    }
}

/// What the hardware may change, and whether it may have done so by now.
struct Owned<'m> {
    declared: &'m HardwareOwned,
    may_have_changed: bool,
}

/// Every register of a map as it should be.
pub(crate) struct Mirror<'m> {
    pub(crate) map: &'m RegisterMap,
    declarations: &'m Declarations,
    registers: BTreeMap<RegisterHandle, Expected>,
    owned: Vec<Owned<'m>>,
    selected: Option<RegisterHandle>,
}

impl<'m> Mirror<'m> {
    pub(crate) fn new(map: &'m RegisterMap, declarations: &'m Declarations) -> Self {
        let expected = |(handle, register): (RegisterHandle, &registers::Register)| {
            let bits = (0..register.bits).map(|place| Bit::new(register, place)).collect();
            (handle, Expected { bits, constraints: Constraint::all(register) })
        };
        let owned = |declared| Owned { declared, may_have_changed: false };
        Self {
            map,
            declarations,
            registers: map.registers().map(expected).collect(),
            owned: declarations.hardware_owned.iter().map(owned).collect(),
            selected: None,
        }
    }

    /// The register as it should be.
    pub(crate) fn expected(&self, register: RegisterHandle) -> &Expected {
        &self.registers[&register]
    }

    fn bits(&mut self, register: RegisterHandle, mask: u64) -> impl Iterator<Item = (u8, &mut Bit)> {
        let bits = self.registers.get_mut(&register).map(|expected| &mut expected.bits);
        (0..).zip(bits.into_iter().flatten()).filter(move |(place, _)| mask >> place & 1 == 1)
    }

    pub(crate) fn reset(&mut self) {
        self.registers.values_mut().flat_map(|expected| &mut expected.bits).for_each(Bit::reset);
        self.owned.iter_mut().for_each(|owned| owned.may_have_changed = false);
        self.selected = None;
    }

    pub(crate) fn select(&mut self, register: RegisterHandle) {
        self.selected = Some(register);
    }

    /// The register that answers at `offset`.
    pub(crate) fn answering(&self, offset: u64) -> Option<RegisterHandle> {
        let answers = |register: &RegisterHandle| {
            let register = &self.map[*register];
            (register.offset..register.offset + register.bytes()).contains(&offset)
        };
        self.selected.filter(answers).or_else(|| self.map.register_at(offset))
    }

    /// Whether all bytes of `register` are its own.
    pub(crate) fn answers(&self, register: RegisterHandle) -> bool {
        let entry = &self.map[register];
        (entry.offset..entry.offset + entry.bytes()).all(|offset| self.answering(offset) == Some(register))
    }

    /// What registers have of an access, by ascending offset.
    pub(crate) fn parts(&self, offset: u64, bytes: usize, value: u64) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for position in 0..bytes as u64 {
            let Some(register) = self.answering(offset + position) else { continue };
            let first_byte = offset + position - self.map[register].offset;
            let byte = value >> (8 * position) & 0xff;
            if parts.last().is_none_or(|part| part.register != register) {
                parts.push(Part { register, carried: 0, value: 0, first_byte, position });
            }
            if let Some(part) = parts.last_mut() {
                part.carried |= 0xff << (8 * first_byte);
                part.value |= byte << (8 * first_byte);
            }
        }
        parts
    }

    /// Takes note of a write.
    pub(crate) fn write(&mut self, offset: u64, bytes: usize, value: u64) {
        let parts = self.parts(offset, bytes, value);
        for part in &parts {
            self.disturb(*part);
        }
        for Part { register, carried, value, .. } in parts {
            if let Some(expected) = self.registers.get_mut(&register) {
                expected.write(carried, value);
            }
            let ones = value & carried & self.registers[&register].mask(|bit| bit.semantics.is_writable());
            for set_by in self.declarations.set_by.iter().filter(|set_by| set_by.by == register) {
                let set = self.bits(set_by.register, ones).filter(|(_, bit)| !bit.semantics.reserved);
                set.for_each(|(_, bit)| bit.set_from_elsewhere());
            }
            if self.declarations.reset.is_some_and(|reset| reset.register == register && reset.happens(carried, value))
            {
                return self.reset();
            }
        }
        self.forget();
    }

    /// What of the block's hardware-owned things a write may change, other than by their semantics.
    fn disturb(&mut self, part: Part) {
        let expected = &self.registers[&part.register];
        let active = expected.mask_at(|place, bit| {
            let written = part.value >> place & 1 == 1;
            part.carried >> place & 1 == 1 && bit.semantics.is_writable() && written != bit.neutral()
        });
        let has_effect = expected.mask(|bit| bit.semantics.is_writable()) & part.carried != 0;
        for owned in &mut self.owned {
            let declared = owned.declared;
            owned.may_have_changed |= if declared.register == part.register {
                active & !declared.mask != 0 && declared.is_changed_by(part.register)
            } else {
                has_effect && self.declarations.may_disturb(part.register, declared)
            };
        }
    }

    fn forget(&mut self) {
        for index in 0..self.owned.len() {
            let HardwareOwned { register, mask, .. } = *self.owned[index].declared;
            if self.owned[index].may_have_changed {
                self.bits(register, mask).for_each(|(_, bit)| bit.value = None);
            }
        }
    }

    /// Takes note of a read that gave `value`. The first bit that should have been otherwise, else whether any bit's
    /// value was known before.
    pub(crate) fn read(&mut self, offset: u64, bytes: usize, value: u64) -> Result<bool, Wrong> {
        let mut compared = false;
        let parts = self.parts(offset, bytes, value);
        for Part { register, carried, value, .. } in &parts {
            compared |= self.compare(*register, *carried, *value, Bit::readable_value)?;
        }
        for Part { register, carried, value, .. } in parts {
            let mut modifies_others = false;
            for (place, bit) in self.bits(register, carried) {
                bit.read(value >> place & 1 == 1);
                modifies_others |= bit.semantics.on_read == Some(ReadAction::ModifyExternal);
            }
            if modifies_others {
                self.owned.iter_mut().for_each(|owned| owned.may_have_changed = true);
            }
        }
        self.forget();
        Ok(compared)
    }

    /// Compares the whole register, as the hardware has it, with what it should be.
    pub(crate) fn compare_all(&self, register: RegisterHandle, value: u64) -> Result<bool, Wrong> {
        self.compare(register, u64::MAX, value, |bit| bit.value)
    }

    fn compare(
        &self,
        register: RegisterHandle,
        carried: u64,
        value: u64,
        expected_value: impl Fn(&Bit) -> Option<bool>,
    ) -> Result<bool, Wrong> {
        let mut compared = false;
        let bits = (0..).zip(&self.expected(register).bits).filter(|(place, _)| carried >> place & 1 == 1);
        for (place, bit) in bits {
            let Some(expected) = expected_value(bit) else { continue };
            compared = true;
            if expected != (value >> place & 1 == 1) {
                return Err(Wrong { register, bit: place, expected });
            }
        }
        Ok(compared)
    }

    /// Takes note that the hardware set a whole register.
    pub(crate) fn set(&mut self, register: RegisterHandle, value: u64) {
        self.bits(register, u64::MAX).for_each(|(place, bit)| bit.set_by_hardware(value >> place & 1 == 1));
    }

    /// `value` in the bits `mask`, and everywhere else what leaves the bits as they are.
    pub(crate) fn compose(&self, register: RegisterHandle, mask: u64, value: u64) -> u64 {
        self.expected(register).mask(Bit::neutral) & !mask | value & mask
    }

    /// Whether a write to `register` may make `other` hard to predict.
    pub(crate) fn may_disturb(&self, register: RegisterHandle, other: RegisterHandle) -> bool {
        let mut owned = self.declarations.hardware_owned.iter().filter(|owned| owned.register == other);
        owned.any(|owned| register != other && self.declarations.may_disturb(register, owned))
    }

    /// `wanted`, made legal in the bits that can be written.
    pub(crate) fn varied(&self, register: RegisterHandle, wanted: u64) -> u64 {
        let writable = self.expected(register).mask(|bit| bit.semantics.is_writable());
        self.legal(register, u64::MAX, wanted) & writable | wanted & !writable
    }

    /// What of `wanted` may be written to the bits `carried`: only bits that can be, no reset, and where a constraint does
    /// not allow it, another value that it allows.
    pub(crate) fn legal(&self, register: RegisterHandle, carried: u64, wanted: u64) -> u64 {
        let expected = self.expected(register);
        let mut mask = expected.mask(|bit| bit.semantics.is_writable()) & carried;
        if let Some(reset) = self.declarations.reset.filter(|reset| reset.register == register) {
            mask &= !reset.value;
        }
        let mut value = self.compose(register, mask, wanted);
        for constraint in &expected.constraints {
            let part = constraint.mask() & carried;
            let is_allowed = |value: &u64| constraint.judge(&expected.bits, carried, *value) == Taken::Yes;
            if part == 0 || is_allowed(&value) {
                continue;
            }
            let stays = self.compose(register, 0, 0);
            let others = constraint.candidates().into_iter().map(|other| value & !part | other & part);
            let changed = others.filter(|other| (other ^ stays) & part != 0).find(is_allowed);
            value = changed.unwrap_or(value & !part | stays & part);
        }
        value
    }
}
