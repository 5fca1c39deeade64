//! `register-tests`: the generated register tests over a PCI function's BAR, without a driver.
//!
//! Exit codes: 0 passed, 1 failed or the BAR cannot be reached, 2 usage or a bad file.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use guest_programs::{RegisterBar, Sharing};
use register_tests::{Bus, Declarations, Report};
use registers::{Description, RegisterMap};

const USAGE: &str = "usage: register-tests BAR-FILE SVD-FILE [DECLARATIONS-FILE]
BAR-FILE is a BAR's file in sysfs, such as /sys/bus/pci/devices/0000:00:02.0/resource0 (write 1 to `enable` beside it
first). SVD-FILE describes the registers in it. DECLARATIONS-FILE says what an SVD file cannot: how a write to a register
resets the block, without which there are no tests, and what the hardware changes by itself.";

/// The BAR has no reset of its own.
struct Bar(RegisterBar);

impl Bus for Bar {
    type Error = io::Error;

    fn read(&mut self, offset: u64, bytes: usize) -> io::Result<u64> {
        self.0.read(usize::try_from(offset).map_err(io::Error::other)?, bytes)
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> io::Result<()> {
        self.0.write(usize::try_from(offset).map_err(io::Error::other)?, bytes, value)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (bar_file, svd_file, declarations_file) = match &arguments[..] {
        [bar_file, svd_file] => (bar_file, svd_file, None),
        [bar_file, svd_file, declarations_file] => (bar_file, svd_file, Some(declarations_file)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (map, declarations) = match read_files(svd_file, declarations_file) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("register-tests: {error}");
            return ExitCode::from(2);
        }
    };
    match test(bar_file, &map, &declarations) {
        Ok(report) => {
            print!("{report}");
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("register-tests: {bar_file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read_files(svd_file: &str, declarations_file: Option<&String>) -> Result<(RegisterMap, Declarations), String> {
    let map = |text: &str| Ok(Description::parse(text)?.map(&[])?);
    let map = read_file(svd_file, map)?;
    let declarations = declarations_file.map(|file| read_file(file, |text| Ok(Declarations::parse(text, &map)?)));
    let declarations = declarations.transpose()?.unwrap_or_default();
    Ok((map, declarations))
}

fn read_file<T>(file: &str, parse: impl FnOnce(&str) -> Result<T, Box<dyn Error>>) -> Result<T, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    parse(&text).map_err(|error| format!("{file}: {error}"))
}

fn test(bar_file: &str, map: &RegisterMap, declarations: &Declarations) -> Result<Report, Box<dyn Error>> {
    let mut bar = Bar(RegisterBar::open(Path::new(bar_file), Sharing::ReadWrite)?);
    Ok(register_tests::run(map, declarations, &mut bar)?)
}
