// SPDX-License-Identifier: GPL-2.0

//! The audio transmitter as a file sees it: calls that wait, and interrupts that end the waiting.

use crate::{
    dma_buffer::DmaBuffer,
    format::Format,
    hardware::{
        Access,
        Unit, //
    },
    playback::{
        Playback,
        PlaybackStatus, //
    },
    shared_unit::{
        SharedUnit,
        User, //
    }, //
};
use kernel::{
    fs::File,
    iov::IovIterSource,
    new_mutex,
    prelude::*,
    sync::{
        poll::PollTable,
        Arc,
        Mutex, //
    }, //
};

/// Bytes on their way from user space to the ring.
struct Bounce {
    bytes: KBox<[u8; Self::LENGTH]>,
    /// Length of the partial frame at the start of `bytes`, of which the rest is still to come.
    partial: usize,
}

impl Bounce {
    const LENGTH: usize = 4_096;
}

/// The audio transmitter, as one file sees it: its own settings and samples, and the transmitter
/// itself from the first write on.
///
/// Outlives the binding of the driver while the file is open: calls fail then.
#[pin_data]
pub(crate) struct Player {
    transmitter: Arc<SharedUnit<Self>>,
    /// Serialises writers. Taken before `playback`.
    #[pin]
    bounce: Mutex<Bounce>,
    #[pin]
    playback: Mutex<Playback>,
}

impl Player {
    /// For a file that was just opened.
    pub(crate) fn new(transmitter: Arc<SharedUnit<Self>>) -> Result<Arc<Self>> {
        let playback = Playback::new();
        let bounce = Bounce {
            bytes: KBox::new([0; Bounce::LENGTH], GFP_KERNEL)?,
            partial: 0,
        };
        Arc::pin_init(
            pin_init!(Self {
                transmitter,
                bounce <- new_mutex!(bounce),
                playback <- new_mutex!(playback),
            }),
            GFP_KERNEL,
        )
    }

    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Playback, &Access<'_>) -> Result<T>,
    ) -> Result<T> {
        self.transmitter.with(self, operation)
    }

    /// Sets the format of what will be written; [`EBUSY`] while there is anything to play.
    pub(crate) fn set_format(&self, format: Format) -> Result {
        let mut bounce = self.bounce.lock();
        self.with(|playback, _| playback.set_format(format))?;
        bounce.partial = 0;
        Ok(())
    }

    /// Sets the frames played a second: [`EBUSY`] while playing, [`EINVAL`] when out of range.
    pub(crate) fn set_rate_hz(&self, rate_hz: u32) -> Result {
        self.with(|playback, _| playback.set_rate_hz(rate_hz))
    }

    /// Turns the repetition of what was written on or off.
    pub(crate) fn set_looping(&self, looping: bool) -> Result {
        self.with(|playback, access| {
            playback.set_looping(access, looping);
            Ok(())
        })?;
        self.transmitter.changed().notify_all();
        Ok(())
    }

    /// Takes all of `source`, waiting for room. Returns the bytes taken; an error, or
    /// `nonblocking` and no room, ends it early and is reported if nothing was taken. [`EBUSY`] if
    /// somebody else uses the transmitter.
    pub(crate) fn write(
        self: &Arc<Self>,
        source: &mut IovIterSource<'_>,
        nonblocking: bool,
    ) -> Result<usize> {
        self.transmitter.take(self)?;
        let mut written = 0;
        while !source.is_empty() {
            let outcome = match self.write_chunk(source) {
                Ok(0) => self.wait_for_room(nonblocking).map(|()| 0),
                outcome => outcome,
            };
            match outcome {
                Ok(taken) => written += taken,
                Err(_) if written > 0 => break,
                Err(error) => {
                    if error == EIO {
                        self.playback.lock().take_interruption();
                    }
                    return Err(error);
                }
            }
        }
        Ok(written)
    }

    /// Takes what fits the ring and the bounce buffer, and keeps a partial frame at its end for the
    /// next call. Returns the bytes taken, 0 if there is no room.
    fn write_chunk(&self, source: &mut IovIterSource<'_>) -> Result<usize> {
        // Only writers take room, and only one holds this, so the room found does not shrink. A
        // page fault may take long: the other lock is not held meanwhile, nor room waited for here.
        let mut bounce = self.bounce.lock();
        let Bounce { bytes, partial } = &mut *bounce;

        // The format changes only under the lock of `bounce`.
        self.playback.lock().prepare()?;
        let (room, frame_bytes) = self.with(|playback, _| {
            if playback.is_interrupted() {
                *partial = 0;
                return Err(EIO);
            }
            Ok((playback.room(), playback.format().frame_bytes()))
        })?;
        if room == 0 {
            return Ok(0);
        }
        let end = bytes.len().min(room * frame_bytes);
        let taken = source.copy_from_iter(bytes.get_mut(*partial..end).ok_or(EINVAL)?);
        if taken == 0 {
            return Err(EFAULT);
        }
        let filled = bytes.get(..*partial + taken).ok_or(EINVAL)?;
        let rest = self.with(|playback, access| playback.push(access, filled))?;

        *partial = rest.len();
        let rest_start = filled.len() - rest.len();
        bytes.copy_within(rest_start..rest_start + *partial, 0);
        Ok(taken)
    }

    /// Whether a write would take something now, or fail because somebody else has the transmitter.
    /// What changes that wakes `table`.
    pub(crate) fn poll(self: &Arc<Self>, file: &File, table: &PollTable<'_>) -> bool {
        table.register_wait(file, self.transmitter.changed());
        !self.transmitter.is_for(self) || self.playback.lock().has_room_for_waiter()
    }

    fn wait_for_room(&self, nonblocking: bool) -> Result {
        let mut playback = self.playback.lock();
        loop {
            if self.transmitter.hardware().is_gone() {
                return Err(ENODEV);
            }
            if playback.is_interrupted() {
                return Err(EIO);
            }
            if playback.has_room_for_waiter() {
                return Ok(());
            }
            if playback.is_looping() {
                return Err(ENOSPC);
            }
            if nonblocking {
                return Err(EAGAIN);
            }
            if self.transmitter.changed().wait_interruptible(&mut playback) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// Plays everything written and waits for its end. A partial frame is dropped: nothing can
    /// complete it any more. Fails with [`EPIPE`] if the device ran out of frames on the way,
    /// [`EIO`] if it is gone or was reset, [`EAGAIN`] if `nonblocking` and the end is to come.
    pub(crate) fn drain(&self, nonblocking: bool) -> Result {
        let stream = {
            let mut bounce = self.bounce.lock();
            bounce.partial = 0;
            self.with(|playback, access| {
                playback.drain(access)?;
                Ok(playback.stream())
            })
            .map_err(|_| EIO)?
        };

        self.wait_for_end(stream, nonblocking)
    }

    /// Plays `frames` from `offset` on of the buffer, which the device reads itself, and waits for
    /// the end. Fails with [`EINVAL`] if the buffer has not as many, with [`EBUSY`] if there is
    /// anything else to play or somebody else uses the transmitter, and as [`Self::drain`] does,
    /// also with [`EIO`] if the device cannot read the memory.
    pub(crate) fn play_buffer(
        self: &Arc<Self>,
        buffer: &DmaBuffer,
        offset: u32,
        frames: u32,
    ) -> Result {
        self.transmitter.take(self)?;
        let stream = self.with(|playback, access| {
            let range = playback.format().range(offset, frames)?;
            playback.check_idle()?;
            let lists = &self.transmitter.hardware().dma_lists;
            lists.set_pieces(access, Unit::Transmitter, buffer.pieces(range))?;
            buffer.give_to_device();
            playback.play_memory(access)?;
            Ok(playback.stream())
        })?;
        let played = self.wait_for_end(stream, false);
        if played.is_err() {
            // Nobody waits any more, and so nobody may go on with the memory.
            let _ = self.with(|playback, access| {
                playback.stop(access);
                Ok(())
            });
        }
        played.map_err(|error| if error == ERESTARTSYS { EINTR } else { error })
    }

    fn wait_for_end(&self, stream: u32, nonblocking: bool) -> Result {
        let mut playback = self.playback.lock();
        loop {
            if self.transmitter.hardware().is_gone() {
                return Err(EIO);
            }
            if playback.take_interruption() {
                return Err(EIO);
            }
            if !playback.is_active(stream) {
                return if playback.take_failure() {
                    Err(EIO)
                } else if playback.take_underrun() {
                    Err(EPIPE)
                } else {
                    Ok(())
                };
            }
            if nonblocking {
                return Err(EAGAIN);
            }
            if self.transmitter.changed().wait_interruptible(&mut playback) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// What is to be said of the file's playback: none if it does not use the transmitter.
    pub(crate) fn status(self: &Arc<Self>) -> Result<Option<PlaybackStatus>> {
        if !self.transmitter.is_used_by(self) {
            return Ok(None);
        }
        self.with(|playback, access| playback.status(access).map(Some))
    }

    /// Silences what the file plays at once, and gives the transmitter up.
    pub(crate) fn close(self: &Arc<Self>) {
        // When the device is gone there is nothing to silence.
        let _ = self.with(|playback, access| {
            playback.stop(access);
            Ok(())
        });
        self.transmitter.leave(self);
    }
}

impl User for Player {
    type Stream = Playback;

    fn stream(&self) -> &Mutex<Playback> {
        &self.playback
    }
}
