//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, each from its seeds and for a while.
//!
//! `cargo fuzz` builds them, without a sanitizer: there is next to no unsafe code to watch, and so the workspace's own
//! compiler does, where a sanitizer would take a nightly one.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Kind};
use crate::files;
use crate::host;
use crate::output::print_line;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// How long one input may take, in seconds, until it counts as a finding.
const INPUT_TIMEOUT_S: u32 = 30;

/// Fuzz message parser, sessions and registers, each for a while; fail when something is found.
#[derive(clap::Args)]
pub struct Options {
    /// The targets to run, which are the files in `fuzz/fuzz_targets` [default: all of them].
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long to run each.
    #[arg(long = "time", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    time_s: u32,
}

/// Builds the targets and runs one after the other, also after one has found something.
///
/// # Errors
/// A finding, or a target that does not compile (exit code 1), a target that does not exist (2), a machine without
/// cargo-fuzz or a C++ compiler (3).
pub fn run(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<(), Failure> {
    let targets = chosen(there(workspace)?, &options.targets)?;
    refuse_if_missing()?;
    let built = cargo_fuzz(workspace, "build").status().or_environment(|| "cargo cannot be started".to_owned())?;
    if !built.success() {
        return Err(Failure::new(Kind::Failed, "the fuzz targets do not compile: the reason is above"));
    }
    let mut findings = Vec::new();
    for target in &targets {
        let step = progress.step(&format!("fuzz {target} for {} s", options.time_s));
        let (said, finding) = fuzz(workspace, target, options.time_s)?;
        step.finish();
        print_line(format_args!("{target:10}  {said}"));
        findings.extend(finding);
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure::new(Kind::Failed, findings.join("\n"))) }
}

fn there(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let folder = workspace.root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).or_environment(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let sources = paths.filter(|path| path.extension() == Some(OsStr::new("rs")));
    let mut names: Vec<_> = sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn chosen(there: Vec<String>, wanted: &[String]) -> Result<Vec<String>, Failure> {
    match wanted.iter().find(|target| !there.contains(target)) {
        Some(unknown) => {
            let message = format!("there is no fuzz target {unknown}; there are {}", there.join(", "));
            Err(Failure::new(Kind::BadInput, message))
        }
        None if wanted.is_empty() => Ok(there),
        None => Ok(wanted.to_vec()),
    }
}

fn refuse_if_missing() -> Result<(), Failure> {
    let mut missing = Vec::new();
    let version = cargo().args(["fuzz", "--version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        missing.push("cargo-fuzz builds and runs the targets; `cargo install cargo-fuzz` installs it");
    }
    if env::var_os("CXX").is_none() && host::find_program("c++").is_none() {
        missing.push("a C++ compiler builds libFuzzer; install the distribution's g++, or name one in CXX");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::environment(format!("fuzzing needs what is not here:\n  {}", missing.join("\n  "))))
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn cargo_fuzz(workspace: &Workspace, command: &str) -> Command {
    let mut cargo = cargo();
    cargo.current_dir(workspace.root()).args(["fuzz", command, "--sanitizer", "none", "--target-dir", "target/fuzz"]);
    cargo
}

/// Runs a target; gives what it did in one line, and the finding if there is one.
fn fuzz(workspace: &Workspace, target: &str, time_s: u32) -> Result<(String, Option<String>), Failure> {
    let output = workspace.output().join("fuzz").join(target);
    let (corpus, log) = (output.join("corpus"), output.join("log"));
    files::create_folder(&corpus)?;
    let mut command = cargo_fuzz(workspace, "run");
    // What is new goes to the first folder; the seeds are only read.
    command.arg(target).arg(&corpus).arg(format!("fuzz/corpus/{target}")).arg("--");
    command.arg(format!("-max_total_time={time_s}")).arg(format!("-timeout={INPUT_TIMEOUT_S}"));
    command.arg(format!("-artifact_prefix={}/", output.display())).args(["-len_control=0", "-max_len=4096"]);
    let log_file = fs::File::create(&log).or_environment(|| format!("cannot write {}", log.display()))?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file).status();
    let status = status.or_environment(|| "cargo cannot be started".to_owned())?;
    let said = fs::read(&log).or_environment(|| format!("cannot read {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    let summary = summary(&said).unwrap_or_else(|| "ended while it tried the seeds".to_owned());
    let finding = (!status.success()).then(|| finding(target, &said, &log));
    Ok((summary, finding))
}

/// The last of libFuzzer's lines that tell how far it is.
fn summary(said: &str) -> Option<String> {
    let line = said.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: "))?;
    let after = |word: &str| line.split_whitespace().skip_while(|found| *found != word).nth(1);
    let executions = line.strip_prefix('#')?.split_whitespace().next()?;
    let (covered, corpus) = (after("cov:")?, after("corp:")?.split('/').next()?);
    let rate = after("exec/s:")?;
    Some(format!("{executions} executions, {rate} a second; {covered} places of the code covered by {corpus} inputs"))
}

fn finding(target: &str, said: &str, log: &Path) -> String {
    let artifact = said.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
    let panicked = said.lines().skip_while(|line| !line.contains("panicked at")).take(2);
    let log = log.display();
    let Some(artifact) = artifact.map(PathBuf::from) else {
        return format!("{target} ended with no input to blame: see {log}");
    };
    let artifact = artifact.display();
    let panic = panicked.collect::<Vec<_>>().join("\n  ");
    format!(
        "{target} found {artifact}\n  {panic}\n  its words: {log}\n  once more: cargo fuzz run --sanitizer none --target-dir \
         target/fuzz {target} {artifact}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "INFO: Seed: 1\n\
        #2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #12085\tREDUCE cov: 2938 ft: 4286 corp: 185/2393b lim: 21 exec/s: 464 rss: 38Mb L: 4/9 MS: 1 EraseBytes-\n\
        thread '<unnamed>' (7) panicked at src/lib.rs:3:5:\n\
        index out of bounds\n\
        stack backtrace:\n\
        artifact_prefix='/out/'; Test unit written to /out/crash-0123\n\
        Base64: AA==\n";

    #[test]
    fn a_run_is_told_in_numbers_and_a_finding_with_its_input() {
        let expected = "12085 executions, 464 a second; 2938 places of the code covered by 185 inputs";
        assert_eq!(summary(SAID).as_deref(), Some(expected));
        assert_eq!(summary("error: no such target\n"), None);
        let found = finding("message", SAID, Path::new("/out/log"));
        for words in ["message found /out/crash-0123\n", "index out of bounds", "fuzz message /out/crash-0123"] {
            assert!(found.contains(words), "{found}");
        }
        assert_eq!(
            finding("message", "killed\n", Path::new("/out/log")),
            "message ended with no input to blame: see /out/log"
        );
    }

    #[test]
    fn a_target_that_is_not_there_is_named_with_those_that_are() {
        let there = || vec!["message".to_owned(), "session".to_owned()];
        assert_eq!(chosen(there(), &[]).unwrap(), there());
        assert_eq!(chosen(there(), &["session".to_owned()]).unwrap(), ["session"]);
        let refused = chosen(there(), &["sessions".to_owned()]).unwrap_err();
        assert_eq!(refused.to_string(), "there is no fuzz target sessions; there are message, session");
    }
}
