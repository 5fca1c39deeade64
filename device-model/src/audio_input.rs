//! What a device's receiver hears.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use device::{Frame, StreamFormat};
use hound::{SampleFormat, WavReader};
use pwm_audio::AudioInput;

/// Where the frames come from that a receiver hears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AudioSource {
    /// Nowhere: every sample is 0.
    #[default]
    Silence,
    /// Sample `c` of frame `n` is `n * channels + c`, the low bits of it: every sample can be told from its neighbours.
    Ramp,
    /// A sine of so many Hz on all channels, half as loud as can be.
    Tone {
        /// Its frequency.
        hz: u32,
    },
    /// A WAV file of integers, frame by frame whatever its rate: of each sample the highest bits that the stream has room
    /// for, 0 for channels that the file does not have, silence after its end.
    Wav(PathBuf),
}

/// `tone:` is followed by something else than a frequency in Hz.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `tone:` and a frequency from 1 to 96000 Hz, found `{0}`")]
pub struct ParseAudioSourceError(String);

impl FromStr for AudioSource {
    type Err = ParseAudioSourceError;

    fn from_str(text: &str) -> Result<Self, ParseAudioSourceError> {
        if let Some(frequency) = text.strip_prefix("tone:") {
            let hz = frequency.parse().ok().filter(|hz| (1..=96_000).contains(hz));
            return hz.map(|hz| Self::Tone { hz }).ok_or_else(|| ParseAudioSourceError(text.to_owned()));
        }
        Ok(match text {
            "silence" => Self::Silence,
            "ramp" => Self::Ramp,
            path => Self::Wav(path.into()),
        })
    }
}

impl AudioSource {
    /// The input, ready to be heard; none for silence.
    ///
    /// # Errors
    /// The WAV file cannot be read, or has samples that are no integers.
    pub fn open(&self) -> io::Result<Option<Box<dyn AudioInput>>> {
        Ok(match self {
            Self::Silence => None,
            Self::Ramp => Some(Box::new(Ramp)),
            Self::Tone { hz } => Some(Box::new(Tone { hz: *hz })),
            Self::Wav(path) => {
                let wav = Wav::read(path).map_err(|error| {
                    io::Error::other(format!(
                        "audio input {}: expected a WAV file of integer samples, or `silence`, `ramp` or `tone:HZ`: \
                         {error}",
                        path.display()
                    ))
                })?;
                Some(Box::new(wav))
            }
        })
    }
}

/// The frame whose sample by channel `sample` gives, from the highest bits on.
fn frame(format: StreamFormat, sample: impl Fn(usize) -> i32) -> Frame {
    let mut frame = Frame::default();
    for (channel, value) in frame.iter_mut().enumerate().take(usize::from(format.channels)) {
        *value = sample(channel) >> (32 - u32::from(format.sample_bits));
    }
    frame
}

struct Ramp;

impl AudioInput for Ramp {
    fn frame(&mut self, number: u64, format: StreamFormat) -> Frame {
        let first = number.wrapping_mul(format.channels.into());
        let unused = 32 - u32::from(format.sample_bits);
        frame(format, |channel| ((first.wrapping_add(channel as u64) as u32) << unused).cast_signed())
    }
}

struct Tone {
    hz: u32,
}

impl AudioInput for Tone {
    fn frame(&mut self, number: u64, format: StreamFormat) -> Frame {
        let rate_hz = u64::from(format.rate_hz).max(1);
        // Whole periods are left out before the phase loses digits.
        let phase = number % rate_hz * u64::from(self.hz) % rate_hz;
        let sine = (TAU * phase as f64 / rate_hz as f64).sin();
        let sample = (sine * f64::from(1 << 30)) as i32;
        frame(format, |_| sample)
    }
}

struct Wav {
    channels: usize,
    /// Shifted up to 32 bits.
    samples: Vec<i32>,
}

impl Wav {
    fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut reader = WavReader::new(BufReader::new(file)).map_err(|error| error.to_string())?;
        let spec = reader.spec();
        if spec.sample_format != SampleFormat::Int || !(1..=32).contains(&spec.bits_per_sample) {
            return Err(format!("it has {:?} samples of {} bits", spec.sample_format, spec.bits_per_sample));
        }
        let unused = 32 - u32::from(spec.bits_per_sample);
        let samples = reader.samples::<i32>().map(|sample| sample.map(|sample| sample << unused));
        let samples = samples.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok(Self { channels: spec.channels.into(), samples })
    }
}

impl AudioInput for Wav {
    fn frame(&mut self, number: u64, format: StreamFormat) -> Frame {
        let mut frames = self.samples.chunks_exact(self.channels.max(1));
        let heard = usize::try_from(number).ok().and_then(|number| frames.nth(number));
        frame(format, |channel| heard.and_then(|samples| samples.get(channel)).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use hound::{WavSpec, WavWriter};

    use super::*;

    fn format(sample_bits: u16, channels: u16) -> StreamFormat {
        StreamFormat { sample_bits, channels, rate_hz: 48_000 }
    }

    fn wav(folder: &Path, sample_format: SampleFormat) -> PathBuf {
        let path = folder.join("input.wav");
        let spec = WavSpec { channels: 2, sample_rate: 8_000, bits_per_sample: 16, sample_format };
        let spec = if sample_format == SampleFormat::Float { WavSpec { bits_per_sample: 32, ..spec } } else { spec };
        let mut writer = WavWriter::create(&path, spec).expect("a file");
        for sample in [0x1234_i16, -2, 5, 6] {
            let written = match sample_format {
                SampleFormat::Int => writer.write_sample(sample),
                SampleFormat::Float => writer.write_sample(f32::from(sample)),
            };
            written.expect("it fits");
        }
        drop(writer);
        path
    }

    #[test]
    fn sources_have_names() {
        for (text, source) in [
            ("silence", AudioSource::Silence),
            ("ramp", AudioSource::Ramp),
            ("tone:440", AudioSource::Tone { hz: 440 }),
            ("some/file.wav", AudioSource::Wav("some/file.wav".into())),
        ] {
            assert_eq!(text.parse(), Ok(source));
        }
        for wrong in ["tone:", "tone:0", "tone:96001", "tone:loud"] {
            let error = wrong.parse::<AudioSource>().expect_err("no frequency").to_string();
            assert_eq!(error, format!("expected `tone:` and a frequency from 1 to 96000 Hz, found `{wrong}`"));
        }
    }

    #[test]
    fn a_ramp_counts_samples_and_wraps() {
        assert_eq!(Ramp.frame(0, format(16, 2)), [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Ramp.frame(0x4000, format(16, 2)), [-0x8000, -0x7fff, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Ramp.frame(16, format(8, 8)), [-128, -127, -126, -125, -124, -123, -122, -121]);
        assert_eq!(Ramp.frame(0x8000_0000, format(32, 1)), [i32::MIN, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_tone_is_a_sine_on_all_channels() {
        let mut tone = Tone { hz: 12_000 };
        let mut first = |number| {
            let [left, right, rest @ ..] = tone.frame(number, format(16, 2));
            assert_eq!((left, rest), (right, [0; 6]));
            left
        };
        assert_eq!([0, 1, 2, 3, 4, 48_000_001].map(&mut first), [0, 0x4000, 0, -0x4000, 0, 0x4000]);
    }

    #[test]
    fn a_wav_file_is_shifted_to_the_bits_of_the_stream_and_ends_in_silence() {
        let folder = tempfile::tempdir().expect("folder");
        let source = AudioSource::Wav(wav(folder.path(), SampleFormat::Int));
        let mut input = source.open().expect("a WAV file").expect("an input");
        assert_eq!(input.frame(0, format(16, 2)), [0x1234, -2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(input.frame(0, format(8, 3)), [0x12, -1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(input.frame(1, format(24, 1)), [0x500, 0, 0, 0, 0, 0, 0, 0]);
        for number in [2, u64::MAX] {
            assert_eq!(input.frame(number, format(32, 8)), [0; 8]);
        }
    }

    #[test]
    fn a_file_that_is_no_input_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("folder");
        let float = wav(folder.path(), SampleFormat::Float);
        let missing = folder.path().join("missing.wav");
        let other = folder.path().join("other");
        std::fs::write(&other, "no sound").expect("a file");
        for path in [float, missing, other] {
            let error = AudioSource::Wav(path.clone()).open().err().expect("no input").to_string();
            let expected = format!("audio input {}: expected a WAV file of integer samples", path.display());
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
