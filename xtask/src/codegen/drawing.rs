//! A register drawn with its fields.
//!
//! Sixteen bits a row, the highest first; a name that does not fit into its bits hangs below them.

use registers::Register;

/// Bits of a row.
const ROW_BITS: u8 = 16;
/// Columns of a bit, with the line on its left.
const BIT_COLUMNS: usize = 4;

/// Bits next to each other that are all of one field, or of none.
struct Span {
    first_bit: u8,
    bits: u8,
    /// The name, with the bits of the field that these are if they are not all; empty for reserved bits.
    name: String,
}

impl Span {
    /// Columns between the lines on its sides.
    fn columns(&self) -> usize {
        BIT_COLUMNS * usize::from(self.bits) - 1
    }

    fn fits(&self) -> bool {
        self.name.chars().count() <= self.columns()
    }
}

/// The drawing, without a line break at its end.
pub(crate) fn draw(register: &Register) -> String {
    let mut lines = Vec::new();
    let rows = register.bits.div_ceil(ROW_BITS);
    for row in (0..rows).rev() {
        let first_bit = row * ROW_BITS;
        let end = register.bits.min(first_bit + ROW_BITS);
        // A register of 24 bits has a short first row.
        let indent = if rows > 1 { BIT_COLUMNS * usize::from(first_bit + ROW_BITS - end) } else { 0 };
        draw_row(&spans(register, first_bit, end), indent, &mut lines);
    }
    lines.join("\n")
}

/// The bits from `first_bit` to before `end`, from the highest on.
fn spans(register: &Register, first_bit: u8, end: u8) -> Vec<Span> {
    let part_at = |bit: u8| register.parts().iter().find(|part| part.mask() >> bit & 1 == 1);
    let mut spans = Vec::new();
    let mut bit = end;
    while bit > first_bit {
        let part = part_at(bit - 1);
        let same = |other: u8| part_at(other).map(|part| part.first_bit) == part.map(|part| part.first_bit);
        let start = (first_bit..bit).rev().take_while(|other| same(*other)).last().unwrap_or(first_bit);
        let bits = bit - start;
        let name = part.map_or_else(String::new, |part| {
            let name = if part.name.is_empty() { last_part(&register.template) } else { part.name.clone() };
            let (low, high) = (start - part.first_bit, bit - 1 - part.first_bit);
            match bits {
                _ if bits == part.bits => name,
                1 => format!("{name}[{low}]"),
                _ => format!("{name}[{high}:{low}]"),
            }
        });
        spans.push(Span { first_bit: start, bits, name });
        bit = start;
    }
    spans
}

/// The register's own name.
fn last_part(template: &str) -> String {
    super::contract::shown(template).rsplit('.').next().unwrap_or_default().to_owned()
}

fn draw_row(spans: &[Span], indent: usize, lines: &mut Vec<String>) {
    let margin = " ".repeat(indent);
    let (mut numbers, mut top, mut names, mut bottom) =
        (String::new(), String::from("┌"), String::from("│"), String::from("└"));
    // Column and name of what hangs below, from the left.
    let mut hanging = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        for bit in (span.first_bit..span.first_bit + span.bits).rev() {
            numbers += &format!(" {bit:^3}");
        }
        let columns = span.columns();
        let mut edge = "─".repeat(columns);
        top += &edge;
        if span.name.is_empty() || span.fits() {
            let name = match span.name.as_str() {
                "" if columns < "reserved".len() + 2 => "-",
                "" => "reserved",
                name => name,
            };
            names += &format!("{name:^columns$}");
        } else {
            names += &" ".repeat(columns);
            let middle = columns / 2;
            hanging.push((bottom.chars().count() + middle, span.name.as_str()));
            edge = format!("{}┬{}", "─".repeat(middle), "─".repeat(columns - middle - 1));
        }
        bottom += &edge;
        let is_last = index + 1 == spans.len();
        top.push(if is_last { '┐' } else { '┬' });
        names.push('│');
        bottom.push(if is_last { '┘' } else { '┴' });
    }
    let width = bottom.chars().count();
    for line in [numbers, top, names, bottom] {
        lines.push(format!("{margin}{}", line.trim_end()));
    }
    while let Some((column, name)) = hanging.pop() {
        let mut line = vec![' '; column];
        for (other, _) in &hanging {
            line[*other] = '│';
        }
        line.push('└');
        line.extend(std::iter::repeat_n('─', width - column));
        lines.push(format!("{margin}{} {name}", line.into_iter().collect::<String>()));
    }
}
