//! Recording through the FIFO and `read()`: bit-exact, with every interrupt accounted for.

use cosim_tests::{Board, BoardError, PwmAudio};
use device::ClockMode;
use device_model::AudioSource;

use super::conversation::{AGAIN, BROKEN, BUSY, INVALID, SOMETHING, converse};
use crate::support::{MODULE, NODE, assert_quiet, asset, wav};

/// A board with the driver, whose receiver hears `source`.
fn board_that_hears(source: AudioSource) -> Result<(Board, PwmAudio), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).audio_input(source);
    let board = Board::builder().device(device.clone()).boot()?;
    board.guest().load_module(MODULE)?;
    Ok((board, device))
}

fn records_bit_exact(name: &str, rate: &str, bits: &str, channels: &str) -> Result<(), BoardError> {
    let (board, device) = board_that_hears(AudioSource::Wav(asset(name)))?;
    let guest = board.guest();
    let mut file = wav(name);
    // More than ring and FIFO hold.
    file.samples.truncate(usize::from(file.format.channels) * 20_000);
    let frames = file.frames().to_string();
    let recorder = ["record", "--rate", rate, "--bits", bits, "--channels", channels, &frames, "/tmp/recorded"];
    guest.run(recorder)?.success()?;
    assert!(guest.read_file("/tmp/recorded")? == file.driver_bytes(), "the samples differ");
    let handled = guest.interrupts()?.count(NODE);
    let counters = device.counters();
    assert_eq!(handled, Some(counters.interrupts), "raised by the device, handled by the driver");
    assert!(counters.interrupts >= file.frames() as u64 / 1_024, "{counters:?}");
    assert_eq!(counters.faults, 0);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn fifo_records_8_bit_mono() -> Result<(), BoardError> {
    records_bit_exact("noise-8k-u8-mono.wav", "8000", "8", "1")
}

#[test]
fn fifo_records_16_bit_stereo() -> Result<(), BoardError> {
    records_bit_exact("sweep-44k1-s16-stereo.wav", "44100", "16", "2")
}

#[test]
fn fifo_records_24_bit_stereo() -> Result<(), BoardError> {
    records_bit_exact("chord-48k-s24-stereo.wav", "48000", "24", "2")
}

#[test]
fn fifo_records_every_format_with_every_number_of_channels() -> Result<(), BoardError> {
    let (board, _device) = board_that_hears(AudioSource::Ramp)?;
    let guest = board.guest();
    for bits in ["8", "16", "24", "32"] {
        for channels in 1..=8_usize {
            let program = ["record", "--bits", bits, "--channels", &channels.to_string(), "50", "-"];
            let recorded = guest.run(program)?.success()?.standard_output;
            // Sample n is n, in the low bits; those of 8 bits have silence at 128.
            let bytes = bits.parse::<usize>().expect("a number") / 8;
            let sample = |number: usize| if bytes == 1 { vec![number as u8 ^ 0x80] } else { low_bytes(number, bytes) };
            let expected: Vec<u8> = (0..50 * channels).flat_map(sample).collect();
            assert!(recorded == expected, "{bits} bits, {channels} channels: {recorded:x?}");
        }
    }
    assert_quiet(guest)?;
    board.shutdown()
}

fn low_bytes(number: usize, count: usize) -> Vec<u8> {
    number.to_le_bytes()[..count].to_vec()
}

#[test]
fn what_is_played_is_recorded_at_once_in_loopback() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp);
    let board = Board::builder().device(device.clone()).sound_programs().boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    guest.run(["amixer", "cset", "name=Loopback Switch", "on"])?.success()?;
    let noise = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", noise.driver_bytes())?;
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("format 0 8 1", "done"),
            ("rate 0 8000", "done"),
            ("record-format 0 8 1", "done"),
            // Nothing is played yet, and so nothing received; but from here on it records.
            ("poll 0 both", "out"),
            ("record-format 0 16 2", BUSY),
            ("record-rate 0 44100", BUSY),
            ("status 0 record", "running 0 held 0 lost 0"),
            ("write 0 /tmp/samples", "4000"),
            ("drain 0", "done"),
            ("status 0 play", "stopped 4000 held 0 lost 0"),
            ("status 0 record", "running 4000 held 4000 lost 0"),
            ("poll 0 both", "in out"),
            ("read 0 1000 /tmp/recorded", "1000"),
            ("read 0 10000 /tmp/recorded", "3000"),
            ("poll 0 both", "out"),
        ],
    )?;
    assert!(guest.read_file("/tmp/recorded")? == noise.driver_bytes(), "the samples differ");
    assert_eq!(device.stream(1).expect("a capture").difference(&noise), None);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn input_that_does_not_wait_is_told_when_there_is_some() -> Result<(), BoardError> {
    let (board, _device) = board_that_hears(AudioSource::Ramp)?;
    let guest = board.guest();
    converse(
        guest,
        &[
            ("open 0 both nonblocking", "done"),
            ("record-format 0 16 1", "done"),
            ("record-rate 0 8000", "done"),
            // Asked for output only, it does not begin.
            ("poll 0 play", "out"),
            ("status 0 record", "stopped 0 held 0 lost 0"),
            // The first frame is received at once.
            ("read 0 600 /tmp/recorded", "2"),
            ("read 0 600 /tmp/recorded", AGAIN),
            ("poll 0 record", "nothing"),
            ("wait 0 record", "in"),
            ("read 0 600 /tmp/recorded", SOMETHING),
            ("wait 0 record", "in"),
            // A frame may be read in pieces.
            ("read 0 1 /tmp/recorded", "1"),
            ("poll 0 record", "in"),
            ("read 0 1 /tmp/recorded", "1"),
        ],
    )?;
    let recorded = guest.read_file("/tmp/recorded")?;
    let expected: Vec<u8> = (0..recorded.len() as u16 / 2).flat_map(u16::to_le_bytes).collect();
    assert!(recorded.len() >= 4 && recorded == expected, "{recorded:x?}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn frames_that_are_lost_are_reported_once_after_those_before_them() -> Result<(), BoardError> {
    let (board, device) = board_that_hears(AudioSource::Ramp)?;
    let guest = board.guest();
    let mut chord = wav("chord-48k-s24-stereo.wav");
    chord.samples.truncate(2 * 30_000);
    guest.write_file("/tmp/samples", chord.driver_bytes())?;
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("record-format 0 32 1", "done"),
            ("read 0 4 /tmp/recorded", "4"),
            // While 30,000 frames are played, as many are received, and ring and FIFO hold 17,408.
            ("write 0 /tmp/samples", "180000"),
            ("drain 0", "done"),
            ("poll 0 record", "in"),
            ("read 0 1000000 /tmp/recorded", SOMETHING),
            ("poll 0 record", "in"),
            ("read 0 4 /tmp/recorded", BROKEN),
            ("read 0 4 /tmp/again", "4"),
        ],
    )?;
    assert_eq!(device.counters().underruns, 0);
    let recorded = guest.read_file("/tmp/recorded")?;
    let expected: Vec<u8> = (0..recorded.len() as u32 / 4).flat_map(u32::to_le_bytes).collect();
    assert!(recorded.len() >= 4 * 16_384 && recorded == expected, "there is a gap in {} bytes", recorded.len());
    // The input goes on where the receiver begins.
    assert_eq!(guest.read_file("/tmp/again")?, [0; 4]);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn files_share_transmitter_and_receiver_one_each() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).audio_input(AudioSource::Ramp);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module_with(MODULE, "shared_open=1")?;
    let noise = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", noise.driver_bytes())?;
    converse(
        guest,
        &[
            ("open 0 both", "done"),
            ("open 1 both", "done"),
            ("format 0 8 1", "done"),
            ("rate 0 8000", "done"),
            ("record-format 1 16 1", "done"),
            ("write 0 /tmp/samples", "4000"),
            ("read 1 2 /tmp/recorded", "2"),
            ("write 1 /tmp/samples", BUSY),
            ("read 0 6 /tmp/recorded", BUSY),
            ("record-buffer 0 0 1", BUSY),
            ("record-rate 0 96000", "done"),
            ("rate 1 96000", "done"),
            ("rate 1 7999", INVALID),
            ("drain 0", "done"),
            ("close 0", "done"),
            ("read 1 2000 /tmp/recorded", SOMETHING),
            ("open 0 record", "done"),
            ("read 0 6 /tmp/other", BUSY),
            ("close 1", "done"),
            ("read 0 6 /tmp/other", "6"),
        ],
    )?;
    assert_eq!(device.stream(1).expect("a capture").difference(&noise), None);
    let recorded = guest.read_file("/tmp/recorded")?;
    let expected: Vec<u8> = (0..recorded.len() as u16 / 2).flat_map(u16::to_le_bytes).collect();
    assert!(recorded.len() > 1_000 && recorded == expected, "{recorded:x?}");
    // In its own format, which is that of every file when it is opened: two samples of 24 bits.
    assert_eq!(guest.read_file("/tmp/other")?, [0, 0, 0, 1, 0, 0]);
    assert_quiet(guest)?;
    board.shutdown()
}
