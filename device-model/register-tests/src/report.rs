//! What came of the tests.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// A sequence of accesses that every register goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Registers are after reset what the description says, also after they have been written.
    ResetValues,
    /// Each bit alone: what writes and reads do to it, and what may be written.
    BitBash,
    /// What cannot be written keeps its value, what cannot be read reads as 0, and bits that are set, cleared or toggled
    /// by writes are so only where that was written.
    AccessPolicy,
    /// Accesses of every width touch the bytes that they carry and no others.
    Lanes,
    /// A write to one register changes no other.
    Aliasing,
}

impl Test {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 5] = [Self::ResetValues, Self::BitBash, Self::AccessPolicy, Self::Lanes, Self::Aliasing];
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::ResetValues => "reset-values",
            Self::BitBash => "bit-bash",
            Self::AccessPolicy => "access-policy",
            Self::Lanes => "lanes",
            Self::Aliasing => "aliasing",
        })
    }
}

/// How much a test did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registers that were tested.
    pub registers: u64,
    /// Values that were compared with what was known about them.
    pub checks: u64,
    /// Reads and writes.
    pub accesses: u64,
}

/// Something that was not tested, or not always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOut {
    /// The test.
    pub test: Test,
    /// Register or field.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// A bit that was not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The test.
    pub test: Test,
    /// The field, or where there is none, the register.
    pub place: String,
    /// The bit of the register.
    pub bit: u8,
    /// What accesses do to the bit.
    pub semantics: String,
    /// What it should have been; it was the opposite.
    pub expected: bool,
    /// What was last done to it.
    pub story: String,
    /// The register that was being tested, where it is another one.
    pub while_testing: Option<String>,
    /// What was last done to the block, oldest first.
    pub steps: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { test, place, bit, semantics, story, .. } = self;
        let (expected, found) = (u8::from(self.expected), u8::from(!self.expected));
        write!(formatter, "{test}: {place}, bit {bit} ({semantics}): expected {expected} {story}, found {found}")?;
        if let Some(register) = &self.while_testing {
            write!(formatter, ", while {register} was tested")?;
        }
        self.steps.iter().try_for_each(|step| write!(formatter, "\n    {step}"))
    }
}

/// What came of the tests.
///
/// As text: a table of what was done, then what was left out and why, then what failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How much each test did.
    pub counts: BTreeMap<Test, Counts>,
    /// What was declared to be changed by the hardware, with the reason: not predicted after certain writes.
    pub hardware_owned: Vec<(String, String)>,
    /// What was not tested.
    pub opt_outs: Vec<OptOut>,
    /// What failed.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Whether something was checked and nothing failed.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.counts.values().any(|done| done.checks > 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<15}{:>9}{:>9}{:>10}{:>10}", "test", "registers", "checks", "accesses", "failures")?;
        for (test, Counts { registers, checks, accesses }) in &self.counts {
            let failures = self.failures.iter().filter(|failure| failure.test == *test).count();
            writeln!(formatter, "{test:<15}{registers:>9}{checks:>9}{accesses:>10}{failures:>10}")?;
        }
        if !self.hardware_owned.is_empty() {
            writeln!(formatter, "\nchanged by the hardware, so not predicted after a write that may cause it:")?;
            for (name, reason) in &self.hardware_owned {
                writeln!(formatter, "  {name}: {reason}")?;
            }
        }
        // What has the same reason is told once.
        let mut by_reason: BTreeMap<(Test, &str), Vec<&str>> = BTreeMap::new();
        for OptOut { test, place, reason } in &self.opt_outs {
            by_reason.entry((*test, reason)).or_default().push(place);
        }
        if !by_reason.is_empty() {
            writeln!(formatter, "\nnot tested:")?;
        }
        for ((test, reason), places) in by_reason {
            writeln!(formatter, "  {test}: {reason}:\n    {}", places.join(", "))?;
        }
        if !self.failures.is_empty() {
            writeln!(formatter, "\nfailed:")?;
        }
        for failure in &self.failures {
            writeln!(formatter, "  {}", failure.to_string().replace('\n', "\n  "))?;
        }
        Ok(())
    }
}
