//! ALSA's programs for the guest, with all they need to run, as an archive that a board gets on top of its initramfs. Only
//! scenarios and users that ask for them have them, so a machine without apt does without.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use cosim_tests::Architecture;

use super::apt::{self, PrivateApt};
use super::need::{Need, State};
use super::{Run, Setup};
use crate::archive::Archive;
use crate::failure::{Context, Failure};
use crate::files::{self, fingerprint};
use crate::inputs::SoundPrograms;

const ARCHIVE: &str = "sound-programs.cpio";

fn folder(setup: &Setup) -> String {
    setup.of_guest("sound-programs")
}

pub(super) fn need(setup: &Setup) -> Need {
    let wanted = &setup.inputs.sound_programs;
    let state = match find(setup) {
        Some(place) => {
            State::found(setup.cache.stamp(&folder(setup)).map(|stamp| stamp.version).unwrap_or_default(), place)
        }
        None if apt::is_available() => {
            State::Obtainable(format!("packs files of {} of {}", wanted.packages.join(", "), wanted.suite))
        }
        None => State::Dispensable("without apt there is no aplay in the guest, and its scenarios fail".to_owned()),
    };
    Need::new("sound programs", "the guest's aplay, arecord, speaker-test and amixer", state)
}

fn key(setup: &Setup) -> String {
    let wanted = &setup.inputs.sound_programs;
    let files = files_of(wanted, setup.lane.architecture);
    let places: Vec<_> = files.iter().map(|file| place_in_guest(file)).collect();
    let parts = [&wanted.packages[..], std::slice::from_ref(&wanted.suite), &files].concat();
    fingerprint(parts.iter().map(String::as_bytes).chain(places.iter().map(|place| place.as_bytes())))
}

fn find(setup: &Setup) -> Option<PathBuf> {
    Some(setup.cache.finished(&folder(setup), &key(setup))?.join(ARCHIVE))
}

pub(super) fn ensure(run: &Run, apt: &PrivateApt) -> Result<Option<PathBuf>, Failure> {
    let setup = run.setup;
    if let Some(archive) = find(setup) {
        return Ok(Some(archive));
    }
    if !apt::is_available() {
        return Ok(None);
    }
    let (wanted, name) = (&setup.inputs.sound_programs, folder(setup));
    let mut downloads = Vec::new();
    for package in &wanted.packages {
        downloads.extend(apt.single(package, &wanted.suite)?);
    }
    let packages = apt.fetch(&name, &downloads)?;
    setup.cache.install(&name, &key(setup), |folder| {
        let unpacked = folder.join("packages");
        files::create_folder(&unpacked)?;
        packages.iter().try_for_each(|package| apt::unpack(run, package, &unpacked))?;
        let archive = folder.join(ARCHIVE);
        pack(&unpacked, &files_of(wanted, setup.lane.architecture), &archive)
            .or_environment(|| format!("cannot pack {}", archive.display()))?;
        files::remove(&unpacked)?;
        Ok(downloads.first().map(|download| download.version.clone()).unwrap_or_default())
    })?;
    apt.forget(&name)?;
    Ok(find(setup))
}

/// The files and folders of the packages that the archive has.
fn files_of(wanted: &SoundPrograms, architecture: Architecture) -> Vec<String> {
    let own = wanted.files.iter().map(|file| file.replace("{}", architecture.rust_name()));
    own.chain([wanted.loader.of(architecture).to_owned()]).collect()
}

/// The guest's `/bin` and `/lib` are no links into `/usr`, as Debian's are. Data is where the libraries look for it.
fn place_in_guest(file: &str) -> &str {
    file.strip_prefix("usr/").filter(|inside| !inside.starts_with("share/")).unwrap_or(file)
}

fn pack(packages: &Path, files: &[String], archive: &Path) -> io::Result<()> {
    let mut contents = BTreeMap::new();
    for file in files {
        collect(&packages.join(file), place_in_guest(file).to_owned(), &mut contents)?;
    }
    write_archive(BufWriter::new(File::create(archive)?), &contents)
}

/// Adds a file, or a folder with all that it holds, by path in the guest.
fn collect(file: &Path, place: String, contents: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    if !file.is_dir() {
        contents.insert(place, file.to_owned());
        return Ok(());
    }
    fs::read_dir(file)?.try_for_each(|entry| {
        let entry = entry?;
        collect(&entry.path(), format!("{place}/{}", entry.file_name().to_string_lossy()), contents)
    })
}

fn write_archive(writer: impl Write, contents: &BTreeMap<String, PathBuf>) -> io::Result<()> {
    let mut archive = Archive::new(writer);
    let places = contents.keys().map(String::as_str);
    // Sorted, so that a folder comes before those in it.
    let folders: BTreeSet<&str> =
        places.flat_map(|place| place.match_indices('/').map(|(end, _)| &place[..end])).collect();
    folders.iter().try_for_each(|folder| archive.folder(folder))?;
    contents.iter().try_for_each(|(place, file)| archive.file(place, file))?;
    archive.finish()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::archive;
    use crate::inputs::Inputs;

    #[test]
    fn programs_find_loader_and_libraries_where_they_look_for_them() {
        let wanted = Inputs::load().unwrap().sound_programs;
        let places = |architecture| {
            let files = files_of(&wanted, architecture);
            files.iter().map(|file| place_in_guest(file).to_owned()).collect::<BTreeSet<_>>()
        };
        for (architecture, loader, libraries) in [
            // What `readelf -l` shows as the program's interpreter, and a folder that the loader searches by itself.
            (Architecture::X86_64, "lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu"),
            (Architecture::Arm64, "lib/ld-linux-aarch64.so.1", "lib/aarch64-linux-gnu"),
        ] {
            let places = places(architecture);
            for expected in ["bin/aplay", "bin/arecord", "bin/speaker-test", "bin/amixer", "usr/share/alsa", loader] {
                assert!(places.contains(expected), "{expected} is not in {places:?}");
            }
            for library in ["libasound.so.2", "libc.so.6", "libm.so.6"] {
                assert!(places.contains(&format!("{libraries}/{library}")), "{library} is not in {places:?}");
            }
        }
    }

    #[test]
    fn the_archive_has_folders_before_files_and_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let (packages, packed) = (folder.path().join("packages"), folder.path().join("archive"));
        for (file, content) in [("usr/bin/aplay", "plays"), ("usr/lib/so.2.0.0", "code"), ("usr/share/a/b/c", "data")] {
            let path = packages.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        symlink("aplay", packages.join("usr/bin/arecord")).unwrap();
        symlink("so.2.0.0", packages.join("usr/lib/so.2")).unwrap();
        let files = ["usr/bin/aplay", "usr/bin/arecord", "usr/lib/so.2", "usr/share/a"].map(str::to_owned);
        pack(&packages, &files, &packed).unwrap();

        let bytes = fs::read(&packed).unwrap();
        let file = |content: &str| (0o100_755, (0, 0), content.as_bytes().to_vec());
        let directory = || (0o040_755, (0, 0), Vec::new());
        let expected = [
            ("bin", directory()),
            ("bin/aplay", file("plays")),
            ("bin/arecord", file("plays")),
            ("lib", directory()),
            ("lib/so.2", file("code")),
            ("usr", directory()),
            ("usr/share", directory()),
            ("usr/share/a", directory()),
            ("usr/share/a/b", directory()),
            ("usr/share/a/b/c", file("data")),
        ];
        let expected = BTreeMap::from(expected.map(|(path, entry)| (path.to_owned(), entry)));
        assert_eq!(archive::read(&bytes), expected);
        let at = |path: &str| bytes.windows(path.len() + 1).position(|name| name == [path.as_bytes(), &[0]].concat());
        assert!(at("usr/share/a/b").unwrap() < at("usr/share/a/b/c").unwrap(), "the kernel makes no folders by itself");
    }

    #[test]
    fn a_file_that_the_packages_do_not_have_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = pack(folder.path(), &["usr/bin/gone".to_owned()], &folder.path().join("archive")).unwrap_err();
        assert!(error.to_string().contains("usr/bin/gone"), "{error}");
    }
}
