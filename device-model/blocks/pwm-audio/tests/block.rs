//! The block against its datasheet: offsets, values and deadlines are retyped here, not taken from the code.

use device::{Block, Effects, Output, StreamFormat, Width};
use pwm_audio::PwmAudio;

const MS: u64 = 1_000_000;

/// A block with the time and the outputs at hand.
#[derive(Default)]
struct Bench {
    block: PwmAudio,
    now_ns: u64,
    effects: Effects,
}

impl Bench {
    fn read(&mut self, offset: u64) -> u32 {
        self.block.read(offset, Width::WORD, self.now_ns, &mut self.effects) as u32
    }

    fn write(&mut self, offset: u64, value: u32) {
        self.block.write(offset, Width::WORD, u64::from(value), self.now_ns, &mut self.effects);
    }

    fn at(&mut self, now_ns: u64) -> &mut Self {
        self.now_ns = now_ns;
        self.block.advance(now_ns, &mut self.effects);
        self
    }

    fn push_frames(&mut self, count: u32) {
        for number in 0..count {
            let frame = u64::from(number) | u64::from(number) << 32;
            self.block.write(0x460, Width::DOUBLE, frame, self.now_ns, &mut self.effects);
        }
    }

    fn frames(&self) -> Vec<[i32; 2]> {
        let frame = |output: &Output| if let Output::Frame(samples) = output { Some(*samples) } else { None };
        self.effects.outputs().iter().filter_map(frame).collect()
    }

    fn only_fault(&mut self) -> String {
        assert_eq!(self.effects.faults().len(), 1, "{:?}", self.effects.faults());
        let fault = self.effects.faults()[0].clone();
        self.effects.clear();
        fault
    }
}

/// Offset, value after reset and bits that keep what is written, of every register.
const REGISTERS: &[(u64, u32, u32)] = &[
    (0x000, 0x5057_4d41, 0),
    (0x004, 0x0001_0000, 0),
    (0x008, 0, 0xffff_ffff),
    (0x00c, 0, 0),
    (0x010, 0, 0),
    (0x014, 0, 0x0000_0007),
    (0x018, 0, 0),
    (0x01c, 100_000_000, 0),
    (0x100, 0, 0x0000_0002),
    (0x104, 0, 0xffff_ffff),
    (0x108, 0, 0xffff_ffff),
    (0x10c, 0, 0),
    (0x160, 0, 0x0000_0002),
    (0x164, 0, 0xffff_ffff),
    (0x168, 0, 0xffff_ffff),
    (0x16c, 0, 0),
    (0x440, 0, 0),
    (0x444, 0x0000_0218, 0),
    (0x448, 48_000, 0),
    (0x44c, 0x0006_0000, 0),
    (0x450, 0, 0),
    (0x454, 0, 0),
    (0x460, 0, 0),
    (0x464, 0, 0),
];

#[test]
fn registers_have_their_reset_values_before_and_after_a_reset() {
    let mut bench = Bench::default();
    for round in ["cold", "after reset"] {
        for &(offset, reset, _) in REGISTERS {
            assert_eq!(bench.read(offset), reset, "register {offset:#x}, {round}");
        }
        for (offset, value) in [(0x008, 7), (0x014, 7), (0x018, 7), (0x104, 9), (0x100, 1), (0x448, 8_000), (0x460, 1)]
        {
            bench.write(offset, value);
        }
        bench.push_frames(3);
        bench.write(0x440, 1);
        bench.write(0x00c, 1);
        assert!(!bench.block.interrupt_asserted());
        assert_eq!(bench.block.next_deadline_ns(), None);
    }
}

#[test]
fn plain_registers_keep_the_bits_they_have_lane_by_lane() {
    let mut bench = Bench::default();
    for &(offset, reset, kept) in REGISTERS.iter().filter(|register| register.2 != 0) {
        for lane in 0..4 {
            bench.block.write(offset + lane, Width::BYTE, 0xfe, 0, &mut bench.effects);
            let lanes_written = u32::MAX >> (24 - 8 * lane);
            let expected = reset | 0xfefe_fefe & lanes_written & kept;
            // A PWM channel's output level is seen at bit 8: inverted polarity makes an idle output high.
            let level = if (0x100..0x180).contains(&offset) && offset % 0x20 == 0 { 0x100 } else { 0 };
            assert_eq!(bench.read(offset), expected | level, "register {offset:#x}, lane {lane}");
        }
        bench.write(offset, 0);
    }
}

#[test]
fn accesses_reach_every_register_they_touch() {
    let mut bench = Bench::default();
    bench.write(0x008, 0x4433_2211);
    let mut read = |offset, width| bench.block.read(offset, width, 0, &mut bench.effects);
    assert_eq!(read(0x000, Width::DOUBLE), 0x0001_0000_5057_4d41);
    assert_eq!(read(0x009, Width::BYTE), 0x22);
    assert_eq!(read(0x00a, Width::HALF), 0x4433);
    assert_eq!(read(0x006, Width::WORD), 0x2211_0001);
    assert_eq!(read(0x00a, Width::DOUBLE), 0x4433);
    assert_eq!(bench.block.register_map().name_at(0x006, 4), "SYSTEM.VERSION + SYSTEM.SCRATCH");
    assert_eq!(bench.block.register_map().name_at(0x124, 4), "PWM1.PERIOD");
    assert_eq!(bench.block.register_map().name_at(0x460, 8), "AUDIO.TX_LEFT + AUDIO.TX_RIGHT");
}

#[test]
fn what_is_not_there_is_ignored_and_named() {
    let mut bench = Bench::default();
    assert_eq!(bench.read(0x200), 0);
    assert_eq!(bench.only_fault(), "read at offset 0x200: no register is there, it reads as 0");
    bench.write(0x458, 1);
    assert_eq!(bench.only_fault(), "write to no register (offset 0x458): it takes no writes");
    bench.write(0x000, 1);
    assert_eq!(bench.only_fault(), "write to SYSTEM.IDENTITY (offset 0x0): it takes no writes");
    bench.write(0x16c, 1);
    assert_eq!(bench.only_fault(), "write to PWM3.COUNTER (offset 0x16c): it takes no writes");
}

#[test]
fn interrupt_status_is_forced_cleared_by_ones_and_gated_by_enable() {
    let mut bench = Bench::default();
    bench.write(0x018, 0xffff_ffff);
    assert_eq!(bench.read(0x010), 0x7);
    assert!(!bench.block.interrupt_asserted());
    bench.write(0x014, 0x4);
    assert!(bench.block.interrupt_asserted());
    bench.write(0x010, 0x3);
    assert_eq!(bench.read(0x010), 0x4);
    assert!(bench.block.interrupt_asserted());
    bench.write(0x010, 0x4);
    assert!(!bench.block.interrupt_asserted());
}

#[test]
fn pwm_counts_100_mhz_cycles_from_enable() {
    let mut bench = Bench { now_ns: 1_000, ..Bench::default() };
    bench.write(0x124, 100);
    bench.write(0x128, 25);
    bench.write(0x120, 0x1);
    for (now_ns, counter, level) in
        [(1_000, 0, 1), (1_009, 0, 1), (1_010, 1, 1), (1_249, 24, 1), (1_250, 25, 0), (1_999, 99, 0), (2_000, 0, 1)]
    {
        bench.at(now_ns);
        assert_eq!(bench.read(0x12c), counter, "at {now_ns} ns");
        assert_eq!(bench.read(0x120), 0x1 | level << 8, "at {now_ns} ns");
    }
    bench.write(0x120, 0x3);
    assert_eq!(bench.read(0x120), 0x3, "inverted, active is low");
    bench.write(0x124, 0);
    assert_eq!(bench.read(0x12c), 0, "no period, no counting");
}

#[test]
fn frames_leave_at_the_rate_from_the_moment_of_enable() {
    let mut bench = Bench::default();
    bench.write(0x448, 10_000);
    bench.push_frames(3);
    bench.now_ns = MS;
    bench.write(0x440, 1);
    let mut played = |now_ns| bench.at(now_ns).frames().len();
    assert_eq!(played(MS), 1);
    assert_eq!(played(1_099_999), 1);
    assert_eq!(played(1_100_000), 2);
    assert_eq!(played(1_200_000), 3);
    assert_eq!(bench.frames(), [[0, 0], [1, 1], [2, 2]]);
    let started = StreamFormat { sample_bits: 24, channels: 2, rate_hz: 10_000 };
    assert_eq!(bench.effects.outputs()[0], Output::StreamStarted(started));
    assert_eq!(bench.read(0x454), 3, "frames played");
    assert_eq!(bench.read(0x44c), 0x000e_0000, "running, low, empty, no underrun yet");
}

#[test]
fn a_rate_that_does_not_divide_a_second_stays_exact() {
    let mut bench = Bench::default();
    bench.write(0x448, 44_100);
    bench.push_frames(1_024);
    bench.write(0x440, 1);
    // Frame 1 is due at 22,675.7 ns: not before its time.
    assert_eq!(bench.at(22_675).frames().len(), 1);
    assert_eq!(bench.at(22_676).frames().len(), 2);
    // Frame 441 is due at exactly 10 ms.
    assert_eq!(bench.at(10 * MS - 1).frames().len(), 441);
    assert_eq!(bench.at(10 * MS).frames().len(), 442);
}

#[test]
fn tx_low_comes_when_256_frames_are_left_and_comes_back_while_they_are() {
    let mut bench = Bench::default();
    bench.write(0x014, 0x1);
    bench.write(0x448, 8_000);
    bench.push_frames(1_024);
    assert_eq!(bench.read(0x44c), 0x0001_0400, "1,024 frames: full");
    bench.write(0x440, 1);
    // Frame 767 leaves at 767 * 125 us; then 1,024 - 768 = 256 are left.
    let deadline_ns = 767 * 125_000;
    assert_eq!(bench.block.next_deadline_ns(), Some(deadline_ns));
    bench.at(deadline_ns - 1);
    assert!(!bench.block.interrupt_asserted());
    bench.at(deadline_ns);
    assert!(bench.block.interrupt_asserted());
    assert_eq!(bench.read(0x44c), 0x000c_0100, "running, low, 256 frames");
    bench.write(0x010, 0x1);
    assert!(bench.block.interrupt_asserted(), "still low");
    bench.push_frames(1);
    bench.write(0x010, 0x1);
    assert!(!bench.block.interrupt_asserted());
}

#[test]
fn an_empty_fifo_is_an_underrun_at_the_next_frame_and_the_stream_goes_on() {
    let mut bench = Bench::default();
    bench.write(0x014, 0x4);
    bench.write(0x448, 8_000);
    bench.push_frames(2);
    bench.write(0x440, 1);
    assert_eq!(bench.block.next_deadline_ns(), Some(250_000));
    bench.at(249_999);
    assert!(!bench.block.interrupt_asserted());
    bench.at(250_000);
    assert!(bench.block.interrupt_asserted());
    assert_eq!(bench.read(0x44c), 0x0016_0000, "underrun, low, empty, not running");
    assert_eq!(bench.read(0x450), 1);
    assert_eq!(bench.effects.outputs().last(), Some(&Output::StreamUnderrun));
    bench.effects.clear();
    bench.at(MS).push_frames(1);
    assert_eq!(bench.at(MS).frames(), [[0, 0]]);
    assert_eq!(bench.read(0x454), 3);
    bench.write(0x440, 0);
    bench.write(0x440, 1);
    assert_eq!(bench.read(0x44c) & 1 << 20, 0, "enable clears the flag");
    assert_eq!(bench.read(0x450), 1, "but not the counter");
}

#[test]
fn drain_plays_out_and_stops_without_an_underrun() {
    let mut bench = Bench::default();
    bench.write(0x014, 0x6);
    bench.write(0x448, 8_000);
    bench.push_frames(2);
    bench.write(0x440, 0x3);
    bench.at(249_999);
    assert_eq!(bench.read(0x440), 0x3);
    bench.at(250_000);
    assert_eq!(bench.read(0x440), 0);
    assert_eq!(bench.read(0x010) & 0x6, 0x2, "drained, no underrun");
    assert_eq!(bench.effects.outputs().last(), Some(&Output::StreamStopped));
    // Nothing to play: drained at once.
    bench.write(0x010, 0x7);
    bench.write(0x440, 0x3);
    assert_eq!(bench.read(0x440), 0);
    assert_eq!(bench.read(0x010) & 0x6, 0x2);
}

#[test]
fn samples_are_sign_extended_from_their_width_and_mono_needs_one_write() {
    for (format, written, expected) in [
        (0x108, 0xffff_ff80, -128),
        (0x108, 0x0000_017f, 127),
        (0x110, 0x0000_8000, -32_768),
        (0x118, 0x7f80_0000, -8_388_608),
        (0x118, 0x007f_ffff, 8_388_607),
    ] {
        let mut bench = Bench::default();
        bench.write(0x444, format);
        bench.write(0x460, written);
        bench.write(0x440, 1);
        assert_eq!(bench.at(0).frames(), [[expected, 0]], "format {format:#x}, written {written:#x}");
    }
}

#[test]
fn bad_settings_keep_the_old_value() {
    let mut bench = Bench::default();
    for (offset, value, kept) in [
        (0x444, 0x0000_0214, 0x0000_0218),
        (0x444, 0x0000_0018, 0x0000_0218),
        (0x444, 0x0001_0218, 0x0000_0218),
        (0x444, 0x0000_0258, 0x0000_0218),
        (0x448, 7_999, 48_000),
        (0x448, 192_001, 48_000),
    ] {
        bench.write(offset, value);
        assert!(bench.only_fault().starts_with("AUDIO."));
        assert_eq!(bench.read(offset), kept);
    }
    bench.write(0x448, 192_000);
    bench.write(0x440, 1);
    bench.write(0x448, 8_000);
    assert!(bench.only_fault().contains("while AUDIO.CONTROL.enable is set"));
    assert_eq!(bench.read(0x448), 192_000);
}

#[test]
fn a_full_fifo_drops_and_says_so_until_flushed() {
    let mut bench = Bench::default();
    bench.push_frames(1_024);
    assert_eq!(bench.read(0x44c) & 1 << 21, 0);
    bench.push_frames(1);
    assert_eq!(bench.only_fault(), "frame dropped: the FIFO already has 1024 frames");
    assert_eq!(bench.read(0x44c), 0x0021_0400, "overflow, full");
    bench.write(0x440, 0x4);
    assert_eq!(bench.read(0x440), 0);
    assert_eq!(bench.read(0x44c), 0x0006_0000);
    bench.block.write(0x460, Width::HALF, 1, 0, &mut bench.effects);
    assert_eq!(bench.only_fault(), "AUDIO.TX_LEFT takes a sample whole, with 4 or 8 bytes, not 2");
}
