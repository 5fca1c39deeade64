//! `record`: records raw samples through `/dev/pwm-audio0`.
//!
//! It prints `recorded BYTES bytes` at the end, if they are not on the standard output. Exit codes: 0 recorded, 1 the
//! device or the file failed, 2 usage.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use guest_programs::{DEVICE_PATH, Direction, PwmAudio, StreamOptions};

#[derive(Debug, PartialEq, Eq)]
struct Options {
    stream: StreamOptions,
    frames: usize,
    file: String,
}

impl Options {
    fn usage() -> String {
        format!(
            "usage: record {} FRAMES FILE
Records so many frames to a file of raw interleaved samples (- is the standard output): 48000 Hz, 24 bits and 2 channels
unless told.",
            StreamOptions::USAGE
        )
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut stream, mut rest) = (StreamOptions::default(), Vec::new());
        while let Some(argument) = arguments.next() {
            if argument.starts_with("--") {
                if !stream.take(&argument, &mut arguments)? {
                    return Err(format!("unknown option {argument}"));
                }
            } else {
                rest.push(argument);
            }
        }
        let [frames, file] = <[String; 2]>::try_from(rest)
            .map_err(|rest| format!("expected how many frames and a file, found {rest:?}"))?;
        let frames = frames.parse().map_err(|_| format!("expected how many frames, found {frames:?}"))?;
        Ok(Self { stream, frames, file })
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("record: {message}\n{}", Options::usage());
            return ExitCode::from(2);
        }
    };
    match record(&options) {
        Ok(count) => {
            if options.file != "-" {
                println!("recorded {count} bytes");
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("record: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many bytes were recorded.
fn record(options: &Options) -> Result<usize, String> {
    let said = |doing: &str| {
        let doing = doing.to_owned();
        move |error: io::Error| format!("could not {doing}: {error}")
    };
    let mut destination: Box<dyn Write> = if options.file == "-" {
        Box::new(io::stdout())
    } else {
        Box::new(File::create(&options.file).map_err(said(&format!("create {}", options.file)))?)
    };
    let mut device =
        PwmAudio::open_path(Path::new(DEVICE_PATH), Direction::Record, true).map_err(said("open the device"))?;
    let StreamOptions { rate_hz, format, channels } = options.stream;
    device.set_record_format(format, channels).map_err(said("set the format"))?;
    device.set_record_rate(rate_hz).map_err(said(&format!("set a rate of {rate_hz} Hz")))?;

    let total = options.frames * options.stream.frame_bytes();
    // A third of a second, so that few system calls are needed.
    let mut buffer = vec![0; 96 * 1024];
    let mut count = 0;
    while count < total {
        let wanted = buffer.len().min(total - count);
        let length = device
            .read(&mut buffer[..wanted])
            .map_err(|error| format!("could not read from the device after {count} bytes: {error}"))?;
        destination
            .write_all(&buffer[..length])
            .map_err(|error| format!("could not write the samples after {count} bytes: {error}"))?;
        count += length;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn frames_and_file_come_after_options_or_before() {
        let options = parse("--bits 8 100 - --channels 1").unwrap();
        assert_eq!((options.frames, options.file.as_str(), options.stream.frame_bytes()), (100, "-", 1));
        for wrong in ["", "100", "x /tmp/a", "100 /tmp/a /tmp/b", "--loop 100 /tmp/a", "100 /tmp/a --rate"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
