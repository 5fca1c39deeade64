//! The system sleeps in the middle of a playback, and the playback goes on where it was.
//!
//! As in `power.rs`, the guest does it all by itself, for the agent's port does not survive it.

use cosim_tests::{Board, BoardError, PwmAudio, Wav};
use device::{ClockMode, StreamFormat};
use device_model::stream_file;

use super::{FILE, S8, assert_frames};
use crate::support::MODULE;

#[test]
fn a_playback_survives_a_rehearsal_of_suspend_to_idle() -> Result<(), BoardError> {
    let folder = tempfile::tempdir().expect("folder");
    let device = PwmAudio::new(ClockMode::Warp).capture_folder(folder.path());
    let board = Board::builder().sound_programs().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    // Programs sleep before the device does, and its time runs away from them meanwhile: hence a minute in the buffer. Of
    // eleven periods one frame is missing, which aplay pads.
    let noise = S8.noise(1, 8_000, 11 * 65_536 - 1);
    guest.write_file(FILE, S8.bytes(&noise.samples))?;
    // Whatever fails leaves no second stream.
    let script = "set -e
        trap 'busybox poweroff -f' EXIT
        echo 0 >/sys/module/suspend/parameters/pm_test_delay
        echo devices >/sys/power/pm_test
        aplay -q -D hw:0,0 -t raw -f S8 --buffer-size=524288 --period-size=65536 /tmp/file &
        until busybox grep -q RUNNING /proc/asound/card0/pcm0p/sub0/status; do :; done
        echo freeze >/sys/power/state
        wait $!
        if busybox dmesg | busybox grep WARNING:; then exit 1; fi
        aplay -q -D hw:0,0 -t raw -f S8 -r 48000 --buffer-size=65536 --period-size=1024 --samples=1000 /tmp/file";
    drop(guest.start(["busybox", "sh", "-c", script])?);
    board.wait()?;

    let stream = |number| Wav::read(&stream_file(folder.path(), number)).expect("a capture");
    assert_frames(stream(1), &noise);
    let format = StreamFormat { rate_hz: 48_000, ..noise.format };
    assert_frames(stream(2), &Wav { format, samples: noise.samples[..1_000].to_vec(), ..noise });
    let counters = device.counters();
    assert_eq!((counters.streams, counters.underruns, counters.faults), (2, 0, 0));
    let paused = device.with_device(|device| device.timeline_tail(usize::MAX)).join("\n");
    for change in ["TX.CONTROL.pause 0 -> 1", "TX.CONTROL.pause 1 -> 0"] {
        assert!(paused.contains(change), "{change}: the system has not slept in the middle of it");
    }
    Ok(())
}
