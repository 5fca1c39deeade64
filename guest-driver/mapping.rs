// SPDX-License-Identifier: GPL-2.0

//! Memory that a node shows in the address spaces of processes, until it is taken back from them.
//!
//! `kernel::mm` cannot map device memory yet, so this file calls the C functions itself. Pages are
//! inserted when they are first touched, under a mutex: so an unbind can take back every page and
//! be sure that none is inserted after it. Later accesses end with SIGBUS.

use crate::dma_buffer::DmaBuffer;
use core::ptr;
use kernel::{
    bindings,
    fs::File,
    mm::virt::{
        flags,
        VmaNew, //
    },
    new_mutex,
    page::PAGE_SHIFT,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// What there is to be seen.
enum Memory {
    /// Pages of a region of the device.
    Region { first_frame_number: usize },
    /// The pages of a buffer.
    Buffer(Arc<DmaBuffer>),
}

/// What some of a node's offsets show, in whole pages.
pub(crate) struct Part {
    first_page: usize,
    pages: usize,
    memory: Memory,
    is_writable: bool,
}

impl Part {
    /// From `offset` on, those pages that the region has at the bus address `start`.
    ///
    /// The caller keeps the region reserved until [`Mapping::unplug`].
    pub(crate) fn region(
        offset: usize,
        start: usize,
        length_bytes: usize,
        is_writable: bool,
    ) -> Self {
        Self {
            first_page: offset >> PAGE_SHIFT,
            pages: length_bytes >> PAGE_SHIFT,
            memory: Memory::Region {
                first_frame_number: start >> PAGE_SHIFT,
            },
            is_writable,
        }
    }

    /// From `offset` on, the buffer.
    pub(crate) fn buffer(offset: usize, buffer: Arc<DmaBuffer>) -> Self {
        Self {
            first_page: offset >> PAGE_SHIFT,
            pages: buffer.pages(),
            memory: Memory::Buffer(buffer),
            is_writable: true,
        }
    }

    /// The number of `page` in this part, if it is one of it.
    fn index(&self, page: usize) -> Option<usize> {
        page.checked_sub(self.first_page)
            .filter(|index| *index < self.pages)
    }

    fn has(&self, first_page: usize, pages: usize) -> bool {
        self.index(first_page)
            .is_some_and(|index| pages <= self.pages - index)
    }
}

/// # Invariants
///
/// `address_space` is that of all open files, of which there are `files`; null if there is none.
struct State {
    bound: bool,
    files: usize,
    address_space: *mut bindings::address_space,
}

// SAFETY: An address space may be used on any thread.
unsafe impl Send for State {}

/// The memory that a node shows.
///
/// Outlives the binding of the driver while a file is open.
#[pin_data]
pub(crate) struct Mapping {
    parts: KVec<Part>,
    #[pin]
    state: Mutex<State>,
}

impl Mapping {
    const VM_OPERATIONS: bindings::vm_operations_struct = bindings::vm_operations_struct {
        fault: Some(Self::fault),
        ..pin_init::zeroed()
    };

    /// Nobody sees `parts` yet, which do not overlap.
    pub(crate) fn new<const COUNT: usize>(of_node: [Part; COUNT]) -> Result<Arc<Self>> {
        let mut parts = KVec::with_capacity(COUNT, GFP_KERNEL)?;
        for part in of_node {
            parts.push(part, GFP_KERNEL)?;
        }
        Arc::pin_init(
            pin_init!(Self {
                parts,
                // INVARIANT: No file is open.
                state <- new_mutex!(State {
                    bound: true,
                    files: 0,
                    address_space: ptr::null_mut(),
                }),
            }),
            GFP_KERNEL,
        )
    }

    /// Takes back every page that a process has mapped, and inserts none after it.
    pub(crate) fn unplug(&self) {
        let mut state = self.state.lock();
        state.bound = false;
        if !state.address_space.is_null() {
            // SAFETY: By the type invariants it is the address space of an open file, which stays
            // open until it has had the mutex. All areas with `VM_OPERATIONS` are of it. A length
            // of 0 means all of it.
            unsafe { bindings::unmap_mapping_range(state.address_space, 0, 0, 1) };
        }
    }

    /// Has `area` show what its offset says.
    ///
    /// # Safety
    ///
    /// `self` lives until `area` and all copies of it (by fork(), for example) are gone.
    unsafe fn map(&self, area: &VmaNew) -> Result {
        if !self.state.lock().bound {
            return Err(ENODEV);
        }
        // What is inserted does not go with copy-on-write. Without SHARED it may be a shared
        // mapping of a file that is open for reading.
        if area.flags() & flags::MAYSHARE == 0 {
            return Err(EINVAL);
        }
        let pages = (area.end() - area.start()) >> PAGE_SHIFT;
        let first_page = offset(area) >> PAGE_SHIFT;
        let mut parts = self.parts.iter();
        let part = parts
            .find(|part| part.has(first_page, pages))
            .ok_or(EINVAL)?;
        if !part.is_writable {
            area.try_clear_maywrite().map_err(|_| EACCES)?;
        }

        area.set_dontexpand();
        area.set_dontdump();
        match part.memory {
            Memory::Region { first_frame_number } => {
                // SAFETY: The pages are of a region, and `fault` will insert them as they must be.
                unsafe { set_region(area, first_frame_number, part.pages) };
            }
            Memory::Buffer(_) => {
                area.set_mixedmap();
            }
        }
        let area = area.as_ptr();
        // SAFETY: The area is being set up and not visible to anybody else. `fault` expects a
        // pointer to a `Mapping` that outlives the area, which the caller promises.
        unsafe {
            (*area).vm_private_data = ptr::from_ref(self).cast_mut().cast();
            (*area).vm_ops = &Self::VM_OPERATIONS;
        }
        Ok(())
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
        let mapping = unsafe { &*(*area).vm_private_data.cast::<Self>() };

        let state = mapping.state.lock();
        let mut parts = mapping.parts.iter();
        let found = parts.find_map(|part| Some((part, part.index(page)?)));
        let Some((part, index)) = found.filter(|_| state.bound) else {
            return bindings::vm_fault_reason_VM_FAULT_SIGBUS;
        };
        match &part.memory {
            Memory::Region { first_frame_number } => {
                let frame_number = first_frame_number + index;
                // SAFETY: `map` made the area fit for it, and the address is one of the area. The
                // page is one of the device's, reserved by the driver as long as it is bound.
                unsafe { bindings::vmf_insert_pfn(area, address, frame_number as c_ulong) }
            }
            Memory::Buffer(buffer) => {
                let Some(page) = buffer.page(index) else {
                    return bindings::vm_fault_reason_VM_FAULT_SIGBUS;
                };
                // SAFETY: `map` made the area fit for it. The page is valid as long as the buffer,
                // and the area counts its own use of it.
                unsafe { bindings::vmf_insert_page_mkwrite(fault, page, false) }
            }
        }
    }
}

/// What `area`, which is being set up, shows the start of: an offset in its file.
pub(crate) fn offset(area: &VmaNew) -> usize {
    // SAFETY: The area is being set up, so nobody changes it at the same time.
    unsafe { (*area.as_ptr()).vm_pgoff << PAGE_SHIFT }
}

/// Makes `area` fit for vmf_insert_pfn().
///
/// # Safety
///
/// Nothing but pages of a region of a device will be inserted: `pages` from `first_frame_number`
/// on.
#[cfg_attr(not(CONFIG_ARM64), allow(unused_variables))]
unsafe fn set_region(area: &VmaNew, first_frame_number: usize, pages: usize) {
    area.set_io();
    let area = area.as_ptr();
    // SAFETY: The area is being set up and not visible to anybody else. It is shared, and has no
    // other pages.
    unsafe { (*area).__bindgen_anon_2.vm_flags |= bindings::VM_PFNMAP as bindings::vm_flags_t };
    // Not to be cached. On x86, vmf_insert_pfn() sees to it.
    #[cfg(CONFIG_ARM64)]
    // SAFETY: As above. An area that is set up has its file.
    unsafe {
        (*area).vm_page_prot = bindings::phys_mem_access_prot(
            (*area).vm_file,
            first_frame_number as c_ulong,
            (pages << PAGE_SHIFT) as c_ulong,
            (*area).vm_page_prot,
        );
    }
}

/// An open file that may map what its node shows. Dropped when the file is closed: nobody can touch
/// the memory any more then.
pub(crate) struct MappingFile(Arc<Mapping>);

impl MappingFile {
    /// For `file`, which is being opened. [`ENODEV`] after [`Mapping::unplug`]; [`EBUSY`] if files
    /// are open that have been reached through another inode, of a node made by hand: one
    /// `unmap_mapping_range()` would not reach all.
    pub(crate) fn new(mapping: Arc<Mapping>, file: &File) -> Result<Self> {
        // SAFETY: The VFS sets it before it calls open() and does not change it after.
        let address_space = unsafe { (*file.as_ptr()).f_mapping };
        let mut state = mapping.state.lock();
        if !state.bound {
            return Err(ENODEV);
        }
        if state.files > 0 && state.address_space != address_space {
            return Err(EBUSY);
        }
        // INVARIANT: It is that of all open files, also of this one.
        state.files += 1;
        state.address_space = address_space;
        drop(state);
        Ok(Self(mapping))
    }

    /// Has `area` show what its offset says. Fails with [`EINVAL`] for a private mapping and for
    /// one that is not all of one part, with [`EACCES`] for a writable one of what can only be
    /// read, and with [`ENODEV`] after [`Mapping::unplug`].
    ///
    /// # Safety
    ///
    /// `area` is of the file that this is for.
    pub(crate) unsafe fn map(&self, area: &VmaNew) -> Result {
        // SAFETY: An area and its copies each hold the file, and the file holds the mapping.
        unsafe { self.0.map(area) }
    }
}

impl Drop for MappingFile {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.files -= 1;
        if state.files == 0 {
            // INVARIANT: No file is open.
            state.address_space = ptr::null_mut();
        }
    }
}
