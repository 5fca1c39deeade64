//! `aplay` and `speaker-test`: what they play arrives, to the bit.

use cosim_tests::{Board, BoardError, GuestProgram, PwmAudio};
use device::{ClockMode, StreamFormat};

use super::{CardBoard, FILE, KINDS, PATIENCE, assert_frames, raw};
use crate::support::{MODULE, assert_quiet, asset, wav};

/// Plays an asset as it is, to this PCM device of ALSA's.
fn plays_bit_exact(name: &str, arguments: &[&str]) -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    board.guest().write_file(FILE, std::fs::read(asset(name)).expect("an asset"))?;
    board.aplay(&[arguments, &[FILE]].concat())?.success()?;
    board.assert_played(1, &wav(name));
    board.shutdown()
}

#[test]
fn aplay_plays_16_bit_mono() -> Result<(), BoardError> {
    plays_bit_exact("speech-16k-s16-mono.wav", &["-D", "hw:0,0"])
}

#[test]
fn aplay_plays_16_bit_stereo() -> Result<(), BoardError> {
    plays_bit_exact("sweep-44k1-s16-stereo.wav", &["-D", "hw:PWMaudio"])
}

#[test]
fn aplay_plays_24_bit_stereo() -> Result<(), BoardError> {
    plays_bit_exact("chord-48k-s24-stereo.wav", &["-D", "hw:0,0"])
}

#[test]
fn aplay_plays_from_mapped_memory() -> Result<(), BoardError> {
    plays_bit_exact("sweep-44k1-s16-stereo.wav", &["-D", "hw:0,0", "--mmap"])
}

#[test]
fn aplay_plays_over_the_sample_window() -> Result<(), BoardError> {
    plays_bit_exact("chord-48k-s24-stereo.wav", &["-D", "hw:0,1"])
}

#[test]
fn unsigned_samples_are_alsas_to_convert() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    let name = "noise-8k-u8-mono.wav";
    board.guest().write_file(FILE, std::fs::read(asset(name)).expect("an asset"))?;
    let refused = board.aplay(&["-D", "hw:0,0", FILE])?.exit_code(1)?;
    assert!(refused.error_text().contains("Sample format non available"), "{refused}");
    board.aplay(&["-D", "plughw:0,0", FILE])?.success()?;
    board.assert_played(1, &wav(name));
    board.shutdown()
}

#[test]
fn aplay_plays_every_format_and_the_extremes_of_rates_and_channels() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    for (number, (layout, channels, rate_hz)) in (1..).zip(KINDS) {
        let noise = layout.noise(channels, rate_hz, 3_000);
        board.guest().write_file(FILE, layout.bytes(&noise.samples))?;
        let words = raw(layout, channels, rate_hz);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["-D", "hw:0,0", FILE]).collect();
        board.aplay(&words)?.success()?;
        board.assert_played(number, &noise);
    }
    board.shutdown()
}

#[test]
fn two_cards_play_at_once() -> Result<(), BoardError> {
    let devices = [PwmAudio::new(ClockMode::Warp), PwmAudio::new(ClockMode::Warp)];
    let builder = Board::builder().sound_programs();
    let board = devices.iter().cloned().fold(builder, cosim_tests::BoardBuilder::device).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let names = ["sweep-44k1-s16-stereo.wav", "chord-48k-s24-stereo.wav"];
    let mut playing = Vec::new();
    for (card, name) in ["PWMaudio", "PWMaudio_1"].into_iter().zip(names) {
        let file = format!("/tmp/{name}");
        guest.write_file(&file, std::fs::read(asset(name)).expect("an asset"))?;
        let card = format!("hw:{card}");
        let words = ["aplay", "-q", "-D", &card, &file].into_iter().chain(PATIENCE);
        playing.push(guest.start(GuestProgram::new(words))?);
    }
    for playing in playing {
        playing.wait()?.success()?;
    }
    for (device, name) in devices.iter().zip(names) {
        assert_frames(device.stream(1).expect("a capture"), &wav(name));
        assert_eq!(device.counters().underruns, 0);
    }
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn speaker_test_has_no_underrun_in_ten_seconds() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    // With a buffer of 1.3 s, as `PATIENCE` has it.
    let test = "speaker-test -D hw:0,0 -t sine -c 2 -r 48000 -F S16_LE -l 2 -b 1300000";
    let output = board.guest().run(test.split(' ').collect::<Vec<_>>())?.success()?;
    assert_eq!(output.error_text(), "");
    let stream = board.device.stream(1).expect("a capture");
    assert_eq!(stream.format, StreamFormat { sample_bits: 16, channels: 2, rate_hz: 48_000 });
    assert!(stream.frames() >= 480_000, "{} frames are no ten seconds", stream.frames());
    // One side sounds after the other, never both, and each half of the time; a sine is seldom 0.
    let sounding = stream.samples.chunks_exact(2).map(|frame| [frame[0] != 0, frame[1] != 0]);
    let count = |sides| sounding.clone().filter(|sounding| *sounding == sides).count();
    let [left, right, both] = [[true, false], [false, true], [true, true]].map(count);
    assert!(left > 230_000 && right > 230_000 && both == 0, "{left} frames left, {right} right, {both} both");
    board.shutdown()
}
