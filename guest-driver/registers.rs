// SPDX-License-Identifier: GPL-2.0
// Generated from device-model/blocks/pwm-audio/pwm-audio.svd by `cargo xtask codegen`: do not edit.

//! Registers of `PWM_AUDIO`, version 2.0.
//!
//! Eight PWM channels with capture and a converter, an audio transmitter and an audio receiver.
//! Samples come and go by registers, through the sample window, or by DMA. The registers are in BAR
//! 0 of PCI function 0, little endian; its BAR 4 has the MSI-X table at 0 and the pending bits at
//! 0x800. The sample window, 64 KiB of memory, is BAR 2 of function 1.
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
        /// 1 puts the whole block into its state after reset; streams end, and DMA that is under
        /// way is given up.
        0:0 reset => bool;
    }

    /// Read-write; writing 1 clears a bit. What has happened. The interrupt is asserted while a bit
    /// is set both here and in `SYSTEM_INTERRUPT_ENABLE`.
    pub(crate) SYSTEM_INTERRUPT_STATUS(u32) @ 0x010 {
        /// `TX_STATUS.low` is 1 and `TX_CONTROL.enable` is set. Set again after a clear for as long
        /// as that holds.
        0:0 tx_low => bool;
        /// The transmitter has played everything and stopped, as `TX_CONTROL.drain` asked.
        1:1 tx_drained => bool;
        /// A frame was due and the transmitter's FIFO empty.
        2:2 tx_underrun => bool;
        /// The transmitter has played `TX_PERIOD_FRAMES` more frames.
        3:3 tx_period => bool;
        /// The transmitter has stopped with an error, which `TX_STATUS.error` names.
        4:4 tx_error => bool;
        /// `RX_STATUS.high` is 1 and `RX_CONTROL.enable` is set. Set again after a clear for as
        /// long as that holds.
        5:5 rx_high => bool;
        /// A frame was received and the receiver's FIFO full.
        6:6 rx_overrun => bool;
        /// Of the frames received, `RX_PERIOD_FRAMES` more are where software finds them.
        7:7 rx_period => bool;
        /// The receiver has stopped by itself: at `RX_END_FRAMES`, or at the end of its list.
        8:8 rx_done => bool;
        /// The receiver has stopped with an error, which `RX_STATUS.error` names.
        9:9 rx_error => bool;
        /// The last channel of an update has taken its shadow registers.
        10:10 pwm_updated => bool;
        /// A bit of `PWM_GROUP_STATUS.done` is set. Set again after a clear for as long as that
        /// holds.
        11:11 pwm_done => bool;
        /// A bit of `PWM_GROUP_STATUS.period` is set. Set again after a clear for as long as that
        /// holds.
        12:12 pwm_period => bool;
        /// The capture unit has measured one more period.
        13:13 captured => bool;
    }

    /// Read-write. Which bits of `SYSTEM_INTERRUPT_STATUS` assert the interrupt.
    pub(crate) SYSTEM_INTERRUPT_ENABLE(u32) @ 0x014 {
        /// `SYSTEM_INTERRUPT_STATUS.tx_low` asserts the interrupt.
        0:0 tx_low => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_drained` asserts the interrupt.
        1:1 tx_drained => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_underrun` asserts the interrupt.
        2:2 tx_underrun => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_period` asserts the interrupt.
        3:3 tx_period => bool;
        /// `SYSTEM_INTERRUPT_STATUS.tx_error` asserts the interrupt.
        4:4 tx_error => bool;
        /// `SYSTEM_INTERRUPT_STATUS.rx_high` asserts the interrupt.
        5:5 rx_high => bool;
        /// `SYSTEM_INTERRUPT_STATUS.rx_overrun` asserts the interrupt.
        6:6 rx_overrun => bool;
        /// `SYSTEM_INTERRUPT_STATUS.rx_period` asserts the interrupt.
        7:7 rx_period => bool;
        /// `SYSTEM_INTERRUPT_STATUS.rx_done` asserts the interrupt.
        8:8 rx_done => bool;
        /// `SYSTEM_INTERRUPT_STATUS.rx_error` asserts the interrupt.
        9:9 rx_error => bool;
        /// `SYSTEM_INTERRUPT_STATUS.pwm_updated` asserts the interrupt.
        10:10 pwm_updated => bool;
        /// `SYSTEM_INTERRUPT_STATUS.pwm_done` asserts the interrupt.
        11:11 pwm_done => bool;
        /// `SYSTEM_INTERRUPT_STATUS.pwm_period` asserts the interrupt.
        12:12 pwm_period => bool;
        /// `SYSTEM_INTERRUPT_STATUS.captured` asserts the interrupt.
        13:13 captured => bool;
    }

    /// Write-only, reads as 0. Sets bits of `SYSTEM_INTERRUPT_STATUS`, for tests of a driver.
    pub(crate) SYSTEM_INTERRUPT_FORCE(u32) @ 0x018 {
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_low`.
        0:0 tx_low => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_drained`.
        1:1 tx_drained => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_underrun`.
        2:2 tx_underrun => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_period`.
        3:3 tx_period => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.tx_error`.
        4:4 tx_error => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.rx_high`.
        5:5 rx_high => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.rx_overrun`.
        6:6 rx_overrun => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.rx_period`.
        7:7 rx_period => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.rx_done`.
        8:8 rx_done => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.rx_error`.
        9:9 rx_error => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.pwm_updated`.
        10:10 pwm_updated => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.pwm_done`.
        11:11 pwm_done => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.pwm_period`.
        12:12 pwm_period => bool;
        /// 1 sets `SYSTEM_INTERRUPT_STATUS.captured`.
        13:13 captured => bool;
    }

    /// Read-only. Frequency of the clock that PWM channels and capture count, in Hz.
    pub(crate) SYSTEM_CLOCK_HZ(u32) @ 0x01c {
        31:0 value;
    }

    /// Read-write. The MSI-X vector of each interrupt source: all the sources with one vector share
    /// it. MSI and INTx have one interrupt for all.
    pub(crate) SYSTEM_VECTORS_LOW(u32) @ 0x020 {
        /// The vector of `SYSTEM_INTERRUPT_STATUS.tx_low`.
        3:0 tx_low;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.tx_drained`.
        7:4 tx_drained;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.tx_underrun`.
        11:8 tx_underrun;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.tx_period`.
        15:12 tx_period;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.tx_error`.
        19:16 tx_error;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.rx_high`.
        23:20 rx_high;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.rx_overrun`.
        27:24 rx_overrun;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.rx_period`.
        31:28 rx_period;
    }

    /// Read-write. The MSI-X vector of each interrupt source: all the sources with one vector share
    /// it. MSI and INTx have one interrupt for all.
    pub(crate) SYSTEM_VECTORS_HIGH(u32) @ 0x024 {
        /// The vector of `SYSTEM_INTERRUPT_STATUS.rx_done`.
        3:0 rx_done;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.rx_error`.
        7:4 rx_error;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.pwm_updated`.
        11:8 pwm_updated;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.pwm_done`.
        15:12 pwm_done;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.pwm_period`.
        19:16 pwm_period;
        /// The vector of `SYSTEM_INTERRUPT_STATUS.captured`.
        23:20 captured;
    }

    /// Control of the channel.
    ///
    /// The elements are `PWM0.CONTROL` to `PWM7.CONTROL`.
    pub(crate) PWM_CONTROL(u32)[8, stride = 0x20] @ 0x100 {
        /// Read-write. The channel runs. Setting it begins a period, with what the shadow registers
        /// have; while it is 0, the output is not active.
        0:0 enable => bool;
        /// Read-write. The level of the output while it is active. A shadow field.
        1:1 polarity => bool;
        /// Read-write. The channel stops by itself after `PWM_COUNT` periods, at the first end of a
        /// period at which `PWM_PERIODS` is `PWM_COUNT` or more: enable is cleared, and the
        /// channel's bit of `PWM_GROUP_STATUS.done` set.
        2:2 one_shot => bool;
        /// Read-write. The next channel's output is the complement of this one's: active while this
        /// one's would not be, each becoming active `PWM_DEAD_TIME` later than it would; neither is
        /// active while this channel does not run. Of the next channel's settings, only
        /// `PWM_CONTROL.polarity` counts for the output then. Of even channels; in odd ones it has
        /// no effect. A shadow field.
        3:3 complementary => bool;
        /// Read-write. The end of each period sets the channel's bit of `PWM_GROUP_STATUS.period`.
        4:4 period_interrupt => bool;
        /// Read-only. The level of the output now.
        8:8 level => bool;
    }

    /// Read-write. Length of a period in clock cycles. With 0 the channel stands still and its
    /// output is not active. A shadow register.
    ///
    /// The elements are `PWM0.PERIOD` to `PWM7.PERIOD`.
    pub(crate) PWM_PERIOD(u32)[8, stride = 0x20] @ 0x104 {
        31:0 value;
    }

    /// Read-write. Clock cycles of each period during which the output is active: none with 0, all
    /// with `PWM_PERIOD` or more. A shadow register.
    ///
    /// The elements are `PWM0.DUTY` to `PWM7.DUTY`.
    pub(crate) PWM_DUTY(u32)[8, stride = 0x20] @ 0x108 {
        31:0 value;
    }

    /// Read-only. Clock cycles since the period began; 0 while the channel does not run.
    ///
    /// The elements are `PWM0.COUNTER` to `PWM7.COUNTER`.
    pub(crate) PWM_COUNTER(u32)[8, stride = 0x20] @ 0x10c {
        31:0 value;
    }

    /// Read-write. The clock cycle of a period, modulo `PWM_PERIOD`, at which the output becomes
    /// active; what goes past the end of the period comes at its beginning, also in the first one.
    /// A shadow register.
    ///
    /// The elements are `PWM0.PHASE` to `PWM7.PHASE`.
    pub(crate) PWM_PHASE(u32)[8, stride = 0x20] @ 0x110 {
        31:0 value;
    }

    /// Read-write. Clock cycles by which either output of a complementary pair becomes active
    /// later. A shadow register.
    ///
    /// The elements are `PWM0.DEAD_TIME` to `PWM7.DEAD_TIME`.
    pub(crate) PWM_DEAD_TIME(u32)[8, stride = 0x20] @ 0x114 {
        31:0 value;
    }

    /// Read-write. Periods after which a channel with `PWM_CONTROL.one_shot` stops; 0 is 1. A
    /// shadow register.
    ///
    /// The elements are `PWM0.COUNT` to `PWM7.COUNT`.
    pub(crate) PWM_COUNT(u32)[8, stride = 0x20] @ 0x118 {
        31:0 value;
    }

    /// Read-only. Periods completed since `PWM_CONTROL.enable` was last set, modulo 2^32.
    ///
    /// The elements are `PWM0.PERIODS` to `PWM7.PERIODS`.
    pub(crate) PWM_PERIODS(u32)[8, stride = 0x20] @ 0x11c {
        31:0 value;
    }

    /// Makes channels take their shadow registers.
    pub(crate) PWM_GROUP_UPDATE(u32) @ 0x200 {
        /// Read-write. The channels that the next update is for.
        7:0 channels;
        /// Write-only, reads as 0. 1 begins an update: each of `PWM_GROUP_UPDATE.channels` takes
        /// its shadow registers at the end of its period, at once if it does not run. With the last
        /// one, `SYSTEM_INTERRUPT_STATUS.pwm_updated` is set.
        8:8 go => bool;
        /// Write-only, reads as 0. 1 makes each of `PWM_GROUP_UPDATE.channels` that is enabled take
        /// its shadow registers and begin a period now, all in the same clock cycle.
        9:9 restart => bool;
        /// Read-only. The channels that have still to take their shadow registers.
        23:16 pending;
    }

    /// Read-write; writing 1 clears a bit. What channels have done.
    pub(crate) PWM_GROUP_STATUS(u32) @ 0x204 {
        /// The channel has stopped by itself: see `PWM_CONTROL.one_shot`.
        7:0 done;
        /// A period of the channel has ended, and its `CONTROL.period_interrupt` is set.
        15:8 period;
    }

    /// Control of the capture unit.
    pub(crate) CAPTURE_CONTROL(u32) @ 0x220 {
        /// Read-write. The unit measures. Setting it forgets what was measured.
        0:0 enable => bool;
        /// Read-write. The signal. Changing it forgets what was measured, too. Takes only the
        /// values that have a name.
        7:4 source;
        /// Read-only. The level of the signal now.
        8:8 level => bool;
    }

    /// Read-only. Clock cycles between the latest two rising edges since `CAPTURE_CONTROL.enable`
    /// was set; 0 before there are two. It stops at its highest value.
    pub(crate) CAPTURE_PERIOD(u32) @ 0x224 {
        31:0 value;
    }

    /// Read-only. Clock cycles between the earlier of these edges and the falling edge after it.
    pub(crate) CAPTURE_HIGH(u32) @ 0x228 {
        31:0 value;
    }

    /// Read-only. Periods measured since `CAPTURE_CONTROL.enable` was set, modulo 2^32.
    pub(crate) CAPTURE_COUNT(u32) @ 0x22c {
        31:0 value;
    }

    /// Read-write. Control of the converter.
    pub(crate) CONVERTER_CONTROL(u32) @ 0x240 {
        /// What gives the duty of each period, in the place of the channel's DUTY. Takes only the
        /// values that have a name.
        1:0 source;
        /// The channel.
        6:4 channel;
    }

    /// Read-write. The entry of the table that `CONVERTER_TABLE_DATA` is, 0 to 255. Takes only 0 to
    /// 255.
    pub(crate) CONVERTER_TABLE_INDEX(u32) @ 0x244 {
        31:0 value;
    }

    /// Read-write. An entry of the table of 256. Writing it adds 1 to `CONVERTER_TABLE_INDEX`,
    /// modulo 256.
    pub(crate) CONVERTER_TABLE_DATA(u32) @ 0x248 {
        /// The duty in parts of PERIOD of 1/65536, rounded down to clock cycles.
        15:0 duty;
    }

    /// Read-write. What each period adds to a phase of 32 bits, whose highest 8 bits are the entry
    /// of the table that the period has. Writing `CONVERTER_CONTROL` makes the phase 0.
    pub(crate) CONVERTER_STEP(u32) @ 0x24c {
        31:0 value;
    }

    /// Control of the transmitter.
    pub(crate) TX_CONTROL(u32) @ 0x440 {
        /// Read-write. The transmitter takes frames from the FIFO, at once or as soon as there is
        /// one; the first one is played then, frame n after n / `TX_RATE` seconds. Setting it
        /// empties the FIFO unless `TX_CONTROL.way` is \`registers\`. Clearing it stops the
        /// transmitter at once; the FIFO keeps its frames.
        0:0 enable => bool;
        /// Read-write. When the last frame has been played, the transmitter stops: enable and drain
        /// are cleared, `SYSTEM_INTERRUPT_STATUS.tx_drained` is set, and there is no underrun. The
        /// last frame is that with which the FIFO has run empty, and the ring; by DMA the last one
        /// of the list, or number `TX_END_FRAMES`.
        1:1 drain => bool;
        /// Write-only, reads as 0. 1 empties the FIFO.
        2:2 flush => bool;
        /// Read-write. No frame is played while it is set, and none is missed: the time is cut out,
        /// so that the next frame is as far away when it is cleared as it was when it was set.
        3:3 pause => bool;
        /// Read-write. Every sample is played as 0.
        4:4 mute => bool;
        /// Read-write. How frames come into the FIFO. Writes have an effect only while
        /// `TX_CONTROL.enable` is 0. Takes only the values that have a name.
        9:8 way;
        /// Read-write. After the last entry of the list the first one follows. Writes have an
        /// effect only while `TX_CONTROL.enable` is 0.
        10:10 cyclic => bool;
    }

    /// Read-write. What a frame is. Writes have an effect only while `TX_CONTROL.enable` is 0, and
    /// only as a whole: if one field does not take its value, neither do the others.
    pub(crate) TX_FORMAT(u32) @ 0x444 {
        /// Bits of a sample. Takes only the values that have a name.
        5:0 sample_bits;
        /// Samples of a frame, 1 to 8: writing the SAMPLE register of the last one completes a
        /// frame. Takes only 1 to 8.
        11:8 channels;
        /// A sample of 24 bits takes 3 bytes in memory; else 4, of which the highest does not
        /// count.
        16:16 packed => bool;
    }

    /// Read-write. Frames played a second, in Hz. Writes have an effect only while
    /// `TX_CONTROL.enable` is 0. Takes only 8,000 to 192,000.
    pub(crate) TX_RATE(u32) @ 0x448 {
        31:0 value;
    }

    /// Read-only. State of the FIFO and the transmitter.
    pub(crate) TX_STATUS(u32) @ 0x44c {
        /// Frames in the FIFO.
        10:0 fill;
        /// The FIFO is full, with 1,024 frames.
        16:16 full => bool;
        /// The FIFO is empty.
        17:17 empty => bool;
        /// The FIFO has at most `TX_LOW_MARK` frames.
        18:18 low => bool;
        /// Frames are being played.
        19:19 running => bool;
        /// There has been an underrun since `TX_CONTROL.enable` was last set: a frame was due and
        /// the FIFO empty.
        20:20 underrun => bool;
        /// A frame was written to the full FIFO and dropped. Cleared by `TX_CONTROL.flush`.
        21:21 overflow => bool;
        /// Why the transmitter has stopped, until `TX_CONTROL.enable` is set again.
        26:24 error;
    }

    /// Read-only. Underruns since reset; it stops at its highest value.
    pub(crate) TX_UNDERRUN_COUNT(u32) @ 0x450 {
        31:0 value;
    }

    /// Read-only. Frames played since `TX_CONTROL.enable` was last set, modulo 2^32.
    pub(crate) TX_FRAMES_PLAYED(u32) @ 0x454 {
        31:0 value;
    }

    /// Read-write. When the FIFO counts as low.
    pub(crate) TX_LOW_MARK(u32) @ 0x458 {
        /// With this many frames or fewer, `TX_STATUS.low` is 1. Takes only 0 to 1,023.
        10:0 frames;
    }

    /// Read-write. How loud samples are played.
    pub(crate) TX_VOLUME(u32) @ 0x45c {
        /// Each sample is multiplied by it and divided by 256, rounded down: 256 leaves it as it
        /// is. Takes only 0 to 256.
        8:0 gain;
    }

    /// Write-only, reads as 0. A sample of the next frame, by channel: right-aligned, bits above
    /// `TX_FORMAT.sample_bits` do not count. It is written whole; one write of 8 bytes writes two.
    /// Writing that of the last channel puts the frame into the FIFO. While `TX_CONTROL.enable` is
    /// set and `TX_CONTROL.way` is not \`registers\`, writes have no effect.
    ///
    /// The elements are `TX.SAMPLE0` to `TX.SAMPLE7`.
    pub(crate) TX_SAMPLE(u32)[8, stride = 0x04] @ 0x460 {
        31:0 value;
    }

    /// Read-write. Where in the sample window the ring begins, in bytes. Writes have an effect only
    /// while `TX_CONTROL.enable` is 0. Takes only 0 to 65,535.
    pub(crate) TX_RING_OFFSET(u32) @ 0x480 {
        31:0 value;
    }

    /// Read-write. Frames that the ring has room for; one of them is always free. Writes have an
    /// effect only while `TX_CONTROL.enable` is 0. Takes only 0 to 65,536.
    pub(crate) TX_RING_FRAMES(u32) @ 0x484 {
        31:0 value;
    }

    /// Read-write. The frame of the ring, below `TX_RING_FRAMES`, that software writes next; while
    /// `TX_CONTROL.enable` is set, any other value has no effect. Writing it hands over the frames
    /// before it.
    pub(crate) TX_PRODUCER(u32) @ 0x488 {
        31:0 value;
    }

    /// Read-only. The frame of the ring that the transmitter takes next: those before it are free.
    /// There is none to take if it is `TX_PRODUCER`. Setting `TX_CONTROL.enable` makes it 0.
    pub(crate) TX_CONSUMER(u32) @ 0x48c {
        31:0 value;
    }

    /// Read-write. After each so many frames played `SYSTEM_INTERRUPT_STATUS.tx_period` is set;
    /// never with 0. Writes have an effect only while `TX_CONTROL.enable` is 0.
    pub(crate) TX_PERIOD_FRAMES(u32) @ 0x490 {
        31:0 value;
    }

    /// Read-only. The entry of the list, from 0, that the DMA is at; `TX_LIST_ENTRIES` when it is
    /// through. Setting `TX_CONTROL.enable` makes it 0.
    pub(crate) TX_ENTRY(u32) @ 0x494 {
        31:0 value;
    }

    /// Read-write. Where the list is in guest memory: bits 31 to 0 of the address. The list has
    /// entries of 16 bytes: the address of a piece of memory (8 bytes), how many bytes it has (4
    /// bytes), and 4 bytes that do not count. It is read when `TX_CONTROL.enable` is set. Writes
    /// have an effect only while `TX_CONTROL.enable` is 0.
    pub(crate) TX_LIST_ADDRESS_LOW(u32) @ 0x498 {
        31:0 value;
    }

    /// Read-write. Bits 63 to 32 of the list's address. Writes have an effect only while
    /// `TX_CONTROL.enable` is 0.
    pub(crate) TX_LIST_ADDRESS_HIGH(u32) @ 0x49c {
        31:0 value;
    }

    /// Read-write. Entries of the list. Writes have an effect only while `TX_CONTROL.enable` is 0.
    /// Takes only 0 to 4,096.
    pub(crate) TX_LIST_ENTRIES(u32) @ 0x4a0 {
        31:0 value;
    }

    /// Read-only. Frames of the list's memory that have been played, or flushed, in this pass of
    /// it, modulo 2^32. Setting `TX_CONTROL.enable` makes it 0.
    pub(crate) TX_POSITION(u32) @ 0x4a4 {
        31:0 value;
    }

    /// Read-write. With `TX_CONTROL.drain`: the DMA ends when `TX_FRAMES_PLAYED` is this, or at the
    /// end of the list if it is 0. A number that `TX_FRAMES_PLAYED` has passed, by less than 2^31,
    /// ends it at the next frame; a number that is to come must be less than 2^31 away.
    pub(crate) TX_END_FRAMES(u32) @ 0x4a8 {
        31:0 value;
    }

    /// Control of the receiver.
    pub(crate) RX_CONTROL(u32) @ 0x540 {
        /// Read-write. The receiver takes frames: the first one at once, frame n after n /
        /// `RX_RATE` seconds. Setting it empties the FIFO unless `RX_CONTROL.way` is \`registers\`.
        /// Clearing it stops the receiver at once; the FIFO keeps its frames.
        0:0 enable => bool;
        /// Read-write. The frames are those that the transmitter plays, when it plays them, in the
        /// place of the block's audio input: as they sound, of each sample the highest bits that
        /// `RX_FORMAT.sample_bits` has room for, 0 for channels that the transmitter does not have.
        1:1 loopback => bool;
        /// Write-only, reads as 0. 1 empties the FIFO.
        2:2 flush => bool;
        /// Read-write. No frame is received while it is set, and none is missed: the time is cut
        /// out, so that the next frame is as far away when it is cleared as it was when it was set.
        /// With loopback, what the transmitter plays meanwhile is not received.
        3:3 pause => bool;
        /// Read-write. Every sample is received as 0.
        4:4 mute => bool;
        /// Read-write. How frames come out of the FIFO. Writes have an effect only while
        /// `RX_CONTROL.enable` is 0. Takes only the values that have a name.
        9:8 way;
        /// Read-write. After the last entry of the list the first one follows. Writes have an
        /// effect only while `RX_CONTROL.enable` is 0.
        10:10 cyclic => bool;
    }

    /// Read-write. What a frame is. Writes have an effect only while `RX_CONTROL.enable` is 0, and
    /// only as a whole: if one field does not take its value, neither do the others.
    pub(crate) RX_FORMAT(u32) @ 0x544 {
        /// Bits of a sample. Takes only the values that have a name.
        5:0 sample_bits;
        /// Samples of a frame, 1 to 8: reading the SAMPLE register of the last one completes a
        /// frame. Takes only 1 to 8.
        11:8 channels;
        /// A sample of 24 bits takes 3 bytes in memory; else 4, of which the highest has copies of
        /// the sign.
        16:16 packed => bool;
    }

    /// Read-write. Frames received a second, in Hz. Writes have an effect only while
    /// `RX_CONTROL.enable` is 0. With `RX_CONTROL.loopback` the transmitter's rate counts. Takes
    /// only 8,000 to 192,000.
    pub(crate) RX_RATE(u32) @ 0x548 {
        31:0 value;
    }

    /// Read-only. State of the FIFO and the receiver.
    pub(crate) RX_STATUS(u32) @ 0x54c {
        /// Frames in the FIFO.
        10:0 fill;
        /// The FIFO is full, with 1,024 frames.
        16:16 full => bool;
        /// The FIFO is empty.
        17:17 empty => bool;
        /// The FIFO has at least `RX_HIGH_MARK` frames.
        18:18 high => bool;
        /// Frames are being received.
        19:19 running => bool;
        /// There has been an overrun since `RX_CONTROL.enable` was last set: a frame was received
        /// and the FIFO full, and it is lost.
        20:20 overrun => bool;
        /// A sample was read from the empty FIFO, as 0. Cleared by `RX_CONTROL.flush`.
        21:21 underflow => bool;
        /// Why the receiver has stopped, until `RX_CONTROL.enable` is set again.
        26:24 error;
    }

    /// Read-only. Frames lost to overruns since reset; it stops at its highest value.
    pub(crate) RX_OVERRUN_COUNT(u32) @ 0x550 {
        31:0 value;
    }

    /// Read-only. Frames taken into the FIFO since `RX_CONTROL.enable` was last set, modulo 2^32.
    pub(crate) RX_FRAMES_RECEIVED(u32) @ 0x554 {
        31:0 value;
    }

    /// Read-write. When the FIFO counts as high.
    pub(crate) RX_HIGH_MARK(u32) @ 0x558 {
        /// With this many frames or more, `RX_STATUS.high` is 1. Takes only 1 to 1,024.
        10:0 frames;
    }

    /// Read-write. How loud samples are received.
    pub(crate) RX_VOLUME(u32) @ 0x55c {
        /// Each sample is multiplied by it and divided by 256, rounded down: 256 leaves it as it
        /// is. Takes only 0 to 256.
        8:0 gain;
    }

    /// Read-only; a read changes it. A sample of the oldest frame in the FIFO, by channel, with its
    /// sign extended to 32 bits; 0 for channels that `RX_FORMAT` does not have. It is read whole;
    /// one read of 8 bytes reads two. Reading that of the last channel takes the frame out of the
    /// FIFO. While `RX_CONTROL.enable` is set and `RX_CONTROL.way` is not \`registers\`, it is 0,
    /// and reads have no effect.
    ///
    /// The elements are `RX.SAMPLE0` to `RX.SAMPLE7`.
    pub(crate) RX_SAMPLE(u32)[8, stride = 0x04] @ 0x560 {
        31:0 value;
    }

    /// Read-write. Where in the sample window the ring begins, in bytes. Writes have an effect only
    /// while `RX_CONTROL.enable` is 0. Takes only 0 to 65,535.
    pub(crate) RX_RING_OFFSET(u32) @ 0x580 {
        31:0 value;
    }

    /// Read-write. Frames that the ring has room for; one of them is always free. Writes have an
    /// effect only while `RX_CONTROL.enable` is 0. Takes only 0 to 65,536.
    pub(crate) RX_RING_FRAMES(u32) @ 0x584 {
        31:0 value;
    }

    /// Read-write. The frame of the ring, below `RX_RING_FRAMES`, that software reads next; while
    /// `RX_CONTROL.enable` is set, any other value has no effect. Writing it frees the frames
    /// before it.
    pub(crate) RX_CONSUMER(u32) @ 0x588 {
        31:0 value;
    }

    /// Read-only. The frame of the ring that the receiver writes next: those from `RX_CONSUMER` up
    /// to it are there to be read. Setting `RX_CONTROL.enable` makes it 0.
    pub(crate) RX_PRODUCER(u32) @ 0x58c {
        31:0 value;
    }

    /// Read-write. After each so many frames received `SYSTEM_INTERRUPT_STATUS.rx_period` is set;
    /// never with 0. Writes have an effect only while `RX_CONTROL.enable` is 0.
    pub(crate) RX_PERIOD_FRAMES(u32) @ 0x590 {
        31:0 value;
    }

    /// Read-only. The entry of the list, from 0, that the DMA is at; `RX_LIST_ENTRIES` when it is
    /// through. Setting `RX_CONTROL.enable` makes it 0.
    pub(crate) RX_ENTRY(u32) @ 0x594 {
        31:0 value;
    }

    /// Read-write. Where the list is in guest memory: bits 31 to 0 of the address. The list has
    /// entries of 16 bytes: the address of a piece of memory (8 bytes), how many bytes it has (4
    /// bytes), and 4 bytes that do not count. It is read when `RX_CONTROL.enable` is set. Writes
    /// have an effect only while `RX_CONTROL.enable` is 0.
    pub(crate) RX_LIST_ADDRESS_LOW(u32) @ 0x598 {
        31:0 value;
    }

    /// Read-write. Bits 63 to 32 of the list's address. Writes have an effect only while
    /// `RX_CONTROL.enable` is 0.
    pub(crate) RX_LIST_ADDRESS_HIGH(u32) @ 0x59c {
        31:0 value;
    }

    /// Read-write. Entries of the list. Writes have an effect only while `RX_CONTROL.enable` is 0.
    /// Takes only 0 to 4,096.
    pub(crate) RX_LIST_ENTRIES(u32) @ 0x5a0 {
        31:0 value;
    }

    /// Read-only. Frames of the list's memory that have been written in this pass of it, modulo
    /// 2^32. Setting `RX_CONTROL.enable` makes it 0.
    pub(crate) RX_POSITION(u32) @ 0x5a4 {
        31:0 value;
    }

    /// Read-write. The receiver stops when `RX_FRAMES_RECEIVED` is this and the FIFO, if it is
    /// emptied by the receiver, empty; never by itself if it is 0. Writes have an effect only while
    /// `RX_CONTROL.enable` is 0.
    pub(crate) RX_END_FRAMES(u32) @ 0x5a8 {
        31:0 value;
    }
}

impl SYSTEM_IDENTITY {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x5057_4d41);
}

impl SYSTEM_VERSION {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0002_0000);
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

impl CAPTURE_CONTROL {
    /// Value of `source`. The output of PWM channel 0.
    pub(crate) const SOURCE_CHANNEL_0: u32 = 0;
    /// Value of `source`. The output of PWM channel 1.
    pub(crate) const SOURCE_CHANNEL_1: u32 = 1;
    /// Value of `source`. The output of PWM channel 2.
    pub(crate) const SOURCE_CHANNEL_2: u32 = 2;
    /// Value of `source`. The output of PWM channel 3.
    pub(crate) const SOURCE_CHANNEL_3: u32 = 3;
    /// Value of `source`. The output of PWM channel 4.
    pub(crate) const SOURCE_CHANNEL_4: u32 = 4;
    /// Value of `source`. The output of PWM channel 5.
    pub(crate) const SOURCE_CHANNEL_5: u32 = 5;
    /// Value of `source`. The output of PWM channel 6.
    pub(crate) const SOURCE_CHANNEL_6: u32 = 6;
    /// Value of `source`. The output of PWM channel 7.
    pub(crate) const SOURCE_CHANNEL_7: u32 = 7;
    /// Value of `source`. The signal input of the block.
    pub(crate) const SOURCE_EXTERNAL: u32 = 8;
}

impl CONVERTER_CONTROL {
    /// Value of `source`. Nothing: DUTY does.
    pub(crate) const SOURCE_OFF: u32 = 0;
    /// Value of `source`. The table.
    pub(crate) const SOURCE_TABLE: u32 = 1;
    /// Value of `source`. The first sample of the frame that the transmitter plays: the lowest is
    /// 0, one more than the highest would be PERIOD. While it plays none, the sample is 0.
    pub(crate) const SOURCE_AUDIO: u32 = 2;
}

impl CONVERTER_TABLE_INDEX {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 255;
}

impl TX_CONTROL {
    /// Value of `way`. By writing the SAMPLE registers.
    pub(crate) const WAY_REGISTERS: u32 = 0;
    /// Value of `way`. From the ring in the sample window.
    pub(crate) const WAY_WINDOW: u32 = 1;
    /// Value of `way`. By DMA from the memory that the list names.
    pub(crate) const WAY_DMA: u32 = 2;
}

impl TX_FORMAT {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0218);
    /// Value of `sample_bits`. Two's complement, 8 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_8: u32 = 8;
    /// Value of `sample_bits`. Two's complement, 16 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_16: u32 = 16;
    /// Value of `sample_bits`. Two's complement, 24 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_24: u32 = 24;
    /// Value of `sample_bits`. Two's complement, 32 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_32: u32 = 32;
    /// The lowest value of `channels` that may be written.
    pub(crate) const CHANNELS_MINIMUM: u32 = 1;
    /// The highest value of `channels` that may be written.
    pub(crate) const CHANNELS_MAXIMUM: u32 = 8;
    /// Value of `channels`. One.
    pub(crate) const CHANNELS_MONO: u32 = 1;
    /// Value of `channels`. Two, the left one first.
    pub(crate) const CHANNELS_STEREO: u32 = 2;
}

impl TX_RATE {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_bb80);
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 8_000;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 192_000;
}

impl TX_STATUS {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0006_0000);
    /// Value of `fill`. All that the FIFO holds.
    pub(crate) const FILL_FULL: u32 = 1_024;
    /// Value of `error`. No error.
    pub(crate) const ERROR_NONE: u32 = 0;
    /// Value of `error`. A DMA address is outside of guest memory.
    pub(crate) const ERROR_NOT_MAPPED: u32 = 1;
    /// Value of `error`. A DMA address is in memory that does not allow the access.
    pub(crate) const ERROR_NOT_ALLOWED: u32 = 2;
    /// Value of `error`. A DMA range goes past address 2^64.
    pub(crate) const ERROR_WRAPS: u32 = 3;
    /// Value of `error`. Bus mastering is not enabled in the PCI command register.
    pub(crate) const ERROR_BUS_MASTER_DISABLED: u32 = 4;
    /// Value of `error`. A DMA failed on its way.
    pub(crate) const ERROR_FAILED: u32 = 5;
    /// Value of `error`. `TX_LIST_ENTRIES` is 0, an entry has no bytes, or the bytes of all are no
    /// multiple of a frame's.
    pub(crate) const ERROR_BAD_LIST: u32 = 6;
    /// Value of `error`. The ring does not lie in the sample window, has fewer than 2 frames, or
    /// `TX_PRODUCER` is none of them.
    pub(crate) const ERROR_BAD_RING: u32 = 7;
}

impl TX_LOW_MARK {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0100);
    /// The lowest value of `frames` that may be written.
    pub(crate) const FRAMES_MINIMUM: u32 = 0;
    /// The highest value of `frames` that may be written.
    pub(crate) const FRAMES_MAXIMUM: u32 = 1_023;
}

impl TX_VOLUME {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0100);
    /// The lowest value of `gain` that may be written.
    pub(crate) const GAIN_MINIMUM: u32 = 0;
    /// The highest value of `gain` that may be written.
    pub(crate) const GAIN_MAXIMUM: u32 = 256;
}

impl TX_RING_OFFSET {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 65_535;
}

impl TX_RING_FRAMES {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 65_536;
}

impl TX_LIST_ENTRIES {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 4_096;
}

impl RX_CONTROL {
    /// Value of `way`. By reading the SAMPLE registers.
    pub(crate) const WAY_REGISTERS: u32 = 0;
    /// Value of `way`. To the ring in the sample window.
    pub(crate) const WAY_WINDOW: u32 = 1;
    /// Value of `way`. By DMA to the memory that the list names.
    pub(crate) const WAY_DMA: u32 = 2;
}

impl RX_FORMAT {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0218);
    /// Value of `sample_bits`. Two's complement, 8 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_8: u32 = 8;
    /// Value of `sample_bits`. Two's complement, 16 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_16: u32 = 16;
    /// Value of `sample_bits`. Two's complement, 24 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_24: u32 = 24;
    /// Value of `sample_bits`. Two's complement, 32 bits.
    pub(crate) const SAMPLE_BITS_SIGNED_32: u32 = 32;
    /// The lowest value of `channels` that may be written.
    pub(crate) const CHANNELS_MINIMUM: u32 = 1;
    /// The highest value of `channels` that may be written.
    pub(crate) const CHANNELS_MAXIMUM: u32 = 8;
    /// Value of `channels`. One.
    pub(crate) const CHANNELS_MONO: u32 = 1;
    /// Value of `channels`. Two, the left one first.
    pub(crate) const CHANNELS_STEREO: u32 = 2;
}

impl RX_RATE {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_bb80);
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 8_000;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 192_000;
}

impl RX_STATUS {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0002_0000);
    /// Value of `fill`. All that the FIFO holds.
    pub(crate) const FILL_FULL: u32 = 1_024;
    /// Value of `error`. No error.
    pub(crate) const ERROR_NONE: u32 = 0;
    /// Value of `error`. A DMA address is outside of guest memory.
    pub(crate) const ERROR_NOT_MAPPED: u32 = 1;
    /// Value of `error`. A DMA address is in memory that does not allow the access.
    pub(crate) const ERROR_NOT_ALLOWED: u32 = 2;
    /// Value of `error`. A DMA range goes past address 2^64.
    pub(crate) const ERROR_WRAPS: u32 = 3;
    /// Value of `error`. Bus mastering is not enabled in the PCI command register.
    pub(crate) const ERROR_BUS_MASTER_DISABLED: u32 = 4;
    /// Value of `error`. A DMA failed on its way.
    pub(crate) const ERROR_FAILED: u32 = 5;
    /// Value of `error`. `RX_LIST_ENTRIES` is 0, an entry has no bytes, or the bytes of all are no
    /// multiple of a frame's.
    pub(crate) const ERROR_BAD_LIST: u32 = 6;
    /// Value of `error`. The ring does not lie in the sample window, has fewer than 2 frames, or
    /// `RX_CONSUMER` is none of them.
    pub(crate) const ERROR_BAD_RING: u32 = 7;
}

impl RX_HIGH_MARK {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0300);
    /// The lowest value of `frames` that may be written.
    pub(crate) const FRAMES_MINIMUM: u32 = 1;
    /// The highest value of `frames` that may be written.
    pub(crate) const FRAMES_MAXIMUM: u32 = 1_024;
}

impl RX_VOLUME {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0000_0100);
    /// The lowest value of `gain` that may be written.
    pub(crate) const GAIN_MINIMUM: u32 = 0;
    /// The highest value of `gain` that may be written.
    pub(crate) const GAIN_MAXIMUM: u32 = 256;
}

impl RX_RING_OFFSET {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 65_535;
}

impl RX_RING_FRAMES {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 65_536;
}

impl RX_LIST_ENTRIES {
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 0;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 4_096;
}

/// What a read of a register gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Its value.
    Value,
    /// Its value, and something is changed by it.
    Effect,
    /// 0, for it is write-only.
    Nothing,
}

/// A register by its name in the datasheet.
pub(crate) struct NamedRegister {
    pub(crate) name: &'static str,
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) bits: u32,
    pub(crate) reading: Reading,
}

const fn named(name: &'static str, offset: usize, bits: u32, reading: Reading) -> NamedRegister {
    NamedRegister {
        name,
        offset,
        bits,
        reading,
    }
}

/// Every register, by ascending offset.
pub(crate) const REGISTERS: &[NamedRegister] = &[
    named("SYSTEM.IDENTITY", 0x000, 32, Reading::Value),
    named("SYSTEM.VERSION", 0x004, 32, Reading::Value),
    named("SYSTEM.SCRATCH", 0x008, 32, Reading::Value),
    named("SYSTEM.CONTROL", 0x00c, 32, Reading::Nothing),
    named("SYSTEM.INTERRUPT_STATUS", 0x010, 32, Reading::Value),
    named("SYSTEM.INTERRUPT_ENABLE", 0x014, 32, Reading::Value),
    named("SYSTEM.INTERRUPT_FORCE", 0x018, 32, Reading::Nothing),
    named("SYSTEM.CLOCK_HZ", 0x01c, 32, Reading::Value),
    named("SYSTEM.VECTORS_LOW", 0x020, 32, Reading::Value),
    named("SYSTEM.VECTORS_HIGH", 0x024, 32, Reading::Value),
    named("PWM0.CONTROL", 0x100, 32, Reading::Value),
    named("PWM0.PERIOD", 0x104, 32, Reading::Value),
    named("PWM0.DUTY", 0x108, 32, Reading::Value),
    named("PWM0.COUNTER", 0x10c, 32, Reading::Value),
    named("PWM0.PHASE", 0x110, 32, Reading::Value),
    named("PWM0.DEAD_TIME", 0x114, 32, Reading::Value),
    named("PWM0.COUNT", 0x118, 32, Reading::Value),
    named("PWM0.PERIODS", 0x11c, 32, Reading::Value),
    named("PWM1.CONTROL", 0x120, 32, Reading::Value),
    named("PWM1.PERIOD", 0x124, 32, Reading::Value),
    named("PWM1.DUTY", 0x128, 32, Reading::Value),
    named("PWM1.COUNTER", 0x12c, 32, Reading::Value),
    named("PWM1.PHASE", 0x130, 32, Reading::Value),
    named("PWM1.DEAD_TIME", 0x134, 32, Reading::Value),
    named("PWM1.COUNT", 0x138, 32, Reading::Value),
    named("PWM1.PERIODS", 0x13c, 32, Reading::Value),
    named("PWM2.CONTROL", 0x140, 32, Reading::Value),
    named("PWM2.PERIOD", 0x144, 32, Reading::Value),
    named("PWM2.DUTY", 0x148, 32, Reading::Value),
    named("PWM2.COUNTER", 0x14c, 32, Reading::Value),
    named("PWM2.PHASE", 0x150, 32, Reading::Value),
    named("PWM2.DEAD_TIME", 0x154, 32, Reading::Value),
    named("PWM2.COUNT", 0x158, 32, Reading::Value),
    named("PWM2.PERIODS", 0x15c, 32, Reading::Value),
    named("PWM3.CONTROL", 0x160, 32, Reading::Value),
    named("PWM3.PERIOD", 0x164, 32, Reading::Value),
    named("PWM3.DUTY", 0x168, 32, Reading::Value),
    named("PWM3.COUNTER", 0x16c, 32, Reading::Value),
    named("PWM3.PHASE", 0x170, 32, Reading::Value),
    named("PWM3.DEAD_TIME", 0x174, 32, Reading::Value),
    named("PWM3.COUNT", 0x178, 32, Reading::Value),
    named("PWM3.PERIODS", 0x17c, 32, Reading::Value),
    named("PWM4.CONTROL", 0x180, 32, Reading::Value),
    named("PWM4.PERIOD", 0x184, 32, Reading::Value),
    named("PWM4.DUTY", 0x188, 32, Reading::Value),
    named("PWM4.COUNTER", 0x18c, 32, Reading::Value),
    named("PWM4.PHASE", 0x190, 32, Reading::Value),
    named("PWM4.DEAD_TIME", 0x194, 32, Reading::Value),
    named("PWM4.COUNT", 0x198, 32, Reading::Value),
    named("PWM4.PERIODS", 0x19c, 32, Reading::Value),
    named("PWM5.CONTROL", 0x1a0, 32, Reading::Value),
    named("PWM5.PERIOD", 0x1a4, 32, Reading::Value),
    named("PWM5.DUTY", 0x1a8, 32, Reading::Value),
    named("PWM5.COUNTER", 0x1ac, 32, Reading::Value),
    named("PWM5.PHASE", 0x1b0, 32, Reading::Value),
    named("PWM5.DEAD_TIME", 0x1b4, 32, Reading::Value),
    named("PWM5.COUNT", 0x1b8, 32, Reading::Value),
    named("PWM5.PERIODS", 0x1bc, 32, Reading::Value),
    named("PWM6.CONTROL", 0x1c0, 32, Reading::Value),
    named("PWM6.PERIOD", 0x1c4, 32, Reading::Value),
    named("PWM6.DUTY", 0x1c8, 32, Reading::Value),
    named("PWM6.COUNTER", 0x1cc, 32, Reading::Value),
    named("PWM6.PHASE", 0x1d0, 32, Reading::Value),
    named("PWM6.DEAD_TIME", 0x1d4, 32, Reading::Value),
    named("PWM6.COUNT", 0x1d8, 32, Reading::Value),
    named("PWM6.PERIODS", 0x1dc, 32, Reading::Value),
    named("PWM7.CONTROL", 0x1e0, 32, Reading::Value),
    named("PWM7.PERIOD", 0x1e4, 32, Reading::Value),
    named("PWM7.DUTY", 0x1e8, 32, Reading::Value),
    named("PWM7.COUNTER", 0x1ec, 32, Reading::Value),
    named("PWM7.PHASE", 0x1f0, 32, Reading::Value),
    named("PWM7.DEAD_TIME", 0x1f4, 32, Reading::Value),
    named("PWM7.COUNT", 0x1f8, 32, Reading::Value),
    named("PWM7.PERIODS", 0x1fc, 32, Reading::Value),
    named("PWM_GROUP.UPDATE", 0x200, 32, Reading::Value),
    named("PWM_GROUP.STATUS", 0x204, 32, Reading::Value),
    named("CAPTURE.CONTROL", 0x220, 32, Reading::Value),
    named("CAPTURE.PERIOD", 0x224, 32, Reading::Value),
    named("CAPTURE.HIGH", 0x228, 32, Reading::Value),
    named("CAPTURE.COUNT", 0x22c, 32, Reading::Value),
    named("CONVERTER.CONTROL", 0x240, 32, Reading::Value),
    named("CONVERTER.TABLE_INDEX", 0x244, 32, Reading::Value),
    named("CONVERTER.TABLE_DATA", 0x248, 32, Reading::Value),
    named("CONVERTER.STEP", 0x24c, 32, Reading::Value),
    named("TX.CONTROL", 0x440, 32, Reading::Value),
    named("TX.FORMAT", 0x444, 32, Reading::Value),
    named("TX.RATE", 0x448, 32, Reading::Value),
    named("TX.STATUS", 0x44c, 32, Reading::Value),
    named("TX.UNDERRUN_COUNT", 0x450, 32, Reading::Value),
    named("TX.FRAMES_PLAYED", 0x454, 32, Reading::Value),
    named("TX.LOW_MARK", 0x458, 32, Reading::Value),
    named("TX.VOLUME", 0x45c, 32, Reading::Value),
    named("TX.SAMPLE0", 0x460, 32, Reading::Nothing),
    named("TX.SAMPLE1", 0x464, 32, Reading::Nothing),
    named("TX.SAMPLE2", 0x468, 32, Reading::Nothing),
    named("TX.SAMPLE3", 0x46c, 32, Reading::Nothing),
    named("TX.SAMPLE4", 0x470, 32, Reading::Nothing),
    named("TX.SAMPLE5", 0x474, 32, Reading::Nothing),
    named("TX.SAMPLE6", 0x478, 32, Reading::Nothing),
    named("TX.SAMPLE7", 0x47c, 32, Reading::Nothing),
    named("TX.RING_OFFSET", 0x480, 32, Reading::Value),
    named("TX.RING_FRAMES", 0x484, 32, Reading::Value),
    named("TX.PRODUCER", 0x488, 32, Reading::Value),
    named("TX.CONSUMER", 0x48c, 32, Reading::Value),
    named("TX.PERIOD_FRAMES", 0x490, 32, Reading::Value),
    named("TX.ENTRY", 0x494, 32, Reading::Value),
    named("TX.LIST_ADDRESS_LOW", 0x498, 32, Reading::Value),
    named("TX.LIST_ADDRESS_HIGH", 0x49c, 32, Reading::Value),
    named("TX.LIST_ENTRIES", 0x4a0, 32, Reading::Value),
    named("TX.POSITION", 0x4a4, 32, Reading::Value),
    named("TX.END_FRAMES", 0x4a8, 32, Reading::Value),
    named("RX.CONTROL", 0x540, 32, Reading::Value),
    named("RX.FORMAT", 0x544, 32, Reading::Value),
    named("RX.RATE", 0x548, 32, Reading::Value),
    named("RX.STATUS", 0x54c, 32, Reading::Value),
    named("RX.OVERRUN_COUNT", 0x550, 32, Reading::Value),
    named("RX.FRAMES_RECEIVED", 0x554, 32, Reading::Value),
    named("RX.HIGH_MARK", 0x558, 32, Reading::Value),
    named("RX.VOLUME", 0x55c, 32, Reading::Value),
    named("RX.SAMPLE0", 0x560, 32, Reading::Effect),
    named("RX.SAMPLE1", 0x564, 32, Reading::Effect),
    named("RX.SAMPLE2", 0x568, 32, Reading::Effect),
    named("RX.SAMPLE3", 0x56c, 32, Reading::Effect),
    named("RX.SAMPLE4", 0x570, 32, Reading::Effect),
    named("RX.SAMPLE5", 0x574, 32, Reading::Effect),
    named("RX.SAMPLE6", 0x578, 32, Reading::Effect),
    named("RX.SAMPLE7", 0x57c, 32, Reading::Effect),
    named("RX.RING_OFFSET", 0x580, 32, Reading::Value),
    named("RX.RING_FRAMES", 0x584, 32, Reading::Value),
    named("RX.CONSUMER", 0x588, 32, Reading::Value),
    named("RX.PRODUCER", 0x58c, 32, Reading::Value),
    named("RX.PERIOD_FRAMES", 0x590, 32, Reading::Value),
    named("RX.ENTRY", 0x594, 32, Reading::Value),
    named("RX.LIST_ADDRESS_LOW", 0x598, 32, Reading::Value),
    named("RX.LIST_ADDRESS_HIGH", 0x59c, 32, Reading::Value),
    named("RX.LIST_ENTRIES", 0x5a0, 32, Reading::Value),
    named("RX.POSITION", 0x5a4, 32, Reading::Value),
    named("RX.END_FRAMES", 0x5a8, 32, Reading::Value),
];
