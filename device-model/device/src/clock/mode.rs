//! How device time relates to wall time, and how people write it.

use std::fmt;
use std::str::FromStr;

/// How device time relates to wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Device time is wall time.
    Real,
    /// Device time goes as fast as wall time, times the scale.
    Scaled(Scale),
    /// Device time stands still while the guest is busy and jumps to the next deadline when it is quiet: see
    /// [`Clock::wake`](super::Clock::wake) for the rule. A minute of audio takes as long as the guest needs to supply it.
    Warp,
    /// Device time goes on only when a test says so ([`Device::advance_to`](crate::Device::advance_to)). Accesses take
    /// none.
    Manual,
}

/// Device seconds a wall second: 0.000001 to 1,000,000, exact to the sixth decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    millionths: u64,
}

impl Scale {
    /// Device time is wall time.
    pub const ONE: Self = Self { millionths: 1_000_000 };

    const MAXIMUM_MILLIONTHS: u64 = 1_000_000_000_000;

    /// So many millionths of a device second a wall second: 1 to 10^12, or none.
    pub fn from_millionths(millionths: u64) -> Option<Self> {
        (1..=Self::MAXIMUM_MILLIONTHS).contains(&millionths).then_some(Self { millionths })
    }

    /// The device time that has passed after `wall_ns`: whole nanoseconds.
    pub fn device_ns(self, wall_ns: u64) -> u64 {
        let millionths = u128::from(wall_ns) * u128::from(self.millionths);
        saturated(millionths / u128::from(Self::ONE.millionths))
    }

    /// The first wall time at which [`Self::device_ns`] is `device_ns`, or more.
    pub fn wall_ns(self, device_ns: u64) -> u64 {
        let millionths = u128::from(device_ns) * u128::from(Self::ONE.millionths);
        saturated(millionths.div_ceil(u128::from(self.millionths)))
    }
}

fn saturated(ns: u128) -> u64 {
    u64::try_from(ns).unwrap_or(u64::MAX)
}

impl fmt::Display for Scale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        if rest == 0 {
            return write!(formatter, "{whole}");
        }
        let decimals = format!("{rest:06}");
        write!(formatter, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl fmt::Display for ClockMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => formatter.write_str("real"),
            Self::Scaled(scale) => write!(formatter, "real:{scale}"),
            Self::Warp => formatter.write_str("warp"),
            Self::Manual => formatter.write_str("manual"),
        }
    }
}

/// A clock that nobody can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseClockModeError {
    /// There is none of that name.
    #[error("the clock is `real`, `real:SCALE` or `warp`, not `{0}`")]
    Unknown(String),
    /// The scale of `real` cannot be.
    #[error("the scale of `real:SCALE` is device seconds a wall second, 0.000001 to 1000000, not `{0}`")]
    Scale(String),
    /// Tests only have it.
    #[error("the time of the clock `manual` is moved by tests, and nobody would move it here: choose `real` or `warp`")]
    Manual,
}

impl FromStr for ClockMode {
    type Err = ParseClockModeError;

    fn from_str(text: &str) -> Result<Self, ParseClockModeError> {
        match text {
            "real" => Ok(Self::Real),
            "warp" => Ok(Self::Warp),
            "manual" => Err(ParseClockModeError::Manual),
            other => {
                let scale =
                    other.strip_prefix("real:").ok_or_else(|| ParseClockModeError::Unknown(other.to_owned()))?;
                let scale = millionths(scale).and_then(Scale::from_millionths);
                scale.map(Self::Scaled).ok_or_else(|| ParseClockModeError::Scale(other.to_owned()))
            }
        }
    }
}

/// Reads a number of at most six decimals.
fn millionths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let decimals: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_written_as_it_is_read() {
        for text in ["real", "real:0.5", "real:10", "real:0.000001", "real:1000000", "real:1.25", "warp"] {
            assert_eq!(text.parse::<ClockMode>().map(|mode| mode.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("real:2.50".parse(), Ok(ClockMode::Scaled(Scale { millionths: 2_500_000 })));
    }

    #[test]
    fn a_clock_that_cannot_be_is_refused_with_what_there_is() {
        let said = |text: &str| text.parse::<ClockMode>().expect_err("it cannot be").to_string();
        assert_eq!(said("fast"), "the clock is `real`, `real:SCALE` or `warp`, not `fast`");
        assert!(said("manual").contains("moved by tests"), "{}", said("manual"));
        for scale in ["", "0", "0.0000001", "1000000.000001", "-1", "1e3", ".5", "5.", "99999999999999999999", "1.2.3"]
        {
            let said = said(&format!("real:{scale}"));
            assert!(said.contains("0.000001 to 1000000"), "{said}");
        }
    }

    #[test]
    fn a_scale_is_exact_and_its_inverse_is_never_early() {
        let scale = |text: &str| Scale::from_millionths(millionths(text).expect("a number")).expect("a scale");
        // A tenth of 19 ns is 1.9 ns, of which one is whole; the second nanosecond is there at 20.
        assert_eq!((scale("0.1").device_ns(19), scale("0.1").device_ns(20)), (1, 2));
        assert_eq!(scale("0.1").wall_ns(2), 20);
        // A third of a nanosecond more each: 3 ns are the first at which 10 have passed.
        assert_eq!((scale("3.333333").device_ns(3), scale("3.333333").wall_ns(10)), (9, 4));
        for scale in [scale("0.5"), scale("0.000001"), scale("7.000003"), scale("1000000"), Scale::ONE] {
            for device_ns in [1, 2, 999, 1_000_000_007] {
                let wall_ns = scale.wall_ns(device_ns);
                assert!(scale.device_ns(wall_ns) >= device_ns, "{scale}: {device_ns}");
                assert!(scale.device_ns(wall_ns - 1) < device_ns, "{scale}: {device_ns}");
            }
        }
        assert_eq!(scale("1000000").device_ns(u64::MAX), u64::MAX);
    }
}
