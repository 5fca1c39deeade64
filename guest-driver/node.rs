// SPDX-License-Identifier: GPL-2.0

//! Entries in `/dev`, and what they stand for.
//!
//! `kernel::miscdevice` has neither poll() nor parents yet, so this file registers nodes itself,
//! with its file operations.

use core::ptr;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    fs::File,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::{
        poll::PollTable,
        Arc,
        ArcBorrow, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// A file that is open on a [`Node`].
#[vtable]
pub(crate) trait OpenFile: MiscDevice {
    /// What the node stands for.
    type Device: Send + Sync;

    /// What poll() is to say now, of which `wanted` is asked for. What changes it later wakes
    /// `table`. A file without this is always ready, and no epoll takes it.
    fn poll(
        _this: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        _file: &File,
        _table: &PollTable<'_>,
        _wanted: u32,
    ) -> u32 {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// An entry in `/dev`. Dropping it removes the entry; open files stay.
///
/// # Invariants
///
/// `registration` is registered. Every registered `miscdevice` with the operations
/// [`Self::OPERATIONS`] is the first field of a `Node<T>` with a `device`.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub(crate) struct Node<T: OpenFile> {
    #[pin]
    registration: Opaque<bindings::miscdevice>,
    device: Arc<T::Device>,
}

// SAFETY: misc_deregister() may be called on any thread, and `device` may be used on any.
unsafe impl<T: OpenFile> Send for Node<T> {}
// SAFETY: All that can be done with a reference is to look at `device`, which is `Sync`.
unsafe impl<T: OpenFile> Sync for Node<T> {}

impl<T: OpenFile> Node<T> {
    const OPERATIONS: bindings::file_operations = {
        let of_kernel = MiscDeviceOptions { name: c"" }.into_raw::<T>().fops;
        // SAFETY: It points to a constant.
        let mut operations = unsafe { *of_kernel };
        if T::HAS_POLL {
            operations.poll = Some(Self::poll);
        }
        operations
    };

    /// Creates `/dev/name` for `device`, which is of `parent` and can be opened even before this
    /// returns.
    pub(crate) fn new<'a>(
        name: &'static CStr,
        parent: &'a Device<Bound>,
        device: Arc<T::Device>,
    ) -> impl PinInit<Self, Error> + use<'a, T> {
        // INVARIANT: `device` is initialised first, and this is the only place that uses
        // `OPERATIONS`.
        try_pin_init!(Self {
            device,
            registration <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                let mut registration = MiscDeviceOptions { name }.into_raw::<T>();
                registration.fops = const { &Self::OPERATIONS };
                // CAST: `Device` is a transparent wrapper of an `Opaque<bindings::device>`.
                registration.parent = ptr::from_ref(parent).cast_mut().cast();
                // SAFETY: The slot can be written, and is pinned until the node is dropped, which
                // undoes this. The parent is bound to the driver meanwhile.
                to_result(unsafe {
                    slot.write(registration);
                    bindings::misc_register(slot)
                })
            }),
        })
    }

    /// The device of the node that is being opened.
    pub(crate) fn device(registration: &MiscDeviceRegistration<T>) -> ArcBorrow<'_, T::Device> {
        let node = ptr::from_ref(registration).cast::<Self>();
        // SAFETY: The files of `T` are opened by `OPERATIONS` only, so by the type invariants the
        // registration is the first field of a `Node`, which misc_deregister() keeps until open()
        // is done. Only `device` is looked at, which nobody changes; the registration may be in
        // the middle of its initialisation.
        unsafe { (*node).device.as_arc_borrow() }
    }

    /// # Safety
    ///
    /// Called by the VFS for an open file of a node, with the table of its caller or none.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table,
    ) -> bindings::__poll_t {
        // SAFETY: The file is open, so this is what open() put there, and release() is to come.
        let this = unsafe { T::Ptr::borrow((*file).private_data) };
        // SAFETY: The file is valid for the call, and this thread is in no fdget_pos() of it.
        let file = unsafe { File::from_raw_file(file) };
        // SAFETY: It is null or valid for the call.
        let wanted = unsafe { table.as_ref() }.map_or(u32::MAX, |table| table._key);
        // SAFETY: As above.
        let table = unsafe { PollTable::from_raw(table) };
        T::poll(this, file, &table, wanted)
    }
}

#[pinned_drop]
impl<T: OpenFile> PinnedDrop for Node<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants it is registered.
        unsafe { bindings::misc_deregister(self.registration.get()) };
    }
}
