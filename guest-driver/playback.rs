// SPDX-License-Identifier: GPL-2.0

//! Playback through the FIFO: its state, and every access to the transmitter's registers.
//!
//! All of it runs under the lock of [`Player`](crate::player::Player). A register access can be
//! slow (a virtual machine traps each), so none is made to learn what the driver knows already.

use crate::{
    format::Format,
    hardware::{
        Access,
        Registers, //
    },
    registers::*,
    ring::{
        Ring,
        CAPACITY_FRAMES, //
    },
    shared_unit::Stream,
    NO_DEVICE, //
};
use core::mem;
use kernel::{
    io::Io,
    prelude::*, //
};

/// Frames that the transmit FIFO of the device holds.
const FIFO_FRAMES: usize = TX_STATUS::FILL_FULL as usize;

/// TX_LOW is raised while the FIFO holds this many frames or fewer.
const FIFO_LOW_FRAMES: usize = TX_LOW_MARK::RESET.into_raw() as usize;

/// What the transmitter is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The transmitter is off, its FIFO empty and its interrupts disabled.
    Stopped,
    /// The transmitter is on. While the ring holds frames, TX_LOW is enabled.
    Playing,
    /// All frames are in the FIFO, or in memory that the device reads itself, and it stops by
    /// itself after the last one.
    Finishing,
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
    /// The device gave the stream that played last up.
    failed: bool,
    /// A reset of the device has ended a stream, or thrown frames away that were to be one.
    interrupted: bool,
    /// Streams that were started: tells a waiter that its stream is over although the next plays.
    streams: u32,
    /// What the device had counted when the latest one was started.
    underruns_before: u32,
}

/// What is to be said of a playback.
pub(crate) struct PlaybackStatus {
    phase: Phase,
    played_frames: u32,
    held_frames: u32,
    underruns: u32,
}

impl PlaybackStatus {
    /// The first four words of [`Status`](crate::requests::Status).
    pub(crate) fn words(&self) -> [u32; 4] {
        let state = match self.phase {
            Phase::Stopped => 0,
            Phase::Playing => 1,
            Phase::Finishing => 2,
        };
        [state, self.played_frames, self.held_frames, self.underruns]
    }
}

impl Playback {
    const DEFAULT_RATE_HZ: u32 = TX_RATE::RESET.into_raw();
    const RATES_HZ: core::ops::RangeInclusive<u32> = TX_RATE::MINIMUM..=TX_RATE::MAXIMUM;

    /// The state that goes with a stopped transmitter.
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Stopped,
            ring: Ring::new(),
            format: Format::DEFAULT,
            rate_hz: Self::DEFAULT_RATE_HZ,
            drain: false,
            underrun: false,
            failed: false,
            interrupted: false,
            streams: 0,
            underruns_before: 0,
        }
    }

    /// Gets the memory for frames of the current format.
    pub(crate) fn prepare(&mut self) -> Result {
        self.ring.prepare(self.format.frame_bytes())
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

    /// Reports once that the device could not read its memory.
    pub(crate) fn take_failure(&mut self) -> bool {
        mem::take(&mut self.failed)
    }

    /// Whether the stream's user has still to hear that a reset of the device has ended it.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Reports that once.
    pub(crate) fn take_interruption(&mut self) -> bool {
        mem::take(&mut self.interrupted)
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
        self.check_idle()?;
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
        access: &Access<'_>,
        mut bytes: &'a [u8],
    ) -> Result<&'a [u8]> {
        if self.interrupted {
            return Err(EIO);
        }
        let frame_bytes = self.format.frame_bytes();
        while let Some((frame, rest)) = bytes.split_at_checked(frame_bytes) {
            if !self.ring.push(frame) {
                break;
            }
            bytes = rest;
        }
        match self.phase {
            Phase::Stopped if self.ring.room() == 0 => self.start(access, false)?,
            Phase::Playing if !self.ring.is_empty() => access.enable_interrupts(Self::TX_LOW),
            _ => {}
        }
        Ok(bytes)
    }

    /// Plays what the ring holds, from the start if need be, and stops after it. A loop goes on
    /// until it is turned off.
    pub(crate) fn drain(&mut self, access: &Access<'_>) -> Result {
        match self.phase {
            Phase::Stopped if self.ring.is_empty() => Ok(()),
            Phase::Stopped => self.start(access, true),
            Phase::Playing => {
                self.drain = true;
                self.finish_if_exhausted(access);
                Ok(())
            }
            Phase::Finishing => Ok(()),
        }
    }

    /// Has the device play the memory that its list has, and stop after it. [`EBUSY`] if
    /// there is anything else to play.
    pub(crate) fn play_memory(&mut self, access: &Access<'_>) -> Result {
        self.check_idle()?;
        self.prepare_start(access)?;
        access.write_reg(TX_END_FRAMES::zeroed());
        self.drain = true;
        self.phase = Phase::Finishing;
        access.enable_interrupts(Self::ENDS);
        access.write_reg(
            TX_CONTROL::zeroed()
                .with_enable(true)
                .with_drain(true)
                .with_const_way::<{ TX_CONTROL::WAY_DMA }>(),
        );
        Ok(())
    }

    /// [`EBUSY`] while there are frames to play.
    pub(crate) fn check_idle(&self) -> Result {
        if self.phase != Phase::Stopped || !self.ring.is_empty() {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Turns the repetition of the ring on, or off at the end of the current pass.
    pub(crate) fn set_looping(&mut self, access: &Access<'_>, looping: bool) {
        self.ring.set_looping(looping);
        if self.phase == Phase::Playing {
            self.finish_if_exhausted(access);
        }
    }

    /// Silences the device at once: it does not read memory any more. Frames that it has not taken
    /// stay in the ring.
    pub(crate) fn stop(&mut self, access: &Access<'_>) {
        if matches!(self.phase, Phase::Playing | Phase::Finishing) {
            access.disable_interrupts(Self::INTERRUPTS);
            access.write_reg(TX_CONTROL::zeroed().with_flush(true));
            // Writes are posted: now the device has seen this one.
            let _ = access.read(TX_STATUS);
            self.drain = false;
            self.phase = Phase::Stopped;
        }
    }

    /// What is to be said now.
    pub(crate) fn status(&self, access: &Access<'_>) -> Result<PlaybackStatus> {
        let in_fifo = read_audio_status(access)?.fill().get();
        let underruns = access.read(TX_UNDERRUN_COUNT).into_raw();
        Ok(PlaybackStatus {
            phase: self.phase,
            played_frames: access.read(TX_FRAMES_PLAYED).into_raw(),
            held_frames: self.ring.length() as u32 + in_fifo,
            underruns: underruns.saturating_sub(self.underruns_before),
        })
    }

    const TX_LOW: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(1 << SYSTEM_INTERRUPT_ENABLE::TX_LOW_SHIFT);
    /// A stream has come to its end.
    const ENDS: SYSTEM_INTERRUPT_ENABLE = SYSTEM_INTERRUPT_ENABLE::from_raw(
        1 << SYSTEM_INTERRUPT_ENABLE::TX_DRAINED_SHIFT
            | 1 << SYSTEM_INTERRUPT_ENABLE::TX_ERROR_SHIFT,
    );
    const INTERRUPTS: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(Self::TX_LOW.into_raw() | Self::ENDS.into_raw());

    /// Sets the stopped transmitter up for a new stream.
    fn prepare_start(&mut self, access: &Access<'_>) -> Result {
        read_audio_status(access)?;
        self.streams = self.streams.wrapping_add(1);
        self.underruns_before = access.read(TX_UNDERRUN_COUNT).into_raw();
        self.underrun = false;
        self.failed = false;
        access.write_reg(self.format.tx_register()?);
        access.write_reg(TX_RATE::from_raw(self.rate_hz));
        // What the last stream left behind is no news of this one.
        access.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(
            Self::INTERRUPTS.into_raw(),
        ));
        Ok(())
    }

    /// Turns the stopped transmitter on, with a FIFO as full as can be. With `drain`, it is to stop
    /// when the ring has run empty.
    fn start(&mut self, access: &Access<'_>, drain: bool) -> Result {
        self.prepare_start(access)?;
        self.drain = drain;
        self.fill(access, FIFO_FRAMES)?;

        let control = TX_CONTROL::zeroed().with_enable(true);
        if self.drain && self.ring.is_empty() {
            self.phase = Phase::Finishing;
            access.enable_interrupts(Self::ENDS);
            access.write_reg(control.with_drain(true));
        } else {
            self.phase = Phase::Playing;
            access.enable_interrupts(Self::TX_LOW);
            access.write_reg(control);
        }
        Ok(())
    }

    /// Tops up the FIFO, and disables TX_LOW when that leaves the FIFO low.
    fn refill(&mut self, access: &Access<'_>) -> Result {
        let filled = read_audio_status(access)?.fill().get() as usize;
        let written = self.fill(access, FIFO_FRAMES.saturating_sub(filled))?;

        self.finish_if_exhausted(access);
        if self.phase == Phase::Playing
            && self.ring.is_empty()
            && filled + written <= FIFO_LOW_FRAMES
        {
            access.disable_interrupts(Self::TX_LOW);
        }
        Ok(())
    }

    /// Moves up to `frames` from the ring to the FIFO. Returns how many.
    fn fill(&mut self, access: &Access<'_>, frames: usize) -> Result<usize> {
        for written in 0..frames {
            let Some(frame) = self.ring.pop() else {
                return Ok(written);
            };
            self.format.transmit(access, frame)?;
        }
        Ok(frames)
    }

    /// Has the device stop after the frames of its FIFO if a drain waits for nothing else.
    fn finish_if_exhausted(&mut self, access: &Access<'_>) {
        if self.drain && self.ring.is_empty() {
            self.phase = Phase::Finishing;
            access.disable_interrupts(Self::TX_LOW);
            access.enable_interrupts(Self::ENDS);
            access.write_reg(TX_CONTROL::zeroed().with_enable(true).with_drain(true));
        }
    }

    /// The device has stopped: it has played the last frame, or cannot read its memory.
    fn finished(&mut self, access: &Access<'_>) -> Result {
        let status = read_audio_status(access)?;
        if access.read(TX_CONTROL).enable() {
            // That was the end of an earlier stream, which has been stopped meanwhile.
            return Ok(());
        }
        self.underrun = status.underrun();
        self.failed = status.error().get() != TX_STATUS::ERROR_NONE;
        access.disable_interrupts(Self::INTERRUPTS);
        self.drain = false;
        self.phase = Phase::Stopped;
        Ok(())
    }
}

impl Stream for Playback {
    fn handle_interrupt(
        &mut self,
        access: &Access<'_>,
        pending: SYSTEM_INTERRUPT_STATUS,
    ) -> Result {
        if pending.tx_low() && self.phase == Phase::Playing {
            self.refill(access)?;
        }
        if (pending.tx_drained() || pending.tx_error()) && self.phase == Phase::Finishing {
            self.finished(access)?;
        }
        Ok(())
    }

    fn has_news(&self) -> bool {
        self.phase != Phase::Playing || self.has_room_for_waiter()
    }

    fn interrupt(&mut self) {
        self.interrupted |= self.phase != Phase::Stopped || !self.ring.is_empty();
        self.phase = Phase::Stopped;
        self.ring.clear();
        self.drain = false;
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
