//! The coverage of all devices of a run, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Sum;

use device_model::DeviceCoverage;
use registers::{RegisterCoverage, Touch};
use serde::{Serialize, Serializer};

/// The content of `coverage.json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) summary: Summary,
    pub(super) blocks: Vec<Block>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) registers: Share,
    pub(super) fields: Share,
    pub(super) enumerated_values: Share,
    pub(super) bits: Share,
    /// In words. What follows from a missing register is not repeated for its fields, nor for their values.
    pub(super) missing: Vec<String>,
}

/// How many there are, and how many of them are covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Share {
    pub(super) covered: u64,
    pub(super) total: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Block {
    name: String,
    registers: Vec<Register>,
}

#[derive(Debug, Serialize)]
struct Register {
    name: String,
    #[serde(serialize_with = "hexadecimal")]
    offset: u64,
    #[serde(serialize_with = "hexadecimal")]
    readable_bits: u64,
    #[serde(serialize_with = "hexadecimal")]
    writable_bits: u64,
    by_scenario: BTreeMap<String, Accesses>,
    fields: Vec<Field>,
}

#[derive(Debug, Default, Serialize)]
struct Accesses {
    reads: u64,
    writes: u64,
    #[serde(serialize_with = "hexadecimal")]
    bits_read_as_0: u64,
    #[serde(serialize_with = "hexadecimal")]
    bits_read_as_1: u64,
    #[serde(serialize_with = "hexadecimal")]
    bits_written_as_0: u64,
    #[serde(serialize_with = "hexadecimal")]
    bits_written_as_1: u64,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    #[serde(flatten)]
    touched: Scenarios,
    enumerated_values: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Value {
    name: String,
    #[serde(flatten)]
    touched: Scenarios,
}

/// Who touched something; `None` where it cannot be read or written.
#[derive(Debug, Default, Serialize)]
struct Scenarios {
    read_by: Option<BTreeSet<String>>,
    written_by: Option<BTreeSet<String>>,
}

/// What could be done to something and never was.
#[derive(Clone, Copy)]
struct Missing {
    read: bool,
    written: bool,
}

impl Report {
    pub(super) fn new(mut devices: Vec<DeviceCoverage>) -> Self {
        devices.sort_by(|one, other| one.block.cmp(&other.block));
        let mut blocks = Vec::new();
        for device in &devices {
            let new = || Block { name: device.block.clone(), registers: Vec::new() };
            let block = entry(&mut blocks, |block| block.name == device.block, new);
            for register in &device.registers {
                let same = |other: &Register| (&other.name, other.offset) == (&register.name, register.offset);
                entry(&mut block.registers, same, || Register::new(register)).add(register, &device.scenario);
            }
        }
        let mut summary = Summary::default();
        for block in &blocks {
            for register in &block.registers {
                summary.add(&format!("{} {}", block.name, register.name), register);
            }
        }
        Self { summary, blocks }
    }
}

impl Summary {
    /// All but the bits, of which some never change.
    pub(super) fn together(&self) -> Share {
        [self.registers, self.fields, self.enumerated_values].into_iter().sum()
    }

    fn add(&mut self, name: &str, register: &Register) {
        self.bits = [self.bits, register.bits()].into_iter().sum();
        let register_missing = register.missing();
        self.registers.count(register_missing.nothing());
        self.name_missing(register_missing, None, || name.to_owned());
        for field in &register.fields {
            let field_missing = field.touched.missing();
            let name = format!("{name}.{}", field.name);
            self.fields.count(field_missing.nothing());
            self.name_missing(field_missing, Some(register_missing), || name.clone());
            for value in field.enumerated_values.iter().filter(|value| value.touched.possible()) {
                let covered = value.touched.any();
                self.enumerated_values.count(covered);
                if !covered {
                    self.name_missing(value.touched.missing(), Some(field_missing), || {
                        format!("{name} = {}", value.name)
                    });
                }
            }
        }
    }

    fn name_missing(&mut self, missing: Missing, parent: Option<Missing>, name: impl FnOnce() -> String) {
        if !missing.nothing() && !parent.is_some_and(|parent| missing.follows_from(parent)) {
            self.missing.push(format!("{}: {missing}", name()));
        }
    }
}

impl Share {
    fn count(&mut self, covered: bool) {
        self.covered += u64::from(covered);
        self.total += 1;
    }
}

impl Sum for Share {
    fn sum<I: Iterator<Item = Self>>(shares: I) -> Self {
        shares.fold(Self::default(), |sum, share| Self {
            covered: sum.covered + share.covered,
            total: sum.total + share.total,
        })
    }
}

/// The percentage is rounded down: 100 % is all.
impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { covered, total } = self;
        match (covered * 100).checked_div(*total) {
            Some(percent) => write!(formatter, "{covered} of {total} ({percent} %)"),
            None => formatter.write_str("none there"),
        }
    }
}

impl Register {
    fn new(coverage: &RegisterCoverage) -> Self {
        Self {
            name: coverage.name.clone(),
            offset: coverage.offset,
            readable_bits: coverage.readable_bits,
            writable_bits: coverage.writable_bits,
            by_scenario: BTreeMap::new(),
            fields: Vec::new(),
        }
    }

    fn add(&mut self, coverage: &RegisterCoverage, scenario: &str) {
        let RegisterCoverage { reads, writes, .. } = coverage;
        if reads.accesses + writes.accesses > 0 {
            let accesses = self.by_scenario.entry(scenario.to_owned()).or_default();
            accesses.reads += reads.accesses;
            accesses.writes += writes.accesses;
            accesses.bits_read_as_0 |= reads.zeros;
            accesses.bits_read_as_1 |= reads.ones;
            accesses.bits_written_as_0 |= writes.zeros;
            accesses.bits_written_as_1 |= writes.ones;
        }
        for field in &coverage.fields {
            let new =
                || Field { name: field.name.clone(), touched: Scenarios::default(), enumerated_values: Vec::new() };
            let merged = entry(&mut self.fields, |merged| merged.name == field.name, new);
            merged.touched.add(field.touched, scenario);
            for value in &field.enumerated_values {
                let new = || Value { name: value.name.clone(), touched: Scenarios::default() };
                let merged = entry(&mut merged.enumerated_values, |merged| merged.name == value.name, new);
                merged.touched.add(value.touched, scenario);
            }
        }
    }

    fn missing(&self) -> Missing {
        let never = |count: fn(&Accesses) -> u64| self.by_scenario.values().all(|accesses| count(accesses) == 0);
        Missing {
            read: self.readable_bits != 0 && never(|accesses| accesses.reads),
            written: self.writable_bits != 0 && never(|accesses| accesses.writes),
        }
    }

    fn bits(&self) -> Share {
        let any = |bits: fn(&Accesses) -> u64| self.by_scenario.values().fold(0, |any, accesses| any | bits(accesses));
        let read = any(|accesses| accesses.bits_read_as_0) & any(|accesses| accesses.bits_read_as_1);
        let written = any(|accesses| accesses.bits_written_as_0) & any(|accesses| accesses.bits_written_as_1);
        let only_written = self.writable_bits & !self.readable_bits;
        Share {
            covered: u64::from((read & self.readable_bits | written & only_written).count_ones()),
            total: u64::from((self.readable_bits | self.writable_bits).count_ones()),
        }
    }
}

impl Scenarios {
    fn add(&mut self, touched: Touch, scenario: &str) {
        for (by, touched) in [(&mut self.read_by, touched.read), (&mut self.written_by, touched.written)] {
            let Some(touched) = touched else { continue };
            let by = by.get_or_insert_default();
            if touched {
                by.insert(scenario.to_owned());
            }
        }
    }

    fn possible(&self) -> bool {
        self.read_by.is_some() || self.written_by.is_some()
    }

    fn any(&self) -> bool {
        [&self.read_by, &self.written_by].into_iter().flatten().any(|by| !by.is_empty())
    }

    fn missing(&self) -> Missing {
        let never = |by: &Option<BTreeSet<String>>| by.as_ref().is_some_and(BTreeSet::is_empty);
        Missing { read: never(&self.read_by), written: never(&self.written_by) }
    }
}

impl Missing {
    fn nothing(self) -> bool {
        !self.read && !self.written
    }

    fn follows_from(self, parent: Self) -> bool {
        (parent.read || !self.read) && (parent.written || !self.written)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self { read: true, written: true } => "never read or written",
            Self { read: true, .. } => "never read",
            _ => "never written",
        })
    }
}

/// The element that `is` the wanted one; `new` at the end where there is none yet.
fn entry<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let index = list.iter().position(is).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[index]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn hexadecimal<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:#x}"))
}
