//! The same session gives the same timeline, to the byte: always when the test moves the time; in warp time where device
//! time cannot go on while the guest is about to do something, whatever the wall's clock does.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use device::{ClockMode, FaultOutcome, FaultPlan, FaultRule};

use crate::bench::{BAR0, Bench, MSI, wait};

/// A log in memory; clones write to the same.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a log").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Session {
    bench: Bench,
    msi: OwnedFd,
    log: Log,
}

impl Session {
    fn begin(clock: ClockMode) -> Self {
        let mut bench = Bench::start(clock);
        let log = Log::default();
        bench.server.with_device(|device| device.log_timeline(Box::new(log.clone())));
        let msi = bench.connect(MSI);
        Self { bench, msi, log }
    }

    fn write(&mut self, offset: u64, value: u32) {
        self.bench.write(offset, value);
    }

    fn read(&mut self, offset: u64) {
        self.bench.read(BAR0, offset);
    }

    fn frames(&mut self, count: u32) {
        for number in 0..u64::from(count) {
            self.bench.client.region_write(BAR0, 0x460, &number.to_le_bytes()).expect("frame");
        }
    }

    fn wait(&self) {
        wait(&self.msi);
    }

    /// The timeline of the whole session.
    fn end(self) -> String {
        drop(self.bench.client);
        self.bench.server.stop().expect("the device");
        String::from_utf8(std::mem::take(&mut self.log.0.lock().expect("a log"))).expect("words")
    }
}

fn assert_same(one: &str, other: &str, mentions: &[&str]) {
    assert!(one.lines().count() > 100);
    for mentioned in mentions {
        assert!(one.contains(mentioned), "no {mentioned} in\n{one}");
    }
    if let Some((one, other)) = one.lines().zip(other.lines()).find(|(one, other)| one != other) {
        panic!("they part at\n{one}\n{other}");
    }
    assert_eq!(one.len(), other.len());
}

/// Accesses, playback, an underrun, interrupts, faults and resets, with a clock that the test moves.
fn manual_session() -> String {
    let mut session = Session::begin(ClockMode::Manual);
    let plan = FaultPlan::default()
        .seed(3)
        .rule(FaultRule::read("TX.STATUS", FaultOutcome::Xor(0x8000_0000)).probability(0.5))
        .rule(FaultRule::interrupt("MSI", FaultOutcome::DelayNs(12_345)).nth(2));
    session.bench.server.with_device(|device| device.inject(&plan)).expect("a plan");
    for round in 1..=3_u64 {
        session.write(0x014, 0x7);
        session.write(0x448, 44_100);
        session.frames(300);
        session.write(0x440, 0x1);
        for step in 1..=20 {
            session.bench.server.advance_to((round * 20 + step) * 1_000_000);
            session.read(0x44c);
            session.read(0x010);
            session.write(0x010, 0x7);
        }
        if round == 2 {
            session.bench.client.reset().expect("reset");
        } else {
            session.write(0x00c, 0x1);
        }
    }
    session.end()
}

#[test]
fn two_sessions_whose_time_a_test_moves_have_the_same_timeline() {
    let (one, other) = (manual_session(), manual_session());
    assert_same(
        &one,
        &other,
        &["stream underrun", "interrupt by MSI", "injected by rule 1", "rule 2", "function reset"],
    );
}

/// Nothing is due while the client writes: the stream begins with its last write before it waits. So it makes no
/// difference how long it takes for them, or when device time jumps.
fn warp_session() -> String {
    let mut session = Session::begin(ClockMode::Warp);
    for frames in [1_000, 400, 1] {
        session.write(0x448, 8_000);
        session.write(0x014, 0x2);
        session.frames(frames);
        session.write(0x440, 0x3);
        session.wait();
        session.read(0x454);
        session.write(0x010, 0x7);
        session.bench.client.reset().expect("reset");
    }
    session.end()
}

#[test]
fn two_sessions_in_warp_time_that_wait_for_interrupts_have_the_same_timeline() {
    let (one, other) = (warp_session(), warp_session());
    assert_same(&one, &other, &["stream stopped after 1000 frames", "interrupt by MSI", "function reset"]);
}
