//! What accesses do to the bits of a register, as masks.

use svd_parser::svd::{Access, ModifiedWriteValues, ReadAction};

use crate::map::{Field, WriteConstraint, low_bits};

/// The bits of a register by what accesses do to them. Bits of no field are only readable: they keep their value after
/// reset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks {
    pub(crate) readable: u64,
    pub(crate) writable: u64,
    /// Writable once after reset.
    pub(crate) once: u64,
    modify: u64,
    one_to_clear: u64,
    one_to_set: u64,
    one_to_toggle: u64,
    zero_to_clear: u64,
    zero_to_set: u64,
    zero_to_toggle: u64,
    clear: u64,
    set: u64,
    pub(crate) read_clear: u64,
    pub(crate) read_set: u64,
    pub(crate) read_modify: u64,
    pub(crate) read_modify_external: u64,
    /// What a write may leave in the bits of a mask.
    pub(crate) constraints: Vec<Constraint>,
}

/// A write constraint on bits of a register.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) mask: u64,
    first_bit: u8,
    kind: ConstraintKind,
}

#[derive(Clone, Debug)]
enum ConstraintKind {
    WriteAsRead,
    Range {
        minimum: u64,
        maximum: u64,
    },
    /// Value and the bits of it that count.
    Values(Vec<(u64, u64)>),
}

impl Constraint {
    /// Whether the register value `wanted` may be written when `last_read` was the value that was read last.
    pub(crate) fn allows(&self, wanted: u64, last_read: u64) -> bool {
        let value = (wanted & self.mask) >> self.first_bit;
        match &self.kind {
            ConstraintKind::WriteAsRead => (wanted ^ last_read) & self.mask == 0,
            ConstraintKind::Range { minimum, maximum } => (*minimum..=*maximum).contains(&value),
            ConstraintKind::Values(values) => values.iter().any(|(named, bits)| value & bits == *named),
        }
    }

    /// `None` where everything is allowed.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        let kind = match field.write_constraint? {
            WriteConstraint::WriteAsRead => ConstraintKind::WriteAsRead,
            WriteConstraint::Range { minimum, maximum } => ConstraintKind::Range { minimum, maximum },
            WriteConstraint::EnumeratedValues => {
                let writable = || field.enumerated_values.iter().filter(|entry| entry.for_writing);
                if writable().any(|entry| entry.is_default) {
                    return None;
                }
                ConstraintKind::Values(writable().map(|entry| (entry.value, entry.significant_bits)).collect())
            }
        };
        Some(Self { mask: field.mask(), first_bit: field.first_bit, kind })
    }
}

impl Masks {
    /// `fields` in the order of the file: of two that share bits, the first one's semantics apply. `whole` stands for
    /// the register where there are no fields, and carries the constraint on its whole value in any case.
    pub(crate) fn new(whole: &Field, fields: &[Field]) -> Self {
        let mut masks = Self::default();
        let mut owned = 0;
        for field in if fields.is_empty() { std::slice::from_ref(whole) } else { fields } {
            masks.add(field, field.mask() & !owned);
            owned |= field.mask();
        }
        if !fields.is_empty() {
            masks.constraints.extend(Constraint::of(whole));
        }
        // Bits of no field are reserved: what reset gave them can be read.
        masks.readable |= low_bits(u32::from(whole.bits)) & !owned;
        masks
    }

    fn add(&mut self, field: &Field, bits: u64) {
        if field.access.can_read() {
            self.readable |= bits;
        }
        if let Some(action) = field.read_action {
            *match action {
                ReadAction::Clear => &mut self.read_clear,
                ReadAction::Set => &mut self.read_set,
                ReadAction::Modify => &mut self.read_modify,
                ReadAction::ModifyExternal => &mut self.read_modify_external,
            } |= bits;
        }
        if !field.access.can_write() {
            return;
        }
        self.writable |= bits;
        if matches!(field.access, Access::WriteOnce | Access::ReadWriteOnce) {
            self.once |= bits;
        }
        *match field.modified_write_values {
            ModifiedWriteValues::Modify => &mut self.modify,
            ModifiedWriteValues::OneToClear => &mut self.one_to_clear,
            ModifiedWriteValues::OneToSet => &mut self.one_to_set,
            ModifiedWriteValues::OneToToggle => &mut self.one_to_toggle,
            ModifiedWriteValues::ZeroToClear => &mut self.zero_to_clear,
            ModifiedWriteValues::ZeroToSet => &mut self.zero_to_set,
            ModifiedWriteValues::ZeroToToggle => &mut self.zero_to_toggle,
            ModifiedWriteValues::Clear => &mut self.clear,
            ModifiedWriteValues::Set => &mut self.set,
        } |= bits;
        self.constraints.extend(Constraint::of(field));
    }

    /// What `old` becomes when `value` is written to its bits `lanes`.
    pub(crate) fn written(&self, old: u64, value: u64, lanes: u64) -> u64 {
        let ones = value & lanes;
        let zeros = !value & lanes;
        let cleared = ones & self.one_to_clear | zeros & self.zero_to_clear | lanes & self.clear;
        let set = ones & self.one_to_set | zeros & self.zero_to_set | lanes & self.set;
        let toggled = ones & self.one_to_toggle | zeros & self.zero_to_toggle;
        let taken = lanes & self.modify;
        ((old & !taken | value & taken) & !cleared | set) ^ toggled
    }

    /// What `old` becomes when its bits `lanes` have been read.
    pub(crate) fn read(&self, old: u64, lanes: u64) -> u64 {
        old & !(lanes & self.read_clear) | lanes & self.read_set
    }

    /// Whether reads have no effect on the register.
    pub(crate) fn reads_are_pure(&self) -> bool {
        self.read_clear | self.read_set | self.read_modify | self.read_modify_external == 0
    }
}
