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
mod deadlines;
mod faults;
mod function;
mod interrupts;
mod msix;
mod no_registers;
mod sample_window;
mod snapshot;
mod timeline;

pub use access::{Access, Direction, InvalidWidth, Region, Width};
pub use block::{Block, Effects, Frame, MAXIMUM_CHANNELS, Output, Stored, StreamFormat};
pub use block::{DmaFailure, DmaRequest, DmaTransfer};
pub use clock::{Clock, ClockMode, ParseClockModeError, Scale};
pub use config_space::{CONFIG_SPACE_BYTES, ConfigSpace, Identity};
pub use config_space::{OfferedInterrupts, ParseOfferedInterruptsError, ShownState};
pub use deadlines::Deadlines;
pub use faults::{FaultOutcome, FaultPlan, FaultPlanError, FaultRule, FaultTarget};
pub use function::{BAR_COUNT, CoverageTaker, Device, DmaId, Nowhere, OutputSink, REGISTER_BAR, WINDOW_BAR};
pub use interrupts::{Interrupts, Pin};
pub use msix::{MSIX_BAR, VECTOR_COUNT};
pub use sample_window::SampleWindow;
pub use snapshot::{Snapshot, SnapshotError};
pub use timeline::{Counters, Event, Happening, Run, Timeline};
