//! `pcm`: does with a PCM substream what its standard input says, line by line, and nothing else. ALSA's own programs do
//! more by themselves, and write and read whole periods only.
//!
//! Exit codes: 0 all was done, 1 the substream cannot be set up or something was refused, 2 usage.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use guest_programs::{PcmFormat, PcmSetup, PcmSubstream, answer_lines};

const USAGE: &str = "usage: pcm SUBSTREAM FORMAT CHANNELS RATE PERIOD_FRAMES BUFFER_FRAMES < LINES
SUBSTREAM is such as /dev/snd/pcmC0D0p, FORMAT one of S8, S16_LE, S24_LE, S24_3LE, S32_LE. Each line is answered by one
line, `done`, or `failed: ` and why if it was refused:
  write FILE          writes the frames in it
  read FRAMES FILE    reads so many frames into it
  start, pause, release, drain, stop, prepare
  wait FRAMES         until a period ends with which the device has played so many frames
  status              is answered by state, frames of the hardware, frames of the program
  run PROGRAM WORD... is answered by what it prints, in one line";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Write(PathBuf),
    Read(usize, PathBuf),
    Start,
    Pause(bool),
    Drain,
    Stop,
    Prepare,
    Wait(u64),
    Status,
    Run(Vec<String>),
}

fn parse(line: &str) -> Result<Operation, String> {
    let wrong = || format!("expected an operation, found {line:?}");
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(match words[..] {
        ["write", file] => Operation::Write(file.into()),
        ["read", frames, file] => Operation::Read(frames.parse().map_err(|_| wrong())?, file.into()),
        ["start"] => Operation::Start,
        ["pause"] => Operation::Pause(true),
        ["release"] => Operation::Pause(false),
        ["drain"] => Operation::Drain,
        ["stop"] => Operation::Stop,
        ["prepare"] => Operation::Prepare,
        ["wait", frames] => Operation::Wait(frames.parse().map_err(|_| wrong())?),
        ["status"] => Operation::Status,
        ["run", program, ref words @ ..] => {
            Operation::Run([program].iter().chain(words).map(|&word| word.to_owned()).collect())
        }
        _ => return Err(wrong()),
    })
}

fn parse_setup(words: &[String]) -> Option<(PathBuf, PcmSetup)> {
    let [path, format, numbers @ ..] = words else { return None };
    let format = match format.as_str() {
        "S8" => PcmFormat::S8,
        "S16_LE" => PcmFormat::S16,
        "S24_LE" => PcmFormat::S24,
        "S24_3LE" => PcmFormat::S24Packed,
        "S32_LE" => PcmFormat::S32,
        _ => return None,
    };
    let numbers: Vec<u32> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>().ok()?;
    let [channels, rate_hz, period_frames, buffer_frames] = numbers[..] else { return None };
    Some((path.into(), PcmSetup { format, channels, rate_hz, period_frames, buffer_frames }))
}

fn perform(substream: &PcmSubstream, operation: &Operation) -> io::Result<String> {
    match operation {
        Operation::Write(file) => write(substream, file)?,
        Operation::Read(frames, file) => {
            let mut samples = vec![0; frames * substream.frame_bytes()];
            let read = substream.read(&mut samples)?;
            fs::write(file, &samples[..read * substream.frame_bytes()])?;
        }
        Operation::Start => substream.start()?,
        Operation::Pause(is_on) => substream.pause(*is_on)?,
        Operation::Drain => substream.drain()?,
        Operation::Stop => substream.stop()?,
        Operation::Prepare => substream.prepare()?,
        Operation::Wait(frames) => substream.wait(*frames)?,
        Operation::Status => {
            let status = substream.status()?;
            return Ok(format!("{} {} {}", status.state, status.hardware_frames, status.application_frames));
        }
        Operation::Run(words) => {
            let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output()?;
            if !output.status.success() {
                let words = String::from_utf8_lossy(&output.stderr);
                return Err(io::Error::other(words.lines().collect::<Vec<_>>().join("; ")));
            }
            let words = String::from_utf8_lossy(&output.stdout);
            return Ok(words.lines().collect::<Vec<_>>().join("; "));
        }
    }
    Ok("done".to_owned())
}

fn write(substream: &PcmSubstream, file: &Path) -> io::Result<()> {
    let samples = fs::read(file)?;
    let mut rest = &samples[..];
    while rest.len() >= substream.frame_bytes() {
        let frames = substream.write(rest)?;
        rest = &rest[frames * substream.frame_bytes()..];
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((path, setup)) = parse_setup(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let substream = match PcmSubstream::open(&path, setup) {
        Ok(substream) => substream,
        Err(error) => {
            eprintln!("pcm: could not set {} up: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    answer_lines("pcm", USAGE, parse, |operation| perform(&substream, &operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_operations() {
        assert_eq!(parse("write /tmp/a"), Ok(Operation::Write("/tmp/a".into())));
        assert_eq!(parse("read 12 /tmp/a"), Ok(Operation::Read(12, "/tmp/a".into())));
        assert_eq!(parse(" wait  7"), Ok(Operation::Wait(7)));
        assert_eq!(parse("run ls /tmp"), Ok(Operation::Run(vec!["ls".to_owned(), "/tmp".to_owned()])));
        assert_eq!(parse("release"), Ok(Operation::Pause(false)));
        for wrong in ["", "write", "run", "read 1", "read -1 /tmp/a", "start now", "wait x", "play"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn arguments_are_a_setup() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let setup = PcmSetup {
            format: PcmFormat::S24Packed,
            channels: 2,
            rate_hz: 48_000,
            period_frames: 64,
            buffer_frames: 256,
        };
        assert_eq!(parse_setup(&words("/dev/p S24_3LE 2 48000 64 256")), Some(("/dev/p".into(), setup)));
        for wrong in ["/dev/p", "/dev/p U8 2 48000 64 256", "/dev/p S8 2 48000 64", "/dev/p S8 2 48000 64 256 1"] {
            assert_eq!(parse_setup(&words(wrong)), None, "{wrong}");
        }
    }
}
