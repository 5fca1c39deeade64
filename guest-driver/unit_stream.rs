// SPDX-License-Identifier: GPL-2.0

//! What the PCM devices have in common: a stream has the transmitter or the receiver for itself as
//! long as it is open, and starts and stops it.

use crate::{
    hardware::{
        Claim,
        Hardware,
        Unit, //
    },
    power::Awake,
    registers::TX_STATUS,
    sound::{
        stream::{
            Capabilities,
            Direction,
            Format,
            Trigger, //
        },
        substream::Substream, //
    },
    stream_registers::{
        Control,
        StreamRegisters,
        Way, //
    }, //
};
use core::ops::RangeInclusive;
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    }, //
};

/// The formats of the block.
const FORMATS: &[Format] = &[
    Format::S8,
    Format::S16,
    Format::S24,
    Format::S24Packed,
    Format::S32,
];
/// Its rates, in Hz.
const RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;
/// Periods with fewer frames could be an interrupt every 300 us and less.
const PERIOD_FRAMES_MINIMUM: u32 = 64;

/// What a stream of the block can be, with periods that its way to memory allows.
pub(crate) fn capabilities(direction: Direction, period_bytes_maximum: usize) -> Capabilities {
    let is_playback = direction == Direction::Playback;
    Capabilities {
        formats: FORMATS,
        rates_hz: RATES_HZ,
        channels: 1..=8,
        buffer_bytes_maximum: 512 << 10,
        period_frames: PERIOD_FRAMES_MINIMUM..=u32::MAX,
        period_bytes_maximum,
        fifo_frames: TX_STATUS::FILL_FULL as usize,
        position_is_exact: true,
        follows_application: is_playback,
        can_pause: true,
        can_resume: true,
        drains_exactly: is_playback,
    }
}

/// An open stream. `T` is what it needs for its way to memory.
pub(crate) struct UnitStream<T> {
    /// As long as it is open, nobody else can use the unit.
    _claim: Claim,
    _awake: Awake,
    /// It was started, and not stopped since, though it may stand still.
    pub(crate) is_started: bool,
    /// What the unit does while it is started.
    pub(crate) control: Control,
    /// Where the application was when it was last asked, by ALSA's count.
    application_frames: u64,
    /// Frames that it has written, or read, since the stream was prepared.
    pub(crate) application_total_frames: u64,
    /// The rest.
    pub(crate) memory: T,
}

impl<T> UnitStream<T> {
    /// Nothing has been played or written of what comes next.
    pub(crate) fn begin(&mut self) {
        self.is_started = false;
        self.application_frames = 0;
        self.application_total_frames = 0;
    }

    /// Starts the unit. The transmitter is to stop at the end of what was written if it `has_end`.
    pub(crate) fn start(&mut self, registers: &StreamRegisters<'_>, has_end: bool) {
        self.control = Control {
            pause: false,
            drain: has_end,
        };
        registers.start(self.control);
        self.is_started = true;
    }

    /// Does what `trigger` says, if it is neither to start nor to drain.
    pub(crate) fn trigger(
        &mut self,
        registers: Result<StreamRegisters<'_>>,
        trigger: Trigger,
    ) -> Result {
        let pause = match trigger {
            Trigger::Start | Trigger::Drain => return Err(EINVAL),
            Trigger::Stop => {
                self.is_started = false;
                registers?.stop();
                return Ok(());
            }
            Trigger::PausePush | Trigger::Suspend => true,
            // The unit is not enabled any more if the system's sleep has cost it its state.
            Trigger::PauseRelease | Trigger::Resume => false,
        };
        let control = Control {
            pause,
            ..self.control
        };
        self.change(&registers?, control)
    }

    /// Changes what the unit does; [`EPIPE`] if it has stopped by itself.
    pub(crate) fn change(&mut self, registers: &StreamRegisters<'_>, control: Control) -> Result {
        registers.change(control)?;
        self.control = control;
        Ok(())
    }

    /// Has the unit stop at the end of what was written.
    pub(crate) fn drain(&mut self, registers: &StreamRegisters<'_>) -> Result {
        let control = Control {
            drain: true,
            ..self.control
        };
        self.change(registers, control)
    }

    /// Takes how far the application has come since it was last asked.
    pub(crate) fn follow(&mut self, substream: Substream<'_>) -> Result {
        let frames = substream.application_frames();
        let boundary_frames = substream.boundary_frames();
        let more_frames = frames
            .checked_sub(self.application_frames)
            .unwrap_or(frames + (boundary_frames - self.application_frames));
        // More than the ring has room for: the application has had ALSA forget what is in it.
        if more_frames > u64::from(substream.parameters()?.buffer_frames) {
            return Err(EPIPE);
        }
        self.application_frames = frames;
        self.application_total_frames += more_frames;
        Ok(())
    }
}

/// The streams of a PCM device, by direction, while they are open.
#[pin_data]
pub(crate) struct UnitStreams<T> {
    pub(crate) hardware: Arc<Hardware>,
    way: Way,
    #[pin]
    playback: SpinLockIrq<Option<UnitStream<T>>>,
    #[pin]
    capture: SpinLockIrq<Option<UnitStream<T>>>,
}

impl<T: Unpin> UnitStreams<T> {
    /// Streams over `hardware`, to memory by `way`, of which none is open.
    pub(crate) fn new(hardware: Arc<Hardware>, way: Way) -> impl PinInit<Self> {
        pin_init!(Self {
            hardware,
            way,
            playback <- new_spinlock_irq!(None),
            capture <- new_spinlock_irq!(None),
        })
    }

    fn slot(&self, direction: Direction) -> &SpinLockIrq<Option<UnitStream<T>>> {
        match direction {
            Direction::Playback => &self.playback,
            Direction::Capture => &self.capture,
        }
    }

    /// Opens the stream of `direction`; [`EBUSY`] if its unit is somebody else's.
    pub(crate) fn open(&self, direction: Direction, memory: T) -> Result {
        let claim = Claim::new(&self.hardware, unit(direction))?;
        let awake = self.hardware.awake()?;
        *self.slot(direction).lock() = Some(UnitStream {
            _claim: claim,
            _awake: awake,
            is_started: false,
            control: Control::default(),
            application_frames: 0,
            application_total_frames: 0,
            memory,
        });
        Ok(())
    }

    /// Closes it.
    pub(crate) fn close(&self, direction: Direction) {
        let stream = self.slot(direction).lock().take();
        // Not under the lock: the last one to have the memory may have to sleep.
        drop(stream);
    }

    /// Runs `operation` on the stream of `direction`, in atomic context; [`ENXIO`] if it is not
    /// open.
    pub(crate) fn with<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&mut UnitStream<T>) -> Result<R>,
    ) -> Result<R> {
        operation((*self.slot(direction).lock()).as_mut().ok_or(ENXIO)?)
    }

    /// The registers of its unit; [`ENODEV`] once the device is gone.
    pub(crate) fn registers(&self, direction: Direction) -> Result<StreamRegisters<'_>> {
        StreamRegisters::new(&self.hardware, unit(direction), self.way)
    }

    /// What has become of a unit that is to be at work. No news if it is not, or is not to be.
    pub(crate) fn news(&self, direction: Direction) -> Result<News> {
        self.with(direction, |stream| {
            let registers = self.registers(direction)?;
            Ok(if !stream.is_started {
                News::None
            } else if registers.has_failed() {
                News::Failed
            } else if !registers.is_enabled() {
                News::Ended
            } else {
                News::None
            })
        })
    }
}

/// What may become of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    None,
    /// It has stopped by itself, at the end.
    Ended,
    /// Frames were missing, or lost, since it was started, or an error has stopped it.
    Failed,
}

/// The unit that plays, or records.
pub(crate) fn unit(direction: Direction) -> Unit {
    match direction {
        Direction::Playback => Unit::Transmitter,
        Direction::Capture => Unit::Receiver,
    }
}
