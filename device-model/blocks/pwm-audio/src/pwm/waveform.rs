//! What a channel puts out between two latches, as a closed form of the clock cycle: how long that is costs nothing.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::channel::Settings;

/// The output of a channel, or of the one that it complements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Main,
    Complement,
}

/// A waveform that begins with a period at `start_cycle` and goes on for ever. Without its dead time, it is `base`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waveform {
    pub(super) start_cycle: u64,
    period_cycles: NonZeroU64,
    /// Where in a period `base` becomes active.
    rise_cycles: u64,
    /// At most a period.
    duty_cycles: u64,
    /// The duty was given for the first period only.
    pub(super) duty_is_borrowed: bool,
    /// 0 for a channel that is not complementary.
    dead_cycles: u64,
    /// Since when `base` has had the level that it starts with: earlier than the start if it goes on from there.
    level_since_cycle: u64,
    /// When the output that this level makes active is active.
    ready_cycle: u64,
}

impl Waveform {
    /// The waveform of `settings` from `start_cycle` on, which `before` precedes without a gap; `None` if the period is 0.
    /// Its duty is `borrowed_duty_cycles`, or that of the settings.
    pub(super) fn new(
        settings: &Settings,
        borrowed_duty_cycles: Option<u64>,
        start_cycle: u64,
        before: Option<Before>,
    ) -> Option<Self> {
        let period_cycles = NonZeroU64::new(settings.period_cycles.into())?;
        let duty_cycles = borrowed_duty_cycles.unwrap_or(settings.duty_cycles.into());
        let mut waveform = Self {
            start_cycle,
            period_cycles,
            rise_cycles: u64::from(settings.phase_cycles) % period_cycles,
            duty_cycles: duty_cycles.min(period_cycles.get()),
            duty_is_borrowed: borrowed_duty_cycles.is_some(),
            dead_cycles: if settings.complementary { settings.dead_time_cycles.into() } else { 0 },
            level_since_cycle: start_cycle,
            ready_cycle: start_cycle,
        };
        match before.filter(|before| before.base == waveform.base(start_cycle)) {
            Some(Before { since_cycle, active, .. }) => {
                waveform.level_since_cycle = since_cycle;
                // What is active stays so, also if the dead time is longer now.
                let ready_cycle = if active { start_cycle } else { since_cycle + waveform.dead_cycles };
                waveform.ready_cycle = ready_cycle.max(start_cycle);
            }
            None => waveform.ready_cycle = start_cycle + waveform.dead_cycles,
        }
        Some(waveform)
    }

    /// Whether the numbers can be those of a waveform that was made until `now_cycle`.
    pub(super) fn is_valid(&self, now_cycle: u64) -> bool {
        let farthest_cycle = now_cycle.saturating_add(u32::MAX.into());
        self.start_cycle <= now_cycle
            && self.level_since_cycle <= self.start_cycle
            && (self.start_cycle..=farthest_cycle).contains(&self.ready_cycle)
            && self.period_cycles.get() <= u32::MAX.into()
            && self.rise_cycles < self.period_cycles.get()
            && self.duty_cycles <= self.period_cycles.get()
            && self.dead_cycles <= u32::MAX.into()
    }

    pub(super) fn period_cycles(&self) -> u64 {
        self.period_cycles.get()
    }

    fn since_start(&self, cycle: u64) -> u64 {
        cycle.saturating_sub(self.start_cycle)
    }

    /// Cycles since the period began.
    pub(super) fn counter(&self, cycle: u64) -> u64 {
        self.since_start(cycle) % self.period_cycles
    }

    /// Periods that have ended at `cycle`.
    pub(super) fn periods(&self, cycle: u64) -> u64 {
        self.since_start(cycle) / self.period_cycles
    }

    /// When `periods` periods have ended; the end of time if that is later.
    pub(super) fn end_of(&self, periods: u64) -> u64 {
        self.start_cycle.saturating_add(periods.saturating_mul(self.period_cycles()))
    }

    /// The first end of a period after `cycle`.
    pub(super) fn next_end(&self, cycle: u64) -> u64 {
        self.end_of(self.periods(cycle) + 1)
    }

    /// The latest end of a period until `cycle`, if one has ended.
    pub(super) fn latest_end(&self, cycle: u64) -> Option<u64> {
        Some(self.periods(cycle)).filter(|periods| *periods > 0).map(|periods| self.end_of(periods))
    }

    /// The output without dead time.
    fn base(&self, cycle: u64) -> bool {
        let period_cycles = self.period_cycles();
        (self.counter(cycle) + period_cycles - self.rise_cycles) % period_cycles < self.duty_cycles
    }

    /// Where in a period `base` changes, if it does.
    fn base_edges(&self) -> Option<[u64; 2]> {
        let changes = (1..self.period_cycles()).contains(&self.duty_cycles);
        changes.then(|| [self.rise_cycles, (self.rise_cycles + self.duty_cycles) % self.period_cycles])
    }

    /// When `base` took the level that it has at `cycle`, and from when on an output is active with it.
    fn level_since(&self, cycle: u64) -> (u64, u64) {
        let elapsed_cycles = self.since_start(cycle);
        let latest = |place_cycles: u64| {
            let ago_cycles = (elapsed_cycles + self.period_cycles() - place_cycles) % self.period_cycles;
            // What is at the very start is said by what was before it.
            elapsed_cycles.checked_sub(ago_cycles).filter(|edge_cycles| *edge_cycles > 0)
        };
        let edge_cycles = self.base_edges().and_then(|edges| edges.into_iter().filter_map(latest).max());
        match edge_cycles.map(|edge_cycles| self.start_cycle + edge_cycles) {
            Some(edge_cycle) => (edge_cycle, edge_cycle + self.dead_cycles),
            None => (self.level_since_cycle, self.ready_cycle),
        }
    }

    /// Whether an output is active at `cycle`.
    pub(super) fn active(&self, side: Side, cycle: u64) -> bool {
        let base = self.base(cycle);
        base == (side == Side::Main) && (self.dead_cycles == 0 || cycle >= self.level_since(cycle).1)
    }

    /// The state at `cycle`, for what follows it.
    pub(super) fn before(&self, cycle: u64) -> Before {
        let base = self.base(cycle);
        let (since_cycle, ready_cycle) = self.level_since(cycle);
        Before { base, since_cycle, active: cycle >= ready_cycle }
    }

    /// The first cycle after `cycle` at which an output changes.
    pub(super) fn next_edge(&self, side: Side, cycle: u64) -> Option<u64> {
        let active = self.active(side, cycle);
        let changes = |candidate: &u64| self.active(side, *candidate) != active;
        let Some(edges) = self.base_edges() else {
            return Some(self.ready_cycle).filter(|ready_cycle| *ready_cycle > cycle).filter(changes);
        };
        let elapsed_cycles = self.since_start(cycle);
        let next = |place_cycles: u64| {
            let place_cycles = place_cycles % self.period_cycles;
            let ago_cycles = (elapsed_cycles + self.period_cycles() - place_cycles) % self.period_cycles;
            cycle + self.period_cycles() - ago_cycles
        };
        if self.dead_cycles == 0 {
            return edges.into_iter().map(next).filter(changes).min();
        }
        // What the start brought along may hide the first of each: the second one is regular.
        let candidates = edges.into_iter().flat_map(|edge| {
            [edge, edge + self.dead_cycles].into_iter().flat_map(|place| {
                let first = next(place);
                [first, first + self.period_cycles()]
            })
        });
        let ready = Some(self.ready_cycle).filter(|ready_cycle| *ready_cycle > cycle);
        candidates.chain(ready).filter(changes).min()
    }
}

/// What a waveform that goes on in another one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    base: bool,
    since_cycle: u64,
    /// The output that `base` is for is past its dead time.
    active: bool,
}

impl Before {
    /// As it looks to a complementary pair, if it has not been one: the complement was not active.
    pub(super) fn of_a_single_output(self) -> Option<Self> {
        self.base.then_some(self)
    }
}
