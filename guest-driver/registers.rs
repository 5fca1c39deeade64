// SPDX-License-Identifier: GPL-2.0
// Generated from device-model/blocks/pwm-audio/pwm-audio.svd by `cargo xtask codegen`: do not edit.

//! Registers of `PWM_AUDIO`, version 1.0.
//!
//! Four PWM channels and an audio transmitter behind one interrupt. The registers are in BAR 0,
//! little endian.
//!
//! Constants: `RESET` is the value after reset where it is not 0, `MINIMUM` and `MAXIMUM` bound
//! what may be written, the others are values of fields.

use kernel::io::register;

register! {
    /// Read-only. Tells that this is a PWM/audio block: the ASCII characters "PWMA".
    pub(crate) SYSTEM_IDENTITY(u32) @ 0x000 {
        31:0 value;
    }

    /// Read-only. Version of the register map.
    pub(crate) SYSTEM_VERSION(u32) @ 0x004 {
        /// Counts compatible changes.
        15:0 minor;
        /// Counts incompatible changes: a driver for another major version does not fit.
        31:16 major;
    }

    /// Read-write. Keeps what is written, without effect: for software that tests its way to the
    /// block.
    pub(crate) SYSTEM_SCRATCH(u32) @ 0x008 {
        31:0 value;
    }

    /// Write-only, reads as 0. Control of the whole block.
    pub(crate) SYSTEM_CONTROL(u32) @ 0x00c {
        /// 1 puts the whole block into its state after reset; a stream that is being played ends.
        0:0 reset => bool;
    }

    /// Read-write; writing 1 clears a bit. What has happened. The interrupt is asserted while a bit
    /// is set both here and in `SYSTEM_INTERRUPT_ENABLE`.
    pub(crate) SYSTEM_INTERRUPT_STATUS(u32) @ 0x010 {
        /// `AUDIO_STATUS.fill` is at or below the low mark of 256 frames and `AUDIO_CONTROL.enable`
        /// is set. Set again after a clear for as long as that holds.
        0:0 tx_low => bool;
        /// The transmitter has played everything and stopped, as `AUDIO_CONTROL.drain` asked.
        1:1 tx_drained => bool;
        /// A frame was due and the FIFO empty.
        2:2 tx_underrun => bool;
    }

    /// Read-write. Which bits of `SYSTEM_INTERRUPT_STATUS` assert the interrupt.
    pub(crate) SYSTEM_INTERRUPT_ENABLE(u32) @ 0x014 {
        /// `SYSTEM_INTERRUPT_STATUS.tx_low` asserts the interrupt.
        0:0 tx_low => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_drained` asserts the interrupt.
        1:1 tx_drained => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_underrun` asserts the interrupt.
        2:2 tx_underrun => bool;
    }

    /// Write-only, reads as 0. Sets bits of `SYSTEM_INTERRUPT_STATUS`, for tests of a driver.
    pub(crate) SYSTEM_INTERRUPT_FORCE(u32) @ 0x018 {
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_low`.
        0:0 tx_low => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_drained`.
        1:1 tx_drained => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_underrun`.
        2:2 tx_underrun => bool;
    }

    /// Read-only. Frequency of the clock that the PWM channels count, in Hz.
    pub(crate) SYSTEM_CLOCK_HZ(u32) @ 0x01c {
        31:0 value;
    }

    /// Control of the channel.
    ///
    /// The elements are `PWM0.CONTROL` to `PWM3.CONTROL`.
    pub(crate) PWM_CONTROL(u32)[4, stride = 0x20] @ 0x100 {
        /// Read-write. The channel runs. Setting it begins a period; while it is 0, the output is
        /// not active.
        0:0 enable => bool;
        /// Read-write. The level of the output while it is active.
        1:1 polarity => bool;
        /// Read-only. The level of the output now.
        8:8 level => bool;
    }

    /// Read-write. Length of a period in clock cycles. With 0 the channel stands still and its
    /// output is not active.
    ///
    /// The elements are `PWM0.PERIOD` to `PWM3.PERIOD`.
    pub(crate) PWM_PERIOD(u32)[4, stride = 0x20] @ 0x104 {
        31:0 value;
    }

    /// Read-write. Clock cycles from the start of each period during which the output is active:
    /// none with 0, all with `PWM_PERIOD` or more.
    ///
    /// The elements are `PWM0.DUTY` to `PWM3.DUTY`.
    pub(crate) PWM_DUTY(u32)[4, stride = 0x20] @ 0x108 {
        31:0 value;
    }

    /// Read-only. Clock cycles since the period began; 0 while the channel does not run.
    ///
    /// The elements are `PWM0.COUNTER` to `PWM3.COUNTER`.
    pub(crate) PWM_COUNTER(u32)[4, stride = 0x20] @ 0x10c {
        31:0 value;
    }

    /// Control of the transmitter.
    pub(crate) AUDIO_CONTROL(u32) @ 0x440 {
        /// Read-write. The transmitter takes frames from the FIFO, at once or as soon as there is
        /// one. Clearing it stops the transmitter at once; the FIFO keeps its frames.
        0:0 enable => bool;
        /// Read-write. When the FIFO has run empty and the last frame has been played, the
        /// transmitter stops: enable and drain are cleared, `SYSTEM_INTERRUPT_STATUS.tx_drained` is
        /// set, and there is no underrun.
        1:1 drain => bool;
        /// Write-only, reads as 0. 1 empties the FIFO.
        2:2 flush => bool;
    }

    /// Read-write. What a frame is. Writes have an effect only while `AUDIO_CONTROL.enable` is 0,
    /// and only as a whole: if one field does not take its value, neither does the other.
    pub(crate) AUDIO_FORMAT(u32) @ 0x444 {
        /// Bits of a sample. Takes only the values that have a name.
        5:0 sample_bits;
        /// Samples of a frame. Takes only the values that have a name.
        9:8 channels;
    }

    /// Read-write. Frames played a second, in Hz. Writes have an effect only while
    /// `AUDIO_CONTROL.enable` is 0. Takes only 8,000 to 192,000.
    pub(crate) AUDIO_RATE(u32) @ 0x448 {
        31:0 value;
    }

    /// Read-only. State of the FIFO and the transmitter.
    pub(crate) AUDIO_STATUS(u32) @ 0x44c {
        /// Frames in the FIFO.
        10:0 fill;
        /// The FIFO is full, with 1,024 frames.
        16:16 full => bool;
        /// The FIFO is empty.
        17:17 empty => bool;
        /// The FIFO has at most 256 frames: it is three quarters empty or more.
        18:18 low => bool;
        /// Frames are being played.
        19:19 running => bool;
        /// There has been an underrun since `AUDIO_CONTROL.enable` was last set: a frame was due
        /// and the FIFO empty.
        20:20 underrun => bool;
        /// A frame was written to the full FIFO and dropped. Cleared by `AUDIO_CONTROL.flush`.
        21:21 overflow => bool;
    }

    /// Read-only. Underruns since reset; it stops at its highest value.
    pub(crate) AUDIO_UNDERRUN_COUNT(u32) @ 0x450 {
        31:0 value;
    }

    /// Read-only. Frames played since `AUDIO_CONTROL.enable` was last set, modulo 2^32.
    pub(crate) AUDIO_FRAMES_PLAYED(u32) @ 0x454 {
        31:0 value;
    }

    /// Write-only, reads as 0. The left sample of the next frame, of a mono frame the only one:
    /// right-aligned, bits above `AUDIO_FORMAT.sample_bits` do not count. It is written whole; one
    /// write of 8 bytes writes `AUDIO_TX_RIGHT` with it.
    pub(crate) AUDIO_TX_LEFT(u32) @ 0x460 {
        31:0 value;
    }

    /// Write-only, reads as 0. The right sample, aligned as in `AUDIO_TX_LEFT` and written whole.
    /// Writing it puts the frame into the FIFO.
    pub(crate) AUDIO_TX_RIGHT(u32) @ 0x464 {
        31:0 value;
    }
}

impl SYSTEM_IDENTITY {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x5057_4d41);
}

impl SYSTEM_VERSION {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0001_0000);
}

impl SYSTEM_CLOCK_HZ {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x05f5_e100);
}

impl PWM_CONTROL {
    /// Value of `polarity`. 1 while active, else 0.
    pub(crate) const POLARITY_ACTIVE_HIGH: bool = false;
    /// Value of `polarity`. 0 while active, else 1.
    pub(crate) const POLARITY_ACTIVE_LOW: bool = true;
}

impl AUDIO_FORMAT {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0218);
    /// Value of `sample_bits`. Two's complement, 8 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_8: u32 = 8;
    /// Value of `sample_bits`. Two's complement, 16 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_16: u32 = 16;
    /// Value of `sample_bits`. Two's complement, 24 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_24: u32 = 24;
    /// Value of `channels`. One: writing `AUDIO_TX_LEFT` completes a frame.
    pub(crate) const CHANNELS_MONO: u32 = 1;
    /// Value of `channels`. Two: writing `AUDIO_TX_RIGHT` completes a frame.
    pub(crate) const CHANNELS_STEREO: u32 = 2;
}

impl AUDIO_RATE {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_bb80);
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 8_000;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 192_000;
}

impl AUDIO_STATUS {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0006_0000);
    /// Value of `fill`. Three quarters empty: with this many or fewer, `AUDIO_STATUS.low` is 1.
    pub(crate) const FILL_LOW_MARK: u32 = 256;
    /// Value of `fill`. All that the FIFO holds.
    pub(crate) const FILL_FULL: u32 = 1_024;
}
