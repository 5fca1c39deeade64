// SPDX-License-Identifier: GPL-2.0

//! A unit of the block as the open files of its character device share it: one of them uses it.

use crate::{
    hardware::{
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

impl<T: Client> Client for SharedUnit<T> {
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        if let Some(user) = self.user() {
            user.handle_interrupt(pending);
        }
    }

    fn device_gone(&self) {
        if let Some(user) = self.user() {
            user.device_gone();
        }
        self.changed.notify_all();
    }

    fn reset_prepare(&self) {
        if let Some(user) = self.user() {
            user.reset_prepare();
        }
    }

    fn reset_done(&self) {
        if let Some(user) = self.user() {
            user.reset_done();
        }
    }
}
