//! What every Softboard device is made of.
//!
//! A [`Block`] is a hardware block as a pure state machine: bus accesses and the time come in, register values,
//! [`Output`]s and an interrupt level come out. A [`Device`] dresses a block as a PCI function: config space, BARs,
//! interrupt pins, a [`Clock`], the [`Timeline`] of all that happened and the coverage of its registers; or it is a
//! function of memory alone, a [`SampleWindow`]. Neither knows a socket; the `vfio-user-server` crate carries accesses in
//! and interrupts out.

mod access;
mod block;
mod bus_view;
mod clock;
mod config_space;
mod function;
mod interrupts;
mod no_registers;
mod sample_window;
mod timeline;

pub use access::{Access, Direction, InvalidWidth, Region, Width};
pub use block::{Block, Effects, Output, Stored, StreamFormat};
pub use clock::{Clock, ClockMode, ParseClockModeError};
pub use config_space::{CONFIG_SPACE_BYTES, ConfigSpace, Identity};
pub use function::{BAR_COUNT, CoverageTaker, Device, Nowhere, OutputSink, REGISTER_BAR, WINDOW_BAR};
pub use interrupts::{Interrupts, Pin};
pub use sample_window::SampleWindow;
pub use timeline::{Counters, Event, Happening, Run, Timeline};
