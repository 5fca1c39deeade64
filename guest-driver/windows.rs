// SPDX-License-Identifier: GPL-2.0

//! Which sample window is of which block: both are functions of one slot, with a driver each, that
//! come and go in any order.
//!
//! So the block's side looks for a window when it needs one. A table of ours is simpler than asking
//! the bus for the other function, which could be bound to another driver, or be about to be
//! unbound.

use crate::names::Names;
use kernel::{
    pci,
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// The memory of a window, until its driver is unbound.
pub(crate) type WindowMemory = pci::DevresBar;

kernel::sync::global_lock! {
    // SAFETY: `init` is called when the module is loaded.
    unsafe(uninit) static WINDOWS: Mutex<[Option<(Slot, Arc<WindowMemory>)>; Names::COUNT]> =
        [const { None }; Names::COUNT];
}

/// Makes the table ready.
///
/// # Safety
///
/// To be called once, before everything else here.
pub(crate) unsafe fn init() {
    // SAFETY: As the caller promises.
    unsafe { WINDOWS.init() };
}

/// Where on the buses a device is, whatever its function.
pub(crate) struct Slot(CString);

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bytes() == other.0.to_bytes()
    }
}

impl Slot {
    /// That of the PCI function that is called `name`: the function's number is behind the dot.
    pub(crate) fn of(name: &CStr) -> Result<Self> {
        let name = name.to_str()?;
        let (slot, _function) = name.rsplit_once('.').ok_or(EINVAL)?;
        Ok(Self(CString::try_from_fmt(fmt!("{slot}"))?))
    }

    /// Its window's memory, if that has a driver.
    pub(crate) fn window(&self) -> Option<Arc<WindowMemory>> {
        let windows = WINDOWS.lock();
        let (_, memory) = windows.iter().flatten().find(|(slot, _)| slot == self)?;
        Some(memory.clone())
    }
}

/// A window in the table, until this is dropped.
pub(crate) struct Entry(Arc<WindowMemory>);

impl Entry {
    /// Enters the `memory` of the window in `slot`; [`EBUSY`] if the table is full.
    pub(crate) fn new(slot: Slot, memory: Arc<WindowMemory>) -> Result<Self> {
        let mut windows = WINDOWS.lock();
        let free = windows.iter_mut().find(|entry| entry.is_none());
        *free.ok_or(EBUSY)? = Some((slot, memory.clone()));
        Ok(Self(memory))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut windows = WINDOWS.lock();
        let is_ours = |entry: &mut (Slot, Arc<WindowMemory>)| Arc::ptr_eq(&entry.1, &self.0);
        for entry in windows.iter_mut() {
            drop(entry.take_if(is_ours));
        }
    }
}
