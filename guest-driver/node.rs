// SPDX-License-Identifier: GPL-2.0

//! Entries in `/dev`, and what they stand for.

use core::ptr;
use kernel::{
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
};

/// A file that is open on a [`Node`].
pub(crate) trait OpenFile: MiscDevice {
    /// What the node stands for.
    type Device;
}

/// An entry in `/dev`. Dropping it removes the entry; open files stay.
///
/// # Invariants
///
/// Every `MiscDeviceRegistration<T>` is the first field of a `Node<T>` with a `device`.
#[repr(C)]
#[pin_data]
pub(crate) struct Node<T: OpenFile> {
    #[pin]
    registration: MiscDeviceRegistration<T>,
    device: Arc<T::Device>,
}

impl<T: OpenFile> Node<T> {
    /// Creates `/dev/name` for `device`, which can be opened even before this returns.
    pub(crate) fn new(name: &'static CStr, device: Arc<T::Device>) -> impl PinInit<Self, Error> {
        // INVARIANT: `device` is initialised first, and this is the only place that registers.
        try_pin_init!(Self {
            device,
            registration <- MiscDeviceRegistration::register(MiscDeviceOptions { name }),
        })
    }

    /// The device of the node that is being opened.
    pub(crate) fn device(registration: &MiscDeviceRegistration<T>) -> ArcBorrow<'_, T::Device> {
        let node = ptr::from_ref(registration).cast::<Self>();
        // SAFETY: By the type invariants the registration is the first field of a `Node`, which
        // misc_deregister() keeps until open() is done. Only `device` is looked at, which nobody
        // changes; the registration may be in the middle of its initialisation.
        unsafe { (*node).device.as_arc_borrow() }
    }
}
