//! The sound card's second PCM device, over the sample window, and what holds for both devices: who is late is told, and
//! hears nothing that he has not written.
//!
//! By the guest's program `pcm`, which writes single frames; `sound.rs` has ALSA's own programs.

use std::iter;

use cosim_tests::{Board, BoardError, GuestProgram, PwmAudio};
use device::ClockMode;
use device_model::AudioSource;

use crate::support::{MODULE, assert_quiet, board_with_driver, function, window_function};

/// The playback substreams of both devices.
const PLAYBACKS: [&str; 2] = ["/dev/snd/pcmC0D0p", "/dev/snd/pcmC0D1p"];

/// What `pcm` answers to the lines, and whether it has done them all.
fn pcm(board: &Board, substream: &str, setup: &str, lines: &[&str]) -> Result<(bool, Vec<String>), BoardError> {
    let words = iter::once("pcm").chain([substream]).chain(setup.split(' '));
    let output = board.guest().run(GuestProgram::new(words).standard_input(lines.join("\n")))?;
    let answers = output.text().lines().chain(output.error_text().lines()).map(str::to_owned).collect();
    Ok((output.is_success(), answers))
}

/// Bytes of which no two frames are alike.
fn noise(seed: u32, bytes: usize) -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    iter::successors(Some(seed), next).map(|state| (state >> 24) as u8).take(bytes).collect()
}

/// Little-endian samples of so many bytes, of which the lowest `bits` count.
fn samples(bytes: &[u8], sample_bytes: usize, bits: u32) -> Vec<i32> {
    let sample = |bytes: &[u8]| {
        let low = bytes.iter().rev().fold(0, |value: u32, byte| value << 8 | u32::from(*byte));
        (low << (32 - bits)).cast_signed() >> (32 - bits)
    };
    bytes.chunks_exact(sample_bytes).map(sample).collect()
}

#[test]
fn every_format_is_played_bit_exact_over_the_window() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let formats =
        [("S8", 1, 8, 1), ("S16_LE", 2, 16, 2), ("S24_LE", 4, 24, 3), ("S24_3LE", 3, 24, 7), ("S32_LE", 4, 32, 8)];
    for (number, (format, sample_bytes, bits, channels)) in (1..).zip(formats) {
        // More than the window has room for, and neither whole periods nor a whole ring.
        let frames = 100_001 / sample_bytes / channels;
        let bytes = noise(number, frames * sample_bytes * channels);
        board.guest().write_file("/tmp/samples", bytes.clone())?;
        let setup = format!("{format} {channels} 44100 200 1111");
        let lines = ["write /tmp/samples", "drain", "status"];
        let (_, answers) = pcm(&board, "/dev/snd/pcmC0D1p", &setup, &lines)?;
        assert_eq!(answers, ["done", "done", &format!("SETUP {frames} {frames}")], "{format}");
        let played = device.stream(number).expect("a capture");
        assert!(played.samples == samples(&bytes, sample_bytes, bits), "{format}: other samples were played");
    }
    let counters = device.counters();
    assert_eq!((counters.dma_transfers, counters.underruns, counters.faults), (0, 0, 0), "{counters:?}");
    assert_quiet(board.guest())?;
    board.shutdown()
}

#[test]
fn what_is_heard_is_recorded_over_the_window() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).audio_input(AudioSource::Ramp);
    let board = Board::builder().device(device.clone()).boot()?;
    board.guest().load_module(MODULE)?;
    let lines = ["start", "read 30001 /tmp/samples", "stop"];
    let (_, answers) = pcm(&board, "/dev/snd/pcmC0D1c", "S24_3LE 3 96000 500 2100", &lines)?;
    assert_eq!(answers, ["done"; 3]);
    let recorded = samples(&board.guest().read_file("/tmp/samples")?, 3, 24);
    // Sample c of frame n is 3 n + c.
    assert!(recorded.len() == 3 * 30_001 && (0..).zip(&recorded).all(|(number, sample)| number == *sample));
    let counters = device.counters();
    assert_eq!((counters.dma_transfers, counters.overruns, counters.faults), (0, 0, 0), "{counters:?}");
    assert_quiet(board.guest())?;
    board.shutdown()
}

/// The transmitter's FIFO has room for more than there is to play at the start. What it would find behind that is the first
/// stream's.
#[test]
fn who_is_late_is_told_and_nothing_is_played_that_was_not_written() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    for (number, substream) in (1..).step_by(2).zip(PLAYBACKS) {
        let (first, second, third) = (noise(1, 2 * 2_000), noise(2, 2 * 300), noise(3, 2 * 301));
        for (name, bytes) in [("first", &first), ("second", &second), ("third", &third)] {
            board.guest().write_file(&format!("/tmp/{name}"), bytes.clone())?;
        }
        let late = ["write /tmp/first", "wait 2000", "status", "write /tmp/second", "prepare"];
        let in_time = ["write /tmp/second", "start", "pause", "write /tmp/third", "release", "drain", "status"];
        let (_, answers) = pcm(&board, substream, "S16_LE 1 8000 100 2000", &[&late[..], &in_time].concat())?;
        let expected_late = ["done", "done", "XRUN 2000 2000", "failed: os error 32", "done"];
        assert_eq!(answers[..5], expected_late, "{substream}");
        assert_eq!(answers[5..], ["done", "done", "done", "done", "done", "done", "SETUP 601 601"], "{substream}");
        let played = |number| device.stream(number).expect("a capture").samples;
        assert!(played(number) == samples(&first, 2, 16), "{substream}: not all that was written before the end");
        let rest = [second, third].concat();
        assert!(played(number + 1) == samples(&rest, 2, 16), "{substream}: something else than what was written");
    }
    let counters = device.counters();
    assert_eq!((counters.underruns, counters.faults), (0, 0), "{counters:?}");
    assert_quiet(board.guest())?;
    board.shutdown()
}

#[test]
fn an_open_stream_has_its_unit_for_itself() -> Result<(), BoardError> {
    let (board, _device) = board_with_driver()?;
    let setup = "S16_LE 2 48000 256 1024";
    for (mine, other) in [("0p", "1p"), ("1p", "0p"), ("0c", "1c"), ("1c", "0c")] {
        let run = format!("run pcm /dev/snd/pcmC0D{other} {setup}");
        let (_, answers) = pcm(&board, &format!("/dev/snd/pcmC0D{mine}"), setup, &[&run])?;
        assert!(answers[0].contains("(os error 16)"), "{mine}: {answers:?}");
    }
    let (mine, other) = ("/dev/snd/pcmC0D0p", "run pcm /dev/snd/pcmC0D1c S8 1 8000 64 128");
    assert_eq!(pcm(&board, mine, setup, &[other])?, (true, vec![String::new()]), "they are two units");
    board.shutdown()
}

#[test]
fn a_stream_over_a_window_that_goes_ends_and_the_card_stays() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let address = window_function(guest)?.address;
    let folder = "/sys/bus/pci/drivers/pwm_audio_window";
    guest.write_file("/tmp/unbind", format!("echo {address} >{folder}/unbind"))?;
    guest.write_file("/tmp/samples", noise(1, 4 * 3_000))?;
    let setup = "S16_LE 2 48000 500 3000";

    let lines =
        ["write /tmp/samples", "wait 500", "run busybox sh /tmp/unbind", "wait 3000", "prepare", "write /tmp/samples"];
    let (_, answers) = pcm(&board, "/dev/snd/pcmC0D1p", setup, &lines)?;
    assert_eq!(answers[..4], ["done", "done", "", "done"], "{answers:?}");
    assert_eq!(answers[4..], ["failed: os error 19", "failed: os error 32"]);
    let (opened, answers) = pcm(&board, "/dev/snd/pcmC0D1p", setup, &[])?;
    assert!(!opened && answers[0].contains("(os error 19)"), "{answers:?}");

    guest.write_file(&format!("{folder}/bind"), address.clone())?;
    for substream in PLAYBACKS {
        let (_, answers) = pcm(&board, substream, setup, &["write /tmp/samples", "drain", "status"])?;
        assert_eq!(answers, ["done", "done", "SETUP 3000 3000"], "{substream}");
    }
    assert_eq!(device.counters().faults, 0);
    assert_quiet(guest)?;
    board.shutdown()
}

/// ALSA stops a stream that runs when its card goes, and not one that pauses.
#[test]
fn a_card_that_goes_under_a_paused_stream_leaves_a_silent_device() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let address = function(guest)?.address;
    let folder = "/sys/bus/pci/drivers/pwm_audio";
    // The unbind ends when the stream is closed: until then there is no card, but the file.
    let unbind = format!("echo {address} >{folder}/unbind &\nwhile [ -e /proc/asound/card0 ]; do busybox true; done");
    guest.write_file("/tmp/unbind", format!("exec >/dev/null 2>&1\n{unbind}"))?;
    guest.write_file("/tmp/samples", noise(1, 4 * 3_000))?;
    for (number, substream) in (1..).zip(PLAYBACKS) {
        let lines = ["write /tmp/samples", "wait 500", "pause", "run busybox sh /tmp/unbind", "release"];
        let (_, answers) = pcm(&board, substream, "S16_LE 2 48000 500 3000", &lines)?;
        assert_eq!(answers, ["done", "done", "done", "", "failed: os error 19"], "{substream}");
        // Waits for the end of the unbind.
        guest.write_file(&format!("{folder}/bind"), address.clone())?;
        let frames = device.stream(number).expect("a capture").samples.len() / 2;
        assert!((500..3_000).contains(&frames), "{substream}: {frames} frames");
    }
    assert_eq!(device.counters().faults, 0);
    assert_quiet(guest)?;
    board.shutdown()
}
