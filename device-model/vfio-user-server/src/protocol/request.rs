//! The commands of a client, from their payloads.

use super::{Fields, MAXIMUM_DATA_BYTES, Refusal, command};
use rustix::io::Errno;
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_BOOL,
    VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE,
};

const DMA_READABLE: u32 = 1 << 0;
const DMA_WRITABLE: u32 = 1 << 1;
/// Of `DMA_UNMAP`. The specification's text has no flags; libvfio-user and QEMU send this one.
const UNMAP_ALL: u32 = 1 << 1;

const DMA_MAP_BYTES: u32 = 32;
const DMA_UNMAP_BYTES: u32 = 24;
const INFO_BYTES: u32 = 16;
const REGION_INFO_BYTES: u32 = 32;
const IRQ_SET_BYTES: u32 = 20;
const WRITE_ENTRY_BYTES: usize = 24;

/// A command with what it asks for, checked as far as that goes without the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'payload> {
    /// Version data as it came. Every minor version of a client is answered with 0.
    Version {
        major: u16,
        data: &'payload [u8],
    },
    /// Memory of the client, from its file if one comes along.
    DmaMap {
        range: Dma,
        offset: u64,
        readable: bool,
        writable: bool,
    },
    /// No range: all of them. The reply gives back the payload.
    DmaUnmap {
        range: Option<Dma>,
        payload_bytes: usize,
    },
    DeviceInfo,
    RegionInfo {
        index: u32,
        reply_bytes: u32,
    },
    IrqInfo {
        index: u32,
    },
    SetIrqs(IrqSet<'payload>),
    RegionRead {
        region: u32,
        offset: u64,
        count: usize,
    },
    RegionWrite(Write<'payload>),
    RegionWriteMulti(Writes<'payload>),
    Reset,
}

/// A range of the client's memory, as a device addresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dma {
    pub(crate) address: u64,
    pub(crate) size_bytes: u64,
}

/// A write to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Write<'payload> {
    pub(crate) region: u32,
    pub(crate) offset: u64,
    pub(crate) data: &'payload [u8],
}

/// What `SET_IRQS` does with each of a range of interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IrqAction {
    Mask,
    Unmask,
    Trigger,
}

/// What `SET_IRQS` brings for its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IrqData<'payload> {
    /// It is done.
    None,
    /// It is done where the byte is not 0.
    Bool(&'payload [u8]),
    /// It is tied to the descriptors that come along, or untied where none do.
    Eventfd,
}

/// Section `VFIO_USER_DEVICE_SET_IRQS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IrqSet<'payload> {
    pub(crate) index: u32,
    pub(crate) start: u32,
    pub(crate) count: u32,
    pub(crate) action: IrqAction,
    pub(crate) data: IrqData<'payload>,
}

impl<'payload> Request<'payload> {
    /// The request that `payload` is to the command `number`.
    pub(crate) fn parse(number: u16, payload: &'payload [u8]) -> Result<Self, Refusal> {
        match number {
            command::VERSION => version(payload),
            command::DMA_MAP => dma_map(payload),
            command::DMA_UNMAP => dma_unmap(payload),
            command::DEVICE_GET_INFO => device_info(payload),
            command::DEVICE_GET_REGION_INFO => region_info(payload),
            command::DEVICE_GET_IRQ_INFO => irq_info(payload),
            command::DEVICE_SET_IRQS => set_irqs(payload).map(Self::SetIrqs),
            command::REGION_READ => region_read(payload),
            command::REGION_WRITE => region_write(payload).map(Self::RegionWrite),
            command::REGION_WRITE_MULTI => Writes::parse(payload).map(Self::RegionWriteMulti),
            command::DEVICE_RESET => Fields::new(payload).end().map(|()| Self::Reset),
            // Region descriptors for KVM, device features, migration: optional, and none of them is there.
            _ => Err(Refusal::new(Errno::OPNOTSUPP, "the command is not supported")),
        }
    }
}

/// Refuses an `argsz` below the size of the structure that it stands in.
fn argument_bytes(found: u32, expected: u32) -> Result<u32, Refusal> {
    if found < expected {
        return Err(Refusal::invalid(format!("expected an argsz of {expected} or more, found {found}")));
    }
    Ok(found)
}

fn version(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    let (major, _minor) = (fields.u16()?, fields.u16()?);
    Ok(Request::Version { major, data: fields.rest() })
}

fn dma_map(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    argument_bytes(fields.u32()?, DMA_MAP_BYTES)?;
    let flags = fields.u32()?;
    if flags & !(DMA_READABLE | DMA_WRITABLE) != 0 {
        return Err(Refusal::invalid(format!("expected the flags readable and writable, found {flags:#x}")));
    }
    let offset = fields.u64()?;
    let range = Dma { address: fields.u64()?, size_bytes: fields.u64()? };
    fields.end()?;
    Ok(Request::DmaMap { range, offset, readable: flags & DMA_READABLE != 0, writable: flags & DMA_WRITABLE != 0 })
}

fn dma_unmap(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    argument_bytes(fields.u32()?, DMA_UNMAP_BYTES)?;
    let flags = fields.u32()?;
    let range = Dma { address: fields.u64()?, size_bytes: fields.u64()? };
    fields.end()?;
    match flags {
        0 => Ok(Request::DmaUnmap { range: Some(range), payload_bytes: payload.len() }),
        UNMAP_ALL if range == (Dma { address: 0, size_bytes: 0 }) => {
            Ok(Request::DmaUnmap { range: None, payload_bytes: payload.len() })
        }
        UNMAP_ALL => Err(Refusal::invalid("expected address and size 0 with the flag for all, found a range")),
        _ => Err(Refusal::invalid(format!("expected no flags, or the one for all, found {flags:#x}"))),
    }
}

fn device_info(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    argument_bytes(fields.u32()?, INFO_BYTES)?;
    for _ in ["flags", "num_regions", "num_irqs"] {
        fields.u32()?;
    }
    fields.end()?;
    Ok(Request::DeviceInfo)
}

fn region_info(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    let reply_bytes = argument_bytes(fields.u32()?, REGION_INFO_BYTES)?;
    let _flags = fields.u32()?;
    let index = fields.u32()?;
    let _cap_offset = fields.u32()?;
    for _ in ["size", "offset"] {
        fields.u64()?;
    }
    fields.end()?;
    Ok(Request::RegionInfo { index, reply_bytes })
}

fn irq_info(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    argument_bytes(fields.u32()?, INFO_BYTES)?;
    let _flags = fields.u32()?;
    let index = fields.u32()?;
    let _count = fields.u32()?;
    fields.end()?;
    Ok(Request::IrqInfo { index })
}

fn set_irqs(payload: &[u8]) -> Result<IrqSet<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    argument_bytes(fields.u32()?, IRQ_SET_BYTES)?;
    let flags = fields.u32()?;
    let (index, start, count) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let booleans = fields.rest();
    let actions = [
        (VFIO_IRQ_SET_ACTION_MASK, IrqAction::Mask),
        (VFIO_IRQ_SET_ACTION_UNMASK, IrqAction::Unmask),
        (VFIO_IRQ_SET_ACTION_TRIGGER, IrqAction::Trigger),
    ];
    let kinds = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_DATA_EVENTFD;
    let action = actions.into_iter().find(|(flag, _)| flags & !kinds == *flag);
    let (_, action) = action.ok_or_else(|| Refusal::invalid(format!("expected one action flag, found {flags:#x}")))?;
    let data = match flags & kinds {
        VFIO_IRQ_SET_DATA_NONE => IrqData::None,
        VFIO_IRQ_SET_DATA_BOOL => IrqData::Bool(booleans),
        VFIO_IRQ_SET_DATA_EVENTFD => IrqData::Eventfd,
        _ => return Err(Refusal::invalid(format!("expected one data flag, found {flags:#x}"))),
    };
    let expected = if matches!(data, IrqData::Bool(_)) { count as usize } else { 0 };
    if booleans.len() != expected {
        let found = booleans.len();
        return Err(Refusal::invalid(format!(
            "expected {expected} bytes of data for {count} interrupts, found {found}"
        )));
    }
    Ok(IrqSet { index, start, count, action, data })
}

/// Refuses a number of bytes that no message may carry, before anything is made ready for it.
fn data_bytes(count: u32) -> Result<usize, Refusal> {
    let count = count as usize;
    if count > MAXIMUM_DATA_BYTES {
        return Err(Refusal::invalid(format!("expected a count of {MAXIMUM_DATA_BYTES} or less, found {count}")));
    }
    Ok(count)
}

fn region_read(payload: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    let (offset, region, count) = (fields.u64()?, fields.u32()?, data_bytes(fields.u32()?)?);
    fields.end()?;
    Ok(Request::RegionRead { region, offset, count })
}

fn region_write(payload: &[u8]) -> Result<Write<'_>, Refusal> {
    let mut fields = Fields::new(payload);
    let (offset, region, count) = (fields.u64()?, fields.u32()?, data_bytes(fields.u32()?)?);
    let data = fields.rest();
    if data.len() != count {
        let found = data.len();
        return Err(Refusal::invalid(format!("expected as many bytes of data as the count, {count}, found {found}")));
    }
    Ok(Write { region, offset, data })
}

/// The writes of one `REGION_WRITE_MULTI`, each of 8 bytes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writes<'payload> {
    entries: &'payload [[u8; WRITE_ENTRY_BYTES]],
}

impl<'payload> Writes<'payload> {
    /// Nothing is done of a list with a mistake in it, so every entry is looked at first.
    fn parse(payload: &'payload [u8]) -> Result<Self, Refusal> {
        let mut fields = Fields::new(payload);
        let count = fields.u64()?;
        let (entries, rest) = fields.rest().as_chunks();
        if entries.len() as u64 != count || !rest.is_empty() {
            let (bytes, found) = (WRITE_ENTRY_BYTES, entries.as_flattened().len() + rest.len());
            return Err(Refusal::invalid(format!("expected {count} writes of {bytes} bytes, found {found} bytes")));
        }
        let writes = Self { entries };
        writes.entries.iter().try_for_each(|entry| Self::entry(entry).map(drop))?;
        Ok(writes)
    }

    fn entry(entry: &'payload [u8]) -> Result<Write<'payload>, Refusal> {
        let mut fields = Fields::new(entry);
        let (offset, region, count) = (fields.u64()?, fields.u32()?, fields.u32()? as usize);
        let data = fields.rest();
        let data = data.get(..count).ok_or_else(|| {
            Refusal::invalid(format!("expected a count of {} or less in a list of writes, found {count}", data.len()))
        })?;
        Ok(Write { region, offset, data })
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Write<'payload>> {
        self.entries.iter().filter_map(|entry| Self::entry(entry).ok())
    }
}
