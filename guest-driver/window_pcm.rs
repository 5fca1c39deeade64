// SPDX-License-Identifier: GPL-2.0

//! PCM device 1: playback and capture over rings in the sample window.
//!
//! The window has 64 KiB, of which each unit has half. What an application maps, writes and reads
//! is memory of the system, as large as it pleases; frames are moved between it and the window when
//! the application moves, and when a period is over. So nothing maps the window, which may go at
//! any time: [`ENODEV`] then.
//!
//! A ring whose indices are the same is empty: one frame less than it has room for is handed over.
//!
//! Limits:
//! - Who maps the window's node sees, and can overwrite, what is played and recorded.
//! - Frames are moved under the stream's lock, with interrupts disabled: half of the window at
//!   most.

use crate::{
    hardware::Hardware,
    sound::{
        pcm::{
            Memory,
            PcmDriver, //
        },
        stream::{
            Capabilities,
            Direction,
            Parameters,
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
        UnitStream,
        UnitStreams, //
    },
    windows::{
        Slot,
        WindowMemory, //
    }, //
};
use kernel::{
    io::{
        io_project,
        Io,
        Mmio, //
    },
    prelude::*,
    sync::Arc, //
};

/// Bytes of the window that the device knows of.
const WINDOW_BYTES: usize = 64 << 10;
/// Bytes of a unit's part.
const RING_BYTES: u32 = WINDOW_BYTES as u32 / 2;
/// A ring holds several periods, so that it is neither full nor empty when one is over.
const PERIOD_BYTES_MAXIMUM: usize = RING_BYTES as usize / 4;

/// The ring of a stream, and how far it is.
pub(crate) struct Ring {
    window: Arc<WindowMemory>,
    offset_bytes: u32,
    frames: u32,
    frame_bytes: u32,
    /// The frame of the ring that we write, or read, next.
    index: u32,
    /// Frames of the memory that the application sees.
    buffer_frames: u32,
    /// The frame of that memory that we read, or write, next.
    buffer_index: u32,
    /// Frames moved since the stream was prepared.
    moved_frames: u64,
    /// Frames that the transmitter had played when it was last asked.
    played_frames: u64,
}

impl Ring {
    fn new(window: Arc<WindowMemory>, direction: Direction) -> Self {
        Self {
            window,
            offset_bytes: match direction {
                Direction::Playback => 0,
                Direction::Capture => RING_BYTES,
            },
            frames: 0,
            frame_bytes: 0,
            index: 0,
            buffer_frames: 0,
            buffer_index: 0,
            moved_frames: 0,
            played_frames: 0,
        }
    }

    /// Empties the ring, of frames as `parameters` has them.
    fn set_up(&mut self, parameters: &Parameters) -> Result {
        self.frame_bytes = parameters.frame_bytes;
        self.frames = RING_BYTES.checked_div(self.frame_bytes).ok_or(EINVAL)?;
        self.index = 0;
        self.buffer_frames = parameters.buffer_frames;
        self.buffer_index = 0;
        self.moved_frames = 0;
        self.played_frames = 0;
        Ok(())
    }

    /// Frames of the ring from index `from` up to the one before index `to`.
    fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from {
            to - from
        } else {
            to + (self.frames - from)
        }
    }

    /// Takes what the transmitter has played, and gives where in the application's memory it is.
    fn position_frames(&mut self, registers: &StreamRegisters<'_>) -> u32 {
        let more_frames = registers.frames().wrapping_sub(self.played_frames as u32);
        self.played_frames += u64::from(more_frames);
        (self.played_frames % u64::from(self.buffer_frames.max(1))) as u32
    }

    /// Where in the ring the unit is; [`ENODEV`] if it does not answer.
    fn hardware_index(&self, registers: &StreamRegisters<'_>) -> Result<u32> {
        let index = registers.hardware_index();
        if index >= self.frames {
            return Err(ENODEV);
        }
        Ok(index)
    }

    /// Moves `frames` between application and ring, and tells the unit.
    fn move_frames(
        &mut self,
        registers: &StreamRegisters<'_>,
        substream: Substream<'_>,
        frames: u32,
    ) -> Result {
        let window = self.window.clone();
        let window = window.try_access().ok_or(ENODEV)?;
        let memory = window.try_cast::<[u8; WINDOW_BYTES]>()?;
        let mut left = frames;
        while left > 0 {
            // As many as lie in one piece here and there.
            let count = left
                .min(self.frames - self.index)
                .min(self.buffer_frames - self.buffer_index);
            self.copy(memory, substream, count)?;
            self.index = (self.index + count) % self.frames.max(1);
            self.buffer_index = (self.buffer_index + count) % self.buffer_frames.max(1);
            left -= count;
        }
        self.moved_frames += u64::from(frames);
        if frames > 0 {
            registers.set_software_index(self.index);
        }
        Ok(())
    }

    fn copy(
        &self,
        memory: Mmio<'_, [u8; WINDOW_BYTES]>,
        substream: Substream<'_>,
        frames: u32,
    ) -> Result {
        let mut bounce = [0; 512];
        let mut from = (self.buffer_index * self.frame_bytes) as usize;
        let mut to = (self.offset_bytes + self.index * self.frame_bytes) as usize;
        let mut left = (frames * self.frame_bytes) as usize;
        while left > 0 {
            let length = left.min(bounce.len());
            let bounce = bounce.get_mut(..length).ok_or(EINVAL)?;
            let memory = io_project!(memory, [try: to..to + length]);
            match substream.direction() {
                Direction::Playback => {
                    substream.read_buffer(from, bounce)?;
                    memory.copy_from_slice(bounce);
                }
                Direction::Capture => {
                    memory.copy_to_slice(bounce);
                    substream.write_buffer(from, bounce)?;
                }
            }
            from += length;
            to += length;
            left -= length;
        }
        Ok(())
    }
}

type Stream = UnitStream<Ring>;

/// Moves what the application has written, and the ring has room for. A stream without an end takes
/// what is in the application's memory, written or not.
fn fill(
    stream: &mut Stream,
    registers: &StreamRegisters<'_>,
    substream: Substream<'_>,
    has_end: bool,
) -> Result {
    let ring = &mut stream.memory;
    // Before the start, the unit's index is of the stream before it.
    let consumer = if stream.is_started {
        ring.hardware_index(registers)?
    } else {
        0
    };
    let room = (ring.frames - 1) - ring.distance(consumer, ring.index);
    let end_frames = if has_end {
        stream.application_total_frames
    } else {
        ring.played_frames + u64::from(ring.buffer_frames)
    };
    let waiting = end_frames.saturating_sub(ring.moved_frames);
    let frames = room.min(waiting.try_into().unwrap_or(u32::MAX));
    ring.move_frames(registers, substream, frames)
}

/// Moves what there is in the ring.
fn empty(stream: &mut Stream, registers: &StreamRegisters<'_>, substream: Substream<'_>) -> Result {
    let ring = &mut stream.memory;
    let producer = ring.hardware_index(registers)?;
    let frames = ring.distance(ring.index, producer);
    ring.move_frames(registers, substream, frames)
}

/// The driver of the PCM device.
#[pin_data]
pub(crate) struct WindowPcm {
    slot: Slot,
    #[pin]
    pub(crate) streams: UnitStreams<Ring>,
}

impl WindowPcm {
    /// Streams of `hardware` over the window in its `slot`.
    pub(crate) fn new(hardware: Arc<Hardware>, slot: Slot) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            slot,
            streams <- UnitStreams::new(hardware, Way::Window),
        })
    }
}

#[vtable]
impl PcmDriver for WindowPcm {
    const NAME: &'static CStr = c"Sample window";
    const MEMORY: Memory = Memory::Virtual;

    fn capabilities(&self, direction: Direction) -> Capabilities {
        unit_stream::capabilities(direction, PERIOD_BYTES_MAXIMUM)
    }

    fn open(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let window = self.slot.window().ok_or(ENODEV)?;
        self.streams.open(direction, Ring::new(window, direction))
    }

    fn close(&self, substream: Substream<'_>) {
        self.streams.close(substream.direction());
    }

    fn prepare(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        let parameters = substream.parameters()?;
        self.streams.with(direction, |stream| {
            stream.begin();
            stream.memory.window.try_access().ok_or(ENODEV)?;
            stream.memory.set_up(&parameters)?;
            let registers = self.streams.registers(direction)?;
            registers.set_up(&parameters)?;
            registers.set_ring(stream.memory.offset_bytes, stream.memory.frames);
            Ok(())
        })
    }

    fn trigger(&self, substream: Substream<'_>, trigger: Trigger) -> Result {
        let direction = substream.direction();
        self.streams.with(direction, |stream| {
            let registers = self.streams.registers(direction);
            match trigger {
                Trigger::Start if direction == Direction::Playback => {
                    let registers = registers?;
                    let has_end = !substream.is_free_running();
                    fill(stream, &registers, substream, has_end)?;
                    stream.start(&registers, has_end);
                }
                Trigger::Start => stream.start(&registers?, false),
                Trigger::Drain if stream.control.drain => {}
                Trigger::Drain => stream.drain(&registers?)?,
                _ => stream.trigger(registers, trigger)?,
            }
            Ok(())
        })
    }

    fn position_frames(&self, substream: Substream<'_>) -> Result<u32> {
        let direction = substream.direction();
        self.streams.with(direction, |stream| {
            let registers = self.streams.registers(direction)?;
            match direction {
                Direction::Playback => {
                    let position_frames = stream.memory.position_frames(&registers);
                    let has_end = stream.control.drain;
                    fill(stream, &registers, substream, has_end)?;
                    Ok(position_frames)
                }
                Direction::Capture => {
                    empty(stream, &registers, substream)?;
                    Ok(stream.memory.buffer_index)
                }
            }
        })
    }

    fn sync_stop(&self, _substream: Substream<'_>) -> Result {
        // The unit does not access memory of the system.
        Ok(())
    }

    fn acknowledge(&self, substream: Substream<'_>) -> Result {
        let direction = substream.direction();
        self.streams.with(direction, |stream| {
            stream.follow(substream)?;
            if stream.is_started && direction == Direction::Playback {
                let has_end = stream.control.drain;
                let registers = self.streams.registers(direction)?;
                fill(stream, &registers, substream, has_end)?;
            }
            Ok(())
        })
    }
}
