//! What commands print as their result.

use std::fmt::Display;
use std::io::{Write, stdout};

/// Prints a line on standard output. A reader that has gone, such as `head`, wants no more of it.
pub(crate) fn print_line(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}
