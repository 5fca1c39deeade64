//! Modules, the kernel's log, and the end.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use agent_protocol::{AgentError, KernelLogRecord};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::system::{RebootCommand, delete_module, finit_module, reboot};

/// The largest record that `/dev/kmsg` delivers, in bytes.
const RECORD_BYTES: usize = 8192;

/// Loads a module and runs its initialisation.
pub(crate) fn load_module(path: &str, parameters: &str) -> Result<(), AgentError> {
    let doing = format!("load {path}");
    let file = File::open(path).map_err(|error| AgentError::from_io(&doing, &error))?;
    let parameters = c_string("module parameters", parameters)?;
    finit_module(&file, &parameters, 0).map_err(|error| {
        let mut refused = AgentError::from_io(&doing, &error.into());
        refused.message += "; the kernel log says why";
        refused
    })
}

/// Unloads a module, or fails at once if it is in use.
pub(crate) fn unload_module(name: &str) -> Result<(), AgentError> {
    // Without this flag the kernel would not fail but wait, for as long as the module is in use.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    delete_module(&c_string("module name", name)?, flags)
        .map_err(|error| AgentError::from_io(&format!("unload {name}"), &error.into()))
}

fn c_string(what: &str, text: &str) -> Result<CString, AgentError> {
    CString::new(text).map_err(|_| AgentError::new(format!("expected a {what} without zero bytes, found {text:?}")))
}

/// Reads the kernel's log from the oldest record that it still has.
pub(crate) fn log() -> Result<Vec<KernelLogRecord>, AgentError> {
    let failed = |error: io::Error| AgentError::from_io("read /dev/kmsg", &error);
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut log = File::options().read(true).custom_flags(flags).open("/dev/kmsg").map_err(failed)?;
    let mut records = Vec::new();
    let mut buffer = vec![0; RECORD_BYTES];
    loop {
        match log.read(&mut buffer) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]);
                let record = KernelLogRecord::parse(&text).map_err(|error| AgentError::new(error.to_string()))?;
                records.push(record);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(records),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The record was overwritten while we read; the next read continues with the oldest there is.
            Err(error) if error.raw_os_error() == Some(Errno::PIPE.raw_os_error()) => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Switches the guest off; returns only with an error.
pub(crate) fn power_off() -> AgentError {
    rustix::fs::sync();
    match reboot(RebootCommand::PowerOff) {
        Ok(()) => AgentError::new("the kernel returned from switching the guest off"),
        Err(error) => AgentError::from_io("switch the guest off", &error.into()),
    }
}
