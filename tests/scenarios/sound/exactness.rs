//! To the frame: where a stream is, where it pauses, where it ends. By the guest's program `pcm`, for ALSA's own write whole
//! periods.

use cosim_tests::{BoardError, GuestProgram};

use super::{CardBoard, FILE, S16, S24};
use crate::support::function;

/// Does with the playback substream what the lines say (see the guest's `pcm` program), and gives the answers.
fn pcm(board: &CardBoard, setup: &str, lines: &[&str]) -> Result<Vec<String>, BoardError> {
    let words = ["pcm", "/dev/snd/pcmC0D0p"].into_iter().chain(setup.split(' '));
    let program = GuestProgram::new(words).standard_input(lines.join("\n"));
    Ok(board.guest().run(program)?.success()?.text().lines().map(str::to_owned).collect())
}

#[test]
fn a_drain_ends_with_the_last_frame_written() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    for (number, frames) in (1..).zip([1, 2, 255, 256, 257, 19_999, 20_000, 20_001, 23_456]) {
        let noise = S24.noise(2, 8_000, frames);
        board.guest().write_file(FILE, S24.bytes(&noise.samples))?;
        let answers = pcm(&board, "S24_LE 2 8000 256 20000", &["write /tmp/file", "drain", "status"])?;
        assert_eq!(answers[..2], ["done", "done"], "{frames} frames");
        assert!(answers[2].starts_with("SETUP "), "{answers:?}");
        assert_eq!(board.device.stream(number).expect("a capture").difference(&noise), None, "{frames} frames");
    }
    board.shutdown()
}

#[test]
fn a_stream_stands_still_while_it_pauses_and_goes_on_with_the_next_frame() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    let noise = S16.noise(2, 48_000, 20_000);
    board.guest().write_file(FILE, S16.bytes(&noise.samples))?;
    let bar = format!("/sys/bus/pci/devices/{}/resource0", function(board.guest())?.address);
    // An access takes 1 us, a frame 21 us: a stream that went on would not be there any more.
    let positions = format!("run registers {bar}{}", " TX.POSITION".repeat(100));
    let pause = ["pause", "status", &positions, "release", "status"];
    let lines = [&["write /tmp/file", "start", "wait 1024"][..], &pause, &["wait 6144"], &pause, &["drain"]].concat();
    let answers = pcm(&board, "S16_LE 2 48000 1024 65536", &lines)?;

    for (answers, least_frames) in [(&answers[3..8], 1_024), (&answers[9..14], 6_144)] {
        let [paused, status, positions, released, status_after] = answers else { panic!("{answers:?}") };
        assert_eq!([paused, released], ["done"; 2]);
        assert!(status.starts_with("PAUSED "), "{answers:?}");
        let mut positions = positions.split("; ").map(|position| u64::from_str_radix(&position[2..], 16));
        let position = positions.next().and_then(Result::ok).expect("a position");
        assert!(position >= least_frames && positions.all(|other| other == Ok(position)), "{answers:?}");
        // ALSA's own count, a few accesses after it went on.
        let words: Vec<&str> = status_after.split(' ').collect();
        let ["RUNNING", frames, "20000"] = words[..] else { panic!("{answers:?}") };
        let frames: u64 = frames.parse().expect("a number");
        assert!((position..position + 3).contains(&frames), "{answers:?}");
    }
    assert_eq!(board.device.stream(1).expect("a capture").difference(&noise), None);
    board.shutdown()
}
