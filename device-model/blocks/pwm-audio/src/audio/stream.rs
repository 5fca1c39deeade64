//! What transmitter and receiver have in common: settings, FIFO, pace, supply, interrupts.

use device::{DmaFailure, DmaRequest, DmaTransfer, Effects, Frame, SampleWindow};
use registers::{Change, RegisterFile};
use serde::{Deserialize, Serialize};

use super::Step;
use super::fifo::Fifo;
use super::handles::{Handles, Side};
use super::memory_format::MAXIMUM_FRAME_BYTES;
use super::pace::Pace;
use super::ring::Ring;
use super::scatter_list::ScatterList;
use super::settings::{Settings, Way};
use crate::map::{REGISTERS, rates_hz};

/// The most frames that one DMA transfers.
pub(super) const BURST_FRAMES: usize = 512;

/// More frames than a stream has in ten thousand years; counters that were saved have less.
pub(super) const MANY: u64 = 1 << 56;

/// What a side is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Stopped,
    /// Enabled, and no frame is due: there is none, or they come from elsewhere.
    Waiting,
    /// Frames are due.
    Running(Pace),
}

/// Where frames come from, or go to, while a side is enabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Supply {
    Registers,
    Window(Ring),
    Dma {
        /// None until it has been read.
        list: Option<ScatterList>,
        /// The bytes of a frame that is not whole: read with the rest to come, or to be written to the next entry.
        partial: Vec<u8>,
    },
}

/// The one DMA that a side may have under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Transfer {
    None,
    List,
    /// Of so many bytes.
    Data(usize),
    /// Asked for by a stream that has been stopped since: its end is awaited, and nothing else.
    GivenUp,
}

/// Why a stream has stopped: the values of `STATUS.error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StreamError {
    None = 0,
    NotMapped = 1,
    NotAllowed = 2,
    Wraps = 3,
    BusMasterDisabled = 4,
    Failed = 5,
    BadList = 6,
    BadRing = 7,
}

impl From<DmaFailure> for StreamError {
    fn from(failure: DmaFailure) -> Self {
        match failure {
            DmaFailure::NotMapped => Self::NotMapped,
            DmaFailure::NotAllowed => Self::NotAllowed,
            DmaFailure::Wraps => Self::Wraps,
            DmaFailure::BusMasterDisabled => Self::BusMasterDisabled,
            DmaFailure::Failed => Self::Failed,
        }
    }
}

/// One side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stream {
    side: Side,
    pub(super) settings: Settings,
    pub(super) phase: Phase,
    pub(super) fifo: Fifo,
    pub(super) supply: Supply,
    pub(super) transfer: Transfer,
    /// Frames played, or taken into the FIFO, since the side was enabled.
    pub(super) frames: u64,
    failed: bool,
    failure_count: u32,
    pub(super) misused: bool,
    error: StreamError,
    /// Interrupt status bits that events have set since [`Self::take_interrupts`].
    interrupts: u64,
}

impl Stream {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            settings: Settings::read(side.handles(), |register| REGISTERS.map[register].reset_value),
            phase: Phase::Stopped,
            fifo: Fifo::default(),
            supply: Supply::Registers,
            transfer: Transfer::None,
            frames: 0,
            failed: false,
            failure_count: 0,
            misused: false,
            error: StreamError::None,
            interrupts: 0,
        }
    }

    pub(super) fn handles(&self) -> &'static Handles {
        self.side.handles()
    }

    pub(super) fn enabled(&self) -> bool {
        self.phase != Phase::Stopped
    }

    /// Whether what was saved can have been.
    pub(super) fn is_possible(&self, side: Side) -> bool {
        let settings = &self.settings;
        let supply = match &self.supply {
            Supply::Registers => true,
            Supply::Window(ring) => !self.enabled() || ring.is_possible(settings),
            Supply::Dma { list, partial } => {
                list.as_ref().is_none_or(ScatterList::is_possible) && partial.len() < settings.format.frame_bytes()
            }
        };
        let paced = match self.phase {
            Phase::Running(pace) => pace.is_possible(),
            Phase::Stopped | Phase::Waiting => true,
        };
        let set = settings.format.is_possible() && rates_hz().contains(&settings.rate_hz);
        self.side == side && set && supply && paced && self.frames < MANY
    }

    /// Brings the registers that the hardware changes up to date; `progress` is in frames of the list.
    pub(super) fn refresh(&self, file: &mut RegisterFile, running: bool, marked: bool, progress: u64) {
        let handles = self.handles();
        for (field, value) in [
            (handles.enable, self.enabled()),
            (handles.full, self.fifo.room() == 0),
            (handles.empty, self.fifo.is_empty()),
            (handles.marked, marked),
            (handles.running, running),
            (handles.failed, self.failed),
            (handles.misused, self.misused),
        ] {
            file.set_field(field, value);
        }
        file.set_field(handles.fill, self.fifo.len() as u64);
        file.set_field(handles.error, self.error as u64);
        file.set(handles.failure_count, self.failure_count.into());
        file.set(handles.frames, self.frames);
        let (mut index, mut entry, mut position) = (0, 0, 0);
        match &self.supply {
            Supply::Window(ring) => index = ring.index,
            Supply::Dma { list: Some(list), .. } => (entry, position) = (list.index(), list.position(progress)),
            Supply::Dma { list: None, .. } | Supply::Registers => {}
        }
        file.set(handles.hardware_index, index.into());
        file.set(handles.entry, entry as u64);
        file.set(handles.position, position);
    }

    /// Takes a setting, or puts the old one back and says why. Gives whether there is something to react to.
    pub(super) fn take_setting(&mut self, change: &Change, file: &mut RegisterFile, effects: &mut Effects) -> bool {
        let handles = self.handles();
        let register = change.register;
        let name = &REGISTERS.map[register].name;
        let wanted = change.old & !change.lanes() | change.written;
        let as_a_whole = register == handles.format || register == handles.rate;
        let refused = change.refused != 0 || as_a_whole && change.new != wanted;
        let refusal = if self.enabled() && self.keeps_while_enabled(change) {
            Some(format!("cannot change to {wanted:#x} while {}.CONTROL.enable is set", handles.name))
        } else if self.leaves_ring(change) {
            let frames = self.settings.ring_frames;
            Some(format!("takes a frame of the ring, which has {frames} ({}.RING_FRAMES), not {wanted}", handles.name))
        } else if refused && register == handles.rate {
            Some(format!("takes {} to {} Hz, not {wanted}", rates_hz().start(), rates_hz().end()))
        } else if refused && register == handles.format {
            Some(format!("takes 8, 16, 24 or 32 bits and 1 to 8 channels, not {wanted:#x}"))
        } else if refused {
            Some(format!("does not take {wanted:#x}"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            effects.fault(format!("{name} {refusal}"));
            // The rest of a control register takes effect all the same.
            if register != handles.control {
                file.set(register, change.old);
                return false;
            }
            for field in [handles.way, handles.cyclic].into_iter().filter(|_| self.enabled()) {
                file.set_field(field, field.of(change.old));
            }
        }
        self.settings = Settings::read(handles, |register| file.get(register));
        true
    }

    /// Whether software's index would be no frame of the ring that is at work.
    fn leaves_ring(&self, change: &Change) -> bool {
        change.register == self.handles().software_index
            && self.enabled()
            && change.new >= u64::from(self.settings.ring_frames)
    }

    /// Whether a write to the register has no effect now; of a control register, whether it would change such a field.
    fn keeps_while_enabled(&self, change: &Change) -> bool {
        let handles = self.handles();
        if change.register == handles.control {
            return (change.old ^ change.new) & (handles.way.mask() | handles.cyclic.mask()) != 0;
        }
        [
            handles.format,
            handles.rate,
            handles.ring_offset,
            handles.ring_frames,
            handles.period_frames,
            handles.list_address_low,
            handles.list_address_high,
            handles.list_entries,
        ]
        .contains(&change.register)
            || change.register == handles.end_frames && !handles.end_may_move
    }

    /// Makes ready for a stream: the FIFO is emptied unless it is software's.
    pub(super) fn begin(&mut self, window: Option<&SampleWindow>) -> Result<(), StreamError> {
        self.error = StreamError::None;
        self.failed = false;
        self.frames = 0;
        self.supply = Supply::Registers;
        self.supply = match self.settings.way {
            Way::Registers => Supply::Registers,
            Way::Window => Supply::Window(Ring::new(&self.settings, window).ok_or(StreamError::BadRing)?),
            Way::Dma if self.settings.list_entries == 0 => return Err(StreamError::BadList),
            Way::Dma => Supply::Dma { list: None, partial: Vec::with_capacity(MAXIMUM_FRAME_BYTES) },
        };
        if self.settings.way != Way::Registers {
            self.fifo.clear();
        }
        self.phase = Phase::Waiting;
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.phase = Phase::Stopped;
        if self.transfer != Transfer::None {
            self.transfer = Transfer::GivenUp;
        }
    }

    /// The stream has stopped by itself.
    pub(super) fn end(&mut self) {
        self.interrupts |= self.handles().interrupts.ended;
        self.stop();
    }

    pub(super) fn fail(&mut self, error: StreamError, effects: &mut Effects) {
        let handles = self.handles();
        self.error = error;
        self.interrupts |= handles.interrupts.error;
        self.stop();
        let name = handles.name;
        match error {
            StreamError::BadList => effects.fault(format!(
                "{name} stops: expected a list of one entry or more, none of them without bytes, whose bytes together \
                 are whole frames"
            )),
            StreamError::BadRing => effects.fault(format!(
                "{name} stops: expected a ring of two frames or more that lies in the sample window and has the frame \
                 that software's index names"
            )),
            // The device has recorded the transfer that failed.
            _ => {}
        }
    }

    /// Frames were missing or are lost.
    pub(super) fn count_failures(&mut self, frames: u64) {
        if frames > 0 {
            self.failed = true;
            self.failure_count = self.failure_count.saturating_add(u32::try_from(frames).unwrap_or(u32::MAX));
            self.interrupts |= self.handles().interrupts.failed;
        }
    }

    /// As a frame sounds, with mute and volume.
    pub(super) fn audible(&self, mut frame: Frame) -> Frame {
        let Settings { format, mute, gain, .. } = self.settings;
        for sample in &mut frame[..format.channels] {
            // Frames that were written for another format may have more bits.
            *sample = format.sample(*sample);
        }
        if mute {
            frame.fill(0);
        } else if gain != 256 {
            for sample in &mut frame {
                *sample = ((i64::from(*sample) * i64::from(gain)) >> 8) as i32;
            }
        }
        frame[format.channels..].fill(0);
        frame
    }

    /// Of `done` frames so far the last one ends a period, or one that `before` did not have.
    pub(super) fn count_period(&mut self, before: u64, done: u64) {
        let period = u64::from(self.settings.period_frames);
        if before.checked_div(period) != done.checked_div(period) {
            self.interrupts |= self.handles().interrupts.period;
        }
    }

    /// Frames until a period ends, after `done` of them: 1 or more.
    pub(super) fn period_rest(&self, done: u64) -> Option<u64> {
        let period = u64::from(self.settings.period_frames);
        done.checked_rem(period).map(|rest| period - rest)
    }

    /// The interrupt status bits of what has happened since the last call, and of the mark that holds now.
    pub(super) fn take_interrupts(&mut self, marked: bool) -> u64 {
        let level = if self.enabled() && marked { self.handles().interrupts.marked } else { 0 };
        std::mem::take(&mut self.interrupts) | level
    }

    /// Asks for a transfer of data or of the list. One past the end of memory is an error.
    pub(super) fn ask(
        &mut self,
        address: Option<u64>,
        transfer: DmaTransfer,
        step: &mut Step,
    ) -> Result<(), StreamError> {
        let request =
            DmaRequest { channel: self.side.dma_channel(), address: address.ok_or(StreamError::Wraps)?, transfer };
        self.transfer = Transfer::Data(request.bytes());
        step.effects.dma(request);
        Ok(())
    }

    /// Asks for the list.
    pub(super) fn ask_for_list(&mut self, step: &mut Step) -> Result<(), StreamError> {
        let bytes = self.settings.list_entries as usize * ScatterList::ENTRY_BYTES;
        self.ask(Some(self.settings.list_address), DmaTransfer::Read { bytes }, step)?;
        self.transfer = Transfer::List;
        Ok(())
    }

    /// Takes the end of a transfer: the list is taken in here, data that was read is given back with its number of bytes.
    pub(super) fn transferred(
        &mut self,
        result: Result<Vec<u8>, DmaFailure>,
    ) -> Result<Option<(usize, Vec<u8>)>, StreamError> {
        let transfer = std::mem::replace(&mut self.transfer, Transfer::None);
        let Supply::Dma { list, .. } = &mut self.supply else { return Ok(None) };
        match transfer {
            Transfer::None | Transfer::GivenUp => Ok(None),
            Transfer::List => {
                let parsed = ScatterList::parse(&result?, self.settings.format, self.settings.cyclic);
                *list = Some(parsed.ok_or(StreamError::BadList)?);
                Ok(None)
            }
            Transfer::Data(bytes) => Ok(Some((bytes, result?))),
        }
    }
}
