//! A block that asks for DMA and asserts what it is told to, dressed as a function. Places are retyped from the PCI
//! specifications.

use std::sync::{Arc, Mutex};

use registers::{Description, RegisterFile, RegisterMap};

use super::*;
use crate::{
    Block, ClockMode, DmaFailure, DmaRequest, DmaTransfer, Effects, Happening, Identity, Nowhere, Pin, Snapshot,
    SnapshotError, Stored, Width,
};

const BAR0: Region = Region::Bar(0);
const BAR4: Region = Region::Bar(4);
const CONFIG: Region = Region::Config;
/// Of the block: the vectors that it asserts, and where a write makes it read guest memory from.
const LEVELS: u64 = 0;
const READ_FROM: u64 = 4;

type Ended = Arc<Mutex<Vec<Result<Vec<u8>, DmaFailure>>>>;

struct TestBlock {
    file: RegisterFile,
    map: Arc<RegisterMap>,
    ended: Ended,
}

impl TestBlock {
    fn new(ended: Ended) -> Self {
        let text = "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue>
            <peripherals><peripheral><name>P</name><baseAddress>0</baseAddress><registers>
            <register><name>LEVELS</name><addressOffset>0</addressOffset></register>
            <register><name>READ_FROM</name><addressOffset>4</addressOffset></register>
            </registers></peripheral></peripherals></device>";
        let map = Arc::new(Description::parse(text).expect("a description").map(&[]).expect("a map"));
        Self { file: RegisterFile::new(Arc::clone(&map)), map, ended }
    }
}

impl Block for TestBlock {
    fn register_bytes(&self) -> u64 {
        16
    }

    fn register_map(&self) -> &Arc<RegisterMap> {
        &self.map
    }

    fn read(&mut self, offset: u64, width: Width, _: u64, _: &mut Effects) -> u64 {
        self.file.read(offset, width.bytes()).value
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, _: u64, effects: &mut Effects) -> Stored {
        let outcome = self.file.write(offset, width.bytes(), value);
        if offset == READ_FROM {
            effects.dma(DmaRequest { channel: 0, address: value, transfer: DmaTransfer::Read { bytes: 4 } });
        }
        Stored { old: outcome.old, new: outcome.new }
    }

    fn advance(&mut self, _: u64, _: &mut Effects) {}

    fn next_deadline_ns(&self) -> Option<u64> {
        None
    }

    fn interrupt_vectors(&self) -> u16 {
        self.file.get(self.map.register_at(LEVELS).expect("a register")) as u16
    }

    fn dma_ended(&mut self, _: u8, result: Result<Vec<u8>, DmaFailure>, _: u64, _: &mut Effects) {
        self.ended.lock().expect("a test").push(result);
    }

    fn reset(&mut self, _: &mut Effects) {
        self.file.reset();
    }

    fn save(&self) -> Snapshot {
        Snapshot::default()
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

struct Bench {
    device: Device,
    ended: Ended,
}

impl Bench {
    fn new() -> Self {
        let ended = Ended::default();
        let identity = Identity { vendor_id: 1, device_id: 2, revision_id: 3, class_code: 4, block_version: 5 };
        let block = Box::new(TestBlock::new(Arc::clone(&ended)));
        Self { device: Device::new(block, identity, ClockMode::Warp, Box::new(Nowhere)), ended }
    }

    fn write(&mut self, region: Region, offset: u64, data: &[u8]) {
        self.device.write(region, offset, data, 0);
    }

    fn read<const BYTES: usize>(&mut self, region: Region, offset: u64) -> [u8; BYTES] {
        let mut data = [0; BYTES];
        self.device.read(region, offset, &mut data, 0);
        data
    }

    fn fired(&mut self) -> Vec<Pin> {
        std::iter::from_fn(|| self.device.take_interrupt()).collect()
    }

    fn raise(&mut self, vectors: u16) {
        self.write(BAR0, LEVELS, &u32::from(vectors).to_le_bytes());
    }

    /// All that a client can read: config space, BAR4 and registers.
    fn everything(&mut self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let config = self.read::<4096>(CONFIG, 0).to_vec();
        let msix = self.read::<4096>(BAR4, 0).to_vec();
        let registers = [self.read::<8>(BAR0, 0), self.read::<8>(BAR0, 8)].concat();
        (config, msix, registers)
    }

    fn last_fault(&self) -> Option<String> {
        self.device.timeline().events().rev().find_map(|event| match &event.happening {
            Happening::Fault(fault) => Some(fault.clone()),
            _ => None,
        })
    }

    /// Leaves nothing as it was that a guest can change.
    fn be_busy(&mut self) {
        self.raise(0xffff);
        self.write(CONFIG, 0, &[0xff; 0x78]);
        self.write(CONFIG, 0x78, &[0xff, 0x7f, 0xff, 0xff]);
        self.write(CONFIG, 0x7c, &[0xff; 4096 - 0x7c]);
        self.write(CONFIG, 0x54, &[0]);
        self.write(BAR4, 0, &[0xff; 4096]);
        self.write(BAR0, READ_FROM, &[0x00, 0x00, 0x00, 0x80]);
        let (id, _) = self.device.take_dma().expect("a transfer");
        self.device.dma_ended(id, Err(DmaFailure::NotMapped));
        self.write(BAR0, READ_FROM, &[0x00, 0x00, 0x00, 0x40]);
    }
}

#[test]
fn a_reset_of_either_kind_gives_the_cold_state() {
    let reset_by_bus: fn(&mut Bench) = |bench| bench.device.reset(0);
    let reset_by_function: fn(&mut Bench) = |bench| bench.write(CONFIG, 0x79, &[0x80]);
    let power_down_and_reset: fn(&mut Bench) = |bench| {
        bench.write(CONFIG, 0x54, &[3]);
        bench.write(CONFIG, 0x79, &[0x80]);
    };
    for (how, reset) in
        [("bus", reset_by_bus), ("function-level", reset_by_function), ("in D3hot", power_down_and_reset)]
    {
        let mut bench = Bench::new();
        let cold = bench.everything();
        bench.be_busy();
        let (config, msix, registers) = bench.everything();
        assert!(config != cold.0 && msix != cold.1 && registers != cold.2, "there is something to reset");
        reset(&mut bench);
        assert_eq!(bench.everything(), cold, "reset: {how}");
        assert!(bench.device.take_dma().is_none(), "what was asked for is given up: {how}");
        assert_eq!(bench.fired(), [], "{how}");
    }
}

#[test]
fn dma_that_a_function_level_reset_has_given_up_ends_for_nobody() {
    let mut bench = Bench::new();
    bench.write(CONFIG, 0x04, &[0x04]);
    bench.write(BAR0, READ_FROM, &[0x00, 0x10, 0x00, 0x00]);
    let (id, _) = bench.device.take_dma().expect("a transfer");
    assert_eq!(bench.read::<1>(CONFIG, 0x7a), [0x20], "transactions pending");
    bench.write(CONFIG, 0x79, &[0x80]);
    assert_eq!(bench.read::<1>(CONFIG, 0x7a), [0x00]);
    bench.device.dma_ended(id, Ok(vec![1, 2, 3, 4]));
    assert_eq!(*bench.ended.lock().expect("a test"), []);
}

#[test]
fn without_bus_mastering_and_in_d3hot_dma_fails() {
    let mut bench = Bench::new();
    for (command, power, failure) in [
        (0x00, 0, Some(DmaFailure::BusMasterDisabled)),
        (0x04, 3, Some(DmaFailure::BusMasterDisabled)),
        (0x04, 0, None),
    ] {
        bench.write(CONFIG, 0x04, &[command]);
        bench.write(BAR0, READ_FROM, &[0x00, 0x10, 0x00, 0x00]);
        bench.write(CONFIG, 0x54, &[power]);
        let taken = bench.device.take_dma();
        assert_eq!(taken.is_none(), failure.is_some(), "command {command:#x}, power state {power}");
        if let Some((id, _)) = taken {
            bench.device.dma_ended(id, Ok(vec![0; 4]));
        }
        assert_eq!(bench.ended.lock().expect("a test").pop().expect("an end").err(), failure);
        bench.write(CONFIG, 0x54, &[0]);
    }
}

#[test]
fn a_read_that_nobody_answers_is_a_received_master_abort() {
    // PCI 3.0, section 6.2.3: bit 13 of the status.
    let mut bench = Bench::new();
    bench.write(CONFIG, 0x04, &[0x04]);
    for (failure, status) in [(DmaFailure::Failed, [0x10, 0x00]), (DmaFailure::NotMapped, [0x10, 0x20])] {
        bench.write(BAR0, READ_FROM, &[0x00, 0x10, 0x00, 0x00]);
        let (id, _) = bench.device.take_dma().expect("a transfer");
        bench.device.dma_ended(id, Err(failure));
        assert_eq!(bench.read(CONFIG, 0x06), status, "{failure}");
    }
}

#[test]
fn in_d3hot_memory_is_not_answered_and_nothing_is_sent_until_d0() {
    // PCI Power Management 1.2, section 5.4.1; No_Soft_Reset: nothing is lost.
    let mut bench = Bench::new();
    bench.device.connect_interrupt(Pin::MsiX(2), true);
    bench.write(BAR4, 0x28, &[0x78, 0x56, 0x34, 0x12]);
    bench.write(CONFIG, 0x04, &[0x06, 0x04]);
    bench.write(CONFIG, 0x63, &[0x40]);
    bench.raise(0b100);
    let before = bench.everything();
    bench.write(CONFIG, 0x54, &[0x03]);
    // Unmasked now, but asleep.
    bench.write(CONFIG, 0x63, &[0x00]);
    assert_eq!(bench.fired(), []);
    for region in [BAR0, Region::Bar(2), BAR4] {
        assert_eq!(bench.read::<4>(region, 0), [0xff; 4], "{region}");
        bench.write(region, 0, &[0; 4]);
        let expected = format!("write of 4 bytes at {region} 0x0: the function is in D3hot");
        assert_eq!(bench.last_fault(), Some(expected));
    }
    assert_eq!(bench.read(CONFIG, 0x04), [0x06, 0x04], "configuration requests are answered");
    assert_eq!(bench.read(CONFIG, 0x7a), [0x08], "unsupported request detected");
    bench.write(CONFIG, 0x7a, &[0x08]);
    bench.write(CONFIG, 0x54, &[0x00]);
    assert_eq!(bench.fired(), [Pin::MsiX(2)], "what was owed is sent");
    bench.write(CONFIG, 0x63, &[0x40]);
    let (config, _, registers) = bench.everything();
    assert_eq!((config, registers), (before.0, before.2), "the state is kept");
    assert_eq!(bench.read(BAR4, 0x28), [0x78, 0x56, 0x34, 0x12]);
    let notes = bench.device.timeline().events().filter_map(|event| match &event.happening {
        Happening::Note(note) => Some(note.as_str()),
        _ => None,
    });
    assert_eq!(notes.collect::<Vec<_>>(), ["the function goes into D3hot", "the function comes back to D0"]);
}

#[test]
fn what_is_not_offered_is_not_there() {
    for (offered, bytes) in
        [(OfferedInterrupts::Intx, 0), (OfferedInterrupts::Msi, 0), (OfferedInterrupts::MsiX, 0x1000)]
    {
        let Bench { device, ended } = Bench::new();
        let mut bench = Bench { device: device.offering(offered), ended };
        assert_eq!(bench.device.bar_bytes(4), bytes, "{offered}");
        let reserved = if bytes == 0 { [0xff; 4] } else { [0; 4] };
        assert_eq!(bench.read(BAR4, 0xff0), reserved, "{offered}");
        bench.device.reset(0);
        assert_eq!(bench.device.offered_interrupts(), offered);
    }
}
