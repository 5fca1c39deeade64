//! `arecord`: what the block hears arrives, to the bit.

use cosim_tests::{BoardError, GuestProgram};
use device_model::AudioSource;

use super::{CardBoard, FILE, KINDS, Layout, PATIENCE, S16, raw};
use crate::support::{asset, wav};

/// Where recordings go in the guest.
const RECORDING: &str = "/tmp/recording";

/// The words that record so many frames, without a header.
fn arecord(layout: Layout, channels: u16, rate_hz: u32, frames: usize) -> GuestProgram {
    let samples = format!("--samples={frames}");
    let words = raw(layout, channels, rate_hz);
    let words = words.iter().map(String::as_str).chain(["-D", "hw:0,0", &samples, RECORDING]);
    GuestProgram::new(["arecord", "-q"].into_iter().chain(PATIENCE).chain(words))
}

#[test]
fn arecord_records_every_format_and_the_extremes_of_rates_and_channels() -> Result<(), BoardError> {
    let board = CardBoard::hearing(AudioSource::Ramp)?;
    for (layout, channels, rate_hz) in KINDS {
        let frames = 5_000;
        board.guest().run(arecord(layout, channels, rate_hz, frames))?.success()?;
        // Sample c of frame n is n * channels + c.
        let numbers = 0..frames as u64 * u64::from(channels);
        let expected: Vec<i32> = numbers.map(|number| layout.sample(number)).collect();
        let recording = board.guest().read_file(RECORDING)?;
        assert_eq!(recording.len(), layout.bytes(&expected).len(), "{layout:?}");
        // The fourth byte of 24 bits does not count.
        let significant = |bytes: &[u8]| {
            let bytes = bytes.chunks_exact(layout.sample_bytes);
            bytes.flat_map(|sample| sample[..usize::from(layout.sample_bits / 8)].to_vec()).collect::<Vec<_>>()
        };
        assert!(significant(&recording) == significant(&layout.bytes(&expected)), "{layout:?}, {channels} channels");
    }
    board.shutdown()
}

#[test]
fn arecord_makes_a_wav_file_of_what_is_heard() -> Result<(), BoardError> {
    let name = "sweep-44k1-s16-stereo.wav";
    let original = std::fs::read(asset(name)).expect("an asset");
    let board = CardBoard::hearing(AudioSource::Wav(asset(name)))?;
    // By DMA, and over the sample window.
    for pcm in ["hw:0,0", "hw:0,1"] {
        let program =
            ["arecord", "-q", "-D", pcm, "-f", "cd", "--samples=66150", RECORDING].into_iter().chain(PATIENCE);
        board.guest().run(GuestProgram::new(program))?.success()?;
        let recording = board.guest().read_file(RECORDING)?;
        // Both end with their samples, 4 bytes a frame.
        let samples = |file: &[u8]| file[file.len() - 66_150 * 4..].to_vec();
        assert!(samples(&recording) == samples(&original), "{pcm}: the samples differ");
    }
    board.shutdown()
}

#[test]
fn with_loopback_arecord_records_what_aplay_plays() -> Result<(), BoardError> {
    let board = CardBoard::hearing(AudioSource::Ramp)?;
    let guest = board.guest();
    guest.run(["amixer", "-q", "-c", "0", "set", "Loopback", "on"])?.success()?;
    let file = wav("speech-16k-s16-mono.wav");
    guest.write_file(FILE, S16.bytes(&file.samples))?;
    let recording = guest.start(arecord(S16, 1, 16_000, file.frames()))?;
    // The receiver waits for what is played from here on.
    let running = "until busybox grep -q RUNNING /proc/asound/card0/pcm0c/sub0/status; do :; done";
    guest.run(["busybox", "sh", "-c", running])?.success()?;
    board.aplay(&["-t", "raw", "-f", "S16_LE", "-r", "16000", "-D", "hw:0,0", FILE])?.success()?;
    recording.wait()?.success()?;
    assert!(guest.read_file(RECORDING)? == S16.bytes(&file.samples), "the recording differs");
    board.assert_played(1, &file);
    board.shutdown()
}
