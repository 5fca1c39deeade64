//! The registers of transmitter and receiver under the names that both have for the same thing.

use std::sync::LazyLock;

use registers::{FieldHandle, RegisterHandle};
use serde::{Deserialize, Serialize};

use crate::map::REGISTERS;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    Transmitter,
    Receiver,
}

impl Side {
    pub(super) fn handles(self) -> &'static Handles {
        match self {
            Self::Transmitter => &TX,
            Self::Receiver => &RX,
        }
    }

    /// The DMA channel that the side has for itself.
    pub(super) fn dma_channel(self) -> u8 {
        match self {
            Self::Transmitter => 0,
            Self::Receiver => 1,
        }
    }
}

/// What transmitter and receiver have in common.
pub(super) struct Handles {
    /// The name of the registers.
    pub(super) name: &'static str,
    pub(super) control: RegisterHandle,
    pub(super) enable: FieldHandle,
    pub(super) flush: FieldHandle,
    pub(super) pause: FieldHandle,
    pub(super) mute: FieldHandle,
    pub(super) way: FieldHandle,
    pub(super) cyclic: FieldHandle,
    pub(super) format: RegisterHandle,
    pub(super) sample_bits: FieldHandle,
    pub(super) channels: FieldHandle,
    pub(super) packed: FieldHandle,
    pub(super) rate: RegisterHandle,
    pub(super) fill: FieldHandle,
    pub(super) full: FieldHandle,
    pub(super) empty: FieldHandle,
    /// The FIFO has passed its mark: low, or high.
    pub(super) marked: FieldHandle,
    pub(super) running: FieldHandle,
    /// A frame was missing, or was lost.
    pub(super) failed: FieldHandle,
    /// Software wrote to the full FIFO, or read from the empty one.
    pub(super) misused: FieldHandle,
    pub(super) error: FieldHandle,
    pub(super) failure_count: RegisterHandle,
    pub(super) frames: RegisterHandle,
    pub(super) mark: FieldHandle,
    pub(super) gain: FieldHandle,
    pub(super) sample: [RegisterHandle; 8],
    pub(super) ring_offset: RegisterHandle,
    pub(super) ring_frames: RegisterHandle,
    /// The index of the ring that software writes.
    pub(super) software_index: RegisterHandle,
    /// The one that the hardware moves.
    pub(super) hardware_index: RegisterHandle,
    pub(super) period_frames: RegisterHandle,
    pub(super) entry: RegisterHandle,
    pub(super) list_address_low: RegisterHandle,
    pub(super) list_address_high: RegisterHandle,
    pub(super) list_entries: RegisterHandle,
    pub(super) position: RegisterHandle,
    pub(super) end_frames: RegisterHandle,
    /// Whether `end_frames` may be written while the stream is enabled.
    pub(super) end_may_move: bool,
    pub(super) interrupts: Interrupts,
}

/// The interrupt status bits of one side.
pub(super) struct Interrupts {
    pub(super) marked: u64,
    pub(super) failed: u64,
    pub(super) period: u64,
    /// The stream has stopped by itself.
    pub(super) ended: u64,
    pub(super) error: u64,
}

/// One side's handles: the names that differ are given.
macro_rules! handles {
    ($name:literal, $side:ident, $marked:ident, $mark:ident, $failed:ident, $misused:ident, $failure_count:ident,
     $frames:ident, $software_index:ident, $hardware_index:ident, $end_may_move:literal, $interrupts:expr) => {{
        let side = &REGISTERS.$side;
        Handles {
            name: $name,
            control: side.control.register,
            enable: side.control.enable,
            flush: side.control.flush,
            pause: side.control.pause,
            mute: side.control.mute,
            way: side.control.way,
            cyclic: side.control.cyclic,
            format: side.format.register,
            sample_bits: side.format.sample_bits,
            channels: side.format.channels,
            packed: side.format.packed,
            rate: side.rate,
            fill: side.status.fill,
            full: side.status.full,
            empty: side.status.empty,
            marked: side.status.$marked,
            running: side.status.running,
            failed: side.status.$failed,
            misused: side.status.$misused,
            error: side.status.error,
            failure_count: side.$failure_count,
            frames: side.$frames,
            mark: side.$mark.frames,
            gain: side.volume.gain,
            sample: side.sample,
            ring_offset: side.ring_offset,
            ring_frames: side.ring_frames,
            software_index: side.$software_index,
            hardware_index: side.$hardware_index,
            period_frames: side.period_frames,
            entry: side.entry,
            list_address_low: side.list_address_low,
            list_address_high: side.list_address_high,
            list_entries: side.list_entries,
            position: side.position,
            end_frames: side.end_frames,
            end_may_move: $end_may_move,
            interrupts: $interrupts,
        }
    }};
}

static TX: LazyLock<Handles> = LazyLock::new(|| {
    let status = &REGISTERS.system.interrupt_status;
    let interrupts = Interrupts {
        marked: status.tx_low.mask(),
        failed: status.tx_underrun.mask(),
        period: status.tx_period.mask(),
        ended: status.tx_drained.mask(),
        error: status.tx_error.mask(),
    };
    handles!(
        "TX",
        tx,
        low,
        low_mark,
        underrun,
        overflow,
        underrun_count,
        frames_played,
        producer,
        consumer,
        true,
        interrupts
    )
});

static RX: LazyLock<Handles> = LazyLock::new(|| {
    let status = &REGISTERS.system.interrupt_status;
    let interrupts = Interrupts {
        marked: status.rx_high.mask(),
        failed: status.rx_overrun.mask(),
        period: status.rx_period.mask(),
        ended: status.rx_done.mask(),
        error: status.rx_error.mask(),
    };
    handles!(
        "RX",
        rx,
        high,
        high_mark,
        overrun,
        underflow,
        overrun_count,
        frames_received,
        consumer,
        producer,
        false,
        interrupts
    )
});
