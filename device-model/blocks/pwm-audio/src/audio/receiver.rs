//! The receiver: a FIFO that is filled at the frame rate.

use device::{DmaFailure, DmaTransfer, Frame, Output, SampleWindow};
use registers::{Change, ReadEffect, RegisterFile};
use serde::{Deserialize, Serialize};

use super::handles::Side;
use super::memory_format::SampleFormat;
use super::pace::Pace;
use super::stream::{BURST_FRAMES, MANY, Phase, Stream, StreamError, Supply, Transfer};
use super::{AudioInput, Step};
use crate::map::REGISTERS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receiver {
    stream: Stream,
    loopback: bool,
    /// Frames of the input since the receiver was enabled, also those that were lost.
    heard: u64,
    /// Frames that have left the FIFO for the list's memory.
    requested: u64,
    /// Frames that are where software finds them.
    delivered: u64,
    /// Bytes of the list's memory that have been written.
    written_bytes: u64,
    /// The latest frame was lost.
    losing: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            stream: Stream::new(Side::Receiver),
            loopback: false,
            heard: 0,
            requested: 0,
            delivered: 0,
            written_bytes: 0,
            losing: false,
        }
    }
}

impl Receiver {
    pub(super) fn is_possible(&self) -> bool {
        let counters = [self.heard, self.requested, self.delivered, self.written_bytes];
        self.stream.is_possible(Side::Receiver) && counters.iter().all(|&count| count < MANY)
    }

    pub(super) fn refresh(&self, file: &mut RegisterFile) {
        self.stream.refresh(file, self.listens(), self.high(), self.delivered);
        let handles = self.stream.handles();
        let oldest = self.stream.fifo.oldest().filter(|_| self.by_registers()).copied().unwrap_or_default();
        for (&register, sample) in handles.sample.iter().zip(oldest) {
            file.set(register, sample.cast_unsigned().into());
        }
    }

    /// Whether SAMPLE registers read the FIFO.
    fn by_registers(&self) -> bool {
        !self.stream.enabled() || self.stream.supply == Supply::Registers
    }

    fn high(&self) -> bool {
        self.stream.fifo.len() >= self.stream.settings.mark_frames
    }

    pub(super) fn take_interrupts(&mut self) -> u64 {
        let high = self.high();
        self.stream.take_interrupts(high)
    }

    /// Whether it takes what the transmitter plays.
    pub(super) fn is_looped_back(&self) -> bool {
        self.loopback
    }

    /// Whether frames are being received.
    fn listens(&self) -> bool {
        self.stream.enabled() && !self.stream.settings.pause && self.left() != Some(0)
    }

    /// Frames that are still to be received; none if there is no end, or none yet.
    fn left(&self) -> Option<u64> {
        let end_frames = self.stream.settings.end_frames;
        let to_end = (end_frames != 0).then(|| u64::from(end_frames).saturating_sub(self.stream.frames));
        let in_list = match &self.stream.supply {
            Supply::Dma { list: Some(list), .. } if !list.is_cyclic() => {
                Some(list.frames.saturating_sub(self.requested + self.stream.fifo.len() as u64))
            }
            _ => None,
        };
        [to_end, in_list].into_iter().flatten().min()
    }

    /// Reacts to a write to one of the receiver's registers.
    pub(super) fn react(
        &mut self,
        change: &Change,
        file: &mut RegisterFile,
        window: Option<&SampleWindow>,
        step: &mut Step,
    ) {
        let handles = self.stream.handles();
        if self.stream.take_setting(change, file, step.effects) && change.register == handles.control {
            file.set_field(handles.flush, false);
            self.control(change, window, step);
        }
        self.settle(window, step);
    }

    fn control(&mut self, change: &Change, window: Option<&SampleWindow>, step: &mut Step) {
        let handles = self.stream.handles();
        if change.written_to(handles.flush) == Some(1) {
            self.stream.fifo.clear();
            self.stream.misused = false;
        }
        if let Some(loopback) = change.written_to(REGISTERS.rx.control.loopback)
            && self.loopback != (loopback != 0)
        {
            self.loopback = loopback != 0;
            self.set_pace(step.now_ns);
        }
        match (self.stream.enabled(), change.written_to(handles.enable)) {
            (false, Some(1)) => self.start(window, step),
            (true, Some(0)) => self.stream.stop(),
            _ => {}
        }
        if let Phase::Running(pace) = &mut self.stream.phase {
            pace.pause(self.stream.settings.pause, step.now_ns);
        }
    }

    fn start(&mut self, window: Option<&SampleWindow>, step: &mut Step) {
        *self = Self { stream: self.stream.clone(), loopback: self.loopback, ..Self::default() };
        match self.stream.begin(window) {
            Ok(()) => self.set_pace(step.now_ns),
            Err(error) => self.stream.fail(error, step.effects),
        }
    }

    /// Lets frames be due at the receiver's rate from `now_ns` on, or not if they come from elsewhere.
    fn set_pace(&mut self, now_ns: u64) {
        if self.stream.enabled() {
            let settings = &self.stream.settings;
            let own = Phase::Running(Pace::begin(now_ns, settings.rate_hz, settings.pause));
            self.stream.phase = if self.loopback || self.left() == Some(0) { Phase::Waiting } else { own };
        }
    }

    /// Takes what a read of a SAMPLE register does.
    pub(super) fn sample_read(&mut self, effect: &ReadEffect, window: Option<&SampleWindow>, step: &mut Step) {
        let handles = self.stream.handles();
        let Some(channel) = handles.sample.iter().position(|&sample| sample == effect.register) else { return };
        let name = &REGISTERS.map[effect.register].name;
        let channels = self.stream.settings.format.channels;
        if !self.by_registers() {
            step.effects.fault(format!("{name} gives no sample: RX.CONTROL.way is not `registers`"));
        } else if effect.bytes_read < 4 {
            let bytes = effect.bytes_read;
            step.effects.fault(format!("{name} gives a sample whole, with 4 or 8 bytes, not {bytes}"));
        } else if channel < channels && self.stream.fifo.is_empty() {
            self.stream.misused = true;
            step.effects.fault(format!("{name} gives 0: the FIFO is empty"));
        } else if channel + 1 == channels {
            self.stream.fifo.pop();
            self.settle(window, step);
        }
    }

    /// When the next frame of the input is due.
    pub(super) fn due_ns(&self) -> Option<u64> {
        match &self.stream.phase {
            Phase::Running(pace) => pace.next_ns(),
            Phase::Stopped | Phase::Waiting => None,
        }
    }

    /// Receives the frame of the input that is due.
    pub(super) fn receive(
        &mut self,
        input: Option<&mut (dyn AudioInput + 'static)>,
        window: Option<&SampleWindow>,
        step: &mut Step,
    ) {
        let format = self.stream.settings.stream_format();
        let frame = input.map_or(Frame::default(), |input| input.frame(self.heard, format));
        self.heard = self.heard.saturating_add(1);
        self.take(frame, window, step);
        let Phase::Running(pace) = &mut self.stream.phase else { return };
        pace.step();
        if self.losing {
            // Nothing makes room within a step: the rest of its frames is lost as well, however many they are.
            let lost = pace.skip(step.now_ns);
            self.heard = self.heard.saturating_add(lost);
            self.stream.count_failures(lost);
        } else if self.left() == Some(0) {
            self.stream.phase = Phase::Waiting;
        }
    }

    /// Receives a frame that the transmitter plays.
    pub(super) fn take_played(
        &mut self,
        frame: Frame,
        from: SampleFormat,
        window: Option<&SampleWindow>,
        step: &mut Step,
    ) {
        if self.loopback && self.listens() {
            self.take(self.stream.settings.format.converted(frame, from), window, step);
        }
    }

    fn take(&mut self, frame: Frame, window: Option<&SampleWindow>, step: &mut Step) {
        let frame = self.stream.audible(frame);
        if self.stream.fifo.room() == 0 {
            self.write_to_ring(window);
        }
        if self.stream.fifo.push(frame) {
            self.losing = false;
            self.stream.frames += 1;
            if self.stream.supply == Supply::Registers {
                self.deliver(1);
            }
        } else {
            self.stream.count_failures(1);
            if !std::mem::replace(&mut self.losing, true) {
                step.effects.output(Output::ReceiveOverrun);
            }
        }
    }

    fn deliver(&mut self, frames: u64) {
        let before = self.delivered;
        self.delivered += frames;
        self.stream.count_period(before, self.delivered);
    }

    fn write_to_ring(&mut self, window: Option<&SampleWindow>) {
        let Stream { supply, settings, fifo, .. } = &mut self.stream;
        if let (Supply::Window(ring), Some(window)) = (supply, window) {
            let moved = ring.put(settings.software_index, settings.format, window, fifo);
            self.deliver(moved as u64);
        }
    }

    /// Empties the FIFO as far as can be, and ends what waits for that.
    pub(super) fn settle(&mut self, window: Option<&SampleWindow>, step: &mut Step) {
        if !self.stream.enabled() {
            return;
        }
        self.write_to_ring(window);
        if let Err(error) = self.write_by_dma(step) {
            return self.stream.fail(error, step.effects);
        }
        let emptied = match &self.stream.supply {
            Supply::Registers => true,
            Supply::Window(_) => self.stream.fifo.is_empty(),
            Supply::Dma { partial, .. } => {
                self.stream.fifo.is_empty() && partial.is_empty() && self.stream.transfer == Transfer::None
            }
        };
        if emptied && self.left() == Some(0) {
            self.stream.end();
        }
    }

    fn write_by_dma(&mut self, step: &mut Step) -> Result<(), StreamError> {
        if self.stream.transfer != Transfer::None {
            return Ok(());
        }
        let Some(frames) = self.next_write() else {
            let asks = matches!(self.stream.supply, Supply::Dma { list: None, .. });
            return if asks { self.stream.ask_for_list(step) } else { Ok(()) };
        };
        let Stream { supply: Supply::Dma { list: Some(list), partial }, fifo, settings, .. } = &mut self.stream else {
            return Ok(());
        };
        let mut data = std::mem::take(partial);
        data.reserve(frames * settings.format.frame_bytes());
        for frame in std::iter::from_fn(|| fifo.pop()).take(frames) {
            settings.format.encode(&frame, &mut data);
        }
        // The rest of a frame that goes past the end of the entry is written to the next one.
        *partial = data.split_off(data.len().min(list.rest_bytes().unwrap_or(0)));
        let address = list.address();
        list.pass(data.len());
        self.requested += frames as u64;
        self.stream.ask(address, DmaTransfer::Write { data }, step)
    }

    /// The frames of the next write, if it is time for it: none of them where a part of one is left over.
    fn next_write(&self) -> Option<usize> {
        let Supply::Dma { list: Some(_), partial } = &self.stream.supply else { return None };
        let (there, burst) = (self.stream.fifo.len(), self.burst_frames()?);
        let at_period = self.stream.period_rest(self.requested).and_then(|rest| {
            let after = there.checked_sub(usize::try_from(rest).ok()?)?;
            let period = self.stream.settings.period_frames as usize;
            Some(there - after % period)
        });
        if there >= burst {
            Some(burst)
        } else if let Some(frames) = at_period {
            Some(frames)
        } else if self.left() == Some(0) && there > 0 {
            Some(there)
        } else {
            (!partial.is_empty()).then_some(0)
        }
    }

    /// Frames that fill the entry, or a burst.
    fn burst_frames(&self) -> Option<usize> {
        let Supply::Dma { list: Some(list), partial } = &self.stream.supply else { return None };
        let frame_bytes = self.stream.settings.format.frame_bytes();
        let in_entry = list.rest_bytes()?.saturating_sub(partial.len()).div_ceil(frame_bytes);
        Some(in_entry.min((BURST_FRAMES * frame_bytes - partial.len()) / frame_bytes))
    }

    /// Takes what has become of a transfer.
    pub(super) fn dma_ended(
        &mut self,
        result: Result<Vec<u8>, DmaFailure>,
        window: Option<&SampleWindow>,
        step: &mut Step,
    ) {
        match self.stream.transferred(result) {
            Ok(None) => {}
            Ok(Some((bytes, _))) => {
                self.written_bytes += bytes as u64;
                let written = self.written_bytes / self.stream.settings.format.frame_bytes() as u64;
                self.deliver(written - self.delivered);
            }
            Err(error) => self.stream.fail(error, step.effects),
        }
        self.settle(window, step);
    }

    /// Frames to be received, after the next one, until something happens that the guest sees without looking, with these
    /// interrupt status bits set.
    pub(super) fn frames_until_deadline(&self, pending: u64) -> Option<u64> {
        if !self.listens() {
            return None;
        }
        let (there, settings) = (self.stream.fifo.len(), &self.stream.settings);
        let interrupts = &self.stream.handles().interrupts;
        let clear = |interrupt: u64| pending & interrupt == 0;
        let ring_free = match &self.stream.supply {
            Supply::Window(ring) => ring.free(settings.software_index),
            Supply::Registers | Supply::Dma { .. } => 0,
        };
        let overrun = self.stream.fifo.room() + ring_free;
        let high = (settings.mark_frames + ring_free).checked_sub(there + 1);
        let period = match &self.stream.supply {
            Supply::Registers => self.stream.period_rest(self.delivered).map(|rest| rest - 1),
            Supply::Window(_) => {
                self.stream.period_rest(self.delivered).map(|rest| rest - 1).filter(|&rest| rest < ring_free as u64)
            }
            Supply::Dma { .. } => {
                self.stream.period_rest(self.requested).and_then(|rest| rest.checked_sub(there as u64 + 1))
            }
        };
        let burst = self.burst_frames().filter(|_| self.stream.transfer == Transfer::None);
        let frames = [
            self.left().map(|left| left - 1),
            Some(overrun as u64).filter(|_| clear(interrupts.failed)),
            high.map(|frames| frames as u64).filter(|_| clear(interrupts.marked)),
            period.filter(|_| clear(interrupts.period)),
            burst.and_then(|burst| burst.checked_sub(there + 1)).map(|frames| frames as u64),
        ];
        frames.into_iter().flatten().min()
    }

    /// When the frame `frames` after the next one of the input is due.
    pub(super) fn after_ns(&self, frames: u64) -> Option<u64> {
        match &self.stream.phase {
            Phase::Running(pace) => pace.after_ns(frames),
            Phase::Stopped | Phase::Waiting => None,
        }
    }

    /// Puts everything into its state after reset. A transfer that is under way ends later.
    pub(super) fn reset(&mut self) {
        self.stream.stop();
        let transfer = self.stream.transfer;
        *self = Self::default();
        self.stream.transfer = transfer;
    }

    /// What was under way will never end.
    pub(super) fn forget_transfer(&mut self) {
        self.stream.transfer = Transfer::None;
    }
}
