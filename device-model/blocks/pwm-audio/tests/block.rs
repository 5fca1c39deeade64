//! The block against its datasheet: offsets, values and deadlines are retyped here, not taken from the code.

use device::{Block, Effects, Width};
use pwm_audio::PwmAudio;

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
    (0x004, 0x0002_0000, 0),
    (0x008, 0, 0xffff_ffff),
    (0x00c, 0, 0),
    (0x010, 0, 0),
    (0x014, 0, 0x0000_3fff),
    (0x018, 0, 0),
    (0x01c, 100_000_000, 0),
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
        for (offset, value) in
            [(0x008, 7), (0x014, 7), (0x018, 7), (0x104, 9), (0x100, 1), (0x448, 8_000), (0x460, 1), (0x464, 2)]
        {
            bench.write(offset, value);
        }
        bench.write(0x440, 1);
        bench.write(0x00c, 1);
        assert_eq!(bench.block.interrupt_vectors(), 0);
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
            assert_eq!(bench.read(offset), expected, "register {offset:#x}, lane {lane}");
        }
        bench.write(offset, 0);
    }
}

#[test]
fn accesses_reach_every_register_they_touch() {
    let mut bench = Bench::default();
    bench.write(0x008, 0x4433_2211);
    let mut read = |offset, width| bench.block.read(offset, width, 0, &mut bench.effects);
    assert_eq!(read(0x000, Width::DOUBLE), 0x0002_0000_5057_4d41);
    assert_eq!(read(0x009, Width::BYTE), 0x22);
    assert_eq!(read(0x00a, Width::HALF), 0x4433);
    assert_eq!(read(0x006, Width::WORD), 0x2211_0002);
    assert_eq!(read(0x00a, Width::DOUBLE), 0x4433);
    assert_eq!(bench.block.register_map().name_at(0x006, 4), "SYSTEM.VERSION + SYSTEM.SCRATCH");
    assert_eq!(bench.block.register_map().name_at(0x124, 4), "PWM1.PERIOD");
    assert_eq!(bench.block.register_map().name_at(0x460, 8), "TX.SAMPLE0 + TX.SAMPLE1");
}

#[test]
fn what_is_not_there_is_ignored_and_named() {
    let mut bench = Bench::default();
    assert_eq!(bench.read(0x208), 0);
    assert_eq!(bench.only_fault(), "read at offset 0x208: no register is there, it reads as 0");
    bench.write(0x4ac, 1);
    assert_eq!(bench.only_fault(), "write to no register (offset 0x4ac): it takes no writes");
    bench.write(0x000, 1);
    assert_eq!(bench.only_fault(), "write to SYSTEM.IDENTITY (offset 0x0): it takes no writes");
    bench.write(0x16c, 1);
    assert_eq!(bench.only_fault(), "write to PWM3.COUNTER (offset 0x16c): it takes no writes");
}

#[test]
fn interrupt_status_is_forced_cleared_by_ones_and_gated_by_enable() {
    let mut bench = Bench::default();
    bench.write(0x018, 0xffff_ffff);
    assert_eq!(bench.read(0x010), 0x3fff, "14 sources");
    assert_eq!(bench.block.interrupt_vectors(), 0);
    for source in 0..14 {
        bench.write(0x014, 1 << source);
        assert_eq!(bench.block.interrupt_vectors(), 1, "source {source}, vector 0");
        bench.write(0x010, 1 << source);
        assert_eq!(bench.block.interrupt_vectors(), 0, "source {source}");
        bench.write(0x014, 0x3fff & !(1 << source));
        assert_eq!(bench.block.interrupt_vectors(), u16::from(source < 13), "the others, after source {source}");
    }
    assert_eq!(bench.read(0x010), 0);
}

#[test]
fn every_source_has_the_vector_that_is_chosen_for_it() {
    let mut bench = Bench::default();
    bench.write(0x014, 0x3fff);
    // Source 0 to 7 vectors 15 to 8, source 8 to 13 vectors 1, 1, 2, 3, 5, 8.
    bench.write(0x020, 0x89ab_cdef);
    bench.write(0x024, 0x0085_3211);
    let chosen = [15, 14, 13, 12, 11, 10, 9, 8, 1, 1, 2, 3, 5, 8];
    for (source, vector) in chosen.into_iter().enumerate() {
        bench.write(0x018, 1 << source);
        assert_eq!(bench.block.interrupt_vectors(), 1 << vector, "source {source}");
        bench.write(0x010, 1 << source);
    }
    bench.write(0x018, 0x3fff);
    assert_eq!(bench.block.interrupt_vectors(), 0xff2e, "8 to 15, 5, 3, 2, 1");
}
