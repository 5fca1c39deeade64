//! Rules between the parts of a map.

use crate::build::{Builder, refusal_at};
use crate::error::{Leniency, MapError};
use crate::map::{Alternate, Field, Register};
use crate::semantics::Constraint;
use crate::source::join;

/// Fields have names of their own and bits of their own.
pub(crate) fn fields(builder: &mut Builder<'_, '_>, register: &Register) -> Result<(), MapError> {
    let names = register.fields.iter().map(|field| (field.name.as_str(), field.line));
    builder.unique(names, |name| join(&register.name, name))?;
    for (index, field) in register.fields.iter().enumerate() {
        if let Some(other) = register.fields[..index].iter().find(|other| other.mask() & field.mask() != 0) {
            let range = |field: &Field| format!("{}:{}", field.first_bit + field.bits - 1, field.first_bit);
            let problem = format!(
                "bits {} are also those of {} (line {}, bits {})",
                range(field),
                other.name,
                other.line,
                range(other)
            );
            builder.breach_at(Leniency::FieldOverlap, field.line, &join(&register.name, &field.name), problem)?;
        }
    }
    Ok(())
}

/// What reset gives a field could also be written to it. `whole` has the constraint on the register.
pub(crate) fn reset_in_constraints(
    builder: &mut Builder<'_, '_>,
    register: &Register,
    whole: &Field,
) -> Result<(), MapError> {
    let reset = register.reset_value;
    for field in register.fields.iter().chain([whole]) {
        let known = register.reset_mask & field.mask() == field.mask();
        if known && Constraint::of(field).is_some_and(|constraint| !constraint.allows(reset, reset)) {
            let value = (reset & field.mask()) >> field.first_bit;
            let problem = format!("it is {value:#x} after reset, which its write constraint does not allow");
            let place = if field.name.is_empty() { register.name.clone() } else { join(&register.name, &field.name) };
            builder.breach_at(Leniency::ResetOutsideConstraint, field.line, &place, problem)?;
        }
    }
    Ok(())
}

/// Registers have names of their own.
pub(crate) fn names(builder: &mut Builder<'_, '_>, registers: &[Register]) -> Result<(), MapError> {
    let names = registers.iter().map(|register| (register.name.as_str(), register.line));
    builder.unique(names, str::to_owned)
}

/// What an alternate is an alternate of is there.
pub(crate) fn alternates(registers: &[Register]) -> Result<(), MapError> {
    for register in registers {
        let (kind, target) = match &register.alternate {
            Some(Alternate::Register(target)) => ("register", target),
            Some(Alternate::Cluster { of, .. }) => ("cluster", of),
            _ => continue,
        };
        if !registers.iter().any(|other| is_alternate_of(register, other)) {
            let problem = format!("it is an alternate of the {kind} {target}, which is not there");
            return Err(refusal_at(register.line, &register.name, problem));
        }
    }
    Ok(())
}

/// Registers have bytes of their own, alternates aside. `registers` are sorted by offset.
pub(crate) fn overlaps(builder: &mut Builder<'_, '_>, registers: &mut [Register]) -> Result<(), MapError> {
    for index in 0..registers.len() {
        while let Some(other) = overlapped(registers, index) {
            // Which is the second one is a matter of the file, not of the offset.
            let in_file_order = registers[other].line <= registers[index].line;
            let (first, second) = if in_file_order { (other, index) } else { (index, other) };
            let bytes = |register: &Register| {
                format!("{:#x} to {:#x}", register.offset, register.offset + register.bytes() - 1)
            };
            let (one, two) = (&registers[first], &registers[second]);
            let problem = format!(
                "bytes {} overlap those of {} (line {}, {}), and it is not said to be an alternate",
                bytes(two),
                one.name,
                one.line,
                bytes(one)
            );
            builder.breach_at(Leniency::RegisterOverlap, two.line, &two.name, problem)?;
            registers[second].alternate = Some(Alternate::Overlap);
        }
    }
    Ok(())
}

/// A register before `index` that must not share bytes with it and does.
fn overlapped(registers: &[Register], index: usize) -> Option<usize> {
    let register = &registers[index];
    // A register has eight bytes at most: one that reaches into this one begins no more than that before.
    let near = (0..index).rev().take_while(|other| registers[*other].offset + 8 > register.offset);
    near.filter(|other| registers[*other].offset + registers[*other].bytes() > register.offset).find(|other| {
        let other = &registers[*other];
        let told = is_alternate_of(register, other) || is_alternate_of(other, register);
        !told && ![&register.alternate, &other.alternate].contains(&&Some(Alternate::Overlap))
    })
}

/// Whether `register` says that it may share bytes with `other`.
fn is_alternate_of(register: &Register, other: &Register) -> bool {
    match &register.alternate {
        Some(Alternate::Register(target)) => {
            register.name != other.name && (register.alternate == other.alternate || ends_with(&other.name, target))
        }
        Some(Alternate::Group(_)) => register.alternate != other.alternate,
        Some(Alternate::Cluster { of, alternate }) => {
            let fellow = matches!(
                &other.alternate,
                Some(Alternate::Cluster { of: same, alternate: another }) if same == of && another != alternate
            );
            fellow || clusters_around(&other.name).any(|cluster| ends_with(cluster, of))
        }
        Some(Alternate::Overlap) | None => false,
    }
}

/// The full names of what a register is in, the innermost first.
fn clusters_around(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices('.').map(|(end, _)| &name[..end])
}

/// Whether the dotted name ends with `target`, the index of an array aside.
fn ends_with(name: &str, target: &str) -> bool {
    let ends = |name: &str| name.strip_suffix(target).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    ends(name) || name.rfind('[').is_some_and(|at| name.ends_with(']') && ends(&name[..at]))
}
