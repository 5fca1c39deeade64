//! The sample window: memory that guest and device share. No access to it is trapped.

use cosim_tests::BoardError;

use crate::support::{NODE, board_with_driver};

#[test]
fn what_a_guest_program_writes_the_device_sees_and_back() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let before = device.counters();
    guest.run(["window", "write", "0xfff8", "0123456789abcdef"])?.success()?;
    let mut seen = [0; 8];
    device.with_device(|device| device.window().read(0xfff8, &mut seen));
    assert_eq!(seen, [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);

    device.with_device(|device| device.window().write(0x20, b"from the device"));
    let read = guest.run(["window", "read", "0x20", "15"])?.success()?;
    assert_eq!(read.text(), "66726f6d2074686520646576696365\n");

    guest.run(["window", "fill", "5a"])?.success()?;
    let mut whole = vec![0; 0x1_0000];
    device.with_device(|device| device.window().read(0, &mut whole));
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
    assert!(board.guest().read_directory("/dev")?.iter().any(|entry| entry.name == NODE));
    board.shutdown()
}
