//! A device with guest memory and an interrupt, and the formats that streams have.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use device::{ClockMode, FaultPlan};
use device_model::{AudioSource, BlockKind, DeviceOptions};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use crate::bench::{BAR0, Bench, CONFIG, MSI, wait};

pub(crate) const TX: u64 = 0x440;
pub(crate) const RX: u64 = 0x540;
pub(crate) const CONTROL: u64 = 0x00;
pub(crate) const FORMAT: u64 = 0x04;
pub(crate) const RATE: u64 = 0x08;
pub(crate) const STATUS: u64 = 0x0c;
pub(crate) const FAILURES: u64 = 0x10;
pub(crate) const FRAMES: u64 = 0x14;
pub(crate) const MARK: u64 = 0x18;
pub(crate) const SAMPLE: u64 = 0x20;
pub(crate) const RING_OFFSET: u64 = 0x40;
pub(crate) const RING_FRAMES: u64 = 0x44;
pub(crate) const SOFTWARE: u64 = 0x48;
pub(crate) const HARDWARE: u64 = 0x4c;
pub(crate) const PERIOD: u64 = 0x50;
pub(crate) const ENTRY: u64 = 0x54;
pub(crate) const LIST_LOW: u64 = 0x58;
pub(crate) const LIST_HIGH: u64 = 0x5c;
pub(crate) const LIST_ENTRIES: u64 = 0x60;
pub(crate) const POSITION: u64 = 0x64;
pub(crate) const END: u64 = 0x68;

pub(crate) const ENABLE: u32 = 1 << 0;
pub(crate) const DRAIN: u32 = 1 << 1;
pub(crate) const WINDOW: u32 = 1 << 8;
pub(crate) const DMA: u32 = 2 << 8;
pub(crate) const CYCLIC: u32 = 1 << 10;

/// Where guest memory is mapped, and how much of it.
pub(crate) const MEMORY: u64 = 0x1_8000_0000;
pub(crate) const MEMORY_BYTES: u64 = 0x20_0000;
/// Where lists are written.
pub(crate) const LIST: u64 = MEMORY;
/// Where data is.
pub(crate) const DATA: u64 = MEMORY + 0x1_0000;

/// What a frame is: the register's value, bits, channels, bytes that a sample takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) register: u32,
    pub(crate) bits: u32,
    pub(crate) channels: usize,
    pub(crate) bytes: usize,
}

impl Format {
    pub(crate) fn frame_bytes(self) -> usize {
        self.bytes * self.channels
    }

    /// The samples' bytes in memory: remainders of divisions by 256.
    pub(crate) fn encode(self, samples: &[i32]) -> Vec<u8> {
        let byte = |sample: i32, byte| i64::from(sample).div_euclid(256_i64.pow(byte)).rem_euclid(256) as u8;
        samples.iter().flat_map(|&sample| (0..self.bytes as u32).map(move |place| byte(sample, place))).collect()
    }

    /// `frames` frames that count their samples from 0 on, as far as the bits go: what the input `ramp` gives.
    pub(crate) fn ramp(self, frames: usize) -> Vec<i32> {
        let span = 1_i128 << self.bits;
        let wrapped = |count: i128| (count + span / 2).rem_euclid(span) - span / 2;
        (0..(frames * self.channels) as i128).map(|count| wrapped(count) as i32).collect()
    }

    /// `frames` frames that look like noise, the extremes among them.
    pub(crate) fn noise(self, frames: usize) -> Vec<i32> {
        let span = 1_i128 << self.bits;
        let sample = |number: i128| match number {
            0 => -span / 2,
            1 => span / 2 - 1,
            _ => number * 0x9e37_79b9_7f4a_7c15 % span - span / 2,
        };
        (0..(frames * self.channels) as i128).map(|number| sample(number) as i32).collect()
    }
}

/// 8, 16, 24 packed, 24 in 4 and 32 bits; 1, 2, 6 and 8 channels.
pub(crate) fn formats() -> Vec<Format> {
    let kinds = [(8, 0, 1), (16, 0, 2), (24, 1 << 16, 3), (24, 0, 4), (32, 0, 4)];
    let format = |(bits, packed, bytes), channels: usize| {
        let register = bits | (channels as u32) << 8 | packed;
        Format { register, bits, channels, bytes }
    };
    kinds.into_iter().flat_map(|kind| [1, 2, 6, 8].map(|channels| format(kind, channels))).collect()
}

pub(crate) struct Board {
    pub(crate) bench: Bench,
    pub(crate) memory: File,
    msi: OwnedFd,
}

impl Board {
    /// A device that hears a ramp, with bus mastering and an interrupt.
    pub(crate) fn start() -> Self {
        Self::start_in(ClockMode::Warp)
    }

    pub(crate) fn start_in(clock: ClockMode) -> Self {
        Self::start_with(DeviceOptions::new(BlockKind::PwmAudio, clock))
    }

    /// The same for a device in which these things go wrong.
    pub(crate) fn start_with_faults(faults: FaultPlan) -> Self {
        let faults = Some(faults);
        Self::start_with(DeviceOptions { faults, ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp) })
    }

    fn start_with(options: DeviceOptions) -> Self {
        let mut bench = Bench::start_with(|_| DeviceOptions { audio_input: AudioSource::Ramp, ..options });
        let memory = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).expect("memfd"));
        ftruncate(&memory, MEMORY_BYTES).expect("size");
        bench.client.dma_map(0, MEMORY, MEMORY_BYTES, memory.as_raw_fd()).expect("map");
        let msi = bench.connect(MSI);
        let mut board = Self { bench, memory, msi };
        board.set_bus_master(true);
        board
    }

    pub(crate) fn set_bus_master(&mut self, enabled: bool) {
        let command = if enabled { 0x06 } else { 0x02 };
        self.bench.client.region_write(CONFIG, 0x04, &[command, 0]).expect("command");
    }

    pub(crate) fn read(&mut self, offset: u64) -> u32 {
        self.bench.read(BAR0, offset)
    }

    pub(crate) fn write(&mut self, offset: u64, value: u32) {
        self.bench.write(offset, value);
    }

    /// Writes registers of one side.
    pub(crate) fn set(&mut self, side: u64, registers: &[(u64, u32)]) {
        for &(register, value) in registers {
            self.write(side + register, value);
        }
    }

    /// Writes a list of pieces of memory and has one side use it.
    pub(crate) fn list(&mut self, side: u64, pieces: &[(u64, u32)]) {
        let entry =
            |&(address, bytes): &(u64, u32)| [&address.to_le_bytes()[..], &bytes.to_le_bytes(), &[0xee; 4]].concat();
        let bytes: Vec<u8> = pieces.iter().flat_map(entry).collect();
        let address = LIST + 0x1000 * u64::from(side == RX);
        self.put(address, &bytes);
        self.set(side, &[(LIST_LOW, address as u32), (LIST_HIGH, (address >> 32) as u32)]);
        self.set(side, &[(LIST_ENTRIES, pieces.len() as u32)]);
    }

    /// Writes guest memory.
    pub(crate) fn put(&self, address: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, address - MEMORY).expect("guest memory");
    }

    /// Reads guest memory.
    pub(crate) fn get(&self, address: u64, bytes: usize) -> Vec<u8> {
        let mut data = vec![0; bytes];
        self.memory.read_exact_at(&mut data, address - MEMORY).expect("guest memory");
        data
    }

    /// Waits for an interrupt: the status bits that are set and enabled, which have still to be cleared.
    pub(crate) fn wait(&mut self) -> u32 {
        loop {
            // One that came while another was handled has made no edge.
            let pending = self.read(0x010) & self.read(0x014);
            if pending != 0 {
                return pending;
            }
            wait(&self.msi);
        }
    }

    /// Clears status bits.
    pub(crate) fn clear(&mut self, interrupts: u32) {
        self.write(0x010, interrupts);
    }
}
