//! What an access of the register file costs: a 4-byte read has 40 ns at the median, counting it for coverage 15 ns.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use registers::{Coverage, Description, RegisterFile};

const RP2040: &str = include_str!("../tests/assets/RP2040.svd");

fn main() {
    let description = Description::parse(RP2040).unwrap_or_else(|error| panic!("RP2040.svd: {error}"));
    let map = |name| {
        let map = description.peripheral_map(name, &[]).unwrap_or_else(|error| panic!("RP2040.svd: {error}"));
        Arc::new(map)
    };
    let file = |name| RegisterFile::new(map(name));
    let mut criterion = Criterion::default().configure_from_args();
    let mut pwm = file("PWM");
    criterion.bench_function("read 4 bytes", |bench| bench.iter(|| pwm.read(black_box(0x04), black_box(4))));
    criterion.bench_function("read 8 bytes over three registers", |bench| {
        bench.iter(|| pwm.read(black_box(0x02), black_box(8)));
    });
    criterion.bench_function("write 4 bytes", |bench| {
        bench.iter(|| pwm.write(black_box(0x0c), black_box(4), black_box(0x1234)));
    });
    let mut uart = file("UART0");
    criterion.bench_function("read 4 bytes with a read action", |bench| {
        bench.iter(|| uart.read(black_box(0x00), black_box(4)));
    });
    let mut coverage = Coverage::new(map("UART0"));
    criterion.bench_function("coverage of a 4-byte read", |bench| {
        bench.iter(|| coverage.read(black_box(0x00), black_box(4), black_box(0x55)));
    });
    let mut coverage = Coverage::new(map("PWM"));
    criterion.bench_function("coverage of a 4-byte write that has one named value", |bench| {
        bench.iter(|| coverage.written(black_box(0x00), black_box(4), black_box(0x35)));
    });
    criterion.bench_function("coverage of an 8-byte read over three registers", |bench| {
        bench.iter(|| coverage.read(black_box(0x02), black_box(8), black_box(0x1234)));
    });
    criterion.bench_function("build the map of one peripheral", |bench| {
        bench.iter(|| description.peripheral_map(black_box("PWM"), &[]));
    });
}
