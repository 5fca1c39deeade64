//! What a device makes of its block's deadlines: in warp time, when a test moves time, and when DMA is to fail.

use std::sync::Arc;

use device::{
    Block, Clock, ClockMode, Device, Direction, DmaFailure, DmaRequest, DmaTransfer, Effects, FaultOutcome, FaultPlan,
    FaultRule, Happening, Identity, Nowhere, Pin, Region, Snapshot, SnapshotError, Stored, Width,
};
use registers::{Description, RegisterMap};

const SVD: &str =
    "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
    <peripheral><name>TOY</name><baseAddress>0</baseAddress><registers><register><name>CONTROL</name>
    <addressOffset>0</addressOffset></register></registers></peripheral></peripherals></device>";

/// What the toy does every [`PERIOD_NS`].
#[derive(Clone, Copy)]
enum Tick {
    Nothing,
    Interrupt,
    Read,
    Write,
}

const PERIOD_NS: u64 = 10_000_000;

/// A block that does one thing over and over. A write ends its interrupt.
struct Toy {
    map: Arc<RegisterMap>,
    tick: Tick,
    ticks: u64,
    asserted: bool,
}

impl Block for Toy {
    fn register_bytes(&self) -> u64 {
        0x1000
    }

    fn register_map(&self) -> &Arc<RegisterMap> {
        &self.map
    }

    fn read(&mut self, _: u64, _: Width, _: u64, _: &mut Effects) -> u64 {
        self.ticks
    }

    fn write(&mut self, _: u64, _: Width, _: u64, _: u64, _: &mut Effects) -> Stored {
        self.asserted = false;
        Stored::default()
    }

    fn advance(&mut self, now_ns: u64, effects: &mut Effects) {
        while (self.ticks + 1) * PERIOD_NS <= now_ns {
            self.ticks += 1;
            let transfer = match self.tick {
                Tick::Nothing => continue,
                Tick::Interrupt => {
                    self.asserted = true;
                    continue;
                }
                Tick::Read => DmaTransfer::Read { bytes: 4 },
                Tick::Write => DmaTransfer::Write { data: vec![0; 4] },
            };
            effects.dma(DmaRequest { channel: 1, address: 0x1000, transfer });
        }
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        Some((self.ticks + 1) * PERIOD_NS)
    }

    fn interrupt_vectors(&self) -> u16 {
        self.asserted.into()
    }

    fn dma_ended(&mut self, _: u8, _: Result<Vec<u8>, DmaFailure>, _: u64, _: &mut Effects) {}

    fn reset(&mut self, _: &mut Effects) {}

    fn save(&self) -> Snapshot {
        Snapshot::new(self.ticks.into())
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

/// A device with MSI and bus mastering on; two microseconds of warp time have passed.
fn device(tick: Tick, clock: ClockMode) -> Device {
    let map = Description::parse(SVD).and_then(|description| description.map(&[])).expect("a map");
    let toy = Toy { map: Arc::new(map), tick, ticks: 0, asserted: false };
    let identity = Identity { vendor_id: 1, device_id: 2, revision_id: 0, class_code: 0, block_version: 0 };
    let mut device = Device::new(Box::new(toy), identity, clock, Box::new(Nowhere));
    device.connect_interrupt(Pin::Msi, true);
    device.write(Region::Config, 0x04, &[0x06, 0], 0);
    device.write(Region::Bar(0), 0, &[0; 4], 0);
    device
}

/// Wakes the device whenever it wants to be until `until_ns` of device time, with DMA that succeeds at once; gives the
/// wall times at which it was woken.
fn wakes(device: &mut Device, until_ns: u64) -> Vec<u64> {
    let mut wakes = Vec::new();
    while device.now_ns() < until_ns {
        let wall_ns = device.wake_at_wall_ns().expect("a deadline").max(wakes.last().copied().unwrap_or(0));
        wakes.push(wall_ns);
        device.wake(wall_ns, false);
        while let Some((id, request)) = device.take_dma() {
            let data = if let DmaTransfer::Read { bytes } = request.transfer { vec![0; bytes] } else { Vec::new() };
            device.dma_ended(id, Ok(data));
            device.wake(wall_ns, false);
        }
        if device.take_interrupt().is_some() {
            device.write(Region::Bar(0), 0, &[0; 4], wall_ns);
        }
    }
    wakes
}

#[test]
fn in_warp_time_only_interrupts_need_their_quiet_time() {
    let quiet = Clock::QUIET_WALL_NS;
    // From 2 us on, ten deadlines at a time, from the first after the last: 10 to 100 ms, 110 to 200 ms.
    assert_eq!(wakes(&mut device(Tick::Nothing, ClockMode::Warp), 200_000_000), [quiet, 2 * quiet]);
    assert_eq!(wakes(&mut device(Tick::Read, ClockMode::Warp), 200_000_000), [quiet, 2 * quiet]);
    assert_eq!(wakes(&mut device(Tick::Write, ClockMode::Warp), 200_000_000), [quiet, 2 * quiet]);
    let each: Vec<u64> = (1..=20).map(|tick| tick * quiet).collect();
    assert_eq!(wakes(&mut device(Tick::Interrupt, ClockMode::Warp), 200_000_000), each);
}

#[test]
fn in_warp_time_an_interrupt_that_comes_late_has_its_quiet_time() {
    let mut device = device(Tick::Interrupt, ClockMode::Warp);
    let late = FaultRule::interrupt("MSI", FaultOutcome::DelayNs(1_000_000)).nth(1);
    device.inject(&FaultPlan::default().rule(late)).expect("a plan");
    let quiet = Clock::QUIET_WALL_NS;
    device.wake(quiet, false);
    assert_eq!((device.now_ns(), device.take_interrupt()), (PERIOD_NS, None));
    device.write(Region::Bar(0), 0, &[0; 4], quiet);
    device.wake(2 * quiet, false);
    assert_eq!((device.now_ns(), device.take_interrupt()), (11_000_000, Some(Pin::Msi)));
    assert_eq!(device.wake_at_wall_ns(), Some(3 * quiet));
    device.wake(3 * quiet - 1, false);
    assert_eq!(device.now_ns(), 11_000_000);
    device.wake(3 * quiet, false);
    assert_eq!(device.now_ns(), 2 * PERIOD_NS);
}

#[test]
fn in_warp_time_a_transfer_that_is_under_way_is_waited_for() {
    let mut device = device(Tick::Read, ClockMode::Warp);
    device.wake(Clock::QUIET_WALL_NS, false);
    let (id, _) = device.take_dma().expect("a transfer");
    assert_eq!(device.wake_at_wall_ns(), Some(Clock::QUIET_WALL_NS + Clock::BUSY_WALL_NS));
    device.wake(Clock::BUSY_WALL_NS, false);
    assert_eq!(device.now_ns(), PERIOD_NS);
    device.pass(Clock::BUSY_WALL_NS);
    device.dma_ended(id, Ok(vec![0; 4]));
    assert_eq!(device.wake_at_wall_ns(), Some(Clock::BUSY_WALL_NS), "nothing was brought: the next follows at once");
    device.wake(Clock::BUSY_WALL_NS, false);
    assert_eq!(device.now_ns(), 2 * PERIOD_NS);
}

#[test]
fn a_test_moves_time_up_to_what_is_to_be_done_then() {
    let mut silent = device(Tick::Nothing, ClockMode::Manual);
    assert!(!silent.advance_to(PERIOD_NS + 1), "something happens before");
    assert_eq!(silent.now_ns(), PERIOD_NS);
    assert!(silent.advance_to(PERIOD_NS + 1));
    assert_eq!((silent.now_ns(), silent.wake_at_wall_ns()), (PERIOD_NS + 1, None));
    let mut reading = device(Tick::Read, ClockMode::Manual);
    assert!(reading.advance_to(PERIOD_NS - 1) && reading.take_dma().is_none());
    assert!(!reading.advance_to(PERIOD_NS) && reading.take_dma().is_some());
    assert!(reading.advance_to(PERIOD_NS));
}

#[test]
fn dma_fails_as_the_plan_has_it_and_as_the_timeline_says() {
    let mut device = device(Tick::Read, ClockMode::Manual);
    let plan = FaultPlan::default().rule(FaultRule::dma(1, FaultOutcome::Fail(DmaFailure::NotMapped)).nth(2));
    device.inject(&plan).expect("a plan");
    device.advance_to(PERIOD_NS);
    assert!(device.take_dma().is_some(), "the first");
    assert_eq!(device.unfired_faults(), ["rule 1: a DMA of channel 1, 1 seen"]);
    device.advance_to(2 * PERIOD_NS);
    assert_eq!(device.take_dma(), None);
    let latest: Vec<_> = device.timeline().events().rev().take(2).map(|event| event.happening.clone()).collect();
    let failure = Some(DmaFailure::NotMapped);
    let ended = Happening::Dma { direction: Direction::Read, address: 0x1000, bytes: 4, failure };
    assert_eq!(latest, [ended, Happening::Injected("rule 1: the DMA at 0x1000 of channel 1 fails".to_owned())]);
    device.advance_to(3 * PERIOD_NS);
    assert!(device.take_dma().is_some(), "the third");
}

#[test]
fn a_device_that_is_pulled_out_by_its_own_transfer_makes_none() {
    let mut device = device(Tick::Read, ClockMode::Manual);
    device.inject(&FaultPlan::default().rule(FaultRule::dma(None, FaultOutcome::Remove))).expect("a plan");
    device.advance_to(PERIOD_NS);
    assert_eq!(device.take_dma(), None);
    let mut data = [0; 4];
    device.read(Region::Config, 0, &mut data, 0);
    assert_eq!(data, [0xff; 4]);
}
