//! `cargo xtask codegen`: everything that is made from a block's SVD file.

#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "text is made once, and the results of `write!` to strings would be in the way of reading what is made"
)]

mod contract;
mod datasheet;
mod drawing;
mod driver;
mod handles;
mod programs;
#[cfg(test)]
mod tests;
mod words;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use registers::Description;

use crate::failure::{Context, Failure, Kind};
use crate::files;
use crate::output::print_line;
use crate::workspace::Workspace;
use contract::Contract;

/// The kernel's edition and style, whatever rustfmt.toml the workspace has. Retyped, so that the kernel's source is not
/// needed here; `cargo xtask check` asks the kernel's own file.
const KERNEL_STYLE: [&str; 4] = ["--edition", "2021", "--config", "max_width=100,use_small_heuristics=Default"];

/// A block: its SVD file and what is made from it, from the workspace's root.
struct Block {
    svd: &'static str,
    driver: &'static str,
    handles: &'static str,
    programs: &'static str,
    datasheet: &'static str,
}

const BLOCKS: [Block; 1] = [Block {
    svd: "device-model/blocks/pwm-audio/pwm-audio.svd",
    driver: "guest-driver/registers.rs",
    handles: "device-model/blocks/pwm-audio/src/registers.rs",
    programs: "guest-driver/programs/src/register_map.rs",
    datasheet: "docs/pwm-audio.md",
}];

/// Make registers, constants and datasheet from the blocks' SVD files.
#[derive(clap::Args)]
pub struct Options {
    /// Write nothing; fail if a file is not what its SVD file makes it.
    #[arg(long)]
    check: bool,
}

/// Runs the command: writes the files that are out of date, and says which.
///
/// # Errors
/// An SVD file that is refused (exit code 2), no rustfmt or no way to write (3).
pub fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    if options.check {
        return check(workspace);
    }
    let stale = stale_files(workspace.root())?;
    for file in &stale {
        let path = workspace.root().join(file.path);
        files::create_folder(path.parent().unwrap_or(workspace.root()))?;
        let temporary = path.with_extension("partial");
        files::write(&temporary, &file.wanted)?;
        files::rename(&temporary, &path)?;
        print_line(format_args!("wrote {}", file.path));
    }
    if stale.is_empty() {
        print_line("every generated file is up to date");
    }
    Ok(())
}

/// Writes nothing.
///
/// # Errors
/// Files that are out of date, each with its first line that differs (exit code 1); else as [`run`].
pub fn check(workspace: &Workspace) -> Result<(), Failure> {
    let stale = stale_files(workspace.root())?;
    if stale.is_empty() {
        return Ok(());
    }
    let differences: String = stale.iter().map(|file| format!("\n  {}", file.first_difference())).collect();
    Err(Failure::new(
        Kind::Failed,
        format!("these files are not what their SVD files make them; run `cargo xtask codegen`:{differences}"),
    ))
}

/// A file that is not as its SVD file would have it.
struct StaleFile {
    path: &'static str,
    /// What there is; `None` where there is no file.
    found: Option<String>,
    wanted: String,
}

impl StaleFile {
    /// Where the file first differs, and how.
    fn first_difference(&self) -> String {
        let Some(found) = &self.found else { return format!("{}: it is not there", self.path) };
        let (mut found_lines, mut wanted_lines) = (found.split('\n'), self.wanted.split('\n'));
        let mut number = 1;
        loop {
            let (found, wanted) = (found_lines.next(), wanted_lines.next());
            if found != wanted || found.is_none() {
                let said = |line: Option<&str>| line.map_or("the end".to_owned(), |line| format!("{line:?}"));
                return format!("{} line {number}: expected {}, found {}", self.path, said(wanted), said(found));
            }
            number += 1;
        }
    }
}

/// Makes every file anew and gives those that are not the same on the disk.
fn stale_files(root: &Path) -> Result<Vec<StaleFile>, Failure> {
    let mut stale = Vec::new();
    for block in &BLOCKS {
        for (path, wanted) in outputs(root, block)? {
            let found = match fs::read(root.join(path)) {
                Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(Failure::environment(format!("cannot read {path}")).caused_by(error)),
            };
            if found.as_ref() != Some(&wanted) {
                stale.push(StaleFile { path, found, wanted });
            }
        }
    }
    Ok(stale)
}

/// Path and content of everything that is made from the block's SVD file.
fn outputs(root: &Path, block: &Block) -> Result<Vec<(&'static str, String)>, Failure> {
    let bad_input = |problem: String| Failure::new(Kind::BadInput, format!("{}: {problem}", block.svd));
    let text = fs::read_to_string(root.join(block.svd)).map_err(|error| bad_input(error.to_string()))?;
    let map = Description::parse(&text).and_then(|description| description.map(&[]));
    let map = map.map_err(|error| bad_input(error.to_string()))?;
    let contract = Contract::new(block.svd, &map);
    let driver = driver::generate(&contract).map_err(bad_input)?;
    let style = ["--edition", "2024"];
    Ok(vec![
        (block.handles, formatted(root, &handles::generate(&contract), &style)?),
        (block.driver, formatted(root, &driver, &KERNEL_STYLE)?),
        (block.programs, formatted(root, &programs::generate(&contract), &style)?),
        (block.datasheet, datasheet::generate(&contract)),
    ])
}

/// Rust as rustfmt has it with the options `style` and the workspace's configuration.
fn formatted(root: &Path, text: &str, style: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new("rustfmt");
    command.args(style).current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = (|| -> io::Result<Output> {
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // It reads all of it before it writes: neither can wait for the other.
            input.write_all(text.as_bytes())?;
        }
        child.wait_with_output()
    })();
    let output =
        output.or_environment(|| "cannot run rustfmt: `rustup component add rustfmt` installs it".to_owned())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(Failure::environment(format!("rustfmt does not take generated code ({}):\n{words}", output.status)))
}
