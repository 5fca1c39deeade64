//! What the driver does when the device does not do what it should: interrupts that are lost, reads that nobody answers.
//!
//! Through the FIFO: `card_failures.rs` has DMA.

use cosim_tests::{Board, BoardError, PwmAudio, play, player};
use device::{ClockMode, FaultOutcome, FaultPlan, FaultRule};

use crate::support::{MODULE, function, wav};

fn board_with_faults(plan: FaultPlan) -> Result<(Board, PwmAudio), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).faults(plan);
    let board = Board::builder().device(device.clone()).boot()?;
    Ok((board, device))
}

/// The driver does not look at the device by itself: the stream has a gap, and whoever plays waits until he is told not
/// to. The next stream is whole.
#[test]
fn after_a_lost_interrupt_the_player_can_be_ended_and_the_next_one_plays() -> Result<(), BoardError> {
    let lost = FaultRule::interrupt("*", FaultOutcome::Drop).nth(1).named("the first refill");
    let (board, device) = board_with_faults(FaultPlan::default().rule(lost))?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    // More than driver and device hold, so that it waits for an interrupt.
    let samples = wav("sweep-44k1-s16-stereo.wav").driver_bytes();
    guest.write_file("/tmp/samples", samples)?;
    let script = "busybox cat /tmp/samples >/dev/pwm-audio0 & player=$!; busybox sleep 2; kill $player; wait $player";
    // 128 and the signal's number.
    guest.run(["busybox", "sh", "-c", script])?.exit_code(143)?;
    let counters = device.counters();
    assert_eq!(
        (counters.injected, counters.interrupts, counters.underruns),
        (1, 0, 1),
        "{:#?}",
        board.timeline_tail(9)
    );

    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    assert_eq!(device.stream(2).expect("a capture").difference(&file), None);
    board.shutdown()
}

/// The driver gives a device up when it reads all ones, and says so.
#[test]
fn a_device_that_is_pulled_out_in_mid_playback_is_given_up() -> Result<(), BoardError> {
    let pulled_out = FaultRule::read("TX.STATUS", FaultOutcome::Remove).nth(3);
    let (board, _device) = board_with_faults(FaultPlan::default().rule(pulled_out))?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let file = wav("speech-16k-s16-mono.wav");
    let output = guest.run(player(guest, &file)?)?;
    assert!(output.error_text().contains("No such device"), "{output}");
    let log = guest.kernel_log()?;
    assert!(log.to_string().contains("a register reads as all ones"), "{log}");
    board.shutdown()
}

/// Loses the first, the second, the third read of the driver's probe, until there is none.
#[test]
fn whichever_read_of_the_probe_is_lost_the_driver_refuses_and_the_next_probe_succeeds() -> Result<(), BoardError> {
    let (board, device) = board_with_faults(FaultPlan::default())?;
    let guest = board.guest();
    let inject = |plan: &FaultPlan| device.with_device(|device| device.inject(plan)).expect("a plan");
    let mut lost = 0;
    loop {
        inject(&FaultPlan::default().rule(FaultRule::read("*", FaultOutcome::Drop).nth(lost + 1)));
        guest.load_module(MODULE)?;
        if !device.with_device(|device| device.unfired_faults()).is_empty() {
            break;
        }
        lost += 1;
        assert_eq!(function(guest)?.driver, None, "read {lost} was lost");
        guest.unload_module(MODULE)?;
    }
    assert_eq!(lost, 3, "identity, version and clock");
    inject(&FaultPlan::default());
    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    assert_eq!(device.stream(1).expect("a capture").difference(&file), None);
    board.shutdown()
}

#[test]
fn a_board_whose_faults_have_not_fired_fails_at_its_end() -> Result<(), BoardError> {
    let never = FaultRule::write("RX.CONTROL", FaultOutcome::Drop).named("never");
    let (board, _device) = board_with_faults(FaultPlan::default().rule(never))?;
    let error = board.shutdown().expect_err("a fault has not fired");
    let BoardError::UnfiredFaults { unfired, .. } = &error else { panic!("expected a fault: {error}") };
    assert_eq!(unfired[..], ["rule 1 \"never\": a write to RX.CONTROL, 0 seen"]);
    Ok(())
}
