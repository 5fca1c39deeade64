//! The log of the guest's kernel.

use std::fmt;

use agent_protocol::KernelLogRecord;

use crate::error::BoardError;

/// What the kernel calls a mistake of its own or of a driver's, anywhere in a warning.
const REPORTS: [&str; 5] = ["WARNING:", "BUG:", "DMA-API:", "ODEBUG:", "INFO: trying to register non-static key"];
/// The least severe level of a report: a warning.
const REPORT_LEVEL: u8 = 4;
/// How much of the log a failure shows from the first report on.
const REPORT_LINES: usize = 100;

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

    /// Fails with the log from the first report of a debug kernel on: of a lock, of memory for DMA, of an object that was
    /// freed while it was in use.
    pub(crate) fn refuse_reports(&self) -> Result<(), BoardError> {
        let is_report = |record: &KernelLogRecord| {
            record.level <= REPORT_LEVEL && REPORTS.iter().any(|report| record.message.contains(report))
        };
        let Some(first) = self.records.iter().position(is_report) else { return Ok(()) };
        let log = self.records[first..].iter().take(REPORT_LINES).map(ToString::to_string);
        Err(BoardError::KernelReport { first: self.records[first].message.clone(), log: log.collect() })
    }
}

impl fmt::Display for KernelLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.iter().try_for_each(|record| writeln!(formatter, "{record}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: &[(u8, &str)]) -> KernelLog {
        let record = |(sequence, &(level, message)): (u64, &(u8, &str))| KernelLogRecord {
            level,
            sequence,
            time_us: 0,
            message: message.to_owned(),
        };
        KernelLog { records: (0..).zip(records).map(record).collect() }
    }

    #[test]
    fn a_report_is_refused_with_what_follows_it() {
        for first in [
            "WARNING: possible circular locking dependency detected",
            "[ BUG: Invalid wait context ]",
            "pwm_audio 0000:00:02.0: DMA-API: device driver frees DMA memory with wrong function",
            "ODEBUG: free active (active state 0) object: (____ptrval____) object type: timer_list",
            "INFO: trying to register non-static key.",
        ] {
            let error = log(&[(6, "Linux version 7.3.4"), (4, first), (4, "CPU: 0")]).refuse_reports().unwrap_err();
            let BoardError::KernelReport { first: named, log } = &error else { panic!("{error}") };
            assert_eq!((named.as_str(), log.len()), (first, 2), "{error}");
            assert!(error.to_string().contains("CPU: 0") && !error.to_string().contains("Linux version"), "{error}");
            assert_eq!(error.exit_code(), 1);
        }
    }

    #[test]
    fn talk_about_reports_is_none() {
        let records = [
            (6, "DMA-API: preallocated 65536 debug entries"),
            (6, "Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar"),
            (4, "debug: unmapping init memory"),
        ];
        assert!(log(&records).refuse_reports().is_ok());
    }
}
