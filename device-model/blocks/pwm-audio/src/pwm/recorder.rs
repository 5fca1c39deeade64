//! The edges of the channels' outputs, for whoever wants to see them.

use device::{Effects, Output};

use super::channel::{Channel, Pin};
use crate::map::cycle_ns;

/// The most edges that are put out in one step, about.
pub(super) const MAXIMUM_EDGES: u64 = 1_000_000;

/// What has been put out: not a part of the block's state.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    wanted: bool,
    /// Bit by bit.
    levels: u8,
    edges_in_step: u64,
    skipped_from_cycle: Option<u64>,
}

impl Recorder {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Whether it looks at every edge.
    pub(super) fn looks(&self) -> bool {
        self.wanted && self.skipped_from_cycle.is_none()
    }

    /// Gives the step up: what comes after `cycle` is too much.
    pub(super) fn skip(&mut self, cycle: u64) {
        self.skipped_from_cycle.get_or_insert(cycle + 1);
    }

    fn put_out(&mut self, number: usize, cycle: u64, effects: &mut Effects) {
        self.levels ^= 1 << number;
        self.edges_in_step += 1;
        let level = self.levels >> number & 1 == 1;
        effects.output(Output::Edge { signal: number as u8, time_ns: cycle * cycle_ns(), level });
    }

    /// Puts out what is different at `cycle`.
    pub(super) fn look(&mut self, channels: &[Channel], cycle: u64, effects: &mut Effects) {
        if !self.looks() {
            return;
        }
        for number in 0..channels.len() {
            if Pin::of(channels, number).level(cycle) != (self.levels >> number & 1 == 1) {
                self.put_out(number, cycle, effects);
            }
        }
    }

    /// Puts out every edge after `cycle` until `end_cycle`, in the order of time.
    pub(super) fn follow(&mut self, channels: &[Channel], cycle: u64, end_cycle: u64, effects: &mut Effects) {
        if !self.looks() {
            return;
        }
        let next_edge = |number: usize, cycle| {
            let edge_cycle = Pin::of(channels, number).next_edge(cycle);
            edge_cycle.filter(|edge_cycle| *edge_cycle <= end_cycle).map(|edge_cycle| (edge_cycle, number))
        };
        let mut next: Vec<_> = (0..channels.len()).filter_map(|number| next_edge(number, cycle)).collect();
        let edges = next.iter().filter_map(|(_, number)| {
            let period_cycles = Pin::of(channels, *number).waveform?.period_cycles();
            Some(2 * ((end_cycle - cycle) / period_cycles))
        });
        if edges.fold(self.edges_in_step, u64::saturating_add) >= MAXIMUM_EDGES {
            self.skip(cycle);
            return;
        }
        while let Some((place, (edge_cycle, number))) = next.iter().copied().enumerate().min_by_key(|entry| entry.1) {
            self.put_out(number, edge_cycle, effects);
            match next_edge(number, edge_cycle) {
                Some(edge) => next[place] = edge,
                None => drop(next.swap_remove(place)),
            }
        }
    }

    /// Ends a step at `cycle`: what it had to skip is said, and from here on the levels are right again.
    pub(super) fn end_step(&mut self, channels: &[Channel], cycle: u64, effects: &mut Effects) {
        self.edges_in_step = 0;
        let Some(from_cycle) = self.skipped_from_cycle.take() else { return };
        let [from_ns, to_ns] = [from_cycle, cycle].map(|cycle| cycle * cycle_ns());
        effects.fault(format!(
            "signals were not recorded from {from_ns} to {to_ns} ns: they have more than {MAXIMUM_EDGES} edges in one \
             step; let less time pass in a step, or choose longer periods"
        ));
        self.look(channels, cycle, effects);
    }
}
