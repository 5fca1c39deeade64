// SPDX-License-Identifier: GPL-2.0

//! The registers of the PWM/audio block, BAR 0.
//!
//! All registers are 32 bits wide and little endian. Access semantics stand in the first line of
//! each register: RO (read-only), RW, WO (write-only, reads as 0), W1C (writing 1 clears the bit).

use kernel::io::register;

/// Bytes of BAR 0 that the block decodes.
pub(crate) const LENGTH_BYTES: usize = 0x1000;

register! {
    /// RO. Always 0x5057_4d41, "PWMA" in ASCII.
    pub(crate) SYSTEM_IDENTITY(u32) @ 0x000 {
        31:0 value;
    }

    /// RO. Version of the register map: a new major version is not compatible with the old one.
    pub(crate) SYSTEM_VERSION(u32) @ 0x004 {
        31:16 major;
        15:0 minor;
    }

    /// RW. No effect; for software to test its access path. Resets to 0.
    pub(crate) SYSTEM_SCRATCH(u32) @ 0x008 {
        31:0 value;
    }

    /// WO.
    pub(crate) SYSTEM_CONTROL(u32) @ 0x00c {
        /// Writing 1 puts the whole block in its cold state.
        0:0 reset => bool;
    }

    /// W1C. The interrupt is asserted while a bit is set here and in `SYSTEM_INTERRUPT_ENABLE`.
    pub(crate) SYSTEM_INTERRUPT_STATUS(u32) @ 0x010 {
        /// The transmit FIFO has emptied to its low mark. Set again after a clear for as long as
        /// the transmitter is enabled and the fill level is at or below the mark.
        0:0 tx_low => bool;
        /// The transmitter has stopped because `AUDIO_CONTROL.drain` was set and the FIFO empty.
        1:1 tx_drained => bool;
        /// The FIFO was empty when a frame was due.
        2:2 tx_underrun => bool;
    }

    /// RW. Same bits as `SYSTEM_INTERRUPT_STATUS`.
    pub(crate) SYSTEM_INTERRUPT_ENABLE(u32) @ 0x014 {
        0:0 tx_low => bool;
        1:1 tx_drained => bool;
        2:2 tx_underrun => bool;
    }

    /// WO. Writing 1 sets the same bit of `SYSTEM_INTERRUPT_STATUS`.
    pub(crate) SYSTEM_INTERRUPT_FORCE(u32) @ 0x018 {
        0:0 tx_low => bool;
        1:1 tx_drained => bool;
        2:2 tx_underrun => bool;
    }

    /// RO. Frequency of the clock that the PWM counters count.
    pub(crate) SYSTEM_CLOCK_HZ(u32) @ 0x01c {
        31:0 hz;
    }

    /// RW.
    pub(crate) PWM_CONTROL(u32)[4, stride = 0x20] @ 0x100 {
        0:0 enable => bool;
        /// 1: the output is low during the active part of the period.
        1:1 inverted => bool;
    }

    /// RW. Clock cycles; 0: the channel stands still.
    pub(crate) PWM_PERIOD(u32)[4, stride = 0x20] @ 0x104 {
        31:0 cycles;
    }

    /// RW. Clock cycles at the start of each period during which the output is active.
    pub(crate) PWM_DUTY(u32)[4, stride = 0x20] @ 0x108 {
        31:0 cycles;
    }

    /// RO. Clock cycles since the period began.
    pub(crate) PWM_COUNTER(u32)[4, stride = 0x20] @ 0x10c {
        31:0 cycles;
    }

    /// RW.
    pub(crate) AUDIO_CONTROL(u32) @ 0x440 {
        /// Clearing it stops the transmitter at once; the FIFO keeps its frames.
        0:0 enable => bool;
        /// Stop (clear `enable` and `drain`, raise TX_DRAINED) when the FIFO has run empty.
        1:1 drain => bool;
        /// Self-clearing: empties the FIFO.
        2:2 flush => bool;
    }

    /// RW while the transmitter is stopped; else writes are ignored.
    pub(crate) AUDIO_FORMAT(u32) @ 0x444 {
        /// 8, 16 or 24.
        5:0 sample_bits;
        /// 1 or 2.
        9:8 channels;
    }

    /// RW while the transmitter is stopped; else writes are ignored.
    pub(crate) AUDIO_RATE(u32) @ 0x448 {
        /// Frames a second, 8,000 to 192,000.
        31:0 hz;
    }

    /// RO.
    pub(crate) AUDIO_STATUS(u32) @ 0x44c {
        /// Frames in the FIFO, 0 to 1,024.
        10:0 fill_frames;
        16:16 full => bool;
        17:17 empty => bool;
        /// The fill level is at or below the low mark of 256 frames.
        18:18 low => bool;
        19:19 running => bool;
        /// There was an underrun since the transmitter was last enabled.
        20:20 underrun => bool;
        /// A frame was written to a full FIFO and dropped. Cleared by a flush.
        21:21 overflow => bool;
    }

    /// RO. Underruns since reset.
    pub(crate) AUDIO_UNDERRUN_COUNT(u32) @ 0x450 {
        31:0 underruns;
    }

    /// RO. Frames played since the transmitter was last enabled, modulo 2^32.
    pub(crate) AUDIO_FRAMES_PLAYED(u32) @ 0x454 {
        31:0 frames;
    }

    /// WO. Two's complement sample, right-aligned. Pushes a frame when there is one channel; with
    /// two it waits for `AUDIO_TX_RIGHT`. One 64-bit write here writes both.
    pub(crate) AUDIO_TX_LEFT(u32) @ 0x460 {
        23:0 sample;
    }

    /// WO. Two's complement sample, right-aligned. Pushes the frame.
    pub(crate) AUDIO_TX_RIGHT(u32) @ 0x464 {
        23:0 sample;
    }
}
