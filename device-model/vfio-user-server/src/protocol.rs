//! The messages of the protocol, without a socket: bytes to requests, replies to bytes.
//!
//! Section names in this module are those of QEMU's `docs/interop/vfio-user.rst`.

mod header;
mod info;
mod payload;
mod request;
mod version;

pub(crate) use header::{BadHeader, HEADER_BYTES, Header, MessageType};
pub(crate) use info::{DeviceInfo, IrqInfo, RegionInfo};
pub(crate) use payload::Fields;
pub(crate) use request::{Dma, IrqAction, IrqData, IrqSet, Request, Write};
pub(crate) use version::{MAXIMUM_DMA_MAPS, Negotiated};

use rustix::io::Errno;

/// Commands, from the table in section "Commands".
pub(crate) mod command {
    pub(crate) const VERSION: u16 = 1;
    pub(crate) const DMA_MAP: u16 = 2;
    pub(crate) const DMA_UNMAP: u16 = 3;
    pub(crate) const DEVICE_GET_INFO: u16 = 4;
    pub(crate) const DEVICE_GET_REGION_INFO: u16 = 5;
    pub(crate) const DEVICE_GET_IRQ_INFO: u16 = 7;
    pub(crate) const DEVICE_SET_IRQS: u16 = 8;
    pub(crate) const REGION_READ: u16 = 9;
    pub(crate) const REGION_WRITE: u16 = 10;
    pub(crate) const DMA_READ: u16 = 11;
    pub(crate) const DMA_WRITE: u16 = 12;
    pub(crate) const DEVICE_RESET: u16 = 13;
    pub(crate) const REGION_WRITE_MULTI: u16 = 15;
}

/// The most bytes that one message reads or writes: the protocol's default for `max_data_xfer_size`.
pub(crate) const MAXIMUM_DATA_BYTES: usize = 1 << 20;

/// The longest message that is taken: the data of a write, what says where it goes, and the header.
pub(crate) const MAXIMUM_MESSAGE_BYTES: usize = HEADER_BYTES + 16 + MAXIMUM_DATA_BYTES;

/// The most descriptors that one message brings: as many as QEMU allows to announce.
pub(crate) const MAXIMUM_DESCRIPTORS: usize = 16;

/// Why a command is answered with an error: the number for the client, the words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) errno: Errno,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(errno: Errno, reason: impl Into<String>) -> Self {
        Self { errno, reason: reason.into() }
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Errno::INVAL, reason)
    }
}
