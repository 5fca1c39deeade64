//! One PWM channel: what it has taken from its shadow registers, and its waveform.

use registers::RegisterFile;
use serde::{Deserialize, Serialize};

use super::waveform::{Side, Waveform};
use crate::map::REGISTERS;

/// The copies of a channel's shadow registers that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) period_cycles: u32,
    pub(super) duty_cycles: u32,
    pub(super) phase_cycles: u32,
    pub(super) dead_time_cycles: u32,
    pub(super) count_periods: u32,
    pub(super) active_low: bool,
    /// Never in an odd channel.
    pub(super) complementary: bool,
}

impl Settings {
    /// What the shadow registers of channel `number` have.
    pub(super) fn shadow(file: &RegisterFile, number: usize) -> Self {
        let registers = &REGISTERS.pwm[number];
        let control = &registers.control;
        Self {
            period_cycles: file.get(registers.period) as u32,
            duty_cycles: file.get(registers.duty) as u32,
            phase_cycles: file.get(registers.phase) as u32,
            dead_time_cycles: file.get(registers.dead_time) as u32,
            count_periods: file.get(registers.count) as u32,
            active_low: file.get_field(control.polarity) != 0,
            complementary: number.is_multiple_of(2) && file.get_field(control.complementary) != 0,
        }
    }
}

/// A channel. Its fields of CONTROL that are not shadow fields are copies of what the register file has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Channel {
    pub(super) enabled: bool,
    pub(super) one_shot: bool,
    pub(super) period_interrupt: bool,
    pub(super) settings: Settings,
    /// None: it does not run.
    pub(super) waveform: Option<Waveform>,
    /// Periods since it was enabled that had ended when the waveform began.
    periods_before: u64,
}

impl Channel {
    /// Begins to count, as enable says.
    pub(super) fn enable(&mut self) {
        self.enabled = true;
        self.periods_before = 0;
        self.waveform = None;
    }

    /// Stops, and keeps the number of periods.
    pub(super) fn disable(&mut self, cycle: u64) {
        self.periods_before = self.periods(cycle);
        self.enabled = false;
        self.waveform = None;
    }

    /// Takes `settings`, and begins a period with them if it is enabled; its duty is `borrowed_duty_cycles`, or its own.
    /// `cut_off` says that the period before it has not ended: what it put out at `cycle` has been seen.
    pub(super) fn begin(&mut self, settings: Settings, borrowed_duty_cycles: Option<u64>, cycle: u64, cut_off: bool) {
        let before = self.waveform.as_ref().and_then(|waveform| {
            let before = waveform.before(if cut_off { cycle } else { cycle.saturating_sub(1) });
            if self.settings.complementary { Some(before) } else { before.of_a_single_output() }
        });
        self.periods_before = self.periods(cycle);
        self.settings = settings;
        self.waveform =
            if self.enabled { Waveform::new(&self.settings, borrowed_duty_cycles, cycle, before) } else { None };
    }

    /// Whether the duty is not the channel's own, and counts for this period only.
    pub(super) fn duty_is_borrowed(&self) -> bool {
        self.waveform.as_ref().is_some_and(|waveform| waveform.duty_is_borrowed)
    }

    /// Periods since it was enabled that have ended at `cycle`.
    pub(super) fn periods(&self, cycle: u64) -> u64 {
        let in_waveform = self.waveform.as_ref().map_or(0, |waveform| waveform.periods(cycle));
        self.periods_before.saturating_add(in_waveform)
    }

    /// The first cycle after `cycle` at which it stops by itself, or at which a period ends if `at_end` asks for that.
    pub(super) fn next_event(&self, at_end: bool, cycle: u64) -> Option<u64> {
        // Most channels are asked for nothing, and asked often.
        let waveform = self.waveform.as_ref().filter(|_| at_end || self.one_shot)?;
        let end_cycle = waveform.next_end(cycle);
        if at_end {
            return Some(end_cycle);
        }
        let left = self.last_period().saturating_sub(self.periods_before);
        Some(waveform.end_of(left).max(end_cycle))
    }

    /// How many periods have to have ended for a one-shot channel to stop.
    fn last_period(&self) -> u64 {
        self.settings.count_periods.max(1).into()
    }

    /// Whether it stops at `cycle`, where a period ends.
    pub(super) fn stops_at(&self, cycle: u64) -> bool {
        self.one_shot && self.periods(cycle) >= self.last_period()
    }

    pub(super) fn is_valid(&self, now_cycle: u64) -> bool {
        self.waveform.as_ref().is_none_or(|waveform| waveform.is_valid(now_cycle))
    }
}

/// The output of a channel, from where it comes to its pin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pin<'channels> {
    /// None: not active.
    pub(super) waveform: Option<&'channels Waveform>,
    side: Side,
    active_low: bool,
}

impl<'channels> Pin<'channels> {
    /// The output of channel `number`, which is that of the channel before if that one is complementary.
    pub(super) fn of(channels: &'channels [Channel], number: usize) -> Self {
        let pair = &channels[number & !1];
        let active_low = channels[number].settings.active_low;
        if number % 2 == 1 && pair.settings.complementary {
            Self { waveform: pair.waveform.as_ref(), side: Side::Complement, active_low }
        } else {
            Self { waveform: channels[number].waveform.as_ref(), side: Side::Main, active_low }
        }
    }

    pub(super) fn level(self, cycle: u64) -> bool {
        self.waveform.is_some_and(|waveform| waveform.active(self.side, cycle)) != self.active_low
    }

    /// The first cycle after `cycle` at which the level changes.
    pub(super) fn next_edge(self, cycle: u64) -> Option<u64> {
        self.waveform?.next_edge(self.side, cycle)
    }
}
