//! What was measured of one server.

use std::time::Duration;

use crate::client::BATCH_WRITES;

/// The median of every round's times, in microseconds.
#[derive(Clone, Default)]
pub(crate) struct Times(Vec<f64>);

/// What was measured of one server.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    pub(crate) reads: Times,
    pub(crate) writes: Times,
    pub(crate) batches: Times,
}

impl Times {
    /// Takes the times of a round. Their median counts, so that what else the machine does hardly does.
    pub(crate) fn push(&mut self, times: Vec<Duration>) {
        self.0.push(median(times.into_iter().map(|time| time.as_secs_f64() * 1e6).collect()));
    }

    fn cell(&self, decimals: usize, show: impl Fn(f64) -> f64) -> String {
        let mut shown: Vec<f64> = self.0.iter().map(|&time_us| show(time_us)).collect();
        shown.sort_by(f64::total_cmp);
        let ends = shown.first().zip(shown.last());
        let (lowest, highest) = ends.map_or((f64::NAN, f64::NAN), |(&lowest, &highest)| (lowest, highest));
        format!("{:.decimals$} ({lowest:.decimals$} to {highest:.decimals$})", median(shown))
    }
}

impl Figures {
    /// The writes in a second, if none is answered.
    pub(crate) fn writes_per_second(&self) -> f64 {
        batch_rate(median(self.batches.0.clone()))
    }

    /// The writes in a second, if each waits for the reply to the one before.
    pub(crate) fn acknowledged_writes_per_second(&self) -> f64 {
        1e6 / median(self.writes.0.clone())
    }

    /// The cells of a table's line: round trips in microseconds, writes without reply in a second.
    pub(crate) fn cells(&self) -> [String; 3] {
        [
            self.reads.cell(1, |time_us| time_us),
            self.writes.cell(1, |time_us| time_us),
            self.batches.cell(0, batch_rate),
        ]
    }
}

/// Writes in a second.
fn batch_rate(batch_us: f64) -> f64 {
    f64::from(BATCH_WRITES) * 1e6 / batch_us
}

/// The middle one; of an even number the upper one of both.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
