//! The guest memory that a client shares with the device.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use device::DmaFailure;
use rustix::fs::{OFlags, fcntl_getfl};

use crate::protocol::{Dma, MAXIMUM_DMA_MAPS};

/// Mappings begin and end at multiples of this.
const PAGE_BYTES: u64 = 4096;

/// Why a mapping is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DmaMapError {
    /// The range has no bytes, wraps around or does not consist of pages.
    #[error(
        "DMA range {address:#x} + {size_bytes:#x}: expected whole pages of {PAGE_BYTES} bytes below 2^64, one or more"
    )]
    Range {
        /// First address.
        address: u64,
        /// Size in bytes.
        size_bytes: u64,
    },
    /// The range is mapped already.
    #[error("DMA range {address:#x} + {size_bytes:#x} overlaps one that is mapped")]
    Overlap {
        /// First address.
        address: u64,
        /// Size in bytes.
        size_bytes: u64,
    },
    /// Nothing is mapped with these bounds.
    #[error("DMA range {address:#x} + {size_bytes:#x} is not mapped with these bounds")]
    NotMapped {
        /// First address.
        address: u64,
        /// Size in bytes.
        size_bytes: u64,
    },
    /// There are as many mappings as there may be.
    #[error("there are {MAXIMUM_DMA_MAPS} DMA ranges, which is as many as there may be; unmap one first")]
    TooMany,
    /// The descriptor does not have the bytes that the range claims, or is no memory.
    #[error("DMA range {address:#x} + {size_bytes:#x} from offset {offset:#x} of its descriptor: {reason}")]
    Descriptor {
        /// First address.
        address: u64,
        /// Size in bytes.
        size_bytes: u64,
        /// Where in the descriptor it should begin.
        offset: u64,
        /// Why not.
        reason: String,
    },
}

/// Why the device cannot reach guest memory.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DmaError {
    /// No mapping has the address.
    #[error("DMA at {address:#x}: nothing is mapped there")]
    NotMapped {
        /// The address.
        address: u64,
    },
    /// The mapping is for the other direction only.
    #[error("DMA at {address:#x}: the client has mapped this for {allowed} only")]
    NotAllowed {
        /// The address.
        address: u64,
        /// What it may be used for.
        allowed: &'static str,
    },
    /// The memory has no descriptor: it is reached by message, which takes its time.
    #[error("DMA at {address:#x}: this memory came without a descriptor and is reached by message only")]
    NoDescriptor {
        /// The address.
        address: u64,
    },
    /// The client's file is not what it was, or never was memory.
    #[error("DMA at {address:#x}: the client's file cannot be accessed: {reason}")]
    File {
        /// The address.
        address: u64,
        /// What the system said.
        reason: String,
    },
    /// The client answered with an error.
    #[error("DMA at {address:#x}: the client answered with error number {errno}")]
    Refused {
        /// The address.
        address: u64,
        /// The client's errno.
        errno: u32,
    },
    /// The client went, or did not answer in time, or answered something else.
    #[error("DMA at {address:#x}: {reason}")]
    Unanswered {
        /// The address.
        address: u64,
        /// What happened.
        reason: String,
    },
}

impl From<DmaError> for DmaFailure {
    fn from(error: DmaError) -> Self {
        match error {
            DmaError::NotMapped { .. } => Self::NotMapped,
            DmaError::NotAllowed { .. } => Self::NotAllowed,
            DmaError::NoDescriptor { .. }
            | DmaError::File { .. }
            | DmaError::Refused { .. }
            | DmaError::Unanswered { .. } => Self::Failed,
        }
    }
}

/// Which way a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    FromClient,
    ToClient,
}

#[derive(Debug)]
struct Mapping {
    size_bytes: u64,
    readable: bool,
    writable: bool,
    file: Option<(File, u64)>,
}

/// The part of a transfer that lies in one mapping.
pub(crate) struct Piece<'mappings> {
    /// The client's file and where in it this is; none: to be asked for by message.
    pub(crate) file: Option<(&'mappings File, u64)>,
    pub(crate) bytes: usize,
}

/// Every range that is mapped.
///
/// Memory that came with a descriptor is read and written through it, not mapped: a client that cuts its file short
/// makes an error of the transfer then, where a mapping would end the process.
#[derive(Debug, Default)]
pub struct DmaMappings {
    by_address: BTreeMap<u64, Mapping>,
}

impl DmaMappings {
    /// The number of ranges that are mapped.
    pub fn count(&self) -> usize {
        self.by_address.len()
    }

    /// Adds a range, from `file` (and the offset in it) if there is one.
    pub(crate) fn map(
        &mut self,
        Dma { address, size_bytes }: Dma,
        readable: bool,
        writable: bool,
        file: Option<(File, u64)>,
    ) -> Result<(), DmaMapError> {
        let range = DmaMapError::Range { address, size_bytes };
        let pages = address.is_multiple_of(PAGE_BYTES) && size_bytes.is_multiple_of(PAGE_BYTES) && size_bytes > 0;
        // The last byte may be the last one there is.
        let last = address.checked_add(size_bytes.wrapping_sub(1)).filter(|_| pages).ok_or(range)?;
        let before = self.by_address.range(..=last).next_back();
        if before.is_some_and(|(start, mapping)| start + (mapping.size_bytes - 1) >= address) {
            return Err(DmaMapError::Overlap { address, size_bytes });
        }
        if self.count() >= MAXIMUM_DMA_MAPS {
            return Err(DmaMapError::TooMany);
        }
        if let Some((file, offset)) = &file {
            let refused = |reason| DmaMapError::Descriptor { address, size_bytes, offset: *offset, reason };
            let metadata = file.metadata().map_err(|error| refused(error.to_string()))?;
            if !metadata.is_file() {
                return Err(refused("expected a file of memory".to_owned()));
            }
            let mode = fcntl_getfl(file).map_err(|error| refused(error.to_string()))? & OFlags::ACCMODE;
            if readable && mode == OFlags::WRONLY || writable && mode == OFlags::RDONLY {
                return Err(refused("expected a file that is open for what the range is for".to_owned()));
            }
            if !offset.is_multiple_of(PAGE_BYTES) {
                return Err(refused(format!("expected an offset that is a multiple of {PAGE_BYTES}")));
            }
            let available = metadata.len();
            if offset.checked_add(size_bytes).is_none_or(|needed| needed > available) {
                return Err(refused(format!("it has {available:#x} bytes")));
            }
        }
        self.by_address.insert(address, Mapping { size_bytes, readable, writable, file });
        Ok(())
    }

    /// Removes a range; the bounds must be those it was added with.
    pub(crate) fn unmap(&mut self, Dma { address, size_bytes }: Dma) -> Result<(), DmaMapError> {
        let exact = self.by_address.get(&address).is_some_and(|mapping| mapping.size_bytes == size_bytes);
        if !exact {
            return Err(DmaMapError::NotMapped { address, size_bytes });
        }
        self.by_address.remove(&address);
        Ok(())
    }

    /// Removes every range.
    pub(crate) fn clear(&mut self) {
        self.by_address.clear();
    }

    /// Reads guest memory that came with a descriptor.
    pub fn read(&self, address: u64, data: &mut [u8]) -> Result<(), DmaError> {
        self.through_files(address, data.len(), Direction::FromClient, |file, offset, part, at| {
            read_file(file, offset, &mut data[part], at)
        })
    }

    /// Writes guest memory that came with a descriptor.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), DmaError> {
        self.through_files(address, data.len(), Direction::ToClient, |file, offset, part, at| {
            write_file(file, offset, &data[part], at)
        })
    }

    /// Whether all of the range can be transferred, before any of it is: gives whether it can be through files.
    pub(crate) fn check(&self, address: u64, bytes: usize, direction: Direction) -> Result<bool, DmaError> {
        let (mut done, mut by_file) = (0, true);
        while done < bytes {
            let piece = self.piece(address.wrapping_add(done as u64), bytes - done, direction)?;
            by_file &= piece.file.is_some();
            done += piece.bytes;
        }
        Ok(by_file)
    }

    /// Calls `transfer` for the part of the `bytes` bytes at `address` that lies in each mapping: with its file, the
    /// offset there, the part, and the address that the part begins at.
    fn through_files(
        &self,
        address: u64,
        bytes: usize,
        direction: Direction,
        mut transfer: impl FnMut(&File, u64, Range<usize>, u64) -> Result<(), DmaError>,
    ) -> Result<(), DmaError> {
        let mut done = 0;
        while done < bytes {
            let at = address.wrapping_add(done as u64);
            let piece = self.piece(at, bytes - done, direction)?;
            let (file, offset) = piece.file.ok_or(DmaError::NoDescriptor { address: at })?;
            transfer(file, offset, done..done + piece.bytes, at)?;
            done += piece.bytes;
        }
        Ok(())
    }

    /// The first part of a transfer of `bytes` bytes at `address`: as many as there are in the mapping that has it.
    pub(crate) fn piece(&self, address: u64, bytes: usize, direction: Direction) -> Result<Piece<'_>, DmaError> {
        let found = self.by_address.range(..=address).next_back();
        let inside = found.filter(|(start, mapping)| address - *start < mapping.size_bytes);
        let (start, mapping) = inside.ok_or(DmaError::NotMapped { address })?;
        match direction {
            Direction::FromClient if !mapping.readable => {
                return Err(DmaError::NotAllowed { address, allowed: "writing" });
            }
            Direction::ToClient if !mapping.writable => {
                return Err(DmaError::NotAllowed { address, allowed: "reading" });
            }
            _ => {}
        }
        let distance = address - start;
        let left = usize::try_from(mapping.size_bytes - distance).unwrap_or(usize::MAX);
        let file = mapping.file.as_ref().map(|(file, offset)| (file, offset + distance));
        Ok(Piece { file, bytes: bytes.min(left) })
    }
}

/// Reads a client's file; what it has no longer is an error.
pub(crate) fn read_file(file: &File, offset: u64, data: &mut [u8], address: u64) -> Result<(), DmaError> {
    file.read_exact_at(data, offset).map_err(|error| DmaError::File { address, reason: error.to_string() })
}

/// Writes a client's file, never past its end: that would make it longer.
pub(crate) fn write_file(file: &File, offset: u64, data: &[u8], address: u64) -> Result<(), DmaError> {
    let failed = |reason: String| DmaError::File { address, reason };
    let available = file.metadata().map_err(|error| failed(error.to_string()))?.len();
    if offset.saturating_add(data.len() as u64) > available {
        return Err(failed(format!("it has {available:#x} bytes now")));
    }
    file.write_all_at(data, offset).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    fn memory(bytes: u64) -> File {
        let file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).expect("memfd"));
        ftruncate(&file, bytes).expect("size");
        file
    }

    fn range(address: u64, size_bytes: u64) -> Dma {
        Dma { address, size_bytes }
    }

    #[test]
    fn what_the_client_writes_is_seen_until_it_unmaps() {
        let (file, mut mappings) = (memory(0x3000), DmaMappings::default());
        let shared = file.try_clone().expect("clone");
        mappings.map(range(0x10_0000, 0x2000), true, true, Some((shared, 0x1000))).expect("map");
        file.write_all_at(b"frames", 0x1ffa).expect("write");
        let mut seen = [0; 6];
        mappings.read(0x10_0ffa, &mut seen).expect("mapped");
        assert_eq!(&seen, b"frames");
        mappings.write(0x10_1ffa, b"device").expect("mapped");
        file.read_exact_at(&mut seen, 0x2ffa).expect("read");
        assert_eq!(&seen, b"device");
        assert_eq!(mappings.read(0x10_1ffb, &mut seen), Err(DmaError::NotMapped { address: 0x10_2000 }));
        mappings.unmap(range(0x10_0000, 0x2000)).expect("unmap");
        assert_eq!(mappings.read(0x10_0ffa, &mut seen), Err(DmaError::NotMapped { address: 0x10_0ffa }));
    }

    #[test]
    fn a_transfer_may_cross_adjacent_mappings_of_its_direction() {
        let (low, high, mut mappings) = (memory(0x1000), memory(0x1000), DmaMappings::default());
        mappings.map(range(0x1000, 0x1000), true, true, Some((low, 0))).expect("low");
        mappings.map(range(0x2000, 0x1000), true, false, Some((high, 0))).expect("high");
        mappings.map(range(0x3000, 0x1000), false, true, None).expect("without descriptor");
        let mut data = [1; 4];
        mappings.read(0x1ffe, &mut data).expect("both");
        assert_eq!(data, [0; 4]);
        let refused = mappings.write(0x1ffe, &[1; 4]);
        assert_eq!(refused, Err(DmaError::NotAllowed { address: 0x2000, allowed: "reading" }));
        assert_eq!(mappings.read(0x2fff, &mut data), Err(DmaError::NotAllowed { address: 0x3000, allowed: "writing" }));
        assert_eq!(mappings.write(0x3000, &[1]), Err(DmaError::NoDescriptor { address: 0x3000 }));
    }

    #[test]
    fn a_file_that_was_cut_short_is_an_error_and_stays_short() {
        let (file, mut mappings) = (memory(0x2000), DmaMappings::default());
        mappings.map(range(0, 0x2000), true, true, Some((file.try_clone().expect("clone"), 0))).expect("map");
        ftruncate(&file, 0x1000).expect("cut");
        let mut data = [0; 8];
        for failed in [mappings.read(0x1000, &mut data), mappings.write(0x0ffc, &data)] {
            assert!(matches!(failed, Err(DmaError::File { .. })), "{failed:?}");
        }
        assert_eq!(file.metadata().expect("metadata").len(), 0x1000);
        mappings.write(0x0ff8, &data).expect("what is left");
    }

    #[test]
    fn overlaps_are_refused_with_and_without_descriptor() {
        let mut mappings = DmaMappings::default();
        mappings.map(range(0x2000, 0x2000), true, true, Some((memory(0x2000), 0))).expect("memory");
        mappings.map(range(0x4000, 0x1000), true, true, None).expect("bounds");
        for (address, size_bytes) in [(0x3000, 0x1000), (0x1000, 0x2000), (0x4000, 0x1000), (0x0, 0x8000)] {
            let overlap = Err(DmaMapError::Overlap { address, size_bytes });
            assert_eq!(mappings.map(range(address, size_bytes), true, true, None), overlap);
            let with_descriptor = Some((memory(0x8000), 0));
            assert_eq!(mappings.map(range(address, size_bytes), true, true, with_descriptor), overlap);
        }
        mappings.map(range(0x5000, 0x1000), true, true, None).expect("adjacent");
        mappings.map(range(u64::MAX - 0xfff, 0x1000), true, true, None).expect("the last page there is");
    }

    #[test]
    fn bounds_that_cannot_be_are_refused() {
        let mut mappings = DmaMappings::default();
        for (address, size_bytes) in [(0, 0), (0, 1), (0x800, 0x1000), (u64::MAX - 0xfff, 0x2000)] {
            let refused = mappings.map(range(address, size_bytes), true, true, None);
            assert_eq!(refused, Err(DmaMapError::Range { address, size_bytes }));
        }
        for offset in [1, u64::MAX] {
            let result = mappings.map(range(0, 0x1000), true, true, Some((memory(0x1000), offset)));
            assert!(matches!(result, Err(DmaMapError::Descriptor { .. })), "{result:?}");
        }
        let refused = mappings.unmap(range(0, 0x1000));
        assert_eq!(refused, Err(DmaMapError::NotMapped { address: 0, size_bytes: 0x1000 }));
    }
}
