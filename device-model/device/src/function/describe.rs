//! A device's timeline in plain words.

use registers::{Register, SavedRegisters};

use super::Device;
use crate::{Access, Direction, Event, Happening, Run, StreamFormat};

impl Device {
    /// What happened latest in plain words, oldest first, at most `lines` of it: see [`Timeline::latest_runs`](crate::Timeline::latest_runs).
    pub fn timeline_tail(&self, lines: usize) -> Vec<String> {
        self.timeline.latest_runs(lines).into_iter().map(|run| self.describe_run(&run)).collect()
    }

    fn describe_run(&self, Run { first, last, count }: &Run<'_>) -> String {
        let described = self.describe(first);
        let (Happening::Access(access), Happening::Access(last_access)) = (&first.happening, &last.happening) else {
            return described;
        };
        if *count == 1 {
            return described;
        }
        let (more, until_ms, value) = (count - 1, milliseconds(last.time_ns), hexadecimal(last_access));
        let changes = self.describe_changes(&Access { old: access.new, ..*last_access });
        format!("{described}, {more} more like it until {} ms, {value} the last{changes}", until_ms.trim_start())
    }

    /// The registers that are not as after reset, in the map's order, a line each: what they had when they were last written
    /// or read.
    pub fn changed_registers(&self) -> Vec<String> {
        let snapshot = self.block.save();
        let saved = snapshot.part::<SavedRegisters>("registers").unwrap_or_default();
        let changed = |register: &Register| {
            let value = saved.get(&register.name)?.value;
            let digits = 2 + register.bits as usize / 4;
            (value != register.reset_value).then(|| {
                format!("{} {value:#0digits$x} ({:#0digits$x} after reset)", register.name, register.reset_value)
            })
        };
        self.block.register_map().registers().filter_map(|(_, register)| changed(register)).collect()
    }

    /// One event in plain words: device time, what, which register.
    pub fn describe(&self, event: &Event) -> String {
        let what = match &event.happening {
            Happening::Access(access) => self.describe_access(access),
            Happening::Fault(fault) => format!("ignored: {fault}"),
            Happening::Injected(fault) => format!("injected by {fault}"),
            Happening::Interrupt(pin) => format!("interrupt by {pin}"),
            Happening::StreamStarted(StreamFormat { sample_bits, channels, rate_hz }) => {
                format!("stream started: {sample_bits} bits, {channels} channels, {rate_hz} Hz")
            }
            Happening::StreamUnderrun => "stream underrun: a frame was due and there was none".to_owned(),
            Happening::ReceiveOverrun => {
                "receive overrun: a frame was received and there was no room for it".to_owned()
            }
            Happening::StreamStopped { frames } => format!("stream stopped after {frames} frames"),
            Happening::Dma { direction, address, bytes, failure } => {
                let (verb, preposition) = match direction {
                    Direction::Read => ("read", "from"),
                    Direction::Write => ("write", "to"),
                };
                let failure = failure.map_or(String::new(), |failure| format!(": {failure}"));
                format!("DMA {verb} of {bytes} bytes {preposition} {address:#x}{failure}")
            }
            Happening::Reset => "function reset".to_owned(),
            Happening::Note(note) => note.clone(),
        };
        format!("{} ms  {what}", milliseconds(event.time_ns))
    }

    fn describe_access(&self, access: &Access) -> String {
        let Access { direction, offset, width, .. } = access;
        let (verb, arrow) = match direction {
            Direction::Read => ("read", "->"),
            Direction::Write => ("write", "<-"),
        };
        let name = self.block.register_map().name_at(*offset, width.bytes());
        let (value, bytes) = (hexadecimal(access), width.bytes());
        let changes = self.describe_changes(access);
        let plural = if bytes == 1 { "" } else { "s" };
        format!("{verb} {name} {arrow} {value}{changes} (offset {offset:#05x}, {bytes} byte{plural})")
    }

    /// The fields that an access found or made different, after a colon; nothing if none is.
    fn describe_changes(&self, access: &Access) -> String {
        let Access { offset, width, old, new, .. } = *access;
        let changes = self.block.register_map().describe_changes(offset, width.bytes(), old, new).to_string();
        if changes.is_empty() { changes } else { format!(": {changes}") }
    }
}

fn milliseconds(time_ns: u64) -> String {
    format!("{:>6}.{:06}", time_ns / 1_000_000, time_ns % 1_000_000)
}

/// The value of an access with all the digits that its width has.
fn hexadecimal(access: &Access) -> String {
    let digits = 2 + 2 * access.width.bytes();
    format!("{:#0digits$x}", access.value)
}
