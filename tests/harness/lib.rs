//! Boots boards: a guest kernel under QEMU, with device models on its bus, for scenarios and for `cargo xtask run`.
//!
//! ```no_run
//! use cosim_tests::Board;
//!
//! let board = Board::boot()?;
//! let listing = board.guest().run(["busybox", "ls", "/bin"])?.success()?;
//! println!("{}", listing.text());
//! board.shutdown()?;
//! # Ok::<(), cosim_tests::BoardError>(())
//! ```
//!
//! A board ends with its value, however the test ends: no process, socket or folder is left behind. Every wait ends as
//! soon as the guest panics or QEMU or a device ends, and the error shows the last lines of console and timeline.
//!
//! `cargo xtask setup` writes the [`manifest`] that says where QEMU, the kernel and the initramfs are, one a [`Lane`].
//! Variables of the environment: `SOFTBOARD_MANIFEST` (another manifest), `SOFTBOARD_ACCEL` (`tcg` or `kvm`), `SOFTBOARD_CORES` (`one`
//! or `any`), `SOFTBOARD_COVERAGE` (the folder where devices leave their coverage), `TMPDIR` (where boards have their
//! folders).

mod attach;
mod board;
mod builder;
mod console;
mod device_process;
mod error;
mod folder;
mod guest;
mod initramfs;
mod interrupts;
mod kernel_log;
mod lane;
mod lock_file;
mod machinery;
pub mod manifest;
mod monitor;
mod pci;
mod placement;
mod playback;
mod program;
mod pwm_audio;
mod qemu;
mod qemu_monitor;
mod shared;
mod supervisor;
mod wav;

pub use agent_protocol::{AgentError, DirectoryEntry, EntryKind, Hello, KernelLogRecord, ProgramStatus};
pub use attach::{AttachedDevice, Attachment, DeviceEnd};
pub use board::Board;
pub use builder::{BoardBuilder, MANIFEST_VARIABLE};
pub use device_process::{DeviceProcess, Killer};
pub use error::{BoardError, Report};
pub use guest::{Guest, Running};
pub use interrupts::{InterruptVector, Interrupts};
pub use kernel_log::KernelLog;
pub use lane::{Architecture, KernelVariant, Lane, UnknownName};
pub use pci::{PciBar, PciBarKind, PciCapability, PciDevice};
pub use placement::{Cores, Placement};
pub use playback::{MAXIMUM_SAMPLE_BYTES, patience, play, player};
pub use program::{GuestProgram, ProgramOutput};
pub use pwm_audio::PwmAudio;
pub use qemu::Accelerator;
pub use qemu_monitor::QemuMonitor;
pub use wav::{Wav, WavError};
