// SPDX-License-Identifier: GPL-2.0

//! What one has at a time.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Release, //
            },
            AtomicFlag, //
        },
        Arc, //
    },
};

/// Something that one can have at a time.
pub(crate) struct Exclusive(Arc<AtomicFlag>);

impl Exclusive {
    /// Nobody has it yet.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Arc::new(AtomicFlag::new(false), GFP_KERNEL)?))
    }

    /// [`EBUSY`] if somebody has it.
    pub(crate) fn take(&self) -> Result<Taken> {
        if self.0.xchg(true, Acquire) {
            return Err(EBUSY);
        }
        Ok(Taken(self.0.clone()))
    }
}

/// The right to have it, until it is dropped.
pub(crate) struct Taken(Arc<AtomicFlag>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.store(false, Release);
    }
}
