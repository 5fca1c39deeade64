//! The workspace that a command works in.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cosim_tests::Lane;

use crate::failure::{Context, Failure, Kind};

/// The workspace of the running xtask; everything it writes there is below `target/`.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace of the xtask package that cargo started, else that of the current folder.
    ///
    /// # Errors
    /// When there is none (exit code 2).
    pub fn find() -> Result<Self, Failure> {
        let start = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(package) => PathBuf::from(package),
            None => env::current_dir().or_environment(|| "there is no current folder".to_owned())?,
        };
        start
            .ancestors()
            .find(|folder| {
                fs::read_to_string(folder.join("Cargo.toml"))
                    .is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
            })
            .map(|root| Self { root: root.to_owned() })
            .ok_or_else(|| {
                Failure::new(
                    Kind::BadInput,
                    format!("no Cargo workspace holds {}: run `cargo xtask` inside a workspace", start.display()),
                )
            })
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What set-up and build leave behind: `target/softboard`.
    pub fn output(&self) -> PathBuf {
        self.root.join("target/softboard")
    }

    /// The part of [`Self::output`] for one guest: all of it for the default one, a folder in it for another.
    pub fn lane_output(&self, lane: Lane) -> PathBuf {
        let output = self.output();
        if lane == Lane::default() { output } else { output.join(lane.to_string()) }
    }
}
