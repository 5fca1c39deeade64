//! Memory of a device that the guest maps directly: no access to it is trapped.

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

/// A piece of memory shared with the guest through a file descriptor.
///
/// The guest may write at any time, so it is read and written through `vm-memory`'s volatile slices only.
#[derive(Clone, Debug)]
pub struct SampleWindow {
    file: Arc<File>,
    region: Arc<MmapRegion>,
}

impl SampleWindow {
    /// Takes `bytes` of zeroed memory.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let file = File::from(memfd_create("softboard-sample-window", MemfdFlags::CLOEXEC)?);
        ftruncate(&file, bytes as u64)?;
        let file = Arc::new(file);
        let region = MmapRegion::from_file(FileOffset::from_arc(Arc::clone(&file), 0), bytes)
            .map_err(|error| io::Error::other(format!("cannot map the sample window of {bytes} bytes: {error}")))?;
        Ok(Self { file, region: Arc::new(region) })
    }

    /// The descriptor that a client maps.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.region.size()
    }

    /// Reads from `offset` as far as the window goes; gives the number of bytes read.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> usize {
        usize::try_from(offset).map_or(0, |offset| self.region.as_volatile_slice().read(data, offset).unwrap_or(0))
    }

    /// Writes at `offset` as far as the window goes; gives the number of bytes written.
    pub fn write(&self, offset: u64, data: &[u8]) -> usize {
        usize::try_from(offset).map_or(0, |offset| self.region.as_volatile_slice().write(data, offset).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_stop_at_the_end() {
        let window = SampleWindow::new(4096).expect("memory");
        assert_eq!(window.write(4094, &[1, 2, 3, 4]), 2);
        let mut data = [0; 4];
        assert_eq!(window.read(4092, &mut data), 4);
        assert_eq!(data, [0, 0, 1, 2]);
        assert_eq!(window.read(4096, &mut data), 0);
        assert_eq!(window.write(u64::MAX, &[1]), 0);
    }
}
