//! The guest's first file system, of more than one archive: QEMU takes a single file, and the kernel unpacks archives that
//! follow each other in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::builder::environment;
use crate::error::BoardError;

/// The kernel looks for an archive at multiples of this only, and skips zeros before it.
const ALIGNMENT_BYTES: u64 = 4;

/// The initramfs with one more archive in it, if there is one: a file in the board's folder then.
pub(crate) fn with(initramfs: PathBuf, more: Option<PathBuf>, folder: &Path) -> Result<PathBuf, BoardError> {
    let Some(more) = more else { return Ok(initramfs) };
    let whole = folder.join("initramfs.cpio");
    concatenate(&[&initramfs, &more], &whole)
        .map_err(|error| environment(format!("could not put together the guest's initramfs: {error}")))?;
    Ok(whole)
}

/// Writes `archives` into `file`, one after another; a file in a later one takes the place of an earlier one's.
fn concatenate(archives: &[&Path], file: &Path) -> io::Result<()> {
    let named = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut output = File::create(file).map_err(|error| named(file, error))?;
    for archive in archives {
        let mut input = File::open(archive).map_err(|error| named(archive, error))?;
        let bytes = io::copy(&mut input, &mut output).map_err(|error| named(file, error))?;
        let padding = bytes.next_multiple_of(ALIGNMENT_BYTES) - bytes;
        output.write_all(&[0; ALIGNMENT_BYTES as usize][..padding as usize]).map_err(|error| named(file, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn archives_begin_where_the_kernel_looks_for_them() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        for (name, content) in [("five", "12345"), ("four", "abcd"), ("one", "z")] {
            fs::write(path(name), content).expect("written");
        }
        concatenate(&[&path("five"), &path("four"), &path("one")], &path("whole")).expect("written");
        assert_eq!(fs::read(path("whole")).expect("a file"), b"12345\0\0\0abcdz\0\0\0");
        let error = concatenate(&[&path("gone")], &path("whole")).expect_err("no archive").to_string();
        assert!(error.starts_with(&path("gone").display().to_string()), "{error}");
    }
}
