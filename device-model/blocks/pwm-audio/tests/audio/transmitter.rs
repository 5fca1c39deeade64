//! The transmitter, by registers.

use device::{Block, Output, StreamFormat, Width};

use crate::bench::{Bench, DRAIN, ENABLE, FORMAT, MARK, MS, MUTE, PAUSE, RATE, STATUS, TX, VOLUME};

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
    assert_eq!(bench.block.interrupt_vectors(), 0);
    bench.at(deadline_ns);
    assert!(bench.block.interrupt_vectors() != 0);
    assert_eq!(bench.read(0x44c), 0x000c_0100, "running, low, 256 frames");
    bench.write(0x010, 0x1);
    assert!(bench.block.interrupt_vectors() != 0, "still low");
    bench.push_frames(1);
    bench.write(0x010, 0x1);
    assert_eq!(bench.block.interrupt_vectors(), 0);
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
    assert_eq!(bench.block.interrupt_vectors(), 0);
    bench.at(250_000);
    assert!(bench.block.interrupt_vectors() != 0);
    assert_eq!(bench.read(0x44c), 0x0016_0000, "underrun, low, empty, not running");
    assert_eq!(bench.read(0x450), 1);
    assert_eq!(bench.effects.outputs().last(), Some(&Output::StreamUnderrun));
    bench.clear();
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
        (0x444, 0x0000_0918, 0x0000_0218),
        (0x444, 0x0000_0258, 0x0000_0218),
        (0x448, 7_999, 48_000),
        (0x448, 192_001, 48_000),
    ] {
        bench.write(offset, value);
        assert!(bench.only_fault().starts_with("TX."));
        assert_eq!(bench.read(offset), kept);
    }
    bench.write(0x448, 192_000);
    bench.write(0x440, 1);
    bench.write(0x448, 8_000);
    assert!(bench.only_fault().contains("while TX.CONTROL.enable is set"));
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
    assert_eq!(bench.only_fault(), "TX.SAMPLE0 takes a sample whole, with 4 or 8 bytes, not 2");
}

#[test]
fn the_low_mark_is_where_it_is_set() {
    let mut bench = Bench::default();
    bench.set(TX, &[(RATE, 8_000), (MARK, 10)]);
    bench.push_frames(20);
    bench.write(0x014, 0x1);
    bench.set(TX, &[(0, ENABLE)]);
    // Frame 9 is the tenth: 10 are left.
    assert_eq!(bench.block.next_deadline_ns(), Some(9 * 125_000));
    bench.at(9 * 125_000 - 1);
    assert_eq!((bench.read(TX + STATUS), bench.block.interrupt_vectors()), (0x0008_000b, 0));
    bench.at(9 * 125_000);
    assert_eq!((bench.read(TX + STATUS), bench.block.interrupt_vectors()), (0x000c_000a, 1));
    for (value, kept) in [(1_024, 10), (1_023, 1_023), (0, 0)] {
        bench.clear();
        bench.write(TX + MARK, value);
        assert_eq!((bench.read(TX + MARK), bench.effects.faults().len()), (kept, usize::from(value == 1_024)));
    }
}

#[test]
fn mute_and_volume_change_what_is_heard_and_unity_is_exact() {
    let (lowest, highest) = (-0x80_0000, 0x7f_ffff);
    for (gain, control, expected) in [
        (256, 0, [lowest, highest, -1, 3]),
        (255, 0, [-0x7f_8000, 0x7f_7fff, -1, 2]),
        (128, 0, [-0x40_0000, 0x3f_ffff, -1, 1]),
        (0, 0, [0; 4]),
        (256, MUTE, [0; 4]),
    ] {
        let mut bench = Bench::default();
        bench.set(TX, &[(FORMAT, 0x418), (VOLUME, gain)]);
        for (channel, sample) in (0..).zip([lowest, highest, -1, 3]) {
            bench.write(0x460 + 4 * channel, i32::cast_unsigned(sample));
        }
        bench.set(TX, &[(0, ENABLE | control)]);
        let [first, second, third, fourth] = expected;
        assert_eq!(bench.at(0).played(), [[first, second, third, fourth, 0, 0, 0, 0]], "gain {gain}");
    }
}

#[test]
fn a_pause_is_cut_out() {
    let mut bench = Bench::default();
    bench.set(TX, &[(RATE, 44_100)]);
    bench.push_frames(3);
    bench.set(TX, &[(0, ENABLE)]);
    // Frame 1 is due at 22,675.7 ns, frame 2 at 45,351.5 ns.
    bench.at(30_000);
    bench.set(TX, &[(0, ENABLE | PAUSE)]);
    assert_eq!(bench.block.next_deadline_ns(), None);
    assert_eq!(bench.at(MS).frames().len(), 2);
    assert_eq!(bench.read(TX + STATUS), 0x0004_0001, "not running");
    bench.set(TX, &[(0, ENABLE)]);
    assert_eq!(bench.at(MS + 15_351).frames().len(), 2);
    assert_eq!(bench.at(MS + 15_352).frames().len(), 3);
    assert_eq!(bench.read(TX + STATUS), 0x000e_0000);
}

#[test]
fn a_period_is_told_at_its_last_frame_until_it_is_taken_and_then_again() {
    let mut bench = Bench::default();
    bench.set(TX, &[(RATE, 8_000), (0x50, 100), (MARK, 0)]);
    bench.push_frames(1_000);
    bench.set(TX, &[(0, ENABLE)]);
    for period in 1..=3 {
        let end_ns = (100 * period - 1) * 125_000;
        assert_eq!(bench.block.next_deadline_ns(), Some(end_ns));
        bench.at(end_ns - 1);
        assert_eq!(bench.take_interrupts(), 0);
        bench.at(end_ns);
        // With the bit set nothing is due before frame 999, with which the FIFO runs low.
        assert_eq!(bench.block.next_deadline_ns(), Some(999 * 125_000));
        assert_eq!(bench.take_interrupts(), 0x8);
    }
}

#[test]
fn eight_channels_make_a_frame_and_a_flush_drops_what_is_there() {
    let mut bench = Bench::default();
    bench.set(TX, &[(FORMAT, 0x820)]);
    for channel in 0..8 {
        assert_eq!(bench.read(TX + STATUS) & 0x7ff, 0);
        bench.write(0x460 + 4 * channel, 0x8000_0000 + channel as u32);
    }
    assert_eq!(bench.read(TX + STATUS) & 0x7ff, 1);
    bench.set(TX, &[(0, ENABLE)]);
    let expected = [0, 1, 2, 3, 4, 5, 6, 7].map(|channel| i32::MIN + channel);
    assert_eq!(bench.at(0).played(), [expected]);
    bench.push_frames(1);
    for channel in 0..8 {
        bench.write(0x460 + 4 * channel, 1);
    }
    bench.set(TX, &[(0, ENABLE | 0x4)]);
    assert_eq!(bench.read(TX + STATUS), 0x0006_0000);
    assert_eq!(bench.at(MS).played().len(), 1);
    assert_eq!(bench.read(TX + 0x10), 0, "nothing is due after a flush");
    bench.set(TX, &[(0, ENABLE | DRAIN)]);
    assert_eq!(bench.take_interrupts() & 0x2, 0x2);
}

#[test]
fn what_is_set_for_a_stream_stays_while_it_is_enabled() {
    let mut bench = Bench::default();
    bench.set(TX, &[(0, ENABLE)]);
    for (register, value) in [
        (0x04, 0x110),
        (0x08, 8_000),
        (0x40, 64),
        (0x44, 64),
        (0x50, 64),
        (0x58, 64),
        (0x5c, 64),
        (0x60, 64),
        (0x00, ENABLE | 0x100),
        (0x00, ENABLE | 0x400),
    ] {
        bench.clear();
        let before = bench.read(TX + register);
        bench.write(TX + register, value);
        assert!(bench.only_fault().contains("while TX.CONTROL.enable is set"));
        assert_eq!(bench.read(TX + register), before, "register {register:#x}");
    }
    // The rest of such a write has its effect.
    bench.write(TX, ENABLE | 0x400 | MUTE);
    assert_eq!(bench.read(TX), ENABLE | MUTE);
    for (register, value) in [(0x18, 7), (0x1c, 7), (0x68, 7)] {
        bench.clear();
        bench.write(TX + register, value);
        assert_eq!((bench.read(TX + register), bench.effects.faults()), (value, &[][..]));
    }
}
