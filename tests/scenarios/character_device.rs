//! `/dev/pwm-audio0`: what several open files do to each other, and what does not wait.

use std::thread;

use cosim_tests::{Board, BoardError, Guest, GuestProgram, ProgramOutput, ProgramStatus, PwmAudio, Running};
use device::{ClockMode, DmaFailure, FaultOutcome, FaultPlan, FaultRule, Region};

use crate::support::{MODULE, assert_quiet, board_with_device, board_with_driver, function, wav};

/// `EBUSY`, as the guest's `audio` program says it.
const BUSY: &str = "failed: os error 16";
/// `EAGAIN`.
const AGAIN: &str = "failed: os error 11";
/// `ENODEV`.
const NO_DEVICE: &str = "failed: os error 19";
/// `EACCES`.
const DENIED: &str = "failed: os error 13";
/// `EINVAL`.
const INVALID: &str = "failed: os error 22";
/// `EIO`.
const FAILED: &str = "failed: os error 5";
/// Whatever is no failure.
const SOMETHING: &str = "*";

/// Runs the guest's `audio` program and checks what it answers to each line.
fn converse(guest: &Guest, conversation: &[(&str, &str)]) -> Result<(), BoardError> {
    let lines: Vec<&str> = conversation.iter().map(|(line, _)| *line).collect();
    let output = guest.run(GuestProgram::new(["audio"]).standard_input(lines.join("\n")))?;
    check_answers(&output, conversation.iter().map(|(_, answer)| *answer));
    Ok(())
}

fn check_answers<'a>(output: &ProgramOutput, expected: impl Iterator<Item = &'a str>) {
    let text = output.text();
    let (mut answers, mut expected) = (text.lines(), expected.enumerate());
    for (number, expected) in expected.by_ref() {
        let answer = answers.next().unwrap_or_else(|| panic!("no answer to line {number}: {output}"));
        let fits = if expected == SOMETHING { !answer.starts_with("failed") } else { answer == expected };
        assert!(fits, "answer to line {number}: expected {expected:?}, found {answer:?}: {output}");
    }
    assert_eq!(answers.next(), None, "{output}");
}

/// Starts the guest's `audio` program with `lines`. Returns when it has answered `count` of them and does the next.
fn start_conversation(guest: &Guest, lines: &[&str], count: usize) -> Result<Running, BoardError> {
    guest.write_file("/tmp/lines", lines.join("\n"))?;
    guest.run(["busybox", "mkfifo", "/tmp/answered"])?.success()?;
    let script = format!(
        "audio </tmp/lines | (n=0; while read -r answer; do
             echo \"$answer\"; n=$((n + 1)); [ $n = {count} ] && echo >/tmp/answered
         done)"
    );
    let running = guest.start(["busybox", "sh", "-c", &script])?;
    guest.run(["busybox", "cat", "/tmp/answered"])?.success()?;
    Ok(running)
}

/// Takes the device from its driver, and gives it back.
fn rebind(guest: &Guest) -> Result<(), BoardError> {
    let (driver, address) = ("/sys/bus/pci/drivers/pwm_audio", function(guest)?.address);
    guest.write_file(&format!("{driver}/unbind"), address.as_str())?;
    guest.write_file(&format!("{driver}/bind"), address)
}

/// The samples of stream `number`, as the device has played them.
fn played(device: &PwmAudio, number: u32) -> Vec<i32> {
    device.stream(number).expect("a capture").samples
}

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

#[test]
fn registers_can_be_mapped_to_be_read() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let before = device.counters();
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("map 0 write", DENIED),
            ("map 0 private", INVALID),
            ("map 0 read", "done"),
            ("access 0 SYSTEM.IDENTITY", "0x50574d41"),
            ("access 0 TX.RATE", "0xbb80"),
        ],
    )?;
    assert_eq!(device.counters().register_reads, before.register_reads + 2);
    let output = guest.run(["registers", "/dev/pwm-audio0", "TX.STATUS", "SYSTEM.SCRATCH=1"])?.exit_code(1)?;
    assert!(output.error_text().contains("os error 13"), "{output}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn registers_can_be_mapped_to_be_written_if_the_driver_allows_it() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "writable_registers=1")?;
    let scratch = ["SYSTEM.SCRATCH=0x11223344", "SYSTEM.SCRATCH"];
    let output = guest.run(["registers", "/dev/pwm-audio0", scratch[0], scratch[1]])?.success()?;
    assert_eq!(output.text(), "0x11223344\n");
    let mut seen = [0; 4];
    device.with_device(|device| device.read(Region::Bar(0), 0x008, &mut seen, 0));
    assert_eq!(u32::from_le_bytes(seen), 0x1122_3344);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn mapped_registers_are_taken_from_every_file_at_an_unbind() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "shared_open=1 writable_registers=1")?;
    let watch = |value: u32| {
        let lines = [
            "open 0 both",
            "map 0 write",
            // The mapping keeps it open.
            "close 0",
            &format!("access 0 SYSTEM.SCRATCH={value:#x}"),
            "watch 0 TX.RATE",
        ];
        let watching = guest.start(GuestProgram::new(["audio"]).standard_input(lines.join("\n")))?;
        let mut seen = [0; 4];
        while u32::from_le_bytes(seen) != value {
            device.with_device(|device| device.read(Region::Bar(0), 0x008, &mut seen, 0));
            thread::yield_now();
        }
        Ok::<_, BoardError>(watching)
    };
    let watching = [watch(1)?, watch(2)?];
    rebind(guest)?;
    for watching in watching {
        assert_eq!(watching.wait()?.status, ProgramStatus::Signalled(7), "SIGBUS");
    }
    converse(guest, &[("open 0 record", "done"), ("map 0 read", "done"), ("access 0 TX.RATE", "0xbb80")])?;
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_device_plays_a_buffer_by_itself() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let mut chord = wav("chord-48k-s24-stereo.wav");
    // All that goes into 64 KiB: 10,922 frames of 6 bytes, over all pages.
    chord.samples.truncate(2 * 10_922);
    guest.write_file("/tmp/chord", chord.driver_bytes())?;
    let mut sweep = wav("sweep-44k1-s16-stereo.wav");
    sweep.samples.truncate(2 * 5_000);
    guest.write_file("/tmp/sweep", sweep.driver_bytes())?;
    let before = device.counters();
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("map-buffer 0", "done"),
            ("put 0 0 /tmp/chord", "done"),
            ("play-buffer 0 0 10922", "done"),
            ("play-buffer 0 0 10923", INVALID),
            ("play-buffer 0 65536 1", INVALID),
            ("play-buffer 0 0 0", INVALID),
            ("play-buffer 0 4294967295 4294967295", INVALID),
            ("format 0 16 2", "done"),
            ("rate 0 44100", "done"),
            ("put 0 4098 /tmp/sweep", "done"),
            ("play-buffer 0 4098 5000", "done"),
            // What is written comes in its turn.
            ("write 0 /tmp/sweep", "20000"),
            ("play-buffer 0 0 1", BUSY),
            ("drain 0", "done"),
        ],
    )?;
    for (number, expected) in [(1, &chord), (2, &sweep), (3, &sweep)] {
        assert_eq!(device.stream(number).expect("a capture").difference(expected), None, "stream {number}");
    }
    let after = device.counters();
    assert_eq!((after.streams, after.underruns, after.faults), (3, 0, 0));
    // One a frame is only what was written, not what is in the buffer.
    assert!(after.register_writes - before.register_writes < 5_000 + 200, "{after:?}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_buffer_is_one_files_until_it_is_closed() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "shared_open=1")?;
    guest.write_file("/tmp/bytes", [1, 2, 3, 4])?;
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("open 1 both", "done"),
            ("map-buffer 0", "done"),
            ("put 0 0 /tmp/bytes", "done"),
            ("map-buffer 1", BUSY),
            ("play-buffer 1 0 1", BUSY),
            ("format 1 8 1", "done"),
            ("write 1 /tmp/bytes", "4"),
            ("play-buffer 0 0 1", BUSY),
            ("drain 1", "done"),
            ("close 1", "done"),
            ("play-buffer 0 0 1", "done"),
            // The mapping keeps the file open.
            ("close 0", "done"),
            ("open 2 both", "done"),
            ("map-buffer 2", BUSY),
            ("get 0 0 4 /tmp/read", "done"),
        ],
    )?;
    assert_eq!(guest.read_file("/tmp/read")?, [1, 2, 3, 4]);
    converse(
        guest,
        // The next one finds nothing of the last one's.
        &[("open 0 both", "done"), ("map-buffer 0", "done"), ("get 0 0 4 /tmp/read", "done")],
    )?;
    assert_eq!(guest.read_file("/tmp/read")?, [0; 4]);
    // 24 bits of channel 0: 0x030201; of channel 1: what is behind the four bytes.
    assert_eq!(played(&device, 2), [0x03_0201, 4]);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_buffer_that_the_device_cannot_read_is_an_error() -> Result<(), BoardError> {
    // The first transfer brings the list.
    let plan = FaultPlan::default().rule(FaultRule::dma(None, FaultOutcome::Fail(DmaFailure::Failed)).nth(2));
    let device = PwmAudio::new(ClockMode::Warp).faults(plan);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    converse(guest, &[("open 0 play", "done"), ("play-buffer 0 0 10000", FAILED), ("play-buffer 0 0 10000", "done")])?;
    assert_eq!((played(&device, 1).len(), played(&device, 2).len()), (0, 20_000));
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_buffer_is_taken_from_a_process_at_an_unbind() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    guest.write_file("/tmp/bytes", [0x55, 2, 3, 4, 5, 6])?;
    let lines = "open 0 both\nmap-buffer 0\nput 0 0 /tmp/bytes\nplay-buffer 0 0 1\nwatch-buffer 0";
    let watching = guest.start(GuestProgram::new(["audio"]).standard_input(lines))?;
    while device.counters().streams == 0 {
        thread::yield_now();
    }
    rebind(guest)?;
    assert_eq!(watching.wait()?.status, ProgramStatus::Signalled(7), "SIGBUS");
    converse(guest, &[("open 0 both", "done"), ("map-buffer 0", "done"), ("play-buffer 0 0 1000", "done")])?;
    assert_quiet(guest)?;
    board.shutdown()
}
