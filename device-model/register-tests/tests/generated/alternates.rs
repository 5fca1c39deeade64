//! Registers that share bytes: each is tested while the block has selected it.

use std::convert::Infallible;

use register_tests::{Bus, Declarations, Report, Test};
use registers::{RegisterFile, RegisterHandle};

use crate::defects::assert_found;
use crate::descriptions::{map, two_modes};

/// A register file whose modes are chosen by `select`.
struct Modes {
    file: RegisterFile,
    select: fn(&mut RegisterFile, RegisterHandle) -> bool,
    /// Whether both modes have the same storage.
    is_shared: bool,
}

impl Bus for Modes {
    type Error = Infallible;

    fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, Infallible> {
        Ok(self.file.read(offset, bytes).value)
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), Infallible> {
        let changes = self.file.write(offset, bytes, value).changes;
        if self.is_shared {
            let both = ["BLOCK.MODE0.DATA", "BLOCK.MODE1.DATA"].map(|name| self.file.map().register(name).expect(name));
            changes.iter().for_each(|change| both.iter().for_each(|register| self.file.set(*register, change.new)));
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<bool, Infallible> {
        self.file.reset();
        Ok(true)
    }

    fn get(&mut self, register: RegisterHandle) -> Result<Option<u64>, Infallible> {
        Ok(Some(self.file.get(register)))
    }

    fn select(&mut self, register: RegisterHandle) -> Result<bool, Infallible> {
        Ok((self.select)(&mut self.file, register))
    }
}

fn report(select: fn(&mut RegisterFile, RegisterHandle) -> bool, is_shared: bool) -> Report {
    let map = map(&two_modes());
    let mut bus = Modes { file: RegisterFile::new(map.clone().into()), select, is_shared };
    register_tests::run(&map, &Declarations::default(), &mut bus).expect("a register file answers")
}

fn select(file: &mut RegisterFile, register: RegisterHandle) -> bool {
    file.select(register);
    true
}

#[test]
fn every_mode_is_tested() {
    let report = report(select, false);
    assert!(report.passed(), "{report}");
    assert_eq!(report.opt_outs, []);
    assert!(report.counts.values().all(|counts| counts.registers == 2), "{report}");
}

#[test]
fn a_mode_that_cannot_be_chosen_is_listed() {
    let report = report(|_, _| false, false);
    assert!(report.passed(), "{report}");
    let reason = "an alternate, which this bus cannot make answer";
    let opt_outs: Vec<_> = report.opt_outs.iter().map(|out| (out.test, &*out.place, &*out.reason)).collect();
    assert_eq!(opt_outs, Test::ALL.map(|test| (test, "BLOCK.MODE1.DATA", reason)));
}

#[test]
fn a_mode_that_was_chosen_and_does_not_answer() {
    let expected = "reset-values: BLOCK.MODE1.DATA, bit 0 (read-only): expected 1 after reset, found 0\n    reset\n    \
                    the hardware selects BLOCK.MODE1.DATA\n    read BLOCK.MODE1.DATA -> 0x0 (offset 0x000, 4 bytes)";
    assert_found(&report(|_, _| true, false), expected);
}

#[test]
fn modes_that_share_what_each_should_have() {
    let report = report(select, true);
    let expected = "aliasing: BLOCK.MODE1.DATA, bit 0 (read-only): expected 1 after reset, found 0, while \
                    BLOCK.MODE0.DATA was tested";
    assert_found(&report, expected);
}
