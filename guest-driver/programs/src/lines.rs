//! Programs that do one operation a line.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

/// Answers each line of standard input, as it comes, by one line of standard output: `failed: ` and the kernel's number
/// if it was refused.
///
/// Gives what `program` exits with: 0 all was done, 1 something was refused or the lines cannot be read, 2 a line that
/// `parse` does not know, with `usage` and its message on standard error.
pub fn answer_lines<T>(
    program: &str,
    usage: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    perform: impl FnMut(T) -> io::Result<String>,
) -> ExitCode {
    match serve(parse, perform) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Ended::Refused)) => ExitCode::FAILURE,
        Ok(Err(Ended::Unknown(message))) => {
            eprintln!("{program}: {message}\n{usage}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("{program}: could not read the lines or print the answers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why not all was done.
enum Ended {
    Refused,
    Unknown(String),
}

fn serve<T>(
    parse: impl Fn(&str) -> Result<T, String>,
    mut perform: impl FnMut(T) -> io::Result<String>,
) -> io::Result<Result<(), Ended>> {
    let mut ended = Ok(());
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let operation = match parse(&line?) {
            Ok(operation) => operation,
            Err(message) => return Ok(Err(Ended::Unknown(message))),
        };
        match perform(operation) {
            Ok(answer) => writeln!(output, "{answer}")?,
            Err(error) => {
                // The words are the C library's, the number is the kernel's.
                match error.raw_os_error() {
                    Some(number) => writeln!(output, "failed: os error {number}")?,
                    None => writeln!(output, "failed: {error}")?,
                }
                ended = Err(Ended::Refused);
            }
        }
    }
    Ok(ended)
}
