//! What the fuzz targets share: the device.

use device::{ClockMode, Device, Nowhere, SampleWindow};
use pwm_audio::{PCI_IDENTITY, PwmAudio, WINDOW_BYTES};

/// The PWM/audio device in its cold state; what it plays goes nowhere.
///
/// # Panics
/// When the system has no memory for its window.
#[must_use]
pub fn device(clock: ClockMode) -> Device {
    let window = SampleWindow::new(WINDOW_BYTES).expect("memory for the window");
    Device::new(Box::new(PwmAudio::default()), PCI_IDENTITY, window, clock, Box::new(Nowhere))
}
