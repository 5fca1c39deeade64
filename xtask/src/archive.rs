//! Archives of files for the guest: cpio, which its kernel unpacks into memory when it boots.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use cpio::newc::{Builder, ModeFileType, trailer};

/// An archive at work. Everything in it is owned by root and has no modification time, so that the same contents make the
/// same archive. A folder goes before what is in it.
pub(crate) struct Archive<W> {
    writer: W,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { writer }
    }

    pub(crate) fn folder(&mut self, path: &str) -> io::Result<()> {
        entry(path, ModeFileType::Directory, 0o755).write(&mut self.writer, 0).finish().map(drop)
    }

    pub(crate) fn character_device(&mut self, path: &str, major: u32, minor: u32) -> io::Result<()> {
        let device = entry(path, ModeFileType::Char, 0o600).rdev_major(major).rdev_minor(minor);
        device.write(&mut self.writer, 0).finish().map(drop)
    }

    /// Adds `file` of the host, or what it is a link to, as `path` in the guest.
    pub(crate) fn file(&mut self, path: &str, file: &Path) -> io::Result<()> {
        let content =
            fs::read(file).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut writer = entry(path, ModeFileType::Regular, 0o755).write(&mut self.writer, size);
        writer.write_all(&content)?;
        writer.finish().map(drop)
    }

    /// Ends the archive: without this it is none.
    pub(crate) fn finish(self) -> io::Result<()> {
        trailer(self.writer)?.flush()
    }
}

fn entry(path: &str, kind: ModeFileType, permissions: u32) -> Builder {
    Builder::new(path).mode(permissions).set_mode_file_type(kind)
}

/// What an archive has under a path: mode, number of a device, and content.
#[cfg(test)]
type Content = (u32, (u32, u32), Vec<u8>);

#[cfg(test)]
pub(crate) fn read(mut archive: &[u8]) -> std::collections::BTreeMap<String, Content> {
    let mut entries = std::collections::BTreeMap::new();
    loop {
        let mut reader = cpio::newc::Reader::new(archive).unwrap();
        let entry = reader.entry();
        if entry.is_trailer() {
            return entries;
        }
        let (name, mode) = (entry.name().to_owned(), entry.mode());
        let device = (entry.rdev_major(), entry.rdev_minor());
        let mut content = Vec::new();
        io::Read::read_to_end(&mut reader, &mut content).unwrap();
        entries.insert(name, (mode, device, content));
        archive = reader.finish().unwrap();
    }
}
