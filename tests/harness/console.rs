//! What guest and QEMU print: kept in memory as far as failures show it, and watched for signs of a crash.

use std::collections::VecDeque;

/// How much of a line is kept, in bytes: a guest may print without ever ending its line.
const MAXIMUM_LINE_BYTES: usize = 4096;
/// How many lines are kept.
const MAXIMUM_LINES: usize = 2000;

/// How the kernel begins a line (after the time stamp) when it is broken.
const CRASH_BEGINNINGS: [&str; 9] = [
    "Kernel panic - not syncing",
    "Oops:",
    "BUG:",
    "watchdog: BUG:",
    "kernel BUG at",
    "general protection fault",
    "rcu: INFO: rcu_",
    "INFO: task ",
    "Unable to handle kernel",
];

/// The last lines of a stream of text.
#[derive(Debug, Default)]
pub(crate) struct LineLog {
    lines: VecDeque<String>,
    unfinished: Vec<u8>,
}

impl LineLog {
    /// Adds what was read and hands every line that it ends to `on_line`.
    pub(crate) fn add(&mut self, bytes: &[u8], mut on_line: impl FnMut(&str)) {
        for &byte in bytes {
            match byte {
                b'\n' => {
                    let line = self.end_line();
                    on_line(&line);
                    self.lines.push_back(line);
                    if self.lines.len() > MAXIMUM_LINES {
                        self.lines.pop_front();
                    }
                }
                b'\r' => {}
                _ if self.unfinished.len() < MAXIMUM_LINE_BYTES => self.unfinished.push(byte),
                _ => {}
            }
        }
    }

    /// The last lines, with the one that has not ended yet.
    pub(crate) fn tail(&self, count: usize) -> Vec<String> {
        let unfinished = (!self.unfinished.is_empty()).then(|| printable(&self.unfinished));
        let mut lines: Vec<String> = self.lines.iter().rev().take(count).cloned().collect();
        lines.reverse();
        lines.extend(unfinished);
        let surplus = lines.len().saturating_sub(count);
        lines.drain(..surplus);
        lines
    }

    fn end_line(&mut self) -> String {
        printable(&std::mem::take(&mut self.unfinished))
    }
}

/// A guest must not move the cursor or change the colours of the terminal that a report is printed on.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// The message in the line that says that the kernel is broken, without its time stamp. The kernel may speak in the middle
/// of a line that a program has not ended.
pub(crate) fn crash_in(line: &str) -> Option<&str> {
    let stamped = line.match_indices('[').filter_map(|(start, _)| after_time_stamp(&line[start..]));
    let mut messages = std::iter::once(line).chain(stamped);
    messages.find(|message| CRASH_BEGINNINGS.iter().any(|beginning| message.starts_with(beginning)))
}

/// What follows a time stamp such as `[    1.234567] ` at the beginning of `text`.
fn after_time_stamp(text: &str) -> Option<&str> {
    let (stamp, message) = text.strip_prefix('[')?.split_once("] ")?;
    let (seconds, fraction) = stamp.trim_start().split_once('.')?;
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    (is_number(seconds) && is_number(fraction)).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let mut log = LineLog::default();
        let mut seen = Vec::new();
        for byte in b"one\r\ntwo\x1b[1m\nrest" {
            log.add(&[*byte], |line| seen.push(line.to_owned()));
        }
        assert_eq!(seen, ["one", "two [1m"]);
        assert_eq!(log.tail(2), ["two [1m", "rest"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut log = LineLog::default();
        log.add(&vec![b'a'; 3 * MAXIMUM_LINE_BYTES], |_| {});
        assert_eq!(log.tail(1)[0].len(), MAXIMUM_LINE_BYTES);
        log.add(&vec![b'\n'; 2 * MAXIMUM_LINES], |_| {});
        assert_eq!(log.lines.len(), MAXIMUM_LINES);
    }

    #[test]
    fn crashes_are_told_from_talk_about_them() {
        let stamped = "[    1.234567] Kernel panic - not syncing: sysrq triggered crash";
        assert_eq!(crash_in(stamped), Some("Kernel panic - not syncing: sysrq triggered crash"));
        let amid = "uniq, unix2dos[    1.333354] Kernel panic - not syncing: Attempted to kill init!";
        assert_eq!(crash_in(amid), Some("Kernel panic - not syncing: Attempted to kill init!"));
        for line in ["BUG: kernel NULL pointer dereference, address: 0", "[ 1.0] Oops: 0002 [#1]"] {
            assert!(crash_in(line).is_some(), "{line}");
        }
        for line in
            ["", "[    0.1] pci: Oops: none", "testing BUG: handling", "[ no stamp", "[x] Oops: 1", "a [1] Oops: 1"]
        {
            assert_eq!(crash_in(line), None, "{line}");
        }
    }
}
