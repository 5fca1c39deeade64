//! `window`: reads and writes the sample window, `/dev/pwm-audio-window0`, through `mmap`.
//!
//! Exit codes: 0 done, 1 the device failed, 2 usage.

use std::fmt::Write;
use std::process::ExitCode;

use guest_programs::{MEMORY_BYTES, SharedMemory};

const USAGE: &str = "usage: window write OFFSET HEXBYTES | window read OFFSET LENGTH | window fill HEXBYTES
       window count OFFSET
OFFSET and LENGTH are decimal, or hexadecimal after 0x. `read` prints hexadecimal digits; `fill` repeats its bytes over
the whole window; `count` counts the byte at OFFSET up for as long as there is a window.";

enum Command {
    Write { offset: usize, bytes: Vec<u8> },
    Read { offset: usize, length_bytes: usize },
    Fill { pattern: Vec<u8> },
    Count { offset: usize },
}

impl Command {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments[..] {
            ["write", offset, bytes] => Ok(Self::Write { offset: number(offset)?, bytes: from_hexadecimal(bytes)? }),
            ["read", offset, length] => {
                let (offset, length_bytes) = (number(offset)?, number(length)?);
                if length_bytes > MEMORY_BYTES {
                    return Err(format!("expected a length of at most {MEMORY_BYTES}, found {length_bytes}"));
                }
                Ok(Self::Read { offset, length_bytes })
            }
            ["count", offset] => Ok(Self::Count { offset: number(offset)? }),
            ["fill", pattern] => Ok(Self::Fill { pattern: from_hexadecimal(pattern)? }),
            _ => Err(format!("expected a command with its arguments, found {arguments:?}")),
        }
    }

    /// Does it and returns what there is to print.
    fn execute(self, window: &mut SharedMemory) -> Result<String, String> {
        match self {
            Self::Write { offset, bytes } => {
                window.write(offset, &bytes).map_err(|error| error.to_string())?;
                Ok(String::new())
            }
            Self::Read { offset, length_bytes } => {
                let mut bytes = vec![0; length_bytes];
                window.read(offset, &mut bytes).map_err(|error| error.to_string())?;
                Ok(to_hexadecimal(&bytes) + "\n")
            }
            Self::Fill { pattern } => {
                let bytes: Vec<u8> = pattern.into_iter().cycle().take(MEMORY_BYTES).collect();
                window.write(0, &bytes).map_err(|error| error.to_string())?;
                Ok(String::new())
            }
            Self::Count { offset } => loop {
                let mut byte = [0];
                window.read(offset, &mut byte).map_err(|error| error.to_string())?;
                window.write(offset, &[byte[0].wrapping_add(1)]).map_err(|error| error.to_string())?;
            },
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match Command::parse(&arguments) {
        Ok(command) => command,
        Err(message) => {
            eprintln!("window: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = SharedMemory::open_window()
        .map_err(|error| format!("could not map the sample window: {error}"))
        .and_then(|mut window| command.execute(&mut window));
    match outcome {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("window: {message}");
            ExitCode::FAILURE
        }
    }
}

fn number(text: &str) -> Result<usize, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("expected a number, found {text:?}"))
}

fn from_hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("expected pairs of hexadecimal digits, found {text:?}");
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0).ok_or_else(wrong)?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).map_err(|_| wrong())).collect()
}

fn to_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_there_and_back() {
        assert_eq!(from_hexadecimal("00ff7A").unwrap(), [0, 255, 0x7a]);
        assert_eq!(to_hexadecimal(&[0, 255, 0x7a]), "00ff7a");
        for wrong in ["", "0", "0g", "ä"] {
            assert!(from_hexadecimal(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_of_both_bases() {
        assert_eq!(number("16"), Ok(16));
        assert_eq!(number("0x10"), Ok(16));
        assert!(number("-1").is_err());
    }
}
