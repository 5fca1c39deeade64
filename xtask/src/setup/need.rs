//! What a board needs, and what set-up says when it cannot bring it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::host;

/// One thing that a board needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Need {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) state: State,
}

/// Whether a need is met.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It is there.
    Found {
        /// May be empty.
        version: String,
        place: PathBuf,
    },
    /// Set-up can bring it; how.
    Obtainable(String),
    /// Somebody has to install these Debian packages.
    MissingPackages(Vec<String>),
    /// Somebody has to do this.
    Missing(String),
    /// Not there, and boards boot without it; what does not work.
    Dispensable(String),
}

impl Need {
    pub(crate) fn new(name: &str, why: &str, state: State) -> Self {
        Self { name: name.to_owned(), why: why.to_owned(), state }
    }
}

impl State {
    pub(crate) fn found(version: impl Into<String>, place: impl Into<PathBuf>) -> Self {
        Self::Found { version: version.into(), place: place.into() }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::MissingPackages(_))
    }
}

/// One message for all that is missing: what, why, and what to type. `None` when nothing is.
fn missing_message(needs: &[Need]) -> Option<String> {
    let missing = || needs.iter().filter(|need| need.state.is_missing());
    missing().next()?;
    let mut lines = vec!["this machine lacks what set-up cannot install by itself:".to_owned()];
    for need in missing() {
        lines.push(format!("  {}: {}", need.name, need.why));
        if let State::Missing(remedy) = &need.state {
            lines.push(format!("    {remedy}"));
        }
    }
    let packages: BTreeSet<&str> = missing()
        .filter_map(|need| match &need.state {
            State::MissingPackages(packages) => Some(packages),
            _ => None,
        })
        .flatten()
        .map(String::as_str)
        .collect();
    if !packages.is_empty() {
        let introduction = if host::find_program("apt-get").is_some() {
            "install the packages (this user is not root) with:"
        } else {
            "there is no apt-get here; install these with the system's own package manager, which on Debian is:"
        };
        lines.push(introduction.to_owned());
        let packages: Vec<_> = packages.into_iter().collect();
        lines.push(format!("  sudo apt-get install -y --no-install-recommends {}", packages.join(" ")));
    }
    lines.push("then run `cargo xtask setup` again".to_owned());
    Some(lines.join("\n"))
}

/// Fails when something is missing that set-up cannot bring.
pub(crate) fn refuse_if_missing(needs: &[Need]) -> Result<(), Failure> {
    missing_message(needs).map_or(Ok(()), |message| Err(Failure::environment(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_names_everything_missing_and_one_line_to_type() {
        let packages = |names: &[&str]| State::MissingPackages(names.iter().map(|&name| name.to_owned()).collect());
        let needs = [
            Need::new("flex", "parses", packages(&["flex"])),
            Need::new("make", "makes", State::found("", "/usr/bin/make")),
            Need::new("LLVM", "compiles", packages(&["clang-19", "lld-19"])),
            Need::new("QEMU", "emulates", State::Missing("put it on PATH".to_owned())),
            Need::new("busybox", "shell", State::Dispensable("no shell".to_owned())),
            Need::new("kernel", "boots", State::Obtainable("built".to_owned())),
        ];
        let message = missing_message(&needs).unwrap();
        assert!(message.contains("\n  flex: parses\n"), "{message}");
        assert!(message.contains("\n  QEMU: emulates\n    put it on PATH\n"), "{message}");
        assert!(message.contains("sudo apt-get install -y --no-install-recommends clang-19 flex lld-19\n"));
        for fine in ["makes", "shell", "boots"] {
            assert!(!message.contains(fine), "{message}");
        }
        assert_eq!(missing_message(&needs[5..]), None);
    }
}
