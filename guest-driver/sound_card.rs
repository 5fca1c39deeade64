// SPDX-License-Identifier: GPL-2.0

//! The sound card: `hw:PWMaudio`.
//!
//! - PCM device 0 plays and records by DMA, device 1 over the sample window.
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
        pcm::{
            Pcm,
            PcmDriver, //
        },
        stream::{
            Direction,
            Stopped, //
        }, //
    },
    unit_stream::News,
    window_pcm::WindowPcm,
    windows::Slot,
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
    window: Arc<Pcm<WindowPcm>>,
    mixer: Arc<Mixer>,
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
    let slot = Slot::of(device.name())?;
    let window = Pcm::new(&card, 1, WindowPcm::new(hardware.clone(), slot))?;
    let streams = Streams { dma, window, mixer };
    Ok((card, Arc::new(streams, GFP_KERNEL)?))
}

/// What the interrupt thread needs of a PCM device. Those that are not open take no notice.
trait Listener {
    fn news(&self, direction: Direction) -> Result<News>;
}

impl Listener for DmaPcm {
    fn news(&self, direction: Direction) -> Result<News> {
        self.streams.news(direction)
    }
}

impl Listener for WindowPcm {
    fn news(&self, direction: Direction) -> Result<News> {
        self.streams.news(direction)
    }
}

impl Client for Streams {
    fn handle_interrupt(&self, pending: SYSTEM_INTERRUPT_STATUS) {
        handle(&self.dma, pending);
        handle(&self.window, pending);
    }

    fn device_gone(&self) {
        for direction in Direction::ALL {
            self.dma.stop(direction, Stopped::Disconnected);
            self.window.stop(direction, Stopped::Disconnected);
        }
    }

    fn reset_prepare(&self) {
        for direction in Direction::ALL {
            self.dma.stop(direction, Stopped::Reset);
            self.window.stop(direction, Stopped::Reset);
        }
    }

    fn reset_done(&self) {
        // What does not answer is given up by whoever needs the answer.
        let _ = self.mixer.restore();
    }
}

fn handle<T: PcmDriver + Listener>(pcm: &Pcm<T>, pending: SYSTEM_INTERRUPT_STATUS) {
    if pending.tx_period() {
        pcm.period_elapsed(Direction::Playback);
    }
    if pending.rx_period() {
        pcm.period_elapsed(Direction::Capture);
    }
    if pending.tx_drained() || pending.tx_error() || pending.tx_underrun() {
        check(pcm, Direction::Playback);
    }
    if pending.rx_error() || pending.rx_overrun() {
        check(pcm, Direction::Capture);
    }
}

/// Tells the stream what the unit itself says: the news may be of a stream before it.
fn check<T: PcmDriver + Listener>(pcm: &Pcm<T>, direction: Direction) {
    match pcm.driver().news(direction) {
        Ok(News::Ended) => pcm.ended(direction),
        Ok(News::Failed) => pcm.stop(direction, Stopped::Xrun),
        // It is not open, or it is well, or the device is gone, of which it hears otherwise.
        Ok(News::None) | Err(_) => {}
    }
}
