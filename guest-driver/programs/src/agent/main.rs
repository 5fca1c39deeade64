//! The agent: process 1 of the guest, installed as `/init`.
//!
//! It mounts what programs expect, serves the harness on the host over the virtio-serial port
//! [`agent_protocol::PORT_NAME`], and reaps orphans. It never exits: whatever goes wrong in it is printed on the console
//! and ends process 1, which makes the kernel panic, which the host sees at once.
//!
//! With `softboard.shell=1` on the kernel's command line it also runs a shell on the console, and switches the guest
//! off when the shell ends.

mod children;
mod files;
mod kernel;
mod mounts;
mod port;
mod programs;
mod server;
mod shell;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use children::Children;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!("agent: expected to be process 1 of a guest: install it as /init of an initramfs and boot that");
        return ExitCode::from(2);
    }
    end_the_guest_on_panic();
    if let Err(message) = serve() {
        eprintln!("agent: {message}");
    }
    // Leaving process 1 makes the kernel panic: the host learns of it at once, with the line above on the console.
    ExitCode::FAILURE
}

/// A panic would otherwise end one thread, and the host would wait for an answer that never comes.
fn end_the_guest_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::exit(101);
    }));
}

/// Returns only with an error.
fn serve() -> Result<(), String> {
    mounts::mount_all()?;
    let children = Arc::new(Children::default());
    let reaper = Arc::clone(&children);
    thread::spawn(move || reaper.reap());
    if shell::is_wanted()? {
        shell::start(&children)?;
    }
    let port = port::open()?;
    server::serve(port, &children)
}
