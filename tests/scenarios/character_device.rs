//! `/dev/pwm-audio0`: what several open files do to each other, and what does not wait.

mod conversation;
mod memory;
mod recording;

use conversation::{AGAIN, BUSY, NO_DEVICE, SOMETHING, check_answers, converse, played, rebind, start_conversation};
use cosim_tests::BoardError;

use crate::support::{MODULE, assert_quiet, board_with_device, board_with_driver, wav};

#[test]
fn a_file_that_is_alone_keeps_others_out_until_it_is_closed() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    assert_eq!(board.guest().read_text("/sys/class/misc/pwm-audio0/device/device")?, "0x0ad0\n", "its PCI function");
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

#[test]
fn a_stream_of_the_sound_card_keeps_the_unit_from_files_and_back() -> Result<(), BoardError> {
    let (board, _device) = board_with_driver()?;
    let guest = board.guest();
    guest.write_file("/tmp/samples", [0; 6])?;
    let run = |script: &str| guest.run(["busybox", "sh", "-c", script])?.success();
    // A PCM substream has its unit as long as it is open.
    guest.write_file("/tmp/lines", "open 0 both\nwrite 0 /tmp/samples\nread 0 6 /tmp/read\n")?;
    let refused = run("exec 3>/dev/snd/pcmC0D0p 4</dev/snd/pcmC0D0c; audio </tmp/lines; true")?;
    assert_eq!(refused.text(), format!("done\n{BUSY}\n{BUSY}\n"));
    // A file has it from the first write on.
    let refused = run("exec 3>/dev/pwm-audio0; exec 4>/dev/snd/pcmC0D0p 4>&-; busybox cat /tmp/samples >&3
         busybox sh -c 'exec 4>/dev/snd/pcmC0D0p' || echo refused")?;
    assert_eq!(refused.text(), "refused\n", "{refused}");
    assert!(refused.error_text().contains("esource busy"), "{refused}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn output_that_does_not_wait_is_told_when_there_is_room() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let chord = wav("chord-48k-s24-stereo.wav");
    guest.write_file("/tmp/samples", chord.driver_bytes())?;
    converse(
        guest,
        &[
            ("open 0 play nonblocking", "done"),
            ("poll 0 both", "out"),
            ("wait 0 play", "out"),
            // Ring and FIFO have room for less than a second.
            ("write 0 /tmp/samples", SOMETHING),
            ("write 0 /tmp/samples", AGAIN),
            ("poll 0 play", "nothing"),
            ("wait 0 play", "out"),
            ("write 0 /tmp/samples", SOMETHING),
            ("drain 0", AGAIN),
            ("poll 0 play", "nothing"),
            ("wait 0 play", "out"),
            ("drain 0", "done"),
        ],
    )?;
    let played = played(&device, 1);
    // What came first is known: the rest began at the start again.
    assert!(played.len() > 2 * 16_384 && played[..2 * 16_384] == chord.samples[..2 * 16_384]);
    assert_eq!(device.counters().underruns, 0);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn who_waits_hears_that_the_device_is_gone() -> Result<(), BoardError> {
    let (board, _device) = board_with_driver()?;
    let guest = board.guest();
    let chord = wav("chord-48k-s24-stereo.wav");
    guest.write_file("/tmp/samples", chord.driver_bytes())?;
    let lines = [
        "open 0 play",
        "loop 0 on",
        // Fails when the ring is full, which the loop plays for ever.
        "write 0 /tmp/samples",
        "wait 0 play",
        "write 0 /tmp/samples",
        "poll 0 both",
        "close 0",
    ];
    let waiting = start_conversation(guest, &lines, 3)?;
    rebind(guest)?;
    let output = waiting.wait()?;
    check_answers(&output, ["done", "done", SOMETHING, "gone", NO_DEVICE, "gone", "done"].into_iter());
    assert_quiet(guest)?;
    board.shutdown()
}
