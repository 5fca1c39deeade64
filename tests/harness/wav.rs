//! WAV files: what is to be played, and what the device has played.

use std::io;
use std::path::{Path, PathBuf};

use device::StreamFormat;
use hound::{SampleFormat, WavReader, WavSpec};
use pwm_audio::rates_hz;

/// Why a file cannot be played. Each message is one line for a user.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The file cannot be read.
    #[error("{}: {source}; name a WAV file that you may read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no WAV file, or a damaged one.
    #[error("{}: expected a PCM WAV file, found {found}; make one with e.g. `sox INPUT -b 16 OUTPUT.wav`", path.display())]
    NotPcm {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The file ends before the frames that its header announces.
    #[error(
        "{}: expected {announced} samples, as its header says, found {found}: the file is truncated; get it again whole",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Samples of all channels that the header announces.
        announced: u32,
        /// Samples of all channels that are there.
        found: usize,
    },
    /// The file is a good one that the transmitter cannot play.
    #[error("{}: expected {expected}, found {found}; convert it with e.g. `sox INPUT {option} OUTPUT.wav`", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What the transmitter plays.
        expected: &'static str,
        /// What the file has.
        found: String,
        /// The option of sox that makes it playable.
        option: &'static str,
    },
}

/// The frames of a WAV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Bits, channels and rate.
    pub format: StreamFormat,
    /// Bits a sample in the file; where they are more than the format's, the lowest ones are left out.
    pub source_bits: u16,
    /// Two's complement samples, channels interleaved.
    pub samples: Vec<i32>,
}

impl Wav {
    /// Reads a file that the driver's `/dev/pwm-audio0` plays. 8, 16 and 24 bits are kept as they are; of 32 the upper 24
    /// are.
    pub fn open(path: &Path) -> Result<Self, WavError> {
        let mut wav = Self::read_if(path, supported)?;
        if wav.samples.is_empty() {
            return Err(WavError::NotPcm { path: path.to_owned(), found: "one without a single frame".to_owned() });
        }
        let surplus = wav.source_bits.saturating_sub(24);
        wav.format.sample_bits -= surplus;
        wav.samples.iter_mut().for_each(|sample| *sample >>= surplus);
        Ok(wav)
    }

    /// Reads a whole file as it is, with as many bits and channels and as few frames as it has.
    pub fn read(path: &Path) -> Result<Self, WavError> {
        Self::read_if(path, integers)
    }

    /// Reads a whole file as it is if `check` has nothing against its format.
    fn read_if(path: &Path, check: impl Fn(&Path, WavSpec) -> Result<WavSpec, WavError>) -> Result<Self, WavError> {
        let file = std::fs::File::open(path).map_err(|source| WavError::Read { path: path.to_owned(), source })?;
        let not_pcm = |error| {
            let found = match error {
                hound::Error::IoError(_) => "one that ends within its header".to_owned(),
                error => error.to_string().to_lowercase(),
            };
            WavError::NotPcm { path: path.to_owned(), found }
        };
        let mut reader = WavReader::new(io::BufReader::new(file)).map_err(not_pcm)?;
        let WavSpec { bits_per_sample, channels, sample_rate, .. } = check(path, reader.spec())?;
        let announced = reader.len();
        let samples: Vec<i32> = reader.samples::<i32>().map_while(Result::ok).collect();
        if samples.len() != announced as usize {
            return Err(WavError::Truncated { path: path.to_owned(), announced, found: samples.len() });
        }
        let format = StreamFormat { sample_bits: bits_per_sample, channels, rate_hz: sample_rate };
        Ok(Self { format, source_bits: bits_per_sample, samples })
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.format.channels)
    }

    /// How long it plays, in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.format.rate_hz)
    }

    /// The samples as the driver's `write()` takes them: 8 bits unsigned, 16 and 24 signed, little endian, packed.
    pub fn driver_bytes(&self) -> Vec<u8> {
        let bytes = usize::from(self.format.sample_bits / 8);
        let offset = if bytes == 1 { 0x80 } else { 0 };
        self.samples.iter().flat_map(|sample| (sample + offset).to_le_bytes().into_iter().take(bytes)).collect()
    }

    /// Where `other` first differs, in words; nothing where it is the same to the bit.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.format != other.format {
            return Some(format!("expected {:?}, found {:?}", self.format, other.format));
        }
        let channels = usize::from(self.format.channels);
        let different = self.samples.iter().zip(&other.samples).position(|(sample, other)| sample != other);
        if let Some(index) = different {
            let (expected, found) = (self.samples[index], other.samples[index]);
            return Some(format!(
                "frame {}, channel {}: expected {expected}, found {found}",
                index / channels,
                index % channels
            ));
        }
        let (expected, found) = (self.frames(), other.frames());
        (expected != found).then(|| format!("expected {expected} frames, found {found}"))
    }
}

fn integers(path: &Path, spec: WavSpec) -> Result<WavSpec, WavError> {
    let unsupported =
        |expected, found, option| Err(WavError::Unsupported { path: path.to_owned(), expected, found, option });
    match spec {
        WavSpec { sample_format: SampleFormat::Float, .. } => {
            unsupported("integer samples", "floating-point samples".to_owned(), "-e signed -b 24")
        }
        WavSpec { bits_per_sample, .. } if !matches!(bits_per_sample, 8 | 16 | 24 | 32) => {
            unsupported("8, 16, 24 or 32 bits a sample", format!("{bits_per_sample} bits"), "-b 24")
        }
        spec => Ok(spec),
    }
}

fn supported(path: &Path, spec: WavSpec) -> Result<WavSpec, WavError> {
    let unsupported =
        |expected, found, option| Err(WavError::Unsupported { path: path.to_owned(), expected, found, option });
    match integers(path, spec)? {
        WavSpec { channels, .. } if !matches!(channels, 1 | 2) => {
            unsupported("1 or 2 channels", format!("{channels} channels"), "-c 2")
        }
        WavSpec { sample_rate, .. } if !rates_hz().contains(&sample_rate) => {
            unsupported("8,000 to 192,000 frames a second", format!("{sample_rate} Hz"), "-r 48000")
        }
        spec => Ok(spec),
    }
}

#[cfg(test)]
mod tests {
    use hound::WavWriter;
    use tempfile::TempDir;

    use super::*;

    /// A file in a folder of its own, which goes with the folder.
    fn write(bits_per_sample: u16, channels: u16, sample_rate: u32, samples: &[i32]) -> (TempDir, PathBuf) {
        let spec = WavSpec { bits_per_sample, channels, sample_rate, sample_format: SampleFormat::Int };
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("test.wav");
        let mut writer = WavWriter::create(&path, spec).expect("file");
        for &sample in samples {
            writer.write_sample(sample).expect("sample");
        }
        writer.finalize().expect("header");
        (folder, path)
    }

    #[test]
    fn driver_bytes_are_those_of_the_file() {
        for (bits, samples, expected) in [
            (8, [-128, 127], vec![0x00, 0xff]),
            (16, [-32_768, 0x1234], vec![0x00, 0x80, 0x34, 0x12]),
            (24, [-2, 0x12_3456], vec![0xfe, 0xff, 0xff, 0x56, 0x34, 0x12]),
            (32, [-256, 0x1234_5678], vec![0xff, 0xff, 0xff, 0x56, 0x34, 0x12]),
        ] {
            let (_folder, path) = write(bits, 2, 48_000, &samples);
            let wav = Wav::open(&path).expect("playable");
            assert_eq!(wav.driver_bytes(), expected, "{bits} bits");
            assert_eq!((wav.frames(), wav.source_bits), (1, bits));
        }
    }

    #[test]
    fn a_file_is_read_with_all_its_bits_and_channels() {
        let samples = [i32::MIN, i32::MAX, -1, 0, 1, 2, 3, 4];
        let (_folder, path) = write(32, 8, 192_000, &samples);
        let wav = Wav::read(&path).expect("a file");
        let format = StreamFormat { sample_bits: 32, channels: 8, rate_hz: 192_000 };
        assert_eq!(wav, Wav { format, source_bits: 32, samples: samples.to_vec() });
        let (_folder, empty) = write(16, 1, 1, &[]);
        assert_eq!(Wav::read(&empty).expect("a file").frames(), 0);
    }

    #[test]
    fn what_cannot_be_played_is_refused_in_one_line_that_says_what_to_do() {
        for (file, words) in [
            (write(16, 3, 48_000, &[1, 2, 3]), ["1 or 2 channels", "3 channels", "-c 2"]),
            (write(16, 1, 4_000, &[1]), ["8,000 to 192,000", "4000 Hz", "-r 48000"]),
            (write(16, 1, 48_000, &[]), ["test.wav", "PCM WAV", "without a single frame"]),
        ] {
            let message = Wav::open(&file.1).expect_err(words[1]).to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn truncated_and_foreign_files_are_refused() {
        let (folder, path) = write(24, 2, 48_000, &[7; 100]);
        let whole = std::fs::read(&path).expect("bytes");
        for cut in [whole.len() - 1, whole.len() - 150, 30, 4, 0] {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let error = Wav::open(&path).expect_err("cut");
            assert!(matches!(error, WavError::Truncated { .. } | WavError::NotPcm { .. }), "{cut}: {error}");
        }
        std::fs::write(&path, b"#!/bin/sh\necho this is no sound at all, however long it may be").expect("written");
        assert!(matches!(Wav::open(&path), Err(WavError::NotPcm { .. })));
        drop(folder);
        assert!(matches!(Wav::open(&path), Err(WavError::Read { .. })));
    }

    #[test]
    fn a_difference_is_named_by_frame_and_channel() {
        let format = StreamFormat { sample_bits: 16, channels: 2, rate_hz: 48_000 };
        let wav = |samples: &[i32]| Wav { format, source_bits: 16, samples: samples.to_vec() };
        assert_eq!(wav(&[1, 2, 3, 4]).difference(&wav(&[1, 2, 3, 4])), None);
        let difference = wav(&[1, 2, 3, 4]).difference(&wav(&[1, 2, 3, 5]));
        assert_eq!(difference.as_deref(), Some("frame 1, channel 1: expected 4, found 5"));
        let difference = wav(&[1, 2, 3, 4]).difference(&wav(&[1, 2]));
        assert_eq!(difference.as_deref(), Some("expected 2 frames, found 1"));
    }
}
