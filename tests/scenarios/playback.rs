//! WAV files through `write()`, the FIFO and back: bit-exact, without an underrun, with every interrupt accounted for.
//!
//! The playback runs in warp time: this does not show that a guest is fast enough for real time.

use std::path::Path;

use cosim_tests::{Board, BoardBuilder, BoardError, PwmAudio, play, player};
use device::{ClockMode, Event, Happening, Pin};
use vfio_user_server::ServerOptions;

use crate::support::{MODULE, NODE, assert_quiet, asset, board_with_driver, wav};

/// The bytes of a WAV file's `data` chunk: read without the library that wrote the capture.
fn data_chunk(path: &Path) -> Vec<u8> {
    let file = std::fs::read(path).expect("a file");
    let mut rest = file.strip_prefix(b"RIFF").expect("a RIFF file").get(8..).expect("a WAVE form");
    while let Some((header, body)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if header.starts_with(b"data") {
            return body[..length].to_vec();
        }
        rest = &body[length + length % 2..];
    }
    panic!("{} has no data chunk", path.display())
}

fn plays_bit_exact(name: &str, frames: u64) -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    play(guest, &wav(name))?.success()?;

    assert_eq!(device.stream(1).expect("a capture").difference(&wav(name)), None);
    assert!(data_chunk(&device.stream_file(1)) == data_chunk(&asset(name)), "the data chunks differ");
    let counters = device.counters();
    assert_eq!((counters.frames, counters.underruns, counters.faults), (frames, 0, 0));
    let handled = guest.interrupts()?.count(NODE);
    assert_eq!(handled, Some(counters.interrupts), "raised by the device, handled by the driver");
    // At most 768 frames a refill, and one interrupt for the end.
    assert!(counters.interrupts >= frames.saturating_sub(1_024) / 768, "{counters:?}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn fifo_plays_8_bit_mono() -> Result<(), BoardError> {
    plays_bit_exact("noise-8k-u8-mono.wav", 4_000)
}

#[test]
fn fifo_plays_16_bit_mono() -> Result<(), BoardError> {
    plays_bit_exact("speech-16k-s16-mono.wav", 32_000)
}

#[test]
fn fifo_plays_16_bit_stereo() -> Result<(), BoardError> {
    plays_bit_exact("sweep-44k1-s16-stereo.wav", 66_150)
}

#[test]
fn fifo_plays_24_bit_stereo() -> Result<(), BoardError> {
    plays_bit_exact("chord-48k-s24-stereo.wav", 48_000)
}

#[test]
fn fifo_plays_every_format_with_every_number_of_channels() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let mut number = 0;
    for bits in ["8", "16", "24", "32"] {
        for channels in ["1", "2", "3", "4", "5", "6", "7", "8"] {
            number += 1;
            let frame_bytes = bits.parse::<usize>().unwrap() / 8 * channels.parse::<usize>().unwrap();
            // 50 frames of bytes that do not repeat with the frames.
            let samples: Vec<u8> = (0..50 * frame_bytes).map(|index| (index * 167 + index / 251) as u8).collect();
            guest.write_file("/tmp/samples", samples.as_slice())?;
            guest.run(["play", "--bits", bits, "--channels", channels, "/tmp/samples"])?.success()?;
            let played = data_chunk(&device.stream_file(number));
            assert!(played == samples, "{bits} bits, {channels} channels: {played:x?}");
        }
    }
    assert_eq!(device.counters().underruns, 0);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn streams_follow_each_other_in_their_own_formats() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let mut short = wav("chord-48k-s24-stereo.wav");
    short.samples.truncate(2 * 3_000);
    let files = [wav("noise-8k-u8-mono.wav"), short.clone(), short];
    for (number, file) in (1..).zip(&files) {
        play(board.guest(), file)?.success()?;
        assert_eq!(device.stream(number).expect("a capture").difference(file), None, "stream {number}");
    }
    board.shutdown()
}

#[test]
fn without_msi_the_driver_plays_with_intx() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp);
    let board = Board::builder().device(device.clone()).kernel_argument("pci=nomsi").boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    assert_eq!(device.stream(1).expect("a capture").difference(&file), None);
    let pins = device.with_device(|device| {
        let fired = |event: &Event| if let Happening::Interrupt(pin) = event.happening { Some(pin) } else { None };
        device.timeline().events().filter_map(fired).collect::<Vec<_>>()
    });
    assert!(!pins.is_empty() && pins.iter().all(|pin| *pin == Pin::Intx), "{pins:?}");
    // QEMU lets the line fall when a BAR is accessed, so the guest may take more than it needs, but not fewer.
    let handled = guest.interrupts()?.count(NODE);
    assert!(handled.is_some_and(|count| count >= 4_000 / 768), "{handled:?}");
    assert_quiet(guest)?;
    board.shutdown()
}

/// Plays a file on a board that differs from the usual.
fn plays_bit_exact_on(board: BoardBuilder, device: &PwmAudio, name: &str) -> Result<(), BoardError> {
    let board = board.device(device.clone()).boot()?;
    board.guest().load_module(MODULE)?;
    let file = wav(name);
    play(board.guest(), &file)?.success()?;
    assert_eq!(device.stream(1).expect("a capture").difference(&file), None);
    assert_eq!(device.counters().underruns, 0);
    assert_quiet(board.guest())?;
    board.shutdown()
}

#[test]
fn with_every_capability_off_a_file_plays_bit_exact() -> Result<(), BoardError> {
    let bare = ServerOptions {
        write_multiple: false,
        maximum_data_bytes: 4_096,
        maximum_descriptors: 1,
        ..ServerOptions::default()
    };
    let device = PwmAudio::new(ClockMode::Warp).server_options(bare);
    plays_bit_exact_on(Board::builder(), &device, "noise-8k-u8-mono.wav")
}

#[test]
fn with_writes_that_wait_for_their_reply_a_file_plays_bit_exact() -> Result<(), BoardError> {
    let board = Board::builder().qemu_arguments(["-global", "vfio-user-pci.x-no-posted-writes=on"]);
    plays_bit_exact_on(board, &PwmAudio::new(ClockMode::Warp), "noise-8k-u8-mono.wav")
}

#[test]
fn two_boards_play_at_once_without_disturbing_each_other() -> Result<(), BoardError> {
    let ((left, left_device), (right, right_device)) = (board_with_driver()?, board_with_driver()?);
    let (noise, mut chord) = (wav("noise-8k-u8-mono.wav"), wav("chord-48k-s24-stereo.wav"));
    chord.samples.truncate(2 * 6_000);
    let playing = left.guest().start(player(left.guest(), &noise)?)?;
    play(right.guest(), &chord)?.success()?;
    playing.wait()?.success()?;
    assert_eq!(left_device.stream(1).expect("a capture").difference(&noise), None);
    assert_eq!(right_device.stream(1).expect("a capture").difference(&chord), None);
    left.shutdown()?;
    right.shutdown()
}
