// SPDX-License-Identifier: GPL-2.0

//! The audio transmitter as a file sees it: calls that wait, and interrupts that end the waiting.

use crate::{
    format::Format,
    hardware::{
        Access,
        Hardware, //
    },
    interrupts::Client,
    playback::{
        Phase,
        Playback, //
    },
    registers::SYSTEM_INTERRUPT_STATUS, //
};
use kernel::{
    iov::IovIterSource,
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        CondVar,
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

/// The audio transmitter.
///
/// Outlives the binding of the driver while a file is open: calls fail then.
#[pin_data]
pub(crate) struct Audio {
    hardware: Arc<Hardware>,
    /// Serialises writers. Taken before `playback`.
    #[pin]
    bounce: Mutex<Bounce>,
    /// The interrupt thread takes it, too.
    #[pin]
    playback: Mutex<Playback>,
    /// There is room again, a stream has ended or the device is gone.
    #[pin]
    changed: CondVar,
}

impl Audio {
    /// The transmitter of a device that was just reset.
    pub(crate) fn new(hardware: Arc<Hardware>) -> Result<Arc<Self>> {
        let playback = Playback::new()?;
        let bounce = Bounce {
            bytes: KBox::new([0; Bounce::LENGTH], GFP_KERNEL)?,
            partial: 0,
        };
        Arc::pin_init(
            pin_init!(Self {
                hardware,
                bounce <- new_mutex!(bounce),
                playback <- new_mutex!(playback),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )
    }

    /// Runs `operation` under the lock; [`ENODEV`] once the device is gone.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Playback, &Access<'_>) -> Result<T>,
    ) -> Result<T> {
        // In this order: nobody may sleep while he has access.
        let mut playback = self.playback.lock();
        let access = self.hardware.access()?;
        operation(&mut playback, &access)
    }

    /// Fails with [`ENODEV`] once the device is gone.
    pub(crate) fn check_present(&self) -> Result {
        self.hardware.access().map(drop)
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
        self.changed.notify_all();
        Ok(())
    }

    /// Takes all of `source`, waiting for room. Returns the bytes taken; an error, or
    /// `nonblocking` and no room, ends it early and is reported if nothing was taken.
    pub(crate) fn write(&self, source: &mut IovIterSource<'_>, nonblocking: bool) -> Result<usize> {
        let mut written = 0;
        while !source.is_empty() {
            let outcome = match self.write_chunk(source) {
                Ok(0) => self.wait_for_room(nonblocking).map(|()| 0),
                outcome => outcome,
            };
            match outcome {
                Ok(taken) => written += taken,
                Err(_) if written > 0 => break,
                Err(error) => return Err(error),
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

        let (room, frame_bytes) =
            self.with(|playback, _| Ok((playback.room(), playback.format().frame_bytes())))?;
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

    fn wait_for_room(&self, nonblocking: bool) -> Result {
        let mut playback = self.playback.lock();
        loop {
            if self.hardware.is_gone() {
                return Err(ENODEV);
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
            if self.changed.wait_interruptible(&mut playback) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// Plays everything written and waits for its end. A partial frame is dropped: nothing can
    /// complete it any more. Fails with [`EPIPE`] if the device ran out of frames on the way,
    /// [`EIO`] if it is gone, [`EAGAIN`] if `nonblocking` and the end is still to come.
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

        let mut playback = self.playback.lock();
        loop {
            if self.hardware.is_gone() {
                return Err(EIO);
            }
            if !playback.is_active(stream) {
                return if playback.take_underrun() {
                    Err(EPIPE)
                } else {
                    Ok(())
                };
            }
            if nonblocking {
                return Err(EAGAIN);
            }
            if self.changed.wait_interruptible(&mut playback) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// Silences the device at once and forgets all that a user wrote and set.
    pub(crate) fn reset(&self) {
        self.bounce.lock().partial = 0;
        // When the device is gone there is nothing to silence.
        let _ = self.with(|playback, access| {
            playback.reset(access);
            Ok(())
        });
    }
}

impl Client for Audio {
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        let mut playback = self.playback.lock();
        let handled = self
            .hardware
            .access()
            .and_then(|access| playback.handle_interrupt(&access, pending));
        if handled.is_err() {
            self.hardware.give_up();
        }
        if playback.phase() != Phase::Playing || playback.has_room_for_waiter() {
            self.changed.notify_all();
        }
    }

    fn device_gone(&self) {
        // Under the lock, so that nobody who has just looked begins to wait.
        let _playback = self.playback.lock();
        self.changed.notify_all();
    }
}
