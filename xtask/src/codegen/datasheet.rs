//! The datasheet: every register with its place, its meaning and a drawing.

use registers::{Field, Register};

use super::contract::{Contract, Reference, Template, shown, summary, uniform};
use super::drawing::draw;
use super::words::{constraint, decimal, letters, semantics, sentence, wrapped};

const COLUMNS: usize = 120;

/// The file.
pub(crate) fn generate(contract: &Contract<'_>) -> String {
    let mut text = format!("<!-- {} -->\n\n# {}\n\n", contract.origin(), contract.title());
    text += &paragraph(&contract.with_names(&contract.map.device().description, "", link));
    text += &paragraph(
        "Offsets are in bytes. An access touches the bits of the bytes that it carries and no others. Bits of no field \
         are reserved: they read as after reset and take no writes. Bytes of no register read as 0 and take no writes.",
    );
    text += &overview(contract);
    text += &access(contract);
    let mut templates: Vec<&str> = Vec::new();
    for peripheral in contract.map.peripherals() {
        if templates.contains(&peripheral.template.as_str()) {
            continue;
        }
        templates.push(&peripheral.template);
        let name = shown(&peripheral.template);
        text += &format!("## {name}\n\n");
        text += &paragraph(&contract.with_names(&peripheral.description, &name, link));
        for template in contract.templates.iter().filter(|template| template.peripheral() == name) {
            text += &section(contract, template);
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// All registers in one table.
fn overview(contract: &Contract<'_>) -> String {
    let row = |template: &Template<'_>| {
        let register = template.register();
        let offset = hexadecimal(register.offset, contract.offset_digits());
        let offset = match template.stride() {
            Some(0) => offset,
            Some(stride) => format!("{offset} + {} n", hexadecimal(stride, 2)),
            None => offsets(contract, template),
        };
        vec![
            offset,
            format!("[{0}](#{1})", template.name, anchor(&template.name)),
            all_letters(register),
            reset(register),
            contract.with_names(summary(&register.description), template.peripheral(), code),
        ]
    };
    let rows: Vec<_> = contract.templates.iter().map(row).collect();
    format!("## Registers\n\n{}", table(["offset", "register", "access", "reset", "what it is"], &rows))
}

/// What the letters mean that the other tables have.
fn access(contract: &Contract<'_>) -> String {
    let parts = contract.templates.iter().flat_map(|template| template.register().parts());
    let mut rows: Vec<Vec<String>> = parts.map(|part| vec![letters(part), sentence(&semantics(part)) + "."]).collect();
    rows.sort();
    rows.dedup();
    format!("## Access\n\n{}", table(["access", "what it means"], &rows))
}

/// A register, or the registers of an array.
fn section(contract: &Contract<'_>, template: &Template<'_>) -> String {
    let register = template.register();
    let mut text = format!("### {}\n\n", template.name);
    let says = contract.with_names(&register.description, template.peripheral(), link);
    let bounds = register.write_constraint.map(constraint).unwrap_or_default();
    text += &paragraph(&format!("{says} {bounds}"));
    let plural = if template.elements.len() == 1 { "Offset" } else { "Offsets" };
    let letters = all_letters(register);
    let access = uniform(register).map_or_else(|| "see the fields".to_owned(), semantics);
    let decimal = match register.reset_value {
        value if register.fields.is_empty() && value > 9 => format!(" ({})", decimal(value, ',')),
        _ => String::new(),
    };
    text += &paragraph(&format!(
        "{plural} {}; {} bits; {}{decimal} after reset. {letters}: {access}.",
        offsets(contract, template),
        register.bits,
        reset(register),
    ));
    text += &format!("```text\n{}\n```\n\n", draw(register));
    if !register.fields.is_empty() {
        let rows: Vec<_> = register.fields.iter().map(|field| field_row(contract, template, field)).collect();
        text += &table(["bits", "field", "access", "reset", "what it is"], &rows);
    }
    let values = register.fields.iter().flat_map(|field| value_rows(contract, template, field)).collect::<Vec<_>>();
    if !values.is_empty() {
        text += &table(["field", "value", "name", "what it means"], &values);
    }
    text
}

fn field_row(contract: &Contract<'_>, template: &Template<'_>, field: &Field) -> Vec<String> {
    let register = template.register();
    let last_bit = field.first_bit + field.bits - 1;
    let bits = if field.bits == 1 { last_bit.to_string() } else { format!("{last_bit}:{}", field.first_bit) };
    let value = |register: u64| (register & field.mask()) >> field.first_bit;
    let says = contract.with_names(&field.description, template.peripheral(), link);
    let bounds = field.write_constraint.map(constraint).unwrap_or_default();
    let mask = value(register.reset_mask);
    vec![
        bits,
        field.name.clone(),
        letters(field),
        if mask == value(u64::MAX) { decimal(value(register.reset_value), ',') } else { "unknown".to_owned() },
        format!("{says} {bounds}").trim().to_owned(),
    ]
}

fn value_rows(contract: &Contract<'_>, template: &Template<'_>, field: &Field) -> Vec<Vec<String>> {
    let values = field.enumerated_values.iter().map(|entry| {
        let value = match entry.significant_bits {
            _ if entry.is_default => "others".to_owned(),
            bits if bits == field.mask() >> field.first_bit => decimal(entry.value, ','),
            bits => format!("{} in {}", hexadecimal(entry.value, 1), hexadecimal(bits, 1)),
        };
        let says = contract.with_names(&entry.description, template.peripheral(), link);
        vec![field.name.clone(), value, entry.name.clone(), says]
    });
    values.collect()
}

/// The letters of all parts, each once.
fn all_letters(register: &Register) -> String {
    let mut all: Vec<String> = Vec::new();
    for letters in register.parts().iter().map(letters).filter(|letters| !letters.is_empty()) {
        if !all.contains(&letters) {
            all.push(letters);
        }
    }
    all.join(", ")
}

/// Each element's with its name, or the one offset.
fn offsets(contract: &Contract<'_>, template: &Template<'_>) -> String {
    let offset = |element: &&Register| {
        let offset = hexadecimal(element.offset, contract.offset_digits());
        if template.is_array() { format!("{offset} ({})", element.name) } else { offset }
    };
    template.elements.iter().map(offset).collect::<Vec<_>>().join(", ")
}

fn reset(register: &Register) -> String {
    let digits = usize::from(register.bits / 4);
    let value = hexadecimal(register.reset_value, digits);
    if register.reset_mask == register.mask() {
        return value;
    }
    format!("{value} (known: {})", hexadecimal(register.reset_mask, digits))
}

fn hexadecimal(value: u64, digits: usize) -> String {
    format!("0x{value:0digits$x}")
}

/// A name that leads nowhere, for a table that is narrow so.
fn code(word: &str, reference: Option<Reference<'_, '_>>) -> String {
    format!("`{}`", reference.map_or_else(|| word.to_owned(), |reference| reference.full_name()))
}

/// A name that leads to its register.
fn link(word: &str, reference: Option<Reference<'_, '_>>) -> String {
    reference.map_or_else(
        || format!("`{word}`"),
        |reference| format!("[{}](#{})", reference.full_name(), anchor(&reference.register.name)),
    )
}

/// How GitHub names a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|character| character.is_alphanumeric() || "-_".contains(*character))
        .collect()
}

fn paragraph(text: &str) -> String {
    if text.trim().is_empty() { String::new() } else { wrapped(text, "", COLUMNS) + "\n" }
}

/// A table whose columns line up, the last one aside.
fn table<const N: usize>(header: [&str; N], rows: &[Vec<String>]) -> String {
    let header = header.map(str::to_owned).to_vec();
    let widths: Vec<usize> = (0..N - 1)
        .map(|column| rows.iter().chain([&header]).map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths.get(column).copied().unwrap_or_default();
            format!(" {cell:width$} |")
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{rule}---|\n{body}\n", line(&header))
}
