//! What software has set.

use device::StreamFormat;
use registers::RegisterHandle;
use serde::{Deserialize, Serialize};

use super::handles::Handles;
use super::memory_format::SampleFormat;

/// How frames come into the transmitter's FIFO, or out of the receiver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    Registers,
    Window,
    Dma,
}

/// The registers that software sets, as they take effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) format: SampleFormat,
    pub(super) rate_hz: u32,
    pub(super) way: Way,
    pub(super) cyclic: bool,
    pub(super) pause: bool,
    pub(super) mute: bool,
    /// 256 is unity.
    pub(super) gain: u32,
    pub(super) mark_frames: usize,
    pub(super) ring_offset: u32,
    pub(super) ring_frames: u32,
    pub(super) software_index: u32,
    /// 0: no periods.
    pub(super) period_frames: u32,
    pub(super) list_address: u64,
    pub(super) list_entries: u32,
    pub(super) end_frames: u32,
}

impl Settings {
    /// The settings that the registers have, by their values.
    pub(super) fn read(handles: &Handles, value: impl Fn(RegisterHandle) -> u64) -> Self {
        let control = value(handles.control);
        let format = value(handles.format);
        let word = |register| value(register) as u32;
        Self {
            format: SampleFormat {
                bits: handles.sample_bits.of(format) as u32,
                channels: handles.channels.of(format) as usize,
                packed: handles.packed.of(format) != 0,
            },
            rate_hz: word(handles.rate),
            way: match handles.way.of(control) {
                1 => Way::Window,
                2 => Way::Dma,
                _ => Way::Registers,
            },
            cyclic: handles.cyclic.of(control) != 0,
            pause: handles.pause.of(control) != 0,
            mute: handles.mute.of(control) != 0,
            gain: handles.gain.of(value(handles.gain.register())) as u32,
            mark_frames: handles.mark.of(value(handles.mark.register())) as usize,
            ring_offset: word(handles.ring_offset),
            ring_frames: word(handles.ring_frames),
            software_index: word(handles.software_index),
            period_frames: word(handles.period_frames),
            list_address: value(handles.list_address_high) << 32 | value(handles.list_address_low),
            list_entries: word(handles.list_entries),
            end_frames: word(handles.end_frames),
        }
    }

    pub(super) fn stream_format(&self) -> StreamFormat {
        StreamFormat {
            sample_bits: self.format.bits as u16,
            channels: self.format.channels as u16,
            rate_hz: self.rate_hz,
        }
    }
}
