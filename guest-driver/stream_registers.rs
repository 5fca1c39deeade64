// SPDX-License-Identifier: GPL-2.0

//! The registers of transmitter and receiver, as a stream of samples in memory needs them: both
//! units have the same, at other offsets.

use crate::{
    hardware::{
        Access,
        Hardware,
        Unit, //
    },
    registers::*,
    sound::stream::{
        Format,
        Parameters, //
    },
    NO_DEVICE, //
};
use core::ops::Deref;
use kernel::{
    io::Io,
    prelude::*, //
};

/// Where the memory is that a stream's samples come from, or go to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A ring in the sample window.
    Window,
    /// Where the unit's list says, again and again.
    Dma,
}

/// What an enabled unit does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Control {
    /// It stands still.
    pub(crate) pause: bool,
    /// The transmitter stops with frame `TX_END_FRAMES`, or when the ring is empty. The receiver
    /// does not know this.
    pub(crate) drain: bool,
}

/// The registers of a unit, of a device that is there. Nobody may sleep while this exists.
pub(crate) struct StreamRegisters<'a> {
    access: Access<'a>,
    hardware: &'a Hardware,
    unit: Unit,
    way: Way,
}

impl<'a> Deref for StreamRegisters<'a> {
    type Target = Access<'a>;

    fn deref(&self) -> &Self::Target {
        &self.access
    }
}

impl<'a> StreamRegisters<'a> {
    /// More frames than are played or received between two reads that follow each other, and fewer
    /// than a stream has that is worth its while.
    const MANY_FRAMES: u32 = 1 << 24;

    /// Those of `unit`; [`ENODEV`] once the device is gone.
    pub(crate) fn new(hardware: &'a Hardware, unit: Unit, way: Way) -> Result<Self> {
        Ok(Self {
            access: hardware.access()?,
            hardware,
            unit,
            way,
        })
    }

    /// What news of a stream interrupts.
    pub(crate) fn interrupts(unit: Unit) -> SYSTEM_INTERRUPT_ENABLE {
        let none = SYSTEM_INTERRUPT_ENABLE::zeroed();
        match unit {
            Unit::Transmitter => none
                .with_tx_period(true)
                .with_tx_drained(true)
                .with_tx_underrun(true)
                .with_tx_error(true),
            Unit::Receiver => none
                .with_rx_period(true)
                .with_rx_overrun(true)
                .with_rx_error(true),
        }
    }

    /// Stops the unit, empties its FIFO and sets what a stream is; [`ENODEV`] if the device does
    /// not answer.
    pub(crate) fn set_up(&self, parameters: &Parameters) -> Result {
        self.stop();
        let (sample_bits, packed) = match parameters.format {
            Format::S8 => (TX_FORMAT::SAMPLE_BITS_SIGNED_8, false),
            Format::S16 => (TX_FORMAT::SAMPLE_BITS_SIGNED_16, false),
            Format::S24 => (TX_FORMAT::SAMPLE_BITS_SIGNED_24, false),
            Format::S24Packed => (TX_FORMAT::SAMPLE_BITS_SIGNED_24, true),
            Format::S32 => (TX_FORMAT::SAMPLE_BITS_SIGNED_32, false),
        };
        let Parameters {
            channels,
            rate_hz,
            period_frames,
            ..
        } = *parameters;
        let status = match self.unit {
            Unit::Transmitter => {
                self.write_reg(
                    TX_FORMAT::zeroed()
                        .try_with_sample_bits(sample_bits)?
                        .try_with_channels(channels)?
                        .with_packed(packed),
                );
                self.write_reg(TX_RATE::from_raw(rate_hz));
                self.write_reg(TX_PERIOD_FRAMES::from_raw(period_frames));
                self.write_reg(TX_END_FRAMES::zeroed());
                self.read(TX_STATUS).into_raw()
            }
            Unit::Receiver => {
                self.write_reg(
                    RX_FORMAT::zeroed()
                        .try_with_sample_bits(sample_bits)?
                        .try_with_channels(channels)?
                        .with_packed(packed),
                );
                self.write_reg(RX_RATE::from_raw(rate_hz));
                self.write_reg(RX_PERIOD_FRAMES::from_raw(period_frames));
                self.write_reg(RX_END_FRAMES::zeroed());
                self.read(RX_STATUS).into_raw()
            }
        };
        if status == NO_DEVICE {
            self.hardware.give_up();
            return Err(ENODEV);
        }
        Ok(())
    }

    /// Starts the unit and lets it interrupt.
    pub(crate) fn start(&self, control: Control) {
        let interrupts = Self::interrupts(self.unit);
        // What an earlier stream left behind is no news of this one.
        self.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(interrupts.into_raw()));
        self.enable_interrupts(interrupts);
        self.write_control(control);
    }

    /// Stops the unit at once and empties its FIFO.
    pub(crate) fn stop(&self) {
        self.disable_interrupts(Self::interrupts(self.unit));
        // The way cannot change while the unit is enabled, which it may still be.
        match self.unit {
            Unit::Transmitter => self.write_reg(self.transmitter_control().with_flush(true)),
            Unit::Receiver => {
                let control = self.receiver_control().with_flush(true);
                self.hardware.receiver_control.write(self, control);
            }
        }
    }

    /// Changes what the unit does, if it is enabled. [`EPIPE`] if it has stopped by itself.
    pub(crate) fn change(&self, control: Control) -> Result {
        if !self.is_enabled() {
            return Err(EPIPE);
        }
        let before = self.frames();
        self.write_control(control);
        // It may have stopped since it was asked, and then this has started it anew. No matter if
        // it had done nothing.
        if self.frames().wrapping_sub(before) >= Self::MANY_FRAMES {
            self.stop();
            return Err(EPIPE);
        }
        Ok(())
    }

    fn write_control(&self, Control { pause, drain }: Control) {
        match self.unit {
            Unit::Transmitter => {
                let control = self.transmitter_control().with_enable(true);
                self.write_reg(control.with_pause(pause).with_drain(drain));
            }
            Unit::Receiver => {
                let control = self.receiver_control().with_enable(true).with_pause(pause);
                self.hardware.receiver_control.write(self, control);
            }
        }
    }

    /// Whether the unit is at work, or stands still: it has neither been stopped nor stopped by
    /// itself.
    pub(crate) fn is_enabled(&self) -> bool {
        match self.unit {
            Unit::Transmitter => self.read(TX_CONTROL).enable(),
            Unit::Receiver => self.read(RX_CONTROL).enable(),
        }
    }

    /// Whether frames were missing, or lost, since the unit was started, or an error stopped it.
    pub(crate) fn has_failed(&self) -> bool {
        match self.unit {
            Unit::Transmitter => {
                let status = self.read(TX_STATUS);
                status.underrun() || status.error().get() != TX_STATUS::ERROR_NONE
            }
            Unit::Receiver => {
                let status = self.read(RX_STATUS);
                status.overrun() || status.error().get() != RX_STATUS::ERROR_NONE
            }
        }
    }

    /// Frames played, or received, since the unit was started, modulo 2^32.
    pub(crate) fn frames(&self) -> u32 {
        match self.unit {
            Unit::Transmitter => self.read(TX_FRAMES_PLAYED).into_raw(),
            Unit::Receiver => self.read(RX_FRAMES_RECEIVED).into_raw(),
        }
    }

    /// Where in the memory of the list the unit is: frames played from it, or written to it.
    pub(crate) fn position_frames(&self) -> u32 {
        match self.unit {
            Unit::Transmitter => self.read(TX_POSITION).into_raw(),
            Unit::Receiver => self.read(RX_POSITION).into_raw(),
        }
    }

    /// Has the stopped unit use the `frames` from `offset_bytes` on in the sample window as a ring,
    /// from its first frame on.
    pub(crate) fn set_ring(&self, offset_bytes: u32, frames: u32) {
        match self.unit {
            Unit::Transmitter => {
                self.write_reg(TX_RING_OFFSET::from_raw(offset_bytes));
                self.write_reg(TX_RING_FRAMES::from_raw(frames));
            }
            Unit::Receiver => {
                self.write_reg(RX_RING_OFFSET::from_raw(offset_bytes));
                self.write_reg(RX_RING_FRAMES::from_raw(frames));
            }
        }
        self.set_software_index(0);
    }

    /// Hands over to the unit, or gives back, the frames of the ring before frame `index`.
    pub(crate) fn set_software_index(&self, index: u32) {
        match self.unit {
            Unit::Transmitter => self.write_reg(TX_PRODUCER::from_raw(index)),
            Unit::Receiver => self.write_reg(RX_CONSUMER::from_raw(index)),
        }
    }

    /// The frame of the ring that the unit takes, or writes, next.
    pub(crate) fn hardware_index(&self) -> u32 {
        match self.unit {
            Unit::Transmitter => self.read(TX_CONSUMER).into_raw(),
            Unit::Receiver => self.read(RX_PRODUCER).into_raw(),
        }
    }

    /// That of a transmitter that is not enabled.
    fn transmitter_control(&self) -> TX_CONTROL {
        let control = TX_CONTROL::zeroed();
        match self.way {
            Way::Window => control.with_const_way::<{ TX_CONTROL::WAY_WINDOW }>(),
            Way::Dma => control
                .with_const_way::<{ TX_CONTROL::WAY_DMA }>()
                .with_cyclic(true),
        }
    }

    /// That of a receiver that is not enabled.
    fn receiver_control(&self) -> RX_CONTROL {
        let control = RX_CONTROL::zeroed();
        match self.way {
            Way::Window => control.with_const_way::<{ RX_CONTROL::WAY_WINDOW }>(),
            Way::Dma => control
                .with_const_way::<{ RX_CONTROL::WAY_DMA }>()
                .with_cyclic(true),
        }
    }
}
