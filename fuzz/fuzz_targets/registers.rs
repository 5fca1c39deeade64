//! The block and its function: accesses of any width anywhere, resets, interrupts, and time, which is the input's.

#![no_main]

use arbitrary::Arbitrary;
use device::{ClockMode, Device, Pin, Region};
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
        msi: bool,
        connected: bool,
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

/// Where the block has registers, from the datasheet: SYSTEM, the PWM channels, AUDIO.
const REGISTERS: [u64; 32] = [
    0x000, 0x004, 0x008, 0x00c, 0x010, 0x014, 0x018, 0x01c, 0x100, 0x104, 0x108, 0x10c, 0x120, 0x124, 0x128, 0x12c,
    0x140, 0x144, 0x148, 0x14c, 0x160, 0x164, 0x168, 0x16c, 0x440, 0x444, 0x448, 0x44c, 0x450, 0x454, 0x460, 0x464,
];
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
    REGISTERS[usize::from(index) % REGISTERS.len()]
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
    for step in &input.steps {
        take(&mut device, step, &mut wall_ns);
        assert!(device.now_ns() >= now_ns, "time went back from {now_ns} to {}", device.now_ns());
        now_ns = device.now_ns();
        assert!(clock == ClockMode::Warp || now_ns <= wall_ns, "time {now_ns} is ahead of the wall's {wall_ns}");
        device.take_interrupt();
        assert_eq!(device.take_interrupt(), None, "one edge an assertion");
    }
    // Whatever came before, it is still the device.
    assert_eq!(read32(&mut device, 0x000, wall_ns), IDENTITY);
    device.reset(wall_ns);
    for (offset, value) in [(0x010, 0), (0x440, 0), (0x444, 0x218), (0x448, 48_000), (0x44c, 0x6_0000)] {
        assert_eq!(read32(&mut device, offset, wall_ns), value, "after reset, at {offset:#x}");
    }
});

fn take(device: &mut Device, step: &Step, wall_ns: &mut u64) {
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
        Step::Connect { msi, connected } => {
            device.connect_interrupt(if *msi { Pin::Msi } else { Pin::Intx }, *connected);
        }
        Step::MaskIntx(masked) => device.mask_intx(*masked),
        Step::Reset => device.reset(*wall_ns),
        Step::Describe => drop(device.timeline_tail(50)),
    }
}
