//! `/dev/pwm-audio0`: what several open files do to each other.

use cosim_tests::{BoardError, Guest, GuestProgram, PwmAudio};

use crate::support::{MODULE, assert_quiet, board_with_device, wav};

/// `EBUSY`, as the guest's `audio` program says it.
const BUSY: &str = "failed: os error 16";

/// Runs the guest's `audio` program and checks what it answers to each line.
fn converse(guest: &Guest, conversation: &[(&str, &str)]) -> Result<(), BoardError> {
    let lines: Vec<&str> = conversation.iter().map(|(line, _)| *line).collect();
    let output = guest.run(GuestProgram::new(["audio"]).standard_input(lines.join("\n")))?;
    let answers: Vec<&str> = conversation.iter().map(|(_, answer)| *answer).collect();
    assert_eq!(output.text().lines().collect::<Vec<_>>(), answers, "{output}");
    Ok(())
}

/// The samples of stream `number`, as the device has played them.
fn played(device: &PwmAudio, number: u32) -> Vec<i32> {
    device.stream(number).expect("a capture").samples
}

#[test]
fn a_file_that_is_alone_keeps_others_out_until_it_is_closed() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    converse(
        board.guest(),
        &[("open 0 both", "done"), ("open 1 record", BUSY), ("close 0", "done"), ("open 1 play", "done")],
    )?;
    assert_quiet(board.guest())?;
    board.shutdown()
}

#[test]
fn two_open_files_do_not_disturb_each_other() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "shared_open=1")?;
    let noise = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/first", noise.driver_bytes())?;
    let mut chord = wav("chord-48k-s24-stereo.wav");
    chord.samples.truncate(2 * 3_000);
    guest.write_file("/tmp/second", chord.driver_bytes())?;

    converse(
        guest,
        &[
            ("open 0 play", "done"),
            ("open 1 both", "done"),
            ("format 0 8 1", "done"),
            ("rate 0 8000", "done"),
            ("write 0 /tmp/first", "4000"),
            // File 0 has the transmitter, and its settings and samples are its own.
            ("write 1 /tmp/second", BUSY),
            ("format 1 16 2", "done"),
            ("rate 1 96000", "done"),
            ("loop 1 on", "done"),
            ("drain 1", "done"),
            ("close 1", "done"),
            ("drain 0", "done"),
            // Nothing is left to play, and still it has the transmitter.
            ("open 1 play", "done"),
            ("write 1 /tmp/second", BUSY),
            ("close 0", "done"),
            ("write 1 /tmp/second", "18000"),
            ("drain 1", "done"),
        ],
    )?;
    assert_eq!(played(&device, 1), noise.samples);
    assert_eq!(device.stream(1).expect("a capture").format, noise.format);
    assert_eq!(played(&device, 2), chord.samples);
    assert_eq!(device.counters().streams, 2);
    assert_quiet(guest)?;
    board.shutdown()
}
