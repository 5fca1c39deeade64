// SPDX-License-Identifier: GPL-2.0

//! The sound card: `hw:PWMaudio`.
//!
//! - PCM device 0 plays and records by DMA.
//! - The mixer has volume, switch and loopback.
//!
//! An open stream has the transmitter or the receiver for itself: `EBUSY` if somebody else has it,
//! another PCM device or a file of the character device.

use crate::{
    dma_pcm::DmaPcm,
    hardware::Hardware,
    interrupts::Client,
    mixer::Mixer,
    registers::SYSTEM_INTERRUPT_STATUS,
    sound::{
        card::{
            Names,
            NewCard, //
        },
        pcm::Pcm,
        stream::{
            Direction,
            Stopped, //
        }, //
    },
    PwmAudioModule, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    module::this_module,
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// The streams of the card, as the interrupt thread knows them.
pub(crate) struct Streams {
    dma: Arc<Pcm<DmaPcm>>,
}

/// Makes a card of `device`, whose block is `hardware`. It is to be registered when interrupts
/// come.
pub(crate) fn new_card<'bound>(
    device: &'bound Device<Bound>,
    hardware: &Arc<Hardware>,
) -> Result<(NewCard<'bound>, Arc<Streams>)> {
    let long = CString::try_from_fmt(fmt!("PWM/audio at {}", device.name().to_str()?))?;
    let names = Names {
        id: c"PWMaudio",
        driver: c"pwm_audio",
        short: c"PWM/audio",
        long: &long,
    };
    let card = NewCard::new(device, this_module::<PwmAudioModule>(), &names)?;
    let mixer = Mixer::new(hardware.clone())?;
    for control in Mixer::CONTROLS {
        control.add(&card, mixer.clone())?;
    }
    let dma = Pcm::new(&card, 0, DmaPcm::new(hardware.clone()))?;
    Ok((card, Arc::new(Streams { dma }, GFP_KERNEL)?))
}

impl Client for Streams {
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        if pending.tx_period() {
            self.dma.period_elapsed(Direction::Playback);
        }
        if pending.rx_period() {
            self.dma.period_elapsed(Direction::Capture);
        }
        if pending.tx_drained() || pending.tx_error() || pending.tx_underrun() {
            self.check(Direction::Playback);
        }
        if pending.rx_error() || pending.rx_overrun() {
            self.check(Direction::Capture);
        }
    }

    fn device_gone(&self) {
        self.dma.stop(Direction::Playback, Stopped::Disconnected);
        self.dma.stop(Direction::Capture, Stopped::Disconnected);
    }
}

impl Streams {
    /// Tells the stream what the unit itself says: the news may be of a stream before it.
    fn check(&self, direction: Direction) {
        let dma = self.dma.driver();
        if dma.has_ended(direction) == Ok(true) {
            self.dma.ended(direction);
        } else if dma.has_failed(direction) == Ok(true) {
            self.dma.stop(direction, Stopped::Xrun);
        }
    }
}
