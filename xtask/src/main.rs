//! The command line of Softboard: `cargo xtask help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
