//! Where device time comes from.
//!
//! A clock is a state machine too: the wall time comes in with every call, so that its rules are tested without
//! waiting. All times are nanoseconds since the device was started.

mod mode;

pub use mode::{ClockMode, ParseClockModeError, Scale};

/// The device time of one device.
#[derive(Debug)]
pub struct Clock {
    mode: ClockMode,
    now_ns: u64,
    /// The latest wall time of any call.
    wall_ns: u64,
    last_activity_wall_ns: u64,
    /// In warp mode: deadlines until then do not wait for quiet.
    free_until_ns: u64,
    freeze: Option<Freeze>,
    /// Wall time that passed while the clock was frozen, in all that are over.
    frozen_wall_ns: u64,
}

/// The clock stands still, from one wall time to another.
#[derive(Clone, Copy, Debug)]
struct Freeze {
    from_wall_ns: u64,
    /// None: for ever.
    until_wall_ns: Option<u64>,
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

    /// How far device time may go, once the guest is quiet, over deadlines that bring it nothing. A guest that sleeps by
    /// its own timers wakes unseen: it is not left behind by more than this each time that it is quiet.
    pub const FREE_NS: u64 = 100_000_000;

    /// A clock at device time 0.
    pub fn new(mode: ClockMode) -> Self {
        Self {
            mode,
            now_ns: 0,
            wall_ns: 0,
            last_activity_wall_ns: 0,
            free_until_ns: 0,
            freeze: None,
            frozen_wall_ns: 0,
        }
    }

    /// How device time relates to wall time.
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// The device time of the latest call.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// An access has come: gives the device time at which it takes place.
    pub fn access(&mut self, wall_ns: u64) -> u64 {
        self.passes(wall_ns);
        self.last_activity_wall_ns = wall_ns;
        self.free_until_ns = self.now_ns;
        if self.mode == ClockMode::Warp {
            self.delay(Self::ACCESS_NS);
        }
        self.now_ns
    }

    /// Something has come that is no access: gives the device time at which it takes place. In warp mode it takes none.
    pub fn passes(&mut self, wall_ns: u64) -> u64 {
        self.look_at_the_wall(wall_ns);
        if let Some(scale) = self.scale() {
            self.now_ns = self.now_ns.max(scale.device_ns(self.running_wall_ns()));
        }
        self.now_ns
    }

    /// An access takes so much longer: gives the device time at which it takes place.
    pub fn delay(&mut self, delay_ns: u64) -> u64 {
        if self.freeze.is_none() {
            self.now_ns = self.now_ns.saturating_add(delay_ns);
        }
        self.now_ns
    }

    /// The guest has been brought something that it may answer: in warp mode it has its quiet time for that.
    pub fn has_brought_something(&mut self) {
        self.last_activity_wall_ns = self.wall_ns;
        self.free_until_ns = self.now_ns;
    }

    /// Moves device time as far as `wall_ns` allows, at most to the deadline, and gives it.
    ///
    /// In warp mode that is a jump onto the deadline if the guest is quiet: no access for [`Self::QUIET_WALL_NS`], or for
    /// [`Self::BUSY_WALL_NS`] if it is `busy`. After a jump the guest has its quiet time again, to react to what the
    /// deadline brought. If that was nothing ([`Self::has_brought_something`] is not called), and the guest is not busy,
    /// the next jump follows at once, up to [`Self::FREE_NS`] after the device time at which quiet was last waited for.
    pub fn wake(&mut self, wall_ns: u64, deadline_ns: u64, busy: bool) -> u64 {
        self.look_at_the_wall(wall_ns);
        match self.scale() {
            Some(scale) => self.now_ns = self.now_ns.max(scale.device_ns(self.running_wall_ns()).min(deadline_ns)),
            None if self.mode == ClockMode::Manual || self.freeze.is_some() => {}
            None => self.jump(wall_ns, deadline_ns, busy),
        }
        self.now_ns
    }

    fn jump(&mut self, wall_ns: u64, deadline_ns: u64, busy: bool) {
        if !self.is_free(deadline_ns, busy) {
            if self.quiet_at_wall_ns(busy).is_none_or(|quiet_at_wall_ns| wall_ns < quiet_at_wall_ns) {
                return;
            }
            // One that is busy has not been quiet: it has been waited for long enough, once.
            self.free_until_ns = if busy { self.now_ns } else { self.now_ns.saturating_add(Self::FREE_NS) };
        }
        self.now_ns = self.now_ns.max(deadline_ns);
        self.last_activity_wall_ns = wall_ns;
    }

    /// The earliest wall time at which [`Self::wake`] can meet the deadline; none if nothing but another call makes it.
    pub fn wake_at_wall_ns(&self, deadline_ns: u64, busy: bool) -> Option<u64> {
        let thawed_at_wall_ns = match self.freeze {
            Some(freeze) => freeze.until_wall_ns?,
            None => 0,
        };
        match self.mode {
            ClockMode::Manual => None,
            ClockMode::Real | ClockMode::Scaled(_) => {
                let frozen_now = self.freeze.map_or(0, |freeze| thawed_at_wall_ns - freeze.from_wall_ns);
                let running_wall_ns = self.scale()?.wall_ns(deadline_ns);
                Some(running_wall_ns.saturating_add(self.frozen_wall_ns).saturating_add(frozen_now))
            }
            ClockMode::Warp if self.is_free(deadline_ns, busy) => Some(self.wall_ns.max(thawed_at_wall_ns)),
            ClockMode::Warp => Some(self.quiet_at_wall_ns(busy)?.max(thawed_at_wall_ns)),
        }
    }

    /// Moves the time of a manual clock, never back, and gives it.
    ///
    /// # Panics
    /// If the clock is another: its time is not for a test to move.
    pub fn advance_to(&mut self, now_ns: u64) -> u64 {
        assert_eq!(self.mode, ClockMode::Manual, "a test moves the time of a manual clock only");
        if self.freeze.is_none() {
            self.now_ns = self.now_ns.max(now_ns);
        }
        self.now_ns
    }

    /// Lets device time stand still from now on: for `wall_ns` of wall time, or for ever. Then it goes on from where it
    /// was.
    pub fn freeze(&mut self, wall_ns: Option<u64>) {
        self.thaw(self.wall_ns);
        let until_wall_ns = wall_ns.map(|wall_ns| self.wall_ns.saturating_add(wall_ns));
        self.freeze = Some(Freeze { from_wall_ns: self.wall_ns, until_wall_ns });
    }

    fn look_at_the_wall(&mut self, wall_ns: u64) {
        self.wall_ns = self.wall_ns.max(wall_ns);
        if let Some(until_wall_ns) = self.freeze.and_then(|freeze| freeze.until_wall_ns)
            && self.wall_ns >= until_wall_ns
        {
            self.thaw(until_wall_ns);
        }
    }

    fn thaw(&mut self, at_wall_ns: u64) {
        if let Some(freeze) = self.freeze.take() {
            self.frozen_wall_ns += at_wall_ns - freeze.from_wall_ns;
        }
    }

    /// Wall time without that in which the clock was frozen.
    fn running_wall_ns(&self) -> u64 {
        self.freeze.map_or(self.wall_ns, |freeze| freeze.from_wall_ns) - self.frozen_wall_ns
    }

    /// Whether device time goes with wall time.
    pub fn follows_wall(&self) -> bool {
        self.scale().is_some()
    }

    /// How fast device time goes with wall time, if it does.
    fn scale(&self) -> Option<Scale> {
        match self.mode {
            ClockMode::Real => Some(Scale::ONE),
            ClockMode::Scaled(scale) => Some(scale),
            ClockMode::Warp | ClockMode::Manual => None,
        }
    }

    fn is_free(&self, deadline_ns: u64, busy: bool) -> bool {
        !busy && deadline_ns <= self.free_until_ns
    }

    /// None: not before the end of time.
    fn quiet_at_wall_ns(&self, busy: bool) -> Option<u64> {
        let patience_ns = if busy { Self::BUSY_WALL_NS } else { Self::QUIET_WALL_NS };
        self.last_activity_wall_ns.checked_add(patience_ns)
    }
}

#[cfg(test)]
mod tests;
