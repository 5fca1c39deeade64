// SPDX-License-Identifier: GPL-2.0

//! A device that is reset, or sleeps with the system.
//!
//! - A reset of the function (`echo 1 > reset` in its folder in sysfs) ends the streams that are
//!   under way, and their users hear of it. What outlives streams is set again afterwards.
//! - When the system sleeps, streams are paused, and go on as if no time had passed; those of the
//!   sound card are ALSA's to pause. If the device has lost its state in its sleep, it is as after
//!   a reset.
//!
//! While the device is away, everything that would touch it fails with `EIO`.

use crate::{
    adapter::Driver,
    attributes::Groups,
    hardware::{
        Access,
        AfterAbsence,
        Hardware,
        Registers, //
    },
    registers::*,
    sysfs,
    DriverData,
    PwmAudioDriver,
    NO_DEVICE, //
};
use kernel::{
    io::Io,
    prelude::*, //
};

/// What the scratch register has while the system sleeps: no value after reset.
const ASLEEP: SYSTEM_SCRATCH = SYSTEM_SCRATCH::from_raw(0x5a5a_a5a5);

/// What the device has been doing when it fell asleep.
pub(crate) struct Asleep {
    transmitter_is_paused: bool,
    receiver_is_paused: bool,
    counts: Counts,
}

impl Asleep {
    /// Pauses what is running. What is paused already is left to whoever paused it.
    fn new(hardware: &Hardware, access: &Access<'_>) -> Self {
        let transmitter = access.read(TX_CONTROL);
        let transmitter_is_paused = transmitter.enable() && !transmitter.pause();
        if transmitter_is_paused {
            let before = access.read(TX_FRAMES_PLAYED).into_raw();
            access.write_reg(transmitter.with_pause(true));
            // It may have stopped by itself meanwhile, and then this has started it anew.
            if access.read(TX_FRAMES_PLAYED).into_raw() < before {
                access.write_reg(TX_CONTROL::zeroed());
            }
        }
        let receiver = access.read(RX_CONTROL);
        let receiver_is_paused = receiver.enable() && !receiver.pause();
        if receiver_is_paused {
            let control = &hardware.receiver_control;
            let before = access.read(RX_FRAMES_RECEIVED).into_raw();
            control.write(access, receiver.with_pause(true));
            if access.read(RX_FRAMES_RECEIVED).into_raw() < before {
                control.write(access, RX_CONTROL::zeroed());
            }
        }
        access.write_reg(ASLEEP);
        Self {
            transmitter_is_paused,
            receiver_is_paused,
            // Reading makes sure that the device has seen the writes, which are posted.
            counts: Counts::read(access),
        }
    }

    /// Has everything go on, if the device has kept its state.
    fn wake(&self, hardware: &Hardware, access: &Access<'_>) -> Result {
        if access.read(SYSTEM_SCRATCH) != ASLEEP {
            return Err(EIO);
        }
        if self.transmitter_is_paused {
            access.write_reg(access.read(TX_CONTROL).with_pause(false));
        }
        if self.receiver_is_paused {
            let receiver = access.read(RX_CONTROL).with_pause(false);
            hardware.receiver_control.write(access, receiver);
        }
        access.write_reg(SYSTEM_SCRATCH::zeroed());
        Ok(())
    }
}

/// What the device has counted since its latest reset.
#[derive(Default)]
struct Counts {
    underruns: u32,
    overruns: u32,
}

impl Counts {
    fn read(registers: &Registers<'_>) -> Self {
        let underruns = registers.read(TX_UNDERRUN_COUNT).into_raw();
        let overruns = registers.read(RX_OVERRUN_COUNT).into_raw();
        if underruns == NO_DEVICE && overruns == NO_DEVICE {
            return Self::default();
        }
        Self {
            underruns,
            overruns,
        }
    }
}

impl DriverData<'_> {
    fn leave<T>(&self, last: impl FnOnce(&Access<'_>) -> Result<T>) -> Result<T> {
        self.hardware.leave(|| self.interrupt.synchronize(), last)
    }

    /// The device is about to lose its state, or has lost it.
    fn lose(&self, counts: &Counts) {
        let counters = &self.hardware.counters;
        counters.underruns_before_reset.add(counts.underruns.into());
        counters.overruns_before_reset.add(counts.overruns.into());
        for client in self.clients.iter() {
            client.reset_prepare();
        }
    }

    /// The device has been reset.
    fn start_again(&self) {
        let found = self.hardware.come_back(|access| {
            if access.read(SYSTEM_IDENTITY) != SYSTEM_IDENTITY::RESET {
                return Err(ENODEV);
            }
            // Whichever way the function was reset in: now the block is, too.
            access.write_reg(SYSTEM_CONTROL::zeroed().with_reset(true));
            Ok(AfterAbsence::Reset)
        });
        if found.is_err() {
            self.hardware.give_up_anyway();
        }
        for client in self.clients.iter() {
            match found {
                Ok(()) => client.reset_done(),
                Err(_) => client.device_gone(),
            }
        }
    }
}

impl Driver for PwmAudioDriver {
    const ATTRIBUTES: &'static Groups<Self> = &sysfs::GROUPS;

    fn reset_prepare(data: Pin<&DriverData<'_>>) {
        let _awake = data.hardware.awake();
        let counts = data.leave(|access| Ok(Counts::read(access)));
        // A device that is gone may be back after the reset, but not for this binding.
        data.lose(&counts.unwrap_or_default());
    }

    fn reset_done(data: Pin<&DriverData<'_>>) {
        data.start_again();
    }

    fn suspend(data: Pin<&DriverData<'_>>) -> Result {
        let asleep = data.leave(|access| Ok(Asleep::new(&data.hardware, access)));
        // A device that is gone does not keep the system from sleeping.
        *data.asleep.lock() = asleep.ok();
        Ok(())
    }

    fn resume(data: Pin<&DriverData<'_>>) -> Result {
        let Some(asleep) = data.asleep.lock().take() else {
            return Ok(());
        };
        let woken = data.hardware.come_back(|access| {
            asleep.wake(&data.hardware, access)?;
            Ok(AfterAbsence::Unchanged)
        });
        if woken.is_err() {
            data.lose(&asleep.counts);
            data.start_again();
        }
        Ok(())
    }
}
