//! Register files pass, whatever the description: no declarations are needed, and nothing is silently left out.

use register_tests::{Declarations, Report, Test};
use registers::{Description, Leniency, RegisterFile, RegisterMap};

use crate::descriptions::{everything, map, overlapping};

#[derive(Clone, Copy)]
struct Vendor {
    svd: &'static str,
    allowed: &'static [Leniency],
}

const RP2040: Vendor = Vendor { svd: include_str!("../../../registers/tests/assets/RP2040.svd"), allowed: &[] };
/// Its peripherals have modes: clusters that are alternates of each other, and registers that overlap unsaid.
const ATSAMD21: Vendor = Vendor {
    svd: include_str!("../../../registers/tests/assets/ATSAMD21E18A.svd"),
    allowed: &[Leniency::RegisterOverlap],
};

fn report(map: &RegisterMap) -> Report {
    let mut bus = RegisterFile::new(map.clone().into());
    let report = register_tests::run(map, &Declarations::default(), &mut bus).expect("a register file answers");
    assert_eq!(report.failures, [], "{report}");
    report
}

/// Every test goes through `registers` registers and compares at least as many values as `checks` says for it.
#[track_caller]
fn assert_tests_much(report: &Report, registers: u64, checks: [u64; 5]) {
    for (test, least) in Test::ALL.into_iter().zip(checks) {
        let counts = report.counts[&test];
        assert_eq!(counts.registers, registers, "{test}\n{report}");
        assert!(counts.checks >= least, "{test}\n{report}");
    }
    assert_eq!(report.opt_outs, [], "{report}");
}

#[test]
fn everything_that_the_standard_has() {
    let report = report(&map(&everything()));
    assert_tests_much(&report, 63, [200, 12_000, 1_000, 3_500, 8_000]);
}

#[test]
fn what_was_let_through() {
    let allowed = [Leniency::FieldOverlap, Leniency::RegisterOverlap];
    let svd = overlapping();
    let map = Description::parse(&svd).and_then(|description| description.map(&allowed)).expect("let through");
    assert_tests_much(&report(&map), 3, [12, 250, 45, 150, 40]);
}

/// PWM, UART and timer of each vendor; counts of registers are retyped from the files.
#[test]
fn peripherals_of_two_vendors() {
    for (vendor, name, registers, checks) in [
        (RP2040, "PWM", 45, [180, 5_000, 700, 3_000, 8_000]),
        (RP2040, "UART0", 22, [80, 700, 350, 1_500, 1_900]),
        (RP2040, "TIMER", 17, [60, 1_700, 250, 1_200, 1_100]),
        (ATSAMD21, "TCC0", 62, [240, 10_000, 950, 7_000, 11_000]),
        (ATSAMD21, "SERCOM0", 45, [180, 3_000, 700, 3_000, 4_500]),
        (ATSAMD21, "TC3", 43, [170, 2_700, 690, 2_300, 4_500]),
    ] {
        let description = Description::parse(vendor.svd).expect("XML");
        let report = report(&description.peripheral_map(name, vendor.allowed).expect("a good description"));
        assert_tests_much(&report, registers, checks);
    }
}

/// Peripherals, their registers, and what was left out of whose tests.
fn every_peripheral(vendor: Vendor) -> (usize, u64, Vec<(String, Test)>) {
    let description = Description::parse(vendor.svd).expect("XML");
    let names = description.peripherals().expect("peripherals");
    let mut registers = 0;
    let mut opt_outs = Vec::new();
    for name in &names {
        let report = report(&description.peripheral_map(name, vendor.allowed).expect("a good description"));
        registers += report.counts[&Test::BitBash].registers;
        opt_outs.extend(report.opt_outs.into_iter().map(|opt_out| (name.clone(), opt_out.test)));
    }
    (names.len(), registers, opt_outs)
}

#[test]
fn every_peripheral_of_the_rp2040() {
    let (peripherals, registers, opt_outs) = every_peripheral(RP2040);
    assert_eq!((peripherals, registers), (37, 1_182));
    let left_out = |name: &str, test| (name.to_owned(), test);
    // These two have nothing that can be written, the last one no registers at all.
    let mut expected = vec![left_out("SYSINFO", Test::BitBash), left_out("TBMAN", Test::BitBash)];
    expected.extend(Test::ALL.map(|test| left_out("SPARE_IRQ", test)));
    assert_eq!(opt_outs, expected);
}

#[test]
fn every_peripheral_of_the_atsamd21() {
    assert_eq!(every_peripheral(ATSAMD21), (32, 1_050, Vec::new()));
}
