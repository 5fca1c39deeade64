//! One bus access, as it arrives at a device.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The part of a PCI function that an access goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// A base address register's memory, 0 to 5.
    Bar(u8),
    /// The configuration space.
    Config,
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bar(index) => write!(formatter, "BAR{index}"),
            Self::Config => formatter.write_str("config space"),
        }
    }
}

/// Which way the data of an access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the device to the guest.
    Read,
    /// From the guest to the device.
    Write,
}

/// How many bytes a register access carries: 1, 2, 4 or 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(u8);

/// A number of bytes that no single bus access has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a register access has 1, 2, 4 or 8 bytes, not {0}")]
pub struct InvalidWidth(pub usize);

impl Width {
    /// 1 byte.
    pub const BYTE: Self = Self(1);
    /// 2 bytes.
    pub const HALF: Self = Self(2);
    /// 4 bytes.
    pub const WORD: Self = Self(4);
    /// 8 bytes.
    pub const DOUBLE: Self = Self(8);

    /// The number of bytes.
    pub fn bytes(self) -> usize {
        usize::from(self.0)
    }
}

impl TryFrom<usize> for Width {
    type Error = InvalidWidth;

    fn try_from(bytes: usize) -> Result<Self, InvalidWidth> {
        match bytes {
            1 => Ok(Self::BYTE),
            2 => Ok(Self::HALF),
            4 => Ok(Self::WORD),
            8 => Ok(Self::DOUBLE),
            other => Err(InvalidWidth(other)),
        }
    }
}

/// One bus access with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where it went.
    pub region: Region,
    /// Which way.
    pub direction: Direction,
    /// Bytes from the start of the region.
    pub offset: u64,
    /// How wide.
    pub width: Width,
    /// What was written, or what the device answered; little endian, zero extended.
    pub value: u64,
    /// What the registers' bytes were before: of a read, as the bus knew them from the accesses before it; of a write,
    /// as the block had them.
    pub old: u64,
    /// What they are now; of a read, its value.
    pub new: u64,
}

impl Access {
    /// Where and how, without the values.
    pub(crate) fn place(&self) -> (Region, Direction, u64, Width) {
        (self.region, self.direction, self.offset, self.width)
    }
}
