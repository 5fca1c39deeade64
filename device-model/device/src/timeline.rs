//! The one ordered record of what happened at a device.

use std::collections::VecDeque;

use crate::{Access, Direction, DmaFailure, Pin, Region, StreamFormat};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The guest read or wrote a register or a mapped BAR through the bus.
    Access(Access),
    /// The guest did something that the device ignores.
    Fault(String),
    /// A rule of the device's plan of faults fired: which, and what it did.
    Injected(String),
    /// An interrupt was sent.
    Interrupt(Pin),
    /// A transfer from or to guest memory has ended.
    Dma {
        /// Which way: read from guest memory or written to it.
        direction: Direction,
        /// Where it began.
        address: u64,
        /// How many bytes it has.
        bytes: usize,
        /// Why it has not taken place; none if it has.
        failure: Option<DmaFailure>,
    },
    /// An output stream began.
    StreamStarted(StreamFormat),
    /// An output stream has a gap.
    StreamUnderrun,
    /// Received frames were lost, from this one on until there was room again.
    ReceiveOverrun,
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

/// Accesses of one kind to one register, one right after the other; or a single event of any other kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'timeline> {
    /// The first of them.
    pub first: &'timeline Event,
    /// The last of them, which is the first if there is only one.
    pub last: &'timeline Event,
    /// How many there are.
    pub count: usize,
}

impl<'timeline> Run<'timeline> {
    /// Puts `event` before the others if it is one of them.
    fn take_in(&mut self, event: &'timeline Event) -> bool {
        let same = match (&event.happening, &self.first.happening) {
            (Happening::Access(one), Happening::Access(other)) => one.place() == other.place(),
            _ => false,
        };
        if same {
            *self = Self { first: event, last: self.last, count: self.count + 1 };
        }
        same
    }
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
    /// Faults that were injected.
    pub injected: u64,
    /// Frames put out.
    pub frames: u64,
    /// Streams begun.
    pub streams: u32,
    /// Gaps in streams.
    pub underruns: u64,
    /// Gaps in what was received.
    pub overruns: u64,
    /// Transfers from and to guest memory that took place.
    pub dma_transfers: u64,
    /// Transfers that did not take place.
    pub dma_failures: u64,
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
            Happening::Dma { failure: None, .. } => self.counters.dma_transfers += 1,
            Happening::Dma { failure: Some(_), .. } => self.counters.dma_failures += 1,
            Happening::Fault(_) => self.counters.faults += 1,
            Happening::Injected(_) => self.counters.injected += 1,
            Happening::StreamUnderrun => self.counters.underruns += 1,
            Happening::ReceiveOverrun => self.counters.overruns += 1,
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

    /// The latest runs of events, oldest first: at most `count` of them. A FIFO that is being filled is one run, so that
    /// what came before it is not pushed out of sight.
    pub fn latest_runs(&self, count: usize) -> Vec<Run<'_>> {
        let mut runs: Vec<Run<'_>> = Vec::new();
        for event in self.events.iter().rev() {
            if runs.last_mut().is_some_and(|run| run.take_in(event)) {
                continue;
            }
            if runs.len() == count {
                break;
            }
            runs.push(Run { first: event, last: event, count: 1 });
        }
        runs.reverse();
        runs
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
    fn accesses_of_one_kind_to_one_register_are_a_run() {
        let mut timeline = Timeline::default();
        let access = |offset, value, direction| {
            let (region, width) = (Region::Bar(0), crate::Width::WORD);
            Happening::Access(Access { region, direction, offset, width, value, old: 0, new: value })
        };
        let happenings = [
            access(0, 7, Direction::Read),
            access(4, 1, Direction::Write),
            access(4, 2, Direction::Write),
            access(4, 3, Direction::Write),
            access(4, 3, Direction::Read),
            Happening::Reset,
            Happening::Reset,
        ];
        for (time_ns, happening) in (0..).zip(happenings) {
            timeline.record(Event { time_ns, happening });
        }
        let runs = |count| -> Vec<(u64, u64, usize)> {
            let runs = timeline.latest_runs(count).into_iter();
            runs.map(|run| (run.first.time_ns, run.last.time_ns, run.count)).collect()
        };
        assert_eq!(runs(9), [(0, 0, 1), (1, 3, 3), (4, 4, 1), (5, 5, 1), (6, 6, 1)]);
        assert_eq!(runs(4), [(1, 3, 3), (4, 4, 1), (5, 5, 1), (6, 6, 1)], "the oldest run is whole");
        assert_eq!(runs(0), []);
    }

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
