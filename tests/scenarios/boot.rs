//! A board without devices boots, its guest does what it is told, and nothing of it stays behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cosim_tests::{Board, BoardError, Cores, EntryKind, GuestProgram, ProgramStatus};

#[test]
fn a_board_boots_and_switches_off() -> Result<(), BoardError> {
    let board = Board::boot()?;
    println!("{}: {} ms to the hello", board.description(), board.boot_time().as_millis());
    let release = board.guest().read_text("/proc/sys/kernel/osrelease")?;
    assert_eq!(board.hello().kernel_release, release.trim_end());
    board.shutdown()
}

#[test]
fn programs_run_with_arguments_input_and_environment() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();

    let echo = guest.run(["busybox", "echo", "a b", "c"])?.success()?;
    assert_eq!(echo.text(), "a b c\n");

    let input: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    let cat = GuestProgram::new(["/bin/busybox", "cat"]).standard_input(input.clone());
    let cat = guest.run(cat)?.success()?;
    assert!(cat.standard_output == input, "{} bytes came back", cat.standard_output.len());

    let script = "echo $COLOUR >&2; exit 3";
    let shell = GuestProgram::new(["busybox", "sh", "-c", script]).environment("COLOUR", "blue");
    let shell = guest.run(shell)?.exit_code(3)?;
    assert_eq!((shell.text().as_ref(), shell.error_text().as_ref()), ("", "blue\n"));

    let missing = guest.run(["no-such-program"]).expect_err("there is no such program");
    assert_eq!(missing.errno(), Some(2), "{missing}");
    assert_eq!(missing.exit_code(), 1);
    board.shutdown()
}

#[test]
fn a_program_runs_beside_other_calls_and_is_stopped_by_a_signal() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();
    let sleep = guest.start(["busybox", "sleep", "1000"])?;
    assert_eq!(guest.run(["busybox", "echo", "meanwhile"])?.text(), "meanwhile\n");
    sleep.signal(9)?;
    assert_eq!(sleep.wait()?.status, ProgramStatus::Signalled(9));
    board.shutdown()
}

#[test]
fn orphans_are_reaped() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();
    // The shell leaves a child behind; the run ends when the child has closed the output that it inherited.
    let script = "busybox sleep 0 & echo $!";
    let orphan = guest.run(["busybox", "sh", "-c", script])?.success()?.text().trim().to_owned();
    // The agent tells of a program's end when it has reaped everything that ended before the program before.
    guest.run(["busybox", "true"])?.success()?;
    guest.run(["busybox", "true"])?.success()?;
    let entries = guest.read_directory("/proc")?;
    assert!(!entries.iter().any(|entry| entry.name == orphan), "process {orphan} is still there");
    board.shutdown()
}

#[test]
fn files_and_directories() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
    guest.write_file("/tmp/file", content.clone())?;
    assert!(guest.read_file("/tmp/file")? == content, "the file is not what was written");

    let entries = guest.read_directory("/")?;
    let kind = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.kind);
    assert_eq!(kind("init"), Some(EntryKind::File));
    assert_eq!(kind("proc"), Some(EntryKind::Directory));

    let missing = guest.read_file("/no/such/file").expect_err("there is no such file");
    assert_eq!(missing.errno(), Some(2), "{missing}");
    board.shutdown()
}

#[test]
fn the_kernel_tells_about_itself() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();

    let log = guest.kernel_log()?;
    assert!(log.contains("Linux version"), "the log has not been kept since the start:\n{log}");
    assert_eq!(log.warnings().count(), 0, "{log}");

    let devices = guest.pci_devices()?;
    let serial = devices.iter().find(|device| device.vendor == 0x1af4);
    let serial = serial.unwrap_or_else(|| panic!("no virtio device among {devices:#x?}"));
    assert_eq!(serial.driver.as_deref(), Some("virtio-pci"));
    assert_eq!(serial.class >> 8, 0x0780, "a communication controller");
    assert!(!serial.bars.is_empty() && !serial.capabilities.is_empty(), "{serial:#x?}");

    let before = guest.interrupts()?;
    let after = guest.interrupts()?;
    let sum = |interrupts: &cosim_tests::Interrupts| -> u64 {
        interrupts.vectors.iter().map(cosim_tests::InterruptVector::count).sum()
    };
    assert!(sum(&after) > sum(&before), "a call takes interrupts: {before:?} {after:?}");

    let unknown = guest.load_module("no_such_module").expect_err("there is no such module");
    assert_eq!(unknown.errno(), Some(2), "{unknown}");
    let unknown = guest.unload_module("no_such_module").expect_err("there is no such module");
    assert_eq!(unknown.errno(), Some(2), "{unknown}");
    board.shutdown()
}

#[test]
fn nothing_is_left_behind() -> Result<(), BoardError> {
    let traces = |board: &Board| {
        let process = board.qemu_process_id().expect("QEMU runs");
        [board.folder().to_owned(), PathBuf::from(format!("/proc/{process}"))]
    };
    let assert_gone = |traces: [PathBuf; 2]| {
        for path in traces {
            assert!(!path.exists(), "{} is left", path.display());
        }
    };
    let board = Board::boot()?;
    let shut_down = traces(&board);
    assert!(shut_down.iter().all(|path| path.exists()), "{shut_down:?}");
    board.shutdown()?;
    assert_gone(shut_down);

    let board = Board::boot()?;
    let dropped = traces(&board);
    drop(board);
    assert_gone(dropped);

    let board = Board::boot()?;
    let unwound = traces(&board);
    let panicked = std::thread::spawn(move || {
        let _board = board;
        panic!("this panic is part of the test");
    });
    assert!(panicked.join().is_err());
    assert_gone(unwound);
    Ok(())
}

#[test]
fn all_of_qemu_runs_on_the_core_of_the_board() -> Result<(), BoardError> {
    let board = Board::builder().cores(Cores::One).boot()?;
    let core = board.placement().core().expect("a core was asked for").to_string();
    let threads = format!("/proc/{}/task", board.qemu_process_id().expect("QEMU runs"));
    let threads: Vec<_> = fs::read_dir(threads).expect("it is a process").map_while(Result::ok).collect();
    assert!(threads.len() > 1, "QEMU has threads for the virtual CPU and for input and output");
    for thread in threads {
        let status = fs::read_to_string(thread.path().join("status")).expect("it is a thread");
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(str::trim);
        assert_eq!(allowed, Some(core.as_str()), "{status}");
    }
    board.shutdown()
}

#[test]
fn two_boards_at_once() -> Result<(), BoardError> {
    let one = Board::boot()?;
    let other = Board::builder().call_limit(Duration::from_secs(20)).boot()?;
    assert_ne!(one.folder(), other.folder());
    for board in [&one, &other] {
        assert!(board.guest().run(["busybox", "true"])?.is_success());
        assert!(Path::new(board.folder()).join("console.log").is_file());
    }
    one.shutdown()?;
    assert!(other.guest().run(["busybox", "true"])?.is_success(), "one board does not need the other");
    other.shutdown()
}

#[test]
fn the_kernel_has_what_drivers_of_sound_and_pwm_register_with() -> Result<(), BoardError> {
    let board = Board::boot()?;
    let guest = board.guest();
    assert!(guest.read_text("/proc/asound/version")?.contains("Advanced Linux Sound Architecture"));
    // PCM and the Rust abstractions of PWM are there if the symbols are that their modules are linked with.
    let symbols = guest.read_text("/proc/kallsyms")?;
    for symbol in ["snd_pcm_new", "snd_pcm_period_elapsed", "__pwmchip_add", "pwmchip_alloc", "pci_save_state"] {
        assert!(symbols.lines().any(|line| line.ends_with(&format!(" {symbol}"))), "{symbol}");
    }
    assert!(guest.read_directory("/sys/class")?.iter().any(|entry| entry.name == "pwm"));
    board.shutdown()
}
