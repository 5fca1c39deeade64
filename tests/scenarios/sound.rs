//! The driver's sound card with ALSA's own programs, and with what of ALSA they do not use.
//!
//! Playbacks run in warp time: this does not show that a guest is fast enough for real time.

mod capture;
mod exactness;
mod mixer;
mod playback;
mod suspend;

use std::iter;

use cosim_tests::{Board, BoardError, Guest, GuestProgram, ProgramOutput, PwmAudio, Wav};
use device::{ClockMode, StreamFormat};
use device_model::AudioSource;

use crate::support::{MODULE, NODE, assert_quiet};

/// Options of `aplay` and `arecord`: ALSA gives up a wait after the time that a buffer lasts and a tenth, on the guest's clock,
/// and warp time waits a second for a guest that seems to compute, which on a busy host an idle one may do.
const PATIENCE: [&str; 2] = ["--buffer-time=1300000", "--period-time=125000"];

/// What is played, in the guest.
const FILE: &str = "/tmp/file";

/// A board with a card, in warp time.
struct CardBoard {
    board: Board,
    device: PwmAudio,
}

impl CardBoard {
    fn boot() -> Result<Self, BoardError> {
        Self::hearing(AudioSource::Silence)
    }

    /// With something for the receiver to hear.
    fn hearing(source: AudioSource) -> Result<Self, BoardError> {
        let device = PwmAudio::new(ClockMode::Warp).audio_input(source);
        let board = Board::builder().sound_programs().device(device.clone()).boot()?;
        board.guest().load_module(MODULE)?;
        Ok(Self { board, device })
    }

    fn guest(&self) -> &Guest {
        self.board.guest()
    }

    /// Runs `aplay`, which says nothing if all is well.
    fn aplay(&self, arguments: &[&str]) -> Result<ProgramOutput, BoardError> {
        let words = ["aplay", "-q"].iter().chain(&PATIENCE).chain(arguments);
        self.guest().run(GuestProgram::new(words))
    }

    /// Stream `number` of the device has the frames of `expected`, and silence after them at most.
    fn assert_played(&self, number: u32, expected: &Wav) {
        assert_frames(self.device.stream(number).expect("a capture"), expected);
    }

    /// Nothing has gone wrong, and every interrupt was handled.
    fn shutdown(self) -> Result<(), BoardError> {
        let counters = self.device.counters();
        let wrong = (counters.underruns, counters.overruns, counters.faults, counters.dma_failures);
        assert_eq!(wrong, (0, 0, 0, 0), "{counters:?}");
        let handled = self.guest().interrupts()?.count(NODE);
        assert_eq!(handled, Some(counters.interrupts), "raised by the device, handled by the driver");
        assert_quiet(self.guest())?;
        self.board.shutdown()
    }
}

/// A capture has the frames of `expected`, and then nothing but silence to the end of a period of aplay's.
fn assert_frames(mut played: Wav, expected: &Wav) {
    let padding = played.samples.split_off(expected.samples.len().min(played.samples.len()));
    assert_eq!(played.difference(expected), None);
    assert!(padding.iter().all(|sample| *sample == 0), "it ends with what nobody has played");
    // A period is an eighth of a second. Of a raw file that ends with one there is another.
    let StreamFormat { channels, rate_hz, .. } = expected.format;
    let padding_frames = padding.len() / usize::from(channels);
    assert!(padding_frames <= rate_hz.div_ceil(8) as usize, "{padding_frames} frames of silence at the end");
}

/// A way for samples to lie in memory.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// As ALSA calls it.
    name: &'static str,
    sample_bits: u16,
    sample_bytes: usize,
}

const S8: Layout = Layout { name: "S8", sample_bits: 8, sample_bytes: 1 };
const S16: Layout = Layout { name: "S16_LE", sample_bits: 16, sample_bytes: 2 };
const S24: Layout = Layout { name: "S24_LE", sample_bits: 24, sample_bytes: 4 };
const S24_PACKED: Layout = Layout { name: "S24_3LE", sample_bits: 24, sample_bytes: 3 };
const S32: Layout = Layout { name: "S32_LE", sample_bits: 32, sample_bytes: 4 };

/// Every layout, with the extremes of channels and rates.
const KINDS: [(Layout, u16, u32); 9] = [
    (S8, 1, 8_000),
    (S8, 8, 44_100),
    (S16, 3, 22_050),
    (S16, 8, 192_000),
    (S24, 2, 96_000),
    (S24, 7, 11_025),
    (S24_PACKED, 5, 32_000),
    (S32, 1, 192_000),
    (S32, 8, 48_000),
];

impl Layout {
    fn bytes(self, samples: &[i32]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes().into_iter().take(self.sample_bytes)).collect()
    }

    /// The low bits of a number, as a sample.
    fn sample(self, number: u64) -> i32 {
        let unused = 32 - u32::from(self.sample_bits);
        ((number as u32) << unused).cast_signed() >> unused
    }

    /// Frames of which none is like another, and that have every bit of a sample.
    fn noise(self, channels: u16, rate_hz: u32, frames: usize) -> Wav {
        // A generator of xorshift's family: the numbers do not repeat for longer than any test.
        let next = |state: &u64| {
            let state = state ^ (state << 13);
            let state = state ^ (state >> 7);
            Some(state ^ (state << 17))
        };
        let numbers = iter::successors(Some(0x2545_f491_4f6c_dd1d_u64), next);
        let samples = numbers.map(|number| self.sample(number >> 16)).take(frames * usize::from(channels)).collect();
        let format = StreamFormat { sample_bits: self.sample_bits, channels, rate_hz };
        Wav { format, source_bits: self.sample_bits, samples }
    }
}

/// The words of `-f`, `-c`, `-r` for raw samples.
fn raw(layout: Layout, channels: u16, rate_hz: u32) -> Vec<String> {
    let (channels, rate) = (channels.to_string(), rate_hz.to_string());
    ["-t", "raw", "-f", layout.name, "-c", &channels, "-r", &rate].map(str::to_owned).into()
}
