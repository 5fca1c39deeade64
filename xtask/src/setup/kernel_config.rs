//! What our fragments ask of the kernel's configuration, and whether it came out that way.

use std::collections::BTreeMap;

use crate::files::fingerprint;
use crate::inputs::Fragment;

/// Settings by symbol: a later fragment's take precedence.
#[derive(Debug)]
pub(super) struct Settings<'f> {
    by_symbol: BTreeMap<&'f str, Setting<'f>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Setting<'f> {
    /// `None` for a symbol that is to be off.
    value: Option<&'f str>,
    file: &'f str,
}

impl<'f> Settings<'f> {
    pub(super) fn new(fragments: &[Fragment]) -> Self
    where
        Fragment: 'f,
    {
        let lines = fragments.iter().flat_map(|fragment| fragment.text.lines().map(|line| (line, fragment.file)));
        let settings = lines.filter_map(|(line, file)| {
            let (symbol, value) = setting(line)?;
            Some((symbol, Setting { value, file }))
        });
        Self { by_symbol: settings.collect() }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.by_symbol.iter().map(|(symbol, setting)| line(symbol, setting.value))
    }

    /// As kconfig reads them.
    pub(super) fn text(&self) -> String {
        self.lines().map(|line| line + "\n").collect()
    }

    /// Changes with a setting, not with a comment.
    pub(super) fn fingerprint(&self, source_key: &str) -> String {
        let lines: Vec<String> = self.lines().collect();
        fingerprint([source_key.as_bytes()].into_iter().chain(lines.iter().map(String::as_bytes)))
    }

    /// The settings that a finished configuration does not have, with the fragment that wants them. A symbol that the
    /// configuration does not mention counts as switched off.
    pub(super) fn not_taken(&self, config: &str) -> Vec<String> {
        let taken: BTreeMap<&str, Option<&str>> = config.lines().filter_map(setting).collect();
        let is_lost = |symbol: &str, setting: &Setting| taken.get(symbol).copied().flatten() != setting.value;
        let lost = self.by_symbol.iter().filter(|(symbol, setting)| is_lost(symbol, setting));
        lost.map(|(symbol, setting)| format!("{}: {}", setting.file, line(symbol, setting.value))).collect()
    }
}

/// Reads `CONFIG_X=value` or `# CONFIG_X is not set`; anything else is a comment.
fn setting(line: &str) -> Option<(&str, Option<&str>)> {
    if let Some(symbol) = line.strip_prefix("# ").and_then(|line| line.strip_suffix(" is not set")) {
        return symbol.starts_with("CONFIG_").then_some((symbol, None));
    }
    let (symbol, value) = line.split_once('=')?;
    symbol.starts_with("CONFIG_").then_some((symbol, Some(value).filter(|value| *value != "n")))
}

fn line(symbol: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{symbol}={value}"),
        None => format!("# {symbol} is not set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(texts: &[&'static str]) -> Settings<'static> {
        let fragments: Vec<_> = texts.iter().zip(["one", "two"]).map(|(text, file)| Fragment { file, text }).collect();
        Settings::new(&fragments)
    }

    #[test]
    fn lines_that_kconfig_did_not_take_are_named() {
        let fragment = "# A comment with = in it\n\nCONFIG_RUST=y\nCONFIG_PVH=y\nCONFIG_TIMEOUT=-1\n\
                        # CONFIG_VT is not set\n# CONFIG_USB is not set\nCONFIG_SND=n\n";
        let config = "CONFIG_RUST=y\nCONFIG_TIMEOUT=-1\n# CONFIG_PVH is not set\n# CONFIG_VT is not set\n";
        assert_eq!(settings(&[fragment]).not_taken(config), ["one: CONFIG_PVH=y"]);
        let config = "CONFIG_RUST=m\nCONFIG_PVH=y\nCONFIG_TIMEOUT=0\nCONFIG_VT=y\nCONFIG_SND=m\n";
        assert_eq!(
            settings(&[fragment]).not_taken(config),
            [
                "one: CONFIG_RUST=y",
                "one: # CONFIG_SND is not set",
                "one: CONFIG_TIMEOUT=-1",
                "one: # CONFIG_VT is not set"
            ]
        );
    }

    #[test]
    fn a_symbol_does_not_pass_for_a_longer_one() {
        assert_eq!(settings(&["CONFIG_PCI=y\n"]).not_taken("CONFIG_PCI_MSI=y\n"), ["one: CONFIG_PCI=y"]);
        assert_eq!(settings(&["CONFIG_HZ=1\n"]).not_taken("CONFIG_HZ=100\n"), ["one: CONFIG_HZ=1"]);
    }

    #[test]
    fn a_later_fragment_takes_precedence() {
        let both = settings(&["CONFIG_SMP=n\nCONFIG_PCI=y\n", "# Two CPUs\nCONFIG_SMP=y\n"]);
        assert_eq!(both.text(), "CONFIG_PCI=y\nCONFIG_SMP=y\n");
        assert_eq!(both.not_taken("CONFIG_PCI=y\nCONFIG_SMP=y\n"), [""; 0]);
        assert_eq!(both.not_taken("CONFIG_PCI=y\n"), ["two: CONFIG_SMP=y"]);
    }

    #[test]
    fn the_fingerprint_follows_settings_and_source_and_nothing_else() {
        let first = settings(&["CONFIG_A=y\n"]).fingerprint("source");
        assert_eq!(settings(&["# Why\nCONFIG_A=y\n"]).fingerprint("source"), first);
        assert_ne!(settings(&["CONFIG_A=m\n"]).fingerprint("source"), first);
        assert_ne!(settings(&["CONFIG_A=y\n"]).fingerprint("another"), first);
    }
}
