//! Faults as data: what is to go wrong, when, and how.
//!
//! A [`FaultPlan`] is given to the one real device ([`Device::inject`](crate::Device::inject)), which is no other device
//! for it: the plan stands between the bus and the device's parts. Each fault that fires is in the timeline.

mod injector;
mod place;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Direction, DmaFailure};

pub(crate) use injector::{Due, Fired, Injector};

/// What is to go wrong with one device: rules, each of which has to fire.
///
/// As TOML, for [`FromStr`]:
///
/// ```
/// let plan: device::FaultPlan = r#"
///     seed = 7
///
///     [[rule]]
///     name = "a status that lies"
///     on = { read = "TX.STATUS" }
///     nth = 3
///     outcome = { xor = 0x20000 }
///
///     [[rule]]
///     on = { interrupt = "*" }
///     probability = 0.25
///     until_ns = 1_000_000_000
///     outcome = "drop"
/// "#
/// .parse()?;
/// # Ok::<(), device::FaultPlanError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The same seed gives the same faults: what is probable is drawn from it, for each rule by itself.
    #[serde(default)]
    seed: u64,
    #[serde(default, rename = "rule")]
    rules: Vec<FaultRule>,
}

/// What a rule waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultTarget {
    /// A read of registers: `TX.STATUS`, `TX.*`, or of a place: `BAR0`, `BAR0+0x44c`, `config+0x04`. An access that
    /// touches one of them is meant.
    Read(String),
    /// A write, likewise.
    Write(String),
    /// A read or a write, likewise.
    Access(String),
    /// An interrupt, by the name that the timeline has for its pin; `*` stands for anything, `MSI*`, too.
    Interrupt(String),
    /// A transfer from or to guest memory.
    Dma {
        /// The block's channel that asks for it; none: any.
        channel: Option<u8>,
        /// Read from guest memory or written to it; none: both.
        direction: Option<Direction>,
    },
    /// This device time, in nanoseconds.
    AtNs(u64),
}

/// What happens when a rule fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultOutcome {
    /// A read is not answered and gives all ones, a write or an interrupt is lost. The block has seen nothing of it.
    Drop,
    /// These bits of the access's value are inverted: of what a read gives, of what a write brings.
    Xor(u64),
    /// The access's value, and `and`, or `or`.
    AndOr {
        /// The bits that stay.
        and: u64,
        /// The bits that are set.
        or: u64,
    },
    /// The access has this value.
    Value(u64),
    /// A read takes so much longer, in device time; a write takes effect, or an interrupt comes, so much later.
    DelayNs(u64),
    /// An interrupt comes twice. A guest may see one: signals that nobody has looked at yet are one.
    Double,
    /// A transfer fails so, and has touched nothing.
    Fail(DmaFailure),
    /// Device time stands still from then on.
    Freeze {
        /// For so much wall time; none: for ever.
        wall_ns: Option<u64>,
    },
    /// The device is pulled out: reads are all ones, writes are lost, there are no interrupts, no DMA and no outputs. A
    /// reset does not bring it back.
    Remove,
    /// The device that was pulled out is there again, in its cold state.
    Restore,
}

/// One thing that is to go wrong: what it waits for, which of the matches it fires at, and what happens then.
///
/// Each rule counts its matches by itself. Of several that would fire at one access, interrupt or transfer, the first of
/// the plan does. While the device is removed, only rules that restore it match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    name: Option<String>,
    on: FaultTarget,
    nth: Option<u64>,
    every: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
    from_ns: Option<u64>,
    until_ns: Option<u64>,
    outcome: FaultOutcome,
}

/// Why a plan cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FaultPlanError {
    /// It is not TOML, or has something that plans do not have.
    #[error("the plan of faults cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A rule waits for something that the device does not have.
    #[error("{rule} waits for {wanted}, which is not there; {there}")]
    NoSuchTarget {
        /// The rule.
        rule: String,
        /// What it waits for.
        wanted: String,
        /// What there is instead.
        there: String,
    },
    /// A rule contradicts itself.
    #[error("{rule} makes no sense: {problem}")]
    Nonsense {
        /// The rule.
        rule: String,
        /// What does not go together, and what would.
        problem: String,
    },
}

impl FaultPlan {
    /// Draws what is probable from this seed, instead of from 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl FromStr for FaultPlan {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, FaultPlanError> {
        Ok(toml::from_str(text)?)
    }
}

impl FaultRule {
    /// Fires at every match of `on`.
    pub fn new(on: FaultTarget, outcome: FaultOutcome) -> Self {
        Self {
            name: None,
            on,
            nth: None,
            every: None,
            times: None,
            probability: None,
            from_ns: None,
            until_ns: None,
            outcome,
        }
    }

    /// For reads of `place`: see [`FaultTarget::Read`].
    pub fn read(place: &str, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::Read(place.to_owned()), outcome)
    }

    /// For writes to `place`.
    pub fn write(place: &str, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::Write(place.to_owned()), outcome)
    }

    /// For reads and writes of `place`.
    pub fn access(place: &str, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::Access(place.to_owned()), outcome)
    }

    /// For interrupts by `pin`: see [`FaultTarget::Interrupt`].
    pub fn interrupt(pin: &str, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::Interrupt(pin.to_owned()), outcome)
    }

    /// For transfers of `channel`, or of all.
    pub fn dma(channel: impl Into<Option<u8>>, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::Dma { channel: channel.into(), direction: None }, outcome)
    }

    /// At a device time.
    pub fn at_ns(at_ns: u64, outcome: FaultOutcome) -> Self {
        Self::new(FaultTarget::AtNs(at_ns), outcome)
    }

    /// What the timeline and complaints call it; otherwise its number.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Fires at this match only, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Fires at every so many matches: at the second, fourth, sixth for 2.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = Some(every);
        self
    }

    /// Fires so often at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Fires with this probability, 0 to 1, where it would otherwise surely.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Matches nothing before this device time.
    #[must_use]
    pub fn from_ns(mut self, from_ns: u64) -> Self {
        self.from_ns = Some(from_ns);
        self
    }

    /// Matches nothing from this device time on.
    #[must_use]
    pub fn until_ns(mut self, until_ns: u64) -> Self {
        self.until_ns = Some(until_ns);
        self
    }

    /// The rule in words: its name, or its number in the plan from 1.
    fn title(&self, number: usize) -> String {
        self.name.as_ref().map_or_else(|| format!("rule {number}"), |name| format!("rule {number} \"{name}\""))
    }

    /// What does not go together in it.
    fn contradiction(&self) -> Option<String> {
        let goes_together = match (&self.on, &self.outcome) {
            (_, FaultOutcome::Freeze { .. } | FaultOutcome::Remove)
            | (FaultTarget::Interrupt(_), FaultOutcome::Drop | FaultOutcome::Double | FaultOutcome::DelayNs(_))
            | (FaultTarget::Dma { .. }, FaultOutcome::Fail(_)) => true,
            // One that is removed has neither interrupts nor DMA.
            (on, FaultOutcome::Restore) => !matches!(on, FaultTarget::Interrupt(_) | FaultTarget::Dma { .. }),
            (FaultTarget::Read(_) | FaultTarget::Write(_) | FaultTarget::Access(_), outcome) => {
                !matches!(outcome, FaultOutcome::Double | FaultOutcome::Fail(_))
            }
            _ => false,
        };
        if !goes_together {
            return Some(format!("{} cannot end in {}", self.on, self.outcome));
        }
        let chosen = self.nth.or(self.every).or(self.times).is_some() || self.probability.is_some();
        if matches!(self.on, FaultTarget::AtNs(_)) && (chosen || self.from_ns.or(self.until_ns).is_some()) {
            return Some("a device time comes once; leave out everything but `on` and `outcome`".to_owned());
        }
        if self.nth.is_some() && self.every.is_some() {
            return Some("`nth` and `every` exclude each other".to_owned());
        }
        let zero = [("nth", self.nth), ("every", self.every), ("times", self.times)];
        if let Some((word, _)) = zero.iter().find(|(_, count)| *count == Some(0)) {
            return Some(format!("`{word}` counts from 1"));
        }
        // NaN is none of it.
        if self.probability.is_some_and(|probability| !(probability > 0.0 && probability <= 1.0)) {
            return Some("`probability` is more than 0 and at most 1".to_owned());
        }
        let (from_ns, until_ns) = (self.from_ns.unwrap_or(0), self.until_ns.unwrap_or(u64::MAX));
        (from_ns >= until_ns).then(|| format!("there is no time from {from_ns} ns until {until_ns} ns"))
    }
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(place) => write!(formatter, "a read of {place}"),
            Self::Write(place) => write!(formatter, "a write to {place}"),
            Self::Access(place) => write!(formatter, "an access of {place}"),
            Self::Interrupt(pin) => write!(formatter, "an interrupt by {pin}"),
            Self::Dma { channel, direction } => {
                let verb = match direction {
                    None => "a DMA",
                    Some(Direction::Read) => "a DMA read",
                    Some(Direction::Write) => "a DMA write",
                };
                let channel = channel.map_or("any channel".to_owned(), |channel| format!("channel {channel}"));
                write!(formatter, "{verb} of {channel}")
            }
            Self::AtNs(at_ns) => write!(formatter, "device time {at_ns} ns"),
        }
    }
}

impl fmt::Display for FaultOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => formatter.write_str("a drop"),
            Self::Xor(_) | Self::AndOr { .. } | Self::Value(_) => formatter.write_str("another value"),
            Self::DelayNs(delay_ns) => write!(formatter, "a delay of {delay_ns} ns"),
            Self::Double => formatter.write_str("two of it"),
            Self::Fail(failure) => write!(formatter, "a failure ({failure})"),
            Self::Freeze { wall_ns: None } => formatter.write_str("a clock that stands still"),
            Self::Freeze { wall_ns: Some(wall_ns) } => {
                write!(formatter, "a clock that stands still for {wall_ns} ns of wall time")
            }
            Self::Remove => formatter.write_str("a device that is pulled out"),
            Self::Restore => formatter.write_str("a device that is there again"),
        }
    }
}
