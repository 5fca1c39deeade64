//! `play`: plays raw samples through `/dev/pwm-audio0` and waits until the last one has been played.
//!
//! It prints `played BYTES bytes` at the end. Exit codes: 0 played, 1 the device or the file failed, 2 usage.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use guest_programs::{PwmAudio, StreamOptions};

struct Options {
    stream: StreamOptions,
    loops: bool,
    file: String,
}

impl Options {
    fn usage() -> String {
        format!(
            "usage: play {} [--loop] FILE
Plays a file of raw interleaved samples (- is the standard input): 48000 Hz, 24 bits and 2 channels unless told.
With --loop it plays until a signal ends it.",
            StreamOptions::USAGE
        )
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut stream, mut loops, mut file) = (StreamOptions::default(), false, None);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--loop" => loops = true,
                option if option.starts_with("--") => {
                    if !stream.take(option, &mut arguments)? {
                        return Err(format!("unknown option {option}"));
                    }
                }
                _ if file.is_some() => {
                    return Err(format!("expected one file, found another: {argument:?}"));
                }
                _ => file = Some(argument),
            }
        }
        let file = file.ok_or("expected a file")?;
        Ok(Self { stream, loops, file })
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("play: {message}\n{}", Options::usage());
            return ExitCode::from(2);
        }
    };
    match play(&options) {
        Ok(count) => {
            println!("played {count} bytes");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("play: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many bytes were played.
fn play(options: &Options) -> Result<u64, String> {
    let said = |doing: &str| {
        let doing = doing.to_owned();
        move |error: io::Error| format!("could not {doing}: {error}")
    };
    let mut source: Box<dyn Read> = if options.file == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(&options.file).map_err(said(&format!("open {}", options.file)))?)
    };
    let mut device = PwmAudio::open().map_err(said("open the device"))?;
    let StreamOptions { rate_hz, format, channels } = options.stream;
    device.set_format(format, channels).map_err(said("set the format"))?;
    device.set_rate(rate_hz).map_err(said(&format!("set a rate of {rate_hz} Hz")))?;
    if options.loops {
        device.set_loop(true).map_err(said("switch the loop on"))?;
    }
    let count = copy(&mut source, &mut device)?;
    device.drain().map_err(said("play to the end"))?;
    Ok(count)
}

/// Copies with a buffer of a third of a second, so that few system calls are needed. (`io::copy` may use `splice` or
/// `sendfile`, which the driver need not have.)
fn copy(source: &mut dyn Read, device: &mut PwmAudio) -> Result<u64, String> {
    let mut buffer = vec![0; 96 * 1024];
    let mut count = 0;
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => return Ok(count),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(format!("could not read the samples after {count} bytes: {error}"));
            }
        };
        device
            .write_all(&buffer[..length])
            .map_err(|error| format!("could not write to the device after {count} bytes: {error}"))?;
        count += length as u64;
    }
}
