// SPDX-License-Identifier: GPL-2.0

//! The PWM channels as a chip of the PWM subsystem: `/sys/class/pwm/pwmchip0`, `/dev/pwmchip0` and
//! other drivers.
//!
//! All of a waveform is the hardware's: period, duty and offset, each rounded down to the block's
//! clock. An inverted polarity, which the subsystem says as an offset, needs nothing else.
//!
//! - A running channel goes on with its new waveform at the end of its period; no period has a part
//!   of the old waveform and a part of the new one. If the one before has still to be taken, its
//!   period is waited for.
//! - A channel that is switched off stops at once, and its output is low.
//! - The device stays awake while a channel is on. A reset of it stops the outputs, and after it
//!   they start anew with what they had.
//! - Unbinding leaves the outputs as they are; the next probe stops them.
//!
//! Limits:
//! - Waiting for a period, which may take 43 s with a clock of 100 MHz, no signal ends.
//! - While the device is being reset, or the system is about to sleep, everything fails with `EIO`.
//! - When the system sleeps, the subsystem switches off what sysfs has switched on, until it wakes.
//!   Other channels go on in D3hot, with this block.

use crate::{
    hardware::{
        Hardware,
        Registers, //
    },
    interrupts::Client,
    power::Awake,
    pwm_registration,
    registers::*,
    NO_DEVICE, //
};
use core::num::NonZero;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    io::{
        register::{
            RegisterArray,
            RegisterArrayLoc, //
        },
        Io, //
    },
    new_mutex,
    prelude::*,
    pwm::{
        self,
        RoundedWaveform,
        Waveform, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic,
        NSEC_PER_SEC, //
    },
};

const NS_PER_S: u64 = NSEC_PER_SEC as u64;

/// How often an update that is waited for is asked after.
const POLL_INTERVAL: Delta = Delta::from_millis(1);

/// The clock that the channels count.
struct Clock {
    hz: NonZero<u64>,
}

impl Clock {
    /// [`EINVAL`] for a clock that does not run, or one that nanoseconds are too coarse for.
    fn new(hz: u32) -> Result<Self> {
        let hz = NonZero::new(u64::from(hz)).ok_or(EINVAL)?;
        if hz.get() > NS_PER_S {
            return Err(EINVAL);
        }
        Ok(Self { hz })
    }

    /// The cycles that `ns` has room for, at most what a register holds.
    fn cycles(&self, ns: u64) -> u32 {
        // In this order nothing overflows: the product is less than 2^33 times 10^9.
        let ns = ns.min(self.ns(u32::MAX));
        u32::try_from(ns * self.hz.get() / NS_PER_S).unwrap_or(u32::MAX)
    }

    /// The first nanosecond at which `cycles` are over, so that [`Self::cycles`] of it are as many.
    fn ns(&self, cycles: u32) -> u64 {
        (u64::from(cycles) * NS_PER_S + (self.hz.get() - 1)) / self.hz
    }
}

/// What the registers of a channel have. With a period of 0 it is switched off.
#[derive(Clone, Copy, Default)]
pub(crate) struct HardwareWaveform {
    period_cycles: u32,
    duty_cycles: u32,
    offset_cycles: u32,
}

impl HardwareWaveform {
    fn is_on(&self) -> bool {
        self.period_cycles != 0
    }
}

const CHANNELS: usize = PWM_CONTROL::SIZE;

/// What the channels have been told.
#[derive(Default)]
struct Outputs {
    waveforms: [HardwareWaveform; CHANNELS],
    /// While one of them is on.
    awake: Option<Awake>,
}

/// The channels.
///
/// Outlives the binding of the driver while a file of the chip is open, but no operation does.
#[pin_data]
pub(crate) struct Channels {
    hardware: Arc<Hardware>,
    clock: Clock,
    /// Taken before access to the registers.
    #[pin]
    outputs: Mutex<Outputs>,
}

impl Channels {
    /// The channels of a device that was just reset.
    pub(crate) fn new(device: &Device<Bound>, hardware: Arc<Hardware>) -> Result<Arc<Self>> {
        let clock_hz = hardware.access()?.read(SYSTEM_CLOCK_HZ).into_raw();
        let clock = Clock::new(clock_hz).inspect_err(|_| {
            dev_err!(
                device,
                "PWM clock of 1 to {NS_PER_S} Hz expected, {clock_hz} Hz found\n"
            );
        })?;
        let channels = pin_init!(Self {
            hardware,
            clock,
            outputs <- new_mutex!(Outputs::default()),
        });
        Arc::pin_init(channels, GFP_KERNEL)
    }

    /// Gives `channel` its waveform; `false` if it has still to take the one before.
    fn try_write(&self, channel: usize, wanted: &HardwareWaveform) -> Result<bool> {
        let awake = self.hardware.awake()?;
        let mut outputs = self.outputs.lock();
        {
            let registers = self.hardware.access()?;
            let is_running = read_control(&registers, channel)?.enable();
            // The channel could take the registers when only some of them have been written.
            if is_running && wanted.is_on() && is_updating(&registers, channel)? {
                return Ok(false);
            }
            write(&registers, channel, wanted, is_running)?;
        }
        *outputs.waveforms.get_mut(channel).ok_or(EINVAL)? = *wanted;
        let is_used = outputs.waveforms.iter().any(HardwareWaveform::is_on);
        outputs.awake = is_used.then_some(awake);
        Ok(true)
    }
}

impl Client for Channels {
    fn handle_interrupt(&self, _pending: SYSTEM_INTERRUPT_STATUS) {}

    fn device_gone(&self) {
        self.outputs.lock().awake = None;
    }

    fn reset_prepare(&self) {}

    fn reset_done(&self) {
        let outputs = self.outputs.lock();
        let Ok(registers) = self.hardware.access() else {
            return;
        };
        for (channel, waveform) in outputs.waveforms.iter().enumerate() {
            if waveform.is_on() {
                // Cannot fail: there is such a channel.
                let _ = write(&registers, channel, waveform, false);
            }
        }
    }
}

/// The chip, as the subsystem has it.
pub(crate) struct PwmChip(Arc<Channels>);

impl PwmChip {
    /// Registers `channels` until the driver is unbound.
    pub(crate) fn register(device: &Device<Bound>, channels: Arc<Channels>) -> Result {
        let chip = pwm::Chip::new(device, CHANNELS as u32, Ok(Self(channels)))?;
        pwm_registration::register(device, chip)
    }
}

impl pwm::PwmOps for PwmChip {
    type WfHw = HardwareWaveform;

    fn round_waveform_tohw(
        chip: &pwm::Chip<Self>,
        _pwm: &pwm::Device,
        wanted: &Waveform,
    ) -> Result<RoundedWaveform<HardwareWaveform>> {
        let clock = &chip.drvdata().0.clock;
        if wanted.period_length_ns == 0 {
            return Ok(RoundedWaveform {
                status: 0,
                hardware_waveform: HardwareWaveform::default(),
            });
        }
        let period_cycles = clock.cycles(wanted.period_length_ns);
        // 0 does not count as a period: the subsystem wants the shortest then, and to know.
        let is_too_short = period_cycles == 0;
        let period_cycles = period_cycles.max(1);
        Ok(RoundedWaveform {
            status: is_too_short.into(),
            hardware_waveform: HardwareWaveform {
                period_cycles,
                duty_cycles: clock.cycles(wanted.duty_length_ns).min(period_cycles),
                // An offset in the last, cut-off cycle of the period would be one period.
                offset_cycles: clock.cycles(wanted.duty_offset_ns).min(period_cycles - 1),
            },
        })
    }

    fn round_waveform_fromhw(
        chip: &pwm::Chip<Self>,
        _pwm: &pwm::Device,
        hardware: &HardwareWaveform,
        waveform: &mut Waveform,
    ) -> Result {
        let clock = &chip.drvdata().0.clock;
        let Some(period_cycles) = NonZero::new(hardware.period_cycles) else {
            *waveform = Waveform::default();
            return Ok(());
        };
        *waveform = Waveform {
            period_length_ns: clock.ns(period_cycles.get()),
            duty_length_ns: clock.ns(hardware.duty_cycles.min(period_cycles.get())),
            duty_offset_ns: clock.ns(hardware.offset_cycles % period_cycles),
        };
        Ok(())
    }

    /// What the channel has, or will have from the end of its period on.
    fn read_waveform(
        chip: &pwm::Chip<Self>,
        pwm: &pwm::Device,
        _parent: &Device<Bound>,
    ) -> Result<HardwareWaveform> {
        let hardware = &chip.drvdata().0.hardware;
        let _awake = hardware.awake()?;
        let registers = hardware.access()?;
        let channel = pwm.hwpwm() as usize;
        let waveform = HardwareWaveform {
            period_cycles: registers.try_read(of::<PWM_PERIOD>(channel)?)?.into_raw(),
            duty_cycles: registers.try_read(of::<PWM_DUTY>(channel)?)?.into_raw(),
            offset_cycles: registers.try_read(of::<PWM_PHASE>(channel)?)?.into_raw(),
        };
        // Last: a device that answers this has answered the others, too, of which all ones may be
        // the value.
        if read_control(&registers, channel)?.enable() {
            Ok(waveform)
        } else {
            Ok(HardwareWaveform::default())
        }
    }

    fn write_waveform(
        chip: &pwm::Chip<Self>,
        pwm: &pwm::Device,
        wanted: &HardwareWaveform,
        _parent: &Device<Bound>,
    ) -> Result {
        let channels = &chip.drvdata().0;
        let start = Instant::<Monotonic>::now();
        let longest_ns = channels.clock.ns(u32::MAX).saturating_add(NS_PER_S);
        while !channels.try_write(pwm.hwpwm() as usize, wanted)? {
            if u64::try_from(start.elapsed().as_nanos()).is_ok_and(|waited| waited > longest_ns) {
                return Err(ETIMEDOUT);
            }
            fsleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

/// Writes the registers of `channel`, which has nothing to take any more.
fn write(
    registers: &Registers<'_>,
    channel: usize,
    wanted: &HardwareWaveform,
    is_running: bool,
) -> Result {
    let control = of::<PWM_CONTROL>(channel)?;
    if !wanted.is_on() {
        return registers.try_write(control, PWM_CONTROL::zeroed());
    }
    registers.try_write(
        of::<PWM_PERIOD>(channel)?,
        PWM_PERIOD::from_raw(wanted.period_cycles),
    )?;
    registers.try_write(
        of::<PWM_DUTY>(channel)?,
        PWM_DUTY::from_raw(wanted.duty_cycles),
    )?;
    registers.try_write(
        of::<PWM_PHASE>(channel)?,
        PWM_PHASE::from_raw(wanted.offset_cycles),
    )?;
    if is_running {
        let update = PWM_GROUP_UPDATE::zeroed()
            .try_with_channels(1u32 << channel)?
            .with_go(true);
        registers.write_reg(update);
        Ok(())
    } else {
        registers.try_write(control, PWM_CONTROL::zeroed().with_enable(true))
    }
}

/// Whether `channel` has still to take its registers at the end of its period.
fn is_updating(registers: &Registers<'_>, channel: usize) -> Result<bool> {
    let update = registers.read(PWM_GROUP_UPDATE);
    if update.into_raw() == NO_DEVICE {
        return Err(ENODEV);
    }
    Ok(update.pending().get() >> channel & 1 != 0)
}

/// Where `channel` has its register of this kind.
fn of<T: RegisterArray>(channel: usize) -> Result<RegisterArrayLoc<T>> {
    RegisterArrayLoc::try_new(channel).ok_or(EINVAL)
}

/// Reads the control register of `channel`; [`ENODEV`] if no device answers.
fn read_control(registers: &Registers<'_>, channel: usize) -> Result<PWM_CONTROL> {
    let control = registers.try_read(of::<PWM_CONTROL>(channel)?)?;
    if control.into_raw() == NO_DEVICE {
        return Err(ENODEV);
    }
    Ok(control)
}
