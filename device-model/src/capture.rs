//! What a device plays, as WAV files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use device::{Frame, Output, OutputSink, StreamFormat};
use hound::{SampleFormat, WavSpec, WavWriter};

/// The file of stream `number`, counted from 1, in a capture's folder.
pub fn stream_file(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("stream-{number}.wav"))
}

/// Writes one WAV file a stream: from the moment the transmitter is enabled until it stops.
pub struct Capture {
    folder: Option<PathBuf>,
    streams: u32,
    stream: Option<(WavWriter<BufWriter<File>>, StreamFormat)>,
}

impl Capture {
    /// Writes into `folder`, or nowhere.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, streams: 0, stream: None }
    }

    fn start(&mut self, format: StreamFormat) -> hound::Result<()> {
        self.stop()?;
        self.streams += 1;
        if let Some(folder) = &self.folder {
            let spec = WavSpec {
                channels: format.channels,
                sample_rate: format.rate_hz,
                bits_per_sample: format.sample_bits,
                sample_format: SampleFormat::Int,
            };
            self.stream = Some((WavWriter::create(stream_file(folder, self.streams), spec)?, format));
        }
        Ok(())
    }

    fn frame(&mut self, samples: Frame) -> hound::Result<()> {
        let Some((writer, format)) = &mut self.stream else { return Ok(()) };
        samples.iter().take(usize::from(format.channels)).try_for_each(|&sample| writer.write_sample(sample))
    }

    /// Ends the file: from here on its header has its length.
    fn stop(&mut self) -> hound::Result<()> {
        self.stream.take().map_or(Ok(()), |(writer, _)| writer.finalize())
    }

    fn failure(&mut self, error: &hound::Error) -> String {
        self.stream = None;
        format!("the capture of stream {} ended: {error}", self.streams)
    }
}

impl OutputSink for Capture {
    fn take(&mut self, outputs: &[Output]) -> Result<(), String> {
        let taken = outputs.iter().try_for_each(|output| match *output {
            Output::StreamStarted(format) => self.start(format),
            Output::Frame(samples) => self.frame(samples),
            // A gap is counted by the device, not recorded: the file has the frames that were played.
            Output::StreamUnderrun | Output::ReceiveOverrun | Output::Edge { .. } => Ok(()),
            Output::StreamStopped => self.stop(),
        });
        taken.map_err(|error| self.failure(&error))
    }

    fn close(&mut self) -> Result<(), String> {
        self.stop().map_err(|error| self.failure(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_its_file_in_its_own_format() {
        let folder = tempfile::tempdir().expect("folder");
        let mut capture = Capture::new(Some(folder.path().to_owned()));
        let mono = StreamFormat { sample_bits: 8, channels: 1, rate_hz: 8_000 };
        let stereo = StreamFormat { sample_bits: 24, channels: 2, rate_hz: 48_000 };
        let eight = StreamFormat { sample_bits: 32, channels: 8, rate_hz: 192_000 };
        let extremes = [i32::MIN, i32::MAX, -1, 0, 1, 2, 3, 4];
        let outputs = [
            Output::StreamStarted(mono),
            Output::Frame([-128, 99, 0, 0, 0, 0, 0, 0]),
            Output::StreamStopped,
            Output::StreamStarted(stereo),
            Output::Frame([-8_388_608, 8_388_607, 0, 0, 0, 0, 0, 0]),
            Output::StreamStopped,
            Output::StreamStarted(eight),
            Output::Frame(extremes),
            Output::StreamStopped,
        ];
        capture.take(&outputs).expect("captured");

        let read = |number| {
            let mut reader = hound::WavReader::open(stream_file(folder.path(), number)).expect("a WAV file");
            let samples: Vec<i32> = reader.samples().map(|sample| sample.expect("a sample")).collect();
            (reader.spec().bits_per_sample, reader.spec().sample_rate, samples)
        };
        assert_eq!(read(1), (8, 8_000, vec![-128]));
        assert_eq!(read(2), (24, 48_000, vec![-8_388_608, 8_388_607]));
        assert_eq!(read(3), (32, 192_000, extremes.to_vec()));
    }
}
