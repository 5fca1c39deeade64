//! The file systems that programs of the guest expect.

use std::fs;

use rustix::mount::{MountFlags, mount};

/// Target and type.
const MOUNTS: [(&str, &str); 5] =
    [("/proc", "proc"), ("/sys", "sysfs"), ("/dev", "devtmpfs"), ("/tmp", "tmpfs"), ("/sys/kernel/debug", "debugfs")];

/// Mounts all of them.
pub(crate) fn mount_all() -> Result<(), String> {
    for (target, kind) in MOUNTS {
        fs::create_dir_all(target).map_err(|error| format!("could not create {target}: {error}"))?;
        mount(kind, target, kind, MountFlags::empty(), None).map_err(|error| {
            format!("could not mount {kind} on {target}: {error}; is it in the kernel's configuration?")
        })?;
    }
    Ok(())
}
