// SPDX-License-Identifier: GPL-2.0

//! The state of the transmitter, and every access to its registers after probe.
//!
//! All of it runs under the spin lock of [`Audio`](crate::audio::Audio), in process context or in
//! the interrupt handler, and so never sleeps. A register access can be slow (a virtual machine
//! traps each), so none is made to learn what the driver knows already.

use crate::{
    format::Format,
    registers::*,
    ring::{
        Ring,
        CAPACITY_FRAMES, //
    },
    NO_DEVICE,
    REGISTERS_BYTES, //
};
use core::mem;
use kernel::{
    io::{
        register::Register,
        Io, //
    },
    pci,
    prelude::*, //
};

/// BAR 0.
pub(crate) type Registers<'a> = pci::Bar<'a, REGISTERS_BYTES>;

/// Frames that the transmit FIFO of the device holds.
const FIFO_FRAMES: usize = TX_STATUS::FILL_FULL as usize;

/// TX_LOW is raised while the FIFO holds this many frames or fewer.
const FIFO_LOW_FRAMES: usize = TX_LOW_MARK::RESET.into_raw() as usize;

/// What the transmitter is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The transmitter is off, its FIFO empty and its interrupts disabled.
    Stopped,
    /// The transmitter is on. While the ring holds frames, TX_LOW is enabled.
    Playing,
    /// All frames are in the FIFO, and the device stops by itself after the last one.
    Finishing,
    /// The driver is unbound, or the device does not answer. No register is accessed any more.
    Gone,
}

/// The transmitter and the frames on their way to it.
pub(crate) struct Playback {
    phase: Phase,
    ring: Ring,
    format: Format,
    rate_hz: u32,
    /// Stop when the ring has run empty.
    drain: bool,
    /// The device ran out of frames in the stream that plays or played last.
    underrun: bool,
    /// Streams that were started: tells a waiter that its stream is over although the next plays.
    streams: u32,
    /// What was last written to the register of that name.
    interrupt_enable: SYSTEM_INTERRUPT_ENABLE,
}

impl Playback {
    const DEFAULT_RATE_HZ: u32 = TX_RATE::RESET.into_raw();
    const RATES_HZ: core::ops::RangeInclusive<u32> = TX_RATE::MINIMUM..=TX_RATE::MAXIMUM;

    /// The state that goes with a device after reset.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            phase: Phase::Stopped,
            ring: Ring::new()?,
            format: Format::DEFAULT,
            rate_hz: Self::DEFAULT_RATE_HZ,
            drain: false,
            underrun: false,
            streams: 0,
            interrupt_enable: SYSTEM_INTERRUPT_ENABLE::zeroed(),
        })
    }

    /// What the transmitter is doing.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The format of the frames to come.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The number of the stream that plays or played last.
    pub(crate) fn stream(&self) -> u32 {
        self.streams
    }

    /// Whether `stream` is still to end.
    pub(crate) fn is_active(&self, stream: u32) -> bool {
        matches!(self.phase, Phase::Playing | Phase::Finishing) && self.streams == stream
    }

    /// Reports an underrun once.
    pub(crate) fn take_underrun(&mut self) -> bool {
        mem::take(&mut self.underrun)
    }

    /// Frames that can be written now. None while a drain is under way: they would belong to the
    /// next stream.
    pub(crate) fn room(&self) -> usize {
        if self.drain && !self.is_looping() {
            0
        } else {
            self.ring.room()
        }
    }

    /// Whether to let a writer go on that found no room: while playing seldom enough to be worth
    /// the wake-up.
    pub(crate) fn has_room_for_waiter(&self) -> bool {
        let enough = if self.phase == Phase::Playing && !self.is_looping() {
            CAPACITY_FRAMES / 2
        } else {
            1
        };
        self.room() >= enough
    }

    /// Whether the ring is played again and again.
    pub(crate) fn is_looping(&self) -> bool {
        self.ring.is_looping()
    }

    /// Sets the format of the frames to come; [`EBUSY`] while there are frames of the old one.
    pub(crate) fn set_format(&mut self, format: Format) -> Result {
        if self.phase != Phase::Stopped || !self.ring.is_empty() {
            return Err(EBUSY);
        }
        self.format = format;
        Ok(())
    }

    /// Sets the frames played a second; [`EBUSY`] while playing, [`EINVAL`] for a rate that the
    /// device does not have.
    pub(crate) fn set_rate_hz(&mut self, rate_hz: u32) -> Result {
        if !Self::RATES_HZ.contains(&rate_hz) {
            return Err(EINVAL);
        }
        if self.phase != Phase::Stopped {
            return Err(EBUSY);
        }
        self.rate_hz = rate_hz;
        Ok(())
    }

    /// Appends the whole frames of `bytes`, as far as there is room. Starts the transmitter when
    /// the ring is full, and wakes it when it had starved. Returns the bytes left over.
    pub(crate) fn push<'a>(
        &mut self,
        registers: &Registers<'_>,
        mut bytes: &'a [u8],
    ) -> Result<&'a [u8]> {
        let frame_bytes = self.format.frame_bytes();
        while let Some((frame, rest)) = bytes.split_at_checked(frame_bytes) {
            if !self.ring.push(self.format.frame(frame)) {
                break;
            }
            bytes = rest;
        }
        match self.phase {
            Phase::Stopped if self.ring.room() == 0 => self.start(registers, false)?,
            Phase::Playing if !self.ring.is_empty() && !self.interrupt_enable.tx_low() => {
                self.enable_interrupts(registers, Self::TX_LOW);
            }
            _ => {}
        }
        Ok(bytes)
    }

    /// Plays what the ring holds, from the start if need be, and stops after it. A loop goes on
    /// until it is turned off.
    pub(crate) fn drain(&mut self, registers: &Registers<'_>) -> Result {
        match self.phase {
            Phase::Stopped if self.ring.is_empty() => Ok(()),
            Phase::Stopped => self.start(registers, true),
            Phase::Playing => {
                self.drain = true;
                self.finish_if_exhausted(registers);
                Ok(())
            }
            Phase::Finishing => Ok(()),
            Phase::Gone => Err(EIO),
        }
    }

    /// Turns the repetition of the ring on, or off at the end of the current pass.
    pub(crate) fn set_looping(&mut self, registers: &Registers<'_>, looping: bool) {
        self.ring.set_looping(looping);
        if self.phase == Phase::Playing {
            self.finish_if_exhausted(registers);
        }
    }

    /// Silences the device at once and forgets all frames and settings.
    pub(crate) fn reset(&mut self, registers: &Registers<'_>) {
        if matches!(self.phase, Phase::Playing | Phase::Finishing) {
            self.enable_interrupts(registers, SYSTEM_INTERRUPT_ENABLE::zeroed());
            registers.write_reg(TX_CONTROL::zeroed().with_flush(true));
            self.phase = Phase::Stopped;
        }
        self.ring.clear();
        self.format = Format::DEFAULT;
        self.rate_hz = Self::DEFAULT_RATE_HZ;
        self.drain = false;
        self.underrun = false;
    }

    /// Gives the device up: registers are not accessed any more.
    pub(crate) fn set_gone(&mut self) {
        self.phase = Phase::Gone;
    }

    /// Handles what the device asks for. Returns whether it asked for anything.
    pub(crate) fn handle_interrupt(&mut self, registers: &Registers<'_>) -> Result<bool> {
        // When the device plays faster than the bus lets frames through, there is always something
        // pending: let the processor do other work now and then.
        const ROUNDS: usize = 4;

        if self.phase == Phase::Gone {
            return Ok(false);
        }
        for round in 0..ROUNDS {
            let status = registers.read(SYSTEM_INTERRUPT_STATUS);
            if status.into_raw() == NO_DEVICE {
                return Err(ENODEV);
            }
            let pending = SYSTEM_INTERRUPT_STATUS::from_raw(
                status.into_raw() & self.interrupt_enable.into_raw(),
            );
            if pending.into_raw() == 0 {
                return Ok(round > 0);
            }
            if pending.tx_low() {
                self.refill(registers)?;
            }
            if pending.tx_drained() {
                self.finished(registers)?;
            }
            // Last, since TX_LOW cannot be cleared before the FIFO has been filled.
            registers.write_reg(pending);
        }
        // The device sends an MSI when STATUS & ENABLE becomes other than zero: have it become so.
        let enable = self.interrupt_enable;
        self.enable_interrupts(registers, SYSTEM_INTERRUPT_ENABLE::zeroed());
        self.enable_interrupts(registers, enable);
        Ok(true)
    }

    const TX_LOW: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(1 << SYSTEM_INTERRUPT_ENABLE::TX_LOW_SHIFT);
    const TX_DRAINED: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(1 << SYSTEM_INTERRUPT_ENABLE::TX_DRAINED_SHIFT);

    fn enable_interrupts(&mut self, registers: &Registers<'_>, enable: SYSTEM_INTERRUPT_ENABLE) {
        registers.write_reg(enable);
        self.interrupt_enable = enable;
    }

    /// Turns the stopped transmitter on, with a FIFO as full as can be. With `drain`, it is to stop
    /// when the ring has run empty.
    fn start(&mut self, registers: &Registers<'_>, drain: bool) -> Result {
        read_audio_status(registers)?;
        self.streams = self.streams.wrapping_add(1);
        self.underrun = false;
        self.drain = drain;
        registers.write_reg(self.format.register());
        registers.write_reg(TX_RATE::from_raw(self.rate_hz));
        self.fill(registers, FIFO_FRAMES)?;
        // What the last stream left behind is no news of this one.
        registers.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(u32::MAX));

        let control = TX_CONTROL::zeroed().with_enable(true);
        if self.drain && self.ring.is_empty() {
            self.phase = Phase::Finishing;
            self.enable_interrupts(registers, Self::TX_DRAINED);
            registers.write_reg(control.with_drain(true));
        } else {
            self.phase = Phase::Playing;
            self.enable_interrupts(registers, Self::TX_LOW);
            registers.write_reg(control);
        }
        Ok(())
    }

    /// Tops up the FIFO, and disables TX_LOW when that leaves the FIFO low.
    fn refill(&mut self, registers: &Registers<'_>) -> Result {
        let filled = read_audio_status(registers)?.fill().get() as usize;
        let written = self.fill(registers, FIFO_FRAMES.saturating_sub(filled))?;

        self.finish_if_exhausted(registers);
        if self.phase == Phase::Playing
            && self.ring.is_empty()
            && filled + written <= FIFO_LOW_FRAMES
        {
            self.enable_interrupts(registers, SYSTEM_INTERRUPT_ENABLE::zeroed());
        }
        Ok(())
    }

    /// Moves up to `frames` from the ring to the FIFO, one access each. Returns how many.
    fn fill(&mut self, registers: &Registers<'_>, frames: usize) -> Result<usize> {
        for written in 0..frames {
            let Some(frame) = self.ring.pop() else {
                return Ok(written);
            };
            if self.format.is_stereo() {
                registers.try_write64(frame, TX_SAMPLE::OFFSET)?;
            } else {
                registers.write32(frame as u32, TX_SAMPLE::OFFSET);
            }
        }
        Ok(frames)
    }

    /// Has the device stop after the frames of its FIFO if a drain waits for nothing else.
    fn finish_if_exhausted(&mut self, registers: &Registers<'_>) {
        if self.drain && self.ring.is_empty() {
            self.phase = Phase::Finishing;
            self.enable_interrupts(registers, Self::TX_DRAINED);
            registers.write_reg(TX_CONTROL::zeroed().with_enable(true).with_drain(true));
        }
    }

    /// The device has played the last frame and stopped.
    fn finished(&mut self, registers: &Registers<'_>) -> Result {
        self.underrun = read_audio_status(registers)?.underrun();
        self.enable_interrupts(registers, SYSTEM_INTERRUPT_ENABLE::zeroed());
        self.drain = false;
        self.phase = Phase::Stopped;
        Ok(())
    }
}

/// Reads the status of the transmitter; [`ENODEV`] if no device answers.
fn read_audio_status(registers: &Registers<'_>) -> Result<TX_STATUS> {
    let status = registers.read(TX_STATUS);
    if status.into_raw() == NO_DEVICE {
        return Err(ENODEV);
    }
    Ok(status)
}
