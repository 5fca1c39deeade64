//! The transmitter: a FIFO that is emptied at the frame rate.

use device::{DmaFailure, DmaTransfer, Frame, Output, SampleWindow};
use registers::{Change, RegisterFile};
use serde::{Deserialize, Serialize};

use super::Step;
use super::fifo::Fifo;
use super::handles::Side;
use super::memory_format::SampleFormat;
use super::pace::Pace;
use super::stream::{BURST_FRAMES, MANY, Phase, Stream, StreamError, Supply, Transfer};
use crate::map::REGISTERS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transmitter {
    stream: Stream,
    drain: bool,
    /// The frame that SAMPLE registers make.
    next: Frame,
    /// Frames of the list that have left the FIFO, played or flushed.
    passed: u64,
}

impl Default for Transmitter {
    fn default() -> Self {
        Self { stream: Stream::new(Side::Transmitter), drain: false, next: Frame::default(), passed: 0 }
    }
}

impl Transmitter {
    pub(super) fn is_possible(&self) -> bool {
        self.stream.is_possible(Side::Transmitter) && self.passed < MANY
    }

    pub(super) fn format(&self) -> SampleFormat {
        self.stream.settings.format
    }

    pub(super) fn refresh(&self, file: &mut RegisterFile) {
        let running = matches!(self.stream.phase, Phase::Running(pace) if !pace.is_paused());
        self.stream.refresh(file, running, self.low(), self.passed);
        file.set_field(REGISTERS.tx.control.drain, self.drain);
    }

    fn low(&self) -> bool {
        self.stream.fifo.len() <= self.stream.settings.mark_frames
    }

    pub(super) fn take_interrupts(&mut self) -> u64 {
        let low = self.low();
        self.stream.take_interrupts(low)
    }

    /// Reacts to a write to one of the transmitter's registers.
    pub(super) fn react(
        &mut self,
        change: &Change,
        file: &mut RegisterFile,
        window: Option<&SampleWindow>,
        step: &mut Step,
    ) {
        let handles = self.stream.handles();
        if let Some(channel) = handles.sample.iter().position(|&sample| sample == change.register) {
            self.sample(channel, change, step);
        } else if self.stream.take_setting(change, file, step.effects) && change.register == handles.control {
            file.set_field(handles.flush, false);
            self.control(change, window, step);
        }
        self.settle(window, step);
    }

    fn sample(&mut self, channel: usize, change: &Change, step: &mut Step) {
        let name = &REGISTERS.map[change.register].name;
        if change.bytes_written < 4 {
            let bytes = change.bytes_written;
            step.effects.fault(format!("{name} takes a sample whole, with 4 or 8 bytes, not {bytes}"));
            return;
        }
        if self.stream.enabled() && self.stream.supply != Supply::Registers {
            step.effects.fault(format!("{name} takes no sample: TX.CONTROL.way is not `registers`"));
            return;
        }
        let format = self.format();
        self.next[channel] = format.sample((change.written as u32).cast_signed());
        if channel + 1 == format.channels {
            let frame = std::mem::take(&mut self.next);
            if !self.stream.fifo.push(frame) {
                self.stream.misused = true;
                step.effects.fault(format!("frame dropped: the FIFO already has {} frames", Fifo::FRAMES));
            }
        }
    }

    fn control(&mut self, change: &Change, window: Option<&SampleWindow>, step: &mut Step) {
        let handles = self.stream.handles();
        if change.written_to(handles.flush) == Some(1) {
            self.passed += self.stream.fifo.len() as u64;
            self.stream.fifo.clear();
            self.stream.misused = false;
            if self.stream.enabled() {
                self.stream.phase = Phase::Waiting;
            }
        }
        if let Some(drain) = change.written_to(REGISTERS.tx.control.drain) {
            self.drain = drain != 0;
        }
        match (self.stream.enabled(), change.written_to(handles.enable)) {
            (false, Some(1)) => self.start(window, step),
            (true, Some(0)) => {
                self.stream.stop();
                step.stream_stopped(step.now_ns);
            }
            _ => {}
        }
        if let Phase::Running(pace) = &mut self.stream.phase {
            pace.pause(self.stream.settings.pause, step.now_ns);
        }
    }

    fn start(&mut self, window: Option<&SampleWindow>, step: &mut Step) {
        self.passed = 0;
        match self.stream.begin(window) {
            Ok(()) => step.effects.output(Output::StreamStarted(self.stream.settings.stream_format())),
            Err(error) => self.stream.fail(error, step.effects),
        }
    }

    fn fail(&mut self, error: StreamError, step: &mut Step) {
        self.stream.fail(error, step.effects);
        step.stream_stopped(step.now_ns);
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
            Ok(Some((bytes, data))) if bytes == data.len() => self.take_data(&data),
            Ok(Some(_)) => self.fail(StreamError::Failed, step),
            Err(error) => self.fail(error, step),
        }
        self.settle(window, step);
    }

    fn take_data(&mut self, data: &[u8]) {
        let Supply::Dma { list: Some(list), partial } = &mut self.stream.supply else { return };
        let format = self.stream.settings.format;
        let frame_bytes = format.frame_bytes();
        list.pass(data.len());
        let mut rest = data;
        if !partial.is_empty() {
            let missing = rest.len().min(frame_bytes - partial.len());
            partial.extend_from_slice(&rest[..missing]);
            rest = &rest[missing..];
            if partial.len() < frame_bytes {
                return;
            }
            self.stream.fifo.push(format.decode(partial));
            partial.clear();
        }
        let frames = rest.chunks_exact(frame_bytes);
        partial.extend_from_slice(frames.remainder());
        for frame in frames {
            self.stream.fifo.push(format.decode(frame));
        }
    }

    /// Fills the FIFO as far as can be, and starts or ends what waits for that.
    pub(super) fn settle(&mut self, window: Option<&SampleWindow>, step: &mut Step) {
        if !self.stream.enabled() {
            return;
        }
        self.fill_from_ring(window);
        if let Err(error) = self.fetch(step) {
            return self.fail(error, step);
        }
        if self.stream.phase == Phase::Waiting {
            if !self.stream.fifo.is_empty() {
                let settings = &self.stream.settings;
                self.stream.phase = Phase::Running(Pace::begin(step.now_ns, settings.rate_hz, settings.pause));
            } else if self.drain && self.nothing_left() {
                self.drained(step.now_ns, step);
            }
        }
    }

    fn fill_from_ring(&mut self, window: Option<&SampleWindow>) {
        let Stream { supply, settings, fifo, .. } = &mut self.stream;
        if let (Supply::Window(ring), Some(window)) = (supply, window) {
            ring.take(settings.software_index, settings.format, window, fifo);
        }
    }

    fn fetch(&mut self, step: &mut Step) -> Result<(), StreamError> {
        if self.stream.transfer != Transfer::None {
            return Ok(());
        }
        match &self.stream.supply {
            Supply::Dma { list: None, .. } => self.stream.ask_for_list(step),
            Supply::Dma { list: Some(list), .. } => match self.next_fetch() {
                Some((bytes, frames)) if frames <= self.stream.fifo.room() => {
                    self.stream.ask(list.address(), DmaTransfer::Read { bytes }, step)
                }
                _ => Ok(()),
            },
            Supply::Registers | Supply::Window(_) => Ok(()),
        }
    }

    /// What is to be fetched next, when there is room: bytes, and the frames that they complete.
    fn next_fetch(&self) -> Option<(usize, usize)> {
        let Supply::Dma { list: Some(list), partial } = &self.stream.supply else { return None };
        let frame_bytes = self.format().frame_bytes();
        let wanted = self.left().map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let wanted = wanted.saturating_sub(self.stream.fifo.len()).min(BURST_FRAMES);
        let bytes = list.rest_bytes()?.min((wanted * frame_bytes).saturating_sub(partial.len()));
        (bytes > 0).then(|| (bytes, (partial.len() + bytes) / frame_bytes))
    }

    /// Frames that are still to be played by DMA; none if there is no end, or none yet.
    fn left(&self) -> Option<u64> {
        let Supply::Dma { list: Some(list), .. } = &self.stream.supply else { return None };
        let end_frames = self.stream.settings.end_frames;
        let to_end = (self.drain && end_frames != 0).then(|| {
            let left = end_frames.wrapping_sub(self.stream.frames as u32).cast_signed();
            u64::from(left.max(0).cast_unsigned())
        });
        let in_list = if !list.is_cyclic() {
            Some(list.frames.saturating_sub(self.passed))
        } else if self.drain && end_frames == 0 {
            // To the end of this pass, which is here when it has just been reached.
            Some(self.passed.next_multiple_of(list.frames).max(list.frames) - self.passed)
        } else {
            None
        };
        [to_end, in_list].into_iter().flatten().min()
    }

    /// Whether everything has been played.
    fn nothing_left(&self) -> bool {
        match &self.stream.supply {
            Supply::Registers => self.stream.fifo.is_empty(),
            Supply::Window(_) => self.available() == 0,
            Supply::Dma { .. } => self.left() == Some(0),
        }
    }

    /// Frames in the FIFO and the ring.
    fn available(&self) -> usize {
        let in_ring = match &self.stream.supply {
            Supply::Window(ring) => ring.available(self.stream.settings.software_index),
            Supply::Registers | Supply::Dma { .. } => 0,
        };
        self.stream.fifo.len() + in_ring
    }

    fn drained(&mut self, time_ns: u64, step: &mut Step) {
        self.drain = false;
        self.stream.fifo.clear();
        self.stream.end();
        step.stream_stopped(time_ns);
    }

    /// When the next frame is due.
    pub(super) fn due_ns(&self) -> Option<u64> {
        match &self.stream.phase {
            Phase::Running(pace) => pace.next_ns(),
            Phase::Stopped | Phase::Waiting => None,
        }
    }

    /// Plays the frame that is due at `time_ns`.
    pub(super) fn play(&mut self, time_ns: u64, window: Option<&SampleWindow>, step: &mut Step) -> Option<Frame> {
        if self.stream.fifo.is_empty() {
            self.fill_from_ring(window);
        }
        if self.drain && self.nothing_left() {
            self.drained(time_ns, step);
            return None;
        }
        let Some(frame) = self.stream.fifo.pop() else {
            self.stream.phase = Phase::Waiting;
            self.stream.count_failures(1);
            step.effects.output(Output::StreamUnderrun);
            return None;
        };
        let frame = self.stream.audible(frame);
        step.effects.output(Output::Frame(frame));
        (step.played)(time_ns, Some(self.format().fraction(frame[0])));
        let before = self.stream.frames;
        self.stream.frames += 1;
        self.passed += 1;
        self.stream.count_period(before, before + 1);
        if let Phase::Running(pace) = &mut self.stream.phase {
            pace.step();
        }
        Some(frame)
    }

    /// When the frame `frames` after the next one is due.
    pub(super) fn after_ns(&self, frames: u64) -> Option<u64> {
        match &self.stream.phase {
            Phase::Running(pace) => pace.after_ns(frames),
            Phase::Stopped | Phase::Waiting => None,
        }
    }

    /// When something next happens that the guest sees without looking, with these interrupt status bits set.
    pub(super) fn next_deadline_ns(&self, pending: u64) -> Option<u64> {
        let available = self.available() as u64;
        let interrupts = &self.stream.handles().interrupts;
        let clear = |interrupt: u64| pending & interrupt == 0;
        // The frame after the last one: an underrun, or the end.
        let last = if self.drain { self.left().unwrap_or(u64::MAX).min(available) } else { available };
        let low = available.checked_sub(self.stream.settings.mark_frames as u64 + 1);
        let period = self.stream.period_rest(self.stream.frames).map(|rest| rest - 1);
        let fetch = self.next_fetch().filter(|_| self.stream.transfer == Transfer::None);
        let fetch = fetch.and_then(|(_, frames)| frames.checked_sub(self.stream.fifo.room() + 1));
        let frames = [
            Some(last),
            low.filter(|_| clear(interrupts.marked)),
            period.filter(|_| clear(interrupts.period)),
            fetch.map(|frames| frames as u64),
        ];
        frames.into_iter().flatten().min().and_then(|frames| self.after_ns(frames))
    }

    /// Ends a stream that is being played, and puts everything into its state after reset. A transfer that is under way
    /// ends later.
    pub(super) fn reset(&mut self, step: &mut Step) {
        if self.stream.enabled() {
            self.stream.stop();
            step.stream_stopped(step.now_ns);
        }
        let transfer = self.stream.transfer;
        *self = Self::default();
        self.stream.transfer = transfer;
    }

    /// What was under way will never end.
    pub(super) fn forget_transfer(&mut self) {
        self.stream.transfer = Transfer::None;
    }
}
