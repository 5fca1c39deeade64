//! The audio transmitter: a FIFO of stereo frames that is emptied at the frame rate.

use std::collections::VecDeque;

use device::{Effects, Output, StreamFormat};

use registers::{Change, RegisterFile, RegisterHandle};

use crate::map::{REGISTERS, rates_hz};

/// Depth of the FIFO.
const FIFO_FRAMES: usize = 1_024;
/// Three quarters empty.
const FIFO_LOW_FRAMES: usize = 256;
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
    /// The format register as it takes effect.
    format: u64,
    rate_hz: u32,
    fifo: VecDeque<[i32; 2]>,
    left_sample: i32,
    underrun: bool,
    overflow: bool,
    underrun_count: u32,
    frames_played: u32,
    /// Interrupt status bits that events have set since [`Self::take_interrupts`].
    interrupts: u64,
}

impl Default for Transmitter {
    fn default() -> Self {
        let audio = &REGISTERS.audio;
        Self {
            phase: Phase::Stopped,
            drain: false,
            format: REGISTERS.map[audio.format.register].reset_value,
            rate_hz: REGISTERS.map[audio.rate].reset_value as u32,
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
    /// Brings the registers that the transmitter changes by itself up to date.
    pub(crate) fn refresh(&self, file: &mut RegisterFile) {
        let audio = &REGISTERS.audio;
        for (field, value) in [
            (audio.control.enable, self.enabled()),
            (audio.control.drain, self.drain),
            (audio.status.full, self.fifo.len() == FIFO_FRAMES),
            (audio.status.empty, self.fifo.is_empty()),
            (audio.status.low, self.low()),
            (audio.status.running, matches!(self.phase, Phase::Running { .. })),
            (audio.status.underrun, self.underrun),
            (audio.status.overflow, self.overflow),
        ] {
            file.set_field(field, value);
        }
        file.set_field(audio.status.fill, self.fifo.len() as u64);
        file.set(audio.underrun_count, self.underrun_count.into());
        file.set(audio.frames_played, self.frames_played.into());
    }

    /// Reacts to a write to one of the transmitter's registers.
    pub(crate) fn react(&mut self, change: &Change, file: &mut RegisterFile, now_ns: u64, effects: &mut Effects) {
        let audio = &REGISTERS.audio;
        let register = change.register;
        if register == audio.control.register {
            file.set_field(audio.control.flush, false);
            self.control(change, now_ns, effects);
        } else if register == audio.format.register || register == audio.rate {
            self.set_up_stream(register, change, file, effects);
        } else if register == audio.tx_left || register == audio.tx_right {
            if change.bytes_written < 4 {
                let name = &REGISTERS.map[register].name;
                effects.fault(format!("{name} takes a sample whole, with 4 or 8 bytes, not {}", change.bytes_written));
                return;
            }
            let sample = self.sample(change.written as u32);
            if register == audio.tx_right {
                self.push([self.left_sample, sample], now_ns, effects);
            } else {
                self.left_sample = sample;
                if self.stream_format().channels == 1 {
                    self.push([sample, 0], now_ns, effects);
                }
            }
        }
    }

    fn control(&mut self, change: &Change, now_ns: u64, effects: &mut Effects) {
        let audio = &REGISTERS.audio;
        if change.written_to(audio.control.flush) == Some(1) {
            self.fifo.clear();
            self.overflow = false;
            if self.enabled() {
                self.phase = Phase::Waiting;
            }
        }
        if let Some(drain) = change.written_to(audio.control.drain) {
            self.drain = drain != 0;
        }
        if let Some(enable) = change.written_to(audio.control.enable) {
            match (self.enabled(), enable != 0) {
                (false, true) => self.start(now_ns, effects),
                (true, false) => self.stop(effects),
                _ => {}
            }
        }
        if self.drain && self.phase == Phase::Waiting {
            self.drained(effects);
        }
    }

    /// Takes a new format or rate, or puts the old one back: as a whole, also where the register file took a field.
    fn set_up_stream(
        &mut self,
        register: RegisterHandle,
        change: &Change,
        file: &mut RegisterFile,
        effects: &mut Effects,
    ) {
        let is_rate = register == REGISTERS.audio.rate;
        let entry = &REGISTERS.map[register];
        let wanted = change.old & !change.lanes() | change.written;
        let takes = if change.refused == 0 && change.new == wanted && !self.enabled() {
            if is_rate {
                self.rate_hz = wanted as u32;
            } else {
                self.format = wanted;
            }
            return;
        } else if self.enabled() {
            format!("cannot change to {wanted:#x} while AUDIO.CONTROL.enable is set")
        } else if is_rate {
            format!("takes {} to {} Hz, not {wanted}", rates_hz().start(), rates_hz().end())
        } else {
            format!("takes 8, 16 or 24 bits and 1 or 2 channels, not {wanted:#x}")
        };
        file.set(register, change.old);
        effects.fault(format!("{} {takes}", entry.name));
    }

    fn stream_format(&self) -> StreamFormat {
        StreamFormat {
            sample_bits: REGISTERS.audio.format.sample_bits.of(self.format) as u16,
            channels: REGISTERS.audio.format.channels.of(self.format) as u16,
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
        self.interrupts |= REGISTERS.system.interrupt_status.tx_drained.mask();
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
                self.interrupts |= REGISTERS.system.interrupt_status.tx_underrun.mask();
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
    pub(crate) fn take_interrupts(&mut self) -> u64 {
        let low = if self.enabled() && self.low() { REGISTERS.system.interrupt_status.tx_low.mask() } else { 0 };
        std::mem::take(&mut self.interrupts) | low
    }

    /// Ends a stream that is being played, before the block is reset.
    pub(crate) fn reset(&mut self, effects: &mut Effects) {
        if self.enabled() {
            self.stop(effects);
        }
        *self = Self::default();
    }
}
