//! The guest memory that a client shares with the device.

use std::fs::File;
use std::sync::Arc;

use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap, GuestMemoryRegion, GuestRegionMmap, MmapRegion};

/// Why a mapping is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DmaMapError {
    /// The range has no bytes or wraps around.
    #[error("DMA range {address:#x} + {size:#x} has no bytes or goes past the last address")]
    Range {
        /// First address.
        address: u64,
        /// Size in bytes.
        size: u64,
    },
    /// The range is mapped already.
    #[error("DMA range {address:#x} + {size:#x} overlaps one that is mapped")]
    Overlap {
        /// First address.
        address: u64,
        /// Size in bytes.
        size: u64,
    },
    /// Nothing is mapped with these bounds.
    #[error("DMA range {address:#x} + {size:#x} is not mapped with these bounds")]
    NotMapped {
        /// First address.
        address: u64,
        /// Size in bytes.
        size: u64,
    },
    /// The descriptor does not have the bytes that the range claims, or cannot be mapped.
    #[error("DMA range {address:#x} + {size:#x} cannot be mapped from its descriptor at {offset:#x}: {reason}")]
    Descriptor {
        /// First address.
        address: u64,
        /// Size in bytes.
        size: u64,
        /// Where in the descriptor it should begin.
        offset: u64,
        /// Why not.
        reason: String,
    },
}

/// Every range that is mapped: those that came with a descriptor as memory, the others (ROM, mapped BARs) by their bounds.
#[derive(Debug, Default)]
pub struct DmaMappings {
    memory: GuestMemoryMmap,
    without_descriptor: Vec<(u64, u64)>,
}

impl DmaMappings {
    /// The memory that can be reached.
    pub fn memory(&self) -> &GuestMemoryMmap {
        &self.memory
    }

    /// Adds `size` bytes at guest address `address`, from `descriptor` (a file and the offset in it) if there is one.
    pub fn map(&mut self, address: u64, size: u64, descriptor: Option<(File, u64)>) -> Result<(), DmaMapError> {
        let end = address.checked_add(size).filter(|_| size > 0).ok_or(DmaMapError::Range { address, size })?;
        let overlap = DmaMapError::Overlap { address, size };
        if self.without_descriptor.iter().any(|&(other, bytes)| address < other + bytes && other < end) {
            return Err(overlap);
        }
        let Some((file, offset)) = descriptor else {
            if self.overlaps_memory(address, end) {
                return Err(overlap);
            }
            self.without_descriptor.push((address, size));
            return Ok(());
        };
        let refused = |reason| DmaMapError::Descriptor { address, size, offset, reason };
        let available = file.metadata().map_err(|error| refused(error.to_string()))?.len();
        if offset.checked_add(size).is_none_or(|needed| needed > available) {
            return Err(refused(format!("it has {available:#x} bytes")));
        }
        let bytes = usize::try_from(size).map_err(|error| refused(error.to_string()))?;
        let region =
            MmapRegion::from_file(FileOffset::new(file, offset), bytes).map_err(|error| refused(error.to_string()))?;
        let region = GuestRegionMmap::new(region, GuestAddress(address)).ok_or(DmaMapError::Range { address, size })?;
        self.memory = self.memory.insert_region(Arc::new(region)).map_err(|_| overlap)?;
        Ok(())
    }

    fn overlaps_memory(&self, address: u64, end: u64) -> bool {
        use vm_memory::GuestMemoryBackend;
        self.memory.iter().any(|region| address <= region.last_addr().0 && region.start_addr().0 < end)
    }

    /// Removes a range; the bounds must be those it was added with.
    pub fn unmap(&mut self, address: u64, size: u64) -> Result<(), DmaMapError> {
        if let Some(index) = self.without_descriptor.iter().position(|&range| range == (address, size)) {
            self.without_descriptor.swap_remove(index);
            return Ok(());
        }
        let (memory, _) = self
            .memory
            .remove_region(GuestAddress(address), size)
            .map_err(|_| DmaMapError::NotMapped { address, size })?;
        self.memory = memory;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    use vm_memory::Bytes;

    use super::*;

    fn memory(bytes: u64) -> File {
        let file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).expect("memfd"));
        ftruncate(&file, bytes).expect("size");
        file
    }

    #[test]
    fn what_the_client_writes_is_seen_until_it_unmaps() {
        use std::os::unix::fs::FileExt;

        let (file, mut mappings) = (memory(0x3000), DmaMappings::default());
        mappings.map(0x10_0000, 0x2000, Some((file.try_clone().expect("clone"), 0x1000))).expect("map");
        file.write_all_at(b"frames", 0x1ffa).expect("write");
        let mut seen = [0; 6];
        mappings.memory().read_slice(&mut seen, GuestAddress(0x10_0ffa)).expect("mapped");
        assert_eq!(&seen, b"frames");
        mappings.unmap(0x10_0000, 0x2000).expect("unmap");
        assert!(mappings.memory().read_slice(&mut seen, GuestAddress(0x10_0ffa)).is_err());
    }

    #[test]
    fn overlaps_are_refused_with_and_without_descriptor() {
        let mut mappings = DmaMappings::default();
        mappings.map(0x1000, 0x1000, Some((memory(0x1000), 0))).expect("memory");
        mappings.map(0x2000, 0x1000, None).expect("bounds");
        for (address, size) in [(0x1fff, 1), (0x0, 0x1001), (0x2fff, 0x1000), (0x1000, 0x2000)] {
            let overlap = DmaMapError::Overlap { address, size };
            assert_eq!(mappings.map(address, size, None), Err(overlap));
            let with_descriptor = mappings.map(address, size, Some((memory(0x4000), 0)));
            assert_eq!(with_descriptor, Err(DmaMapError::Overlap { address, size }));
        }
        mappings.map(0x3000, 0x1000, None).expect("adjacent");
    }

    #[test]
    fn bounds_that_cannot_be_are_refused() {
        let mut mappings = DmaMappings::default();
        for (address, size) in [(0, 0), (u64::MAX, 1), (1, u64::MAX)] {
            assert_eq!(mappings.map(address, size, None), Err(DmaMapError::Range { address, size }));
        }
        for offset in [1, u64::MAX] {
            let result = mappings.map(0, 0x1000, Some((memory(0x1000), offset)));
            assert!(matches!(result, Err(DmaMapError::Descriptor { .. })), "{result:?}");
        }
        assert_eq!(mappings.unmap(0, 0x1000), Err(DmaMapError::NotMapped { address: 0, size: 0x1000 }));
    }
}
