//! The log of the guest's kernel.

use std::fmt;

use agent_protocol::KernelLogRecord;

/// The log of the guest's kernel since its start, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLog {
    /// The records.
    pub records: Vec<KernelLogRecord>,
}

impl KernelLog {
    /// Whether a record contains this text.
    pub fn contains(&self, text: &str) -> bool {
        self.records.iter().any(|record| record.message.contains(text))
    }

    /// The records that are as severe as this level or more: 3 for errors, 4 for warnings too.
    pub fn at_least(&self, level: u8) -> impl Iterator<Item = &KernelLogRecord> {
        self.records.iter().filter(move |record| record.level <= level)
    }

    /// The first lines of the kernel's warnings about itself (`WARN_ON` and the like). A guest lives on after one, so
    /// nothing else of a scenario notices.
    pub fn warnings(&self) -> impl Iterator<Item = &KernelLogRecord> {
        self.records.iter().filter(|record| record.message.starts_with("WARNING:"))
    }
}

impl fmt::Display for KernelLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.iter().try_for_each(|record| writeln!(formatter, "{record}"))
    }
}
