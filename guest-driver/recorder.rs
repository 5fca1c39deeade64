// SPDX-License-Identifier: GPL-2.0

//! The audio receiver as a file sees it: calls that wait, and interrupts that end the waiting.

use crate::{
    dma_buffer::DmaBuffer,
    format::Format,
    hardware::{
        Access,
        Unit, //
    },
    recording::{
        Recording,
        RecordingStatus, //
    },
    shared_unit::{
        SharedUnit,
        User, //
    }, //
};
use kernel::{
    fs::File,
    iov::IovIterDest,
    new_mutex,
    prelude::*,
    sync::{
        poll::PollTable,
        Arc,
        Mutex, //
    }, //
};

/// Bytes on their way from the ring to user space.
struct Bounce {
    bytes: KBox<[u8; Self::LENGTH]>,
    /// What the reader has taken.
    taken: usize,
    /// What there is.
    filled: usize,
}

impl Bounce {
    const LENGTH: usize = 4_096;

    fn is_empty(&self) -> bool {
        self.taken == self.filled
    }

    /// Gives the reader what there is. Returns how many bytes; [`EFAULT`] if he takes none of them.
    fn give(&mut self, destination: &mut IovIterDest<'_>) -> Result<usize> {
        let left = self.bytes.get(self.taken..self.filled).ok_or(EINVAL)?;
        let given = destination.copy_to_iter(left);
        if given == 0 && !left.is_empty() {
            return Err(EFAULT);
        }
        self.taken += given;
        Ok(given)
    }
}

/// The audio receiver, as one file sees it: its own settings and samples, and the receiver itself
/// from the first read on.
///
/// Outlives the binding of the driver while the file is open: calls fail then.
#[pin_data]
pub(crate) struct Recorder {
    receiver: Arc<SharedUnit<Self>>,
    /// Serialises readers. Taken before `recording`.
    #[pin]
    bounce: Mutex<Bounce>,
    #[pin]
    recording: Mutex<Recording>,
}

impl Recorder {
    /// For a file that was just opened.
    pub(crate) fn new(receiver: Arc<SharedUnit<Self>>) -> Result<Arc<Self>> {
        let bounce = Bounce {
            bytes: KBox::new([0; Bounce::LENGTH], GFP_KERNEL)?,
            taken: 0,
            filled: 0,
        };
        Arc::pin_init(
            pin_init!(Self {
                receiver,
                bounce <- new_mutex!(bounce),
                recording <- new_mutex!(Recording::new()),
            }),
            GFP_KERNEL,
        )
    }

    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Recording, &Access<'_>) -> Result<T>,
    ) -> Result<T> {
        self.receiver.with(self, operation)
    }

    /// Sets the format of what will be read; [`EBUSY`] while there is anything to read.
    pub(crate) fn set_format(&self, format: Format) -> Result {
        let bounce = self.bounce.lock();
        if !bounce.is_empty() {
            return Err(EBUSY);
        }
        self.with(|recording, _| recording.set_format(format))
    }

    /// Sets the frames recorded a second: [`EBUSY`] while recording, [`EINVAL`] when out of range.
    pub(crate) fn set_rate_hz(&self, rate_hz: u32) -> Result {
        self.with(|recording, _| recording.set_rate_hz(rate_hz))
    }

    /// Gives `destination` what there is, waiting until there is something. Returns the bytes
    /// given. Fails with [`EPIPE`], once, when frames were lost after those that were given, with
    /// [`EIO`], once, when the device was reset, with [`EBUSY`] if somebody else uses the
    /// receiver, and with [`EAGAIN`] if `nonblocking` and there is nothing.
    pub(crate) fn read(
        self: &Arc<Self>,
        destination: &mut IovIterDest<'_>,
        nonblocking: bool,
    ) -> Result<usize> {
        self.receiver.take(self)?;
        let mut read = 0;
        while !destination.is_empty() {
            let outcome = match self.read_chunk(destination) {
                Ok(0) if read > 0 => break,
                Ok(0) => self.wait_for_frames(nonblocking).map(|()| 0),
                outcome => outcome,
            };
            match outcome {
                Ok(given) => read += given,
                Err(_) if read > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Gives what is left of a frame, or whole frames as far as the bounce buffer has room. Returns
    /// the bytes given, 0 if there are none.
    fn read_chunk(&self, destination: &mut IovIterDest<'_>) -> Result<usize> {
        // Only readers take frames, and only one holds this. A page fault may take long: the other
        // lock is not held meanwhile, nor frames waited for here.
        let mut bounce = self.bounce.lock();
        if bounce.is_empty() {
            // The format changes only under the lock of `bounce`.
            self.recording.lock().prepare()?;
            bounce.taken = 0;
            bounce.filled = 0;
            let wanted = destination.len();
            bounce.filled = self.with(|recording, access| {
                let length = wanted.max(recording.format().frame_bytes());
                let length = length.min(Bounce::LENGTH);
                let bytes = bounce.bytes.get_mut(..length).ok_or(EINVAL)?;
                recording.pull(access, bytes)
            })?;
        }
        bounce.give(destination)
    }

    fn wait_for_frames(&self, nonblocking: bool) -> Result {
        let mut recording = self.recording.lock();
        loop {
            if self.receiver.hardware().is_gone() {
                return Err(ENODEV);
            }
            if recording.has_frames() {
                return Ok(());
            }
            if recording.take_failure() {
                return Err(EIO);
            }
            if recording.take_overrun() {
                return Err(EPIPE);
            }
            if nonblocking {
                return Err(EAGAIN);
            }
            if self.receiver.changed().wait_interruptible(&mut recording) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// Whether a read would give something now, or fail. Starts to record if that is `wanted` and
    /// nobody else uses the receiver. What changes the answer wakes `table`.
    pub(crate) fn poll(self: &Arc<Self>, file: &File, table: &PollTable<'_>, wanted: bool) -> bool {
        table.register_wait(file, self.receiver.changed());
        if !wanted {
            return false;
        }
        if self.receiver.take(self).is_err() {
            return true;
        }
        let bounce = self.bounce.lock();
        if !bounce.is_empty() {
            return true;
        }
        if self.recording.lock().prepare().is_err() {
            return true;
        }
        let looked = self.with(|recording, access| {
            recording.look(access, 1)?;
            Ok(recording.is_ready())
        });
        looked.unwrap_or(true)
    }

    /// Records `frames` to the buffer from `offset` on, which the device writes itself, and waits
    /// for the end. Fails with [`EINVAL`] if the buffer has no room for as many, with [`EBUSY`] if
    /// there is another recording or somebody else uses the receiver, with [`EPIPE`] if frames
    /// were lost, and with [`EIO`] if the device is gone or cannot write the memory.
    pub(crate) fn record_buffer(
        self: &Arc<Self>,
        buffer: &DmaBuffer,
        offset: u32,
        frames: u32,
    ) -> Result {
        self.receiver.take(self)?;
        let recording = self.with(|recording, access| {
            let range = recording.format().range(offset, frames)?;
            recording.check_idle()?;
            let lists = &self.receiver.hardware().dma_lists;
            lists.set_pieces(access, Unit::Receiver, buffer.pieces(range))?;
            buffer.give_to_device();
            recording.record_memory(access, frames)?;
            Ok(recording.recording())
        })?;
        let recorded = self.wait_for_end(recording);
        let _ = self.with(|recording, access| {
            // If nobody waits any more, nobody may go on with the memory.
            recording.stop(access);
            buffer.take_from_device();
            Ok(())
        });
        recorded
    }

    fn wait_for_end(&self, number: u32) -> Result {
        let mut recording = self.recording.lock();
        loop {
            if self.receiver.hardware().is_gone() {
                return Err(EIO);
            }
            if !recording.is_active(number) {
                return if recording.take_failure() {
                    Err(EIO)
                } else if recording.take_overrun() {
                    Err(EPIPE)
                } else {
                    Ok(())
                };
            }
            if self.receiver.changed().wait_interruptible(&mut recording) {
                return Err(EINTR);
            }
        }
    }

    /// What is to be said of the file's recording: none if it does not use the receiver.
    pub(crate) fn status(self: &Arc<Self>) -> Result<Option<RecordingStatus>> {
        if !self.receiver.is_used_by(self) {
            return Ok(None);
        }
        self.with(|recording, access| recording.status(access).map(Some))
    }

    /// Stops what the file records at once, and gives the receiver up.
    pub(crate) fn close(self: &Arc<Self>) {
        // When the device is gone there is nothing to stop.
        let _ = self.with(|recording, access| {
            recording.stop(access);
            Ok(())
        });
        self.receiver.leave(self);
    }
}

impl User for Recorder {
    type Stream = Recording;

    fn stream(&self) -> &Mutex<Recording> {
        &self.recording
    }
}
