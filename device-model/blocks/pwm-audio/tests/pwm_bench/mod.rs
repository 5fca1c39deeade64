//! A PWM/audio block with the time and the outputs at hand.

use device::{Block, Effects, Output, Width};
use pwm_audio::{PwmAudio, Surroundings};

/// The block, its time and its outputs.
#[derive(Default)]
pub(crate) struct Bench {
    pub(crate) block: PwmAudio,
    pub(crate) now_ns: u64,
    pub(crate) effects: Effects,
}

impl Bench {
    pub(crate) fn recording() -> Self {
        Self::with(Surroundings { record_signals: true, ..Surroundings::default() })
    }

    pub(crate) fn with(surroundings: Surroundings) -> Self {
        Self { block: PwmAudio::new(surroundings), ..Self::default() }
    }

    pub(crate) fn read(&mut self, offset: u64) -> u32 {
        self.block.read(offset, Width::WORD, self.now_ns, &mut self.effects) as u32
    }

    pub(crate) fn write(&mut self, offset: u64, value: u32) {
        self.block.write(offset, Width::WORD, value.into(), self.now_ns, &mut self.effects);
    }

    pub(crate) fn at(&mut self, now_ns: u64) -> &mut Self {
        self.now_ns = now_ns;
        self.block.advance(now_ns, &mut self.effects);
        self
    }

    /// Settings of a channel, before it is enabled.
    pub(crate) fn set(&mut self, channel: u64, period: u32, duty: u32) {
        self.write(0x104 + 0x20 * channel, period);
        self.write(0x108 + 0x20 * channel, duty);
    }

    pub(crate) fn edges(&self) -> Vec<(u64, u8, bool)> {
        let edge = |output: &Output| match *output {
            Output::Edge { signal, time_ns, level } => Some((time_ns, signal, level)),
            _ => None,
        };
        self.effects.outputs().iter().filter_map(edge).collect()
    }

    /// The next deadline is at `deadline_ns`, and `SYSTEM.INTERRUPT_STATUS` has none of the bits a tick before it and
    /// all of them on it.
    pub(crate) fn assert_due(&mut self, deadline_ns: u64, bits: u32) {
        assert_eq!(self.block.next_deadline_ns(), Some(deadline_ns));
        assert_eq!(self.at(deadline_ns - 1).read(0x010) & bits, 0, "a tick before {deadline_ns} ns");
        assert_eq!(self.at(deadline_ns).read(0x010) & bits, bits, "at {deadline_ns} ns");
    }

    pub(crate) fn only_fault(&mut self) -> String {
        assert_eq!(self.effects.faults().len(), 1, "{:?}", self.effects.faults());
        let fault = self.effects.faults()[0].clone();
        self.effects.clear();
        fault
    }
}
