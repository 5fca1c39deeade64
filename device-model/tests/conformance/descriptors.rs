//! Descriptors that a client sends, and who in this process still holds them. The server under test runs in this process
//! too, so what it forgets to close or to unmap is seen here. Other tests may run beside, so everything is counted by a
//! name of its own.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// Memory that a client shares.
pub(crate) struct Memory {
    name: String,
    file: File,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("conformance-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let file = File::from(memfd_create(&name, MemfdFlags::CLOEXEC).expect("memfd"));
        ftruncate(&file, bytes).expect("size");
        Self { name, file }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub(crate) fn write(&self, offset: u64, data: &[u8]) {
        self.file.write_all_at(data, offset).expect("write to a memfd");
    }

    pub(crate) fn read(&self, offset: u64, bytes: usize) -> Vec<u8> {
        let mut data = vec![0; bytes];
        self.file.read_exact_at(&mut data, offset).expect("read of a memfd");
        data
    }

    /// The descriptors of this memory that somebody else in this process has.
    pub(crate) fn others(&self) -> Vec<String> {
        let link = format!("/memfd:{} (deleted)", self.name);
        let own = self.file.as_raw_fd().to_string();
        open_descriptors()
            .filter(|(number, target)| *target == link && *number != own)
            .map(|(number, _)| number)
            .collect()
    }

    /// How often this memory is mapped.
    pub(crate) fn mappings(&self) -> usize {
        let link = format!("/memfd:{} (deleted)", self.name);
        fs::read_to_string("/proc/self/maps").expect("maps").lines().filter(|line| line.ends_with(&link)).count()
    }

    /// Whether somebody else has a descriptor or a mapping of it.
    pub(crate) fn is_held(&self) -> bool {
        !self.others().is_empty() || self.mappings() > 0
    }
}

/// Number and target of every descriptor of this process.
fn open_descriptors() -> impl Iterator<Item = (String, String)> {
    fs::read_dir("/proc/self/fd").expect("descriptors").filter_map(|entry| {
        let entry = entry.ok()?;
        // One that was closed since is no longer open.
        let target = fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().into_string().ok()?, target.to_str()?.to_owned()))
    })
}

/// The value of a field of a descriptor's `fdinfo`; none if it has been closed.
pub(crate) fn descriptor_field(number: &str, field: &str) -> Option<String> {
    let info = fs::read_to_string(Path::new("/proc/self/fdinfo").join(number)).ok()?;
    info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(|value| value.trim().to_owned()))
}

/// An eventfd that does not block its reader.
pub(crate) fn interrupt() -> OwnedFd {
    eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).expect("eventfd")
}

/// The interrupts since the last look.
pub(crate) fn fired(eventfd: &OwnedFd) -> u64 {
    let mut count = [0; 8];
    rustix::io::read(eventfd, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
}

/// Signals an eventfd.
pub(crate) fn signal(eventfd: &OwnedFd, value: u64) {
    rustix::io::write(eventfd, &value.to_ne_bytes()).expect("write to an eventfd");
}

/// How many descriptors of an eventfd this process has, the caller's included.
pub(crate) fn eventfd_descriptors(eventfd: &OwnedFd) -> usize {
    let id = |number: &str| descriptor_field(number, "eventfd-id");
    let wanted = id(&eventfd.as_raw_fd().to_string());
    assert!(wanted.is_some(), "an eventfd of this kernel has no id");
    open_descriptors().filter(|(number, target)| target.contains("eventfd") && id(number) == wanted).count()
}

/// How many sockets, listening or connected, have this path.
pub(crate) fn sockets_at(path: &Path) -> usize {
    let path = path.to_str().expect("a path in plain text");
    fs::read_to_string("/proc/net/unix").expect("sockets").lines().filter(|line| line.ends_with(path)).count()
}
