// SPDX-License-Identifier: GPL-2.0

//! Memory that one process at a time shares with the device, which plays from it and records to it
//! by DMA.
//!
//! The pages are the driver's: they live until the last file is closed, also if a process has them
//! mapped. The device has them as long as the driver is bound.
//!
//! `kernel::dma` cannot hand memory to and fro yet, so this file calls the C functions itself.

use crate::exclusive::{
    Exclusive,
    Taken, //
};
use core::{
    ops::Range,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::{
        DataDirection,
        DmaAddress, //
    },
    new_mutex,
    page::{
        AsPageIter,
        BorrowedPage,
        PAGE_SIZE, //
    },
    prelude::*,
    scatterlist::{
        Owned,
        SGTable, //
    },
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};

/// The size of a buffer.
pub(crate) const BUFFER_BYTES: usize = 0x1_0000;

/// The most pieces that the device finds a buffer in: pages are not smaller.
pub(crate) const BUFFER_PIECES: usize = BUFFER_BYTES / 0x1000;

/// The buffer of a device.
///
/// # Invariants
///
/// `pages` are all pages of `table`, in their order.
pub(crate) struct DmaBuffer {
    device: ARef<Device>,
    table: Pin<KBox<SGTable<Owned<VVec<u8>>>>>,
    pages: KVec<NonNull<bindings::page>>,
    user: Exclusive,
}

// SAFETY: `pages` are as those of `table`, which may be used on any thread.
unsafe impl Send for DmaBuffer {}
// SAFETY: As above.
unsafe impl Sync for DmaBuffer {}

impl DmaBuffer {
    /// A buffer that `device` can reach until the driver is unbound.
    pub(crate) fn new(device: &Device<Bound>) -> Result<Arc<Self>> {
        let mut memory = VVec::from_elem(0, BUFFER_BYTES, GFP_KERNEL)?;
        let mut pages = KVec::with_capacity(BUFFER_BYTES / PAGE_SIZE, GFP_KERNEL)?;
        for page in memory.page_iter() {
            pages.push(NonNull::new(page.as_ptr()).ok_or(EINVAL)?, GFP_KERNEL)?;
        }
        let table = SGTable::new(device, memory, DataDirection::Bidirectional, GFP_KERNEL);
        let buffer = Self {
            device: device.into(),
            table: KBox::pin_init(table, GFP_KERNEL)?,
            // INVARIANT: They are the pages of `memory`, which the table keeps as it is.
            pages,
            user: Exclusive::new()?,
        };
        Ok(Arc::new(buffer, GFP_KERNEL)?)
    }

    /// How many pages there are.
    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// A page, valid as long as the buffer.
    pub(crate) fn page(&self, index: usize) -> Option<*mut bindings::page> {
        self.pages.get(index).map(|page| page.as_ptr())
    }

    /// Where the device finds `range`, in the order of its bytes. Of interest only while the driver
    /// is bound.
    pub(crate) fn pieces(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (DmaAddress, u32)> + '_ {
        let mut end = 0;
        self.table.iter().filter_map(move |entry| {
            let start = end;
            end += entry.dma_len() as usize;
            let piece = start.max(range.start)..end.min(range.end);
            let offset = piece.start - start;
            let address = entry.dma_address() + offset as DmaAddress;
            (!piece.is_empty()).then_some((address, piece.len() as u32))
        })
    }

    /// From now on the device has the memory, with what processes have written.
    ///
    /// The caller sees to it that the driver is bound.
    pub(crate) fn give_to_device(&self) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        // SAFETY: `table` is valid, and mapped for its device in this direction while the driver is
        // bound.
        unsafe {
            let table = self.raw_table();
            bindings::__dma_sync_sg_for_device(
                self.raw_device(),
                (*table).sgl,
                (*table).orig_nents as c_int,
                DataDirection::Bidirectional.into(),
            );
        }
    }

    /// From now on processes have the memory, with what the device has written.
    ///
    /// The caller sees to it that the driver is bound.
    pub(crate) fn take_from_device(&self) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        // SAFETY: As above.
        unsafe {
            let table = self.raw_table();
            bindings::__dma_sync_sg_for_cpu(
                self.raw_device(),
                (*table).sgl,
                (*table).orig_nents as c_int,
                DataDirection::Bidirectional.into(),
            );
        }
    }

    #[cfg(CONFIG_DMA_NEED_SYNC)]
    fn raw_table(&self) -> *const bindings::sg_table {
        // CAST: An `SGTable` is a transparent wrapper of an `Opaque<bindings::sg_table>`.
        ptr::from_ref::<SGTable>(&self.table).cast()
    }

    #[cfg(CONFIG_DMA_NEED_SYNC)]
    fn raw_device(&self) -> *mut bindings::device {
        // CAST: `Device` is a transparent wrapper of an `Opaque<bindings::device>`.
        ptr::from_ref::<Device>(&self.device).cast_mut().cast()
    }

    /// Silence, also where the last user has left something.
    fn clear(&self, _alone: &Taken) -> Result {
        for page in &self.pages {
            // SAFETY: The page is valid as long as the buffer.
            let page = unsafe { BorrowedPage::from_raw(*page) };
            // SAFETY: Who has just got the buffer has not mapped it yet, and what others had mapped
            // is gone with their files; nor does the device use it for them any more.
            unsafe { page.fill_zero_raw(0, PAGE_SIZE)? };
        }
        Ok(())
    }
}

/// The buffer, as one file sees it: its own from the first use on, until the file is closed.
#[pin_data]
pub(crate) struct BufferOfFile {
    buffer: Arc<DmaBuffer>,
    #[pin]
    taken: Mutex<Option<Taken>>,
}

impl BufferOfFile {
    pub(crate) fn new(buffer: Arc<DmaBuffer>) -> impl PinInit<Self> {
        pin_init!(Self {
            buffer,
            taken <- new_mutex!(None),
        })
    }

    /// The buffer; [`EBUSY`] if another file has it.
    pub(crate) fn take(&self) -> Result<&DmaBuffer> {
        let mut taken = self.taken.lock();
        if taken.is_none() {
            let alone = self.buffer.user.take()?;
            self.buffer.clear(&alone)?;
            *taken = Some(alone);
        }
        Ok(&self.buffer)
    }
}
