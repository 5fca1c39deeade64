//! What programs are told of the samples that they play or record.

use crate::pwm_audio::{Channels, SampleFormat};

/// What the samples are: 48,000 Hz, 24 bits and two channels unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// Frames a second.
    pub rate_hz: u32,
    /// What a sample is.
    pub format: SampleFormat,
    /// How many samples make a frame.
    pub channels: Channels,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { rate_hz: 48_000, format: SampleFormat::Signed24, channels: Channels::STEREO }
    }
}

impl StreamOptions {
    /// How the options look in a program's usage.
    pub const USAGE: &str = "[--rate HZ] [--bits 8|16|24|32] [--channels 1..8]";

    /// Takes `option` and its number, the next of `arguments`, if it is one of `--rate`, `--bits` and `--channels`. Returns
    /// whether it was.
    ///
    /// # Errors
    /// There is no number, or none that fits; in words.
    pub fn take(&mut self, option: &str, arguments: &mut impl Iterator<Item = String>) -> Result<bool, String> {
        match option {
            "--rate" => self.rate_hz = number(option, arguments)?,
            "--bits" => {
                let bits = number(option, arguments)?;
                self.format =
                    SampleFormat::from_bits(bits).ok_or(format!("--bits expects 8, 16, 24 or 32, found {bits}"))?;
            }
            "--channels" => {
                let count = number(option, arguments)?;
                self.channels =
                    Channels::from_count(count).ok_or(format!("--channels expects 1 to 8, found {count}"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Bytes of a frame: 1 to 32.
    pub fn frame_bytes(&self) -> usize {
        self.format.bits() as usize / 8 * self.channels.count() as usize
    }
}

/// The number that `option` expects, the next of `arguments`.
pub(crate) fn number(option: &str, arguments: &mut impl Iterator<Item = String>) -> Result<u32, String> {
    let value = arguments.next().ok_or(format!("{option} expects a number"))?;
    value.parse().map_err(|_| format!("{option} expects a number, found {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StreamOptions, String> {
        let mut arguments = text.split_whitespace().map(str::to_owned);
        let mut options = StreamOptions::default();
        while let Some(option) = arguments.next() {
            assert!(options.take(&option, &mut arguments)?, "{option}");
        }
        Ok(options)
    }

    #[test]
    fn options_say_what_samples_are() {
        let options = parse("--bits 32 --channels 8 --rate 8000").unwrap();
        assert_eq!((options.rate_hz, options.format.bits(), options.channels.count()), (8_000, 32, 8));
        assert_eq!(options.frame_bytes(), 32);
        assert_eq!(parse("").unwrap().frame_bytes(), 6);
        for wrong in ["--rate", "--rate x", "--bits 20", "--channels 9", "--channels -1"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(StreamOptions::default().take("--loop", &mut std::iter::empty()), Ok(false));
    }
}
