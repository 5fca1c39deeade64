//! Each kind of fault once, over the real socket. Offsets and values are retyped from the datasheet.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Command;

use device::{ClockMode, FaultOutcome, FaultPlan, FaultRule};
use device_model::{BlockKind, DeviceOptions};
use tempfile::TempDir;

use crate::bench::{BAR0, Bench, CONFIG, FaultBench, MSI, interrupts};

const IDENTITY: u64 = 0x000;
const SCRATCH: u64 = 0x008;
const INTERRUPT_STATUS: u64 = 0x010;
const INTERRUPT_ENABLE: u64 = 0x014;
const INTERRUPT_FORCE: u64 = 0x018;

impl Bench {
    fn scratch(&mut self) -> u32 {
        self.read(BAR0, SCRATCH)
    }

    fn now_ns(&self) -> u64 {
        self.server.with_device(|device| device.now_ns())
    }

    /// Raises an interrupt and gives how many have come when the write has been answered.
    fn interrupt(&mut self, msi: &OwnedFd) -> u64 {
        self.write(INTERRUPT_STATUS, 0x1);
        self.write(INTERRUPT_FORCE, 0x1);
        interrupts(msi)
    }
}

fn manual(rules: impl IntoIterator<Item = FaultRule>) -> FaultBench {
    FaultBench::start(ClockMode::Manual, rules.into_iter().fold(FaultPlan::default(), FaultPlan::rule))
}

fn scratch_read(outcome: FaultOutcome) -> FaultRule {
    FaultRule::read("SYSTEM.SCRATCH", outcome)
}

fn scratch_write(outcome: FaultOutcome) -> FaultRule {
    FaultRule::write("SYSTEM.SCRATCH", outcome)
}

#[test]
fn reads_are_dropped_and_altered() {
    let mut bench = manual([
        scratch_read(FaultOutcome::Drop).nth(1),
        scratch_read(FaultOutcome::Xor(0xff)).nth(2),
        scratch_read(FaultOutcome::AndOr { and: 0xffff, or: 0x1_0000 }).nth(3),
        scratch_read(FaultOutcome::Value(7)).nth(4),
    ]);
    bench.write(SCRATCH, 0xcafe_f00d);
    let reads: Vec<u32> = (0..5).map(|_| bench.scratch()).collect();
    assert_eq!(reads, [0xffff_ffff, 0xcafe_f0f2, 0x0001_f00d, 7, 0xcafe_f00d]);
    let counters = bench.server.with_device(|device| device.timeline().counters());
    assert_eq!((counters.injected, counters.register_reads), (4, 4), "the block has not seen the one that was dropped");
}

#[test]
fn writes_are_dropped_and_altered() {
    let mut bench = manual([
        scratch_write(FaultOutcome::Drop).nth(2),
        scratch_write(FaultOutcome::Xor(0x8000_0001)).nth(3),
        scratch_write(FaultOutcome::Value(0x1_2345_6789)).nth(4),
    ]);
    bench.write(SCRATCH, 1);
    bench.write(SCRATCH, 2);
    assert_eq!(bench.scratch(), 1);
    bench.write(SCRATCH, 2);
    assert_eq!(bench.scratch(), 0x8000_0003);
    bench.write(SCRATCH, 2);
    assert_eq!(bench.scratch(), 0x2345_6789, "as wide as the access");
    bench.write(SCRATCH, 2);
    assert_eq!(bench.scratch(), 2);
}

#[test]
fn a_write_takes_effect_later_and_not_a_tick_sooner() {
    let mut bench = manual([scratch_write(FaultOutcome::DelayNs(1_000)).nth(1)]);
    bench.write(SCRATCH, 5);
    bench.server.advance_to(999);
    assert_eq!(bench.scratch(), 0);
    bench.server.advance_to(1_000);
    assert_eq!(bench.scratch(), 5);
}

#[test]
fn a_read_takes_longer_and_gives_what_is_there_then() {
    let mut bench = manual([
        scratch_write(FaultOutcome::DelayNs(700)).nth(1),
        scratch_read(FaultOutcome::DelayNs(699)).nth(1),
        scratch_read(FaultOutcome::DelayNs(1)).nth(2),
    ]);
    bench.write(SCRATCH, 5);
    assert_eq!((bench.scratch(), bench.now_ns()), (0, 699));
    assert_eq!((bench.scratch(), bench.now_ns()), (5, 700));
}

#[test]
fn interrupts_are_lost_doubled_and_late() {
    let msi = |outcome| FaultRule::interrupt("MSI", outcome);
    let mut bench = manual([
        msi(FaultOutcome::Drop).nth(1),
        msi(FaultOutcome::Double).nth(2),
        msi(FaultOutcome::DelayNs(500)).nth(3),
    ]);
    let msi = bench.connect(MSI);
    bench.write(INTERRUPT_ENABLE, 0x1);
    assert_eq!([bench.interrupt(&msi), bench.interrupt(&msi), bench.interrupt(&msi)], [0, 2, 0]);
    bench.server.advance_to(499);
    assert_eq!(interrupts(&msi), 0);
    bench.server.advance_to(500);
    assert_eq!(interrupts(&msi), 1);
    assert_eq!(bench.interrupt(&msi), 1, "as ever");
    assert_eq!(bench.server.with_device(|device| device.timeline().counters().interrupts), 4);
}

#[test]
fn in_warp_time_a_late_interrupt_is_waited_for_as_a_quiet_guest_is() {
    let plan = FaultPlan::default().rule(FaultRule::interrupt("*", FaultOutcome::DelayNs(3_000_000_000)));
    let mut bench = FaultBench::start(ClockMode::Warp, plan);
    let msi = bench.connect(MSI);
    bench.write(INTERRUPT_ENABLE, 0x1);
    bench.write(INTERRUPT_FORCE, 0x1);
    let mut ready = [rustix::event::PollFd::new(&msi, rustix::event::PollFlags::IN)];
    let limit = rustix::time::Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut ready, Some(&limit)), Ok(1), "no interrupt came");
    assert_eq!(bench.now_ns(), 3_000_002_000, "two accesses, and the delay");
}

#[test]
fn device_time_stands_still() {
    let mut bench = manual([FaultRule::at_ns(100, FaultOutcome::Freeze { wall_ns: None })]);
    bench.server.advance_to(99);
    bench.server.advance_to(5_000);
    assert_eq!(bench.now_ns(), 100);
    bench.write(SCRATCH, 7);
    assert_eq!((bench.scratch(), bench.now_ns()), (7, 100));
}

#[test]
fn a_device_that_is_pulled_out_is_there_again_when_the_plan_says_so() {
    let mut bench = manual([scratch_read(FaultOutcome::Remove).nth(2), FaultRule::at_ns(1_000, FaultOutcome::Restore)]);
    let msi = bench.connect(MSI);
    bench.write(INTERRUPT_ENABLE, 0x1);
    bench.write(SCRATCH, 5);
    assert_eq!((bench.scratch(), bench.scratch()), (5, 0xffff_ffff));
    assert_eq!((bench.read(BAR0, IDENTITY), bench.read(CONFIG, 0)), (0xffff_ffff, 0xffff_ffff));
    bench.write(SCRATCH, 6);
    assert_eq!(bench.interrupt(&msi), 0);
    bench.client.reset().expect("reset");
    bench.server.advance_to(999);
    assert_eq!(bench.read(BAR0, IDENTITY), 0xffff_ffff, "a reset does not bring it back");
    bench.server.advance_to(1_000);
    assert_eq!((bench.read(BAR0, IDENTITY), bench.read(CONFIG, 0)), (0x5057_4d41, 0x0ad0_1b36));
    assert_eq!((bench.scratch(), bench.read(BAR0, INTERRUPT_ENABLE)), (0, 0), "in its cold state");
    bench.write(INTERRUPT_ENABLE, 0x1);
    assert_eq!(bench.interrupt(&msi), 1);
}

#[test]
fn the_timeline_says_which_rule_did_what() {
    let mut bench = manual([
        scratch_write(FaultOutcome::Xor(0x10)).named("a bit flips"),
        scratch_read(FaultOutcome::Drop).nth(1),
        FaultRule::at_ns(5, FaultOutcome::Remove),
    ]);
    bench.write(SCRATCH, 1);
    bench.scratch();
    bench.server.advance_to(5);
    bench.scratch();
    let tail = bench.server.with_device(|device| device.timeline_tail(100));
    let said: Vec<&str> = tail.iter().filter_map(|line| line.split_once(" ms  ")).map(|(_, what)| what).collect();
    assert_eq!(
        said,
        [
            "injected by rule 1 \"a bit flips\": the write to SYSTEM.SCRATCH has 0x00000011 instead of 0x00000001",
            "write SYSTEM.SCRATCH <- 0x00000011: SYSTEM.SCRATCH 0 -> 0x11 (offset 0x008, 4 bytes)",
            "injected by rule 2: the read of SYSTEM.SCRATCH is not answered",
            "injected by rule 3: the device is pulled out",
            "ignored: read of SYSTEM.SCRATCH: the device has been pulled out",
        ]
    );
    let counts = bench.server.with_device(|device| device.fault_counts());
    assert_eq!(counts.iter().map(|(_, fired)| *fired).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn the_same_seed_loses_the_same_accesses() {
    let lost = |seed| {
        let rule = scratch_read(FaultOutcome::Drop).probability(0.3);
        let mut bench = FaultBench::start(ClockMode::Warp, FaultPlan::default().seed(seed).rule(rule));
        (0..64).map(|_| bench.scratch() == 0xffff_ffff).collect::<Vec<bool>>()
    };
    let (one, again, other) = (lost(1), lost(1), lost(2));
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.contains(&true) && one.contains(&false));
}

/// A driver's first steps, and what it does when the device does not answer as it should: give up, or go on.
fn probe(bench: &mut Bench) {
    if bench.read(BAR0, IDENTITY) != 0x5057_4d41 || bench.read(BAR0, 0x004) != 0x0002_0000 {
        return;
    }
    bench.write(0x00c, 0x1);
    bench.write(0x448, 8_000);
    if bench.read(BAR0, 0x448) != 8_000 {
        return;
    }
    bench.write(INTERRUPT_ENABLE, 0x7);
    bench.write(0x440, 0x1);
    bench.client.region_write(BAR0, 0x460, &[0; 8]).expect("frame");
    bench.write(0x440, 0x0);
}

/// Loses the first, the second, the third access, until there is none.
#[test]
fn whichever_access_of_a_probe_is_lost_the_next_probe_finds_the_device() {
    let mut lost = 0;
    loop {
        let mut bench = manual([]);
        let plan = FaultPlan::default().rule(FaultRule::access("*", FaultOutcome::Drop).nth(lost + 1));
        bench.server.with_device(|device| device.inject(&plan)).expect("a plan");
        probe(&mut bench);
        let unfired = bench.server.with_device(|device| device.unfired_faults());
        bench.server.with_device(|device| device.inject(&FaultPlan::default())).expect("a plan");
        if !unfired.is_empty() {
            break;
        }
        lost += 1;
        bench.write(0x00c, 0x1);
        assert_eq!((bench.read(BAR0, IDENTITY), bench.read(BAR0, 0x448)), (0x5057_4d41, 48_000), "access {lost}");
    }
    assert_eq!(lost, 9, "a probe has nine accesses");
}

#[test]
#[should_panic(expected = "faults that have not fired: [\n    \"rule 1: a read of SYSTEM.SCRATCH, 2 seen\"")]
fn a_fault_that_does_not_fire_fails_its_test() {
    let mut bench = manual([scratch_read(FaultOutcome::Drop).nth(3)]);
    bench.scratch();
    bench.scratch();
}

#[test]
fn a_plan_for_registers_that_are_not_there_makes_no_device() {
    let plan = FaultPlan::default().rule(FaultRule::read("SYSTEM.SCRATCHES", FaultOutcome::Drop));
    let options = DeviceOptions { faults: Some(plan), ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Manual) };
    let said = device_model::functions(options).err().expect("no device").to_string();
    assert!(said.contains("SYSTEM.SCRATCHES") && said.contains("SYSTEM.SCRATCH, SYSTEM.CONTROL"), "{said}");
}

#[test]
fn the_command_line_takes_a_plan_from_a_file_and_refuses_what_cannot_be() {
    let folder = TempDir::new().expect("folder");
    let plan = folder.path().join("plan.toml");
    let refused = |plan_text: &str, clock: &str| {
        fs::write(&plan, plan_text).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-model"));
        command.args(["serve", "--block", "pwm-audio", "--clock", clock, "--faults"]).arg(&plan);
        let output = command.arg("--socket").arg(folder.path().join("socket")).output().expect("it starts");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let rule = |place: &str| format!("[[rule]]\non = {{ read = \"{place}\" }}\noutcome = \"drop\"\n");
    let said = refused(&rule("TX.STATE"), "warp");
    assert!(said.contains("TX.STATE") && said.contains("TX.STATUS"), "{said}");
    let said = refused("[[rule]]\nonce = 1", "warp");
    assert!(said.contains("plan.toml") && said.contains("once"), "{said}");
    let said = refused(&rule("TX.STATUS"), "manual");
    assert!(said.contains("choose `real` or `warp`"), "{said}");
}
