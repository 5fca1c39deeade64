// Generated from device-model/blocks/pwm-audio/pwm-audio.svd by `cargo xtask codegen`: do not edit.

//! Handles of the registers and fields of `PWM_AUDIO`.

use std::sync::Arc;

use registers::{FieldHandle, NoSuchName, RegisterHandle, RegisterMap};

/// Eight PWM channels with capture and a converter, an audio transmitter and an audio receiver.
pub(crate) struct Registers {
    /// The map that the handles are of.
    pub(crate) map: Arc<RegisterMap>,
    /// Identity, reset and interrupts of the whole block.
    pub(crate) system: System,
    /// A PWM channel.
    pub(crate) pwm: [Pwm; 8],
    /// What concerns several PWM channels at once.
    pub(crate) pwm_group: PwmGroup,
    /// Measures a signal in clock cycles (`SYSTEM.CLOCK_HZ`).
    pub(crate) capture: Capture,
    /// Drives the duty of a PWM channel with samples, so that the mean of its output is a signal.
    pub(crate) converter: Converter,
    /// The audio transmitter: plays frames of samples at `TX.RATE` from a FIFO of 1,024 frames, which is filled in
    /// one of three ways: by registers, from a ring in the sample window, or by DMA.
    pub(crate) tx: Tx,
    /// The audio receiver: takes frames of samples at `RX.RATE` into a FIFO of 1,024 frames, which is emptied in
    /// one of three ways: by registers, to a ring in the sample window, or by DMA.
    pub(crate) rx: Rx,
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
                Pwm::find(&map, "PWM4")?,
                Pwm::find(&map, "PWM5")?,
                Pwm::find(&map, "PWM6")?,
                Pwm::find(&map, "PWM7")?,
            ],
            pwm_group: PwmGroup::find(&map, "PWM_GROUP")?,
            capture: Capture::find(&map, "CAPTURE")?,
            converter: Converter::find(&map, "CONVERTER")?,
            tx: Tx::find(&map, "TX")?,
            rx: Rx::find(&map, "RX")?,
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
    /// Frequency of the clock that PWM channels and capture count, in Hz.
    pub(crate) clock_hz: RegisterHandle,
    /// The MSI-X vector of each interrupt source: all the sources with one vector share it.
    pub(crate) vectors_low: SystemVectorsLow,
    /// The MSI-X vector of each interrupt source: all the sources with one vector share it.
    pub(crate) vectors_high: SystemVectorsHigh,
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
            vectors_low: SystemVectorsLow::find(map, &format!("{path}.VECTORS_LOW"))?,
            vectors_high: SystemVectorsHigh::find(map, &format!("{path}.VECTORS_HIGH"))?,
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
    /// 1 puts the whole block into its state after reset; streams end, and DMA that is under way is given up.
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
    /// `TX.STATUS.low` is 1 and `TX.CONTROL.enable` is set.
    pub(crate) tx_low: FieldHandle,
    /// The transmitter has played everything and stopped, as `TX.CONTROL.drain` asked.
    pub(crate) tx_drained: FieldHandle,
    /// A frame was due and the transmitter's FIFO empty.
    pub(crate) tx_underrun: FieldHandle,
    /// The transmitter has played `TX.PERIOD_FRAMES` more frames.
    pub(crate) tx_period: FieldHandle,
    /// The transmitter has stopped with an error, which `TX.STATUS.error` names.
    pub(crate) tx_error: FieldHandle,
    /// `RX.STATUS.high` is 1 and `RX.CONTROL.enable` is set.
    pub(crate) rx_high: FieldHandle,
    /// A frame was received and the receiver's FIFO full.
    pub(crate) rx_overrun: FieldHandle,
    /// Of the frames received, `RX.PERIOD_FRAMES` more are where software finds them.
    pub(crate) rx_period: FieldHandle,
    /// The receiver has stopped by itself: at `RX.END_FRAMES`, or at the end of its list.
    pub(crate) rx_done: FieldHandle,
    /// The receiver has stopped with an error, which `RX.STATUS.error` names.
    pub(crate) rx_error: FieldHandle,
    /// The last channel of an update has taken its shadow registers.
    pub(crate) pwm_updated: FieldHandle,
    /// A bit of `PWM_GROUP.STATUS.done` is set.
    pub(crate) pwm_done: FieldHandle,
    /// A bit of `PWM_GROUP.STATUS.period` is set.
    pub(crate) pwm_period: FieldHandle,
    /// The capture unit has measured one more period.
    pub(crate) captured: FieldHandle,
}

impl SystemInterruptStatus {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
            tx_period: map.field(&format!("{path}.tx_period"))?,
            tx_error: map.field(&format!("{path}.tx_error"))?,
            rx_high: map.field(&format!("{path}.rx_high"))?,
            rx_overrun: map.field(&format!("{path}.rx_overrun"))?,
            rx_period: map.field(&format!("{path}.rx_period"))?,
            rx_done: map.field(&format!("{path}.rx_done"))?,
            rx_error: map.field(&format!("{path}.rx_error"))?,
            pwm_updated: map.field(&format!("{path}.pwm_updated"))?,
            pwm_done: map.field(&format!("{path}.pwm_done"))?,
            pwm_period: map.field(&format!("{path}.pwm_period"))?,
            captured: map.field(&format!("{path}.captured"))?,
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
    /// `SYSTEM.INTERRUPT_STATUS.tx_period` asserts the interrupt.
    pub(crate) tx_period: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.tx_error` asserts the interrupt.
    pub(crate) tx_error: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.rx_high` asserts the interrupt.
    pub(crate) rx_high: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.rx_overrun` asserts the interrupt.
    pub(crate) rx_overrun: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.rx_period` asserts the interrupt.
    pub(crate) rx_period: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.rx_done` asserts the interrupt.
    pub(crate) rx_done: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.rx_error` asserts the interrupt.
    pub(crate) rx_error: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.pwm_updated` asserts the interrupt.
    pub(crate) pwm_updated: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.pwm_done` asserts the interrupt.
    pub(crate) pwm_done: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.pwm_period` asserts the interrupt.
    pub(crate) pwm_period: FieldHandle,
    /// `SYSTEM.INTERRUPT_STATUS.captured` asserts the interrupt.
    pub(crate) captured: FieldHandle,
}

impl SystemInterruptEnable {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
            tx_period: map.field(&format!("{path}.tx_period"))?,
            tx_error: map.field(&format!("{path}.tx_error"))?,
            rx_high: map.field(&format!("{path}.rx_high"))?,
            rx_overrun: map.field(&format!("{path}.rx_overrun"))?,
            rx_period: map.field(&format!("{path}.rx_period"))?,
            rx_done: map.field(&format!("{path}.rx_done"))?,
            rx_error: map.field(&format!("{path}.rx_error"))?,
            pwm_updated: map.field(&format!("{path}.pwm_updated"))?,
            pwm_done: map.field(&format!("{path}.pwm_done"))?,
            pwm_period: map.field(&format!("{path}.pwm_period"))?,
            captured: map.field(&format!("{path}.captured"))?,
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
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.tx_period`.
    pub(crate) tx_period: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.tx_error`.
    pub(crate) tx_error: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.rx_high`.
    pub(crate) rx_high: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.rx_overrun`.
    pub(crate) rx_overrun: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.rx_period`.
    pub(crate) rx_period: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.rx_done`.
    pub(crate) rx_done: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.rx_error`.
    pub(crate) rx_error: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.pwm_updated`.
    pub(crate) pwm_updated: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.pwm_done`.
    pub(crate) pwm_done: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.pwm_period`.
    pub(crate) pwm_period: FieldHandle,
    /// 1 sets `SYSTEM.INTERRUPT_STATUS.captured`.
    pub(crate) captured: FieldHandle,
}

impl SystemInterruptForce {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
            tx_period: map.field(&format!("{path}.tx_period"))?,
            tx_error: map.field(&format!("{path}.tx_error"))?,
            rx_high: map.field(&format!("{path}.rx_high"))?,
            rx_overrun: map.field(&format!("{path}.rx_overrun"))?,
            rx_period: map.field(&format!("{path}.rx_period"))?,
            rx_done: map.field(&format!("{path}.rx_done"))?,
            rx_error: map.field(&format!("{path}.rx_error"))?,
            pwm_updated: map.field(&format!("{path}.pwm_updated"))?,
            pwm_done: map.field(&format!("{path}.pwm_done"))?,
            pwm_period: map.field(&format!("{path}.pwm_period"))?,
            captured: map.field(&format!("{path}.captured"))?,
        })
    }
}

/// The MSI-X vector of each interrupt source: all the sources with one vector share it.
pub(crate) struct SystemVectorsLow {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.tx_low`.
    pub(crate) tx_low: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.tx_drained`.
    pub(crate) tx_drained: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.tx_underrun`.
    pub(crate) tx_underrun: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.tx_period`.
    pub(crate) tx_period: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.tx_error`.
    pub(crate) tx_error: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.rx_high`.
    pub(crate) rx_high: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.rx_overrun`.
    pub(crate) rx_overrun: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.rx_period`.
    pub(crate) rx_period: FieldHandle,
}

impl SystemVectorsLow {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            tx_low: map.field(&format!("{path}.tx_low"))?,
            tx_drained: map.field(&format!("{path}.tx_drained"))?,
            tx_underrun: map.field(&format!("{path}.tx_underrun"))?,
            tx_period: map.field(&format!("{path}.tx_period"))?,
            tx_error: map.field(&format!("{path}.tx_error"))?,
            rx_high: map.field(&format!("{path}.rx_high"))?,
            rx_overrun: map.field(&format!("{path}.rx_overrun"))?,
            rx_period: map.field(&format!("{path}.rx_period"))?,
        })
    }
}

/// The MSI-X vector of each interrupt source: all the sources with one vector share it.
pub(crate) struct SystemVectorsHigh {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.rx_done`.
    pub(crate) rx_done: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.rx_error`.
    pub(crate) rx_error: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.pwm_updated`.
    pub(crate) pwm_updated: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.pwm_done`.
    pub(crate) pwm_done: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.pwm_period`.
    pub(crate) pwm_period: FieldHandle,
    /// The vector of `SYSTEM.INTERRUPT_STATUS.captured`.
    pub(crate) captured: FieldHandle,
}

impl SystemVectorsHigh {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            rx_done: map.field(&format!("{path}.rx_done"))?,
            rx_error: map.field(&format!("{path}.rx_error"))?,
            pwm_updated: map.field(&format!("{path}.pwm_updated"))?,
            pwm_done: map.field(&format!("{path}.pwm_done"))?,
            pwm_period: map.field(&format!("{path}.pwm_period"))?,
            captured: map.field(&format!("{path}.captured"))?,
        })
    }
}

/// A PWM channel.
pub(crate) struct Pwm {
    /// Control of the channel.
    pub(crate) control: PwmControl,
    /// Length of a period in clock cycles.
    pub(crate) period: RegisterHandle,
    /// Clock cycles of each period during which the output is active: none with 0, all with `PWMn.PERIOD` or more.
    pub(crate) duty: RegisterHandle,
    /// Clock cycles since the period began; 0 while the channel does not run.
    pub(crate) counter: RegisterHandle,
    /// The clock cycle of a period, modulo `PWMn.PERIOD`, at which the output becomes active; what goes past the
    /// end of the period comes at its beginning, also in the first one.
    pub(crate) phase: RegisterHandle,
    /// Clock cycles by which either output of a complementary pair becomes active later.
    pub(crate) dead_time: RegisterHandle,
    /// Periods after which a channel with `PWMn.CONTROL.one_shot` stops; 0 is 1.
    pub(crate) count: RegisterHandle,
    /// Periods completed since `PWMn.CONTROL.enable` was last set, modulo 2^32.
    pub(crate) periods: RegisterHandle,
}

impl Pwm {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: PwmControl::find(map, &format!("{path}.CONTROL"))?,
            period: map.register(&format!("{path}.PERIOD"))?,
            duty: map.register(&format!("{path}.DUTY"))?,
            counter: map.register(&format!("{path}.COUNTER"))?,
            phase: map.register(&format!("{path}.PHASE"))?,
            dead_time: map.register(&format!("{path}.DEAD_TIME"))?,
            count: map.register(&format!("{path}.COUNT"))?,
            periods: map.register(&format!("{path}.PERIODS"))?,
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
    /// The channel stops by itself after `PWMn.COUNT` periods, at the first end of a period at which `PWMn.PERIODS`
    /// is `PWMn.COUNT` or more: enable is cleared, and the channel's bit of `PWM_GROUP.STATUS.done` set.
    pub(crate) one_shot: FieldHandle,
    /// The next channel's output is the complement of this one's: active while this one's would not be, each
    /// becoming active `PWMn.DEAD_TIME` later than it would; neither is active while this channel does not run.
    pub(crate) complementary: FieldHandle,
    /// The end of each period sets the channel's bit of `PWM_GROUP.STATUS.period`.
    pub(crate) period_interrupt: FieldHandle,
    /// The level of the output now.
    pub(crate) level: FieldHandle,
}

impl PwmControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            polarity: map.field(&format!("{path}.polarity"))?,
            one_shot: map.field(&format!("{path}.one_shot"))?,
            complementary: map.field(&format!("{path}.complementary"))?,
            period_interrupt: map.field(&format!("{path}.period_interrupt"))?,
            level: map.field(&format!("{path}.level"))?,
        })
    }
}

/// What concerns several PWM channels at once.
pub(crate) struct PwmGroup {
    /// Makes channels take their shadow registers.
    pub(crate) update: PwmGroupUpdate,
    /// What channels have done.
    pub(crate) status: PwmGroupStatus,
}

impl PwmGroup {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            update: PwmGroupUpdate::find(map, &format!("{path}.UPDATE"))?,
            status: PwmGroupStatus::find(map, &format!("{path}.STATUS"))?,
        })
    }
}

/// Makes channels take their shadow registers.
pub(crate) struct PwmGroupUpdate {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The channels that the next update is for.
    pub(crate) channels: FieldHandle,
    /// 1 begins an update: each of `PWM_GROUP.UPDATE.channels` takes its shadow registers at the end of its period,
    /// at once if it does not run.
    pub(crate) go: FieldHandle,
    /// 1 makes each of `PWM_GROUP.UPDATE.channels` that is enabled take its shadow registers and begin a period
    /// now, all in the same clock cycle.
    pub(crate) restart: FieldHandle,
    /// The channels that have still to take their shadow registers.
    pub(crate) pending: FieldHandle,
}

impl PwmGroupUpdate {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            channels: map.field(&format!("{path}.channels"))?,
            go: map.field(&format!("{path}.go"))?,
            restart: map.field(&format!("{path}.restart"))?,
            pending: map.field(&format!("{path}.pending"))?,
        })
    }
}

/// What channels have done.
pub(crate) struct PwmGroupStatus {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The channel has stopped by itself: see `PWMn.CONTROL.one_shot`.
    pub(crate) done: FieldHandle,
    /// A period of the channel has ended, and its `CONTROL.period_interrupt` is set.
    pub(crate) period: FieldHandle,
}

impl PwmGroupStatus {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            done: map.field(&format!("{path}.done"))?,
            period: map.field(&format!("{path}.period"))?,
        })
    }
}

/// Measures a signal in clock cycles (`SYSTEM.CLOCK_HZ`).
pub(crate) struct Capture {
    /// Control of the capture unit.
    pub(crate) control: CaptureControl,
    /// Clock cycles between the latest two rising edges since `CAPTURE.CONTROL.enable` was set; 0 before there are
    /// two.
    pub(crate) period: RegisterHandle,
    /// Clock cycles between the earlier of these edges and the falling edge after it.
    pub(crate) high: RegisterHandle,
    /// Periods measured since `CAPTURE.CONTROL.enable` was set, modulo 2^32.
    pub(crate) count: RegisterHandle,
}

impl Capture {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: CaptureControl::find(map, &format!("{path}.CONTROL"))?,
            period: map.register(&format!("{path}.PERIOD"))?,
            high: map.register(&format!("{path}.HIGH"))?,
            count: map.register(&format!("{path}.COUNT"))?,
        })
    }
}

/// Control of the capture unit.
pub(crate) struct CaptureControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The unit measures.
    pub(crate) enable: FieldHandle,
    /// The signal.
    pub(crate) source: FieldHandle,
    /// The level of the signal now.
    pub(crate) level: FieldHandle,
}

impl CaptureControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            source: map.field(&format!("{path}.source"))?,
            level: map.field(&format!("{path}.level"))?,
        })
    }
}

/// Drives the duty of a PWM channel with samples, so that the mean of its output is a signal.
pub(crate) struct Converter {
    /// Control of the converter.
    pub(crate) control: ConverterControl,
    /// The entry of the table that `CONVERTER.TABLE_DATA` is, 0 to 255.
    pub(crate) table_index: RegisterHandle,
    /// An entry of the table of 256.
    pub(crate) table_data: ConverterTableData,
    /// What each period adds to a phase of 32 bits, whose highest 8 bits are the entry of the table that the period
    /// has.
    pub(crate) step: RegisterHandle,
}

impl Converter {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: ConverterControl::find(map, &format!("{path}.CONTROL"))?,
            table_index: map.register(&format!("{path}.TABLE_INDEX"))?,
            table_data: ConverterTableData::find(map, &format!("{path}.TABLE_DATA"))?,
            step: map.register(&format!("{path}.STEP"))?,
        })
    }
}

/// Control of the converter.
pub(crate) struct ConverterControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// What gives the duty of each period, in the place of the channel's DUTY.
    pub(crate) source: FieldHandle,
    /// The channel.
    pub(crate) channel: FieldHandle,
}

impl ConverterControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            source: map.field(&format!("{path}.source"))?,
            channel: map.field(&format!("{path}.channel"))?,
        })
    }
}

/// An entry of the table of 256.
pub(crate) struct ConverterTableData {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The duty in parts of PERIOD of 1/65536, rounded down to clock cycles.
    pub(crate) duty: FieldHandle,
}

impl ConverterTableData {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, duty: map.field(&format!("{path}.duty"))? })
    }
}

/// The audio transmitter: plays frames of samples at `TX.RATE` from a FIFO of 1,024 frames, which is filled in
/// one of three ways: by registers, from a ring in the sample window, or by DMA.
pub(crate) struct Tx {
    /// Control of the transmitter.
    pub(crate) control: TxControl,
    /// What a frame is.
    pub(crate) format: TxFormat,
    /// Frames played a second, in Hz.
    pub(crate) rate: RegisterHandle,
    /// State of the FIFO and the transmitter.
    pub(crate) status: TxStatus,
    /// Underruns since reset; it stops at its highest value.
    pub(crate) underrun_count: RegisterHandle,
    /// Frames played since `TX.CONTROL.enable` was last set, modulo 2^32.
    pub(crate) frames_played: RegisterHandle,
    /// When the FIFO counts as low.
    pub(crate) low_mark: TxLowMark,
    /// How loud samples are played.
    pub(crate) volume: TxVolume,
    /// A sample of the next frame, by channel: right-aligned, bits above `TX.FORMAT.sample_bits` do not count.
    pub(crate) sample: [RegisterHandle; 8],
    /// Where in the sample window the ring begins, in bytes.
    pub(crate) ring_offset: RegisterHandle,
    /// Frames that the ring has room for; one of them is always free.
    pub(crate) ring_frames: RegisterHandle,
    /// The frame of the ring, below `TX.RING_FRAMES`, that software writes next; while `TX.CONTROL.enable` is set,
    /// any other value has no effect.
    pub(crate) producer: RegisterHandle,
    /// The frame of the ring that the transmitter takes next: those before it are free.
    pub(crate) consumer: RegisterHandle,
    /// After each so many frames played `SYSTEM.INTERRUPT_STATUS.tx_period` is set; never with 0.
    pub(crate) period_frames: RegisterHandle,
    /// The entry of the list, from 0, that the DMA is at; `TX.LIST_ENTRIES` when it is through.
    pub(crate) entry: RegisterHandle,
    /// Where the list is in guest memory: bits 31 to 0 of the address.
    pub(crate) list_address_low: RegisterHandle,
    /// Bits 63 to 32 of the list's address.
    pub(crate) list_address_high: RegisterHandle,
    /// Entries of the list.
    pub(crate) list_entries: RegisterHandle,
    /// Frames of the list's memory that have been played, or flushed, in this pass of it, modulo 2^32.
    pub(crate) position: RegisterHandle,
    /// With `TX.CONTROL.drain`: the DMA ends when `TX.FRAMES_PLAYED` is this, or at the end of the list if it is 0.
    pub(crate) end_frames: RegisterHandle,
}

impl Tx {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: TxControl::find(map, &format!("{path}.CONTROL"))?,
            format: TxFormat::find(map, &format!("{path}.FORMAT"))?,
            rate: map.register(&format!("{path}.RATE"))?,
            status: TxStatus::find(map, &format!("{path}.STATUS"))?,
            underrun_count: map.register(&format!("{path}.UNDERRUN_COUNT"))?,
            frames_played: map.register(&format!("{path}.FRAMES_PLAYED"))?,
            low_mark: TxLowMark::find(map, &format!("{path}.LOW_MARK"))?,
            volume: TxVolume::find(map, &format!("{path}.VOLUME"))?,
            sample: [
                map.register(&format!("{path}.SAMPLE0"))?,
                map.register(&format!("{path}.SAMPLE1"))?,
                map.register(&format!("{path}.SAMPLE2"))?,
                map.register(&format!("{path}.SAMPLE3"))?,
                map.register(&format!("{path}.SAMPLE4"))?,
                map.register(&format!("{path}.SAMPLE5"))?,
                map.register(&format!("{path}.SAMPLE6"))?,
                map.register(&format!("{path}.SAMPLE7"))?,
            ],
            ring_offset: map.register(&format!("{path}.RING_OFFSET"))?,
            ring_frames: map.register(&format!("{path}.RING_FRAMES"))?,
            producer: map.register(&format!("{path}.PRODUCER"))?,
            consumer: map.register(&format!("{path}.CONSUMER"))?,
            period_frames: map.register(&format!("{path}.PERIOD_FRAMES"))?,
            entry: map.register(&format!("{path}.ENTRY"))?,
            list_address_low: map.register(&format!("{path}.LIST_ADDRESS_LOW"))?,
            list_address_high: map.register(&format!("{path}.LIST_ADDRESS_HIGH"))?,
            list_entries: map.register(&format!("{path}.LIST_ENTRIES"))?,
            position: map.register(&format!("{path}.POSITION"))?,
            end_frames: map.register(&format!("{path}.END_FRAMES"))?,
        })
    }
}

/// Control of the transmitter.
pub(crate) struct TxControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The transmitter takes frames from the FIFO, at once or as soon as there is one; the first one is played
    /// then, frame n after n / `TX.RATE` seconds.
    pub(crate) enable: FieldHandle,
    /// When the last frame has been played, the transmitter stops: enable and drain are cleared,
    /// `SYSTEM.INTERRUPT_STATUS.tx_drained` is set, and there is no underrun.
    pub(crate) drain: FieldHandle,
    /// 1 empties the FIFO.
    pub(crate) flush: FieldHandle,
    /// No frame is played while it is set, and none is missed: the time is cut out, so that the next frame is as
    /// far away when it is cleared as it was when it was set.
    pub(crate) pause: FieldHandle,
    /// Every sample is played as 0.
    pub(crate) mute: FieldHandle,
    /// How frames come into the FIFO.
    pub(crate) way: FieldHandle,
    /// After the last entry of the list the first one follows.
    pub(crate) cyclic: FieldHandle,
}

impl TxControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            drain: map.field(&format!("{path}.drain"))?,
            flush: map.field(&format!("{path}.flush"))?,
            pause: map.field(&format!("{path}.pause"))?,
            mute: map.field(&format!("{path}.mute"))?,
            way: map.field(&format!("{path}.way"))?,
            cyclic: map.field(&format!("{path}.cyclic"))?,
        })
    }
}

/// What a frame is.
pub(crate) struct TxFormat {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Bits of a sample.
    pub(crate) sample_bits: FieldHandle,
    /// Samples of a frame, 1 to 8: writing the SAMPLE register of the last one completes a frame.
    pub(crate) channels: FieldHandle,
    /// A sample of 24 bits takes 3 bytes in memory; else 4, of which the highest does not count.
    pub(crate) packed: FieldHandle,
}

impl TxFormat {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            sample_bits: map.field(&format!("{path}.sample_bits"))?,
            channels: map.field(&format!("{path}.channels"))?,
            packed: map.field(&format!("{path}.packed"))?,
        })
    }
}

/// State of the FIFO and the transmitter.
pub(crate) struct TxStatus {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Frames in the FIFO.
    pub(crate) fill: FieldHandle,
    /// The FIFO is full, with 1,024 frames.
    pub(crate) full: FieldHandle,
    /// The FIFO is empty.
    pub(crate) empty: FieldHandle,
    /// The FIFO has at most `TX.LOW_MARK` frames.
    pub(crate) low: FieldHandle,
    /// Frames are being played.
    pub(crate) running: FieldHandle,
    /// There has been an underrun since `TX.CONTROL.enable` was last set: a frame was due and the FIFO empty.
    pub(crate) underrun: FieldHandle,
    /// A frame was written to the full FIFO and dropped.
    pub(crate) overflow: FieldHandle,
    /// Why the transmitter has stopped, until `TX.CONTROL.enable` is set again.
    pub(crate) error: FieldHandle,
}

impl TxStatus {
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
            error: map.field(&format!("{path}.error"))?,
        })
    }
}

/// When the FIFO counts as low.
pub(crate) struct TxLowMark {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// With this many frames or fewer, `TX.STATUS.low` is 1.
    pub(crate) frames: FieldHandle,
}

impl TxLowMark {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, frames: map.field(&format!("{path}.frames"))? })
    }
}

/// How loud samples are played.
pub(crate) struct TxVolume {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Each sample is multiplied by it and divided by 256, rounded down: 256 leaves it as it is.
    pub(crate) gain: FieldHandle,
}

impl TxVolume {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, gain: map.field(&format!("{path}.gain"))? })
    }
}

/// The audio receiver: takes frames of samples at `RX.RATE` into a FIFO of 1,024 frames, which is emptied in
/// one of three ways: by registers, to a ring in the sample window, or by DMA.
pub(crate) struct Rx {
    /// Control of the receiver.
    pub(crate) control: RxControl,
    /// What a frame is.
    pub(crate) format: RxFormat,
    /// Frames received a second, in Hz.
    pub(crate) rate: RegisterHandle,
    /// State of the FIFO and the receiver.
    pub(crate) status: RxStatus,
    /// Frames lost to overruns since reset; it stops at its highest value.
    pub(crate) overrun_count: RegisterHandle,
    /// Frames taken into the FIFO since `RX.CONTROL.enable` was last set, modulo 2^32.
    pub(crate) frames_received: RegisterHandle,
    /// When the FIFO counts as high.
    pub(crate) high_mark: RxHighMark,
    /// How loud samples are received.
    pub(crate) volume: RxVolume,
    /// A sample of the oldest frame in the FIFO, by channel, with its sign extended to 32 bits; 0 for channels that
    /// `RX.FORMAT` does not have.
    pub(crate) sample: [RegisterHandle; 8],
    /// Where in the sample window the ring begins, in bytes.
    pub(crate) ring_offset: RegisterHandle,
    /// Frames that the ring has room for; one of them is always free.
    pub(crate) ring_frames: RegisterHandle,
    /// The frame of the ring, below `RX.RING_FRAMES`, that software reads next; while `RX.CONTROL.enable` is set,
    /// any other value has no effect.
    pub(crate) consumer: RegisterHandle,
    /// The frame of the ring that the receiver writes next: those from `RX.CONSUMER` up to it are there to be read.
    pub(crate) producer: RegisterHandle,
    /// After each so many frames received `SYSTEM.INTERRUPT_STATUS.rx_period` is set; never with 0.
    pub(crate) period_frames: RegisterHandle,
    /// The entry of the list, from 0, that the DMA is at; `RX.LIST_ENTRIES` when it is through.
    pub(crate) entry: RegisterHandle,
    /// Where the list is in guest memory: bits 31 to 0 of the address.
    pub(crate) list_address_low: RegisterHandle,
    /// Bits 63 to 32 of the list's address.
    pub(crate) list_address_high: RegisterHandle,
    /// Entries of the list.
    pub(crate) list_entries: RegisterHandle,
    /// Frames of the list's memory that have been written in this pass of it, modulo 2^32.
    pub(crate) position: RegisterHandle,
    /// The receiver stops when `RX.FRAMES_RECEIVED` is this and the FIFO, if it is emptied by the receiver, empty;
    /// never by itself if it is 0.
    pub(crate) end_frames: RegisterHandle,
}

impl Rx {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            control: RxControl::find(map, &format!("{path}.CONTROL"))?,
            format: RxFormat::find(map, &format!("{path}.FORMAT"))?,
            rate: map.register(&format!("{path}.RATE"))?,
            status: RxStatus::find(map, &format!("{path}.STATUS"))?,
            overrun_count: map.register(&format!("{path}.OVERRUN_COUNT"))?,
            frames_received: map.register(&format!("{path}.FRAMES_RECEIVED"))?,
            high_mark: RxHighMark::find(map, &format!("{path}.HIGH_MARK"))?,
            volume: RxVolume::find(map, &format!("{path}.VOLUME"))?,
            sample: [
                map.register(&format!("{path}.SAMPLE0"))?,
                map.register(&format!("{path}.SAMPLE1"))?,
                map.register(&format!("{path}.SAMPLE2"))?,
                map.register(&format!("{path}.SAMPLE3"))?,
                map.register(&format!("{path}.SAMPLE4"))?,
                map.register(&format!("{path}.SAMPLE5"))?,
                map.register(&format!("{path}.SAMPLE6"))?,
                map.register(&format!("{path}.SAMPLE7"))?,
            ],
            ring_offset: map.register(&format!("{path}.RING_OFFSET"))?,
            ring_frames: map.register(&format!("{path}.RING_FRAMES"))?,
            consumer: map.register(&format!("{path}.CONSUMER"))?,
            producer: map.register(&format!("{path}.PRODUCER"))?,
            period_frames: map.register(&format!("{path}.PERIOD_FRAMES"))?,
            entry: map.register(&format!("{path}.ENTRY"))?,
            list_address_low: map.register(&format!("{path}.LIST_ADDRESS_LOW"))?,
            list_address_high: map.register(&format!("{path}.LIST_ADDRESS_HIGH"))?,
            list_entries: map.register(&format!("{path}.LIST_ENTRIES"))?,
            position: map.register(&format!("{path}.POSITION"))?,
            end_frames: map.register(&format!("{path}.END_FRAMES"))?,
        })
    }
}

/// Control of the receiver.
pub(crate) struct RxControl {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// The receiver takes frames: the first one at once, frame n after n / `RX.RATE` seconds.
    pub(crate) enable: FieldHandle,
    /// The frames are those that the transmitter plays, when it plays them, in the place of the block's audio
    /// input: as they sound, of each sample the highest bits that `RX.FORMAT.sample_bits` has room for, 0 for
    /// channels that the transmitter does not have.
    pub(crate) loopback: FieldHandle,
    /// 1 empties the FIFO.
    pub(crate) flush: FieldHandle,
    /// No frame is received while it is set, and none is missed: the time is cut out, so that the next frame is as
    /// far away when it is cleared as it was when it was set.
    pub(crate) pause: FieldHandle,
    /// Every sample is received as 0.
    pub(crate) mute: FieldHandle,
    /// How frames come out of the FIFO.
    pub(crate) way: FieldHandle,
    /// After the last entry of the list the first one follows.
    pub(crate) cyclic: FieldHandle,
}

impl RxControl {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            enable: map.field(&format!("{path}.enable"))?,
            loopback: map.field(&format!("{path}.loopback"))?,
            flush: map.field(&format!("{path}.flush"))?,
            pause: map.field(&format!("{path}.pause"))?,
            mute: map.field(&format!("{path}.mute"))?,
            way: map.field(&format!("{path}.way"))?,
            cyclic: map.field(&format!("{path}.cyclic"))?,
        })
    }
}

/// What a frame is.
pub(crate) struct RxFormat {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Bits of a sample.
    pub(crate) sample_bits: FieldHandle,
    /// Samples of a frame, 1 to 8: reading the SAMPLE register of the last one completes a frame.
    pub(crate) channels: FieldHandle,
    /// A sample of 24 bits takes 3 bytes in memory; else 4, of which the highest has copies of the sign.
    pub(crate) packed: FieldHandle,
}

impl RxFormat {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            sample_bits: map.field(&format!("{path}.sample_bits"))?,
            channels: map.field(&format!("{path}.channels"))?,
            packed: map.field(&format!("{path}.packed"))?,
        })
    }
}

/// State of the FIFO and the receiver.
pub(crate) struct RxStatus {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Frames in the FIFO.
    pub(crate) fill: FieldHandle,
    /// The FIFO is full, with 1,024 frames.
    pub(crate) full: FieldHandle,
    /// The FIFO is empty.
    pub(crate) empty: FieldHandle,
    /// The FIFO has at least `RX.HIGH_MARK` frames.
    pub(crate) high: FieldHandle,
    /// Frames are being received.
    pub(crate) running: FieldHandle,
    /// There has been an overrun since `RX.CONTROL.enable` was last set: a frame was received and the FIFO full,
    /// and it is lost.
    pub(crate) overrun: FieldHandle,
    /// A sample was read from the empty FIFO, as 0.
    pub(crate) underflow: FieldHandle,
    /// Why the receiver has stopped, until `RX.CONTROL.enable` is set again.
    pub(crate) error: FieldHandle,
}

impl RxStatus {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self {
            register: map.register(path)?,
            fill: map.field(&format!("{path}.fill"))?,
            full: map.field(&format!("{path}.full"))?,
            empty: map.field(&format!("{path}.empty"))?,
            high: map.field(&format!("{path}.high"))?,
            running: map.field(&format!("{path}.running"))?,
            overrun: map.field(&format!("{path}.overrun"))?,
            underflow: map.field(&format!("{path}.underflow"))?,
            error: map.field(&format!("{path}.error"))?,
        })
    }
}

/// When the FIFO counts as high.
pub(crate) struct RxHighMark {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// With this many frames or more, `RX.STATUS.high` is 1.
    pub(crate) frames: FieldHandle,
}

impl RxHighMark {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, frames: map.field(&format!("{path}.frames"))? })
    }
}

/// How loud samples are received.
pub(crate) struct RxVolume {
    /// The register.
    pub(crate) register: RegisterHandle,
    /// Each sample is multiplied by it and divided by 256, rounded down: 256 leaves it as it is.
    pub(crate) gain: FieldHandle,
}

impl RxVolume {
    fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {
        Ok(Self { register: map.register(path)?, gain: map.field(&format!("{path}.gain"))? })
    }
}
