//! Access semantics, numbers and names in words and in Rust.

use registers::{Access, Field, ModifiedWriteValues, ReadAction, WriteConstraint};

/// What accesses do, in letters: `RO`, `RW`, `WO`, `W1C` and so on.
pub(crate) fn letters(part: &Field) -> String {
    let write = match part.modified_write_values {
        ModifiedWriteValues::Modify => "",
        ModifiedWriteValues::OneToClear => "W1C",
        ModifiedWriteValues::OneToSet => "W1S",
        ModifiedWriteValues::OneToToggle => "W1T",
        ModifiedWriteValues::ZeroToClear => "W0C",
        ModifiedWriteValues::ZeroToSet => "W0S",
        ModifiedWriteValues::ZeroToToggle => "W0T",
        ModifiedWriteValues::Clear => "WC",
        ModifiedWriteValues::Set => "WS",
    };
    let access = match part.access {
        Access::ReadOnly => "RO",
        // A write effect says that it can be written, and it can be read unless that is said.
        Access::ReadWrite if !write.is_empty() => "",
        Access::ReadWrite => "RW",
        Access::WriteOnly => "WO",
        Access::WriteOnce => "WO1",
        Access::ReadWriteOnce => "RW1",
    };
    let read = match part.read_action {
        None => "",
        Some(ReadAction::Clear) => "RC",
        Some(ReadAction::Set) => "RS",
        Some(ReadAction::Modify | ReadAction::ModifyExternal) => "RM",
    };
    [access, write, read].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What accesses do, in words, without a full stop.
pub(crate) fn semantics(part: &Field) -> String {
    let access = match part.access {
        Access::ReadOnly => "read-only",
        Access::ReadWrite => "read-write",
        Access::WriteOnly => "write-only, reads as 0",
        Access::WriteOnce => "write-only, reads as 0, each bit keeps what is first written to it until reset",
        Access::ReadWriteOnce => "read-write, each bit keeps what is first written to it until reset",
    };
    let write = match part.modified_write_values {
        ModifiedWriteValues::Modify => "",
        ModifiedWriteValues::OneToClear => "writing 1 clears a bit",
        ModifiedWriteValues::OneToSet => "writing 1 sets a bit",
        ModifiedWriteValues::OneToToggle => "writing 1 toggles a bit",
        ModifiedWriteValues::ZeroToClear => "writing 0 clears a bit",
        ModifiedWriteValues::ZeroToSet => "writing 0 sets a bit",
        ModifiedWriteValues::ZeroToToggle => "writing 0 toggles a bit",
        ModifiedWriteValues::Clear => "any write clears it",
        ModifiedWriteValues::Set => "any write sets all of its bits",
    };
    let read = match part.read_action {
        None => "",
        Some(ReadAction::Clear) => "a read clears it",
        Some(ReadAction::Set) => "a read sets all of its bits",
        Some(ReadAction::Modify) => "a read changes it",
        Some(ReadAction::ModifyExternal) => "a read changes another register",
    };
    [access, write, read].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What may be written, as a sentence.
pub(crate) fn constraint(constraint: WriteConstraint) -> String {
    match constraint {
        WriteConstraint::WriteAsRead => "Takes only the value that was last read.".to_owned(),
        WriteConstraint::EnumeratedValues => "Takes only the values that have a name.".to_owned(),
        WriteConstraint::Range { minimum, maximum } => {
            format!("Takes only {} to {}.", decimal(minimum, ','), decimal(maximum, ','))
        }
    }
}

/// The text with a capital letter at its start.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Groups of three digits.
pub(crate) fn decimal(value: u64, separator: char) -> String {
    grouped(&value.to_string(), 3, separator)
}

/// A hexadecimal number as Rust has it, of at least `digits` digits.
pub(crate) fn rust_hexadecimal(value: u64, digits: usize) -> String {
    format!("0x{}", grouped(&format!("{value:0digits$x}"), 4, '_'))
}

fn grouped(digits: &str, size: usize, separator: char) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(size) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// The words of a name of the file, which may be `SCREAMING_CASE`, `CamelCase` or an array's.
fn parts(name: &str) -> impl Iterator<Item = String> {
    let bare = name.replace("[%s]", "_").replace("%s", "_");
    let words = bare.split(|character: char| !character.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().into_iter()
}

/// What Rust keeps for itself, some of it for later.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum extern false final \
                        fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static \
                        struct super trait true try type typeof unsafe unsized use virtual where while yield";

/// The name of a constant or a register of the kernel's macro.
pub(crate) fn constant_name(name: &str) -> String {
    parts(name).collect::<Vec<_>>().join("_").to_uppercase()
}

/// The name of a field or a method.
pub(crate) fn member_name(name: &str) -> String {
    let name = parts(name).collect::<Vec<_>>().join("_");
    if KEYWORDS.split(' ').any(|keyword| keyword == name) { name + "_" } else { name }
}

/// The name of a type.
pub(crate) fn type_name(name: &str) -> String {
    parts(name).map(|word| sentence(&word)).collect()
}

/// `text` in lines of at most `columns`, each with `prefix` before it, the line break included.
pub(crate) fn wrapped(text: &str, prefix: &str, columns: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = prefix.chars().count() + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > columns {
            lines += &format!("{prefix}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines + &format!("{prefix}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 100_000_000].map(|value| decimal(value, ',')), ["0", "999", "1,000", "100,000,000"]);
        assert_eq!(rust_hexadecimal(0x44c, 3), "0x44c");
        assert_eq!(rust_hexadecimal(0x5057_4d41, 8), "0x5057_4d41");
        assert_eq!(rust_hexadecimal(0, 2), "0x00");
    }

    #[test]
    fn names_become_rust_names() {
        assert_eq!(constant_name("PWM%s.CH[%s].COMPARE"), "PWM_CH_COMPARE");
        assert_eq!(type_name("PWM%s.INTERRUPT_STATUS"), "PwmInterruptStatus");
        assert_eq!(["PWM%s", "TYPE", "ASYNC", "TYPES"].map(member_name), ["pwm", "type_", "async_", "types"]);
    }

    #[test]
    fn lines_end_where_they_have_to() {
        assert_eq!(wrapped("one two three", "/// ", 11), "/// one two\n/// three\n");
        assert_eq!(wrapped("one two three", "/// ", 10), "/// one\n/// two\n/// three\n");
    }
}
