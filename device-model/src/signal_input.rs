//! A signal for a device's input, from a VCD file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use vcd::{Command, IdCode, Parser, TimescaleUnit, Value};

/// Levels and the times from which on a signal has them, in ns, ascending.
pub type Levels = Vec<(u64, bool)>;

/// Why a file gives no signal.
#[derive(Debug, thiserror::Error)]
pub enum SignalInputError {
    /// It cannot be opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not a VCD file, or ends too early.
    #[error("{}, line {line}: expected a VCD file, found what is none: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where in it, from 1.
        line: u64,
        /// What is wrong.
        source: io::Error,
    },
    /// Times go back, or past 2^64 ns.
    #[error("{}, line {line}: expected times that grow up to 2^64 ns, found {time}", path.display())]
    Time {
        /// The file.
        path: PathBuf,
        /// Where in it, from 1.
        line: u64,
        /// The time, in the file's units.
        time: u64,
    },
    /// There is no such wire of one bit.
    #[error(
        "{}: expected a signal of one bit{}, found {}; name one of them: FILE:NAME",
        path.display(),
        name.as_ref().map(|name| format!(" named {name}")).unwrap_or_default(),
        if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    )]
    NoSuchSignal {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        name: Option<String>,
        /// What there is.
        found: Vec<String>,
    },
}

/// Reads a signal of one bit from a VCD file: the first one, or the one whose name, or whose full name with its scopes,
/// `SCOPE.NAME`, is `name`. What is neither 0 nor 1 counts as 0.
///
/// # Errors
/// If the file has no such signal, or is no VCD file.
pub fn read_signal(path: &Path, name: Option<&str>) -> Result<Levels, SignalInputError> {
    let file = File::open(path).map_err(|source| SignalInputError::Open { path: path.to_owned(), source })?;
    Reader::new(path, BufReader::new(file)).read(name)
}

/// Reads a signal as the command line names it: `FILE` or `FILE:NAME`.
///
/// # Errors
/// Those of [`read_signal`].
pub fn read_named_signal(argument: &str) -> Result<Levels, SignalInputError> {
    match argument.rsplit_once(':') {
        Some((path, name)) if !Path::new(argument).exists() => read_signal(Path::new(path), Some(name)),
        _ => read_signal(Path::new(argument), None),
    }
}

struct Reader<'path, R> {
    path: &'path Path,
    parser: Parser<io::Chain<R, &'static [u8]>>,
}

impl<'path, R: BufRead> Reader<'path, R> {
    fn new(path: &'path Path, file: R) -> Self {
        // The parser takes the end of a file for the end of a word only after a blank.
        Self { path, parser: Parser::new(file.chain(b"\n".as_slice())) }
    }

    fn next(&mut self) -> Result<Option<Command>, SignalInputError> {
        let line = self.parser.line();
        let path = self.path.to_owned();
        self.parser.next().transpose().map_err(|source| SignalInputError::Syntax { path, line, source })
    }

    fn read(mut self, name: Option<&str>) -> Result<Levels, SignalInputError> {
        let (signal, ns) = self.header(name)?;
        let mut levels: Levels = Vec::new();
        let mut time_ns = 0;
        while let Some(command) = self.next()? {
            match command {
                Command::Timestamp(time) => {
                    let path = self.path.to_owned();
                    let error = SignalInputError::Time { path, line: self.parser.line(), time };
                    let new_ns = ns(time).filter(|new_ns| *new_ns >= time_ns).ok_or(error)?;
                    time_ns = new_ns;
                }
                Command::ChangeScalar(code, value) if code == signal => {
                    let level = value == Value::V1;
                    if levels.last().is_some_and(|(_, before)| *before) != level {
                        levels.push((time_ns, level));
                    }
                }
                _ => {}
            }
        }
        Ok(levels)
    }

    /// The signal, and what makes ns of the file's times.
    fn header(
        &mut self,
        name: Option<&str>,
    ) -> Result<(IdCode, impl Fn(u64) -> Option<u64> + use<'path, R>), SignalInputError> {
        // A file without a timescale is in ns.
        let (mut factor, mut unit) = (1, TimescaleUnit::NS);
        let mut scopes: Vec<String> = Vec::new();
        let (mut signal, mut found) = (None, Vec::new());
        loop {
            match self.next()? {
                Some(Command::Timescale(new_factor, new_unit)) => (factor, unit) = (new_factor, new_unit),
                Some(Command::ScopeDef(_, scope)) => scopes.push(scope),
                Some(Command::Upscope) => drop(scopes.pop()),
                Some(Command::VarDef(_, 1, code, reference, _)) => {
                    scopes.push(reference);
                    let full_name = scopes.join(".");
                    let is_wanted =
                        name.is_none_or(|name| scopes.last().is_some_and(|last| last == name) || full_name == name);
                    scopes.pop();
                    if is_wanted {
                        signal = signal.or(Some(code));
                    }
                    found.push(full_name);
                }
                Some(Command::Enddefinitions) => break,
                Some(_) => {}
                None => {
                    let source = io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before $enddefinitions");
                    return Err(SignalInputError::Syntax {
                        path: self.path.to_owned(),
                        line: self.parser.line(),
                        source,
                    });
                }
            }
        }
        let name = name.map(str::to_owned);
        let signal = signal.ok_or(SignalInputError::NoSuchSignal { path: self.path.to_owned(), name, found })?;
        let ns = move |time: u64| {
            let billions = u128::from(time) * u128::from(factor) * 1_000_000_000;
            u64::try_from(billions / u128::from(unit.divisor())).ok()
        };
        Ok((signal, ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, name: Option<&str>) -> Result<Levels, SignalInputError> {
        Reader::new(Path::new("in.vcd"), text.as_bytes()).read(name)
    }

    const FILE: &str = "$timescale 10 us $end
        $scope module top $end $var wire 8 ! bus $end $var wire 1 # clock $end
        $scope module sub $end $var reg 1 % enable $end $upscope $end
        $upscope $end $enddefinitions $end
        $dumpvars b0 ! 1# x% $end
        #3 0# 1% #4 1% #5 1# z%";

    #[test]
    fn a_signal_is_the_first_one_or_one_by_its_name() {
        let clock = vec![(0, true), (30_000, false), (50_000, true)];
        assert_eq!(read(FILE, None).expect("the first of one bit"), clock);
        assert_eq!(read(FILE, Some("top.clock")).expect("by its full name"), clock);
        let enable = vec![(30_000, true), (50_000, false)];
        assert_eq!(read(FILE, Some("enable")).expect("by its name"), enable);
        assert_eq!(read(FILE, Some("top.sub.enable")).expect("by its full name"), enable);
        assert_eq!(
            read(&FILE.replace("10 us", "100 ps"), None).expect("rounded down"),
            [(0, true), (0, false), (0, true)]
        );
    }

    #[test]
    fn bad_files_are_refused_in_words() {
        let refusal = |text: &str, name| read(text, name).expect_err("a bad file").to_string();
        assert_eq!(
            refusal(FILE, Some("bus")),
            "in.vcd: expected a signal of one bit named bus, found top.clock, top.sub.enable; name one of them: FILE:NAME"
        );
        let line_6 = "in.vcd, line 6: expected ";
        assert!(refusal(&FILE.replace("#5", "#2"), None).starts_with(&format!("{line_6}times that grow")));
        assert!(refusal(&FILE.replace("#5", "#1844674407370956"), None).ends_with("found 1844674407370956"));
        assert!(refusal("RIFF", None).starts_with("in.vcd, line 1: expected a VCD file, found what is none: "));
        assert!(refusal("$timescale 1 ns $end", None).contains("it ends before $enddefinitions"));
        assert!(refusal("$enddefinitions $end", None).contains("found none"));
        let missing = read_named_signal("no-such.vcd:clock").expect_err("no file").to_string();
        assert!(missing.starts_with("no-such.vcd: "), "{missing}");
    }
}
