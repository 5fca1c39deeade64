//! Capture unit and converter against the datasheet: offsets, values and deadlines are retyped here, not taken from the
//! code.

mod pwm_bench;

use device::{Block, Width};
use pwm_audio::Surroundings;

use crate::pwm_bench::Bench;

const CAPTURED: u32 = 1 << 13;

#[test]
fn capture_measures_a_channel_and_tells_of_each_period() {
    let mut bench = Bench::default();
    bench.set(1, 100, 30);
    bench.write(0x120, 0x1);
    bench.at(500).write(0x220, 0x11);
    assert_eq!(bench.read(0x220), 0x11);
    // Rising edges are at 1,000 and 2,000 ns.
    bench.assert_due(2_000, CAPTURED);
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.read(offset)), [100, 30, 1]);
    assert_eq!(bench.read(0x220), 0x111, "the signal is high");
    assert_eq!(bench.block.next_deadline_ns(), None, "not again before the bit is cleared");
    bench.write(0x010, CAPTURED);
    bench.assert_due(3_000, CAPTURED);
    assert_eq!(bench.at(1_003_000).read(0x22c), 1_002);
    bench.write(0x220, 0x10);
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.at(2_000_000).read(offset)), [100, 30, 1_002], "kept");
    bench.write(0x220, 0x11);
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.read(offset)), [0, 0, 0], "forgotten");
}

#[test]
fn capture_measures_the_signal_input_until_its_numbers_end() {
    // Rising edges at 1 us, 4 us and 10,000,004 us; times within a cycle are rounded down.
    let levels = [(1_003, true), (1_500, true), (2_009, false), (4_000, true), (5_000, false)];
    let late = [(10_000_004_000, true), (60_000_000_000, false), (60_000_000_010, true)];
    let signal_input = levels.into_iter().chain(late).collect();
    let mut bench = Bench::with(Surroundings { signal_input, ..Surroundings::default() });
    bench.write(0x220, 0x81);
    bench.assert_due(4_000, CAPTURED);
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.read(offset)), [300, 100, 1]);
    assert_eq!(bench.read(0x220), 0x181);
    bench.write(0x010, CAPTURED);
    bench.assert_due(10_000_004_000, CAPTURED);
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.read(offset)), [1_000_000_000, 100, 2]);
    bench.at(60_000_000_010);
    assert_eq!(
        [0x224, 0x228, 0x22c].map(|offset| bench.read(offset)),
        [0xffff_ffff, 0xffff_ffff, 3],
        "more than 32 bits"
    );
    bench.write(0x010, CAPTURED);
    assert_eq!(bench.block.next_deadline_ns(), None, "the signal stays as it is");
    bench.write(0x220, 0x91);
    assert!(bench.only_fault().starts_with("CAPTURE.CONTROL.source stays as it was"));
    assert_eq!(bench.read(0x220), 0x181);
}

#[test]
fn the_table_is_written_and_read_entry_by_entry() {
    let mut bench = Bench::default();
    bench.write(0x244, 254);
    for duty in [0x1111, 0x2222, 0x3333] {
        bench.write(0x248, duty);
    }
    assert_eq!((bench.read(0x244), bench.read(0x248)), (1, 0), "254, 255, 0, and then 1");
    for (index, duty) in [(254, 0x1111), (255, 0x2222), (0, 0x3333)] {
        bench.write(0x244, index);
        assert_eq!(bench.read(0x248), duty);
    }
    bench.block.write(0x249, Width::BYTE, 0x44, 0, &mut bench.effects);
    assert_eq!(bench.read(0x244), 1);
    bench.write(0x244, 0);
    assert_eq!(bench.read(0x248), 0x4433, "a byte of it");
    bench.block.write(0x244, Width::DOUBLE, 0x5555_0000_0009, 0, &mut bench.effects);
    assert_eq!(bench.read(0x244), 10);
    bench.write(0x244, 9);
    assert_eq!(bench.read(0x248), 0x5555, "index and entry in one access");
    bench.write(0x244, 256);
    assert!(bench.only_fault().starts_with("CONVERTER.TABLE_INDEX stays as it was"));
    bench.write(0x240, 0x3);
    assert!(bench.only_fault().starts_with("CONVERTER.CONTROL.source stays as it was"));
    assert_eq!((bench.read(0x244), bench.read(0x240)), (9, 0));
}

#[test]
fn the_table_gives_the_duty_of_each_period() {
    let mut bench = Bench::recording();
    for (index, duty) in [(0, 0x8000), (0x40, 0x4000), (0x80, 0xffff), (0xc0, 0)] {
        bench.write(0x244, index);
        bench.write(0x248, duty);
    }
    bench.write(0x24c, 0x4000_0000);
    bench.write(0x240, 0x51);
    bench.set(5, 100, 1);
    bench.write(0x1a0, 0x1);
    bench.at(5_499);
    bench.write(0x240, 0x50);
    bench.at(6_100);
    let expected = [
        (0, true),
        (500, false),
        (1_000, true),
        (1_250, false),
        (2_000, true),
        (2_990, false),
        // Nothing in the fourth period, and then from the beginning.
        (4_000, true),
        (4_500, false),
        (5_000, true),
        (5_250, false),
        // Off: DUTY again.
        (6_000, true),
        (6_010, false),
    ];
    assert_eq!(bench.edges(), expected.map(|(time_ns, level)| (time_ns, 5, level)));
}

#[test]
fn a_converter_that_nobody_looks_at_costs_nothing() {
    let mut bench = Bench::default();
    bench.write(0x244, 1);
    bench.write(0x248, 0xffff);
    bench.write(0x24c, 0x0100_0001);
    bench.set(0, 16, 0);
    bench.write(0x240, 0x01);
    bench.write(0x100, 0x1);
    // The phase is what the steps of all the periods add up to, modulo 2^32.
    let periods = 7_000_000_000_u64;
    bench.at(periods * 160);
    let entry_of = |period: u64| (period * 0x0100_0001 % (1 << 32)) >> 24;
    let entry = entry_of(periods);
    assert_eq!(bench.read(0x100), 0x1 | u32::from(entry == 1) << 8);
    // Until a period has entry 1.
    let next = (periods..periods + 256).find(|period| entry_of(*period) == 1).expect("one of 256");
    assert_eq!(bench.at(next * 160 - 1).read(0x100), 0x001);
    assert_eq!(bench.at(next * 160).read(0x100), 0x101);
    assert_eq!(bench.at(next * 160 + 150).read(0x100), 0x001, "15 of 16 cycles");
}

#[test]
fn too_many_periods_of_a_converter_are_not_measured_and_that_is_said() {
    let mut bench = Bench::default();
    (0..256).for_each(|_| bench.write(0x248, 0x8000));
    bench.set(0, 2, 0);
    bench.write(0x240, 0x01);
    bench.write(0x100, 0x1);
    bench.write(0x220, 0x01);
    bench.at(1_000_000);
    let fault = bench.only_fault();
    assert!(fault.starts_with("the capture unit did not measure from 220020 to 1000000 ns: "), "{fault}");
    let counted = bench.read(0x22c);
    bench.at(1_000_100);
    // It begins anew: the first of the five rising edges ends no period.
    assert_eq!([0x224, 0x228, 0x22c].map(|offset| bench.read(offset)), [2, 1, counted + 4]);
}

#[test]
fn a_measurement_of_a_converter_is_an_interrupt() {
    let mut bench = Bench::default();
    (0..256).for_each(|_| bench.write(0x248, 0x8000));
    bench.set(0, 1_000, 0);
    bench.write(0x240, 0x01);
    bench.write(0x100, 0x1);
    bench.write(0x220, 0x01);
    bench.at(10_000);
    bench.assert_due(20_000, CAPTURED);
}

#[test]
fn short_periods_of_a_converter_are_looked_at_now_and_then_until_one_is_measured() {
    let mut bench = Bench::default();
    (0..256).for_each(|_| bench.write(0x248, 0x8000));
    bench.set(0, 100, 0);
    bench.write(0x240, 0x01);
    bench.write(0x220, 0x01);
    // Low in the first period, and who knows what in the next ones.
    bench.write(0x110, 99);
    bench.write(0x244, 0);
    bench.write(0x248, 0);
    bench.write(0x24c, 0x0100_0000);
    bench.write(0x100, 0x1);
    assert_eq!(bench.block.next_deadline_ns(), Some(100_000));
    assert_eq!(bench.at(100_000).read(0x010), CAPTURED);
    bench.write(0x010, CAPTURED);
    // Every period rises at its cycle 99: that is known in the period.
    bench.assert_due(100_990, CAPTURED);
    assert_eq!([0x224, 0x228].map(|offset| bench.read(offset)), [100, 50]);
}
