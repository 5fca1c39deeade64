// SPDX-License-Identifier: GPL-2.0

//! A unit of the block as the open files of its character device share it: one of them uses it.

use crate::{
    hardware::{
        Access,
        Claim,
        Hardware,
        Unit, //
    },
    interrupts::Client,
    registers::SYSTEM_INTERRUPT_STATUS, //
};
use kernel::{
    new_mutex,
    new_poll_condvar,
    prelude::*,
    sync::{
        poll::PollCondVar,
        Arc,
        Mutex, //
    }, //
};

/// The frames of a file on their way to or from a unit, and what the unit is doing with them.
pub(crate) trait Stream: Send + Unpin {
    /// Handles what the device asks for; [`ENODEV`] if it does not answer.
    fn handle_interrupt(&mut self, access: &Access<'_>, pending: SYSTEM_INTERRUPT_STATUS)
        -> Result;

    /// Whether who waits for it, if somebody does, is to look at it.
    fn has_news(&self) -> bool;

    /// The device has lost its state, or is about to, and the user's frames with it.
    fn interrupt(&mut self);
}

/// What a file has for a unit.
pub(crate) trait User: Send + Sync {
    /// Its frames.
    type Stream: Stream;

    /// The interrupt thread takes it, too.
    fn stream(&self) -> &Mutex<Self::Stream>;
}

/// A unit, and which file uses it. `T` is what a file has for it.
#[pin_data]
pub(crate) struct SharedUnit<T> {
    hardware: Arc<Hardware>,
    unit: Unit,
    #[pin]
    user: Mutex<Option<(Arc<T>, Claim)>>,
    #[pin]
    changed: PollCondVar,
}

impl<T> SharedUnit<T> {
    /// A unit that nobody uses.
    pub(crate) fn new(hardware: Arc<Hardware>, unit: Unit) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                hardware,
                unit,
                user <- new_mutex!(None),
                changed <- new_poll_condvar!(),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// Notified when what a file waits for may be there, or will never come.
    pub(crate) fn changed(&self) -> &PollCondVar {
        &self.changed
    }

    /// Makes `file` the user until [`Self::leave`], if it is not; [`EBUSY`] if another file is, or
    /// another interface of the driver.
    pub(crate) fn take(&self, file: &Arc<T>) -> Result {
        let mut user = self.user.lock();
        match &*user {
            Some((user, _)) if Arc::ptr_eq(user, file) => Ok(()),
            Some(_) => Err(EBUSY),
            None => {
                let claim = Claim::new(&self.hardware, self.unit)?;
                *user = Some((file.clone(), claim));
                Ok(())
            }
        }
    }

    /// Gives the unit up, which does nothing any more, if `file` is its user.
    pub(crate) fn leave(&self, file: &Arc<T>) {
        let is_user = |user: &mut (Arc<T>, Claim)| Arc::ptr_eq(&user.0, file);
        // Dropped after the lock.
        let _left = self.user.lock().take_if(is_user);
        self.changed.notify_all();
    }

    /// Whether `file` is the user.
    pub(crate) fn is_used_by(&self, file: &Arc<T>) -> bool {
        let user = self.user.lock();
        user.as_ref()
            .is_some_and(|(user, _)| Arc::ptr_eq(user, file))
    }

    /// Whether `file` is the user or could become it.
    pub(crate) fn is_for(&self, file: &Arc<T>) -> bool {
        match &*self.user.lock() {
            Some((user, _)) => Arc::ptr_eq(user, file),
            None => !self.hardware.is_claimed(self.unit),
        }
    }

    fn user(&self) -> Option<Arc<T>> {
        self.user.lock().as_ref().map(|(user, _)| user.clone())
    }
}

impl<T: User> SharedUnit<T> {
    /// Runs `operation` on `user`'s stream; [`ENODEV`] once the device is gone.
    pub(crate) fn with<R>(
        &self,
        user: &T,
        operation: impl FnOnce(&mut T::Stream, &Access<'_>) -> Result<R>,
    ) -> Result<R> {
        // In this order: nobody may sleep while he has access.
        let mut stream = user.stream().lock();
        let access = self.hardware.access()?;
        operation(&mut stream, &access)
    }
}

impl<T: User> Client for SharedUnit<T> {
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        let Some(user) = self.user() else {
            return;
        };
        let mut stream = user.stream().lock();
        let handled = self
            .hardware
            .access()
            .and_then(|access| stream.handle_interrupt(&access, pending));
        if handled.is_err() {
            self.hardware.give_up();
        }
        if stream.has_news() {
            self.changed.notify_all();
        }
    }

    fn device_gone(&self) {
        let user = self.user();
        // Under the lock, so that nobody who has just looked begins to wait.
        let _stream = user.as_ref().map(|user| user.stream().lock());
        self.changed.notify_all();
    }

    fn reset_prepare(&self) {
        if let Some(user) = self.user() {
            user.stream().lock().interrupt();
            self.changed.notify_all();
        }
    }

    fn reset_done(&self) {
        // All registers are set with every stream.
    }
}
