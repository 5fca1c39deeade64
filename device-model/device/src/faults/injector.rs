//! A plan at work on a device.

use std::collections::{BTreeMap, VecDeque};

use registers::RegisterMap;

use super::place::{Place, is_like};
use super::{FaultOutcome, FaultPlan, FaultPlanError, FaultRule, FaultTarget};
use crate::{Direction, DmaRequest, DmaTransfer, Pin, Region};

/// The rules of a plan with what they have counted, and what they have put off.
#[derive(Default)]
pub(crate) struct Injector {
    rules: Vec<Armed>,
    /// By time, and at one time in the order that they were put off.
    put_off: BTreeMap<(u64, u64), Due>,
    put_off_count: u64,
    /// Interrupts that are to be sent and not looked at again.
    pub(crate) owed: VecDeque<Pin>,
    pub(crate) removed: bool,
    /// The latest interrupt has been kept from the guest, which owes no answer to it.
    pub(crate) withheld: bool,
}

/// Something that was put off and whose time has come.
pub(crate) enum Due {
    /// A write.
    Write { region: Region, offset: u64, data: Vec<u8> },
    /// An interrupt.
    Interrupt(Pin),
    /// A rule that waits for this time.
    Rule(usize),
}

/// A rule that fires now.
pub(crate) struct Fired {
    pub(crate) title: String,
    pub(crate) outcome: FaultOutcome,
}

struct Armed {
    rule: FaultRule,
    title: String,
    /// None where the rule waits for no access.
    place: Option<Place>,
    matches: u64,
    fired: u64,
    random: u64,
}

impl Injector {
    /// Makes a plan ready for a device with these registers and pins.
    pub(crate) fn new(plan: &FaultPlan, map: &RegisterMap, pins: &[Pin]) -> Result<Self, FaultPlanError> {
        let mut injector = Self::default();
        for (number, rule) in (1..).zip(&plan.rules) {
            let title = rule.title(number);
            let missing =
                |there| FaultPlanError::NoSuchTarget { rule: title.clone(), wanted: rule.on.to_string(), there };
            if let Some(problem) = rule.contradiction() {
                return Err(FaultPlanError::Nonsense { rule: title, problem });
            }
            let place = match &rule.on {
                FaultTarget::Read(place) | FaultTarget::Write(place) | FaultTarget::Access(place) => {
                    Some(Place::find(place, map).map_err(missing)?)
                }
                FaultTarget::Interrupt(pattern) if !pins.iter().any(|pin| is_like(&pin.to_string(), pattern)) => {
                    let pins: Vec<String> = pins.iter().map(ToString::to_string).collect();
                    return Err(missing(format!("interrupts come by {}", pins.join(", "))));
                }
                FaultTarget::AtNs(at_ns) => {
                    injector.put_off(*at_ns, Due::Rule(number - 1));
                    None
                }
                FaultTarget::Interrupt(_) | FaultTarget::Dma { .. } => None,
            };
            // Rules draw by themselves, so that one more does not change what the others do.
            let random = mixed(plan.seed ^ mixed(number as u64));
            injector.rules.push(Armed { rule: rule.clone(), title, place, matches: 0, fired: 0, random });
        }
        Ok(injector)
    }

    /// The rule that fires at an access.
    pub(crate) fn on_access(
        &mut self,
        direction: Direction,
        region: Region,
        offset: u64,
        bytes: usize,
        now_ns: u64,
    ) -> Option<Fired> {
        self.fire(now_ns, |armed| {
            let wanted = match armed.rule.on {
                FaultTarget::Read(_) => direction == Direction::Read,
                FaultTarget::Write(_) => direction == Direction::Write,
                _ => true,
            };
            wanted && armed.place.as_ref().is_some_and(|place| place.is_touched(region, offset, bytes as u64))
        })
    }

    /// The rule that fires at an interrupt.
    pub(crate) fn on_interrupt(&mut self, pin: Pin, now_ns: u64) -> Option<Fired> {
        let pin = pin.to_string();
        self.fire(now_ns, |armed| matches!(&armed.rule.on, FaultTarget::Interrupt(pattern) if is_like(&pin, pattern)))
    }

    /// The rule that fires at a transfer.
    pub(crate) fn on_dma(&mut self, request: &DmaRequest, now_ns: u64) -> Option<Fired> {
        let way = match request.transfer {
            DmaTransfer::Read { .. } => Direction::Read,
            DmaTransfer::Write { .. } => Direction::Write,
        };
        self.fire(now_ns, |armed| match armed.rule.on {
            FaultTarget::Dma { channel, direction } => {
                channel.is_none_or(|channel| channel == request.channel)
                    && direction.is_none_or(|direction| direction == way)
            }
            _ => false,
        })
    }

    /// The rule whose time has come.
    pub(crate) fn on_time(&mut self, rule: usize) -> Fired {
        let armed = &mut self.rules[rule];
        armed.fired += 1;
        armed.as_fired()
    }

    /// Counts the match in every rule that has it, and gives the first one that fires.
    fn fire(&mut self, now_ns: u64, is_match: impl Fn(&Armed) -> bool) -> Option<Fired> {
        let mut first = None;
        for armed in &mut self.rules {
            let waits = !self.removed || armed.rule.outcome == FaultOutcome::Restore;
            if waits && armed.is_in_time(now_ns) && is_match(armed) && armed.draws() && first.is_none() {
                armed.fired += 1;
                first = Some(armed.as_fired());
            }
        }
        first
    }

    /// Puts something off until `at_ns`.
    pub(crate) fn put_off(&mut self, at_ns: u64, due: Due) {
        self.put_off.insert((at_ns, self.put_off_count), due);
        self.put_off_count += 1;
    }

    /// When the next thing that was put off is due.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.put_off.first_key_value().map(|((at_ns, _), _)| *at_ns)
    }

    /// Takes what is due at `now_ns`, one after the other.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<(u64, Due)> {
        let entry = self.put_off.first_entry().filter(|entry| entry.key().0 <= now_ns)?;
        let ((at_ns, _), due) = entry.remove_entry();
        Some((at_ns, due))
    }

    /// Forgets what the device had put off, as a reset makes it.
    pub(crate) fn reset(&mut self) {
        self.put_off.retain(|_, due| matches!(due, Due::Rule(_)));
        self.owed.clear();
        self.withheld = false;
    }

    /// The rules and how often they have fired.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (String, u64)> {
        self.rules.iter().map(|armed| (armed.title.clone(), armed.fired))
    }

    /// The rules that have not fired, in words.
    pub(crate) fn unfired(&self) -> Vec<String> {
        let unfired = self.rules.iter().filter(|armed| armed.fired == 0);
        unfired.map(|Armed { rule, title, matches, .. }| format!("{title}: {}, {matches} seen", rule.on)).collect()
    }
}

impl Armed {
    fn as_fired(&self) -> Fired {
        Fired { title: self.title.clone(), outcome: self.rule.outcome.clone() }
    }

    fn is_in_time(&self, now_ns: u64) -> bool {
        self.rule.from_ns.is_none_or(|from_ns| now_ns >= from_ns)
            && self.rule.until_ns.is_none_or(|until_ns| now_ns < until_ns)
    }

    /// Counts a match: whether the rule would fire at it.
    fn draws(&mut self) -> bool {
        self.matches += 1;
        let FaultRule { nth, every, times, probability, .. } = self.rule;
        nth.is_none_or(|nth| self.matches == nth)
            && every.is_none_or(|every| self.matches.is_multiple_of(every))
            && times.is_none_or(|times| self.fired < times)
            && probability.is_none_or(|probability| self.random_fraction() < probability)
    }

    /// The next of the generator's numbers, as one from 0 to less than 1.
    fn random_fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mixed(self.random) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What the generator `SplitMix64` makes of its state.
fn mixed(mut state: u64) -> u64 {
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}
