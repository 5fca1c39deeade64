//! The receiver by registers, and what it hears.

use device::{Block, Output, Width};

use crate::bench::{
    Bench, CONTROL, DRAIN, ENABLE, END, FAILURES, FLUSH, FORMAT, FRAMES, LOOPBACK, MARK, MS, MUTE, PAUSE, PERIOD, RATE,
    RX, SAMPLE, STATUS, TX, VOLUME,
};

fn receiving(control: u32) -> Bench {
    let mut bench = Bench::default();
    bench.set(RX, &[(FORMAT, 0x110), (RATE, 8_000), (CONTROL, ENABLE | control)]);
    bench
}

#[test]
fn frames_come_at_the_rate_from_the_moment_of_enable() {
    let mut bench = Bench::default();
    bench.at(MS);
    bench.set(RX, &[(RATE, 44_100), (CONTROL, ENABLE)]);
    for (now_ns, frames) in [(MS, 1), (MS + 22_675, 1), (MS + 22_676, 2), (11 * MS - 1, 441), (11 * MS, 442)] {
        bench.at(now_ns);
        assert_eq!((bench.read(RX + FRAMES), bench.read(RX + STATUS)), (frames, 0x0008_0000 | frames));
    }
    for number in 0..442 {
        // Frame n of the input has 8 n and 8 n + 1.
        let frame = bench.block.read(RX + SAMPLE, Width::DOUBLE, bench.now_ns, &mut bench.effects);
        assert_eq!(frame, ((8 * number + 1) << 32) | (8 * number));
    }
    assert_eq!(bench.read(RX + STATUS), 0x000a_0000);
    assert_eq!(bench.effects.faults(), [""; 0]);
}

#[test]
fn high_comes_with_768_frames_and_comes_back_while_they_are_there() {
    let mut bench = receiving(0);
    bench.write(0x014, 0x20);
    assert_eq!(bench.block.next_deadline_ns(), Some(767 * 125_000));
    bench.at(767 * 125_000 - 1);
    assert_eq!(bench.block.interrupt_vectors(), 0);
    bench.at(767 * 125_000);
    assert_eq!((bench.block.interrupt_vectors(), bench.read(RX + STATUS)), (1, 0x000c_0300));
    assert_eq!(bench.take_interrupts(), 0x20);
    assert_eq!(bench.block.interrupt_vectors(), 1, "still high");
    bench.read(RX + SAMPLE);
    assert_eq!((bench.take_interrupts(), bench.block.interrupt_vectors()), (0x20, 0));
    for (value, kept) in [(0, 768), (1_025, 768), (1_024, 1_024), (1, 1)] {
        bench.write(RX + MARK, value);
        assert_eq!(bench.read(RX + MARK), kept);
    }
}

#[test]
fn a_full_fifo_loses_frames_and_counts_each() {
    let mut bench = receiving(0);
    bench.write(RX + MARK, 1_024);
    bench.at(1_023 * 125_000);
    assert_eq!((bench.read(RX + STATUS), bench.take_interrupts()), (0x000d_0400, 0x20));
    assert_eq!(bench.block.next_deadline_ns(), Some(1_024 * 125_000));
    bench.at(1_024 * 125_000 - 1);
    assert_eq!(bench.read(RX + FAILURES), 0);
    bench.at(1_026 * 125_000);
    assert_eq!((bench.read(RX + STATUS), bench.read(RX + FAILURES)), (0x001d_0400, 3));
    assert_eq!(bench.take_interrupts(), 0x60);
    assert_eq!(bench.effects.outputs(), [Output::ReceiveOverrun]);
    bench.read(RX + SAMPLE);
    bench.at(1_028 * 125_000);
    assert_eq!((bench.read(RX + FAILURES), bench.read(RX + FRAMES), bench.effects.outputs().len()), (4, 1_025, 2));
    bench.write(RX, 0);
    bench.write(RX, ENABLE);
    assert_eq!(bench.read(RX + STATUS) & 1 << 20, 0, "enable clears the flag");
    assert_eq!(bench.read(RX + FAILURES), 4, "but not the counter");
}

#[test]
fn samples_are_read_whole_and_what_is_not_there_is_0() {
    let mut bench = receiving(0);
    bench.at(125_000);
    bench.write(RX, 0);
    let mut half = |offset| bench.block.read(offset, Width::HALF, 125_000, &mut bench.effects);
    assert_eq!((half(RX + SAMPLE), half(RX + SAMPLE + 4)), (0, 0));
    assert_eq!(bench.effects.faults().len(), 2);
    bench.clear();
    assert_eq!(bench.read(RX + STATUS), 2, "the FIFO keeps its frames");
    assert_eq!((bench.read(RX + SAMPLE + 4), bench.read(RX + SAMPLE), bench.read(RX + SAMPLE)), (0, 0, 8));
    assert_eq!(bench.effects.faults(), [""; 0]);
    assert_eq!(bench.read(RX + SAMPLE), 0);
    assert_eq!(bench.only_fault(), "RX.SAMPLE0 gives 0: the FIFO is empty");
    assert_eq!(bench.read(RX + STATUS), 0x0022_0000);
    bench.write(RX, FLUSH);
    assert_eq!(bench.read(RX + STATUS), 0x0002_0000);
}

#[test]
fn signs_are_extended_and_volume_and_mute_apply() {
    for (bits, gain, control, expected) in [
        (8, 256, 0, [0xffff_ff80, 0xffff_ff88]),
        (8, 128, 0, [0xffff_ffc0, 0xffff_ffc4]),
        (8, 128, MUTE, [0, 0]),
        (16, 256, 0, [0x80, 0x88]),
    ] {
        let mut bench = Bench::default();
        bench.set(RX, &[(FORMAT, 0x100 | bits), (RATE, 8_000), (VOLUME, gain), (CONTROL, ENABLE | control)]);
        // Frames 16 and 17 of the input: 128 and 136.
        bench.at(15 * 125_000);
        bench.write(RX, ENABLE | control | FLUSH);
        bench.at(17 * 125_000);
        assert_eq!([bench.read(RX + SAMPLE), bench.read(RX + SAMPLE)], expected, "{bits} bits, gain {gain}");
    }
}

#[test]
fn a_pause_is_cut_out_and_an_end_stops() {
    let mut bench = receiving(0);
    bench.write(RX, 0);
    bench.set(RX, &[(END, 3), (CONTROL, ENABLE | FLUSH)]);
    bench.at(200_000);
    bench.write(RX, ENABLE | PAUSE);
    assert_eq!(bench.block.next_deadline_ns(), None);
    bench.at(MS);
    assert_eq!(bench.read(RX + STATUS), 0x0000_0002, "not running");
    bench.write(RX, ENABLE);
    // 50 us were left of a frame.
    assert_eq!(bench.block.next_deadline_ns(), Some(MS + 50_000));
    bench.at(MS + 49_999);
    assert_eq!((bench.read(RX), bench.take_interrupts()), (ENABLE, 0));
    bench.at(MS + 50_000);
    assert_eq!((bench.read(RX), bench.take_interrupts()), (0, 0x100));
    assert_eq!((bench.read(RX + STATUS), bench.read(RX + FRAMES)), (3, 3));
}

#[test]
fn a_period_of_received_frames() {
    let mut bench = receiving(0);
    bench.write(RX, 0);
    bench.set(RX, &[(PERIOD, 100), (CONTROL, ENABLE | FLUSH)]);
    for period in 1..=3 {
        let end_ns = (100 * period - 1) * 125_000;
        assert_eq!(bench.block.next_deadline_ns(), Some(end_ns));
        bench.at(end_ns - 1);
        assert_eq!(bench.take_interrupts(), 0);
        bench.at(end_ns);
        assert_eq!(bench.take_interrupts(), 0x80);
    }
}

#[test]
fn loopback_receives_what_is_played_when_it_is_played() {
    let mut bench = Bench::default();
    bench.set(RX, &[(RATE, 192_000), (CONTROL, ENABLE | LOOPBACK)]);
    bench.set(TX, &[(RATE, 8_000), (VOLUME, 128)]);
    bench.at(MS);
    assert_eq!((bench.read(RX + FRAMES), bench.block.next_deadline_ns()), (0, None), "nothing is played");
    bench.push_frames(100);
    bench.write(RX + MARK, 50);
    bench.set(TX, &[(CONTROL, ENABLE)]);
    assert_eq!(bench.block.next_deadline_ns(), Some(MS + 49 * 125_000));
    bench.until(MS + 99 * 125_000);
    assert_eq!((bench.read(RX + FRAMES), bench.read(TX + FRAMES)), (100, 100));
    for number in 0..100 {
        let frame = bench.block.read(RX + SAMPLE, Width::DOUBLE, bench.now_ns, &mut bench.effects);
        assert_eq!(frame, ((number / 2) << 32) | (number / 2), "half as loud");
    }
    bench.until(MS + 100 * 125_000);
    assert_eq!((bench.read(TX + FAILURES), bench.read(RX + FRAMES)), (1, 100), "an underrun is nothing to receive");
    bench.push_frames(2);
    bench.write(RX, ENABLE | LOOPBACK | PAUSE);
    bench.write(TX, ENABLE | DRAIN);
    bench.until(20 * MS);
    assert_eq!((bench.read(TX + FRAMES), bench.read(RX + FRAMES)), (102, 100));
    // Back to the input: its first frame comes at once, since it is enabled.
    bench.write(RX, ENABLE);
    bench.at(20 * MS);
    assert_eq!(bench.read(RX + FRAMES), 101);
}

#[test]
fn loopback_takes_the_highest_bits_of_other_formats() {
    for (tx, rx, sample, expected) in [
        (0x118, 0x110, 0x7f_1234, 0x7f12),
        (0x110, 0x118, 0x8001, 0xff80_0100),
        (0x120, 0x108, 0x8011_1111, 0xffff_ff80),
        (0x118, 0x218, 0x12_3456, 0x12_3456),
    ] {
        let mut bench = Bench::default();
        bench.set(RX, &[(FORMAT, rx), (CONTROL, ENABLE | LOOPBACK)]);
        bench.set(TX, &[(FORMAT, tx), (SAMPLE, sample), (CONTROL, ENABLE)]);
        bench.at(0);
        assert_eq!((bench.read(RX + SAMPLE), bench.read(RX + SAMPLE + 4)), (expected, 0));
    }
}

#[test]
fn what_is_lost_in_one_long_step_is_what_is_lost_in_many() {
    let after = |steps: u64| {
        let mut bench = Bench::default();
        bench.set(RX, &[(RATE, 44_100), (CONTROL, ENABLE)]);
        for step in 1..=steps {
            bench.at(1_000 * MS * step / steps);
        }
        let lost = bench.read(RX + FAILURES);
        for _ in 0..1_024 {
            bench.block.read(RX + SAMPLE, Width::DOUBLE, bench.now_ns, &mut bench.effects);
        }
        // The next frame is heard when it is due, and is the one that the input has then.
        bench.at(1_000 * MS + 22_675);
        assert_eq!(bench.read(RX + STATUS) & 0x7ff, 0);
        bench.at(1_000 * MS + 22_676);
        (lost, bench.block.read(RX + SAMPLE, Width::DOUBLE, bench.now_ns, &mut bench.effects))
    };
    // Frames 0 to 44,100, of which the FIFO holds 1,024.
    assert_eq!(after(1), (43_077, ((8 * 44_101 + 1) << 32) | (8 * 44_101)));
    assert_eq!(after(3_000), after(1));
}

#[test]
fn centuries_without_a_look_are_one_step() {
    let mut bench = receiving(0);
    bench.at(u64::MAX);
    assert_eq!((bench.read(RX + FAILURES), bench.read(RX + FRAMES)), (u32::MAX, 1_024));
}
