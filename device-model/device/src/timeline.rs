//! The one ordered record of what happened at a device.

use std::collections::VecDeque;

use crate::{Access, Direction, Pin, Region, StreamFormat};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The guest read or wrote a register or a mapped BAR through the bus.
    Access(Access),
    /// The guest did something that the device ignores.
    Fault(String),
    /// An interrupt was sent.
    Interrupt(Pin),
    /// An output stream began.
    StreamStarted(StreamFormat),
    /// An output stream has a gap.
    StreamUnderrun,
    /// An output stream ended after this many frames.
    StreamStopped {
        /// Frames put out since it began.
        frames: u64,
    },
    /// The function was reset by its bus.
    Reset,
    /// A client came or went, or something else happened outside of the bus.
    Note(String),
}

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Device time in nanoseconds.
    pub time_ns: u64,
    /// What.
    pub happening: Happening,
}

/// How often things happened since the device was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reads of registers.
    pub register_reads: u64,
    /// Writes to registers.
    pub register_writes: u64,
    /// Interrupts sent, by whichever pin.
    pub interrupts: u64,
    /// Things that the device ignored.
    pub faults: u64,
    /// Frames put out.
    pub frames: u64,
    /// Streams begun.
    pub streams: u32,
    /// Gaps in streams.
    pub underruns: u64,
}

/// The latest events and the counters of all.
#[derive(Debug)]
pub struct Timeline {
    events: VecDeque<Event>,
    counters: Counters,
    frames_at_stream_start: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            events: VecDeque::with_capacity(Self::CAPACITY),
            counters: Counters::default(),
            frames_at_stream_start: 0,
        }
    }
}

impl Timeline {
    /// How many events are kept: the latest ones, some seconds of a busy guest.
    pub const CAPACITY: usize = 65_536;

    /// Adds an event and counts it; the oldest gives way.
    pub fn record(&mut self, event: Event) {
        match &event.happening {
            Happening::Access(Access { region: Region::Bar(_), direction: Direction::Read, .. }) => {
                self.counters.register_reads += 1;
            }
            Happening::Access(Access { region: Region::Bar(_), direction: Direction::Write, .. }) => {
                self.counters.register_writes += 1;
            }
            Happening::Interrupt(_) => self.counters.interrupts += 1,
            Happening::Fault(_) => self.counters.faults += 1,
            Happening::StreamUnderrun => self.counters.underruns += 1,
            Happening::StreamStarted(_) => {
                self.counters.streams += 1;
                self.frames_at_stream_start = self.counters.frames;
            }
            Happening::Access(_) | Happening::StreamStopped { .. } | Happening::Reset | Happening::Note(_) => {}
        }
        if self.events.len() == Self::CAPACITY {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Counts one frame put out: frames are too many to be events.
    pub fn count_frame(&mut self) {
        self.counters.frames += 1;
    }

    /// Frames put out since the latest stream began.
    pub fn stream_frames(&self) -> u64 {
        self.counters.frames - self.frames_at_stream_start
    }

    /// How often things happened.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The events that are kept, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> + ExactSizeIterator {
        self.events.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_forgets_the_oldest_event_but_counts_it() {
        let mut timeline = Timeline::default();
        for time_ns in 0..=Timeline::CAPACITY as u64 {
            timeline.record(Event { time_ns, happening: Happening::Interrupt(Pin::Msi) });
        }
        assert_eq!(timeline.events().len(), Timeline::CAPACITY);
        assert_eq!(timeline.events().next().expect("events").time_ns, 1);
        assert_eq!(timeline.counters().interrupts, Timeline::CAPACITY as u64 + 1);
    }
}
