// SPDX-License-Identifier: GPL-2.0

//! The controls of the card: how loud the transmitter plays and the receiver records, and what it
//! records. They are of the block, and so of whoever plays and records.
//!
//! What is switched off has a gain of 0, which is as silent as `TX_CONTROL.mute`: that bit could
//! not be written without the others, `enable` among them, and would start a transmitter anew that
//! has just stopped by itself.

use crate::{
    hardware::{
        Access,
        Hardware,
        Unit, //
    },
    registers::{
        RX_VOLUME,
        TX_VOLUME, //
    },
    sound::control::{
        Control,
        Range, //
    }, //
};
use kernel::{
    io::Io,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// How loud a unit is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Level {
    /// In parts of [`Level::UNITY`].
    gain: u32,
    is_on: bool,
}

impl Level {
    const UNITY: u32 = TX_VOLUME::GAIN_MAXIMUM;

    /// What a unit has after reset.
    const RESET: Self = Self {
        gain: Self::UNITY,
        is_on: true,
    };

    fn audible_gain(self) -> u32 {
        if self.is_on {
            self.gain
        } else {
            0
        }
    }

    fn write(self, unit: Unit, access: &Access<'_>) -> Result {
        let gain = self.audible_gain();
        match unit {
            Unit::Transmitter => access.write_reg(TX_VOLUME::zeroed().try_with_gain(gain)?),
            Unit::Receiver => access.write_reg(RX_VOLUME::zeroed().try_with_gain(gain)?),
        }
        Ok(())
    }
}

kernel::static_assert!(RX_VOLUME::GAIN_MAXIMUM == Level::UNITY);

struct Levels {
    transmitter: Level,
    receiver: Level,
}

impl Levels {
    fn of(&mut self, unit: Unit) -> &mut Level {
        match unit {
            Unit::Transmitter => &mut self.transmitter,
            Unit::Receiver => &mut self.receiver,
        }
    }
}

/// What the controls control.
#[pin_data]
pub(crate) struct Mixer {
    hardware: Arc<Hardware>,
    #[pin]
    levels: Mutex<Levels>,
}

impl Mixer {
    /// What there is to control.
    pub(crate) const CONTROLS: &'static [Control<Self>] = &[
        Control {
            name: c"Master Playback Volume",
            range: Range::Volume {
                maximum: Level::UNITY,
            },
            get: |this| Ok(this.level(Unit::Transmitter).gain),
            set: |this, gain| this.change(Unit::Transmitter, |level| Level { gain, ..level }),
        },
        Control {
            name: c"Master Playback Switch",
            range: Range::Switch,
            get: |this| Ok(this.level(Unit::Transmitter).is_on.into()),
            set: |this, on| {
                this.change(Unit::Transmitter, |level| Level {
                    is_on: on != 0,
                    ..level
                })
            },
        },
        Control {
            name: c"Capture Volume",
            range: Range::Volume {
                maximum: Level::UNITY,
            },
            get: |this| Ok(this.level(Unit::Receiver).gain),
            set: |this, gain| this.change(Unit::Receiver, |level| Level { gain, ..level }),
        },
        Control {
            name: c"Capture Switch",
            range: Range::Switch,
            get: |this| Ok(this.level(Unit::Receiver).is_on.into()),
            set: |this, on| {
                this.change(Unit::Receiver, |level| Level {
                    is_on: on != 0,
                    ..level
                })
            },
        },
        Control {
            name: c"Loopback Switch",
            range: Range::Switch,
            get: |this| Ok(this.hardware.receiver_control.loopback().into()),
            set: |this, on| {
                let _awake = this.hardware.awake()?;
                let access = this.hardware.access()?;
                let control = &this.hardware.receiver_control;
                Ok(control.set_loopback(&access, on != 0))
            },
        },
    ];

    /// The mixer of a block that was just reset.
    pub(crate) fn new(hardware: Arc<Hardware>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                hardware,
                levels <- new_mutex!(Levels {
                    transmitter: Level::RESET,
                    receiver: Level::RESET,
                }),
            }),
            GFP_KERNEL,
        )
    }

    fn level(&self, unit: Unit) -> Level {
        *self.levels.lock().of(unit)
    }

    /// Returns whether `change` has changed anything.
    fn change(&self, unit: Unit, change: impl FnOnce(Level) -> Level) -> Result<bool> {
        let _awake = self.hardware.awake()?;
        let mut levels = self.levels.lock();
        let level = levels.of(unit);
        let changed = change(*level);
        if *level == changed {
            return Ok(false);
        }
        changed.write(unit, &self.hardware.access()?)?;
        *level = changed;
        Ok(true)
    }

    /// Sets all again in a block that was reset.
    pub(crate) fn restore(&self) -> Result {
        let levels = self.levels.lock();
        let access = self.hardware.access()?;
        levels.transmitter.write(Unit::Transmitter, &access)?;
        levels.receiver.write(Unit::Receiver, &access)?;
        self.hardware.receiver_control.restore(&access);
        Ok(())
    }
}
