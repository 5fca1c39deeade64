//! What may be written: the values that a constraint allows, and values to try it with.

use registers::{Field, Register, WriteConstraint};

use crate::bit::{Bit, Taken};

#[derive(Clone, Debug)]
enum Kind {
    WriteAsRead,
    Range(u64, u64),
    /// Value and the bits of it that count.
    Values(Vec<(u64, u64)>),
}

/// A constraint on bits of a register.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    first_bit: u8,
    bits: u8,
    kind: Kind,
}

impl Constraint {
    /// Those of the register's fields, then the one on its whole value.
    pub(crate) fn all(register: &Register) -> Vec<Self> {
        let whole = match register.write_constraint {
            Some(WriteConstraint::WriteAsRead) => Some(Kind::WriteAsRead),
            Some(WriteConstraint::Range { minimum, maximum }) => Some(Kind::Range(minimum, maximum)),
            // Its fields have it, each with values of its own.
            Some(WriteConstraint::EnumeratedValues) | None => None,
        };
        let whole = whole.map(|kind| Self { first_bit: 0, bits: register.bits, kind });
        register.fields.iter().filter_map(Self::of).chain(whole).collect()
    }

    fn of(field: &Field) -> Option<Self> {
        let kind = match field.write_constraint? {
            WriteConstraint::WriteAsRead => Kind::WriteAsRead,
            WriteConstraint::Range { minimum, maximum } => Kind::Range(minimum, maximum),
            WriteConstraint::EnumeratedValues => {
                let named: Vec<_> = field.enumerated_values.iter().filter(|named| named.for_writing).collect();
                if named.iter().any(|named| named.is_default) {
                    return None;
                }
                Kind::Values(named.iter().map(|named| (named.value, named.significant_bits)).collect())
            }
        };
        Some(Self { first_bit: field.first_bit, bits: field.bits, kind })
    }

    pub(crate) fn is_write_as_read(&self) -> bool {
        matches!(self.kind, Kind::WriteAsRead)
    }

    fn ones(&self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// The register's bits that it is on.
    pub(crate) fn mask(&self) -> u64 {
        self.ones() << self.first_bit
    }

    /// Whether `written` may be written to the bits `carried` of the register `bits`: the constraint is on what the field
    /// would then have.
    pub(crate) fn judge(&self, bits: &[Bit], carried: u64, written: u64) -> Taken {
        let (mut value, mut last_read) = (Some(0), Some(0));
        for place in 0..self.bits {
            let at = self.first_bit + place;
            let bit = &bits[usize::from(at)];
            let is_carried = carried >> at & 1 == 1;
            let wanted = if is_carried { Some(written >> at & 1 == 1) } else { bit.value };
            let join = |sum: Option<u64>, bit: Option<bool>| Some(sum? | u64::from(bit?) << place);
            value = join(value, wanted);
            last_read = join(last_read, bit.last_read);
        }
        let allowed = match &self.kind {
            Kind::WriteAsRead => value.zip(last_read).map(|(value, last_read)| value == last_read),
            Kind::Range(minimum, maximum) => value.map(|value| (*minimum..=*maximum).contains(&value)),
            Kind::Values(named) => value.map(|value| named.iter().any(|(named, bits)| value & bits == *named)),
        };
        allowed.map_or(Taken::Unknown, |allowed| if allowed { Taken::Yes } else { Taken::Refused })
    }

    /// Values to try, in the register's place, allowed ones and others: the edges, each bit alone, all but each bit.
    pub(crate) fn candidates(&self) -> Vec<u64> {
        let mut values: Vec<u64> = match &self.kind {
            Kind::WriteAsRead => Vec::new(),
            Kind::Range(minimum, maximum) => {
                vec![*minimum, *maximum, minimum.midpoint(*maximum), minimum.wrapping_sub(1), maximum.wrapping_add(1)]
            }
            Kind::Values(named) => named.iter().flat_map(|(named, bits)| [*named, named | !bits]).collect(),
        };
        values.extend((0..self.bits).flat_map(|place| [1 << place, !(1 << place)]).chain([0, u64::MAX]));
        for value in &mut values {
            *value = (*value & self.ones()) << self.first_bit;
        }
        values.sort_unstable();
        values.dedup();
        values
    }
}
