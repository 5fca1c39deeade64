//! One PWM channel.

use crate::spec::pwm::{
    CONTROL, CONTROL_ENABLE, CONTROL_LEVEL, CONTROL_POLARITY, CONTROL_WRITABLE, COUNTER, DUTY, PERIOD,
};
use crate::spec::system::CLOCK_HZ_VALUE;

const CYCLE_NS: u64 = 1_000_000_000 / CLOCK_HZ_VALUE as u64;

/// Period, duty and polarity take effect at once; the first period begins when the channel is enabled.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    control: u32,
    period_cycles: u32,
    duty_cycles: u32,
    enabled_at_ns: u64,
}

impl Channel {
    pub(crate) fn read(&self, offset: u64, now_ns: u64) -> Option<u32> {
        match offset {
            CONTROL => Some(self.control | if self.level(now_ns) { CONTROL_LEVEL } else { 0 }),
            PERIOD => Some(self.period_cycles),
            DUTY => Some(self.duty_cycles),
            COUNTER => Some(self.counter_cycles(now_ns)),
            _ => None,
        }
    }

    /// Takes the bits of `value` that `lanes` covers; `false` where no register takes a write.
    pub(crate) fn write(&mut self, offset: u64, value: u32, lanes: u32, now_ns: u64) -> bool {
        let register = match offset {
            CONTROL => {
                let before = self.control;
                let taken = lanes & CONTROL_WRITABLE;
                self.control = before & !taken | value & taken;
                if self.control & !before & CONTROL_ENABLE != 0 {
                    self.enabled_at_ns = now_ns;
                }
                return true;
            }
            PERIOD => &mut self.period_cycles,
            DUTY => &mut self.duty_cycles,
            _ => return false,
        };
        *register = *register & !lanes | value & lanes;
        true
    }

    fn running(&self) -> bool {
        self.control & CONTROL_ENABLE != 0 && self.period_cycles > 0
    }

    fn counter_cycles(&self, now_ns: u64) -> u32 {
        if !self.running() {
            return 0;
        }
        let cycles = (now_ns - self.enabled_at_ns) / CYCLE_NS;
        (cycles % u64::from(self.period_cycles)) as u32
    }

    fn level(&self, now_ns: u64) -> bool {
        let active = self.running() && self.counter_cycles(now_ns) < self.duty_cycles;
        active != (self.control & CONTROL_POLARITY != 0)
    }
}
