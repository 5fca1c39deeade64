//! The guest's file system: a cpio archive that the kernel unpacks into memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cosim_tests::manifest::Manifest;
use cpio::newc::{Builder, ModeFileType, trailer};

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
    let pack = || -> io::Result<()> {
        let mut file = io::BufWriter::new(fs::File::create(&temporary)?);
        write_archive(&mut file, &contents)?;
        file.flush()
    };
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

fn write_archive(archive: &mut impl Write, contents: &BTreeMap<String, PathBuf>) -> io::Result<()> {
    for folder in FOLDERS {
        entry(folder, ModeFileType::Directory, 0o755).write(&mut *archive, 0).finish()?;
    }
    // The kernel opens it for process 1 before anything is mounted.
    entry("dev/console", ModeFileType::Char, 0o600).rdev_major(5).rdev_minor(1).write(&mut *archive, 0).finish()?;
    for (path, file) in contents {
        write_file(archive, path, file)?;
    }
    trailer(archive).map(drop)
}

fn write_file(archive: &mut impl Write, path: &str, file: &Path) -> io::Result<()> {
    let content =
        fs::read(file).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    let size = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut writer = entry(path, ModeFileType::Regular, 0o755).write(archive, size);
    writer.write_all(&content)?;
    writer.finish().map(drop)
}

/// Owned by root; without a modification time, so that the same contents make the same archive.
fn entry(path: &str, kind: ModeFileType, permissions: u32) -> Builder {
    Builder::new(path).mode(permissions).set_mode_file_type(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_archive_holds_what_the_kernel_and_the_agent_look_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent");
        fs::write(&file, "odd").unwrap();
        let contents = BTreeMap::from([("init".to_owned(), file.clone()), ("bin/play".to_owned(), file)]);
        let mut archive = Vec::new();
        write_archive(&mut archive, &contents).unwrap();

        let mut entries = BTreeMap::new();
        let mut rest = archive.as_slice();
        loop {
            let mut reader = cpio::newc::Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            let entry = reader.entry();
            let (name, mode) = (entry.name().to_owned(), entry.mode());
            let device = (entry.rdev_major(), entry.rdev_minor());
            let mut content = String::new();
            reader.read_to_string(&mut content).unwrap();
            entries.insert(name, (mode, device, content));
            rest = reader.finish().unwrap();
        }
        assert_eq!(entries["init"], (0o100_755, (0, 0), "odd".to_owned()));
        assert_eq!(entries["bin/play"], (0o100_755, (0, 0), "odd".to_owned()));
        assert_eq!(entries["dev/console"], (0o020_600, (5, 1), String::new()));
        assert_eq!(entries["lib/modules"], (0o040_755, (0, 0), String::new()));
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
