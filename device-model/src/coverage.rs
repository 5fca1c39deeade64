//! What scenarios do to the registers of devices, as files.
//!
//! When `SOFTBOARD_COVERAGE` names a folder, every device of every process leaves a [`DeviceCoverage`] there, as JSON,
//! when it ends. A device whose process is killed, or exits with the device at work, leaves none.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process, thread};

use device::Device;
use registers::RegisterCoverage;
use serde::{Deserialize, Serialize};

/// The variable of the environment that names the folder.
pub const COVERAGE_VARIABLE: &str = "SOFTBOARD_COVERAGE";

/// What one scenario did to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCoverage {
    /// The name of the device's block.
    pub block: String,
    /// The test that made the device; outside of tests the program.
    pub scenario: String,
    /// Its registers.
    pub registers: Vec<RegisterCoverage>,
}

/// Makes `device`, whose block is called `block`, leave its coverage in `folder`, in a new file whose name ends in
/// `.json`: all of it or nothing. A file that cannot be written is a warning on standard error.
pub fn write_coverage_at_end(device: &mut Device, block: &str, folder: PathBuf) {
    let (block, scenario) = (block.to_owned(), scenario());
    device.hand_coverage_to(Box::new(move |coverage| {
        let coverage = DeviceCoverage { block, scenario, registers: coverage.registers() };
        if let Err(error) = write(&folder, &coverage) {
            let (scenario, folder) = (&coverage.scenario, folder.display());
            eprintln!("warning: the coverage of {scenario} is lost: expected a writable folder {folder}: {error}");
        }
    }));
}

fn write(folder: &Path, coverage: &DeviceCoverage) -> io::Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let part = folder.join(format!("{name}.part"));
    fs::write(&part, serde_json::to_vec(coverage)?)?;
    fs::rename(part, folder.join(format!("{name}.json")))
}

/// What this thread and process are called, by [`scenario_name`].
fn scenario() -> String {
    let variable = |name| env::var_os(name).map(|value: OsString| value.to_string_lossy().into_owned());
    let program = env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    scenario_name(
        variable("NEXTEST_BINARY_ID").zip(variable("NEXTEST_TEST_NAME")),
        thread::current().name(),
        program.unwrap_or_else(|| format!("process {}", process::id())),
    )
}

/// The test as nextest prints it; without nextest the thread's name, which `cargo test` gives after the test; else the
/// program.
fn scenario_name(nextest: Option<(String, String)>, thread: Option<&str>, program: String) -> String {
    match (nextest, thread) {
        (Some((binary, test)), _) => format!("{binary} {test}"),
        (None, Some(thread)) if thread != "main" => thread.to_owned(),
        (None, _) => program,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_called_after_its_test_or_else_its_program() {
        let name = |nextest: Option<(&str, &str)>, thread| {
            let nextest = nextest.map(|(binary, test)| (binary.to_owned(), test.to_owned()));
            scenario_name(nextest, thread, "xtask".to_owned())
        };
        let nextest = Some(("cosim-tests::scenarios", "playback::speech"));
        assert_eq!(name(nextest, Some("main")), "cosim-tests::scenarios playback::speech");
        assert_eq!(name(nextest, Some("playback::speech")), "cosim-tests::scenarios playback::speech");
        assert_eq!(name(None, Some("playback::speech")), "playback::speech");
        assert_eq!(name(None, Some("main")), "xtask");
        assert_eq!(name(None, None), "xtask");
    }
}
