// SPDX-License-Identifier: GPL-2.0

//! `/dev/pwm-audio-window0`: the sample window, in the address space of a process.
//!
//! - `mmap()` with `MAP_SHARED` shows the window, which begins at offset 0.
//! - One open file at a time (`EBUSY`); a mapping keeps its file open.
//!
//! When the device goes away, `open()` and `mmap()` fail with `ENODEV`, and touching the window
//! ends with `SIGBUS`.
//!
//! `kernel::mm` cannot map device memory yet, so this file calls the C functions itself. Pages are
//! inserted when they are first touched, under a mutex: so an unbind can take back every page and
//! be sure that none is inserted after it. Later accesses end with SIGBUS.

use crate::node::{
    Node,
    OpenFile, //
};
use core::ptr;
use kernel::{
    bindings,
    fs::File,
    miscdevice::{
        MiscDevice,
        MiscDeviceRegistration, //
    },
    mm::virt::{
        flags,
        VmaNew, //
    },
    new_mutex,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    },
};

/// # Invariants
///
/// `address_space` is null or that of the open file, of which there is at most one.
struct State {
    bound: bool,
    address_space: *mut bindings::address_space,
}

// SAFETY: An address space may be used on any thread.
unsafe impl Send for State {}

/// The sample window of a device.
///
/// Outlives the binding of the driver while a file is open.
#[pin_data]
pub(crate) struct SampleWindow {
    first_frame_number: usize,
    pages: usize,
    #[pin]
    state: Mutex<State>,
}

impl SampleWindow {
    const VM_OPERATIONS: bindings::vm_operations_struct = bindings::vm_operations_struct {
        fault: Some(Self::fault),
        ..pin_init::zeroed()
    };

    /// The window at the bus address `start`; only whole pages of it can be mapped.
    ///
    /// The caller keeps the region reserved until [`unplug`](Self::unplug).
    pub(crate) fn new(start: usize, length_bytes: usize) -> impl PinInit<Self> {
        pin_init!(Self {
            first_frame_number: start >> PAGE_SHIFT,
            pages: length_bytes >> PAGE_SHIFT,
            // INVARIANT: No file is open.
            state <- new_mutex!(State {
                bound: true,
                address_space: ptr::null_mut(),
            }),
        })
    }

    /// Has `area` show the window. Fails with [`EINVAL`] for a private mapping and for one that
    /// reaches beyond the window, [`ENODEV`] after [`unplug`](Self::unplug).
    ///
    /// # Safety
    ///
    /// `self` lives until `area` and all copies of it (by fork(), for example) are gone.
    unsafe fn map(&self, area: &VmaNew) -> Result {
        if !self.state.lock().bound {
            return Err(ENODEV);
        }
        // vmf_insert_pfn() does not go with copy-on-write.
        if area.flags() & flags::SHARED == 0 {
            return Err(EINVAL);
        }
        let pages = (area.end() - area.start()) >> PAGE_SHIFT;
        // SAFETY: The area is being set up, so nobody changes it at the same time.
        let first_page = unsafe { (*area.as_ptr()).vm_pgoff };
        if first_page
            .checked_add(pages)
            .is_none_or(|end| end > self.pages)
        {
            return Err(EINVAL);
        }

        area.set_io();
        area.set_dontexpand();
        area.set_dontdump();
        let area = area.as_ptr();
        // SAFETY: The area is being set up and not visible to anybody else. `fault` expects a
        // pointer to a `SampleWindow` that outlives the area, which the caller promises; and
        // VM_PFNMAP is what vmf_insert_pfn() expects.
        unsafe {
            (*area).__bindgen_anon_2.vm_flags |= bindings::VM_PFNMAP as bindings::vm_flags_t;
            (*area).vm_private_data = ptr::from_ref(self).cast_mut().cast();
            (*area).vm_ops = &Self::VM_OPERATIONS;
        }
        Ok(())
    }

    /// Takes back every page that a process has mapped, and inserts none after it.
    pub(crate) fn unplug(&self) {
        let mut state = self.state.lock();
        state.bound = false;
        if !state.address_space.is_null() {
            // SAFETY: By the type invariants it is the address space of an open file, which stays
            // open until `release` has had the mutex. All areas with `VM_OPERATIONS` are of it.
            unsafe {
                bindings::unmap_mapping_range(
                    state.address_space,
                    0,
                    (self.pages * PAGE_SIZE) as bindings::loff_t,
                    1,
                )
            };
        }
    }

    /// # Safety
    ///
    /// Called by the kernel for an area that [`map`](Self::map) set up.
    unsafe extern "C" fn fault(fault: *mut bindings::vm_fault) -> bindings::vm_fault_t {
        // SAFETY: `fault` is valid for the call, and the area and its offset do not change in it.
        let (area, page, address) = unsafe {
            let fault = &(*fault).__bindgen_anon_1;
            (fault.vma, fault.pgoff, fault.address)
        };
        // SAFETY: `map` put it there, and it outlives the area.
        let window = unsafe { &*(*area).vm_private_data.cast::<Self>() };

        let state = window.state.lock();
        if !state.bound || page >= window.pages {
            return bindings::vm_fault_reason_VM_FAULT_SIGBUS;
        }
        let frame_number = window.first_frame_number + page;
        // SAFETY: `map` made the area fit for it, and the address is one of the area. The page is
        // one of the device's, reserved by the driver as long as it is bound.
        unsafe { bindings::vmf_insert_pfn(area, address, frame_number as c_ulong) }
    }
}

#[vtable]
impl OpenFile for SampleWindow {
    type Device = Self;
}

#[vtable]
impl MiscDevice for SampleWindow {
    type Ptr = Arc<Self>;

    fn open(file: &File, registration: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        let window = Node::device(registration);
        let mut state = window.state.lock();
        if !state.bound {
            return Err(ENODEV);
        }
        if !state.address_space.is_null() {
            return Err(EBUSY);
        }
        // SAFETY: The VFS sets `f_mapping` before it calls open() and does not change it after.
        // INVARIANT: It is that of the open file.
        state.address_space = unsafe { (*file.as_ptr()).f_mapping };
        drop(state);
        Ok(window.into())
    }

    fn release(window: Arc<Self>, _file: &File) {
        // INVARIANT: No file is open.
        window.state.lock().address_space = ptr::null_mut();
    }

    fn mmap(window: ArcBorrow<'_, Self>, _file: &File, area: &VmaNew) -> Result {
        // SAFETY: An area and its copies each hold the file, and the file holds `window`.
        unsafe { window.map(area) }
    }
}
