//! What a low-pass filter behind a PWM channel would put out, as a WAV file.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use device::{Output, OutputSink};
use hound::{SampleFormat, WavSpec, WavWriter};

const NS_PER_SECOND: u128 = 1_000_000_000;
/// How long a level may last, in seconds, so that a jump of device time does not fill the disk.
const MAXIMUM_LEVEL_SECONDS: u64 = 60;
/// The most samples that a file has: 2 GiB.
const MAXIMUM_SAMPLES: u64 = 1 << 30;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterOutputOptions {
    /// The file.
    pub path: PathBuf,
    /// The signal of the device: its PWM channel.
    pub signal: u8,
    /// Samples a second.
    pub rate_hz: u32,
}

/// Writes the mean of a signal's level over each sample's time, from the signal's first edge to its latest: always 0 is
/// the lowest sample, always 1 the highest.
pub(crate) struct ConverterOutput {
    options: ConverterOutputOptions,
    /// None: writing has failed, or is over.
    writer: Option<WavWriter<BufWriter<File>>>,
    integral: Option<Integral>,
}

/// The sample that is being made. Times are in ns times the rate, so that a sample is as long as a second has ns.
struct Integral {
    since_ns: u64,
    level: bool,
    elapsed: u128,
    high: u128,
    samples: u64,
}

impl Integral {
    /// Goes on to `time_ns`, where the level changes, and hands out the samples that are complete.
    fn follow(
        &mut self,
        time_ns: u64,
        rate_hz: u32,
        mut sample: impl FnMut(i16) -> Result<(), String>,
    ) -> Result<(), String> {
        let level_ns = time_ns.saturating_sub(self.since_ns);
        if level_ns > MAXIMUM_LEVEL_SECONDS * NS_PER_SECOND as u64 {
            return Err(format!("the level stayed the same for more than {MAXIMUM_LEVEL_SECONDS} s"));
        }
        self.since_ns = self.since_ns.max(time_ns);
        let mut left = u128::from(level_ns) * u128::from(rate_hz);
        while left > 0 {
            let part = left.min(NS_PER_SECOND - self.elapsed);
            self.elapsed += part;
            self.high += if self.level { part } else { 0 };
            left -= part;
            if self.elapsed == NS_PER_SECOND {
                if self.samples == MAXIMUM_SAMPLES {
                    return Err(format!("it has {MAXIMUM_SAMPLES} samples"));
                }
                self.samples += 1;
                let mean = (self.high << 16) / NS_PER_SECOND;
                sample((mean.min(0xffff) as i32 - 0x8000) as i16)?;
                (self.elapsed, self.high) = (0, 0);
            }
        }
        Ok(())
    }
}

impl ConverterOutput {
    /// Makes the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn create(options: ConverterOutputOptions) -> hound::Result<Self> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: options.rate_hz,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let writer = WavWriter::create(&options.path, spec)?;
        Ok(Self { options, writer: Some(writer), integral: None })
    }

    fn edge(&mut self, time_ns: u64, level: bool) -> Result<(), String> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let integral =
            self.integral.get_or_insert(Integral { since_ns: time_ns, level, elapsed: 0, high: 0, samples: 0 });
        let write = |sample| writer.write_sample(sample).map_err(|error| error.to_string());
        integral.follow(time_ns, self.options.rate_hz, write)?;
        integral.level = level;
        Ok(())
    }

    /// Ends the file: from here on its header has its length.
    fn end(&mut self) -> Result<(), String> {
        self.writer.take().map_or(Ok(()), |writer| writer.finalize().map_err(|error| error.to_string()))
    }

    fn failure(path: &Path, problem: &str) -> String {
        format!("the converter's output in {} ended: {problem}", path.display())
    }
}

impl OutputSink for ConverterOutput {
    fn take(&mut self, outputs: &[Output]) -> Result<(), String> {
        let taken = outputs.iter().try_for_each(|output| match *output {
            Output::Edge { signal, time_ns, level } if signal == self.options.signal => self.edge(time_ns, level),
            _ => Ok(()),
        });
        taken.map_err(|problem| {
            let ended = self.end().err().map(|error| format!("{problem}, and then {error}"));
            Self::failure(&self.options.path, &ended.unwrap_or(problem))
        })
    }

    fn close(&mut self) -> Result<(), String> {
        self.end().map_err(|problem| Self::failure(&self.options.path, &problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(path: &Path) -> (u32, Vec<i16>) {
        let mut reader = hound::WavReader::open(path).expect("a WAV file");
        (reader.spec().sample_rate, reader.samples().map(|sample| sample.expect("a sample")).collect())
    }

    fn edge(time_ns: u64, level: bool) -> Output {
        Output::Edge { signal: 3, time_ns, level }
    }

    #[test]
    fn samples_are_the_exact_mean_of_the_level() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("converted.wav");
        let options = ConverterOutputOptions { path: path.clone(), signal: 3, rate_hz: 1_000 };
        let mut output = ConverterOutput::create(options).expect("a file");
        // From the first edge on: a quarter, three quarters from both sides of a sample's end, all, nothing.
        let edges = [(7, true), (250_007, false), (1_250_007, true), (3_000_007, false)]
            .map(|edge_at| edge(edge_at.0, edge_at.1));
        output.take(&edges).expect("taken");
        output
            .take(&[Output::Edge { signal: 2, time_ns: 3_100_000, level: true }, edge(4_999_999, true)])
            .expect("taken");
        output.take(&[edge(5_000_008, false)]).expect("taken");
        output.close().expect("closed");
        // 8 ns of the last millisecond are high.
        assert_eq!(samples(&path), (1_000, vec![-16_384, 16_384, 32_767, -32_768, -32_768]));
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_loses_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("converted.wav");
        let options = ConverterOutputOptions { path: path.clone(), signal: 3, rate_hz: 48_000 };
        let mut output = ConverterOutput::create(options).expect("a file");
        let edges: Vec<Output> = (0..=100_000).map(|index| edge(index * 10_000, index % 2 == 0)).collect();
        output.take(&edges).expect("taken");
        output.close().expect("closed");
        let (_, samples) = samples(&path);
        assert_eq!(samples.len(), 48_000, "one second");
        // A level lasts 10 us and a sample 20.833 us: it has both of them, and up to 833 ns more of one.
        assert!(samples.iter().all(|sample| sample.abs() <= 1_312), "{:?}", samples.iter().max());
        let sum: i64 = samples.iter().map(|sample| i64::from(*sample)).sum();
        assert!((-48_000..=0).contains(&sum), "half of it is high, and every sample is rounded down: {sum}");
    }

    #[test]
    fn a_jump_of_device_time_ends_the_file_and_is_told_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("converted.wav");
        let options = ConverterOutputOptions { path: path.clone(), signal: 3, rate_hz: 8_000 };
        let mut output = ConverterOutput::create(options).expect("a file");
        output.take(&[edge(0, true), edge(1_000_000, false)]).expect("taken");
        let problem = output.take(&[edge(60_001_000_001, true)]).expect_err("a minute, and a ns");
        assert!(problem.ends_with("converted.wav ended: the level stayed the same for more than 60 s"), "{problem}");
        output.take(&[edge(60_002_000_000, false)]).expect("passed over");
        assert_eq!(samples(&path).1.len(), 8);
    }
}
