//! The commands behind `cargo xtask`, one module a command.
//!
//! Another workspace's xtask is `fn main() -> std::process::ExitCode { xtask::main() }`.

mod archive;
pub mod bench;
pub mod build;
mod cache;
pub mod check;
pub mod codegen;
mod coverage;
pub mod doctor;
pub mod failure;
mod files;
pub mod fuzz;
mod host;
mod inputs;
mod output;
mod process;
pub mod progress;
pub mod run;
pub mod setup;
pub mod shell;
pub mod test;
pub mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use progress::Progress;
use workspace::Workspace;

/// Sets up, builds, runs and checks co-simulations of hardware blocks and their drivers.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Options),
    Test(test::Options),
    Shell(shell::Options),
    /// Install what is missing: QEMU, a kernel, and the tools that build them.
    Setup(setup::Options),
    /// Tell what set-up needs and whether it is here; change nothing.
    Doctor(setup::Options),
    /// Build what is out of date: the kernel module, the guest's programs, the initramfs.
    Build(setup::Options),
    Codegen(codegen::Options),
    Bench(bench::Options),
    Fuzz(fuzz::Options),
    /// Check generated files, formatting, clippy and documentation, with warnings denied; and the kernel module with the
    /// kernel's own rustfmt.toml, clippy and checkpatch.pl.
    Check,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let progress = Progress::new();
    match command {
        Command::Run(options) => run::run(&workspace, &options, &progress),
        Command::Test(options) => test::run(&workspace, &options, &progress),
        Command::Shell(options) => shell::run(&workspace, &options, &progress),
        Command::Setup(options) => setup::ensure(&workspace, &options, &progress).map(drop),
        Command::Doctor(options) => doctor::run(&options),
        Command::Build(options) => {
            let manifest = setup::ensure(&workspace, &options, &progress)?;
            build::ensure(&workspace, &manifest, &progress)
        }
        Command::Bench(options) => bench::run(&workspace, &options),
        Command::Codegen(options) => codegen::run(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options, &progress),
        Command::Check => check::run(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
