//! What programs on PATH answer, remembered until they are replaced: a warm set-up starts none of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cache::Cache;
use crate::failure::{Context, Failure};
use crate::files;
use crate::process;

const FILE: &str = "probes.json";

/// Answers by program identity and arguments.
pub(super) struct Probes {
    saved: BTreeMap<String, String>,
    answers: Mutex<BTreeMap<String, String>>,
}

impl Probes {
    /// What earlier runs remembered; an unreadable file is as good as none.
    pub(super) fn load(cache: &Cache) -> Self {
        let saved: BTreeMap<_, _> =
            fs::read(cache.path(FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { answers: Mutex::new(saved.clone()), saved }
    }

    /// What the program prints on stdout; `None` when it is not there or fails.
    pub(super) fn ask(&self, program: &Path, arguments: &[&str]) -> Option<String> {
        let key = format!("{} {}", files::identity(program)?, arguments.join(" "));
        if let Some(answer) = self.answers().get(&key) {
            return Some(answer.clone());
        }
        let answer = process::output(Command::new(program).args(arguments)).ok()?;
        self.answers().insert(key, answer.clone());
        Some(answer)
    }

    /// Remembers what is new.
    pub(super) fn save(&self, cache: &Cache) -> Result<(), Failure> {
        let answers = self.answers();
        if *answers == self.saved {
            return Ok(());
        }
        let text = serde_json::to_vec(&*answers).or_environment(|| format!("cannot write {FILE}"))?;
        let temporary = cache.path(&format!("{FILE}.partial"));
        files::write(&temporary, text)?;
        files::rename(&temporary, &cache.path(FILE))
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_answer_is_remembered_until_the_program_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let program = folder.path().join("tool");
        let install = |script: &str| {
            let new = folder.path().join("tool.new");
            fs::write(&new, format!("#!/bin/sh\n{script}")).unwrap();
            fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(new, &program).unwrap();
        };
        let count = folder.path().join("count");
        install(&format!("echo x >>{0}; wc -l <{0}", count.display()));
        let probes = Probes::load(&cache);
        assert_eq!(probes.ask(&program, &["-v"]).as_deref(), Some("1\n"));
        probes.save(&cache).unwrap();
        let again = Probes::load(&cache);
        assert_eq!(again.ask(&program, &["-v"]).as_deref(), Some("1\n"), "remembered");
        assert_eq!(again.ask(&program, &["-w"]).as_deref(), Some("2\n"), "another question");
        install("echo new and longer than before");
        assert_eq!(again.ask(&program, &["-v"]).as_deref(), Some("new and longer than before\n"));
        assert_eq!(again.ask(&folder.path().join("none"), &["-v"]), None);
    }
}
