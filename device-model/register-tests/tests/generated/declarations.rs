//! Declarations are taken at their word, or refused with what was expected.

use std::io;

use register_tests::{Bus, Declarations, Report, Stopped, Test};
use registers::RegisterFile;

use crate::descriptions::{map, small};

#[track_caller]
fn assert_refused(declarations: &str, expected: &str) {
    let error = Declarations::parse(declarations, &map(&small())).expect_err("refused").to_string();
    assert!(error.contains(expected), "expected {expected}\nfound {error}");
}

#[test]
fn what_is_unknown_or_matches_nothing_is_refused() {
    assert_refused("resett = 1", "unknown field `resett`, expected one of `reset`, `hardware-owned`, `set-by`, `skip`");
    assert_refused(
        "reset = { register = 'BLOCK.RESET', value = 1 }",
        "reset: \"BLOCK.RESET\" matches no register of the map",
    );
    assert_refused("reset = { register = 'BLOCK.DATA', value = 0 }", "0x0 has to have ones");
    assert_refused("reset = { register = 'BLOCK.ID', value = 1 }", "only in bits that can be written");
    let owned = "[[hardware-owned]]\nname = 'BLOCK.E*.DONE'\n";
    assert_refused(owned, "missing field `reason`");
    assert_refused(&format!("{owned}reason = ' '"), "hardware-owned \"BLOCK.E*.DONE\": its reason is empty");
    assert_refused(&format!("{owned}reason = 'r'\nby = ['BLOCK.X*']"), "\"BLOCK.X*\" matches no register of the map");
    assert_refused(
        "[[hardware-owned]]\nname = 'DONE'\nreason = 'r'",
        "\"DONE\" matches no register or field of the map",
    );
    assert_refused(
        "[[set-by]]\nregister = 'BLOCK.EVENTS'\nby = 'BLOCK.*'",
        "one register sets the bits, this matches several",
    );
    let skip = |tests: &str| format!("[[skip]]\nregister = 'BLOCK.*'\nreason = 'r'\ntests = {tests}");
    assert_refused(
        &skip("['bash']"),
        "unknown variant `bash`, expected one of `reset-values`, `bit-bash`, `access-policy`",
    );
    assert_refused(&skip("[]"), "skip \"BLOCK.*\": it lists no test");
}

/// A register file with nothing but accesses, whose write to OTHER also ends up in DATA, and that writing 1 to DATA resets.
struct Accesses {
    file: RegisterFile,
    /// How many more accesses take place.
    left: u32,
    read_ids: u32,
}

impl Bus for Accesses {
    type Error = io::Error;

    fn read(&mut self, offset: u64, bytes: usize) -> io::Result<u64> {
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("the line is dead"))?;
        self.read_ids += u32::from(offset == 0);
        Ok(self.file.read(offset, bytes).value)
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("the line is dead"))?;
        self.file.write(offset, bytes, value);
        if offset <= 12 && offset + bytes as u64 > 12 {
            let written = value >> (8 * (12 - offset));
            self.file.write(8, 4, written & !1);
        }
        if offset <= 8 && offset + bytes as u64 > 8 && value >> (8 * (8 - offset)) & 1 == 1 {
            self.file.reset();
        }
        Ok(())
    }
}

const RESET: &str = "reset = { register = 'BLOCK.DATA', value = 1 }\n";
const OWNED: &str = "[[hardware-owned]]\nname = 'BLOCK.DATA'\nby = ['BLOCK.OT*']\nreason = 'it follows OTHER'\n";

fn accesses() -> Accesses {
    Accesses { file: RegisterFile::new(map(&small()).into()), left: u32::MAX, read_ids: 0 }
}

fn run(bus: &mut Accesses, declarations: &str) -> Result<Report, Stopped<io::Error>> {
    let map = map(&small());
    register_tests::run(&map, &Declarations::parse(declarations, &map).expect("good declarations"), bus)
}

#[test]
fn a_block_that_nothing_resets_is_not_tested() {
    let error = run(&mut accesses(), "").expect_err("no reset").to_string();
    assert!(error.starts_with("this bus cannot reset the block; declare how a write does: reset = {"), "{error}");
}

#[test]
fn a_dead_bus_ends_the_tests_with_the_access() {
    let error = run(&mut Accesses { left: 3, ..accesses() }, RESET).expect_err("a dead line").to_string();
    assert_eq!(error, "read BLOCK.EVENTS (offset 0x004, 4 bytes): the line is dead");
}

#[test]
fn what_the_hardware_changes_has_to_be_declared() {
    let report = run(&mut accesses(), RESET).expect("a report");
    let expected =
        "aliasing: BLOCK.DATA, bit 4 (read-write): expected 0 after reset, found 1, while BLOCK.OTHER was tested";
    assert!(report.to_string().contains(expected), "{report}");
    let report = run(&mut accesses(), &format!("{RESET}{OWNED}")).expect("a report");
    assert_eq!(report.failures, [], "{report}");
    assert!(report.to_string().contains("  BLOCK.DATA: it follows OTHER\n"), "{report}");
}

#[test]
fn what_is_not_tested_is_listed() {
    let skip = "[[skip]]\nregister = 'BLOCK.I*'\ntests = ['reset-values', 'aliasing']\nreason = 'it is a secret'\n";
    let mut bus = accesses();
    let report = run(&mut bus, &format!("{RESET}{OWNED}{skip}")).expect("a report");
    assert!(report.passed(), "{report}");
    let registers: Vec<_> = report.counts.values().map(|counts| counts.registers).collect();
    assert_eq!(registers, [6, 7, 7, 7, 6]);
    assert!(report.to_string().contains("  aliasing: it is a secret:\n    BLOCK.ID\n"), "{report}");
    // Nobody can set what writes and reads clear.
    let untestable = report.opt_outs.iter().filter(|opt_out| opt_out.test == Test::BitBash);
    let untestable: Vec<_> = untestable.map(|opt_out| (opt_out.place.as_str(), opt_out.reason.as_str())).collect();
    let reason = |semantics| format!("nothing brings it to 1, the value that its {semantics} shows on");
    let (clear, cleared) = (reason("write 1 to clear"), reason("read-only, cleared by reads"));
    let expected = [("BLOCK.EVENTS.DONE", &*clear), ("BLOCK.EVENTS.LOST", &*clear), ("BLOCK.ERRORS", &*cleared)];
    assert_eq!(untestable, expected);

    let everywhere =
        skip.replace("'reset-values', 'aliasing'", "'reset-values','bit-bash','access-policy','lanes','aliasing'");
    let mut bus = accesses();
    run(&mut bus, &format!("{RESET}{OWNED}{everywhere}")).expect("a report");
    assert_eq!(bus.read_ids, 0, "it is not read either");
}
