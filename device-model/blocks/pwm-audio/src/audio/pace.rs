//! When frames are due.

use serde::{Deserialize, Serialize};

const NS_PER_SECOND: u32 = 1_000_000_000;

/// The instants of a stream's frames: frame `n` since the start is due at the first nanosecond at which `n / rate`
/// seconds have passed. A pause is cut out: after it the next frame is as far away as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pace {
    rate_hz: u32,
    next_ns: u64,
    /// By how much `next_ns` is later than the exact instant, in nanoseconds over `rate_hz`: less than one.
    late: u32,
    paused_at_ns: Option<u64>,
}

impl Pace {
    /// Frame 0 is due at `now_ns`. `rate_hz` is not 0.
    pub(super) fn begin(now_ns: u64, rate_hz: u32, paused: bool) -> Self {
        Self { rate_hz, next_ns: now_ns, late: 0, paused_at_ns: paused.then_some(now_ns) }
    }

    pub(super) fn is_possible(&self) -> bool {
        self.rate_hz > 0 && self.late < self.rate_hz
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused_at_ns.is_some()
    }

    pub(super) fn pause(&mut self, paused: bool, now_ns: u64) {
        if !paused && let Some(since_ns) = self.paused_at_ns.take() {
            self.next_ns = self.next_ns.saturating_add(now_ns.saturating_sub(since_ns));
        } else if paused {
            self.paused_at_ns.get_or_insert(now_ns);
        }
    }

    /// When the next frame is due; never in a pause, nor at the end of time, where frames have no distance.
    pub(super) fn next_ns(&self) -> Option<u64> {
        (self.paused_at_ns.is_none() && self.next_ns < u64::MAX).then_some(self.next_ns)
    }

    /// When the frame `frames` after the next one is due.
    pub(super) fn after_ns(&self, frames: u64) -> Option<u64> {
        let next_ns = self.next_ns()?;
        let parts = u128::from(frames) * u128::from(NS_PER_SECOND);
        let elapsed_ns = parts.saturating_sub(u128::from(self.late)).div_ceil(u128::from(self.rate_hz));
        Some(next_ns.saturating_add(u64::try_from(elapsed_ns).unwrap_or(u64::MAX)))
    }

    /// The next frame has had its turn.
    pub(super) fn step(&mut self) {
        let (whole_ns, rest) = (NS_PER_SECOND / self.rate_hz, NS_PER_SECOND % self.rate_hz);
        let (later, late) = if self.late < rest { (1, self.late + self.rate_hz - rest) } else { (0, self.late - rest) };
        self.late = late;
        self.next_ns = self.next_ns.saturating_add(u64::from(whole_ns) + later);
    }

    /// Every frame that is due until `now_ns` has had its turn: gives how many.
    pub(super) fn skip(&mut self, now_ns: u64) -> u64 {
        let Some(elapsed_ns) = self.next_ns().and_then(|next_ns| now_ns.checked_sub(next_ns)) else { return 0 };
        let (rate, late) = (u128::from(self.rate_hz), u128::from(self.late));
        let frames = (u128::from(elapsed_ns) * rate + late) / u128::from(NS_PER_SECOND) + 1;
        // In nanoseconds over the rate: `late` is less than one of them, and there is a frame.
        let parts = frames * u128::from(NS_PER_SECOND) - late;
        let later_ns = parts.div_ceil(rate);
        self.late = (later_ns * rate - parts) as u32;
        self.next_ns = self.next_ns.saturating_add(u64::try_from(later_ns).unwrap_or(u64::MAX));
        u64::try_from(frames).unwrap_or(u64::MAX)
    }
}
