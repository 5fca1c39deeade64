//! The guest's file system: a cpio archive that the kernel unpacks into memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use cosim_tests::manifest::Manifest;

use crate::archive::Archive;
use crate::failure::{Context, Failure};
use crate::files::{self, fingerprint, identity};

/// The program that becomes process 1.
const INIT: &str = "agent";

const FOLDERS: [&str; 8] = ["bin", "dev", "lib", "lib/modules", "proc", "root", "sys", "tmp"];

/// Packs the archive, unless it holds the same files already.
pub(super) fn ensure(manifest: &Manifest, programs: &BTreeMap<String, PathBuf>) -> Result<(), Failure> {
    let contents = contents(manifest, programs)?;
    let archive = &manifest.initramfs;
    let stamp = archive.with_extension("inputs");
    let inputs = key(&contents);
    if archive.is_file() && fs::read_to_string(&stamp).is_ok_and(|text| text == inputs) {
        return Ok(());
    }
    files::remove(&stamp)?;
    let temporary = archive.with_extension("cpio.partial");
    let pack = || write_archive(io::BufWriter::new(fs::File::create(&temporary)?), &contents);
    pack().or_environment(|| format!("cannot write {}", temporary.display()))?;
    files::rename(&temporary, archive)?;
    files::write(&stamp, inputs)
}

/// Path in the guest to file on the host.
fn contents(manifest: &Manifest, programs: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut contents = BTreeMap::new();
    for (name, file) in programs {
        let path = if name == INIT { "init".to_owned() } else { format!("bin/{name}") };
        contents.insert(path, file.clone());
    }
    if !contents.contains_key("init") {
        return Err(Failure::environment(format!("guest-programs has no program named {INIT}")));
    }
    contents.extend(manifest.busybox.iter().map(|file| ("bin/busybox".to_owned(), file.clone())));
    for (name, file) in &manifest.modules {
        contents.insert(format!("lib/modules/{name}.ko"), file.clone());
    }
    Ok(contents)
}

fn key(contents: &BTreeMap<String, PathBuf>) -> String {
    let identities: Vec<_> =
        contents.iter().map(|(path, file)| format!("{path} {}", identity(file).unwrap_or_default())).collect();
    fingerprint(FOLDERS.iter().map(|folder| folder.as_bytes()).chain(identities.iter().map(String::as_bytes)))
}

fn write_archive(writer: impl Write, contents: &BTreeMap<String, PathBuf>) -> io::Result<()> {
    let mut archive = Archive::new(writer);
    FOLDERS.iter().try_for_each(|folder| archive.folder(folder))?;
    // The kernel opens it for process 1 before anything is mounted.
    archive.character_device("dev/console", 5, 1)?;
    contents.iter().try_for_each(|(path, file)| archive.file(path, file))?;
    archive.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive;

    #[test]
    fn the_archive_holds_what_the_kernel_and_the_agent_look_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent");
        fs::write(&file, "odd").unwrap();
        let contents = BTreeMap::from([("init".to_owned(), file.clone()), ("bin/play".to_owned(), file)]);
        let mut archive = Vec::new();
        write_archive(&mut archive, &contents).unwrap();

        let entries = archive::read(&archive);
        assert_eq!(entries["init"], (0o100_755, (0, 0), b"odd".to_vec()));
        assert_eq!(entries["bin/play"], (0o100_755, (0, 0), b"odd".to_vec()));
        assert_eq!(entries["dev/console"], (0o020_600, (5, 1), Vec::new()));
        assert_eq!(entries["lib/modules"], (0o040_755, (0, 0), Vec::new()));
    }

    #[test]
    fn the_key_follows_a_rebuilt_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent");
        fs::write(&file, "one").unwrap();
        let contents = BTreeMap::from([("init".to_owned(), file.clone())]);
        let first = key(&contents);
        assert_eq!(key(&contents), first);
        fs::write(&file, "three").unwrap();
        assert_ne!(key(&contents), first);
    }
}
