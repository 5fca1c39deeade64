//! The generated register tests over the wire: the whole device, from its SVD file and its declarations.

mod bench;

use device::ClockMode;
use register_tests::{Bus, Declarations, Test};
use registers::Description;
use vfio_user::Client;

use crate::bench::{BAR0, Bench};

const SVD: &str = include_str!("../blocks/pwm-audio/pwm-audio.svd");
const DECLARATIONS: &str = include_str!("../blocks/pwm-audio/pwm-audio.tests.toml");

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
    let Bench { client, server, folder } = Bench::start(ClockMode::Warp);
    let map = Description::parse(SVD).and_then(|description| description.map(&[])).expect("a good description");
    let declarations = Declarations::parse(DECLARATIONS, &map).expect("good declarations");
    let mut wire = Wire(client);
    let report = register_tests::run(&map, &declarations, &mut wire).expect("a device that answers");
    assert!(report.passed(), "{report}");
    for (test, checks) in Test::ALL.into_iter().zip([90, 1_700, 250, 1_300, 1_800]) {
        let counts = report.counts[&test];
        assert_eq!(counts.registers, 32, "{test}");
        assert!(counts.checks >= checks, "{report}");
    }
    let untested: Vec<_> = report.opt_outs.iter().map(|opt_out| opt_out.place.as_str()).collect();
    assert_eq!(untested, ["AUDIO.CONTROL.flush", "AUDIO.TX_LEFT", "AUDIO.TX_RIGHT"]);
    drop(wire);
    let device = server.stop().expect("the device");
    let counters = device.timeline().counters();
    // What the report says has been done has been done.
    let accesses: u64 = report.counts.values().map(|counts| counts.accesses).sum();
    assert_eq!(counters.register_reads + counters.register_writes, accesses);
    drop(folder);
}
