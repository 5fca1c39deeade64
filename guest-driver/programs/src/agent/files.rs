//! Reading and writing files.

use std::fs::{self, File};
use std::io::Read;

use agent_protocol::{AgentError, DirectoryEntry, EntryKind, MAXIMUM_CONTENT_BYTES};

/// Reads a whole file, also one of `/proc` or `/sys`, whose size is not known before.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, AgentError> {
    let failed = |error: std::io::Error| AgentError::from_io(&format!("read {path}"), &error);
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAXIMUM_CONTENT_BYTES as u64 + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() > MAXIMUM_CONTENT_BYTES {
        return Err(AgentError::new(format!("{path} has more than the {MAXIMUM_CONTENT_BYTES} bytes a reply carries")));
    }
    Ok(content)
}

/// Creates or replaces a file.
pub(crate) fn write(path: &str, content: &[u8]) -> Result<(), AgentError> {
    fs::write(path, content).map_err(|error| AgentError::from_io(&format!("write {path}"), &error))
}

/// Lists a directory, sorted by name.
pub(crate) fn read_directory(path: &str) -> Result<Vec<DirectoryEntry>, AgentError> {
    let failed = |error: std::io::Error| AgentError::from_io(&format!("list {path}"), &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let kind = if kind.is_symlink() {
            EntryKind::Link
        } else if kind.is_dir() {
            EntryKind::Directory
        } else if kind.is_file() {
            EntryKind::File
        } else {
            EntryKind::Special
        };
        entries.push(DirectoryEntry { name: entry.file_name().to_string_lossy().into_owned(), kind });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}
