//! A device or a guest that goes down while it plays is reported for what it is, with what was seen before.
//!
//! QEMU 11.1 itself may abort when its device dies in mid-access: that is told beside the device's death, not instead.

use cosim_tests::{Board, BoardError, DeviceProcess, Guest, PwmAudio, Running};
use device::ClockMode;

use crate::support::{MODULE, wav};

/// The program that is the device's process.
const DEVICE_PROGRAM: &str = env!("CARGO_BIN_EXE_device-process");

/// Starts a playback that goes on for a while and returns when frames are leaving the device.
fn start_playback(guest: &Guest) -> Result<Running, BoardError> {
    guest.load_module(MODULE)?;
    let samples = wav("sweep-44k1-s16-stereo.wav").driver_bytes();
    guest.write_file("/tmp/samples", samples)?;
    guest.run(["busybox", "mkfifo", "/tmp/started"])?.success()?;
    // 20,000 frames of 6 bytes are more than driver and device hold, so when they are written some have been played.
    let script = "exec 3>/dev/pwm-audio0; busybox head -c 120000 /tmp/samples >&3; echo >/tmp/started; \
                  while busybox cat /tmp/samples >&3; do :; done";
    let playback = guest.start(["busybox", "sh", "-c", script])?;
    guest.run(["busybox", "cat", "/tmp/started"])?.success()?;
    Ok(playback)
}

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
    assert!(report.timeline.iter().any(|line| line.contains("AUDIO.TX_LEFT + AUDIO.TX_RIGHT")), "{error}");
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
    assert!(report.timeline.iter().any(|line| line.contains("AUDIO.")), "{error}");
    assert!(report.console.iter().any(|line| line.contains("Call Trace")), "{error}");
    Ok(())
}
