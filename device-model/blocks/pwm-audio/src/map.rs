//! The block's register map, read from `pwm-audio.svd` once: every block of the process has the same.

use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use registers::{Description, RegisterHandle, RegisterMap, WriteConstraint};
use vm_device::bus::{MmioAddress, MmioBus, MmioRange};

use crate::registers::Registers;

const SVD: &str = include_str!("../pwm-audio.svd");

/// The map, and handles for everything in it.
pub(crate) static REGISTERS: LazyLock<Registers> = LazyLock::new(|| {
    let map = mended(Description::parse(SVD).and_then(|description| description.map(&[])));
    mended(Registers::find(Arc::new(map)))
});

static UNITS: LazyLock<MmioBus<Unit>> = LazyLock::new(|| {
    let mut bus = MmioBus::new();
    for peripheral in REGISTERS.map.peripherals() {
        let (first, end) = span(&REGISTERS.map, &peripheral.name);
        let unit = match peripheral.name.as_str() {
            "SYSTEM" => Unit::System,
            "TX" | "RX" => Unit::Audio,
            _ => Unit::Pwm,
        };
        mended(MmioRange::new(MmioAddress(first), end - first).and_then(|range| bus.register(range, unit)));
    }
    bus
});

/// A part of the block with registers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    System,
    /// PWM channels, capture and converter.
    Pwm,
    /// Transmitter and receiver.
    Audio,
}

impl Unit {
    /// The unit that has a register at `offset`, or between its registers there.
    pub(crate) fn at(offset: u64) -> Option<Self> {
        UNITS.device(MmioAddress(offset)).map(|(_, unit)| *unit)
    }

    /// The unit that has the register.
    pub(crate) fn of(register: RegisterHandle) -> Self {
        mended(Self::at(REGISTERS.map[register].offset).ok_or("a register of no peripheral"))
    }
}

/// The frame rates that transmitter and receiver have, in Hz.
pub fn rates_hz() -> RangeInclusive<u32> {
    match REGISTERS.map[REGISTERS.tx.rate].write_constraint {
        Some(WriteConstraint::Range { minimum, maximum }) => minimum as u32..=maximum as u32,
        _ => 1..=u32::MAX,
    }
}

/// Length of a cycle of the clock that the PWM channels count.
pub(crate) fn cycle_ns() -> u64 {
    1_000_000_000 / REGISTERS.map[REGISTERS.system.clock_hz].reset_value
}

/// The first byte of a peripheral's registers and the first one after them.
fn span(map: &RegisterMap, peripheral: &str) -> (u64, u64) {
    let registers = || {
        let registers = map.registers().map(|(_, register)| register);
        registers.filter(|register| register.name.split_once('.').is_some_and(|(name, _)| name == peripheral))
    };
    let first = registers().map(|register| register.offset).min();
    let end = registers().map(|register| register.offset + register.bytes()).max();
    mended(first.zip(end).ok_or_else(|| format!("the peripheral {peripheral} has no registers")))
}

/// Panics where the files that are a part of this crate have a mistake: no input can cause that.
fn mended<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        panic!("pwm-audio.svd, or registers.rs that `cargo xtask codegen` makes of it: {error}")
    })
}
