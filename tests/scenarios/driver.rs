//! The driver's life: it comes and goes without a trace, and is used by one program at a time.

use cosim_tests::{BoardError, play};

use crate::support::{MODULE, NODE, assert_quiet, board_with_driver, function, wav};

#[test]
fn the_module_is_unloaded_and_loaded_again_twice() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let file = wav("noise-8k-u8-mono.wav");
    for round in 1..=3 {
        play(guest, &file)?.success()?;
        assert_eq!(device.stream(round).expect("a capture").difference(&file), None, "round {round}");
        guest.unload_module(MODULE)?;
        assert!(!guest.read_directory("/dev")?.iter().any(|entry| entry.name == NODE), "the node is left");
        assert_eq!(guest.interrupts()?.count(NODE), None, "the handler is left");
        assert_eq!(function(guest)?.driver, None);
        guest.load_module(MODULE)?;
    }
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_device_in_use_is_neither_unloaded_nor_opened_again() -> Result<(), BoardError> {
    let (board, _device) = board_with_driver()?;
    let guest = board.guest();
    let file = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    // The shell holds the device open while it runs the others.
    let script = "exec 3<>/dev/pwm-audio0; busybox rmmod pwm_audio; play --bits 8 --channels 1 /tmp/samples";
    let output = guest.run(["busybox", "sh", "-c", script])?.exit_code(1)?;
    let said = output.error_text();
    assert!(said.contains("Resource temporarily unavailable"), "rmmod: {output}");
    // EBUSY: C libraries have different words for it.
    assert!(said.contains("os error 16"), "play: {output}");
    play(guest, &file)?.success()?;
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_stream_that_is_cut_off_leaves_the_device_ready_for_the_next() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let file = wav("noise-8k-u8-mono.wav");
    // The whole file is written, then the device is closed without a drain.
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    guest.run(["busybox", "sh", "-c", "busybox cat /tmp/samples > /dev/pwm-audio0"])?.success()?;
    play(guest, &file)?.success()?;
    let last = device.counters().streams;
    assert_eq!(device.stream(last).expect("a capture").difference(&file), None);
    assert_quiet(guest)?;
    board.shutdown()
}
