//! Memory that is shared with the device: the sample window, `/dev/pwm-audio-window0`, and the DMA buffer of
//! `/dev/pwm-audio0`.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use crate::system_calls::{DeviceMemory, Sharing};

/// Where the driver's first sample window is.
pub const WINDOW_PATH: &str = "/dev/pwm-audio-window0";

/// The size of the sample window, and of the DMA buffer, in bytes.
pub const MEMORY_BYTES: usize = 64 * 1024;

/// [`MEMORY_BYTES`] of memory shared with the device.
///
/// When the driver is unbound it goes away: the next access ends the process with SIGBUS.
#[derive(Debug)]
pub struct SharedMemory {
    memory: DeviceMemory,
}

/// A range that is not inside the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a range inside the memory of {MEMORY_BYTES} bytes, found {length_bytes} bytes at offset {offset}")]
pub struct OutsideMemory {
    offset: usize,
    length_bytes: usize,
}

impl SharedMemory {
    /// Memory that is mapped, and writable.
    pub(crate) fn new(memory: DeviceMemory) -> Self {
        Self { memory }
    }

    /// Maps the sample window, [`WINDOW_PATH`].
    ///
    /// Fails with `EBUSY` when it is mapped already, and with `ENOENT` when the driver is not loaded or found no window.
    pub fn open_window() -> io::Result<Self> {
        Self::open_window_path(Path::new(WINDOW_PATH))
    }

    /// Maps a sample window of the driver by its path.
    pub fn open_window_path(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self::new(DeviceMemory::map(&file, 0, MEMORY_BYTES, Sharing::ReadWrite)?))
    }

    /// Copies bytes out of it.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), OutsideMemory> {
        check_range(offset, bytes.len())?;
        self.memory.read(offset, bytes);
        Ok(())
    }

    /// Copies bytes into it.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), OutsideMemory> {
        check_range(offset, bytes.len())?;
        self.memory.write(offset, bytes);
        Ok(())
    }
}

fn check_range(offset: usize, length_bytes: usize) -> Result<(), OutsideMemory> {
    match offset.checked_add(length_bytes) {
        Some(end) if end <= MEMORY_BYTES => Ok(()),
        _ => Err(OutsideMemory { offset, length_bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_ends_where_it_ends() {
        assert!(check_range(0, MEMORY_BYTES).is_ok());
        assert!(check_range(MEMORY_BYTES, 0).is_ok());
        assert!(check_range(1, MEMORY_BYTES).is_err());
        assert!(check_range(usize::MAX, 2).is_err());
    }

    #[test]
    fn memory_is_shared_with_the_file_behind_it() {
        let path = std::env::temp_dir().join(format!("softboard-window-{}", std::process::id()));
        std::fs::write(&path, vec![7; MEMORY_BYTES]).unwrap();
        let mut window = SharedMemory::open_window_path(&path).unwrap();
        window.write(MEMORY_BYTES - 2, &[1, 2]).unwrap();
        let mut read = [0; 3];
        window.read(MEMORY_BYTES - 3, &mut read).unwrap();
        let content = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read, [7, 1, 2]);
        assert_eq!(content[MEMORY_BYTES - 3..], [7, 1, 2]);
    }
}
