//! Which guest a board has: its architecture, and which of our kernels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The guest's architecture.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Architecture {
    /// QEMU's `q35`.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// QEMU's `virt`, with the interrupt controller `GICv3` and its ITS.
    #[serde(rename = "arm64")]
    Arm64,
}

/// How the guest's kernel is configured.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelVariant {
    /// Boots fast; one CPU.
    #[default]
    Default,
    /// Looks for a driver's mistakes: locks, memory for DMA, objects that are freed while they are in use; two CPUs. What
    /// it reports fails [`Board::shutdown`](crate::Board::shutdown).
    Debug,
}

/// Which guest a board has. Displayed as `x86_64` or `arm64-debug`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lane {
    /// The guest's architecture.
    pub architecture: Architecture,
    /// How its kernel is configured.
    pub kernel: KernelVariant,
}

/// A name that is none of those expected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct UnknownName {
    expected: &'static str,
    found: String,
}

impl Architecture {
    /// As the kernel's build system calls it: `x86_64` or `arm64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// As Rust calls it (`std::env::consts::ARCH`): `x86_64` or `aarch64`.
    pub fn rust_name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }
}

impl KernelVariant {
    /// `default` or `debug`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Debug => "debug",
        }
    }

    /// The guest's number of CPUs.
    pub fn cpus(self) -> u32 {
        match self {
            Self::Default => 1,
            Self::Debug => 2,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for KernelVariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kernel {
            KernelVariant::Default => self.architecture.fmt(formatter),
            KernelVariant::Debug => write!(formatter, "{}-{}", self.architecture, self.kernel),
        }
    }
}

impl FromStr for Architecture {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let unknown = || UnknownName { expected: "`x86_64` or `arm64`", found: text.to_owned() };
        [Self::X86_64, Self::Arm64].into_iter().find(|known| known.name() == text).ok_or_else(unknown)
    }
}

impl FromStr for KernelVariant {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let unknown = || UnknownName { expected: "`default` or `debug`", found: text.to_owned() };
        [Self::Default, Self::Debug].into_iter().find(|known| known.name() == text).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_have_names() {
        let lane = Lane { architecture: Architecture::Arm64, kernel: KernelVariant::Debug };
        assert_eq!((lane.to_string(), Lane::default().to_string()), ("arm64-debug".to_owned(), "x86_64".to_owned()));
        let json = serde_json::json!({ "architecture": "arm64", "kernel": "debug" });
        assert_eq!(serde_json::to_value(lane).unwrap(), json);
        assert_eq!("x86_64".parse(), Ok(Architecture::X86_64));
        assert_eq!("debug".parse(), Ok(KernelVariant::Debug));
        let unknown = "aarch64".parse::<Architecture>().unwrap_err().to_string();
        assert_eq!(unknown, "expected `x86_64` or `arm64`, found `aarch64`");
        assert!("fast".parse::<KernelVariant>().is_err());
    }
}
