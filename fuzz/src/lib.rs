//! What the fuzz targets share: the device.

use device::{ClockMode, Device, Nowhere};
use pwm_audio::{PCI_IDENTITY, PwmAudio};

/// The PWM/audio device in its cold state; what it plays goes nowhere.
#[must_use]
pub fn device(clock: ClockMode) -> Device {
    Device::new(Box::new(PwmAudio::default()), PCI_IDENTITY, clock, Box::new(Nowhere))
}
