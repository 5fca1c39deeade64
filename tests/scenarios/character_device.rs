//! `/dev/pwm-audio0`: what several open files do to each other, and what does not wait.

mod conversation;
mod memory;
mod recording;

use conversation::{
    AGAIN, BUSY, FAILED, NO_DEVICE, SOMETHING, check_answers, converse, played, rebind, start_conversation,
};
use cosim_tests::{Board, BoardError, PwmAudio};
use device::ClockMode;

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
    // The device's time stands still: of what is played and recorded there comes the first frame and no other.
    let board = Board::builder().device(PwmAudio::new(ClockMode::Manual)).boot()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "shared_open=1")?;
    let samples = wav("chord-48k-s24-stereo.wav").driver_bytes();
    guest.write_file("/tmp/frame", &samples[..6])?;
    // What ring and FIFO hold without the last frame: more would have to wait.
    guest.write_file("/tmp/ring", &samples[..6 * (16_384 + 1_023)])?;
    guest.write_file("/tmp/samples", samples)?;
    // What each waits for, and what it hears.
    let players = [
        ("write 0 /tmp/samples", SOMETHING),
        ("drain 0", FAILED),
        ("play-buffer 0 0 1000", FAILED),
        ("wait 0 play", "gone"),
    ];
    let recorders = [
        ("read 0 6 /tmp/a", NO_DEVICE),
        ("record-buffer 0 0 1000", FAILED),
        ("wait 0 record", "gone"),
        ("wait 0 record", "gone"),
    ];
    for ((plays, hears), (records, hears_too)) in players.into_iter().zip(recorders) {
        let before = match plays {
            "drain 0" => "write 0 /tmp/frame",
            "wait 0 play" => "write 0 /tmp/ring",
            _ => "poll 0 play",
        };
        let lines = ["open 0 play", before, plays, "write 0 /tmp/samples", "poll 0 play"];
        let playing = start_conversation(guest, &lines, 2)?;
        let before = if records.starts_with("record") { "poll 0 play" } else { "read 0 6 /tmp/a" };
        let lines = ["open 0 both", before, records, "read 0 6 /tmp/a", "poll 0 record"];
        let recording = start_conversation(guest, &lines, 2)?;
        rebind(guest)?;
        check_answers(&playing.wait()?, ["done", SOMETHING, hears, NO_DEVICE, "gone"].into_iter());
        check_answers(&recording.wait()?, ["done", SOMETHING, hears_too, NO_DEVICE, "gone"].into_iter());
    }
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_loop_repeats_what_was_written_until_it_is_turned_off() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let noise = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", noise.driver_bytes())?;
    converse(
        guest,
        &[
            ("open 0 play nonblocking", "done"),
            ("format 0 8 1", "done"),
            ("rate 0 192000", "done"),
            ("loop 0 on", "done"),
            ("write 0 /tmp/samples", "4000"),
            ("drain 0", AGAIN),
            ("status 0 play", SOMETHING),
            ("loop 0 off", "done"),
            // There is room as soon as all is over.
            ("wait 0 play", "out"),
            ("drain 0", "done"),
        ],
    )?;
    let played = played(&device, 1);
    assert!(!played.is_empty() && played.chunks(4_000).all(|pass| pass == noise.samples), "{} frames", played.len());
    assert_quiet(guest)?;
    board.shutdown()
}
