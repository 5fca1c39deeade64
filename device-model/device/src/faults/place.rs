//! Where the accesses are that a rule waits for.

use std::collections::BTreeSet;

use registers::RegisterMap;

use crate::{REGISTER_BAR, Region};

/// Places that an access may touch.
pub(super) enum Place {
    /// The registers of these offsets, ends excluded.
    Registers(Vec<(u64, u64)>),
    /// A region, or one byte of it.
    Region { region: Region, offset: Option<u64> },
}

impl Place {
    /// Reads `text`: a register's name, in which `*` stands for anything, or a region and an offset. The error says what
    /// there is.
    pub(super) fn find(text: &str, map: &RegisterMap) -> Result<Self, String> {
        if let Some(place) = Self::region(text) {
            return Ok(place);
        }
        let named = map.registers().map(|(_, register)| register).filter(|register| is_like(&register.name, text));
        let registers: Vec<_> = named.map(|register| (register.offset, register.offset + register.bytes())).collect();
        if registers.is_empty() { Err(what_there_is(text, map)) } else { Ok(Self::Registers(registers)) }
    }

    fn region(text: &str) -> Option<Self> {
        let (region, offset) = text.split_once('+').map_or((text, None), |(region, offset)| (region, Some(offset)));
        let region = match region {
            "config" => Region::Config,
            bar => Region::Bar(bar.strip_prefix("BAR")?.parse().ok().filter(|index| *index < crate::BAR_COUNT)?),
        };
        let offset = match offset {
            Some(offset) => Some(u64::from_str_radix(offset.strip_prefix("0x")?, 16).ok()?),
            None => None,
        };
        Some(Self::Region { region, offset })
    }

    /// Whether an access touches it.
    pub(super) fn is_touched(&self, region: Region, offset: u64, bytes: u64) -> bool {
        let end = offset.saturating_add(bytes);
        match self {
            Self::Registers(registers) => {
                let touches = |(first, last): &(u64, u64)| *first < end && offset < *last;
                region == Region::Bar(REGISTER_BAR) && registers.iter().any(touches)
            }
            Self::Region { region: wanted, offset: None } => *wanted == region,
            Self::Region { region: wanted, offset: Some(byte) } => *wanted == region && (offset..end).contains(byte),
        }
    }
}

fn what_there_is(text: &str, map: &RegisterMap) -> String {
    let (peripheral, _) = text.split_once('.').unwrap_or((text, ""));
    let inside = format!("{peripheral}.");
    let names = map.registers().map(|(_, register)| register.name.as_str());
    let inside: Vec<&str> = names.filter(|name| name.starts_with(&inside)).collect();
    if inside.is_empty() {
        let peripherals: BTreeSet<&str> = map.peripherals().iter().map(|peripheral| peripheral.name.as_str()).collect();
        let peripherals: Vec<&str> = peripherals.into_iter().collect();
        format!(
            "expected a register of {}, as `{}.*`, BARn+0x... or config+0x...",
            peripherals.join(", "),
            peripherals[0]
        )
    } else {
        format!("{peripheral} has {}", inside.join(", "))
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for anything, also nothing.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return text == pattern };
    let Some(rest) = text.strip_prefix(before) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| is_like(&rest[at..], after))
}
