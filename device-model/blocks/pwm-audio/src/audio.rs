//! The audio transmitter: a FIFO of stereo frames that is emptied at the frame rate.

use std::collections::VecDeque;

use device::{Effects, Output, StreamFormat};

use crate::spec::audio::{
    CONTROL, CONTROL_DRAIN, CONTROL_ENABLE, CONTROL_FLUSH, FIFO_FRAMES, FIFO_LOW_FRAMES, FORMAT, FORMAT_RESET,
    FRAMES_PLAYED, RATE, RATE_RESET_HZ, RATES_HZ, STATUS, STATUS_EMPTY, STATUS_FULL, STATUS_LOW, STATUS_OVERFLOW,
    STATUS_RUNNING, STATUS_UNDERRUN, TX_LEFT, TX_RIGHT, UNDERRUN_COUNT,
};
use crate::spec::system::{INTERRUPT_TX_DRAINED, INTERRUPT_TX_LOW, INTERRUPT_TX_UNDERRUN};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// What the transmitter is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Stopped,
    /// Enabled, with nothing to play yet or any more: the next frame starts it.
    Waiting,
    /// Frame `frames` since `since_ns` is the next one due, at `since_ns + frames / rate`.
    Running { since_ns: u64, frames: u64 },
}

#[derive(Debug)]
pub(crate) struct Transmitter {
    phase: Phase,
    drain: bool,
    format: u32,
    rate_hz: u32,
    fifo: VecDeque<[i32; 2]>,
    left_sample: i32,
    underrun: bool,
    overflow: bool,
    underrun_count: u32,
    frames_played: u32,
    /// Interrupt status bits that events have set since [`Self::take_interrupts`].
    interrupts: u32,
}

impl Default for Transmitter {
    fn default() -> Self {
        Self {
            phase: Phase::Stopped,
            drain: false,
            format: FORMAT_RESET,
            rate_hz: RATE_RESET_HZ,
            fifo: VecDeque::with_capacity(FIFO_FRAMES),
            left_sample: 0,
            underrun: false,
            overflow: false,
            underrun_count: 0,
            frames_played: 0,
            interrupts: 0,
        }
    }
}

impl Transmitter {
    pub(crate) fn read(&self, offset: u64) -> Option<u32> {
        Some(match offset {
            CONTROL => flag(CONTROL_ENABLE, self.enabled()) | flag(CONTROL_DRAIN, self.drain),
            FORMAT => self.format,
            RATE => self.rate_hz,
            STATUS => self.status(),
            UNDERRUN_COUNT => self.underrun_count,
            FRAMES_PLAYED => self.frames_played,
            TX_LEFT | TX_RIGHT => 0,
            _ => return None,
        })
    }

    fn status(&self) -> u32 {
        self.fifo.len() as u32
            | flag(STATUS_FULL, self.fifo.len() == FIFO_FRAMES)
            | flag(STATUS_EMPTY, self.fifo.is_empty())
            | flag(STATUS_LOW, self.low())
            | flag(STATUS_RUNNING, matches!(self.phase, Phase::Running { .. }))
            | flag(STATUS_UNDERRUN, self.underrun)
            | flag(STATUS_OVERFLOW, self.overflow)
    }

    /// Takes the bits of `value` that `lanes` covers; `false` where no register takes a write.
    pub(crate) fn write(&mut self, offset: u64, value: u32, lanes: u32, now_ns: u64, effects: &mut Effects) -> bool {
        match offset {
            CONTROL => self.write_control(value, lanes, now_ns, effects),
            FORMAT | RATE => self.write_stream_setting(offset, value, lanes, effects),
            TX_LEFT | TX_RIGHT if lanes != u32::MAX => effects.fault("a sample is written whole, with 4 or 8 bytes"),
            TX_LEFT => {
                self.left_sample = self.sample(value);
                if self.stream_format().channels == 1 {
                    self.push([self.left_sample, 0], now_ns, effects);
                }
            }
            TX_RIGHT => self.push([self.left_sample, self.sample(value)], now_ns, effects),
            _ => return false,
        }
        true
    }

    fn write_control(&mut self, value: u32, lanes: u32, now_ns: u64, effects: &mut Effects) {
        let value = value & lanes;
        if value & CONTROL_FLUSH != 0 {
            self.fifo.clear();
            self.overflow = false;
            if self.enabled() {
                self.phase = Phase::Waiting;
            }
        }
        if lanes & CONTROL_DRAIN != 0 {
            self.drain = value & CONTROL_DRAIN != 0;
        }
        if lanes & CONTROL_ENABLE != 0 {
            match (self.enabled(), value & CONTROL_ENABLE != 0) {
                (false, true) => self.start(now_ns, effects),
                (true, false) => self.stop(effects),
                _ => {}
            }
        }
        if self.drain && self.phase == Phase::Waiting {
            self.drained(effects);
        }
    }

    fn write_stream_setting(&mut self, offset: u64, value: u32, lanes: u32, effects: &mut Effects) {
        let (register, current) =
            if offset == RATE { ("AUDIO.RATE", self.rate_hz) } else { ("AUDIO.FORMAT", self.format) };
        let wanted = current & !lanes | value & lanes;
        if self.enabled() {
            effects.fault(format!("{register} cannot change to {wanted:#x} while AUDIO.CONTROL.ENABLE is set"));
        } else if offset == RATE && RATES_HZ.contains(&wanted) {
            self.rate_hz = wanted;
        } else if offset == RATE {
            effects.fault(format!("AUDIO.RATE takes {} to {} Hz, not {wanted}", RATES_HZ.start(), RATES_HZ.end()));
        } else if matches!(wanted & 0xff, 8 | 16 | 24) && matches!(wanted >> 8, 1 | 2) {
            self.format = wanted;
        } else {
            effects.fault(format!("AUDIO.FORMAT takes 8, 16 or 24 bits and 1 or 2 channels, not {wanted:#x}"));
        }
    }

    fn stream_format(&self) -> StreamFormat {
        StreamFormat {
            sample_bits: (self.format & 0x3f) as u16,
            channels: (self.format >> 8 & 3) as u16,
            rate_hz: self.rate_hz,
        }
    }

    /// The sample in the low bits of `value`, sign extended.
    fn sample(&self, value: u32) -> i32 {
        let unused = 32 - u32::from(self.stream_format().sample_bits);
        (value << unused).cast_signed() >> unused
    }

    fn push(&mut self, frame: [i32; 2], now_ns: u64, effects: &mut Effects) {
        if self.fifo.len() == FIFO_FRAMES {
            self.overflow = true;
            effects.fault(format!("frame dropped: the FIFO already has {FIFO_FRAMES} frames"));
            return;
        }
        self.fifo.push_back(frame);
        if self.phase == Phase::Waiting {
            self.phase = Phase::Running { since_ns: now_ns, frames: 0 };
        }
    }

    fn start(&mut self, now_ns: u64, effects: &mut Effects) {
        self.underrun = false;
        self.frames_played = 0;
        self.phase = if self.fifo.is_empty() { Phase::Waiting } else { Phase::Running { since_ns: now_ns, frames: 0 } };
        effects.output(Output::StreamStarted(self.stream_format()));
    }

    fn stop(&mut self, effects: &mut Effects) {
        self.phase = Phase::Stopped;
        effects.output(Output::StreamStopped);
    }

    fn drained(&mut self, effects: &mut Effects) {
        self.drain = false;
        self.interrupts |= INTERRUPT_TX_DRAINED;
        self.stop(effects);
    }

    /// Plays every frame that is due.
    pub(crate) fn advance(&mut self, now_ns: u64, effects: &mut Effects) {
        while let Phase::Running { since_ns, frames } = self.phase {
            if self.due_ns(since_ns, frames) > now_ns {
                return;
            }
            if let Some(frame) = self.fifo.pop_front() {
                effects.output(Output::Frame(frame));
                self.frames_played = self.frames_played.wrapping_add(1);
                self.phase = Phase::Running { since_ns, frames: frames + 1 };
            } else if self.drain {
                self.drained(effects);
            } else {
                self.phase = Phase::Waiting;
                self.underrun = true;
                self.underrun_count = self.underrun_count.saturating_add(1);
                self.interrupts |= INTERRUPT_TX_UNDERRUN;
                effects.output(Output::StreamUnderrun);
            }
        }
    }

    /// When the FIFO next reaches a level that matters: [`FIFO_LOW_FRAMES`], or one frame less than none.
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        let Phase::Running { since_ns, frames } = self.phase else { return None };
        let fill = self.fifo.len() as u64;
        let frames_until = match fill.checked_sub(FIFO_LOW_FRAMES as u64) {
            Some(above_low) if above_low > 0 => above_low - 1,
            _ => fill,
        };
        Some(self.due_ns(since_ns, frames + frames_until))
    }

    /// When frame `frames` since `since_ns` is due: the first instant at which its period has fully begun.
    fn due_ns(&self, since_ns: u64, frames: u64) -> u64 {
        let elapsed_ns = (u128::from(frames) * u128::from(NS_PER_SECOND)).div_ceil(u128::from(self.rate_hz));
        since_ns.saturating_add(u64::try_from(elapsed_ns).unwrap_or(u64::MAX))
    }

    fn enabled(&self) -> bool {
        self.phase != Phase::Stopped
    }

    fn low(&self) -> bool {
        self.fifo.len() <= FIFO_LOW_FRAMES
    }

    /// The interrupt status bits of what has happened since the last call, and of the level that holds now.
    pub(crate) fn take_interrupts(&mut self) -> u32 {
        std::mem::take(&mut self.interrupts) | flag(INTERRUPT_TX_LOW, self.enabled() && self.low())
    }

    /// Ends a stream that is being played, before the block is reset.
    pub(crate) fn reset(&mut self, effects: &mut Effects) {
        if self.enabled() {
            self.stop(effects);
        }
        *self = Self::default();
    }
}

fn flag(bits: u32, set: bool) -> u32 {
    if set { bits } else { 0 }
}
