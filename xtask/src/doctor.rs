//! `cargo xtask doctor`: tells what a board needs and whether it is here. Changes nothing.

use cosim_tests::Accelerator;

use crate::cache::Cache;
use crate::failure::Failure;
use crate::host;
use crate::output::print_line;
use crate::setup::{self, Setup, State};

/// Prints each need with its state.
///
/// # Errors
/// When something is missing that `cargo xtask setup` cannot bring (exit code 3).
pub fn run(options: &setup::Options) -> Result<(), Failure> {
    let cache = Cache::find()?;
    let cache_folder = cache.path("");
    let setup = Setup::new(cache, options)?;
    let needs = setup.survey();
    let width = needs.iter().map(|need| need.name.len()).max().unwrap_or(0);
    for need in &needs {
        let name = &need.name;
        let (state, text) = match &need.state {
            State::Found { version, place } => ("found", format!("{version} {}", place.display())),
            State::Obtainable(how) => ("not yet", format!("`cargo xtask setup` brings it: {how}")),
            State::MissingPackages(_) | State::Missing(_) => ("MISSING", need.why.clone()),
            State::Dispensable(effect) => ("without", effect.clone()),
        };
        print_line(format_args!("{name:width$}  {state:7}  {}", text.trim_start()));
    }
    print_line(format_args!(
        "{:width$}  {:7}  {} {}",
        "rustc",
        "found",
        host::RUSTC_RELEASE,
        host::rustc_sysroot().display()
    ));
    print_line(format_args!("{:width$}  {:7}  {}", "lane", "", options.lane()));
    print_line(format_args!("{:width$}  {:7}  {}", "accelerator", "", Accelerator::detect(options.arch)));
    print_line(format_args!("{:width$}  {:7}  {}", "cache", "", cache_folder.display()));
    setup::refuse_if_missing(&needs)
}
