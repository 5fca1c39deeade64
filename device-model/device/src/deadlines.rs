//! Instants at which something is due, in one queue.

use std::collections::{BTreeMap, BTreeSet};

/// At most one deadline a key, in device time. Arming, disarming and taking cost O(log n) for n that are armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines<K> {
    by_key: BTreeMap<K, u64>,
    by_time: BTreeSet<(u64, K)>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Sets the deadline of `key`, in the place of the one that it had; none disarms it.
    pub fn arm(&mut self, key: K, at_ns: impl Into<Option<u64>>) {
        let at_ns = at_ns.into();
        let before = match at_ns {
            Some(at_ns) => self.by_key.insert(key, at_ns),
            None => self.by_key.remove(&key),
        };
        if before == at_ns {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key));
        }
        if let Some(at_ns) = at_ns {
            self.by_time.insert((at_ns, key));
        }
    }

    /// The earliest deadline.
    pub fn next_ns(&self) -> Option<u64> {
        self.by_time.first().map(|(at_ns, _)| *at_ns)
    }

    /// Takes the earliest deadline if it is due at `now_ns`: of several at one instant, that of the lowest key.
    pub fn take_due(&mut self, now_ns: u64) -> Option<(u64, K)> {
        let (at_ns, key) = *self.by_time.first().filter(|(at_ns, _)| *at_ns <= now_ns)?;
        self.arm(key, None);
        Some((at_ns, key))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn deadlines_come_in_order_and_not_a_tick_early() {
        let mut deadlines = Deadlines::default();
        for (key, at_ns) in [('b', 20), ('a', 20), ('c', 10)] {
            deadlines.arm(key, at_ns);
        }
        assert_eq!(deadlines.next_ns(), Some(10));
        assert_eq!(deadlines.take_due(9), None);
        assert_eq!(deadlines.take_due(10), Some((10, 'c')));
        assert_eq!(deadlines.take_due(19), None);
        assert_eq!(deadlines.take_due(30), Some((20, 'a')));
        assert_eq!(deadlines.take_due(30), Some((20, 'b')));
        assert_eq!((deadlines.next_ns(), deadlines.take_due(u64::MAX)), (None, None));
    }

    #[test]
    fn a_key_has_one_deadline_the_latest_that_was_armed() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(7, 20);
        deadlines.arm(7, 30);
        assert_eq!(deadlines.take_due(29), None);
        deadlines.arm(7, 5);
        assert_eq!(deadlines.next_ns(), Some(5));
        deadlines.arm(7, None);
        deadlines.arm(8, None);
        assert_eq!(deadlines, Deadlines::default());
    }

    thread_local! {
        static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    /// Counts how often it is compared.
    #[derive(Clone, Copy, Debug)]
    struct Counted(u32);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    impl Eq for Counted {}

    #[test]
    fn a_deadline_among_ten_thousand_costs_no_more_than_their_logarithm() {
        for count in [10_u32, 100, 10_000] {
            let mut deadlines = Deadlines::default();
            COMPARISONS.set(0);
            // All at one instant, so that keys decide: the order by time costs comparisons of numbers, which are no more.
            for key in 0..count {
                // In no order: 7,919 is prime.
                deadlines.arm(Counted(key * 7_919 % count), 5);
            }
            for key in 0..count {
                deadlines.arm(Counted(key), 6);
            }
            let mut taken = 0;
            while let Some((_, Counted(key))) = deadlines.take_due(6) {
                assert_eq!(key, taken);
                taken += 1;
            }
            assert_eq!(taken, count);
            let operations = u64::from(3 * count);
            let logarithm = u64::from(count.ilog2() + 1);
            // A node of a B-tree has up to 11 keys, looked at one after the other: three or four times a binary search,
            // in two trees.
            let limit = operations * logarithm * 8;
            assert!(COMPARISONS.get() <= limit, "{count}: {} comparisons, more than {limit}", COMPARISONS.get());
        }
    }
}
