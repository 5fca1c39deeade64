// SPDX-License-Identifier: GPL-2.0

//! The power of a device at run time: in D0 while somebody uses it, else in D3hot.
//!
//! The PCI core does the work: it saves config space, changes the state and takes it back. The
//! device keeps its registers in D3hot (No_Soft_Reset), so there are no callbacks. It answers no
//! access, though: whoever touches registers has to hold an [`Awake`].
//!
//! PCI devices stay in D0 until user space writes `auto` to `power/control`.
//!
//! `kernel` has no runtime power management yet, so this file calls the C functions itself. They
//! are only there with `CONFIG_PM`.

use core::ptr;
use kernel::{
    bindings,
    device::Device,
    error::to_result,
    prelude::*,
    sync::aref::ARef, //
};

const COUNTED: c_int = bindings::RPM_GET_PUT as c_int;
const COUNTED_LATER: c_int = (bindings::RPM_GET_PUT | bindings::RPM_ASYNC) as c_int;

/// Keeps a device in D0. May outlive the binding of the driver, and is no hindrance then.
pub(crate) struct Awake(ARef<Device>);

impl Awake {
    /// Wakes the device if need be, which takes 10 ms. May sleep. Fails if the device is gone.
    pub(crate) fn new(device: &Device) -> Result<Self> {
        // Also if it fails, the use is counted, and dropped with this.
        let awake = Self(device.into());
        // SAFETY: `as_raw` gives a device that is valid, and `awake` holds a reference to it.
        to_result(unsafe { bindings::__pm_runtime_resume(as_raw(device), COUNTED) })?;
        Ok(awake)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        // Not here and now: this may be dropped where nobody may sleep. What fails is none of the
        // user's business: the device stays awake.
        //
        // SAFETY: `as_raw` gives a device that is valid, to which `self` holds a reference. Its use
        // was counted by `new`.
        unsafe { bindings::__pm_runtime_idle(as_raw(&self.0), COUNTED_LATER) };
    }
}

/// Lets the device sleep while nobody holds an [`Awake`]: the last that a probe does.
///
/// The PCI core keeps a device awake for its driver; see Documentation/power/pci.rst, "Runtime PM".
/// [`forbid`] has to be called before the driver is unbound.
pub(crate) fn allow(device: &Device) {
    // SAFETY: `as_raw` gives a device that is valid, and the driver's use of it was counted before
    // the probe.
    unsafe { bindings::__pm_runtime_idle(as_raw(device), COUNTED_LATER) };
}

/// Undoes [`allow`]: the PCI core counts on it when a driver is unbound.
pub(crate) fn forbid(device: &Device) {
    // The PCI core has it awake already if it can be.
    //
    // SAFETY: `as_raw` gives a device that is valid.
    unsafe { bindings::__pm_runtime_resume(as_raw(device), COUNTED) };
}

fn as_raw(device: &Device) -> *mut bindings::device {
    // CAST: `Device` is a transparent wrapper of an `Opaque<bindings::device>`.
    ptr::from_ref(device).cast_mut().cast()
}
