//! What the tests have touched of the devices' registers: a summary, and `coverage.json` in `target/softboard`,
//! or in the lane's folder there.
//!
//! The file is of the last `cargo xtask test`. `summary` has the number `covered` and the `total` of registers, fields,
//! enumerated values and bits, and what is `missing` in words. `blocks` has every block that a device had, and by name
//! and `offset` its `registers`:
//!
//! - `readable_bits` and `writable_bits`, those of fields, or all where there are no fields;
//! - `by_scenario`: for each scenario that touched the register, the number of `reads` and `writes` and the bits that
//!   they carried as 0 and as 1, also those that cannot be read or written;
//! - `fields` and their `enumerated_values`, with the scenarios that they were `read_by` and `written_by`, each `null`
//!   where that cannot be. An access counts for a field when it carries all of it.
//!
//! Bits and offsets are hexadecimal texts. A register or a field is covered when it was read, if it can be, and written,
//! if it can be; an enumerated value when it was read or written; a bit when it was seen at 0 and at 1 by reads, or by
//! writes if it cannot be read.

mod report;

use std::fs;
use std::iter::repeat;
use std::path::{Path, PathBuf};

use device_model::DeviceCoverage;
use tempfile::TempDir;

use crate::failure::{Context, Failure, Kind};
use crate::files;
use crate::output::print_line;

use report::{Report, Summary};

/// How many lines of what is missing a summary has.
const MISSING_LINES: usize = 10;

/// What the coverage is to be of, and how much.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// What the names of the scenarios that count have in them; all count without.
    pub(crate) scenario: Option<String>,
    /// How much of registers, fields and enumerated values together has to be covered, in percent.
    pub(crate) minimum_percent: Option<u8>,
}

/// A new folder in `output` for what devices leave; it goes with its value.
pub(crate) fn create_folder(output: &Path) -> Result<TempDir, Failure> {
    files::create_folder(output)?;
    let folder = tempfile::Builder::new().prefix("coverage-").tempdir_in(output);
    folder.or_environment(|| format!("cannot create a folder in {}", output.display()))
}

/// Merges what devices left in `folder` into `coverage.json`, in `output`, and prints the summary.
///
/// # Errors
/// When less than is wanted is covered, or no device ran that counts (exit code 1); a file that cannot be read or written
/// (3).
pub(crate) fn report(output: &Path, folder: &Path, wanted: &Wanted) -> Result<(), Failure> {
    let mut devices = read(folder)?;
    devices.retain(|device| wanted.scenario.as_ref().is_none_or(|part| device.scenario.contains(part)));
    let report = Report::new(devices);
    let json = serde_json::to_vec_pretty(&report).or_environment(|| "the coverage cannot be JSON".to_owned())?;
    let (merged, file) = (folder.join("merged"), output.join("coverage.json"));
    files::write(&merged, json)?;
    files::rename(&merged, &file)?;

    let verdict = wanted.minimum_percent.map_or(Ok(()), |minimum| check(&report, minimum));
    // What makes the command fail is named to the last.
    let missing_lines = if verdict.is_ok() { MISSING_LINES } else { usize::MAX };
    print_line(summary(&report, missing_lines, &file));
    verdict
}

fn read(folder: &Path) -> Result<Vec<DeviceCoverage>, Failure> {
    let entries = fs::read_dir(folder).or_environment(|| format!("cannot read {}", folder.display()))?;
    // A device that is killed while it writes leaves a part, with another extension.
    let finished = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let paths = entries.flatten().map(|entry| entry.path()).filter(finished);
    let device = |path: PathBuf| {
        let cannot = || format!("cannot read the coverage {}", path.display());
        let text = fs::read(&path).or_environment(cannot)?;
        serde_json::from_slice(&text).or_environment(cannot)
    };
    paths.map(device).collect()
}

/// `file` has what is too much for a summary.
fn summary(report: &Report, missing_lines: usize, file: &Path) -> String {
    if report.blocks.is_empty() {
        return "coverage    no device left any".to_owned();
    }
    let Summary { registers, fields, enumerated_values, bits, missing } = &report.summary;
    let mut lines = vec![
        format!("coverage    registers          {registers}"),
        format!("            fields             {fields}"),
        format!("            enumerated values  {enumerated_values}"),
        format!("            bits               {bits}, seen at 0 and at 1"),
    ];
    let titles = ["missing     "].into_iter().chain(repeat("            "));
    lines.extend(titles.zip(missing).take(missing_lines).map(|(title, missing)| format!("{title}{missing}")));
    let more = missing.len().saturating_sub(missing_lines);
    if more > 0 {
        lines.push(format!("            and {more} more: see {}", file.display()));
    }
    lines.join("\n")
}

fn check(report: &Report, minimum_percent: u8) -> Result<(), Failure> {
    let expected =
        format!("coverage: expected {minimum_percent} % of registers, fields and enumerated values at least");
    if report.blocks.is_empty() {
        let message = format!("{expected}, but no device left any; run tests that have one");
        return Err(Failure::new(Kind::Failed, message));
    }
    let together = report.summary.together();
    if together.covered * 100 >= together.total * u64::from(minimum_percent) {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, format!("{expected}, found {together}; what is missing is named above")))
}

#[cfg(test)]
mod tests;
