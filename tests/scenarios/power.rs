//! The guest suspends its devices and resumes them.
//!
//! The agent's port does not survive it: Linux 7.3 asks again who has a port open before it has room for the answers, and
//! QEMU drops them. So the guest does the rest by itself, and its end is what is waited for.

use cosim_tests::BoardError;

use crate::support::{board_with_driver, wav};

#[test]
fn after_a_rehearsal_of_suspend_to_idle_the_driver_plays() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let file = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    // Whatever fails leaves no frames.
    let script = "set -e
        trap 'busybox poweroff -f' EXIT
        echo 0 >/sys/module/suspend/parameters/pm_test_delay
        echo devices >/sys/power/pm_test
        echo freeze >/sys/power/state
        if busybox dmesg | busybox grep WARNING:; then exit 1; fi
        play --rate 8000 --bits 8 --channels 1 /tmp/samples";
    drop(guest.start(["busybox", "sh", "-c", script])?);
    board.wait()?;
    let counters = device.counters();
    assert_eq!((counters.frames, counters.underruns, counters.faults), (4_000, 0, 0));
    Ok(())
}
