//! What is mapped: the registers, and the buffer that the device reaches by DMA.

use std::thread;

use cosim_tests::{Board, BoardError, GuestProgram, ProgramStatus, PwmAudio};
use device::{ClockMode, DmaFailure, FaultOutcome, FaultPlan, FaultRule, Region};
use device_model::AudioSource;

use super::conversation::{BUSY, DENIED, FAILED, INVALID, converse, played, rebind};
use crate::support::{MODULE, assert_quiet, board_with_device, board_with_driver, wav};

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
fn a_buffer_that_the_device_cannot_reach_is_an_error() -> Result<(), BoardError> {
    // Of the transmitter and the receiver. The first transfer brings the list.
    let fails = |channel: u8| FaultRule::dma(channel, FaultOutcome::Fail(DmaFailure::Failed)).nth(2);
    let plan = FaultPlan::default().rule(fails(0)).rule(fails(1));
    let device = PwmAudio::new(ClockMode::Warp).faults(plan);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("play-buffer 0 0 10000", FAILED),
            ("play-buffer 0 0 10000", "done"),
            ("record-buffer 0 0 10000", FAILED),
            ("record-buffer 0 0 10000", "done"),
        ],
    )?;
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

#[test]
fn the_device_records_to_a_buffer_by_itself() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).audio_input(AudioSource::Ramp);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    converse(
        guest,
        &[
            ("open 0 record", "done"),
            ("record-format 0 16 2", "done"),
            ("record-rate 0 8000", "done"),
            ("map-buffer 0", DENIED),
            ("close 0", "done"),
            ("open 0 both", "done"),
            ("map-buffer 0", "done"),
            ("record-format 0 16 2", "done"),
            // All pages but the first two bytes and the last two.
            ("record-buffer 0 2 16383", "done"),
            ("get 0 0 65536 /tmp/first", "done"),
            ("record-format 0 24 2", "done"),
            ("record-buffer 0 0 10923", INVALID),
            ("record-buffer 0 3 2", "done"),
            ("get 0 0 18 /tmp/second", "done"),
        ],
    )?;
    let first = guest.read_file("/tmp/first")?;
    // Sample n is n.
    let expected: Vec<u8> = (0..2 * 16_383_u16).flat_map(u16::to_le_bytes).collect();
    assert!(first[2..65_534] == expected && first[..2] == [0; 2] && first[65_534..] == [0; 2], "the buffer differs");
    // Of the first recording there is what the second one has not reached.
    let second = [0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 7, 0];
    assert_eq!(guest.read_file("/tmp/second")?, second);
    assert_eq!(device.counters().faults, 0);
    assert_quiet(guest)?;
    board.shutdown()
}
