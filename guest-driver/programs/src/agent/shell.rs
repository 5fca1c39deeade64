//! A shell on the console, for `cargo xtask shell`.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use crate::children::Children;
use crate::kernel;

const BUSYBOX: &str = "/bin/busybox";

/// Whether the kernel's command line asks for a shell.
pub(crate) fn is_wanted() -> Result<bool, String> {
    let line = fs::read_to_string("/proc/cmdline").map_err(|error| format!("could not read /proc/cmdline: {error}"))?;
    Ok(line.split_whitespace().any(|word| word == "softboard.shell=1"))
}

/// Starts the shell; when it ends, the guest is switched off.
pub(crate) fn start(children: &Arc<Children>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("could not start a shell: {error}; is {BUSYBOX} in the initramfs?");
    let install = children.start(Command::new(BUSYBOX).args(["--install", "-s", "/bin"])).map_err(failed)?;
    let _ = install.ended.recv();
    // `cttyhack` opens the real terminal behind /dev/console, which a shell needs for job control and Ctrl-C.
    let mut command = Command::new(BUSYBOX);
    command.args(["setsid", BUSYBOX, "cttyhack", BUSYBOX, "sh"]);
    command.env_clear().envs([("PATH", "/bin"), ("HOME", "/tmp"), ("TERM", "linux"), ("PS1", "guest:\\w# ")]);
    let shell = children.start(&mut command).map_err(failed)?;
    thread::spawn(move || {
        let _ = shell.ended.recv();
        let error = kernel::power_off();
        eprintln!("agent: {error}");
    });
    Ok(())
}
