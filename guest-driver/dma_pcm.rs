// SPDX-License-Identifier: GPL-2.0

//! PCM device 0: playback and capture by DMA.
//!
//! A stream's ring is the one entry of the unit's list, over which DMA goes again and again.
//!
//! The transmitter fetches frames up to [`FIFO_FRAMES`] before it plays them. By itself it would
//! fetch what the application has not written yet, and play it although it comes in time. So it
//! always drains, to an end that is where the application is and moves with it ([`acknowledge`]):
//! no frame is fetched before it is written, whatever the sizes of ring and period, and the
//! position can be what it should be, that of the frame that is heard. An application that is late
//! finds the transmitter stopped behind its last frame; one that drains wants just that. Only one
//! that has told ALSA to let the stream run on in any case gets a transmitter without an end, which
//! fetches [`FIFO_FRAMES`] in advance.
//!
//! [`acknowledge`]: PcmDriver::acknowledge

use crate::{
    hardware::{
        Claim,
        Hardware,
        Unit, //
    },
    registers::{
        TX_END_FRAMES,
        TX_STATUS, //
    },
    sound::{
        pcm::PcmDriver,
        stream::{
            Capabilities,
            Direction,
            Format,
            Trigger, //
        },
        substream::Substream, //
    },
    stream_registers::{
        Control,
        StreamRegisters, //
    }, //
};
use kernel::{
    io::Io,
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};

/// Frames that a unit's FIFO holds.
const FIFO_FRAMES: usize = TX_STATUS::FILL_FULL as usize;

/// An open stream.
struct Stream {
    /// As long as it is open, nobody else can use the unit.
    _claim: Claim,
    /// It was started, and not stopped since, though it may stand still.
    is_started: bool,
    /// What the unit does while it is started.
    control: Control,
    /// Where the application was when it was last asked, by ALSA's count.
    application_frames: u64,
    /// Frames that it has written since the stream was prepared, modulo 2^32.
    written_frames: u32,
}

/// The driver of the PCM device.
#[pin_data]
pub(crate) struct DmaPcm {
    hardware: Arc<Hardware>,
    #[pin]
    playback: SpinLockIrq<Option<Stream>>,
    #[pin]
    capture: SpinLockIrq<Option<Stream>>,
}

impl DmaPcm {
    /// Streams of `hardware`.
    pub(crate) fn new(hardware: Arc<Hardware>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            hardware,
            playback <- new_spinlock_irq!(None),
            capture <- new_spinlock_irq!(None),
        })
    }

    fn stream(&self, direction: Direction) -> &SpinLockIrq<Option<Stream>> {
        match direction {
            Direction::Playback => &self.playback,
            Direction::Capture => &self.capture,
        }
    }

    fn registers(&self, direction: Direction) -> Result<StreamRegisters<'_>> {
        StreamRegisters::new(&self.hardware, unit(direction))
    }

    /// Whether the unit has stopped by itself although it is to be at work.
    pub(crate) fn has_ended(&self, direction: Direction) -> Result<bool> {
        let stream = self.stream(direction).lock();
        let is_started = stream.as_ref().is_some_and(|stream| stream.is_started);
        Ok(is_started && !self.registers(direction)?.is_enabled())
    }

    /// Whether frames were missing, or lost, since the stream was started.
    pub(crate) fn has_failed(&self, direction: Direction) -> Result<bool> {
        let stream = self.stream(direction).lock();
        let is_started = stream.as_ref().is_some_and(|stream| stream.is_started);
        Ok(is_started && self.registers(direction)?.has_failed())
    }
}

impl Stream {
    fn start(&mut self, registers: &StreamRegisters<'_>, substream: Substream<'_>) {
        let has_end = substream.direction() == Direction::Playback && !substream.is_free_running();
        if has_end {
            self.set_end(registers);
        }
        self.control = Control {
            pause: false,
            drain: has_end,
        };
        registers.start(self.control);
        self.is_started = true;
    }

    /// Moves the transmitter's end to where the application is.
    fn set_end(&self, registers: &StreamRegisters<'_>) {
        // 0 would be no end. One frame early is corrected with the next one written.
        let end_frames = match self.written_frames {
            0 => u32::MAX,
            end_frames => end_frames,
        };
        registers.write_reg(TX_END_FRAMES::from_raw(end_frames));
    }

    fn change(&mut self, registers: &StreamRegisters<'_>, control: Control) -> Result {
        registers.change(control)?;
        self.control = control;
        Ok(())
    }

    /// Takes what the application has written since it was last asked.
    fn follow(&mut self, substream: Substream<'_>) -> Result {
        let frames = substream.application_frames();
        let boundary_frames = substream.boundary_frames();
        let written_frames = frames
            .checked_sub(self.application_frames)
            .unwrap_or(frames + (boundary_frames - self.application_frames));
        // More than the ring has room for: the application has had ALSA forget what is in it.
        if written_frames > u64::from(substream.parameters()?.buffer_frames) {
            return Err(EPIPE);
        }
        self.application_frames = frames;
        self.written_frames = self.written_frames.wrapping_add(written_frames as u32);
        Ok(())
    }
}

#[vtable]
impl PcmDriver for DmaPcm {
    const NAME: &'static CStr = c"DMA";

    fn capabilities(&self, direction: Direction) -> Capabilities {
        let is_playback = direction == Direction::Playback;
        Capabilities {
            formats: &[
                Format::S8,
                Format::S16,
                Format::S24,
                Format::S24Packed,
                Format::S32,
            ],
            rates_hz: 8_000..=192_000,
            channels: 1..=8,
            buffer_bytes_maximum: 512 << 10,
            // Fewer would be an interrupt every 300 us and less.
            period_frames: 64..=u32::MAX,
            period_bytes_maximum: 256 << 10,
            fifo_frames: FIFO_FRAMES,
            // What is received comes to memory in bursts.
            position_is_exact: is_playback,
            follows_application: is_playback,
            can_pause: true,
            can_resume: true,
            drains_exactly: is_playback,
        }
    }

    fn open(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let claim = Claim::new(&self.hardware, unit(direction))?;
        *self.stream(direction).lock() = Some(Stream {
            _claim: claim,
            is_started: false,
            control: Control::default(),
            application_frames: 0,
            written_frames: 0,
        });
        Ok(())
    }

    fn close(&self, substream: Substream<'_>) {
        let stream = self.stream(substream.direction()).lock().take();
        drop(stream);
    }

    fn prepare(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let parameters = substream.parameters()?;
        let mut stream = self.stream(direction).lock();
        let stream = (*stream).as_mut().ok_or(ENXIO)?;
        stream.is_started = false;
        stream.application_frames = 0;
        stream.written_frames = 0;

        let registers = self.registers(direction)?;
        registers.set_up(&parameters)?;
        self.hardware.dma_lists.set(
            &registers,
            unit(direction),
            substream.buffer_address(),
            parameters.buffer_frames * parameters.frame_bytes,
        )
    }

    fn trigger(&self, substream: Substream<'_>, trigger: Trigger) -> Result {
        let direction = substream.direction();
        let mut stream = self.stream(direction).lock();
        let stream = (*stream).as_mut().ok_or(ENXIO)?;
        if trigger == Trigger::Stop {
            stream.is_started = false;
        }
        let registers = self.registers(direction)?;
        let control = stream.control;
        match trigger {
            Trigger::Start => stream.start(&registers, substream),
            Trigger::Stop => registers.stop(),
            Trigger::PausePush | Trigger::Suspend => {
                let pause = true;
                stream.change(&registers, Control { pause, ..control })?;
            }
            // The unit is not enabled any more if the system's sleep has cost it its state.
            Trigger::PauseRelease | Trigger::Resume => {
                let pause = false;
                stream.change(&registers, Control { pause, ..control })?;
            }
            Trigger::Drain if control.drain => {}
            Trigger::Drain => {
                stream.set_end(&registers);
                let drain = true;
                stream.change(&registers, Control { drain, ..control })?;
            }
        }
        Ok(())
    }

    fn position_frames(&self, substream: Substream<'_>) -> Result<u32> {
        let direction = substream.direction();
        let position_frames = self.registers(direction)?.position_frames();
        // All ones if the device does not answer.
        if position_frames >= substream.parameters()?.buffer_frames {
            return Err(ENODEV);
        }
        Ok(position_frames)
    }

    fn sync_stop(&self, substream: Substream<'_>) -> Result {
        // The answer to a read comes after what the unit has still written to memory, and shows
        // that it has seen that it is to stop.
        self.registers(substream.direction())?.is_enabled();
        Ok(())
    }

    fn acknowledge(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let mut stream = self.stream(direction).lock();
        let stream = (*stream).as_mut().ok_or(ENXIO)?;
        stream.follow(substream)?;
        if stream.is_started && stream.control.drain {
            stream.set_end(&self.registers(direction)?);
        }
        Ok(())
    }
}

fn unit(direction: Direction) -> Unit {
    match direction {
        Direction::Playback => Unit::Transmitter,
        Direction::Capture => Unit::Receiver,
    }
}
