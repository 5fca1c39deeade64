//! Where device time comes from.
//!
//! A clock is a state machine too: the wall time comes in with every call, so that its rules are tested without
//! waiting. All times are nanoseconds since the device was started.

use std::str::FromStr;

/// How device time relates to wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Device time is wall time.
    Real,
    /// Device time stands still while the guest is busy and jumps to the next deadline when it is quiet: see
    /// [`Clock::wake`] for the rule. A minute of audio takes as long as the guest needs to supply it.
    Warp,
}

/// A clock mode that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock is `real` or `warp`, not `{0}`")]
pub struct ParseClockModeError(String);

impl FromStr for ClockMode {
    type Err = ParseClockModeError;

    fn from_str(text: &str) -> Result<Self, ParseClockModeError> {
        match text {
            "real" => Ok(Self::Real),
            "warp" => Ok(Self::Warp),
            other => Err(ParseClockModeError(other.to_owned())),
        }
    }
}

/// The device time of one device.
#[derive(Debug)]
pub struct Clock {
    mode: ClockMode,
    now_ns: u64,
    last_activity_wall_ns: u64,
}

impl Clock {
    /// What one access costs in warp mode: about a read over PCI Express. Without it a guest that polls would
    /// see time stand still for ever.
    pub const ACCESS_NS: u64 = 1_000;

    /// How long no access must come, in wall time, until the guest counts as quiet: ten times what a trapped access
    /// takes on a slow machine.
    pub const QUIET_WALL_NS: u64 = 500_000;

    /// How long a guest that computes, or owes the answer to an interrupt, may go without an access, in wall time, until
    /// device time goes on without it. Such a guest is not quiet, only slow.
    pub const BUSY_WALL_NS: u64 = 1_000_000_000;

    /// A clock at device time 0.
    pub fn new(mode: ClockMode) -> Self {
        Self { mode, now_ns: 0, last_activity_wall_ns: 0 }
    }

    /// The device time of the latest call.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// An access has come: gives the device time at which it takes place.
    pub fn access(&mut self, wall_ns: u64) -> u64 {
        self.last_activity_wall_ns = wall_ns;
        self.now_ns = match self.mode {
            ClockMode::Real => self.now_ns.max(wall_ns),
            ClockMode::Warp => self.now_ns.saturating_add(Self::ACCESS_NS),
        };
        self.now_ns
    }

    /// Moves device time as far as `wall_ns` allows, at most to the deadline, and gives it.
    ///
    /// In warp mode that is a jump onto the deadline if the guest is quiet: no access for [`Self::QUIET_WALL_NS`], or for
    /// [`Self::BUSY_WALL_NS`] if it is `busy`. A jump counts as activity, so that the guest has its quiet time again to
    /// react to what the deadline brought.
    pub fn wake(&mut self, wall_ns: u64, deadline_ns: u64, busy: bool) -> u64 {
        match self.mode {
            ClockMode::Real => self.now_ns = self.now_ns.max(wall_ns.min(deadline_ns)),
            ClockMode::Warp if wall_ns >= self.quiet_at_wall_ns(busy) => {
                self.now_ns = self.now_ns.max(deadline_ns);
                self.last_activity_wall_ns = wall_ns;
            }
            ClockMode::Warp => {}
        }
        self.now_ns
    }

    /// The earliest wall time at which [`Self::wake`] can meet the deadline.
    pub fn wake_at_wall_ns(&self, deadline_ns: u64, busy: bool) -> u64 {
        match self.mode {
            ClockMode::Real => deadline_ns,
            ClockMode::Warp => self.quiet_at_wall_ns(busy),
        }
    }

    fn quiet_at_wall_ns(&self, busy: bool) -> u64 {
        let patience_ns = if busy { Self::BUSY_WALL_NS } else { Self::QUIET_WALL_NS };
        self.last_activity_wall_ns.saturating_add(patience_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_follows_the_wall_clock_and_stops_at_a_deadline() {
        let mut clock = Clock::new(ClockMode::Real);
        assert_eq!(clock.access(5_000), 5_000);
        assert_eq!(clock.wake_at_wall_ns(9_000, false), 9_000);
        assert_eq!(clock.wake(8_999, 9_000, false), 8_999);
        assert_eq!(clock.wake(20_000, 9_000, false), 9_000);
        assert_eq!(clock.access(20_000), 20_000);
    }

    #[test]
    fn warp_time_jumps_when_the_guest_is_quiet_and_not_a_tick_sooner() {
        let mut clock = Clock::new(ClockMode::Warp);
        assert_eq!(clock.access(7_000), 1_000);
        let deadline = 20_000_000;
        assert_eq!(clock.wake_at_wall_ns(20_000_000, false), 507_000);
        assert_eq!(clock.wake(506_999, deadline, false), 1_000);
        assert_eq!(clock.wake(507_000, deadline, false), 20_000_000);
        // The jump was activity: the next deadline waits for quiet again.
        assert_eq!(clock.wake(1_006_999, 30_000_000, false), 20_000_000);
        assert_eq!(clock.wake(1_007_000, 30_000_000, false), 30_000_000);
    }

    #[test]
    fn warp_time_waits_for_a_busy_guest_but_not_for_ever() {
        let mut clock = Clock::new(ClockMode::Warp);
        clock.access(0);
        assert_eq!(clock.wake(999_999_999, 5_000, true), 1_000);
        assert_eq!(clock.wake(1_000_000_000, 5_000, true), 5_000);
    }

    #[test]
    fn device_time_never_goes_back() {
        let mut clock = Clock::new(ClockMode::Real);
        clock.access(9_000);
        assert_eq!(clock.access(8_000), 9_000);
        assert_eq!(clock.wake(10_000, 1_000, false), 9_000);
    }
}
