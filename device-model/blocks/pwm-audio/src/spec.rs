//! The register map of the PWM/audio block: BAR0, 32-bit registers, little endian.

/// Size of the register space.
pub const REGISTER_BYTES: u64 = 0x1000;

/// Identity, reset, interrupts: registers of the whole block.
pub mod system {
    /// First byte.
    pub const BASE: u64 = 0x000;
    /// Size in bytes.
    pub const BYTES: u64 = 0x20;

    /// Read-only: [`IDENTITY_VALUE`].
    pub const IDENTITY: u64 = 0x00;
    /// Read-only: [`VERSION_VALUE`].
    pub const VERSION: u64 = 0x04;
    /// Read-write, without effect.
    pub const SCRATCH: u64 = 0x08;
    /// Write-only: [`CONTROL_RESET`].
    pub const CONTROL: u64 = 0x0c;
    /// Write-1-to-clear: the `INTERRUPT_` bits that have happened.
    pub const INTERRUPT_STATUS: u64 = 0x10;
    /// Read-write: the `INTERRUPT_` bits that assert the interrupt.
    pub const INTERRUPT_ENABLE: u64 = 0x14;
    /// Write-only: sets the same bits of the status, for tests of a driver.
    pub const INTERRUPT_FORCE: u64 = 0x18;
    /// Read-only: [`CLOCK_HZ_VALUE`].
    pub const CLOCK_HZ: u64 = 0x1c;

    /// "PWMA".
    pub const IDENTITY_VALUE: u32 = 0x5057_4d41;
    /// Major version in the upper half, minor in the lower.
    pub const VERSION_VALUE: u32 = 0x0001_0000;
    /// The clock that the PWM channels count, in Hz.
    pub const CLOCK_HZ_VALUE: u32 = 100_000_000;

    /// Control: puts the whole block into its cold state.
    pub const CONTROL_RESET: u32 = 1 << 0;

    /// The transmit FIFO is at least three quarters empty. Fed by a level: set again while that holds.
    pub const INTERRUPT_TX_LOW: u32 = 1 << 0;
    /// The transmitter has played everything and stopped, as DRAIN asked.
    pub const INTERRUPT_TX_DRAINED: u32 = 1 << 1;
    /// A frame was due and the FIFO empty.
    pub const INTERRUPT_TX_UNDERRUN: u32 = 1 << 2;
    /// Every interrupt bit there is.
    pub const INTERRUPT_ALL: u32 = INTERRUPT_TX_LOW | INTERRUPT_TX_DRAINED | INTERRUPT_TX_UNDERRUN;
}

/// One PWM channel; four of them, [`pwm::STRIDE`] apart.
pub mod pwm {
    /// First byte of channel 0.
    pub const BASE: u64 = 0x100;
    /// From one channel to the next.
    pub const STRIDE: u64 = 0x20;
    /// Size of a channel in bytes.
    pub const BYTES: u64 = 0x10;
    /// Number of channels.
    pub const CHANNELS: u64 = 4;

    /// Read-write: [`CONTROL_ENABLE`], [`CONTROL_POLARITY`]; read-only: [`CONTROL_LEVEL`].
    pub const CONTROL: u64 = 0x00;
    /// Read-write: clock cycles a period; 0 stops the channel.
    pub const PERIOD: u64 = 0x04;
    /// Read-write: clock cycles that the output is active, from the start of each period.
    pub const DUTY: u64 = 0x08;
    /// Read-only: clock cycles since the period began.
    pub const COUNTER: u64 = 0x0c;

    /// The channel runs; setting it begins a period.
    pub const CONTROL_ENABLE: u32 = 1 << 0;
    /// Active means low.
    pub const CONTROL_POLARITY: u32 = 1 << 1;
    /// Read-only: the output as it is now.
    pub const CONTROL_LEVEL: u32 = 1 << 8;
    /// The bits of the control register that keep what is written.
    pub const CONTROL_WRITABLE: u32 = CONTROL_ENABLE | CONTROL_POLARITY;
}

/// The audio transmitter.
pub mod audio {
    /// First byte.
    pub const BASE: u64 = 0x440;
    /// Size in bytes.
    pub const BYTES: u64 = 0x28;

    /// Read-write: the `CONTROL_` bits.
    pub const CONTROL: u64 = 0x00;
    /// Read-write while stopped: bits a sample (5:0) and channels (9:8).
    pub const FORMAT: u64 = 0x04;
    /// Read-write while stopped: frames a second.
    pub const RATE: u64 = 0x08;
    /// Read-only: fill level (10:0) and the `STATUS_` bits.
    pub const STATUS: u64 = 0x0c;
    /// Read-only: gaps since reset.
    pub const UNDERRUN_COUNT: u64 = 0x10;
    /// Read-only: frames since ENABLE was set, modulo 2^32.
    pub const FRAMES_PLAYED: u64 = 0x14;
    /// Write-only, whole: the left sample, of a mono frame the only one.
    pub const TX_LEFT: u64 = 0x20;
    /// Write-only, whole: the right sample; completes a stereo frame.
    pub const TX_RIGHT: u64 = 0x24;

    /// The transmitter takes frames from the FIFO.
    pub const CONTROL_ENABLE: u32 = 1 << 0;
    /// Stop by itself when the FIFO has run empty.
    pub const CONTROL_DRAIN: u32 = 1 << 1;
    /// Empty the FIFO now; reads as 0.
    pub const CONTROL_FLUSH: u32 = 1 << 2;

    /// Format after reset: 24 bits, 2 channels.
    pub const FORMAT_RESET: u32 = 0x0000_0218;
    /// Rate after reset.
    pub const RATE_RESET_HZ: u32 = 48_000;
    /// The rates that the transmitter has.
    pub const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;

    /// The FIFO is full.
    pub const STATUS_FULL: u32 = 1 << 16;
    /// The FIFO is empty.
    pub const STATUS_EMPTY: u32 = 1 << 17;
    /// The FIFO has [`FIFO_LOW_FRAMES`] or fewer.
    pub const STATUS_LOW: u32 = 1 << 18;
    /// Frames are being played.
    pub const STATUS_RUNNING: u32 = 1 << 19;
    /// A gap since ENABLE was last set.
    pub const STATUS_UNDERRUN: u32 = 1 << 20;
    /// A frame was written to a full FIFO and dropped; cleared by FLUSH.
    pub const STATUS_OVERFLOW: u32 = 1 << 21;

    /// Depth of the FIFO.
    pub const FIFO_FRAMES: usize = 1_024;
    /// Three quarters empty.
    pub const FIFO_LOW_FRAMES: usize = 256;
}

/// Offset in the register space and name of every register but the PWM channels'.
pub const NAMES: &[(u64, &str)] = &[
    (system::BASE + system::IDENTITY, "SYSTEM.IDENTITY"),
    (system::BASE + system::VERSION, "SYSTEM.VERSION"),
    (system::BASE + system::SCRATCH, "SYSTEM.SCRATCH"),
    (system::BASE + system::CONTROL, "SYSTEM.CONTROL"),
    (system::BASE + system::INTERRUPT_STATUS, "SYSTEM.INTERRUPT_STATUS"),
    (system::BASE + system::INTERRUPT_ENABLE, "SYSTEM.INTERRUPT_ENABLE"),
    (system::BASE + system::INTERRUPT_FORCE, "SYSTEM.INTERRUPT_FORCE"),
    (system::BASE + system::CLOCK_HZ, "SYSTEM.CLOCK_HZ"),
    (audio::BASE + audio::CONTROL, "AUDIO.CONTROL"),
    (audio::BASE + audio::FORMAT, "AUDIO.FORMAT"),
    (audio::BASE + audio::RATE, "AUDIO.RATE"),
    (audio::BASE + audio::STATUS, "AUDIO.STATUS"),
    (audio::BASE + audio::UNDERRUN_COUNT, "AUDIO.UNDERRUN_COUNT"),
    (audio::BASE + audio::FRAMES_PLAYED, "AUDIO.FRAMES_PLAYED"),
    (audio::BASE + audio::TX_LEFT, "AUDIO.TX_LEFT"),
    (audio::BASE + audio::TX_RIGHT, "AUDIO.TX_RIGHT"),
];

/// Offset in a channel and name of its registers.
pub const PWM_NAMES: &[(u64, &str)] =
    &[(pwm::CONTROL, "CONTROL"), (pwm::PERIOD, "PERIOD"), (pwm::DUTY, "DUTY"), (pwm::COUNTER, "COUNTER")];
