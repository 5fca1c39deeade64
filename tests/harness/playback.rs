//! Playing a WAV file through the guest's driver.

use std::time::Duration;

use crate::error::BoardError;
use crate::guest::Guest;
use crate::program::{GuestProgram, ProgramOutput};
use crate::wav::Wav;

/// The most bytes of samples that are sent to a guest: what one request of its agent carries.
pub const MAXIMUM_SAMPLE_BYTES: usize = agent_protocol::MAXIMUM_CONTENT_BYTES;

/// Where the samples are put in the guest.
const SAMPLES: &str = "/tmp/samples";

/// Sends the samples to the guest and gives the program that plays them, within [`patience`].
pub fn player(guest: &Guest, wav: &Wav) -> Result<GuestProgram, BoardError> {
    guest.write_file(SAMPLES, wav.driver_bytes())?;
    let format = wav.format;
    let (rate, bits, channels) =
        (format.rate_hz.to_string(), format.sample_bits.to_string(), format.channels.to_string());
    Ok(["play", "--rate", &rate, "--bits", &bits, "--channels", &channels, SAMPLES].into())
}

/// How long playing may take before it counts as hung. A frame is a trapped access, of which the slowest seen took 0.4 ms,
/// and in real time it lasts as long as it sounds.
pub fn patience(wav: &Wav) -> Duration {
    Duration::from_secs(30) + Duration::from_millis(wav.frames() as u64) + Duration::from_secs_f64(wav.seconds())
}

/// Plays `wav` through the driver, which must be loaded, and waits until the last frame has been played.
pub fn play(guest: &Guest, wav: &Wav) -> Result<ProgramOutput, BoardError> {
    let program = player(guest, wav)?;
    guest.with_call_limit(patience(wav)).run(program)
}
