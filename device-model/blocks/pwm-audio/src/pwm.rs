//! One PWM channel.

use registers::{Change, RegisterFile};

use crate::map::cycle_ns;
use crate::registers::Pwm;

/// Period, duty and polarity take effect at once; the first period begins when the channel is enabled.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    enabled_at_ns: u64,
}

impl Channel {
    /// Brings the registers that count time up to date.
    pub(crate) fn refresh(&self, registers: &Pwm, file: &mut RegisterFile, now_ns: u64) {
        let period_cycles = file.get(registers.period);
        let running = file.get_field(registers.control.enable) != 0 && period_cycles > 0;
        let counter_cycles = if running { (now_ns - self.enabled_at_ns) / cycle_ns() % period_cycles } else { 0 };
        let active = running && counter_cycles < file.get(registers.duty);
        let level = active != (file.get_field(registers.control.polarity) != 0);
        file.set(registers.counter, counter_cycles);
        file.set_field(registers.control.level, level);
    }

    /// Reacts to a write to the control register.
    pub(crate) fn controlled(&mut self, registers: &Pwm, change: &Change, now_ns: u64) {
        if change.new & !change.old & registers.control.enable.mask() != 0 {
            self.enabled_at_ns = now_ns;
        }
    }
}
