//! `pwm`: takes channels of a PWM chip and does with them what its standard input says, line by line.
//!
//! Exit codes: 0 all was done, 1 the chip cannot be opened or something was refused, 2 usage.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use guest_programs::{CHIP_PATH, PwmChip, Waveform, answer_lines};

const USAGE: &str = "usage: pwm [CHIP] < LINES
CHIP is /dev/pwmchip0 unless told. Each line is answered by one line, `failed: ` and why if it was refused:
  round CHANNEL PERIOD DUTY OFFSET      what the channel would make of that, in ns
  set CHANNEL PERIOD DUTY OFFSET        has it put that out, rounded; a period of 0 switches it off
  set-exactly CHANNEL PERIOD DUTY OFFSET
  get CHANNEL                           what it has
At the end of the lines the channels are given back and go on as they are.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Round(Waveform),
    Set(Waveform),
    SetExactly(Waveform),
    Get,
}

/// The channel and what to do with it.
fn parse(line: &str) -> Result<(u32, Operation), String> {
    let wrong = || format!("expected `round`, `set`, `set-exactly` or `get` with its numbers, found {line:?}");
    let mut words = line.split_whitespace();
    let name = words.next().ok_or_else(wrong)?;
    let numbers: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let (channel, operation) = match (name, &numbers[..]) {
        ("get", [channel]) => (channel, Operation::Get),
        (name, [channel, period_ns, duty_ns, offset_ns]) => {
            let waveform = Waveform { period_ns: *period_ns, duty_ns: *duty_ns, offset_ns: *offset_ns };
            let operation = match name {
                "round" => Operation::Round(waveform),
                "set" => Operation::Set(waveform),
                "set-exactly" => Operation::SetExactly(waveform),
                _ => return Err(wrong()),
            };
            (channel, operation)
        }
        _ => return Err(wrong()),
    };
    Ok((u32::try_from(*channel).map_err(|_| wrong())?, operation))
}

fn perform(chip: &PwmChip, channel: u32, operation: Operation) -> io::Result<String> {
    chip.request(channel)?;
    match operation {
        Operation::Round(waveform) => Ok(chip.round(channel, waveform)?.to_string()),
        Operation::Set(waveform) => chip.set_rounded(channel, waveform).map(|()| "set".to_owned()),
        Operation::SetExactly(waveform) => chip.set_exactly(channel, waveform).map(|()| "set".to_owned()),
        Operation::Get => Ok(chip.get(channel)?.to_string()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = match &arguments[..] {
        [] => CHIP_PATH,
        [path] if !path.starts_with('-') => path,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let chip = match PwmChip::open(Path::new(path)) {
        Ok(chip) => chip,
        Err(error) => {
            eprintln!("pwm: could not open {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    answer_lines("pwm", USAGE, parse, |(channel, operation)| perform(&chip, channel, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_operations() {
        let waveform = Waveform { period_ns: 1_000, duty_ns: 20, offset_ns: 3 };
        assert_eq!(parse("get 7"), Ok((7, Operation::Get)));
        assert_eq!(parse("round 0 1000 20 3"), Ok((0, Operation::Round(waveform))));
        assert_eq!(parse("set 1 1000 20 3"), Ok((1, Operation::Set(waveform))));
        assert_eq!(parse(" set-exactly  2 1000 20 3"), Ok((2, Operation::SetExactly(waveform))));
        for wrong in ["", "get", "get 1 2", "set 1", "set 1 2 3 -4", "put 1 2 3 4", "get 4294967296"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
