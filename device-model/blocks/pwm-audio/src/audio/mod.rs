//! Transmitter and receiver: streams of frames in three ways, by registers, through the sample window, by DMA.

mod fifo;
mod handles;
mod memory_format;
mod pace;
mod receiver;
mod ring;
mod scatter_list;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod transmitter;

use device::{DmaFailure, Effects, Frame, Output, SampleWindow, StreamFormat};
use registers::{Change, ReadEffect, RegisterFile};
use serde::de::Error;
use serde::{Deserialize, Serialize};

use crate::map::REGISTERS;

use self::handles::Side;
use self::receiver::Receiver;
use self::transmitter::Transmitter;

/// What the receiver hears.
pub trait AudioInput: Send {
    /// Frame `number` since the receiver was enabled, in `format`: samples that fit its bits, 0 for the channels that it
    /// does not have. The same number and format give the same frame.
    fn frame(&mut self, number: u64, format: StreamFormat) -> Frame;
}

/// When a step takes place, and what takes its effects.
pub(crate) struct Step<'a> {
    pub(crate) now_ns: u64,
    pub(crate) effects: &'a mut Effects,
    /// Takes every frame that is played: when, and its first sample as a part of 2^32. None: the stream has stopped.
    pub(crate) played: &'a mut dyn FnMut(u64, Option<u32>),
}

impl Step<'_> {
    fn stream_stopped(&mut self, time_ns: u64) {
        self.effects.output(Output::StreamStopped);
        (self.played)(time_ns, None);
    }
}

/// Transmitter and receiver, with what they are connected to.
pub(crate) struct Audio {
    state: State,
    window: Option<SampleWindow>,
    input: Option<Box<dyn AudioInput>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    transmitter: Transmitter,
    receiver: Receiver,
}

impl Audio {
    pub(crate) fn new(window: Option<SampleWindow>, input: Option<Box<dyn AudioInput>>) -> Self {
        Self { state: State::default(), window, input }
    }

    /// The state, without the content of the sample window and the input, which are not the block's.
    pub(crate) fn save(&self) -> serde_json::Value {
        serde_json::to_value(&self.state).expect("numbers, lists and names, which JSON has")
    }

    /// Takes a state that [`Self::save`] gave; the old one stays if it cannot be one.
    pub(crate) fn restore(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let state: State = serde_json::from_value(saved)?;
        if !state.transmitter.is_possible() || !state.receiver.is_possible() {
            return Err(serde_json::Error::custom("expected a state that transmitter and receiver can have"));
        }
        self.state = state;
        Ok(())
    }

    /// Brings the registers that the hardware changes up to date.
    pub(crate) fn refresh(&mut self, file: &mut RegisterFile) {
        self.state.transmitter.refresh(file);
        self.state.receiver.refresh(file);
    }

    /// Reacts to a write to one of the registers.
    pub(crate) fn react(&mut self, change: &Change, file: &mut RegisterFile, mut step: Step) {
        let window = self.window.as_ref();
        if REGISTERS.map[change.register].offset < REGISTERS.map[REGISTERS.rx.control.register].offset {
            self.state.transmitter.react(change, file, window, &mut step);
        } else {
            self.state.receiver.react(change, file, window, &mut step);
        }
    }

    /// Reacts to a read that changes a register.
    pub(crate) fn react_to_read(&mut self, effect: &ReadEffect, mut step: Step) {
        self.state.receiver.sample_read(effect, self.window.as_ref(), &mut step);
    }

    /// Lets everything happen that is due, in its order; at one instant the transmitter is first.
    pub(crate) fn advance(&mut self, mut step: Step) {
        let (State { transmitter, receiver }, window) = (&mut self.state, self.window.as_ref());
        let now_ns = step.now_ns;
        let step = &mut step;
        let due = |time_ns: Option<u64>| time_ns.filter(|&time_ns| time_ns <= now_ns);
        let mut moved = false;
        loop {
            let (playing_ns, receiving_ns) = (due(transmitter.due_ns()), due(receiver.due_ns()));
            match (playing_ns, receiving_ns) {
                (Some(playing_ns), _) if receiving_ns.is_none_or(|receiving_ns| playing_ns <= receiving_ns) => {
                    if let Some(frame) = transmitter.play(playing_ns, window, step) {
                        receiver.take_played(frame, transmitter.format(), window, step);
                    }
                }
                (_, Some(_)) => receiver.receive(self.input.as_deref_mut(), window, step),
                (_, None) => break,
            }
            moved = true;
        }
        if moved {
            transmitter.settle(window, step);
            receiver.settle(window, step);
        }
    }

    /// When something next happens that the guest sees without looking.
    pub(crate) fn next_deadline_ns(&self, file: &RegisterFile) -> Option<u64> {
        let State { transmitter, receiver } = &self.state;
        let pending = file.get(REGISTERS.system.interrupt_status.register);
        let playing = transmitter.next_deadline_ns(pending);
        let receiving = receiver.frames_until_deadline(pending).and_then(|frames| {
            if receiver.is_looped_back() { transmitter.after_ns(frames) } else { receiver.after_ns(frames) }
        });
        [playing, receiving].into_iter().flatten().min()
    }

    /// The interrupt status bits of what has happened since the last call, and of what holds now.
    pub(crate) fn take_interrupts(&mut self) -> u64 {
        self.state.transmitter.take_interrupts() | self.state.receiver.take_interrupts()
    }

    /// Takes what has become of a transfer.
    pub(crate) fn dma_ended(&mut self, channel: u8, result: Result<Vec<u8>, DmaFailure>, mut step: Step) {
        let window = self.window.as_ref();
        if channel == Side::Transmitter.dma_channel() {
            self.state.transmitter.dma_ended(result, window, &mut step);
        } else {
            self.state.receiver.dma_ended(result, window, &mut step);
        }
    }

    /// The state after reset; a stream that is being played ends. Transfers that are under way still end, without effect.
    pub(crate) fn reset(&mut self, mut step: Step) {
        self.state.transmitter.reset(&mut step);
        self.state.receiver.reset();
    }

    /// Transfers that are under way will never end.
    pub(crate) fn forget_transfers(&mut self) {
        self.state.transmitter.forget_transfer();
        self.state.receiver.forget_transfer();
    }
}
