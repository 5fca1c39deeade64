//! PWM channels and their group against the datasheet: offsets, values and deadlines are retyped
//! here, not taken from the code.

mod pwm_bench;

use device::Block;

use crate::pwm_bench::Bench;

const UPDATED: u32 = 1 << 10;
const DONE: u32 = 1 << 11;
const PERIOD: u32 = 1 << 12;

/// Offset, the bits that keep what is written to a block at rest, and the bits that a written one reads as beside them.
fn registers() -> Vec<(u64, u32, u32)> {
    let channels = (0..8).flat_map(|channel| {
        // Active low, an output that is not active is high. Ones in CONTROL enable a channel whose period is 0.
        [(0x00, 0x1f, 0x100), (0x04, !0, 0), (0x08, !0, 0), (0x0c, 0, 0), (0x10, !0, 0), (0x14, !0, 0), (0x18, !0, 0)]
            .into_iter()
            .chain([(0x1c, 0, 0)])
            .map(move |(offset, kept, shown)| (0x100 + 0x20 * channel + offset, kept, shown))
    });
    let others = [(0x200, 0xff, 0), (0x204, 0, 0), (0x224, 0, 0), (0x228, 0, 0), (0x22c, 0, 0), (0x24c, !0, 0)];
    channels.chain(others).collect()
}

#[test]
fn registers_are_0_after_reset_and_keep_what_they_have_bits_for() {
    for (offset, kept, shown) in registers() {
        let mut bench = Bench::default();
        assert_eq!(bench.read(offset), 0, "{offset:#x} after power-on");
        bench.write(offset, 0xffff_ffff);
        assert_eq!(bench.read(offset), kept | shown, "{offset:#x}");
        bench.write(0x00c, 1);
        assert_eq!(bench.read(offset), 0, "{offset:#x} after a reset");
        assert_eq!((bench.block.next_deadline_ns(), bench.block.interrupt_vectors()), (None, 0));
    }
}

#[test]
fn a_channel_counts_100_mhz_cycles_from_enable() {
    let mut bench = Bench { now_ns: 1_000, ..Bench::default() };
    bench.set(1, 100, 25);
    bench.write(0x120, 0x1);
    for (now_ns, counter, level) in
        [(1_000, 0, 1), (1_009, 0, 1), (1_010, 1, 1), (1_249, 24, 1), (1_250, 25, 0), (1_999, 99, 0), (2_000, 0, 1)]
    {
        bench.at(now_ns);
        assert_eq!(bench.read(0x12c), counter, "at {now_ns} ns");
        assert_eq!(bench.read(0x120), 0x1 | level << 8, "at {now_ns} ns");
    }
    assert_eq!(bench.read(0x13c), 1, "one period has ended");
    assert_eq!(bench.block.next_deadline_ns(), None, "nothing that the guest sees without looking");
}

#[test]
fn a_jump_of_a_hundred_years_costs_nothing() {
    let mut bench = Bench::default();
    bench.set(0, 3, 1);
    bench.write(0x100, 0x1);
    bench.write(0x220, 0x01);
    // 3,155,760,001,000,000,000 ns: 315,576,000,100,000,000 cycles, of which a third are periods, and one cycle.
    bench.at(3_155_760_001_000_000_000);
    assert_eq!(bench.read(0x10c), 1);
    let periods = 105_192_000_033_333_333_u64;
    assert_eq!(bench.read(0x11c), (periods % (1 << 32)) as u32);
    assert_eq!([0x224, 0x228].map(|offset| bench.read(offset)), [3, 1]);
    // The first rising edge was when the unit was enabled, and did not count.
    assert_eq!(bench.read(0x22c), ((periods - 1) % (1 << 32)) as u32);
}

#[test]
fn edges_come_in_order_of_time_with_phase_polarity_and_dead_time() {
    let mut bench = Bench::recording();
    // A pair with a dead time of 2 cycles, active low in the complement; channel 2 goes past the end of its period.
    bench.set(0, 10, 4);
    bench.write(0x110, 11);
    bench.write(0x114, 2);
    bench.write(0x120, 0x2);
    bench.set(2, 10, 5);
    bench.write(0x150, 8);
    bench.at(1_000);
    bench.write(0x100, 0x9);
    bench.write(0x140, 0x1);
    bench.at(1_119);
    bench.write(0x100, 0x8);
    let expected = [
        (0, 1, true),
        (1_000, 2, true),
        // Cycle 1 is the phase: the pair's first output is active two cycles later, until cycle 5.
        (1_030, 0, true),
        (1_030, 2, false),
        (1_050, 0, false),
        (1_070, 1, false),
        (1_080, 2, true),
        (1_110, 1, true),
    ];
    assert_eq!(bench.edges(), expected);
}

#[test]
fn a_dead_time_longer_than_the_pulse_leaves_the_output_inactive() {
    let mut bench = Bench::recording();
    bench.set(6, 10, 4);
    bench.write(0x1d4, 4);
    bench.write(0x1c0, 0x9);
    bench.at(200);
    // Six cycles of the complement are left, two of them active.
    assert_eq!(bench.edges(), [(80, 7, true), (100, 7, false), (180, 7, true), (200, 7, false)]);
}

#[test]
fn an_update_takes_place_at_the_end_of_the_period_and_not_a_tick_before() {
    let mut bench = Bench::recording();
    bench.set(3, 100, 50);
    bench.write(0x160, 0x1);
    bench.set(3, 20, 5);
    bench.write(0x160, 0x3);
    assert_eq!(bench.at(600).read(0x16c), 60, "what was written is not what counts");
    bench.write(0x200, 0x108);
    assert_eq!(bench.read(0x200), 0x0008_0008);
    bench.assert_due(1_000, UPDATED);
    assert_eq!(bench.read(0x200), 0x08);
    assert_eq!(bench.at(1_210).read(0x16c), 1);
    let expected = [(0, 3, true), (500, 3, false), (1_050, 3, true), (1_200, 3, false)];
    assert_eq!(bench.edges(), expected, "active low from 1,000 ns on");
}

#[test]
fn an_update_is_over_with_its_last_channel() {
    let mut bench = Bench::default();
    for (channel, period) in [(0, 100), (1, 300)] {
        bench.set(channel, period, 10);
        bench.write(0x100 + 0x20 * channel, 0x1);
    }
    // Channel 2 does not run.
    bench.write(0x200, 0x107);
    assert_eq!(bench.read(0x200), 0x0003_0007);
    assert_eq!(bench.block.next_deadline_ns(), Some(1_000));
    assert_eq!(bench.at(1_000).read(0x200), 0x0002_0007);
    bench.assert_due(3_000, UPDATED);
    bench.write(0x010, UPDATED);
    bench.write(0x200, 0x104);
    assert_eq!(bench.read(0x010), UPDATED, "at once where nothing runs");
    bench.write(0x010, UPDATED);
    bench.write(0x200, 0x100);
    assert_eq!(bench.read(0x010), 0, "no channel, no update");
    bench.write(0x200, 0x102);
    bench.write(0x120, 0x0);
    assert_eq!(bench.read(0x010), UPDATED, "a channel that stops takes everything at once");
}

#[test]
fn a_restart_begins_the_periods_of_enabled_channels_in_one_cycle() {
    let mut bench = Bench::recording();
    bench.set(0, 100, 50);
    bench.set(1, 70, 10);
    bench.set(2, 9, 9);
    bench.write(0x100, 0x1);
    bench.at(130).write(0x120, 0x1);
    bench.at(995).write(0x108, 20);
    bench.write(0x200, 0x207);
    assert_eq!([0x10c, 0x12c, 0x14c].map(|offset| bench.read(offset)), [0, 0, 0]);
    assert_eq!(bench.read(0x11c), 0, "a period that is cut off has not ended");
    assert_eq!((bench.read(0x200), bench.read(0x010)), (0x07, 0), "no update was asked for");
    bench.at(1_190);
    let restarted: Vec<_> = bench.edges().into_iter().filter(|edge| edge.0 >= 990).collect();
    assert_eq!(restarted, [(990, 0, true), (990, 1, true), (1_090, 1, false), (1_190, 0, false)]);
    bench.write(0x200, 0x303);
    assert_eq!((bench.read(0x200), bench.read(0x010)), (0x03, UPDATED), "an update that is over at once");
}

#[test]
fn one_shot_stops_after_count_periods() {
    let mut bench = Bench::recording();
    bench.set(4, 30, 10);
    bench.write(0x198, 3);
    bench.write(0x180, 0x5);
    bench.assert_due(900, DONE);
    assert_eq!((bench.read(0x180), bench.read(0x19c)), (0x4, 3), "enable is cleared, three periods");
    assert_eq!(bench.read(0x204), 0x10);
    assert_eq!(bench.at(5_000).edges().len(), 6, "three pulses");
    bench.write(0x010, DONE);
    assert_eq!(bench.read(0x010), DONE, "set again while the channel's bit is");
    bench.write(0x204, 0x10);
    bench.write(0x010, DONE);
    assert_eq!(bench.read(0x010), 0);
    bench.write(0x198, 0);
    bench.write(0x180, 0x5);
    bench.assert_due(5_300, DONE);
    assert_eq!(bench.read(0x19c), 1, "0 is 1");
}

#[test]
fn the_end_of_a_period_is_an_interrupt_once_until_it_is_cleared() {
    let mut bench = Bench::default();
    bench.set(7, 1, 1);
    bench.write(0x1e0, 0x11);
    bench.assert_due(10, PERIOD);
    assert_eq!(bench.read(0x204), 0x8000);
    assert_eq!(bench.block.next_deadline_ns(), None, "however many periods end");
    bench.at(1_000);
    bench.write(0x010, PERIOD);
    assert_eq!(bench.read(0x010), PERIOD, "set again while the channel's bit is");
    bench.write(0x204, 0x8000);
    bench.write(0x010, PERIOD);
    bench.assert_due(1_010, PERIOD);
    bench.write(0x204, 0x8000);
    bench.write(0x1e0, 0x01);
    assert_eq!(bench.block.next_deadline_ns(), None, "period_interrupt is off");
    assert_eq!(bench.at(2_000).read(0x204), 0);
}

#[test]
fn settings_of_a_channel_that_stands_still_count_at_once() {
    let mut bench = Bench::recording();
    bench.write(0x100, 0x1);
    bench.at(500).write(0x108, 2);
    bench.at(700).write(0x104, 5);
    assert_eq!(bench.at(760).edges(), [(700, 0, true), (720, 0, false), (750, 0, true)]);
    bench.write(0x104, 0);
    bench.write(0x200, 0x101);
    bench.assert_due(800, UPDATED);
    assert_eq!([0x10c, 0x11c].map(|offset| bench.at(9_000).read(offset)), [0, 2]);
    assert_eq!(bench.read(0x100), 0x1, "enabled, and not active");
}

#[test]
fn the_odd_channel_of_a_pair_has_its_own_polarity_and_nothing_else() {
    let mut bench = Bench::recording();
    bench.set(2, 10, 4);
    bench.write(0x160, 0x3);
    bench.write(0x140, 0x9);
    bench.at(100);
    let expected = [(0, 3, true), (0, 2, true), (40, 2, false), (40, 3, false), (100, 2, true), (100, 3, true)];
    assert_eq!(bench.edges(), expected);
    bench.effects.clear();
    bench.write(0x140, 0x0);
    assert_eq!(bench.edges(), [(100, 2, false)], "neither is active while the even channel does not run");
}

#[test]
fn extreme_settings_are_answered() {
    let extremes = [0, 1, 2, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff];
    for period in extremes {
        for other in extremes {
            for control in [0x01, 0x05, 0x09, 0x0d, 0x1d] {
                // Not recording: what would be more edges than can be put out.
                let mut bench = Bench::default();
                for (register, value) in [(0x04, period), (0x08, other), (0x10, other), (0x14, other), (0x18, other)] {
                    bench.write(0x100 + register, value);
                }
                bench.write(0x100, control);
                bench.write(0x220, 0x11);
                bench.write(0x200, 0x101);
                let mut steps = 0;
                while let Some(deadline_ns) = bench.block.next_deadline_ns().filter(|_| steps < 20) {
                    assert!(deadline_ns > bench.now_ns);
                    bench.at(deadline_ns);
                    steps += 1;
                }
                assert!(steps <= 5, "deadlines go on for ever: period {period}, others {other}, control {control:#x}");
                for now_ns in [u64::MAX / 2, u64::MAX] {
                    bench.at(now_ns);
                    (0x100..0x250).step_by(4).for_each(|offset| _ = bench.read(offset));
                    bench.write(0x200, 0x301);
                    bench.write(0x100, control & 0x1e);
                    bench.write(0x100, control);
                }
            }
        }
    }
}

#[test]
fn more_than_a_million_edges_in_a_step_are_skipped_and_that_is_said() {
    let mut bench = Bench::recording();
    bench.set(5, 2, 1);
    bench.write(0x1a0, 0x1);
    bench.at(9_999_980);
    assert_eq!(bench.edges().len(), 999_999);
    bench.effects.clear();
    bench.at(30_000_010);
    let fault = bench.only_fault();
    assert!(fault.starts_with("signals were not recorded from 9999990 to 30000010 ns: "), "{fault}");
    bench.at(30_000_030);
    assert_eq!(bench.edges(), [(30_000_020, 5, true), (30_000_030, 5, false)]);
    let mut bench = Bench::recording();
    bench.set(5, 2, 1);
    bench.write(0x1a0, 0x1);
    bench.effects.clear();
    bench.at(30_000_010);
    assert_eq!(bench.edges(), [(30_000_010, 5, false)], "the level is right where recording goes on");
    assert!(bench.only_fault().starts_with("signals were not recorded from 10 to 30000010 ns: "));
}

#[test]
fn a_reset_ends_every_output() {
    let mut bench = Bench::recording();
    bench.set(0, 10, 10);
    bench.write(0x100, 0x1);
    bench.write(0x120, 0x2);
    bench.at(300).write(0x00c, 1);
    assert_eq!(bench.edges(), [(0, 0, true), (0, 1, true), (300, 0, false), (300, 1, false)]);
    assert_eq!(bench.at(9_000).edges().len(), 4);
}
