//! Fields of a register, their values and what may be written to them.

use roxmltree::Node;
use svd_parser::Config;
use svd_parser::elementext::ElementExt;
use svd_parser::svd::{Access, BitRange, ModifiedWriteValues, ReadAction, Usage, WriteConstraint as ParsedConstraint};

use crate::build::{Builder, word, words};
use crate::check;
use crate::error::{Leniency, MapError};
use crate::map::{EnumeratedValue, Field, Register, WriteConstraint, low_bits};
use crate::semantics::Masks;
use crate::source::{Element, child, join};

/// What fields have from their register.
struct Inherited {
    access: Option<Access>,
    modified_write_values: Option<ModifiedWriteValues>,
    read_action: Option<ReadAction>,
    /// The register's constraint is on each field's enumerated values.
    enumerated_values_only: bool,
}

impl<'d> Builder<'d, '_> {
    /// `register` with its fields, constraints and semantics, all of them checked.
    pub(crate) fn with_fields(
        &mut self,
        element: &Element<'d>,
        mut register: Register,
        access: Option<Access>,
    ) -> Result<Register, MapError> {
        let place = register.name.clone();
        let constraint = self.write_constraint(element, u32::from(register.bits), &place)?;
        let inherited = Inherited {
            access,
            modified_write_values: word::<ModifiedWriteValues>(self, element, "modifiedWriteValues", &place)?,
            read_action: word::<ReadAction>(self, element, "readAction", &place)?,
            enumerated_values_only: constraint == Some(WriteConstraint::EnumeratedValues),
        };
        register.write_constraint = constraint;
        let nodes = element.members(Some("fields"), &["field"]);
        for node in &nodes {
            let field_element = self.element(*node, &place)?;
            for (name, distance) in self.description.instances(&field_element, &place)? {
                if let Some(field) = self.field(&field_element, name, distance, &register, &inherited)? {
                    register.fields.push(field);
                }
            }
        }
        if nodes.is_empty() && access.is_none() {
            self.breach(Leniency::MissingAccess, element.own(), &place, "nothing gives its <access>")?;
        }
        if nodes.is_empty() && inherited.enumerated_values_only {
            let problem = "only enumerated values may be written, but it has no fields that have any";
            self.breach(Leniency::ConstraintOutsideField, element.own(), &place, problem)?;
        }
        let mut whole = Field {
            name: String::new(),
            description: String::new(),
            line: register.line,
            first_bit: 0,
            bits: register.bits,
            access: access.unwrap_or_default(),
            modified_write_values: inherited.modified_write_values.unwrap_or_default(),
            read_action: inherited.read_action,
            // Where it is on enumerated values, each field has it.
            write_constraint: constraint.filter(|_| !inherited.enumerated_values_only),
            enumerated_values: Vec::new(),
        };
        if register.fields.is_empty() {
            self.semantics(element, &mut whole, &place, inherited.modified_write_values.is_some())?;
        }
        if !register.fields.is_empty() {
            self.register_effects_apply(element, &register)?;
        }
        check::fields(self, &register)?;
        check::reset_in_constraints(self, &register, &whole)?;
        register.masks = Masks::new(&whole, &register.fields);
        register.whole = whole;
        Ok(register)
    }

    /// Effects that a register gives its fields are for one of them at least.
    fn register_effects_apply(&mut self, element: &Element<'d>, register: &Register) -> Result<(), MapError> {
        let any = |can: fn(Access) -> bool| register.fields.iter().any(|field| can(field.access));
        let (read, written) = (any(Access::can_read), any(Access::can_write));
        for (tag, applies, verb) in [
            ("modifiedWriteValues", written, "written"),
            ("writeConstraint", written, "written"),
            ("readAction", read, "read"),
        ] {
            if let Some(node) = element.child(tag).filter(|_| !applies) {
                let problem = format!("it has a <{tag}>, but none of its fields can be {verb}");
                self.breach(Leniency::ContradictorySemantics, node, &register.name, problem)?;
            }
        }
        Ok(())
    }

    /// `None` for a field that has none of its register's bits, where that is let through.
    fn field(
        &mut self,
        element: &Element<'d>,
        name: String,
        distance: u64,
        register: &Register,
        inherited: &Inherited,
    ) -> Result<Option<Field>, MapError> {
        let node = element.own();
        let place = join(&register.name, &name);
        let range = self.bit_range(element, &place)?;
        let first_bit = u64::from(range.offset) + distance;
        let last_bit = first_bit + u64::from(range.width) - 1;
        let register_bits = u64::from(register.bits);
        if last_bit >= register_bits {
            let problem =
                format!("bits {last_bit}:{first_bit} are not in its register, which has {register_bits} bits");
            self.breach(Leniency::FieldOutsideRegister, node, &place, problem)?;
        }
        if first_bit >= register_bits {
            return Ok(None);
        }
        let stated_access = word::<Access>(self, element, "access", &place)?.or(inherited.access);
        if stated_access.is_none() {
            self.breach(Leniency::MissingAccess, node, &place, "nothing gives its <access>")?;
        }
        let bits = (last_bit.min(register_bits - 1) - first_bit + 1) as u32;
        let own_write = word::<ModifiedWriteValues>(self, element, "modifiedWriteValues", &place)?;
        let own_read_action = word::<ReadAction>(self, element, "readAction", &place)?;
        let access = stated_access.unwrap_or_default();
        let for_all = inherited.enumerated_values_only.then_some(WriteConstraint::EnumeratedValues);
        let mut field = Field {
            description: words(element.text("description")),
            line: self.description.line(node),
            first_bit: first_bit as u8,
            bits: bits as u8,
            access,
            // The register's effects are for the fields that they can be for.
            modified_write_values: own_write.or(inherited.modified_write_values).unwrap_or_default(),
            read_action: own_read_action.or(inherited.read_action.filter(|_| access.can_read())),
            write_constraint: self.write_constraint(element, bits, &place)?.or(for_all.filter(|_| access.can_write())),
            enumerated_values: self.enumerated_values(element, bits, &place)?,
            name,
        };
        self.semantics(element, &mut field, &place, own_write.is_some())?;
        Ok(Some(field))
    }

    fn bit_range(&mut self, element: &Element<'d>, place: &str) -> Result<BitRange, MapError> {
        // All of the range comes from the element that says anything about it.
        let tags = ["bitRange", "lsb", "msb", "bitOffset", "bitWidth"];
        let says = |node: &&Node<'d, 'd>| tags.iter().any(|tag| child(**node, tag).is_some());
        let node = element.nodes().iter().find(says).copied().unwrap_or_else(|| element.own());
        let range = self.description.read::<BitRange>(node, place, &Config::default())?;
        if range.width == 0 || u64::from(range.offset) + u64::from(range.width) > u64::from(u32::MAX) {
            return Err(self.description.refusal(node, place, "a field has at least one bit and ends somewhere"));
        }
        Ok(range)
    }

    /// Refuses effects of accesses that there cannot be.
    fn semantics(
        &mut self,
        element: &Element<'d>,
        field: &mut Field,
        place: &str,
        own_write: bool,
    ) -> Result<(), MapError> {
        let at = |tag: &str| element.child(tag).unwrap_or_else(|| element.own());
        let access = field.access.as_str();
        if own_write && !field.access.can_write() {
            let effect = field.modified_write_values.as_str();
            let problem = format!("writes have the effect {effect}, but it is {access}");
            self.breach(Leniency::ContradictorySemantics, at("modifiedWriteValues"), place, problem)?;
            field.modified_write_values = ModifiedWriteValues::Modify;
        }
        if let Some(action) = field.read_action.filter(|_| !field.access.can_read()) {
            let problem = format!("reads have the effect {}, but it is {access}", action.as_str());
            self.breach(Leniency::ContradictorySemantics, at("readAction"), place, problem)?;
            field.read_action = None;
        }
        if field.write_constraint.is_some() && !field.access.can_write() {
            let problem = format!("it has a write constraint, but it is {access}");
            self.breach(Leniency::ContradictorySemantics, at("writeConstraint"), place, problem)?;
            field.write_constraint = None;
        }
        let no_values = field.enumerated_values.iter().all(|entry| !entry.for_writing);
        if field.write_constraint == Some(WriteConstraint::EnumeratedValues) && no_values {
            let problem = "only enumerated values may be written, but it has none for writing";
            self.breach(Leniency::ConstraintOutsideField, at("writeConstraint"), place, problem)?;
            field.write_constraint = None;
        }
        Ok(())
    }

    fn write_constraint(
        &mut self,
        element: &Element<'d>,
        bits: u32,
        place: &str,
    ) -> Result<Option<WriteConstraint>, MapError> {
        let Some(node) = element.child("writeConstraint") else { return Ok(None) };
        // svd-parser takes for granted that there is something in it.
        if !node.children().any(|node| node.is_element()) {
            self.breach(Leniency::ConstraintOutsideField, node, place, "its write constraint is empty")?;
            return Ok(None);
        }
        let parsed = self.description.read::<ParsedConstraint>(node, place, &Config::default())?;
        let range = match parsed {
            ParsedConstraint::WriteAsRead(true) => return Ok(Some(WriteConstraint::WriteAsRead)),
            ParsedConstraint::UseEnumeratedValues(true) => return Ok(Some(WriteConstraint::EnumeratedValues)),
            ParsedConstraint::WriteAsRead(false) | ParsedConstraint::UseEnumeratedValues(false) => return Ok(None),
            ParsedConstraint::Range(range) => range,
        };
        if range.min > range.max || range.max > low_bits(bits) {
            let problem = format!("it has {bits} bits, which do not have the range {} to {}", range.min, range.max);
            self.breach(Leniency::ConstraintOutsideField, node, place, problem)?;
        }
        Ok(Some(WriteConstraint::Range { minimum: range.min, maximum: range.max }))
    }

    fn enumerated_values(
        &mut self,
        element: &Element<'d>,
        bits: u32,
        place: &str,
    ) -> Result<Vec<EnumeratedValue>, MapError> {
        let mut values: Vec<EnumeratedValue> = Vec::new();
        for node in element.nearest_children("enumeratedValues") {
            let set = self.element(node, place)?;
            let usage = word::<Usage>(self, &set, "usage", place)?.unwrap_or_default();
            for node in set.nearest_children("enumeratedValue") {
                let entry = self.enumerated_value(node, usage, bits, place)?;
                let Some(entry) = entry else { continue };
                let same = |other: &&EnumeratedValue| {
                    let used_alike = other.for_reading && entry.for_reading || other.for_writing && entry.for_writing;
                    let same_value = (other.value, other.significant_bits) == (entry.value, entry.significant_bits)
                        && other.is_default == entry.is_default;
                    used_alike && (other.name == entry.name || same_value)
                };
                if let Some(other) = values.iter().find(same) {
                    let problem = format!("{} and {} have the same name or value", other.name, entry.name);
                    self.breach(Leniency::DuplicateEnumeratedValue, node, place, problem)?;
                }
                values.push(entry);
            }
        }
        Ok(values)
    }

    /// `None` for a value that does not fit, where that is let through.
    fn enumerated_value(
        &mut self,
        node: Node<'d, 'd>,
        usage: Usage,
        bits: u32,
        place: &str,
    ) -> Result<Option<EnumeratedValue>, MapError> {
        let description = self.description;
        let element = description.element(node, place)?;
        let name = words(element.text("name"));
        if name.is_empty() {
            return Err(description.refusal(node, place, "an enumerated value has no name"));
        }
        let is_default = match element.text("isDefault") {
            Some(_) => node
                .get_child_bool("isDefault")
                .map_err(|error| description.refusal(node, place, format!("<isDefault> of {name}: {error}")))?,
            None => false,
        };
        let (value, significant_bits) = match element.child("value") {
            Some(value) => {
                (description.read::<u64>(value, place, &())?, !ignored_bits(value.text().unwrap_or_default().trim()))
            }
            None if is_default => (0, 0),
            None => return Err(description.refusal(node, place, format!("{name} has neither a value nor isDefault"))),
        };
        if value & !low_bits(bits) != 0 {
            let problem = format!("the value {value:#x} of {name} does not fit into {bits} bits");
            self.breach(Leniency::EnumeratedValueOutsideField, node, place, problem)?;
            return Ok(None);
        }
        Ok(Some(EnumeratedValue {
            description: words(element.text("description")),
            value,
            significant_bits: significant_bits & low_bits(bits),
            is_default,
            for_reading: usage != Usage::Write,
            for_writing: usage != Usage::Read,
            name,
        }))
    }
}

/// A binary number may have `x` for bits that do not count, which svd-parser reads as 0.
fn ignored_bits(text: &str) -> u64 {
    let Some(digits) = text.strip_prefix('#').or_else(|| text.strip_prefix("0b")) else { return 0 };
    digits.chars().fold(0, |bits, digit| bits << 1 | u64::from(matches!(digit, 'x' | 'X')))
}
