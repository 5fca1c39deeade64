//! The sample window: memory that guest and device share. No access to it is trapped.

use std::thread;

use cosim_tests::{BoardError, ProgramStatus};

use crate::support::{MODULE, WINDOW_NODE, assert_quiet, board_with_driver, window_function};

#[test]
fn what_a_guest_program_writes_the_device_sees_and_back() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let before = device.counters();
    guest.run(["window", "write", "0xfff8", "0123456789abcdef"])?.success()?;
    let mut seen = [0; 8];
    let window = device.window();
    window.read(0xfff8, &mut seen);
    assert_eq!(seen, [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);

    window.write(0x20, b"from the device");
    let read = guest.run(["window", "read", "0x20", "15"])?.success()?;
    assert_eq!(read.text(), "66726f6d2074686520646576696365\n");

    guest.run(["window", "fill", "5a"])?.success()?;
    let mut whole = vec![0; 0x1_0000];
    window.read(0, &mut whole);
    assert!(whole.iter().all(|byte| *byte == 0x5a));
    assert_eq!(before.register_writes + before.register_reads, {
        let after = device.counters();
        after.register_writes + after.register_reads
    });
    board.shutdown()
}

#[test]
fn the_window_ends_where_it_ends() -> Result<(), BoardError> {
    let (board, _device) = board_with_driver()?;
    let output = board.guest().run(["window", "write", "0xfff9", "0123456789abcdef"])?.exit_code(1)?;
    assert!(output.error_text().contains("65536"), "{output}");
    assert!(board.guest().read_directory("/dev")?.iter().any(|entry| entry.name == WINDOW_NODE));
    board.shutdown()
}

#[test]
fn the_window_is_taken_from_the_one_program_that_has_it_when_its_driver_is_unbound() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let counting = guest.start(["window", "count", "0x100"])?;
    let mut count = [0];
    while count == [0] {
        thread::yield_now();
        device.window().read(0x100, &mut count);
    }
    let other = guest.run(["window", "read", "0", "1"])?.exit_code(1)?;
    assert!(other.error_text().contains("os error 16"), "{other}");

    let (driver, address) = ("/sys/bus/pci/drivers/pwm_audio_window", window_function(guest)?.address);
    guest.write_file(&format!("{driver}/unbind"), address.as_str())?;
    assert_eq!(counting.wait()?.status, ProgramStatus::Signalled(7), "SIGBUS");
    guest.write_file(&format!("{driver}/bind"), address)?;
    guest.run(["window", "write", "0x100", "00"])?.success()?;
    guest.unload_module(MODULE)?;
    assert_quiet(guest)?;
    board.shutdown()
}
