//! Register files pass, whatever the description: no declarations are needed, and nothing is silently left out.

use register_tests::{Declarations, Report, Test};
use registers::{Description, Leniency, RegisterFile, RegisterMap};

use crate::descriptions::{everything, map, overlapping};

const RP2040: &str = include_str!("../../../registers/tests/assets/RP2040.svd");

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

#[test]
fn peripherals_of_a_vendor() {
    let description = Description::parse(RP2040).expect("XML");
    for (name, registers, checks) in [
        ("PWM", 45, [180, 5_000, 700, 3_000, 8_000]),
        ("UART0", 22, [80, 700, 350, 1_500, 1_900]),
        ("TIMER", 17, [60, 1_700, 250, 1_200, 1_100]),
    ] {
        let report = report(&description.peripheral_map(name, &[]).expect("a good description"));
        assert_tests_much(&report, registers, checks);
    }
}

#[test]
fn every_peripheral_of_a_vendor() {
    let description = Description::parse(RP2040).expect("XML");
    let names = description.peripherals().expect("peripherals");
    let mut registers = 0;
    let mut opt_outs = Vec::new();
    for name in &names {
        let report = report(&description.peripheral_map(name, &[]).expect("a good description"));
        registers += report.counts[&Test::BitBash].registers;
        opt_outs.extend(report.opt_outs.into_iter().map(|opt_out| (name.as_str(), opt_out.test)));
    }
    assert_eq!((names.len(), registers), (37, 1_182));
    // These two have nothing that can be written, the last one no registers at all.
    let expected = [("SYSINFO", Test::BitBash), ("TBMAN", Test::BitBash)];
    assert_eq!(opt_outs[..2], expected);
    assert_eq!(opt_outs[2..], Test::ALL.map(|test| (names[36].as_str(), test)));
}
