//! Whatever goes wrong on a board is reported for what it is, within seconds and with what was seen before.
//!
//! Devices that die are not shown here: these boards have none.

use std::time::{Duration, Instant};

use cosim_tests::{Accelerator, Board, BoardBuilder, BoardError};

/// A failure that takes this long was not noticed but timed out.
const SECONDS: Duration = Duration::from_secs(10);

#[test]
fn a_guest_panic_ends_every_call_with_the_console() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let start = Instant::now();
    let sleep = board.guest().start(["busybox", "sleep", "1000"])?;
    let crash = board.guest().write_file("/proc/sysrq-trigger", "c").expect_err("the guest cannot answer");
    for error in [crash, sleep.wait().expect_err("the guest has crashed")] {
        let BoardError::GuestPanic { line, report } = &error else { panic!("expected a panic, found {error}") };
        assert!(line.contains("sysrq triggered crash"), "{line}");
        assert!(
            report.console.iter().any(|line| line.to_lowercase().contains("call trace")),
            "the trace is missing: {error}"
        );
        assert_eq!(error.exit_code(), 4);
    }
    assert!(start.elapsed() < SECONDS, "it took {:?}", start.elapsed());
    Ok(())
}

#[test]
fn a_dead_agent_is_a_guest_panic() {
    // Another program as process 1, which ends at once.
    let error = Board::builder().kernel_argument("rdinit=/bin/busybox").boot().expect_err("nobody says hello");
    let BoardError::GuestPanic { line, .. } = &error else { panic!("expected a panic, found {error}") };
    assert!(line.contains("Attempted to kill init"), "{line}");
}

#[test]
fn a_hung_boot_is_reported() {
    // QEMU waits for a command to start the guest, which never comes.
    let limit = Duration::from_millis(500);
    let start = Instant::now();
    let error = Board::builder().qemu_arguments(["-S"]).boot_limit(limit).boot().expect_err("it does not boot");
    assert!(matches!(error, BoardError::BootTimeout { .. }), "{error}");
    assert!(start.elapsed() >= limit && start.elapsed() < SECONDS, "it took {:?}", start.elapsed());
}

#[test]
fn qemu_that_refuses_its_arguments_is_reported_with_its_words() {
    let error = Board::builder().qemu_arguments(["-no-such-option"]).boot().expect_err("QEMU knows no such option");
    let BoardError::QemuExited { status, report } = &error else { panic!("expected QEMU's end, found {error}") };
    assert_eq!(status, "exit status: 1");
    assert!(report.qemu.iter().any(|line| line.contains("-no-such-option")), "{error}");
}

#[test]
fn qemu_that_is_killed_is_reported() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let sleep = board.guest().start(["busybox", "sleep", "1000"])?;
    let process = board.qemu_process_id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    rustix::process::kill_process(process.expect("QEMU runs"), rustix::process::Signal::KILL).expect("it is ours");
    let error = sleep.wait().expect_err("the guest is gone");
    assert!(matches!(error, BoardError::QemuExited { .. }), "{error}");
    let error = board.guest().read_text("/proc/version").expect_err("the guest is gone");
    assert!(matches!(error, BoardError::QemuExited { .. }), "{error}");
    Ok(())
}

#[test]
fn a_call_that_takes_too_long_fails_alone() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let hasty = board.guest().with_call_limit(Duration::from_millis(200));
    let error = hasty.run(["busybox", "sleep", "0.5"]).expect_err("it sleeps for longer");
    assert!(matches!(error, BoardError::CallTimeout { .. }), "{error}");
    // The late answer is nobody's, and the guest goes on.
    board.guest().run(["busybox", "sleep", "1"])?.success()?;
    board.shutdown()
}

#[test]
fn a_program_that_fails_is_shown_with_its_words() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let output = board.guest().run(["busybox", "ls", "/no/such/folder"])?;
    let error = output.success().expect_err("there is no such folder");
    assert!(error.to_string().contains("/no/such/folder: No such file"), "{error}");
    assert_eq!(error.exit_code(), 1);
    board.shutdown()
}

/// A board whose every part is this file.
fn board_of(file: &str) -> BoardBuilder {
    let manifest = serde_json::json!({
        "lane": { "architecture": "x86_64", "kernel": "default" },
        "qemu": { "program": file, "args": [], "env": {}, "version": "11.1.3" },
        "kernel": { "image": file, "source": file, "build": file, "release": "7.3.4", "environment": {} },
        "programs": { "target": "x86_64-unknown-linux-gnu", "arguments": [], "environment": {} },
        "busybox": file, "initramfs": file, "sound_programs": null, "modules": {},
    });
    let manifest = serde_json::from_value(manifest).expect("this is a manifest");
    Board::builder().manifest(manifest).accelerator(Accelerator::Tcg)
}

#[test]
fn a_missing_initramfs_is_for_the_environment() {
    let error = board_of("/no/such/folder").boot().expect_err("nothing of it is there");
    assert!(matches!(error, BoardError::Environment(_)), "{error}");
    assert!(error.to_string().contains("cargo xtask setup"), "{error}");
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn sound_programs_that_set_up_could_not_bring_are_for_the_environment() {
    let error = board_of("/proc/self/exe").sound_programs().boot().expect_err("there are none");
    assert!(matches!(error, BoardError::Environment(_)), "{error}");
    let words = error.to_string();
    assert!(words.contains("aplay") && words.contains("cargo xtask setup"), "{words}");
    assert_eq!(error.exit_code(), 3);
}
