//! Registers of a PCI function, reached through the file that sysfs has for each of its BARs: no driver is needed.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;

use crate::system_calls::DeviceMemory;

/// One access to a register, as `OFFSET:BYTES` (a read) or `OFFSET:BYTES=VALUE` (a write); numbers are decimal, or
/// hexadecimal after `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    offset: usize,
    width_bytes: usize,
    value: Option<u64>,
}

/// Something that is no [`Operation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected OFFSET:BYTES or OFFSET:BYTES=VALUE with 1, 2, 4 or 8 bytes at a multiple of them, found {0:?}")]
pub struct ParseOperationError(String);

impl FromStr for Operation {
    type Err = ParseOperationError;

    fn from_str(text: &str) -> Result<Self, ParseOperationError> {
        let parse = || {
            let (address, value) = text.split_once('=').map_or((text, None), |(address, value)| (address, Some(value)));
            let (offset, width) = address.split_once(':')?;
            let (offset, width_bytes) = (number(offset)?.try_into().ok()?, number(width)?.try_into().ok()?);
            let value = value.map(|value| number(value).ok_or(())).transpose().ok()?;
            let fits = matches!(width_bytes, 1 | 2 | 4 | 8) && usize::is_multiple_of(offset, width_bytes);
            fits.then_some(Self { offset, width_bytes, value })
        };
        parse().ok_or_else(|| ParseOperationError(text.to_owned()))
    }
}

fn number(text: &str) -> Option<u64> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
}

/// A BAR with registers, mapped.
#[derive(Debug)]
pub struct RegisterBar {
    memory: DeviceMemory,
    length_bytes: usize,
}

impl RegisterBar {
    /// Maps a BAR by its file, such as `/sys/bus/pci/devices/0000:00:02.0/resource0`. The function must be enabled.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length_bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok(Self { memory: DeviceMemory::map(&file, length_bytes)?, length_bytes })
    }

    /// Does one access and returns what a read gave.
    pub fn perform(&mut self, operation: Operation) -> io::Result<Option<u64>> {
        let Operation { offset, width_bytes, value } = operation;
        if offset.checked_add(width_bytes).is_none_or(|end| end > self.length_bytes) {
            let bytes = self.length_bytes;
            return Err(io::Error::other(format!(
                "the BAR has {bytes:#x} bytes: {width_bytes} at {offset:#x} are outside"
            )));
        }
        if let Some(value) = value {
            self.memory.write_register(offset, width_bytes, value);
            return Ok(None);
        }
        Ok(Some(self.memory.read_register(offset, width_bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_reads_or_writes() {
        let operation = |offset, width_bytes, value| Ok(Operation { offset, width_bytes, value });
        assert_eq!("0x44c:4".parse(), operation(0x44c, 4, None));
        assert_eq!("8:4=0xcafe".parse(), operation(8, 4, Some(0xcafe)));
        for wrong in ["", "8", "8:", "8:3", "2:4", "8:4=", "8:4=x", "-8:4", "0x:4"] {
            assert_eq!(wrong.parse::<Operation>(), Err(ParseOperationError(wrong.to_owned())));
        }
    }

    #[test]
    fn accesses_have_their_width_and_stay_inside() {
        let path = std::env::temp_dir().join(format!("softboard-registers-{}", std::process::id()));
        std::fs::write(&path, [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]).unwrap();
        let mut bar = RegisterBar::open(&path).unwrap();
        let mut perform = |operation: &str| bar.perform(operation.parse().unwrap());
        assert_eq!(perform("1:1").unwrap(), Some(0x22));
        assert_eq!(perform("2:2=0xaabb").unwrap(), None);
        assert_eq!(perform("0:4").unwrap(), Some(0xaabb_2211));
        assert_eq!(perform("0:8").unwrap(), Some(0x8877_6655_aabb_2211));
        assert!(perform("8:1").unwrap_err().to_string().contains("0x8 bytes"));
        std::fs::remove_file(&path).unwrap();
    }
}
