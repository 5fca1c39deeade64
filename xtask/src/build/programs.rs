//! The guest's programs: the workspace's package `guest-programs`, linked statically.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cosim_tests::manifest::Programs;
use serde::Deserialize;

use crate::failure::{Context, Failure, Kind};
use crate::workspace::Workspace;

const PACKAGE: &str = "guest-programs";

/// A line of cargo's `--message-format=json`, as far as it is of interest.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Lets cargo bring the programs up to date; returns their names and files.
pub(super) fn ensure(workspace: &Workspace, programs: &Programs) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let target = workspace.root().join("target/guest");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--package", PACKAGE, "--bins", "--target", &programs.target])
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(&target)
        .args(&programs.arguments)
        .current_dir(workspace.root())
        .envs(&programs.environment)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    // Only the first build takes long enough for cargo's progress to be of interest.
    if target.join(&programs.target).exists() {
        command.arg("--quiet");
    }
    let output = command.output().or_environment(|| "cannot start cargo for the guest's programs".to_owned())?;
    if !output.status.success() {
        return Err(Failure::new(Kind::Failed, format!("the guest's programs ({PACKAGE}) do not compile: see above")));
    }
    Ok(executables(&String::from_utf8_lossy(&output.stdout)))
}

fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| Some((message.target?.name, message.executable?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_are_taken_from_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"agent_protocol"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"agent"},"executable":"/t/agent"}
{"reason":"build-script-executed","package_id":"x"}
not json
{"reason":"build-finished","success":true}"#;
        let expected = BTreeMap::from([("agent".to_owned(), PathBuf::from("/t/agent"))]);
        assert_eq!(executables(messages), expected);
    }
}
