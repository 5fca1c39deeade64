//! The driver's registers: blocks of Linux's `register!` macro, and constants for what the file says about values.

use registers::{EnumeratedValue, Field, Register, WriteConstraint};

use super::contract::{Contract, Reference, Template, uniform};
use super::words::{constant_name, constraint, decimal, member_name, rust_hexadecimal, semantics, sentence, wrapped};

/// The kernel's line length.
const COLUMNS: usize = 100;

/// The file, to be formatted in the kernel's style; or what the macro cannot say.
pub(crate) fn generate(contract: &Contract<'_>) -> Result<String, String> {
    let mut text = format!("// SPDX-License-Identifier: GPL-2.0\n// {}\n\n", contract.origin());
    let title = contract.with_names(&format!("Registers of {}.", contract.title()), "", code);
    text += &wrapped(&title, "//! ", COLUMNS);
    for paragraph in [
        &contract.with_names(&contract.map.device().description, "", code),
        "Constants: `RESET` is the value after reset where it is not 0, `MINIMUM` and `MAXIMUM` bound what may be \
         written, the others are values of fields.",
    ] {
        text += &format!("//!\n{}", wrapped(paragraph, "//! ", COLUMNS));
    }
    text += "\nuse kernel::io::register;\n\nregister! {\n";
    let mut constants = String::new();
    for (index, template) in contract.templates.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text += &block(contract, template)?;
        constants += &implementation(contract, template);
    }
    Ok(text + "}\n" + &constants + &table(contract))
}

/// Every register by its name, for whoever shows them all.
fn table(contract: &Contract<'_>) -> String {
    let mut text = NAMED_REGISTER.to_owned();
    for (_, register) in contract.map.registers() {
        let parts = register.parts();
        let reading = if parts.iter().any(|part| part.read_action.is_some()) {
            "Effect"
        } else if parts.iter().any(|part| part.access.can_read()) {
            "Value"
        } else {
            "Nothing"
        };
        let offset = rust_hexadecimal(register.offset, contract.offset_digits());
        text += &format!("    named({:?}, {offset}, {}, Reading::{reading}),\n", register.name, register.bits);
    }
    text + "];\n"
}

/// What the table is made of, and its beginning.
const NAMED_REGISTER: &str = "
/// What a read of a register gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Its value.
    Value,
    /// Its value, and something is changed by it.
    Effect,
    /// 0, for it is write-only.
    Nothing,
}

/// A register by its name in the datasheet.
pub(crate) struct NamedRegister {
    pub(crate) name: &'static str,
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) bits: u32,
    pub(crate) reading: Reading,
}

const fn named(name: &'static str, offset: usize, bits: u32, reading: Reading) -> NamedRegister {
    NamedRegister { name, offset, bits, reading }
}

/// Every register, by ascending offset.
pub(crate) const REGISTERS: &[NamedRegister] = &[
";

/// One register, or the registers of an array.
fn block(contract: &Contract<'_>, template: &Template<'_>) -> Result<String, String> {
    let register = template.register();
    if !matches!(register.bits, 8 | 16 | 32 | 64) {
        let found = register.bits;
        return Err(format!(
            "line {}: {}: the kernel's register! macro has registers of 8, 16, 32 and 64 bits, not {found}",
            register.line, register.name
        ));
    }
    let Some(stride) = template.stride() else {
        return Err(format!(
            "line {}: {}: the kernel's register! macro has arrays of one dimension, and the distances between the \
             elements of this one are not all the same",
            register.line, template.name
        ));
    };
    let whole = uniform(register);
    let mut text = documentation(contract, template, whole, &register.description, register.write_constraint, 4);
    if let [first, .., last] = &template.elements[..] {
        text += if text.is_empty() { "" } else { "    ///\n" };
        text += &wrapped(&format!("The elements are `{}` to `{}`.", first.name, last.name), "    /// ", COLUMNS);
    }
    let digits = contract.offset_digits();
    let array = if template.is_array() {
        format!("[{}, stride = {}]", template.elements.len(), rust_hexadecimal(stride.max(register.bytes()), 2))
    } else {
        String::new()
    };
    let name = constant_name(&register.template);
    let offset = rust_hexadecimal(register.offset, digits);
    text += &format!("    pub(crate) {name}(u{}){array} @ {offset} {{\n", register.bits);
    if register.fields.is_empty() {
        text += &format!("        {}:0 value;\n", register.bits - 1);
    }
    for field in &register.fields {
        let own = if whole.is_none() { Some(field) } else { None };
        text += &documentation(contract, template, own, &field.description, field.write_constraint, 8);
        let last_bit = field.first_bit + field.bits - 1;
        let conversion = if field.bits == 1 { " => bool" } else { "" };
        text += &format!("        {last_bit}:{} {}{conversion};\n", field.first_bit, member_name(&field.name));
    }
    Ok(text + "    }\n")
}

/// What it is and, of `part`, what accesses do.
fn documentation(
    contract: &Contract<'_>,
    template: &Template<'_>,
    part: Option<&Field>,
    description: &str,
    write_constraint: Option<WriteConstraint>,
    indent: usize,
) -> String {
    let access = part.map(|part| sentence(&semantics(part)) + ".");
    let description = contract.with_names(description, template.peripheral(), code);
    let sentences = [access, Some(description), write_constraint.map(constraint)];
    let text: Vec<String> = sentences.into_iter().flatten().filter(|sentence| !sentence.is_empty()).collect();
    if text.is_empty() {
        return String::new();
    }
    wrapped(&text.join(" "), &format!("{:indent$}/// ", ""), COLUMNS)
}

/// A name as the driver has it.
fn code(word: &str, reference: Option<Reference<'_, '_>>) -> String {
    let Some(Reference { register, field }) = reference else { return format!("`{word}`") };
    let field = field.map(|field| format!(".{}", member_name(field))).unwrap_or_default();
    format!("`{}{field}`", constant_name(&register.register().template))
}

/// The constants of a register, if it has any.
fn implementation(contract: &Contract<'_>, template: &Template<'_>) -> String {
    let register = template.register();
    let mut constants = String::new();
    if register.reset_value != 0 && register.reset_mask == register.mask() {
        let value = rust_hexadecimal(register.reset_value, usize::from(register.bits / 4));
        constants += "    /// The value after reset.\n";
        constants += &format!("    pub(crate) const RESET: Self = Self::from_raw({value});\n");
    }
    constants += &bounds(register, register.write_constraint, "", "");
    for field in &register.fields {
        let prefix = constant_name(&field.name) + "_";
        let of = format!(" of `{}`", member_name(&field.name));
        constants += &bounds(register, field.write_constraint, &prefix, &of);
        let all = field.mask() >> field.first_bit;
        for entry in field.enumerated_values.iter().filter(|entry| entry.significant_bits == all) {
            constants += &enumerated(contract, template, field, entry);
        }
    }
    if constants.is_empty() {
        return constants;
    }
    format!("\nimpl {} {{\n{constants}}}\n", constant_name(&register.template))
}

fn bounds(register: &Register, write_constraint: Option<WriteConstraint>, prefix: &str, of: &str) -> String {
    let Some(WriteConstraint::Range { minimum, maximum }) = write_constraint else { return String::new() };
    let constant = |name: &str, word: &str, value| {
        let value = decimal(value, '_');
        format!(
            "    /// The {word} value{of} that may be written.\n    pub(crate) const {prefix}{name}: u{} = {value};\n",
            register.bits
        )
    };
    constant("MINIMUM", "lowest", minimum) + &constant("MAXIMUM", "highest", maximum)
}

fn enumerated(contract: &Contract<'_>, template: &Template<'_>, field: &Field, entry: &EnumeratedValue) -> String {
    let description = contract.with_names(&entry.description, template.peripheral(), code);
    let text = format!("Value of `{}`. {description}", member_name(&field.name));
    let name = format!("{}_{}", constant_name(&field.name), constant_name(&entry.name));
    let (kind, value) = if field.bits == 1 {
        ("bool".to_owned(), (entry.value == 1).to_string())
    } else {
        (format!("u{}", template.register().bits), decimal(entry.value, '_'))
    };
    format!("{}    pub(crate) const {name}: {kind} = {value};\n", wrapped(&text, "    /// ", COLUMNS))
}
