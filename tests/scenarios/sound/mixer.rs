//! `amixer`: the card's controls, the registers behind them, and what is heard of them.

use cosim_tests::{BoardError, GuestProgram, Wav};
use device_model::AudioSource;

use super::{CardBoard, FILE, PATIENCE, S16};
use crate::support::{function, perform_at};

/// Sets a control and gives what `amixer` says it has then.
fn set(board: &CardBoard, control: &str, value: &str) -> Result<String, BoardError> {
    let name = format!("name={control}");
    let output = board.guest().run(["amixer", "-c", "0", "cset", &name, value])?.success()?;
    let text = output.text();
    let values = text.lines().find_map(|line| line.trim().strip_prefix(": values="));
    Ok(values.unwrap_or_else(|| panic!("no values: {text}")).to_owned())
}

fn register(board: &CardBoard, name: &str) -> Result<u64, BoardError> {
    let address = function(board.guest())?.address;
    Ok(perform_at(&board.board, &address, &[name])?[0])
}

#[test]
fn registers_follow_the_controls() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    for (control, value, shown, register_name, expected) in [
        ("Master Playback Volume", "128", "128", "TX.VOLUME", 128),
        ("Master Playback Switch", "off", "off", "TX.VOLUME", 0),
        ("Master Playback Volume", "64", "64", "TX.VOLUME", 0),
        ("Master Playback Switch", "on", "on", "TX.VOLUME", 64),
        ("Capture Volume", "255", "255", "RX.VOLUME", 255),
        ("Capture Switch", "off", "off", "RX.VOLUME", 0),
        ("Capture Switch", "on", "on", "RX.VOLUME", 255),
        ("Loopback Switch", "on", "on", "RX.CONTROL", 2),
        ("Loopback Switch", "off", "off", "RX.CONTROL", 0),
    ] {
        assert_eq!(set(&board, control, value)?, shown, "{control} {value}");
        assert_eq!(register(&board, register_name)?, expected, "{control} {value}");
    }
    // As a user does it: half of what is linear is -6 dB.
    let output = board.guest().run(["amixer", "-c", "0", "set", "Master", "128"])?.success()?;
    assert!(output.text().contains("128 [50%] [-6.02dB] [on]"), "{output}");
    board.shutdown()
}

#[test]
fn volume_and_mute_are_heard() -> Result<(), BoardError> {
    let board = CardBoard::boot()?;
    let noise = S16.noise(2, 48_000, 3_000);
    board.guest().write_file(FILE, S16.bytes(&noise.samples))?;
    let scaled = |gain: i32| {
        let samples = noise.samples.iter().map(|sample| (sample * gain).div_euclid(256)).collect();
        Wav { samples, ..noise.clone() }
    };
    for (number, (control, value, gain)) in (1..).zip([
        ("Master Playback Volume", "256", 256),
        ("Master Playback Volume", "77", 77),
        ("Master Playback Switch", "off", 0),
        ("Master Playback Switch", "on", 77),
    ]) {
        set(&board, control, value)?;
        board.aplay(&["-t", "raw", "-f", "dat", "-D", "hw:0,0", FILE])?.success()?;
        board.assert_played(number, &scaled(gain));
    }
    board.shutdown()
}

#[test]
fn capture_volume_is_recorded() -> Result<(), BoardError> {
    let board = CardBoard::hearing(AudioSource::Ramp)?;
    set(&board, "Capture Volume", "128")?;
    let words = "arecord -q -D hw:0,0 -t raw -f S16_LE -r 48000 --samples=1000".split(' ');
    board.guest().run(GuestProgram::new(words.chain(PATIENCE).chain([FILE])))?.success()?;
    let expected: Vec<i32> = (0..1_000).map(|number| number / 2).collect();
    assert!(board.guest().read_file(FILE)? == S16.bytes(&expected), "the recording differs");
    board.shutdown()
}
