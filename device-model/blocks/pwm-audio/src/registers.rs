// Generated from device-model/blocks/pwm-audio/pwm-audio.svd by `cargo xtask codegen`: do not edit.

//! Handles of the registers and fields of `PWM_AUDIO`.

use std::sync::Arc;

use registers::{FieldHandle, NoSuchName, RegisterHandle, RegisterMap};

/// Four PWM channels and an audio transmitter behind one interrupt.
pub(crate) struct Registers {
    /// The map that the handles are of.
    pub(crate) map: Arc<RegisterMap>,
    /// Identity, reset and interrupts of the whole block.
    pub(crate) system: System,
    /// A PWM channel.
    pub(crate) pwm: [Pwm; 4],
    /// The audio transmitter: a FIFO of 1,024 frames that is emptied at the frame rate.
    pub(crate) audio: Audio,
}

impl Registers {
    /// The handles of `map`, which has to have every name.
    pub(crate) fn find(map: Arc<RegisterMap>) -> Result<Self, NoSuchName> {
        Ok(Self {
            system: System::find(&map, "SYSTEM")?,
            pwm: [
                Pwm::find(&map, "PWM0")?,
                Pwm::find(&map, "PWM1")?,
                Pwm::find(&map, "PWM2")?,
                Pwm::find(&map, "PWM3")?,
            ],
            audio: Audio::find(&map, "AUDIO")?,
            map,
        })
    }
}

/// Identity, reset and interrupts of the whole block.
pub(crate) struct System {
    /// Tells that this is a PWM/audio block: the ASCII characters "PWMA".
    pub(crate) identity: RegisterHandle,
    /// Version of the register map.
    pub(crate) version: SystemVersion,
    /// Keeps what is written, without effect: for software that tests its way to the block.
    pub(crate) scratch: RegisterHandle,
    /// Control of the whole block.
    pub(crate) control: SystemControl,
    /// What has happened.
    pub(crate) interrupt_status: SystemInterruptStatus,
    /// Which bits of `SYSTEM.INTERRUPT_STATUS` assert the interrupt.
    pub(crate) interrupt_enable: SystemInterruptEnable,
    /// Sets bits of `SYSTEM.INTERRUPT_STATUS`, for tests of a driver.
    pub(crate) interrupt_force: SystemInterruptForce,
    /// Frequency of the clock that the PWM channels count, in Hz.
    pub(crate) clock_hz: RegisterHandle,
}

impl System {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            identity: map.register(&format!("{path}.IDENTITY"))?,
            version: SystemVersion::find(map, &format!("{path}.VERSION"))?,
            scratch: map.register(&format!("{path}.SCRATCH"))?,
            control: SystemControl::find(map, &format!("{path}.CONTROL"))?,
            interrupt_status: SystemInterruptStatus::find(map, &format!("{path}.INTERRUPT_STATUS"))?,
            interrupt_enable: SystemInterruptEnable::find(map, &format!("{path}.INTERRUPT_ENABLE"))?,
            interrupt_force: SystemInterruptForce::find(map, &format!("{path}.INTERRUPT_FORCE"))?,
            clock_hz: map.register(&format!("{path}.CLOCK_HZ"))?,
        })
    }
}

/// Version of the register map.
pub(crate) struct SystemVersion {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Counts compatible changes.
    pub(crate) minor: FieldHandle,
    /// Counts incompatible changes: a driver for another major version does not fit.
    pub(crate) major: FieldHandle,
}

impl SystemVersion {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            minor: map.field(&format!("{path}.minor"))?,
            major: map.field(&format!("{path}.major"))?,
        })
    }
}

/// Control of the whole block.
pub(crate) struct SystemControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// 1 puts the whole block into its state after reset; a stream that is being played ends.
    pub(crate) reset: FieldHandle,
}

impl SystemControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, reset: map.field(&format!("{path}.reset"))? })
    }
}

/// What has happened.
pub(crate) struct SystemInterruptStatus {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// `AUDIO.STATUS.fill` is at or below the low mark of 256 frames and `AUDIO.CONTROL.enable` is set.
    pub(crate) tx_low: FieldHandle,
    /// The transmitter has played everything and stopped, as `AUDIO.CONTROL.drain` asked.
    pub(crate) tx_drained: FieldHandle,
    /// A frame was due and the FIFO empty.
    pub(crate) tx_underrun: FieldHandle,
}

impl SystemInterruptStatus {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
        })
    }
}

/// Which bits of `SYSTEM.INTERRUPT_STATUS` assert the interrupt.
pub(crate) struct SystemInterruptEnable {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// `SYSTEM.INTERRUPT_STATUS.tx_low` asserts the interrupt.
    pub(crate) tx_low: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.tx_drained` asserts the interrupt.
    pub(crate) tx_drained: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.tx_underrun` asserts the interrupt.
    pub(crate) tx_underrun: FieldHandle,
}

impl SystemInterruptEnable {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
        })
    }
}

/// Sets bits of `SYSTEM.INTERRUPT_STATUS`, for tests of a driver.
pub(crate) struct SystemInterruptForce {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.tx_low`.
    pub(crate) tx_low: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.tx_drained`.
    pub(crate) tx_drained: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.tx_underrun`.
    pub(crate) tx_underrun: FieldHandle,
}

impl SystemInterruptForce {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
        })
    }
}

/// A PWM channel.
pub(crate) struct Pwm {
    /// Control of the channel.
    pub(crate) control: PwmControl,
    /// Length of a period in clock cycles.
    pub(crate) period: RegisterHandle,
    /// Clock cycles from the start of each period during which the output is active: none with 0, all with
    /// `PWMn.PERIOD` or more.
    pub(crate) duty: RegisterHandle,
    /// Clock cycles since the period began; 0 while the channel does not run.
    pub(crate) counter: RegisterHandle,
}

impl Pwm {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: PwmControl::find(map, &format!("{path}.CONTROL"))?,
            period: map.register(&format!("{path}.PERIOD"))?,
            duty: map.register(&format!("{path}.DUTY"))?,
            counter: map.register(&format!("{path}.COUNTER"))?,
        })
    }
}

/// Control of the channel.
pub(crate) struct PwmControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The channel runs.
    pub(crate) enable: FieldHandle,
    /// The level of the output while it is active.
    pub(crate) polarity: FieldHandle,
    /// The level of the output now.
    pub(crate) level: FieldHandle,
}

impl PwmControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            polarity: map.field(&format!("{path}.polarity"))?,
            level: map.field(&format!("{path}.level"))?,
        })
    }
}

/// The audio transmitter: a FIFO of 1,024 frames that is emptied at the frame rate.
pub(crate) struct Audio {
    /// Control of the transmitter.
    pub(crate) control: AudioControl,
    /// What a frame is.
    pub(crate) format: AudioFormat,
    /// Frames played a second, in Hz.
    pub(crate) rate: RegisterHandle,
    /// State of the FIFO and the transmitter.
    pub(crate) status: AudioStatus,
    /// Underruns since reset; it stops at its highest value.
    pub(crate) underrun_count: RegisterHandle,
    /// Frames played since `AUDIO.CONTROL.enable` was last set, modulo 2^32.
    pub(crate) frames_played: RegisterHandle,
    /// The left sample of the next frame, of a mono frame the only one: right-aligned, bits above
    /// `AUDIO.FORMAT.sample_bits` do not count.
    pub(crate) tx_left: RegisterHandle,
    /// The right sample, aligned as in `AUDIO.TX_LEFT` and written whole.
    pub(crate) tx_right: RegisterHandle,
}

impl Audio {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: AudioControl::find(map, &format!("{path}.CONTROL"))?,
            format: AudioFormat::find(map, &format!("{path}.FORMAT"))?,
            rate: map.register(&format!("{path}.RATE"))?,
            status: AudioStatus::find(map, &format!("{path}.STATUS"))?,
            underrun_count: map.register(&format!("{path}.UNDERRUN_COUNT"))?,
            frames_played: map.register(&format!("{path}.FRAMES_PLAYED"))?,
            tx_left: map.register(&format!("{path}.TX_LEFT"))?,
            tx_right: map.register(&format!("{path}.TX_RIGHT"))?,
        })
    }
}

/// Control of the transmitter.
pub(crate) struct AudioControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The transmitter takes frames from the FIFO, at once or as soon as there is one.
    pub(crate) enable: FieldHandle,
    /// When the FIFO has run empty and the last frame has been played, the transmitter stops: enable and drain are
    /// cleared, `SYSTEM.INTERRUPT_STATUS.tx_drained` is set, and there is no underrun.
    pub(crate) drain: FieldHandle,
    /// 1 empties the FIFO.
    pub(crate) flush: FieldHandle,
}

impl AudioControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            drain: map.field(&format!("{path}.drain"))?,
            flush: map.field(&format!("{path}.flush"))?,
        })
    }
}

/// What a frame is.
pub(crate) struct AudioFormat {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Bits of a sample.
    pub(crate) sample_bits: FieldHandle,
    /// Samples of a frame.
    pub(crate) channels: FieldHandle,
}

impl AudioFormat {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            sample_bits: map.field(&format!("{path}.sample_bits"))?,
            channels: map.field(&format!("{path}.channels"))?,
        })
    }
}

/// State of the FIFO and the transmitter.
pub(crate) struct AudioStatus {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Frames in the FIFO.
    pub(crate) fill: FieldHandle,
    /// The FIFO is full, with 1,024 frames.
    pub(crate) full: FieldHandle,
    /// The FIFO is empty.
    pub(crate) empty: FieldHandle,
    /// The FIFO has at most 256 frames: it is three quarters empty or more.
    pub(crate) low: FieldHandle,
    /// Frames are being played.
    pub(crate) running: FieldHandle,
    /// There has been an underrun since `AUDIO.CONTROL.enable` was last set: a frame was due and the FIFO empty.
    pub(crate) underrun: FieldHandle,
    /// A frame was written to the full FIFO and dropped.
    pub(crate) overflow: FieldHandle,
}

impl AudioStatus {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            fill: map.field(&format!("{path}.fill"))?,
            full: map.field(&format!("{path}.full"))?,
            empty: map.field(&format!("{path}.empty"))?,
            low: map.field(&format!("{path}.low"))?,
            running: map.field(&format!("{path}.running"))?,
            underrun: map.field(&format!("{path}.underrun"))?,
            overflow: map.field(&format!("{path}.overflow"))?,
        })
    }
}
