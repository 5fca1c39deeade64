//! What the sound card's users hear when DMA fails or the device does not answer, and that the next stream is whole.

use cosim_tests::{Board, BoardError, GuestProgram, PwmAudio};
use device::{ClockMode, DmaFailure, FaultOutcome, FaultPlan, FaultRule};

use crate::support::MODULE;

fn board_with_faults(rule: FaultRule) -> Result<(Board, PwmAudio), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).faults(FaultPlan::default().rule(rule));
    let board = Board::builder().device(device.clone()).boot()?;
    board.guest().load_module(MODULE)?;
    Ok((board, device))
}

/// What the guest's program `pcm` answers to the lines.
fn pcm(board: &Board, substream: &str, lines: &[&str]) -> Result<Vec<String>, BoardError> {
    let words = ["pcm", substream, "S16_LE", "2", "48000", "512", "4096"];
    let output = board.guest().run(GuestProgram::new(words).standard_input(lines.join("\n")))?;
    Ok(output.text().lines().map(str::to_owned).collect())
}

/// Transfers 1 to 3 of the transmitter are the list and what fills the FIFO.
#[test]
fn a_playback_whose_dma_fails_ends_and_the_next_one_is_whole() -> Result<(), BoardError> {
    let failing = FaultRule::dma(0, FaultOutcome::Fail(DmaFailure::Failed)).nth(4);
    let (board, device) = board_with_faults(failing)?;
    let samples: Vec<u8> = (0..4 * 4_096_u32).map(|number| (number / 3) as u8).collect();
    board.guest().write_file("/tmp/samples", samples)?;
    let lines = ["write /tmp/samples", "wait 4096", "status", "prepare", "write /tmp/samples", "drain", "status"];
    let answers = pcm(&board, "/dev/snd/pcmC0D0p", &lines)?;
    // What was fetched before is not played any more: an error stops the transmitter at once.
    assert_eq!(answers[..2], ["done", "done"]);
    assert!(answers[2].starts_with("XRUN ") && answers[2].ends_with(" 4096"), "{answers:?}");
    assert_eq!(answers[3..], ["done", "done", "done", "SETUP 4096 4096"]);
    let frames = |number| device.stream(number).expect("a capture").samples.len() / 2;
    assert!(frames(1) < 1_024, "{} frames", frames(1));
    assert_eq!(frames(2), 4_096);
    board.shutdown()
}

/// As above, of a stream that has nothing more to be written.
#[test]
fn a_drain_whose_dma_fails_does_not_look_like_one_that_has_played_all() -> Result<(), BoardError> {
    let failing = FaultRule::dma(0, FaultOutcome::Fail(DmaFailure::Failed)).nth(4);
    let (board, _device) = board_with_faults(failing)?;
    board.guest().write_file("/tmp/samples", vec![1; 4 * 4_000])?;
    let answers = pcm(&board, "/dev/snd/pcmC0D0p", &["write /tmp/samples", "drain", "status"])?;
    assert_eq!(answers[0], "done");
    assert!(answers[2].starts_with("XRUN ") && answers[2].ends_with(" 4000"), "{answers:?}");
    board.shutdown()
}

#[test]
fn a_recording_whose_dma_fails_ends_and_the_next_one_is_whole() -> Result<(), BoardError> {
    let failing = FaultRule::dma(1, FaultOutcome::Fail(DmaFailure::Failed)).nth(3);
    let (board, _device) = board_with_faults(failing)?;
    let begin = ["start", "read 3000 /tmp/samples", "status"];
    let lines = [&begin[..], &["prepare"], &begin].concat();
    let answers = pcm(&board, "/dev/snd/pcmC0D0c", &lines)?;
    // After the list, one burst of 512 frames was there: a read gives what there is.
    assert_eq!(answers[..4], ["done", "done", "XRUN 512 512", "done"]);
    assert_eq!(answers[4..6], ["done", "done"]);
    assert!(answers[6].starts_with("RUNNING ") && answers[6].ends_with(" 3000"), "{answers:?}");
    assert_eq!(board.guest().read_file("/tmp/samples")?.len(), 4 * 3_000);
    board.shutdown()
}

#[test]
fn who_plays_on_a_device_that_is_pulled_out_is_told() -> Result<(), BoardError> {
    let pulled_out = FaultRule::read("TX.POSITION", FaultOutcome::Remove).nth(3);
    let (board, _device) = board_with_faults(pulled_out)?;
    board.guest().write_file("/tmp/samples", vec![1; 4 * 4_096])?;
    let lines = ["write /tmp/samples", "wait 4096", "write /tmp/samples", "prepare"];
    let answers = pcm(&board, "/dev/snd/pcmC0D0p", &lines)?;
    assert_eq!(answers, ["done", "done", "failed: os error 32", "failed: os error 19"]);
    let log = board.guest().kernel_log()?;
    assert!(log.to_string().contains("a register reads as all ones"), "{log}");
    board.shutdown()
}
