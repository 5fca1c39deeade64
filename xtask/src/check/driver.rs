//! What the kernel's maintainers check a driver with: the kernel's own rustfmt.toml, clippy and checkpatch.pl.

use std::process::Command;

use cosim_tests::Lane;
use cosim_tests::manifest::Manifest;

use crate::build::module;
use crate::failure::{Failure, Kind};
use crate::workspace::Workspace;

/// All of them.
pub(super) const NAME: &str = "the kernel's rustfmt, clippy and checkpatch on guest-driver";

/// Name and command of each check, to be run in the workspace's root. None without a driver.
///
/// # Errors
/// When the kernel's source is not set up, or the driver's cannot be read.
pub(super) fn checks(workspace: &Workspace) -> Result<Vec<(&'static str, Command)>, Failure> {
    let driver = workspace.root().join("guest-driver");
    if !driver.is_dir() {
        return Ok(Vec::new());
    }
    let manifest = Manifest::load(&Manifest::path(workspace.root(), Lane::default()))
        .map_err(|error| Failure::new(Kind::Failed, format!("{NAME} need the kernel's source")).caused_by(error))?;
    let source = &manifest.kernel.source;
    let files = module::sources(&driver)?;
    let files: Vec<_> = files.iter().map(|file| file.strip_prefix(workspace.root()).unwrap_or(file)).collect();

    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--check", "--config-path"]).arg(source.join(".rustfmt.toml"));
    rustfmt.args(files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")));

    // In a folder of its own: clippy may change the code that is generated.
    let mut clippy = module::kbuild(workspace, &manifest, &workspace.output().join("clippy"))?;
    clippy.args(["CLIPPY=1", "W=e"]).args(manifest.modules.keys().map(|name| format!("{name}.o")));
    // Cargo says so of xtask; the kernel's least version is in its .clippy.toml.
    clippy.env_remove("CARGO_PKG_RUST_VERSION");

    let mut checkpatch = Command::new("perl");
    checkpatch.arg(source.join("scripts/checkpatch.pl"));
    checkpatch.args(["--strict", "--no-tree", "--quiet", "--show-types", "--file"]).args(files);

    Ok(vec![
        ("rustfmt --check --config-path LINUX/.rustfmt.toml guest-driver/*.rs", rustfmt),
        ("make -C LINUX M=guest-driver CLIPPY=1 W=e", clippy),
        ("LINUX/scripts/checkpatch.pl --strict --no-tree --file guest-driver/*", checkpatch),
    ])
}
