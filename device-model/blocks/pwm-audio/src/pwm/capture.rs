//! The capture unit: measures the period and the high time of a signal.

use serde::{Deserialize, Serialize};

use super::channel::{Channel, Pin};
use super::waveform::Waveform;
use crate::map::cycle_ns;

/// Edges after which a channel's output is regular, whatever it began with.
const EDGES_UNTIL_REGULAR: usize = 8;

/// The signal input of the block, a fixed one: it rises and falls in turn, from 0 on.
#[derive(Clone, Debug, Default)]
pub(super) struct SignalInput {
    rises: Vec<u64>,
    falls: Vec<u64>,
}

impl SignalInput {
    /// The signal that has the levels from the times on, in ns; before the first one it is 0.
    pub(super) fn new(mut levels: Vec<(u64, bool)>) -> Self {
        levels.sort_by_key(|(time_ns, _)| *time_ns);
        levels.insert(0, (0, false));
        levels.dedup_by_key(|(_, level)| *level);
        let edges = |to| levels.iter().skip(1).filter(move |edge| edge.1 == to).map(|edge| edge.0 / cycle_ns());
        Self { rises: edges(true).collect(), falls: edges(false).collect() }
    }

    fn rises_until(&self, cycle: u64) -> usize {
        self.rises.partition_point(|rise_cycle| *rise_cycle <= cycle)
    }

    pub(super) fn level(&self, cycle: u64) -> bool {
        self.rises_until(cycle) > self.falls.partition_point(|fall_cycle| *fall_cycle <= cycle)
    }
}

/// What the capture unit measures.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal<'surroundings> {
    Output(Pin<'surroundings>),
    Input(&'surroundings SignalInput),
}

impl<'surroundings> Signal<'surroundings> {
    /// The signal of `source`: a channel, or any other number for the input.
    pub(super) fn of(channels: &'surroundings [Channel], input: &'surroundings SignalInput, source: usize) -> Self {
        if source < channels.len() { Self::Output(Pin::of(channels, source)) } else { Self::Input(input) }
    }

    pub(super) fn level(self, cycle: u64) -> bool {
        match self {
            Self::Output(pin) => pin.level(cycle),
            Self::Input(input) => input.level(cycle),
        }
    }
}

/// The unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) enabled: bool,
    /// See [`Signal::of`].
    pub(super) source: usize,
    /// As far as it has been looked at.
    level: bool,
    rise_cycle: Option<u64>,
    fall_cycle: Option<u64>,
    pub(super) period_cycles: u32,
    pub(super) high_cycles: u32,
    pub(super) count: u32,
}

impl Capture {
    /// Forgets what was measured, and begins with a signal of this level.
    pub(super) fn start(&mut self, source: usize, level: bool) {
        *self = Self { enabled: true, source, level, ..Self::default() };
    }

    /// Goes on after a time that was not looked at.
    pub(super) fn resume(&mut self, level: bool) {
        self.level = level;
        (self.rise_cycle, self.fall_cycle) = (None, None);
    }

    /// Looks at the signal at `cycle`. True if a period has been measured.
    pub(super) fn look(&mut self, cycle: u64, level: bool) -> bool {
        if level == std::mem::replace(&mut self.level, level) {
            return false;
        }
        if !level {
            self.fall_cycle = Some(cycle);
            return false;
        }
        let edges = self.rise_cycle.zip(self.fall_cycle);
        if let Some((rise_cycle, fall_cycle)) = edges {
            self.measured(rise_cycle, fall_cycle, cycle);
        }
        self.rise_cycle = Some(cycle);
        edges.is_some()
    }

    fn measured(&mut self, rise_cycle: u64, fall_cycle: u64, next_rise_cycle: u64) {
        let cycles_to = |cycle: u64| u32::try_from(cycle.saturating_sub(rise_cycle)).unwrap_or(u32::MAX);
        self.period_cycles = cycles_to(next_rise_cycle);
        self.high_cycles = cycles_to(fall_cycle);
        self.count = self.count.wrapping_add(1);
    }

    /// Looks at a signal after `cycle` until `end_cycle`. True if a period has been measured.
    pub(super) fn follow(&mut self, signal: Signal<'_>, cycle: u64, end_cycle: u64) -> bool {
        let count = self.count;
        match signal {
            Signal::Input(input) => self.follow_input(input, cycle, end_cycle),
            Signal::Output(pin) => self.follow_output(pin, cycle, end_cycle),
        }
        self.count != count
    }

    fn follow_output(&mut self, pin: Pin<'_>, mut cycle: u64, end_cycle: u64) {
        let next_edge = |cycle| pin.next_edge(cycle).filter(|edge_cycle| *edge_cycle <= end_cycle);
        for _ in 0..EDGES_UNTIL_REGULAR {
            let Some(edge_cycle) = next_edge(cycle) else { return };
            cycle = edge_cycle;
            self.look(cycle, pin.level(cycle));
        }
        if let Some(period_cycles) = pin.waveform.map(Waveform::period_cycles) {
            let periods = (end_cycle - cycle) / period_cycles;
            let skipped_cycles = periods * period_cycles;
            for edge in [&mut self.rise_cycle, &mut self.fall_cycle] {
                *edge = edge.map(|edge_cycle| edge_cycle + skipped_cycles);
            }
            // Modulo 2^32 on purpose.
            self.count = self.count.wrapping_add(periods as u32);
            cycle += skipped_cycles;
        }
        while let Some(edge_cycle) = next_edge(cycle) {
            cycle = edge_cycle;
            self.look(cycle, pin.level(cycle));
        }
    }

    fn follow_input(&mut self, input: &SignalInput, cycle: u64, end_cycle: u64) {
        let (seen, until) = (input.rises_until(cycle), input.rises_until(end_cycle));
        let first = if self.rise_cycle.is_some() { seen.saturating_sub(1) } else { seen };
        if until > seen && until - first >= 2 {
            // The last one as every other; those before it are only counted.
            self.count = self.count.wrapping_add((until - first - 2) as u32);
            self.measured(input.rises[until - 2], input.falls[until - 2], input.rises[until - 1]);
        }
        if until > seen {
            self.rise_cycle = Some(input.rises[until - 1]);
        }
        self.level = input.level(end_cycle);
    }

    /// When a period will have been measured next, if the signal goes on after `cycle` as it is.
    pub(super) fn next_measurement(&self, signal: Signal<'_>, cycle: u64) -> Option<u64> {
        let rises_left = if self.rise_cycle.is_some() { 1 } else { 2 };
        match signal {
            Signal::Input(input) => input.rises.get(input.rises_until(cycle) + rises_left - 1).copied(),
            Signal::Output(pin) => {
                let edges = std::iter::successors(pin.next_edge(cycle), |edge_cycle| pin.next_edge(*edge_cycle));
                edges.filter(|edge_cycle| pin.level(*edge_cycle)).nth(rises_left - 1)
            }
        }
    }

    pub(super) fn is_valid(&self, now_cycle: u64) -> bool {
        [self.rise_cycle, self.fall_cycle].into_iter().flatten().all(|edge_cycle| edge_cycle <= now_cycle)
    }
}
