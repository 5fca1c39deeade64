//! A device or a guest that goes down while it plays is reported for what it is, with what was seen before.
//!
//! QEMU 11.1 itself may abort when its device dies in mid-access: that is told beside the device's death, not instead.

use cosim_tests::{Board, BoardError, DeviceProcess, PwmAudio};
use device::ClockMode;

use crate::support::{DEVICE_PROGRAM, start_playback};

#[test]
fn a_device_killed_in_mid_playback_is_reported() -> Result<(), BoardError> {
    let device = DeviceProcess::new(DEVICE_PROGRAM);
    let killer = device.killer();
    let board = Board::builder().device(device).boot()?;
    let playback = start_playback(board.guest())?;
    killer.kill();
    let error = playback.wait().expect_err("the guest has lost its device");
    let BoardError::DeviceDied { reason, report, .. } = &error else { panic!("expected the device's death: {error}") };
    assert!(reason.contains("signal: 9"), "{reason}");
    assert_eq!(report.timeline.len(), 50, "{error}");
    assert!(report.timeline.iter().any(|line| line.contains("TX.SAMPLE0 + TX.SAMPLE1")), "{error}");
    assert_eq!(error.exit_code(), 4);
    Ok(())
}

#[test]
fn a_guest_that_panics_in_mid_playback_is_reported() -> Result<(), BoardError> {
    let board = Board::builder().device(PwmAudio::new(ClockMode::Warp)).boot()?;
    let playback = start_playback(board.guest())?;
    board.guest().write_file("/proc/sysrq-trigger", "c").expect_err("the guest cannot answer");
    let error = playback.wait().expect_err("the guest has crashed");
    let BoardError::GuestPanic { line, report } = &error else { panic!("expected a panic: {error}") };
    assert!(line.contains("sysrq triggered crash"), "{line}");
    assert!(report.timeline.iter().any(|line| line.contains("TX.")), "{error}");
    let enabled = "TX.CONTROL 0x00000001 (0x00000000 after reset)";
    assert!(report.registers.iter().any(|line| line == enabled), "{error}");
    assert!(report.console.iter().any(|line| line.to_lowercase().contains("call trace")), "{error}");
    Ok(())
}
