//! The block and its function: accesses of any width anywhere, resets, interrupts, and time, which is the input's.

#![no_main]

use arbitrary::Arbitrary;
use device::{ClockMode, Device, DmaFailure, DmaTransfer, Pin, Region};
use libfuzzer_sys::fuzz_target;
use softboard_fuzz::device;

#[derive(Arbitrary, Debug)]
struct Input {
    warp: bool,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    /// One of the block's registers, as drivers do it.
    ReadRegister {
        register: u8,
    },
    WriteRegister {
        register: u8,
        value: u32,
    },
    Frame([i32; 2]),
    /// Anything anywhere.
    Read {
        place: Place,
        bytes: u8,
    },
    Write {
        place: Place,
        data: Vec<u8>,
    },
    Pass {
        wall_ns: u32,
    },
    Leap {
        wall_ns: u64,
    },
    Wake {
        guest_computes: bool,
    },
    Connect {
        pin: u8,
        connected: bool,
    },
    /// What the bus does with the transfers that the device asks for from now on.
    Dma {
        fails: bool,
        byte: u8,
    },
    MaskIntx(bool),
    Reset,
    Describe,
}

#[derive(Arbitrary, Debug)]
enum Place {
    Bar { bar: u8, offset: u16 },
    Far { bar: u8, offset: u64 },
    Config { offset: u8 },
    FarConfig { offset: u64 },
}

/// Where the block has registers, from the datasheet: first offset, and how many one after the other. SYSTEM, the PWM
/// channels, `PWM_GROUP`, CAPTURE, CONVERTER, TX, RX.
const REGISTERS: [(u64, u64); 7] =
    [(0x000, 10), (0x100, 64), (0x200, 2), (0x220, 4), (0x240, 4), (0x440, 27), (0x540, 27)];
const FRAME: u64 = 0x460;
const IDENTITY: u32 = 0x5057_4d41;

impl Place {
    fn resolve(&self) -> (Region, u64) {
        match *self {
            Self::Bar { bar, offset } => (Region::Bar(bar % 6), offset.into()),
            Self::Far { bar, offset } => (Region::Bar(bar % 6), offset),
            Self::Config { offset } => (Region::Config, offset.into()),
            Self::FarConfig { offset } => (Region::Config, offset),
        }
    }
}

fn register(index: u8) -> u64 {
    let mut index = u64::from(index) % REGISTERS.iter().map(|(_, count)| count).sum::<u64>();
    for (first, count) in REGISTERS {
        if index < count {
            return first + 4 * index;
        }
        index -= count;
    }
    unreachable!("the index is below the sum of the counts")
}

fn read32(device: &mut Device, offset: u64, wall_ns: u64) -> u32 {
    let mut data = [0; 4];
    device.read(Region::Bar(0), offset, &mut data, wall_ns);
    u32::from_le_bytes(data)
}

fuzz_target!(|input: Input| {
    let clock = if input.warp { ClockMode::Warp } else { ClockMode::Real };
    let mut device = device(clock);
    let (mut wall_ns, mut now_ns) = (0_u64, 0);
    let mut bus = Bus { fails: false, byte: 0 };
    for step in &input.steps {
        take(&mut device, &mut bus, step, &mut wall_ns);
        bus.transfer(&mut device);
        assert!(device.now_ns() >= now_ns, "time went back from {now_ns} to {}", device.now_ns());
        now_ns = device.now_ns();
        assert!(clock == ClockMode::Warp || now_ns <= wall_ns, "time {now_ns} is ahead of the wall's {wall_ns}");
        let fired = std::iter::from_fn(|| device.take_interrupt()).take(17).count();
        assert!(fired <= 16, "one message an assertion");
    }
    // Whatever came before, it is still the device; asleep it would not say so.
    device.reset(wall_ns);
    assert_eq!(read32(&mut device, 0x000, wall_ns), IDENTITY);
    for (offset, value) in [(0x010, 0), (0x440, 0), (0x444, 0x218), (0x448, 48_000), (0x44c, 0x6_0000)] {
        assert_eq!(read32(&mut device, offset, wall_ns), value, "after reset, at {offset:#x}");
    }
});

/// Guest memory that has one byte everywhere, or that is nowhere.
struct Bus {
    fails: bool,
    byte: u8,
}

impl Bus {
    fn transfer(&self, device: &mut Device) {
        // A list of pieces of a byte each asks for more than anybody waits for.
        for _ in 0..1_000 {
            let Some((id, request)) = device.take_dma() else { return };
            let result = match request.transfer {
                _ if self.fails => Err(DmaFailure::NotMapped),
                DmaTransfer::Read { bytes } => Ok(vec![self.byte; bytes]),
                DmaTransfer::Write { .. } => Ok(Vec::new()),
            };
            device.dma_ended(id, result);
        }
    }
}

fn take(device: &mut Device, bus: &mut Bus, step: &Step, wall_ns: &mut u64) {
    match step {
        Step::ReadRegister { register: index } => drop(read32(device, register(*index), *wall_ns)),
        Step::WriteRegister { register: index, value } => {
            device.write(Region::Bar(0), register(*index), &value.to_le_bytes(), *wall_ns);
        }
        Step::Frame(samples) => {
            device.write(Region::Bar(0), FRAME, samples.map(i32::to_le_bytes).as_flattened(), *wall_ns);
        }
        Step::Read { place, bytes } => {
            let (region, offset) = place.resolve();
            device.read(region, offset, &mut vec![0; usize::from(*bytes)], *wall_ns);
        }
        Step::Write { place, data } => {
            let (region, offset) = place.resolve();
            device.write(region, offset, data, *wall_ns);
        }
        Step::Pass { wall_ns: passed } => *wall_ns = wall_ns.saturating_add((*passed).into()),
        Step::Leap { wall_ns: passed } => *wall_ns = wall_ns.saturating_add(*passed),
        Step::Wake { guest_computes } => {
            device.wake(*wall_ns, *guest_computes);
            let at = device.wake_at_wall_ns();
            assert!(at.is_none_or(|at| at > *wall_ns || *guest_computes), "asleep with a deadline that has passed");
        }
        Step::Connect { pin, connected } => {
            let pin = match pin % 18 {
                16 => Pin::Msi,
                17 => Pin::Intx,
                vector => Pin::MsiX(vector),
            };
            device.connect_interrupt(pin, *connected);
        }
        Step::MaskIntx(masked) => device.mask_intx(*masked),
        Step::Dma { fails, byte } => *bus = Bus { fails: *fails, byte: *byte },
        Step::Reset => device.reset(*wall_ns),
        Step::Describe => drop(device.timeline_tail(50)),
    }
}
