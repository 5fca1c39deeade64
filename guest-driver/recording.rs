// SPDX-License-Identifier: GPL-2.0

//! Recording through the FIFO: its state, and every access to the receiver's registers.
//!
//! All of it runs under the lock of [`Recorder`](crate::recorder::Recorder). A register access can
//! be slow (a virtual machine traps each), so none is made to learn what the driver knows already.

use crate::{
    format::Format,
    hardware::Access,
    registers::*,
    ring::Ring,
    shared_unit::Stream,
    NO_DEVICE, //
};
use core::mem;
use kernel::{
    io::Io,
    prelude::*, //
};

/// RX_HIGH is raised while the FIFO holds this many frames or more, if nobody waits for fewer.
const FIFO_HIGH_FRAMES: u32 = RX_HIGH_MARK::RESET.into_raw();

/// What the receiver is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The receiver is off, its FIFO empty and its interrupts disabled.
    Stopped,
    /// The receiver is on. While the ring has room, RX_HIGH is enabled.
    Recording,
    /// The receiver writes to memory, and stops by itself.
    Finishing,
}

/// The receiver and the frames on their way from it.
pub(crate) struct Recording {
    phase: Phase,
    ring: Ring,
    format: Format,
    rate_hz: u32,
    /// What the device has in its register.
    high_mark_frames: u32,
    /// Frames were lost after those in the ring.
    overrun: bool,
    /// The device gave up what it recorded last.
    failed: bool,
    /// Recordings that were started: tells a waiter that his is over.
    recordings: u32,
    /// What the device had counted when the latest one was started.
    lost_frames_before: u32,
}

/// What is to be said of a recording.
pub(crate) struct RecordingStatus {
    phase: Phase,
    received_frames: u32,
    held_frames: u32,
    lost_frames: u32,
}

impl RecordingStatus {
    /// The last four words of [`Status`](crate::requests::Status).
    pub(crate) fn words(&self) -> [u32; 4] {
        let state = match self.phase {
            Phase::Stopped => 0,
            Phase::Recording => 1,
            Phase::Finishing => 2,
        };
        [
            state,
            self.received_frames,
            self.held_frames,
            self.lost_frames,
        ]
    }
}

impl Recording {
    const DEFAULT_RATE_HZ: u32 = RX_RATE::RESET.into_raw();
    const RATES_HZ: core::ops::RangeInclusive<u32> = RX_RATE::MINIMUM..=RX_RATE::MAXIMUM;

    /// The state that goes with a stopped receiver.
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Stopped,
            ring: Ring::new(),
            format: Format::DEFAULT,
            rate_hz: Self::DEFAULT_RATE_HZ,
            high_mark_frames: FIFO_HIGH_FRAMES,
            overrun: false,
            failed: false,
            recordings: 0,
            lost_frames_before: 0,
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

    /// The number of the recording that is under way, or was last.
    pub(crate) fn recording(&self) -> u32 {
        self.recordings
    }

    /// Whether `recording` is still to end.
    pub(crate) fn is_active(&self, recording: u32) -> bool {
        self.phase != Phase::Stopped && self.recordings == recording
    }

    /// Whether there are frames to be read.
    pub(crate) fn has_frames(&self) -> bool {
        !self.ring.is_empty()
    }

    /// Whether a reader need not wait: there are frames, or there is something to report.
    pub(crate) fn is_ready(&self) -> bool {
        self.has_frames() || self.overrun || self.failed
    }

    /// Reports once that frames were lost.
    pub(crate) fn take_overrun(&mut self) -> bool {
        mem::take(&mut self.overrun)
    }

    /// Reports once that the device could not write its memory, or was reset.
    pub(crate) fn take_failure(&mut self) -> bool {
        mem::take(&mut self.failed)
    }

    /// [`EBUSY`] while there is a recording, or something left of one.
    pub(crate) fn check_idle(&self) -> Result {
        if self.phase != Phase::Stopped || self.is_ready() {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Sets the format of the frames to come; [`EBUSY`] while there are frames of the old one.
    pub(crate) fn set_format(&mut self, format: Format) -> Result {
        self.check_idle()?;
        self.format = format;
        Ok(())
    }

    /// Sets the frames recorded a second; [`EBUSY`] while recording, [`EINVAL`] for a rate that the
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

    /// Gives whole frames, as many as there are and `bytes` has room for. Starts the receiver if it
    /// does not record. Returns the bytes given: 0 if there is no frame, and then one interrupt
    /// comes with as many as were wanted.
    pub(crate) fn pull(&mut self, access: &Access<'_>, bytes: &mut [u8]) -> Result<usize> {
        let frame_bytes = self.format.frame_bytes();
        let wanted_frames = bytes.len().checked_div(frame_bytes).unwrap_or_default();
        self.look(access, wanted_frames)?;
        let mut given = 0;
        while let Some(slot) = bytes.get_mut(given..given + frame_bytes) {
            let Some(frame) = self.ring.pop() else {
                break;
            };
            slot.copy_from_slice(frame);
            given += frame_bytes;
        }
        if given > 0 && self.phase == Phase::Recording {
            access.enable_interrupts(Self::RX_HIGH);
        }
        Ok(given)
    }

    /// Starts the receiver if it does not record, and takes what it has unless there are
    /// `wanted_frames` already. If there are none then, an interrupt comes with as many.
    pub(crate) fn look(&mut self, access: &Access<'_>, wanted_frames: usize) -> Result {
        if self.phase == Phase::Stopped && !self.is_ready() {
            self.start(access)?;
        }
        if self.phase == Phase::Recording && self.ring.length() < wanted_frames {
            self.empty(access)?;
        }
        if self.phase == Phase::Recording && !self.is_ready() {
            let mark = (wanted_frames as u32).clamp(1, FIFO_HIGH_FRAMES);
            self.set_high_mark(access, mark);
        }
        Ok(())
    }

    /// Has the device record to the memory that its list has, and stop at its end. [`EBUSY`] if
    /// there is another recording.
    pub(crate) fn record_memory(&mut self, access: &Access<'_>, frames: u32) -> Result {
        self.check_idle()?;
        self.prepare_start(access)?;
        access.write_reg(RX_END_FRAMES::from_raw(frames));
        self.phase = Phase::Finishing;
        access.enable_interrupts(Self::ENDS);
        let control = RX_CONTROL::zeroed()
            .with_enable(true)
            .with_const_way::<{ RX_CONTROL::WAY_DMA }>();
        access.hardware().receiver_control.write(access, control);
        Ok(())
    }

    /// Stops the device at once: it does not write memory any more.
    pub(crate) fn stop(&mut self, access: &Access<'_>) {
        if self.phase != Phase::Stopped {
            access.disable_interrupts(Self::INTERRUPTS);
            let control = RX_CONTROL::zeroed().with_flush(true);
            access.hardware().receiver_control.write(access, control);
            // Writes are posted: now the device has seen this one.
            let _ = access.read(RX_STATUS);
            self.phase = Phase::Stopped;
        }
    }

    /// What is to be said now.
    pub(crate) fn status(&self, access: &Access<'_>) -> Result<RecordingStatus> {
        let in_fifo = read_status(access)?.fill().get();
        let lost_frames = access.read(RX_OVERRUN_COUNT).into_raw();
        Ok(RecordingStatus {
            phase: self.phase,
            received_frames: access.read(RX_FRAMES_RECEIVED).into_raw(),
            held_frames: self.ring.length() as u32 + in_fifo,
            lost_frames: lost_frames.saturating_sub(self.lost_frames_before),
        })
    }

    const RX_HIGH: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(1 << SYSTEM_INTERRUPT_ENABLE::RX_HIGH_SHIFT);
    const RX_OVERRUN: SYSTEM_INTERRUPT_ENABLE =
        SYSTEM_INTERRUPT_ENABLE::from_raw(1 << SYSTEM_INTERRUPT_ENABLE::RX_OVERRUN_SHIFT);
    /// The device has stopped by itself.
    const ENDS: SYSTEM_INTERRUPT_ENABLE = SYSTEM_INTERRUPT_ENABLE::from_raw(
        1 << SYSTEM_INTERRUPT_ENABLE::RX_DONE_SHIFT | 1 << SYSTEM_INTERRUPT_ENABLE::RX_ERROR_SHIFT,
    );
    const INTERRUPTS: SYSTEM_INTERRUPT_ENABLE = SYSTEM_INTERRUPT_ENABLE::from_raw(
        Self::RX_HIGH.into_raw() | Self::RX_OVERRUN.into_raw() | Self::ENDS.into_raw(),
    );

    /// Sets the stopped receiver up for a new recording.
    fn prepare_start(&mut self, access: &Access<'_>) -> Result {
        read_status(access)?;
        self.recordings = self.recordings.wrapping_add(1);
        self.failed = false;
        self.lost_frames_before = access.read(RX_OVERRUN_COUNT).into_raw();
        access.write_reg(self.format.rx_register()?);
        access.write_reg(RX_RATE::from_raw(self.rate_hz));
        // What the last recording left behind is no news of this one.
        access.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(
            Self::INTERRUPTS.into_raw(),
        ));
        Ok(())
    }

    fn start(&mut self, access: &Access<'_>) -> Result {
        self.prepare_start(access)?;
        access.write_reg(RX_END_FRAMES::zeroed());
        self.high_mark_frames = FIFO_HIGH_FRAMES;
        access.write_reg(RX_HIGH_MARK::from_raw(FIFO_HIGH_FRAMES));
        self.phase = Phase::Recording;
        access.enable_interrupts(Self::RX_HIGH);
        access.enable_interrupts(Self::RX_OVERRUN);
        let control = RX_CONTROL::zeroed().with_enable(true);
        access.hardware().receiver_control.write(access, control);
        Ok(())
    }

    /// Moves what is in the FIFO to the ring, as far as there is room: without it, RX_HIGH is
    /// disabled until somebody reads. Stops if frames were lost.
    fn empty(&mut self, access: &Access<'_>) -> Result {
        let status = read_status(access)?;
        if status.overrun() {
            // In the FIFO may be frames from before the gap and from after it. What is in the ring
            // is from before: it was in the FIFO when there was no gap yet.
            self.stop(access);
            self.overrun = true;
            return Ok(());
        }
        for _ in 0..status.fill().get() {
            if self.ring.room() == 0 {
                access.disable_interrupts(Self::RX_HIGH);
                break;
            }
            let format = self.format;
            self.ring.push_with(|frame| format.receive(access, frame))?;
        }
        Ok(())
    }

    fn set_high_mark(&mut self, access: &Access<'_>, frames: u32) {
        if self.phase == Phase::Recording && self.high_mark_frames != frames {
            self.high_mark_frames = frames;
            access.write_reg(RX_HIGH_MARK::from_raw(frames));
        }
    }

    /// The device has stopped: all frames are there, or it cannot write its memory.
    fn finished(&mut self, access: &Access<'_>) -> Result {
        let status = read_status(access)?;
        if access.read(RX_CONTROL).enable() {
            // That was the end of an earlier recording, which has been stopped meanwhile.
            return Ok(());
        }
        self.overrun = status.overrun();
        self.failed = status.error().get() != RX_STATUS::ERROR_NONE;
        self.stop(access);
        Ok(())
    }
}

impl Stream for Recording {
    fn handle_interrupt(
        &mut self,
        access: &Access<'_>,
        pending: SYSTEM_INTERRUPT_STATUS,
    ) -> Result {
        match self.phase {
            Phase::Recording if pending.rx_high() || pending.rx_overrun() => {
                self.empty(access)?;
                // Whoever waited has frames now.
                self.set_high_mark(access, FIFO_HIGH_FRAMES);
                Ok(())
            }
            Phase::Finishing if pending.rx_done() || pending.rx_error() => self.finished(access),
            _ => Ok(()),
        }
    }

    fn has_news(&self) -> bool {
        self.is_ready() || self.phase == Phase::Stopped
    }

    fn interrupt(&mut self) {
        self.failed |= self.phase != Phase::Stopped || self.has_frames();
        self.phase = Phase::Stopped;
        self.ring.clear();
        self.overrun = false;
    }
}

/// Reads the status of the receiver; [`ENODEV`] if no device answers.
fn read_status(access: &Access<'_>) -> Result<RX_STATUS> {
    let status = access.read(RX_STATUS);
    if status.into_raw() == NO_DEVICE {
        return Err(ENODEV);
    }
    Ok(status)
}
