// Generated from device-model/blocks/pwm-audio/pwm-audio.svd by `cargo xtask codegen`: do not edit.

//! The registers of `PWM_AUDIO`, by name.

use crate::registers::NamedRegister;

/// Every register, by ascending offset.
pub(crate) const REGISTERS: &[NamedRegister] = &[
    NamedRegister { name: "SYSTEM.IDENTITY", offset: 0x000, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.VERSION", offset: 0x004, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.SCRATCH", offset: 0x008, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.CONTROL", offset: 0x00c, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.INTERRUPT_STATUS", offset: 0x010, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.INTERRUPT_ENABLE", offset: 0x014, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.INTERRUPT_FORCE", offset: 0x018, width_bytes: 4 },
    NamedRegister { name: "SYSTEM.CLOCK_HZ", offset: 0x01c, width_bytes: 4 },
    NamedRegister { name: "PWM0.CONTROL", offset: 0x100, width_bytes: 4 },
    NamedRegister { name: "PWM0.PERIOD", offset: 0x104, width_bytes: 4 },
    NamedRegister { name: "PWM0.DUTY", offset: 0x108, width_bytes: 4 },
    NamedRegister { name: "PWM0.COUNTER", offset: 0x10c, width_bytes: 4 },
    NamedRegister { name: "PWM1.CONTROL", offset: 0x120, width_bytes: 4 },
    NamedRegister { name: "PWM1.PERIOD", offset: 0x124, width_bytes: 4 },
    NamedRegister { name: "PWM1.DUTY", offset: 0x128, width_bytes: 4 },
    NamedRegister { name: "PWM1.COUNTER", offset: 0x12c, width_bytes: 4 },
    NamedRegister { name: "PWM2.CONTROL", offset: 0x140, width_bytes: 4 },
    NamedRegister { name: "PWM2.PERIOD", offset: 0x144, width_bytes: 4 },
    NamedRegister { name: "PWM2.DUTY", offset: 0x148, width_bytes: 4 },
    NamedRegister { name: "PWM2.COUNTER", offset: 0x14c, width_bytes: 4 },
    NamedRegister { name: "PWM3.CONTROL", offset: 0x160, width_bytes: 4 },
    NamedRegister { name: "PWM3.PERIOD", offset: 0x164, width_bytes: 4 },
    NamedRegister { name: "PWM3.DUTY", offset: 0x168, width_bytes: 4 },
    NamedRegister { name: "PWM3.COUNTER", offset: 0x16c, width_bytes: 4 },
    NamedRegister { name: "AUDIO.CONTROL", offset: 0x440, width_bytes: 4 },
    NamedRegister { name: "AUDIO.FORMAT", offset: 0x444, width_bytes: 4 },
    NamedRegister { name: "AUDIO.RATE", offset: 0x448, width_bytes: 4 },
    NamedRegister { name: "AUDIO.STATUS", offset: 0x44c, width_bytes: 4 },
    NamedRegister { name: "AUDIO.UNDERRUN_COUNT", offset: 0x450, width_bytes: 4 },
    NamedRegister { name: "AUDIO.FRAMES_PLAYED", offset: 0x454, width_bytes: 4 },
    NamedRegister { name: "AUDIO.TX_LEFT", offset: 0x460, width_bytes: 4 },
    NamedRegister { name: "AUDIO.TX_RIGHT", offset: 0x464, width_bytes: 4 },
];
