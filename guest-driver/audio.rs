// SPDX-License-Identifier: GPL-2.0

//! The audio transmitter as a file sees it: calls that wait, and the interrupt handler that ends
//! the waiting.

use crate::{
    format::Format,
    playback::{
        Phase,
        Playback,
        Registers, //
    },
    REGISTERS_BYTES, //
};
use kernel::{
    iov::IovIterSource,
    irq,
    new_condvar,
    new_mutex,
    new_spinlock_irq,
    pci,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        Mutex,
        SpinLockIrq, //
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
    registers: Arc<pci::DevresBar<REGISTERS_BYTES>>,
    /// Serialises writers. Taken before `playback`.
    #[pin]
    bounce: Mutex<Bounce>,
    /// The interrupt handler takes it, too.
    #[pin]
    playback: SpinLockIrq<Playback>,
    /// There is room again, a stream has ended or the device is gone.
    #[pin]
    changed: CondVar,
}

impl Audio {
    /// The transmitter behind `registers`, of a device that was just reset.
    pub(crate) fn new(registers: Arc<pci::DevresBar<REGISTERS_BYTES>>) -> Result<Arc<Self>> {
        let playback = Playback::new()?;
        let bounce = Bounce {
            bytes: KBox::new([0; Bounce::LENGTH], GFP_KERNEL)?,
            partial: 0,
        };
        Arc::pin_init(
            pin_init!(Self {
                registers,
                bounce <- new_mutex!(bounce),
                playback <- new_spinlock_irq!(playback),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )
    }

    /// Runs `operation` under the lock; [`ENODEV`] once the device is gone.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Playback, &Registers<'_>) -> Result<T>,
    ) -> Result<T> {
        let registers = self.registers.try_access().ok_or(ENODEV)?;
        let mut playback = self.playback.lock();
        if playback.phase() == Phase::Gone {
            return Err(ENODEV);
        }
        operation(&mut playback, &registers)
    }

    /// Fails with [`ENODEV`] once the device is gone.
    pub(crate) fn check_present(&self) -> Result {
        self.with(|_, _| Ok(()))
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
        self.with(|playback, registers| {
            playback.set_looping(registers, looping);
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
        // Only writers take room, and only one holds this, so the room found does not shrink. It
        // may sleep in a page fault: the spin lock must not be held, nor waited for room here.
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
        let rest = self.with(|playback, registers| playback.push(registers, filled))?;

        *partial = rest.len();
        let rest_start = filled.len() - rest.len();
        bytes.copy_within(rest_start..rest_start + *partial, 0);
        Ok(taken)
    }

    fn wait_for_room(&self, nonblocking: bool) -> Result {
        let mut playback = self.playback.lock();
        loop {
            if playback.phase() == Phase::Gone {
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
            self.with(|playback, registers| {
                playback.drain(registers)?;
                Ok(playback.stream())
            })
            .map_err(|_| EIO)?
        };

        let mut playback = self.playback.lock();
        loop {
            if playback.phase() == Phase::Gone {
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
        let _ = self.with(|playback, registers| {
            playback.reset(registers);
            Ok(())
        });
    }

    /// Silences the device, gives it up and ends all waiting.
    pub(crate) fn unplug(&self) {
        // Fails if the device is gone already.
        let _ = self.with(|playback, registers| {
            // Under one lock with the reset: waiters must not take this for the end of the stream.
            playback.reset(registers);
            playback.set_gone();
            Ok(())
        });
        self.changed.notify_all();
    }

    fn handle_interrupt(&self) -> irq::IrqReturn {
        let Some(registers) = self.registers.try_access() else {
            return irq::IrqReturn::None;
        };
        let mut playback = self.playback.lock();
        let handled = playback.handle_interrupt(&registers);
        if handled.is_err() {
            playback.set_gone();
        }
        if playback.phase() != Phase::Playing || playback.has_room_for_waiter() {
            self.changed.notify_all();
        }
        drop(playback);

        match handled {
            Ok(false) => irq::IrqReturn::None,
            Ok(true) => irq::IrqReturn::Handled,
            Err(_) => {
                dev_err!(
                    self.registers.device(),
                    "no answer from the device (a register reads as all ones), giving it up; \
                     unbind the driver and rescan the bus once the device is back\n"
                );
                irq::IrqReturn::Handled
            }
        }
    }
}

/// What the interrupt core calls.
pub(crate) struct InterruptHandler(pub(crate) Arc<Audio>);

impl irq::Handler for InterruptHandler {
    fn handle(&self) -> irq::IrqReturn {
        self.0.handle_interrupt()
    }
}
