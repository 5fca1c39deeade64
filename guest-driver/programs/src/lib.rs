//! What the programs of the guest share: the typed user-space side of `/dev/pwm-audio0`, `/dev/pwm-audio-window0`,
//! `/dev/pwmchip0` and PCM substreams, and registers of PCI functions.

mod lines;
mod pwm_audio;
mod pwm_chip;
mod register_map;
mod registers;
mod shared_memory;
mod stream_options;
mod system_calls;

pub use lines::answer_lines;
pub use pwm_audio::{Channels, DEVICE_PATH, Direction, PwmAudio, Readiness, SampleFormat, State, StreamStatus};
pub use pwm_chip::{CHIP_PATH, PwmChip, Waveform};
pub use registers::{Operation, ParseOperationError, RegisterBar};
pub use shared_memory::{MEMORY_BYTES, OutsideMemory, SharedMemory, WINDOW_PATH};
pub use stream_options::StreamOptions;
pub use system_calls::Sharing;
pub use system_calls::pcm::{PcmFormat, PcmSetup, PcmStatus, PcmSubstream};
