//! The generated register tests over the wire: the whole device, from its SVD file and its declarations.

use device::ClockMode;
use register_tests::{Bus, Declarations, Test};
use registers::Description;
use vfio_user::Client;

use crate::bench::{BAR0, Bench};

const SVD: &str = include_str!("../../blocks/pwm-audio/pwm-audio.svd");
const DECLARATIONS: &str = include_str!("../../blocks/pwm-audio/pwm-audio.tests.toml");

/// What cannot be read back, or cannot be brought to 1, or is left out.
const UNTESTED: [&str; 24] = [
    "CONVERTER.TABLE_DATA",
    "PWM_GROUP.UPDATE.go",
    "PWM_GROUP.UPDATE.restart",
    "PWM_GROUP.STATUS.done",
    "PWM_GROUP.STATUS.period",
    "TX.CONTROL.flush",
    "TX.SAMPLE0",
    "TX.SAMPLE1",
    "TX.SAMPLE2",
    "TX.SAMPLE3",
    "TX.SAMPLE4",
    "TX.SAMPLE5",
    "TX.SAMPLE6",
    "TX.SAMPLE7",
    "RX.CONTROL.flush",
    "CONVERTER.TABLE_DATA",
    "RX.SAMPLE0",
    "RX.SAMPLE1",
    "RX.SAMPLE2",
    "RX.SAMPLE3",
    "RX.SAMPLE4",
    "RX.SAMPLE5",
    "RX.SAMPLE6",
    "RX.SAMPLE7",
];

struct Wire(Client);

impl Bus for Wire {
    type Error = vfio_user::Error;

    fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, vfio_user::Error> {
        let mut data = [0; 8];
        self.0.region_read(BAR0, offset, &mut data[..bytes])?;
        Ok(u64::from_le_bytes(data))
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), vfio_user::Error> {
        self.0.region_write(BAR0, offset, &value.to_le_bytes()[..bytes])
    }

    fn reset(&mut self) -> Result<bool, vfio_user::Error> {
        self.0.reset().map(|()| true)
    }
}

#[test]
fn register_tests_over_the_wire() {
    let Bench { client, server, folder, .. } = Bench::start(ClockMode::Warp);
    let map = Description::parse(SVD).and_then(|description| description.map(&[])).expect("a good description");
    let declarations = Declarations::parse(DECLARATIONS, &map).expect("good declarations");
    let mut wire = Wire(client);
    let report = register_tests::run(&map, &declarations, &mut wire).expect("a device that answers");
    assert!(report.passed(), "{report}");
    for (test, checks) in Test::ALL.into_iter().zip([400, 10_000, 1_100, 6_500, 31_000]) {
        let counts = report.counts[&test];
        let left_out = match test {
            // CONVERTER.TABLE_DATA, of which a read after a write is another entry.
            Test::BitBash | Test::Lanes => 1,
            // RX.SAMPLE0 to 7, whose reads another register shows.
            Test::Aliasing => 8,
            _ => 0,
        };
        assert_eq!(counts.registers, 138 - left_out, "{test}");
        assert!(counts.checks >= checks, "{report}");
    }
    let untested: Vec<_> = report.opt_outs.iter().map(|opt_out| opt_out.place.as_str()).collect();
    assert_eq!(untested, UNTESTED);
    drop(wire);
    let device = server.stop().expect("the device");
    let counters = device.timeline().counters();
    // What the report says has been done has been done.
    let accesses: u64 = report.counts.values().map(|counts| counts.accesses).sum();
    assert_eq!(counters.register_reads + counters.register_writes, accesses);
    drop(folder);
}
