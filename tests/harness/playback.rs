//! Playing a WAV file through the guest's driver.

use crate::error::BoardError;
use crate::guest::Guest;
use crate::program::{GuestProgram, ProgramOutput};
use crate::wav::Wav;

/// Where the samples are put in the guest.
const SAMPLES: &str = "/tmp/samples";

/// Sends the samples to the guest and gives the program that plays them.
pub fn player(guest: &Guest, wav: &Wav) -> Result<GuestProgram, BoardError> {
    guest.write_file(SAMPLES, wav.driver_bytes())?;
    let format = wav.format;
    let (rate, bits, channels) =
        (format.rate_hz.to_string(), format.sample_bits.to_string(), format.channels.to_string());
    Ok(["play", "--rate", &rate, "--bits", &bits, "--channels", &channels, SAMPLES].into())
}

/// Plays `wav` through the driver, which must be loaded, and waits until the last frame has been played.
pub fn play(guest: &Guest, wav: &Wav) -> Result<ProgramOutput, BoardError> {
    guest.run(player(guest, wav)?)
}
