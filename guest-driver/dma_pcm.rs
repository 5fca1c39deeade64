// SPDX-License-Identifier: GPL-2.0

//! PCM device 0: playback and capture by DMA.
//!
//! A stream's ring is the one entry of the unit's list, over which DMA goes again and again.
//!
//! The transmitter fetches the frames of its FIFO before it plays them. By itself it would
//! fetch what the application has not written yet, and play it although it comes in time. So it
//! always drains, to an end that is where the application is and moves with it ([`acknowledge`]):
//! no frame is fetched before it is written, whatever the sizes of ring and period, and the
//! position can be what it should be, that of the frame that is heard. An application that is late
//! finds the transmitter stopped behind its last frame; one that drains wants just that. Only one
//! that has told ALSA to let the stream run on in any case gets a transmitter without an end, which
//! fetches those of the FIFO in advance.
//!
//! [`acknowledge`]: PcmDriver::acknowledge

use crate::{
    hardware::Hardware,
    registers::TX_END_FRAMES,
    sound::{
        pcm::{
            Memory,
            PcmDriver, //
        },
        stream::{
            Capabilities,
            Direction,
            Trigger, //
        },
        substream::Substream, //
    },
    stream_registers::{
        StreamRegisters,
        Way, //
    },
    unit_stream::{
        self,
        unit,
        UnitStream,
        UnitStreams, //
    }, //
};
use kernel::{
    io::Io,
    prelude::*,
    sync::Arc, //
};

const PERIOD_BYTES_MAXIMUM: usize = 256 << 10;

type Stream = UnitStream<()>;

/// The driver of the PCM device.
#[pin_data]
pub(crate) struct DmaPcm {
    #[pin]
    pub(crate) streams: UnitStreams<()>,
}

impl DmaPcm {
    /// Streams of `hardware`.
    pub(crate) fn new(hardware: Arc<Hardware>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            streams <- UnitStreams::new(hardware, Way::Dma),
        })
    }
}

/// Moves the transmitter's end to where the application is.
fn set_end(stream: &Stream, registers: &StreamRegisters<'_>) {
    // 0 would be no end. One frame early is corrected with the next one written.
    let end_frames = match stream.application_total_frames as u32 {
        0 => u32::MAX,
        end_frames => end_frames,
    };
    registers.write_reg(TX_END_FRAMES::from_raw(end_frames));
}

fn start(stream: &mut Stream, registers: &StreamRegisters<'_>, substream: Substream<'_>) {
    let has_end = substream.direction() == Direction::Playback && !substream.is_free_running();
    if has_end {
        set_end(stream, registers);
    }
    stream.start(registers, has_end);
}

fn drain(stream: &mut Stream, registers: &StreamRegisters<'_>) -> Result {
    set_end(stream, registers);
    if stream.control.drain {
        return Ok(());
    }
    stream.drain(registers)
}

#[vtable]
impl PcmDriver for DmaPcm {
    const NAME: &'static CStr = c"DMA";
    const MEMORY: Memory = Memory::Dma;

    fn capabilities(&self, direction: Direction) -> Capabilities {
        Capabilities {
            // What is received comes to memory in bursts.
            position_is_exact: direction == Direction::Playback,
            ..unit_stream::capabilities(direction, PERIOD_BYTES_MAXIMUM)
        }
    }

    fn open(&self, substream: Substream<'_>) -> Result {
        self.streams.open(substream.direction(), ())
    }

    fn close(&self, substream: Substream<'_>) {
        self.streams.close(substream.direction());
    }

    fn prepare(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let parameters = substream.parameters()?;
        self.streams.with(direction, |stream| {
            stream.begin();
            let registers = self.streams.registers(direction)?;
            registers.set_up(&parameters)?;
            self.streams.hardware.dma_lists.set(
                &registers,
                unit(direction),
                substream.buffer_address(),
                parameters.buffer_frames * parameters.frame_bytes,
            )
        })
    }

    fn trigger(&self, substream: Substream<'_>, trigger: Trigger) -> Result {
        let direction = substream.direction();
        self.streams.with(direction, |stream| {
            let registers = self.streams.registers(direction);
            match trigger {
                Trigger::Start => start(stream, &registers?, substream),
                Trigger::Drain => drain(stream, &registers?)?,
                _ => stream.trigger(registers, trigger)?,
            }
            Ok(())
        })
    }

    fn position_frames(&self, substream: Substream<'_>) -> Result<u32> {
        let registers = self.streams.registers(substream.direction())?;
        let position_frames = registers.position_frames();
        // All ones if the device does not answer.
        if position_frames >= substream.parameters()?.buffer_frames {
            return Err(ENODEV);
        }
        Ok(position_frames)
    }

    fn sync_stop(&self, substream: Substream<'_>) -> Result {
        // The answer to a read comes after what the unit has still written to memory, and shows
        // that it has seen that it is to stop.
        let registers = self.streams.registers(substream.direction())?;
        registers.is_enabled();
        Ok(())
    }

    fn acknowledge(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        self.streams.with(direction, |stream| {
            stream.follow(substream)?;
            if stream.is_started && stream.control.drain {
                set_end(stream, &self.streams.registers(direction)?);
            }
            Ok(())
        })
    }
}
