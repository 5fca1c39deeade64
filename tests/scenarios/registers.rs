//! Registers as the guest reads and writes them through the mapped BAR, without a driver. Values are retyped from the
//! datasheet.

use cosim_tests::{Board, BoardError, PwmAudio};
use device::{ClockMode, StreamFormat};
use device_model::AudioSource;

use crate::support::{board_with_device, perform};

#[test]
fn registers_have_their_reset_values() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    let expected: &[(&str, u64)] = &[
        ("0x000:4", 0x5057_4d41),
        ("0x004:4", 0x0002_0000),
        ("0x008:4", 0),
        ("0x00c:4", 0),
        ("0x010:4", 0),
        ("0x014:4", 0),
        ("0x018:4", 0),
        ("0x01c:4", 100_000_000),
        ("0x100:4", 0),
        ("0x104:4", 0),
        ("0x108:4", 0),
        ("0x10c:4", 0),
        ("0x440:4", 0),
        ("0x444:4", 0x0000_0218),
        ("0x448:4", 48_000),
        ("0x44c:4", 0x0006_0000),
        ("0x450:4", 0),
        ("0x454:4", 0),
    ];
    let operations: Vec<&str> = expected.iter().map(|(operation, _)| *operation).collect();
    let found = perform(&board, &operations)?;
    let found: Vec<(&str, u64)> = operations.into_iter().zip(found).collect();
    assert_eq!(found, expected);
    board.shutdown()
}

#[test]
fn scratch_takes_writes_of_every_width() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let operations = [
        ("0x008:4=0x11223344", None),
        ("0x008:4", Some(0x1122_3344)),
        ("0x009:1=0xaa", None),
        ("0x00a:2=0xbbcc", None),
        ("0x008:4", Some(0xbbcc_aa44)),
        ("0x008:1", Some(0x44)),
        ("0x00a:2", Some(0xbbcc)),
        ("0x000:8", Some(0x0002_0000_5057_4d41)),
        ("0x008:8=0x55667788", None),
        ("0x008:8", Some(0x5566_7788)),
    ];
    let found = perform(&board, &operations.map(|(operation, _)| operation))?;
    let expected: Vec<u64> = operations.iter().filter_map(|(_, value)| *value).collect();
    assert_eq!(found, expected);

    // One access of the guest is one access of the device, with the width it had.
    let (reads, writes, faults) = device.with_device(|device| {
        let counters = device.timeline().counters();
        (counters.register_reads, counters.register_writes, counters.faults)
    });
    assert_eq!((reads, writes, faults), (6, 4, 0));
    board.shutdown()
}

#[test]
fn a_forced_interrupt_shows_in_status_and_timeline() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let found = perform(&board, &["0x018:4=0x5", "0x010:4", "0x010:4=0x1", "0x010:4"])?;
    assert_eq!(found, [0x5, 0x4]);
    let tail = device.with_device(|device| device.timeline_tail(4));
    let expected = [
        "write SYSTEM.INTERRUPT_FORCE <- 0x00000005: SYSTEM.INTERRUPT_FORCE.tx_low 0 -> 1, \
         SYSTEM.INTERRUPT_FORCE.tx_underrun 0 -> 1 (offset 0x018, 4 bytes)",
        "read SYSTEM.INTERRUPT_STATUS -> 0x00000005: SYSTEM.INTERRUPT_STATUS.tx_low 0 -> 1, \
         SYSTEM.INTERRUPT_STATUS.tx_underrun 0 -> 1 (offset 0x010, 4 bytes)",
        "write SYSTEM.INTERRUPT_STATUS <- 0x00000001: SYSTEM.INTERRUPT_STATUS.tx_low 1 -> 0 (offset 0x010, 4 bytes)",
        "read SYSTEM.INTERRUPT_STATUS -> 0x00000004 (offset 0x010, 4 bytes)",
    ];
    for (line, expected) in tail.iter().zip(expected) {
        assert!(line.ends_with(expected), "expected {expected}, found {line}");
    }
    assert_eq!(tail.len(), expected.len());
    board.shutdown()
}

#[test]
fn frames_of_eight_samples_of_32_bits_are_captured_whole() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let samples: [u32; 16] = std::array::from_fn(|index| 0x8000_0001_u32.wrapping_add(0x1111_1111 * index as u32));
    let writes = samples.iter().zip((0..8).cycle()).map(|(sample, channel)| format!("TX.SAMPLE{channel}={sample:#x}"));
    let mut operations = vec!["TX.FORMAT=0x820".to_owned()];
    operations.extend(writes);
    // Enabled, and to stop after the second frame, which takes 42 us. An access takes 1 us.
    operations.push("TX.CONTROL=0x3".to_owned());
    operations.extend(vec!["TX.CONTROL".to_owned(); 60]);
    let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
    assert_eq!(perform(&board, &operations)?.last(), Some(&0), "the transmitter goes on");

    let capture = device.stream(1).expect("a capture");
    assert_eq!(capture.format, StreamFormat { sample_bits: 32, channels: 8, rate_hz: 48_000 });
    assert_eq!(capture.samples, samples.map(u32::cast_signed));
    board.shutdown()
}

#[test]
fn the_receiver_hears_what_the_board_has_for_it() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).audio_input(AudioSource::Ramp);
    let board = Board::builder().device(device).boot()?;
    // 16 bits, stereo; a frame every 5.2 us, so two in 20 accesses.
    let mut operations = vec!["RX.FORMAT=0x210", "RX.RATE=192000", "RX.CONTROL=0x1"];
    operations.extend(["RX.STATUS"; 20]);
    operations.extend(["RX.SAMPLE0", "RX.SAMPLE1", "RX.SAMPLE0", "RX.SAMPLE1"]);
    let found = perform(&board, &operations)?;
    assert_eq!(found[20..], [0, 1, 2, 3]);
    board.shutdown()
}
