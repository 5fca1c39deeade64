//! The PWM channels, the group of them, the capture unit and the converter.
//!
//! Everything happens at cycles of the block's clock, into which device time is rounded down. Between two latches a
//! channel's output is a closed form, so that only what is looked at costs time: edges that somebody records, and periods
//! whose duty a converter gives.

mod capture;
mod channel;
mod converter;
mod recorder;
#[cfg(test)]
mod tests;
mod waveform;

use device::Effects;
use registers::{Change, RegisterFile};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use self::capture::{Capture, Signal, SignalInput};
use self::channel::{Channel, Pin, Settings};
use self::converter::Converter;
use self::recorder::{MAXIMUM_EDGES, Recorder};
use crate::map::{REGISTERS, cycle_ns};
use crate::registers::Pwm;

pub(crate) use self::converter::SILENCE;

/// Length of periods, in cycles, that are looked at one by one for a measurement that a converter's samples decide.
const LONG_PERIOD_CYCLES: u64 = 1_000;
/// How often, in cycles, shorter ones are looked at.
const LOOK_CYCLES: u64 = 10_000;
/// How many of a converter's periods a step looks at, beside one for every ten cycles.
const PERIODS_IN_STEP: u64 = 1_000;
/// How often a dead time that is longer than a period is followed through a converter's periods.
const MAXIMUM_REPLAYED_PERIODS: u64 = 1_000;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct PwmChannels {
    state: State,
    recorder: Recorder,
    input: SignalInput,
    /// From when on the capture unit has not looked at its signal in this step.
    capture_skipped_from_cycle: Option<u64>,
    deadline_ns: Option<u64>,
}

/// What a snapshot has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    channels: [Channel; Pwm::COUNT],
    /// The channels that have still to take their shadow registers, bit by bit.
    pending: u8,
    capture: Capture,
    converter: Converter,
    /// Interrupt status bits that nobody has taken yet.
    interrupts: u64,
    /// Everything until this cycle, and at it, has happened.
    now_cycle: u64,
}

impl PwmChannels {
    /// Channels that put out edges if they are to be recorded, and that measure `input_levels`: levels and the times in
    /// ns from which on the signal input has them.
    pub(crate) fn new(record_signals: bool, input_levels: Vec<(u64, bool)>) -> Self {
        Self { recorder: Recorder::new(record_signals), input: SignalInput::new(input_levels), ..Self::default() }
    }

    /// Brings the registers that the hardware changes up to date.
    pub(crate) fn refresh(&mut self, file: &mut RegisterFile, now_ns: u64) {
        let cycle = now_ns / cycle_ns();
        let State { channels, capture, pending, .. } = &self.state;
        for (number, (channel, registers)) in channels.iter().zip(&REGISTERS.pwm).enumerate() {
            let counter_cycles = channel.waveform.as_ref().map_or(0, |waveform| waveform.counter(cycle));
            file.set(registers.counter, counter_cycles);
            // Modulo 2^32 on purpose.
            file.set(registers.periods, channel.periods(cycle) & u64::from(u32::MAX));
            file.set_field(registers.control.level, Pin::of(channels, number).level(cycle));
        }
        file.set_field(REGISTERS.pwm_group.update.pending, *pending);
        let registers = &REGISTERS.capture;
        file.set_field(registers.control.level, self.signal().level(cycle));
        file.set(registers.period, capture.period_cycles.into());
        file.set(registers.high, capture.high_cycles.into());
        file.set(registers.count, capture.count.into());
    }

    /// Reacts to a write to one of the registers.
    pub(crate) fn react(&mut self, change: &Change, file: &mut RegisterFile, now_ns: u64, effects: &mut Effects) {
        let cycle = self.state.now_cycle.max(now_ns / cycle_ns());
        self.state.now_cycle = cycle;
        let register = change.register;
        if let Some(number) = REGISTERS.pwm.iter().position(|registers| registers.control.register == register) {
            self.react_control(number, file);
        } else if register == REGISTERS.pwm_group.update.register {
            self.react_update(change, file);
        } else if register == REGISTERS.capture.control.register {
            self.react_capture(change, file, effects);
        } else if [
            REGISTERS.converter.control.register,
            REGISTERS.converter.table_index,
            REGISTERS.converter.table_data.register,
            REGISTERS.converter.step,
        ]
        .contains(&register)
        {
            self.state.converter.react(change, file, effects);
            self.keep_own_periods();
        } else {
            // A shadow register, or one of several that one access has written.
            (0..Pwm::COUNT).for_each(|number| self.take_at_once(number, file));
        }
        self.look(cycle, effects);
    }

    fn react_control(&mut self, number: usize, file: &RegisterFile) {
        let (control, cycle) = (&REGISTERS.pwm[number].control, self.state.now_cycle);
        let channel = &mut self.state.channels[number];
        channel.one_shot = file.get_field(control.one_shot) != 0;
        channel.period_interrupt = file.get_field(control.period_interrupt) != 0;
        match (channel.enabled, file.get_field(control.enable) != 0) {
            (false, true) => channel.enable(),
            (true, false) => channel.disable(cycle),
            _ => {}
        }
        self.take_at_once(number, file);
    }

    fn react_update(&mut self, change: &Change, file: &mut RegisterFile) {
        let update = &REGISTERS.pwm_group.update;
        let channels = file.get_field(update.channels) as u8;
        let chosen = || (0..Pwm::COUNT).filter(move |number| channels >> number & 1 == 1);
        for field in [update.go, update.restart] {
            file.set_field(field, false);
        }
        if change.written_to(update.go) == Some(1) && channels != 0 {
            for number in chosen().filter(|number| self.state.channels[*number].waveform.is_some()) {
                self.state.pending |= 1 << number;
            }
            if self.state.pending == 0 {
                self.updated();
            }
        }
        if change.written_to(update.restart) == Some(1) {
            for number in chosen().filter(|number| self.state.channels[*number].enabled).collect::<Vec<_>>() {
                self.begin(number, Settings::shadow(file, number), self.state.now_cycle, true);
                self.taken(number);
            }
        }
    }

    fn react_capture(&mut self, change: &Change, file: &RegisterFile, effects: &mut Effects) {
        let control = &REGISTERS.capture.control;
        if change.refused != 0 {
            effects.fault("CAPTURE.CONTROL.source stays as it was: it takes 0 to 7 (a channel) or 8 (external)");
        }
        let enabled = file.get_field(control.enable) != 0;
        let source = file.get_field(control.source) as usize;
        let State { capture, now_cycle, .. } = &mut self.state;
        let goes_on = capture.enabled == enabled && capture.source == source;
        (capture.enabled, capture.source) = (enabled, source);
        if enabled && !goes_on {
            let cycle = *now_cycle;
            let level = self.signal().level(cycle);
            self.state.capture.start(source, level);
        }
    }

    /// What the capture unit measures.
    fn signal(&self) -> Signal<'_> {
        Signal::of(&self.state.channels, &self.input, self.state.capture.source)
    }

    /// Takes the shadow registers of a channel that does not run.
    fn take_at_once(&mut self, number: usize, file: &RegisterFile) {
        if self.state.channels[number].waveform.is_none() {
            self.begin(number, Settings::shadow(file, number), self.state.now_cycle, true);
            self.taken(number);
        }
    }

    /// Takes `settings` and begins a period with them, if the channel is enabled.
    fn begin(&mut self, number: usize, settings: Settings, cycle: u64, cut_off: bool) {
        let State { channels, converter, .. } = &mut self.state;
        let runs = channels[number].enabled && settings.period_cycles > 0;
        let borrowed_duty_cycles = if runs { converter.begin_period(number, settings.period_cycles) } else { None };
        channels[number].begin(settings, borrowed_duty_cycles, cycle, cut_off);
    }

    /// A channel has taken its shadow registers.
    fn taken(&mut self, number: usize) {
        let pending = self.state.pending & !(1 << number);
        if std::mem::replace(&mut self.state.pending, pending) != pending && pending == 0 {
            self.updated();
        }
    }

    fn updated(&mut self) {
        self.state.interrupts |= REGISTERS.system.interrupt_status.pwm_updated.mask();
    }

    /// Lets everything happen that is due.
    pub(crate) fn advance(&mut self, file: &mut RegisterFile, now_ns: u64, effects: &mut Effects) {
        // After a snapshot was taken back, levels may be others than those put out last.
        self.recorder.look(&self.state.channels, self.state.now_cycle, effects);
        self.run(now_ns / cycle_ns(), file, effects);
        let State { channels, now_cycle, .. } = &self.state;
        self.recorder.end_step(channels, *now_cycle, effects);
        if let Some(from_cycle) = self.capture_skipped_from_cycle.take() {
            let [from_ns, to_ns] = [from_cycle, *now_cycle].map(|cycle| cycle * cycle_ns());
            effects.fault(format!(
                "the capture unit did not measure from {from_ns} to {to_ns} ns: the converter had too many periods in \
                 one step; choose longer periods"
            ));
            let level = self.signal().level(self.state.now_cycle);
            self.state.capture.resume(level);
        }
    }

    /// Whether the duty of a channel depends on what the transmitter plays.
    pub(crate) fn follows_audio(&self) -> bool {
        self.state.converter.plays_audio()
    }

    /// The transmitter plays, from `time_ns` on, a sample that is `fraction` of 2^32 above the lowest one, or nothing,
    /// which is [`SILENCE`]. To be called in the order of time and before [`Self::advance`] to `time_ns` or later.
    pub(crate) fn audio_sample(&mut self, time_ns: u64, fraction: u32, file: &mut RegisterFile, effects: &mut Effects) {
        // A period that begins at this very time has the new sample.
        let before_cycle = time_ns.div_ceil(cycle_ns()).checked_sub(1);
        if let Some(before_cycle) = before_cycle.filter(|_| self.state.converter.plays_audio()) {
            self.run(before_cycle, file, effects);
        }
        self.state.converter.sample = fraction;
    }

    /// Lets everything happen until `end_cycle`, and at it.
    fn run(&mut self, end_cycle: u64, file: &mut RegisterFile, effects: &mut Effects) {
        let begin_cycle = self.state.now_cycle;
        if end_cycle <= begin_cycle {
            return;
        }
        let periods = |channels: &[Channel; Pwm::COUNT], cycle| {
            channels.each_ref().map(|channel| if channel.period_interrupt { channel.periods(cycle) } else { 0 })
        };
        let periods_before = periods(&self.state.channels, begin_cycle);
        let mut converter_periods_left = if self.recorder.looks() {
            MAXIMUM_EDGES
        } else {
            MAXIMUM_EDGES.min(PERIODS_IN_STEP + (end_cycle - begin_cycle) / 10)
        };
        while let Some(cycle) = self.next_change().filter(|cycle| *cycle <= end_cycle) {
            self.follow(cycle - 1, effects);
            if self.converter_is_looked_at() {
                if converter_periods_left == 0 {
                    self.look_away(cycle);
                    continue;
                }
                converter_periods_left -= 1;
            }
            self.settle_converter(cycle - 1);
            self.change(cycle, file);
            self.look(cycle, effects);
        }
        self.follow(end_cycle, effects);
        self.settle_converter(end_cycle);
        let status = REGISTERS.pwm_group.status.period;
        for (number, periods_after) in periods(&self.state.channels, end_cycle).into_iter().enumerate() {
            if periods_after != periods_before[number] {
                file.set_field(status, file.get_field(status) | 1 << number);
            }
        }
    }

    /// The first cycle after now at which a channel does not go on as it is.
    fn next_change(&self) -> Option<u64> {
        (0..Pwm::COUNT).filter_map(|number| self.next_change_of(number)).min()
    }

    fn next_change_of(&self, number: usize) -> Option<u64> {
        let State { channels, pending, converter, now_cycle, .. } = &self.state;
        let channel = &channels[number];
        let at_end = pending >> number & 1 == 1
            || if converter.channel() == Some(number) {
                self.converter_is_looked_at()
            } else {
                channel.duty_is_borrowed()
            };
        channel.next_event(at_end, *now_cycle)
    }

    /// Gives up looking at the converter's channel from `cycle` on, for this step.
    fn look_away(&mut self, cycle: u64) {
        if self.recorder.looks() {
            self.recorder.skip(cycle - 1);
        }
        if self.state.converter.channel().is_some_and(|number| self.capture_looks_at(number)) {
            self.capture_skipped_from_cycle = Some(cycle);
        }
    }

    /// Whether somebody looks at every period of the converter's channel.
    fn converter_is_looked_at(&self) -> bool {
        self.state.converter.channel().is_some_and(|number| self.recorder.looks() || self.capture_looks_at(number))
    }

    /// Whether the capture unit measures what channel `number` puts out.
    fn capture_looks_at(&self, number: usize) -> bool {
        let State { channels, capture, .. } = &self.state;
        let complemented = channels[number].settings.complementary && capture.source == number + 1;
        capture.enabled && self.capture_skipped_from_cycle.is_none() && (capture.source == number || complemented)
    }

    /// What the converter's channel has begun by itself is no period of the converter's.
    fn keep_own_periods(&mut self) {
        let State { channels, converter, now_cycle, .. } = &mut self.state;
        let Some(channel) = converter.channel().map(|number| &mut channels[number]) else { return };
        if let Some(begin_cycle) = channel.waveform.as_ref().and_then(|waveform| waveform.latest_end(*now_cycle)) {
            channel.begin(channel.settings.clone(), None, begin_cycle, false);
        }
    }

    /// Begins the periods of the converter's channel that have begun until `cycle` and that nobody looked at.
    fn settle_converter(&mut self, cycle: u64) {
        let State { channels, converter, .. } = &mut self.state;
        let Some(number) = converter.channel() else { return };
        let channel = &channels[number];
        let Some(waveform) = channel.waveform.clone().filter(|waveform| waveform.periods(cycle) > 0) else { return };
        let settings = channel.settings.clone();
        // A dead time may have begun some periods ago.
        let dead_periods = if settings.complementary {
            u64::from(settings.dead_time_cycles) / waveform.period_cycles() + 1
        } else {
            0
        };
        let periods = waveform.periods(cycle);
        let replayed = periods.min(dead_periods.min(MAXIMUM_REPLAYED_PERIODS) + 1);
        converter.skip_periods(periods - replayed);
        for period in periods - replayed + 1..=periods {
            self.begin(number, settings.clone(), waveform.end_of(period), false);
        }
    }

    /// Lets happen what is due at `cycle`, the next one.
    fn change(&mut self, cycle: u64, file: &mut RegisterFile) {
        for number in 0..Pwm::COUNT {
            if self.next_change_of(number) != Some(cycle) {
                continue;
            }
            let channel = &mut self.state.channels[number];
            if channel.stops_at(cycle) {
                channel.disable(cycle);
                file.set_field(REGISTERS.pwm[number].control.enable, false);
                let done = REGISTERS.pwm_group.status.done;
                file.set_field(done, file.get_field(done) | 1 << number);
            }
            let takes = self.state.pending >> number & 1 == 1 || !self.state.channels[number].enabled;
            let settings =
                if takes { Settings::shadow(file, number) } else { self.state.channels[number].settings.clone() };
            self.begin(number, settings, cycle, false);
            if takes {
                self.taken(number);
            }
        }
    }

    /// Looks at the outputs until `cycle`, during which they go on as they are.
    fn follow(&mut self, cycle: u64, effects: &mut Effects) {
        let State { channels, now_cycle, .. } = &self.state;
        if cycle <= *now_cycle {
            return;
        }
        self.recorder.follow(channels, *now_cycle, cycle, effects);
        if self.state.capture.enabled && self.capture_skipped_from_cycle.is_none() {
            let State { channels, capture, now_cycle, .. } = &mut self.state;
            let signal = Signal::of(channels, &self.input, capture.source);
            let measured = capture.follow(signal, *now_cycle, cycle);
            self.captured(measured);
        }
        self.state.now_cycle = cycle;
    }

    /// Looks at the outputs at `cycle`, at which they may have changed.
    fn look(&mut self, cycle: u64, effects: &mut Effects) {
        self.state.now_cycle = cycle;
        self.recorder.look(&self.state.channels, cycle, effects);
        if self.state.capture.enabled && self.capture_skipped_from_cycle.is_none() {
            let level = self.signal().level(cycle);
            let measured = self.state.capture.look(cycle, level);
            self.captured(measured);
        }
    }

    fn captured(&mut self, measured: bool) {
        if measured {
            self.state.interrupts |= REGISTERS.system.interrupt_status.captured.mask();
        }
    }

    /// When something next happens that the guest sees without looking, as of the latest [`Self::arm`].
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        self.deadline_ns
    }

    /// Finds the next deadline: after every step, when the interrupts have been taken.
    pub(crate) fn arm(&mut self, file: &RegisterFile) {
        let channels = (0..Pwm::COUNT).filter_map(|number| self.channel_deadline(number, file));
        let cycle = channels.chain(self.capture_deadline(file)).min();
        self.deadline_ns = cycle.and_then(|cycle| cycle.checked_mul(cycle_ns()));
    }

    /// When a channel takes its shadow registers, stops, or sets its bit of `PWM_GROUP.STATUS.period`.
    fn channel_deadline(&self, number: usize, file: &RegisterFile) -> Option<u64> {
        let State { channels, pending, now_cycle, .. } = &self.state;
        let channel = &channels[number];
        let is_set = |bits: u64| bits >> number & 1 == 1;
        let period_is_seen = channel.period_interrupt && !is_set(file.get_field(REGISTERS.pwm_group.status.period));
        channel.next_event(period_is_seen || is_set((*pending).into()), *now_cycle)
    }

    /// When the capture unit measures, if that is news.
    fn capture_deadline(&self, file: &RegisterFile) -> Option<u64> {
        let State { channels, capture, converter, now_cycle, .. } = &self.state;
        if !capture.enabled || file.get_field(REGISTERS.system.interrupt_status.captured) != 0 {
            return None;
        }
        let measured_cycle = capture.next_measurement(self.signal(), *now_cycle);
        let driver = (0..Pwm::COUNT).find(|number| self.capture_looks_at(*number));
        let changes = |number: &usize| converter.channel() == Some(*number) || channels[*number].duty_is_borrowed();
        let waveform = driver.filter(changes).and_then(|number| channels[number].waveform.as_ref());
        let Some(waveform) = waveform else { return measured_cycle };
        // The periods after this one have another duty: what they have is seen when they are there. Where this one says that
        // the next one rises, it is looked at, however short it is: if it does not, it says nothing about the one after it.
        let end_cycle = waveform.next_end(*now_cycle);
        let is_long = waveform.period_cycles() >= LONG_PERIOD_CYCLES;
        let look_cycle = if is_long { end_cycle } else { end_cycle.max(now_cycle + LOOK_CYCLES) };
        Some(measured_cycle.filter(|measured_cycle| *measured_cycle <= end_cycle).unwrap_or(look_cycle))
    }

    /// The interrupt status bits of what has happened since the last call, and of what holds now.
    pub(crate) fn take_interrupts(&mut self, file: &RegisterFile) -> u64 {
        let (system, status) = (&REGISTERS.system.interrupt_status, &REGISTERS.pwm_group.status);
        let levels = [(status.done, system.pwm_done), (status.period, system.pwm_period)];
        let holding = levels.into_iter().filter(|(field, _)| file.get_field(*field) != 0);
        holding.fold(std::mem::take(&mut self.state.interrupts), |interrupts, (_, source)| interrupts | source.mask())
    }

    /// The state after reset.
    pub(crate) fn reset(&mut self, effects: &mut Effects) {
        self.state = State { now_cycle: self.state.now_cycle, ..State::default() };
        self.capture_skipped_from_cycle = None;
        self.deadline_ns = None;
        self.recorder.look(&self.state.channels, self.state.now_cycle, effects);
    }

    /// The state between two steps, without what comes from outside and without the registers.
    pub(crate) fn save(&self) -> serde_json::Value {
        // Structs, numbers and lists: nothing of that can fail.
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    /// Takes back a state. The registers have to be taken back, too, and [`Self::arm`] to be called then.
    ///
    /// # Errors
    /// If it is not a state that [`Self::save`] can have given.
    pub(crate) fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        let state: State = serde_json::from_value(state)?;
        let now_cycle = state.now_cycle;
        let is_valid = now_cycle <= u64::MAX / cycle_ns()
            && state.channels.iter().all(|channel| channel.is_valid(now_cycle))
            && state.capture.is_valid(now_cycle)
            && state.converter.is_valid();
        if !is_valid {
            return Err(serde_json::Error::custom(
                "the state of the PWM channels has numbers that no channel can have; take another snapshot",
            ));
        }
        self.state = state;
        self.capture_skipped_from_cycle = None;
        Ok(())
    }
}
