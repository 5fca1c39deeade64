//! Registers of a PCI function, reached through the file that sysfs has for each of its BARs, which needs no driver, or
//! through the driver's `/dev/pwm-audio0`.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::str::FromStr;

use crate::register_map::REGISTERS;
use crate::system_calls::{DeviceMemory, Sharing};

/// The size of the PWM/audio block's registers.
pub(crate) const BLOCK_BYTES: usize = 0x1000;

/// A register of the PWM/audio block.
#[derive(Debug)]
pub(crate) struct NamedRegister {
    /// The full name, `PERIPHERAL.REGISTER`.
    pub(crate) name: &'static str,
    /// Bytes from the start of the BAR.
    pub(crate) offset: usize,
    pub(crate) width_bytes: usize,
}

/// One access to a register, as `REGISTER` (a read) or `REGISTER=VALUE` (a write). The register is a name such as
/// `AUDIO.STATUS`, or `OFFSET:BYTES`; numbers are decimal, or hexadecimal after `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    offset: usize,
    width_bytes: usize,
    value: Option<u64>,
}

/// Something that is no [`Operation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseOperationError {
    /// Neither a register nor an assignment to one.
    #[error(
        "expected a register or REGISTER=VALUE, where a register is a name or OFFSET:BYTES with 1, 2, 4 or 8 bytes at a \
         multiple of them, found {0:?}"
    )]
    Malformed(String),
    /// No register has this name.
    #[error("no register is called {name}; {known}")]
    UnknownRegister {
        /// What was asked for.
        name: String,
        /// Those that there are: of its peripheral, or else the peripherals.
        known: String,
    },
}

impl Operation {
    /// Whether it is a write.
    pub fn is_write(&self) -> bool {
        self.value.is_some()
    }
}

impl FromStr for Operation {
    type Err = ParseOperationError;

    fn from_str(text: &str) -> Result<Self, ParseOperationError> {
        let malformed = || ParseOperationError::Malformed(text.to_owned());
        let (register, value) = text.split_once('=').map_or((text, None), |(register, value)| (register, Some(value)));
        let value = value.map(|value| number(value).ok_or_else(malformed)).transpose()?;
        let (offset, width_bytes) = if register.starts_with(|first: char| first.is_ascii_alphabetic()) {
            named(register)?
        } else {
            numbered(register).ok_or_else(malformed)?
        };
        Ok(Self { offset, width_bytes, value })
    }
}

/// Offset and width of the register called `name`.
fn named(name: &str) -> Result<(usize, usize), ParseOperationError> {
    if let Some(register) = REGISTERS.iter().find(|register| register.name == name) {
        return Ok((register.offset, register.width_bytes));
    }
    let full_names = || REGISTERS.iter().filter_map(|register| register.name.split_once('.'));
    let peripheral = name.split('.').next().unwrap_or_default();
    let inside: Vec<&str> = full_names().filter(|(other, _)| *other == peripheral).map(|(_, name)| name).collect();
    let known = if inside.is_empty() {
        let mut peripherals: Vec<&str> = full_names().map(|(peripheral, _)| peripheral).collect();
        peripherals.dedup();
        format!("names are PERIPHERAL.REGISTER, with the peripherals {}", peripherals.join(", "))
    } else {
        format!("{peripheral} has {}", inside.join(", "))
    };
    Err(ParseOperationError::UnknownRegister { name: name.to_owned(), known })
}

/// Offset and width of `OFFSET:BYTES`.
fn numbered(text: &str) -> Option<(usize, usize)> {
    let (offset, width) = text.split_once(':')?;
    let (offset, width_bytes) = (number(offset)?.try_into().ok()?, number(width)?.try_into().ok()?);
    let fits = matches!(width_bytes, 1 | 2 | 4 | 8) && usize::is_multiple_of(offset, width_bytes);
    fits.then_some((offset, width_bytes))
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
    /// Maps a BAR by its file, such as `/sys/bus/pci/devices/0000:00:02.0/resource0`, whose function must be enabled, or
    /// the registers of a device of the driver by its path.
    pub fn open(path: &Path, sharing: Sharing) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(sharing == Sharing::ReadWrite).open(path)?;
        let metadata = file.metadata()?;
        let length_bytes = if metadata.file_type().is_char_device() {
            BLOCK_BYTES
        } else {
            usize::try_from(metadata.len()).map_err(io::Error::other)?
        };
        Ok(Self::new(DeviceMemory::map(&file, 0, length_bytes, sharing)?, length_bytes))
    }

    /// A BAR that is mapped.
    pub(crate) fn new(memory: DeviceMemory, length_bytes: usize) -> Self {
        Self { memory, length_bytes }
    }

    /// Does one access and returns what a read gave.
    pub fn perform(&mut self, operation: Operation) -> io::Result<Option<u64>> {
        let Operation { offset, width_bytes, value } = operation;
        let Some(value) = value else { return self.read(offset, width_bytes).map(Some) };
        self.write(offset, width_bytes, value).map(|()| None)
    }

    /// Reads `width_bytes` bytes, 1, 2, 4 or 8, at a multiple of them.
    pub fn read(&mut self, offset: usize, width_bytes: usize) -> io::Result<u64> {
        self.check(offset, width_bytes)?;
        Ok(self.memory.read_register(offset, width_bytes))
    }

    /// Writes the lowest `width_bytes` bytes of `value`, as [`Self::read`] reads them.
    pub fn write(&mut self, offset: usize, width_bytes: usize, value: u64) -> io::Result<()> {
        self.check(offset, width_bytes)?;
        if !self.memory.is_writable() {
            return Err(io::Error::other("the registers are mapped to be read only"));
        }
        self.memory.write_register(offset, width_bytes, value);
        Ok(())
    }

    fn check(&self, offset: usize, width_bytes: usize) -> io::Result<()> {
        if offset.checked_add(width_bytes).is_some_and(|end| end <= self.length_bytes) {
            return Ok(());
        }
        let bytes = self.length_bytes;
        Err(io::Error::other(format!("the BAR has {bytes:#x} bytes: {width_bytes} at {offset:#x} are outside")))
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
            assert_eq!(wrong.parse::<Operation>(), Err(ParseOperationError::Malformed(wrong.to_owned())));
        }
    }

    #[test]
    fn registers_have_names() {
        let operation = |offset, width_bytes, value| Ok(Operation { offset, width_bytes, value });
        assert_eq!("TX.STATUS".parse(), operation(0x44c, 4, None));
        assert_eq!("SYSTEM.SCRATCH=0x11223344".parse(), operation(0x008, 4, Some(0x1122_3344)));
        assert_eq!("PWM3.DUTY".parse(), operation(0x168, 4, None));
        assert!(matches!("TX.STATUS=x".parse::<Operation>(), Err(ParseOperationError::Malformed(_))));
        let refused = |text: &str| text.parse::<Operation>().unwrap_err().to_string();
        assert_eq!(
            refused("PWM2.STATUS=1"),
            "no register is called PWM2.STATUS; PWM2 has CONTROL, PERIOD, DUTY, COUNTER, PHASE, DEAD_TIME, COUNT, PERIODS"
        );
        assert_eq!(
            refused("STATUS"),
            "no register is called STATUS; names are PERIPHERAL.REGISTER, with the peripherals SYSTEM, PWM0, PWM1, PWM2, \
             PWM3, PWM4, PWM5, PWM6, PWM7, PWM_GROUP, CAPTURE, CONVERTER, TX, RX"
        );
    }

    #[test]
    fn accesses_have_their_width_and_stay_inside() {
        let path = std::env::temp_dir().join(format!("softboard-registers-{}", std::process::id()));
        std::fs::write(&path, [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]).unwrap();
        let mut bar = RegisterBar::open(&path, Sharing::ReadWrite).unwrap();
        let mut perform = |operation: &str| bar.perform(operation.parse().unwrap());
        assert_eq!(perform("1:1").unwrap(), Some(0x22));
        assert_eq!(perform("2:2=0xaabb").unwrap(), None);
        assert_eq!(perform("0:4").unwrap(), Some(0xaabb_2211));
        assert_eq!(perform("0:8").unwrap(), Some(0x8877_6655_aabb_2211));
        assert!(perform("8:1").unwrap_err().to_string().contains("0x8 bytes"));
        let mut bar = RegisterBar::open(&path, Sharing::ReadOnly).unwrap();
        assert_eq!(bar.read(0, 2).unwrap(), 0x2211);
        assert!(bar.write(0, 2, 0).unwrap_err().to_string().contains("read only"));
        std::fs::remove_file(&path).unwrap();
    }
}
