//! Defects seeded one at a time, each found by the test that is named, in the bit that is named.

use std::convert::Infallible;

use register_tests::{Bus, Declarations, Report};
use registers::{RegisterFile, RegisterHandle, RegisterMap};

use crate::descriptions::{map, small};

const PWM_AUDIO: &str = include_str!("../../../blocks/pwm-audio/pwm-audio.svd");

/// A register file whose accesses from the bus go wrong.
struct Defective {
    file: RegisterFile,
    read: fn(&mut RegisterFile, u64, usize) -> u64,
    write: fn(&mut RegisterFile, u64, usize, u64),
}

impl Bus for Defective {
    type Error = Infallible;

    fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, Infallible> {
        Ok((self.read)(&mut self.file, offset, bytes))
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), Infallible> {
        (self.write)(&mut self.file, offset, bytes, value);
        Ok(())
    }

    fn reset(&mut self) -> Result<bool, Infallible> {
        self.file.reset();
        Ok(true)
    }

    fn set(&mut self, register: RegisterHandle, value: u64) -> Result<bool, Infallible> {
        self.file.set(register, value);
        Ok(true)
    }
}

fn read(file: &mut RegisterFile, offset: u64, bytes: usize) -> u64 {
    file.read(offset, bytes).value
}

fn write(file: &mut RegisterFile, offset: u64, bytes: usize, value: u64) {
    file.write(offset, bytes, value);
}

/// What is found in a block that is as `built` while `right` says how it should be.
fn found(right: &RegisterMap, built: &str) -> Report {
    let mut bus = Defective { file: RegisterFile::new(map(built).into()), read, write };
    register_tests::run(right, &Declarations::default(), &mut bus).expect("a register file answers")
}

/// What is found in a block that is built from its description with `from` turned into `to` in its register `name`.
fn found_with(name: &str, from: &str, to: &str) -> Report {
    let svd = small();
    let start = svd.find(&format!("<name>{name}</name>")).expect("the register");
    let (before, rest) = svd.split_at(start);
    assert!(rest.contains(from), "{name} has no {from}");
    found(&map(&svd), &format!("{before}{}", rest.replacen(from, to, 1)))
}

/// What is found in a block whose accesses go wrong.
fn found_over(read: fn(&mut RegisterFile, u64, usize) -> u64, write: fn(&mut RegisterFile, u64, usize, u64)) -> Report {
    let right = map(&small());
    let mut bus = Defective { file: RegisterFile::new(right.clone().into()), read, write };
    register_tests::run(&right, &Declarations::default(), &mut bus).expect("a register file answers")
}

#[track_caller]
pub(crate) fn assert_found(report: &Report, expected: &str) {
    assert!(!report.passed());
    let lines: Vec<_> = report.failures.iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.starts_with(expected)), "expected {expected}\nfound {lines:#?}");
}

#[test]
fn the_block_as_it_should_be_passes() {
    let report = found_over(read, write);
    assert!(report.passed(), "{report}");
}

#[test]
fn write_1_to_clear_turned_into_storage() {
    let built = PWM_AUDIO.replacen("<modifiedWriteValues>oneToClear</modifiedWriteValues>", "", 1);
    let report = found(&map(PWM_AUDIO), &built);
    assert_eq!(
        report.failures[0].to_string(),
        "bit-bash: SYSTEM.INTERRUPT_STATUS.tx_low, bit 0 (write 1 to clear): expected 0 after 1 was written to 1, found 1
    reset
    the hardware sets SYSTEM.INTERRUPT_STATUS to 0x1
    write SYSTEM.INTERRUPT_STATUS <- 0x1 (offset 0x010, 4 bytes)
    read SYSTEM.INTERRUPT_STATUS -> 0x1 (offset 0x010, 4 bytes)"
    );
    let shown = report.to_string();
    assert!(
        shown.contains("\nfailed:\n  bit-bash: SYSTEM.INTERRUPT_STATUS.tx_low, bit 0 (write 1 to clear)"),
        "{shown}"
    );
}

#[test]
fn write_1_to_clear_that_any_write_does() {
    let report = found_with("EVENTS", "oneToClear", "clear");
    assert_found(&report, "bit-bash: BLOCK.EVENTS.DONE, bit 0 (write 1 to clear): expected 1 after 0 was written to 1");
    assert_found(&report, "access-policy: BLOCK.EVENTS.DONE, bit 0 (write 1 to clear): expected 1");
}

#[test]
fn read_only_turned_into_read_write() {
    let report = found_with("ID", "read-only", "read-write");
    assert_found(&report, "access-policy: BLOCK.ID, bit 0 (read-only): expected 0 after 1 was written to 0, found 1");
}

#[test]
fn a_wrong_value_after_reset() {
    let report = found_with("RATE", "8000", "8001");
    assert_found(&report, "reset-values: BLOCK.RATE, bit 0 (read-write): expected 0 after reset, found 1\n    reset\n");
}

#[test]
fn write_once_turned_into_read_write() {
    let report = found_with("LOCK", "read-writeOnce", "read-write");
    assert_found(
        &report,
        "bit-bash: BLOCK.LOCK, bit 0 (read, write once): expected 1 after 0 was written to 1 a second time",
    );
}

#[test]
fn a_read_that_does_not_clear() {
    let report = found_with("ERRORS", "<readAction>clear</readAction>", "");
    assert_found(
        &report,
        "bit-bash: BLOCK.ERRORS, bit 0 (read-only, cleared by reads): expected 0 after a read gave 1",
    );
}

#[test]
fn a_constraint_that_is_not_kept() {
    let report = found_with("RATE", "<maximum>192000<", "<maximum>192001<");
    let expected = "bit-bash: BLOCK.RATE, bit 0 (read-write): expected 0 after 1 was written to 0, which its write constraint \
                    does not allow, found 1";
    assert_found(&report, expected);
}

#[test]
fn reserved_bits_that_take_writes() {
    let report = found_with("EVENTS", "<bitRange>[5:5]", "<bitRange>[6:5]");
    assert_found(
        &report,
        "access-policy: BLOCK.EVENTS, bit 6 (reserved): expected 1 after 1 was written to 1, found 0",
    );
}

#[test]
fn a_register_at_another_ones_offset() {
    let report = found_over(
        |file, offset, bytes| read(file, if offset & !3 == 12 { offset - 4 } else { offset }, bytes),
        |file, offset, bytes, value| write(file, if offset & !3 == 12 { offset - 4 } else { offset }, bytes, value),
    );
    assert_found(
        &report,
        "aliasing: BLOCK.OTHER, bit 4 (read-write): expected 0 after reset, found 1, while BLOCK.DATA was tested",
    );
    assert_found(
        &report,
        "aliasing: BLOCK.DATA, bit 4 (read-write): expected 0 after reset, found 1, while BLOCK.OTHER was tested",
    );
}

#[test]
fn a_write_that_also_clears_another_register() {
    let report = found_over(read, |file, offset, bytes, value| {
        write(file, offset, bytes, value);
        if offset == 8 {
            write(file, 4, 4, 0x20);
        }
    });
    assert_found(&report, "aliasing: BLOCK.EVENTS.LOST, bit 5 (write 1 to clear): expected 1");
}

#[test]
fn bytes_in_each_others_place() {
    let report = found_over(read, |file, offset, bytes, value| {
        let value = if bytes == 2 { u64::from((value as u16).swap_bytes()) } else { value };
        write(file, offset, bytes, value);
    });
    assert_found(
        &report,
        "lanes: BLOCK.EVENTS.LOST, bit 5 (write 1 to clear): expected 1 after 0 was written to 1, found 0",
    );
    assert!(report.failures.iter().all(|failure| failure.test == register_tests::Test::Lanes), "{report}");
}

#[test]
fn narrow_writes_that_are_made_wide_by_reading_first() {
    let report = found_over(read, |file, offset, bytes, value| {
        let start = offset & !3;
        let shift = 8 * (offset - start);
        let mask = (u64::MAX >> (64 - 8 * bytes)) << shift;
        let wide = read(file, start, bytes.max(4)) & !mask | value << shift;
        write(file, start, bytes.max(4), wide);
    });
    assert_found(&report, "lanes: BLOCK.EVENTS.DONE, bit 0 (write 1 to clear): expected 1");
}

#[test]
fn wide_accesses_that_lose_their_upper_half() {
    let report = found_over(read, |file, offset, bytes, value| write(file, offset, bytes.min(4), value));
    assert_found(&report, "lanes: BLOCK.OTHER, bit 0 (read-write): expected");
    let report = found_over(|file, offset, bytes| read(file, offset, bytes.min(4)), write);
    assert_found(&report, "lanes: BLOCK.OTHER, bit 0 (read-write): expected");
}
