//! Records of the kernel's log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One record of the kernel's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelLogRecord {
    /// Severity: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 information, 7 debug.
    pub level: u8,
    /// Grows by one a record; a gap means that records were lost.
    pub sequence: u64,
    /// Time since the guest's boot, in microseconds.
    pub time_us: u64,
    /// The text; it has line breaks where one message was several lines.
    pub message: String,
}

/// A text that is no record of `/dev/kmsg`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected \"priority,sequence,microseconds,flags;text\", found {0:?}")]
pub struct NotARecord(String);

impl KernelLogRecord {
    /// Takes apart what one `read` of `/dev/kmsg` returned.
    pub fn parse(record: &str) -> Result<Self, NotARecord> {
        parse(record).ok_or_else(|| NotARecord(record.chars().take(80).collect()))
    }
}

fn parse(record: &str) -> Option<KernelLogRecord> {
    let (header, rest) = record.split_once(';')?;
    // What follows the first line is the record's dictionary: continuation lines that begin with a blank.
    let text = rest.split('\n').next()?;
    let mut fields = header.split(',');
    let priority: u64 = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    let time_us = fields.next()?.parse().ok()?;
    // The priority is the syslog facility times eight, plus the level.
    let level = u8::try_from(priority % 8).ok()?;
    Some(KernelLogRecord { level, sequence, time_us, message: without_escapes(text) })
}

/// The kernel writes bytes it will not print, line breaks among them, as `\xNN`.
fn without_escapes(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'\\', b'x', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[4..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for KernelLogRecord {
    /// As the console shows it: `[    1.234567] text`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, microseconds) = (self.time_us / 1_000_000, self.time_us % 1_000_000);
        write!(formatter, "[{seconds:5}.{microseconds:06}] {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_a_dictionary() {
        let record = KernelLogRecord::parse("30,339,5140900,-,caller=T1;NET: Registered\\x0atwo\n SUBSYSTEM=pci\n");
        let expected =
            KernelLogRecord { level: 6, sequence: 339, time_us: 5_140_900, message: "NET: Registered\ntwo".into() };
        assert_eq!(record, Ok(expected.clone()));
        assert_eq!(expected.to_string(), "[    5.140900] NET: Registered\ntwo");
    }

    #[test]
    fn an_escape_that_is_none_stays() {
        let record = KernelLogRecord::parse("6,0,0,-;C:\\xyz \\x4").unwrap();
        assert_eq!(record.message, "C:\\xyz \\x4");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "6,0,0", "x,0,0,-;a", "6,-1,0,-;a", "6;a"] {
            assert!(KernelLogRecord::parse(text).is_err(), "{text:?}");
        }
    }
}
