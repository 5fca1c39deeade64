//! `audio`: opens `/dev/pwm-audio0`, also several times, and does what its standard input says, line by line.
//!
//! Exit codes: 0 all was done, 1 something was refused, 2 usage.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use guest_programs::{
    Channels, DEVICE_PATH, Direction, Operation as RegisterOperation, PwmAudio, RegisterBar, SampleFormat,
    SharedMemory, Sharing, answer_lines,
};

const USAGE: &str = "usage: audio < LINES
Each line is answered by one line: `done` or what it gave, or `failed: ` and why if it was refused. FILE is a number.
  open FILE play|record|both [nonblocking]
  close FILE
  format FILE BITS CHANNELS
  rate FILE HZ
  loop FILE on|off
  write FILE PATH       all of the file at PATH, in one call: how many bytes were taken
  drain FILE
  record-format FILE BITS CHANNELS
  record-rate FILE HZ
  read FILE BYTES PATH  at most so many, in one call, appended to the file at PATH: how many bytes were given
  status FILE play|record
  poll FILE play|record|both    what it is ready for: `in`, `out`, `gone`, `nothing`
  wait FILE play|record|both    the same, once it is ready for some of that
  map FILE read|write|private   the registers
  access FILE REGISTER[=VALUE]  reads a register that is mapped, or writes it; see the program registers
  watch FILE REGISTER           reads it for as long as there are registers
  map-buffer FILE               the DMA buffer
  put FILE OFFSET PATH          copies the file at PATH into the buffer
  get FILE OFFSET BYTES PATH    copies what is there in the buffer to the file
  play-buffer FILE OFFSET FRAMES
  record-buffer FILE OFFSET FRAMES
  watch-buffer FILE             reads its first byte for as long as there is a buffer";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Open(Direction, bool),
    Close,
    Format(SampleFormat, Channels),
    Rate(u32),
    Loop(bool),
    Write(PathBuf),
    Drain,
    RecordFormat(SampleFormat, Channels),
    RecordRate(u32),
    Read(usize, PathBuf),
    Status(Direction),
    Poll(Direction),
    Wait(Direction),
    Map(Sharing),
    Access(RegisterOperation),
    Watch(RegisterOperation),
    MapBuffer,
    Put(usize, PathBuf),
    Get(usize, usize, PathBuf),
    PlayBuffer(u32, u32),
    RecordBuffer(u32, u32),
    WatchBuffer,
}

/// Which file, and what to do with it.
fn parse(line: &str) -> Result<(u32, Operation), String> {
    let wrong = || format!("expected an operation with its file and arguments, found {line:?}");
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, file, ref arguments @ ..] = words[..] else { return Err(wrong()) };
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let direction = |text: &str| match text {
        "play" => Ok(Direction::Play),
        "record" => Ok(Direction::Record),
        "both" => Ok(Direction::Both),
        _ => Err(wrong()),
    };
    let operation = match (name, arguments) {
        ("open", [wanted]) => Operation::Open(direction(wanted)?, true),
        ("open", [wanted, "nonblocking"]) => Operation::Open(direction(wanted)?, false),
        ("close", []) => Operation::Close,
        ("format" | "record-format", [bits, channels]) => {
            let format = SampleFormat::from_bits(number(bits)?).ok_or_else(wrong)?;
            let channels = Channels::from_count(number(channels)?).ok_or_else(wrong)?;
            if name == "format" {
                Operation::Format(format, channels)
            } else {
                Operation::RecordFormat(format, channels)
            }
        }
        ("rate", [rate_hz]) => Operation::Rate(number(rate_hz)?),
        ("loop", ["on"]) => Operation::Loop(true),
        ("loop", ["off"]) => Operation::Loop(false),
        ("write", [path]) => Operation::Write(path.into()),
        ("drain", []) => Operation::Drain,
        ("record-rate", [rate_hz]) => Operation::RecordRate(number(rate_hz)?),
        ("read", [bytes, path]) => Operation::Read(number(bytes)? as usize, path.into()),
        ("status", [wanted]) => Operation::Status(direction(wanted)?),
        ("poll", [wanted]) => Operation::Poll(direction(wanted)?),
        ("wait", [wanted]) => Operation::Wait(direction(wanted)?),
        ("map", ["read"]) => Operation::Map(Sharing::ReadOnly),
        ("map", ["write"]) => Operation::Map(Sharing::ReadWrite),
        ("map", ["private"]) => Operation::Map(Sharing::Private),
        ("watch", [operation]) => Operation::Watch(operation.parse().map_err(|_| wrong())?),
        ("access", [operation]) => Operation::Access(operation.parse().map_err(|_| wrong())?),
        ("map-buffer", []) => Operation::MapBuffer,
        ("put", [offset, path]) => Operation::Put(number(offset)? as usize, path.into()),
        ("get", [offset, bytes, path]) => {
            Operation::Get(number(offset)? as usize, number(bytes)? as usize, path.into())
        }
        ("play-buffer", [offset, frames]) => Operation::PlayBuffer(number(offset)?, number(frames)?),
        ("record-buffer", [offset, frames]) => Operation::RecordBuffer(number(offset)?, number(frames)?),
        ("watch-buffer", []) => Operation::WatchBuffer,
        _ => return Err(wrong()),
    };
    Ok((number(file)?, operation))
}

/// The open files, and what they have mapped.
#[derive(Default)]
struct Files {
    open: BTreeMap<u32, PwmAudio>,
    registers: BTreeMap<u32, RegisterBar>,
    buffers: BTreeMap<u32, SharedMemory>,
}

impl Files {
    /// Does it and returns the answer.
    fn perform(&mut self, file: u32, operation: Operation) -> io::Result<String> {
        match operation {
            Operation::Open(direction, waits) => {
                self.open.insert(file, PwmAudio::open_path(Path::new(DEVICE_PATH), direction, waits)?);
            }
            Operation::Close => drop(self.open.remove(&file)),
            Operation::Map(sharing) => {
                let registers = self.device(file)?.map_registers(sharing)?;
                self.registers.insert(file, registers);
            }
            Operation::Access(operation) => {
                let read = find(&mut self.registers, file)?.perform(operation)?;
                return Ok(read.map_or("done".to_owned(), |value| format!("{value:#x}")));
            }
            Operation::Watch(operation) => loop {
                find(&mut self.registers, file)?.perform(operation)?;
            },
            Operation::MapBuffer => {
                let buffer = self.device(file)?.map_buffer()?;
                self.buffers.insert(file, buffer);
            }
            Operation::Put(offset, path) => {
                find(&mut self.buffers, file)?.write(offset, &fs::read(path)?).map_err(io::Error::other)?;
            }
            Operation::Get(offset, length_bytes, path) => {
                let mut bytes = vec![0; length_bytes];
                find(&mut self.buffers, file)?.read(offset, &mut bytes).map_err(io::Error::other)?;
                fs::write(path, bytes)?;
            }
            Operation::WatchBuffer => loop {
                find(&mut self.buffers, file)?.read(0, &mut [0]).map_err(io::Error::other)?;
            },
            Operation::Format(format, channels) => self.device(file)?.set_format(format, channels)?,
            Operation::Rate(rate_hz) => self.device(file)?.set_rate(rate_hz)?,
            Operation::Loop(is_on) => self.device(file)?.set_loop(is_on)?,
            Operation::Write(path) => return Ok(self.device(file)?.write(&fs::read(path)?)?.to_string()),
            Operation::Drain => self.device(file)?.drain()?,
            Operation::RecordFormat(format, channels) => self.device(file)?.set_record_format(format, channels)?,
            Operation::RecordRate(rate_hz) => self.device(file)?.set_record_rate(rate_hz)?,
            Operation::Read(length_bytes, path) => {
                let mut bytes = vec![0; length_bytes];
                let given = self.device(file)?.read(&mut bytes)?;
                File::options().create(true).append(true).open(path)?.write_all(&bytes[..given])?;
                return Ok(given.to_string());
            }
            Operation::Status(direction) => {
                let [play, record] = self.device(file)?.status()?;
                let status = if direction == Direction::Play { play } else { record };
                return Ok(status.to_string());
            }
            Operation::Poll(direction) => return Ok(self.device(file)?.readiness(direction)?.to_string()),
            Operation::Wait(direction) => return Ok(self.device(file)?.wait(direction)?.to_string()),
            Operation::PlayBuffer(offset, frames) => self.device(file)?.play_buffer(offset, frames)?,
            Operation::RecordBuffer(offset, frames) => self.device(file)?.record_buffer(offset, frames)?,
        }
        Ok("done".to_owned())
    }

    fn device(&mut self, file: u32) -> io::Result<&mut PwmAudio> {
        find(&mut self.open, file)
    }
}

fn find<T>(all: &mut BTreeMap<u32, T>, file: u32) -> io::Result<&mut T> {
    all.get_mut(&file).ok_or_else(|| io::Error::other(format!("file {file} is not open, or has not mapped it")))
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut files = Files::default();
    answer_lines("audio", USAGE, parse, |(file, operation)| files.perform(file, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_operations() {
        for (line, expected) in [
            ("open 0 play", (0, Operation::Open(Direction::Play, true))),
            ("open 1 both nonblocking", (1, Operation::Open(Direction::Both, false))),
            (" close  2", (2, Operation::Close)),
            ("format 0 8 1", (0, Operation::Format(SampleFormat::Unsigned8, Channels::MONO))),
            ("rate 0 8000", (0, Operation::Rate(8_000))),
            ("loop 0 on", (0, Operation::Loop(true))),
            ("loop 0 off", (0, Operation::Loop(false))),
            ("write 0 /tmp/a", (0, Operation::Write("/tmp/a".into()))),
            ("drain 0", (0, Operation::Drain)),
            (
                "record-format 0 32 8",
                (0, Operation::RecordFormat(SampleFormat::Signed32, Channels::from_count(8).unwrap())),
            ),
            ("read 0 6 /tmp/a", (0, Operation::Read(6, "/tmp/a".into()))),
            ("status 0 record", (0, Operation::Status(Direction::Record))),
            ("poll 0 both", (0, Operation::Poll(Direction::Both))),
            ("wait 0 record", (0, Operation::Wait(Direction::Record))),
            ("map 0 private", (0, Operation::Map(Sharing::Private))),
            ("get 0 0 8 /tmp/a", (0, Operation::Get(0, 8, "/tmp/a".into()))),
            ("play-buffer 0 4 1000", (0, Operation::PlayBuffer(4, 1_000))),
            ("access 0 TX.STATUS", (0, Operation::Access("0x44c:4".parse().unwrap()))),
        ] {
            assert_eq!(parse(line), Ok(expected), "{line:?}");
        }
        for wrong in [
            "",
            "drain",
            "drain x",
            "drain 0 1",
            "open 0",
            "open 0 play blocking",
            "format 0 9 1",
            "loop 0 1",
            "rate 0 -1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
