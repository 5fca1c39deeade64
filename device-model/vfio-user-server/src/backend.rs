//! The messages of the `vfio_user` crate's server as steps of the device.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::sync::Arc;

use device::{BAR_COUNT, Pin, Region};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_EVENTFD,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, ServerBackend};
use vmm_sys_util::eventfd::EventFd;

use crate::shared::Shared;

/// One client's view of the device.
pub(crate) struct Backend {
    shared: Arc<Shared>,
}

impl Backend {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn client_gone(&mut self) {
        self.shared.step(|state, _| state.client_gone());
    }
}

fn region(index: u32) -> Option<Region> {
    match u8::try_from(index) {
        Ok(bar) if bar < BAR_COUNT => Some(Region::Bar(bar)),
        _ if index == VFIO_PCI_CONFIG_REGION_INDEX => Some(Region::Config),
        _ => None,
    }
}

fn invalid(what: String) -> io::Error {
    log::warn!("{what}");
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

impl ServerBackend for Backend {
    fn region_read(&mut self, index: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let region = region(index).ok_or_else(|| invalid(format!("read of region {index}, which has no bytes")))?;
        self.shared.step(|state, wall_ns| state.device.read(region, offset, data, wall_ns));
        Ok(())
    }

    fn region_write(&mut self, index: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        let region = region(index).ok_or_else(|| invalid(format!("write to region {index}, which has no bytes")))?;
        self.shared.step(|state, wall_ns| state.device.write(region, offset, data, wall_ns));
        Ok(())
    }

    fn dma_map(
        &mut self,
        _flags: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        descriptor: Option<File>,
    ) -> io::Result<()> {
        let mut state = self.shared.lock();
        state
            .mappings
            .map(address, size, descriptor.map(|file| (file, offset)))
            .map_err(|error| invalid(error.to_string()))
    }

    fn dma_unmap(&mut self, _flags: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        self.shared.lock().mappings.unmap(address, size).map_err(|error| invalid(error.to_string()))
    }

    fn reset(&mut self) -> io::Result<()> {
        self.shared.step(|state, wall_ns| state.device.reset(wall_ns));
        Ok(())
    }

    fn set_irqs(&mut self, index: u32, flags: u32, start: u32, count: u32, descriptors: Vec<File>) -> io::Result<()> {
        let pin = match index {
            VFIO_PCI_INTX_IRQ_INDEX => Pin::Intx,
            VFIO_PCI_MSI_IRQ_INDEX => Pin::Msi,
            // The others have no vectors: setting none of them is all that can be asked.
            _ if count == 0 => return Ok(()),
            _ => return Err(invalid(format!("SET_IRQS of {count} vectors of index {index}, which has none"))),
        };
        if u64::from(start) + u64::from(count) > 1 {
            return Err(invalid(format!(
                "SET_IRQS of {pin} vectors {start} to {start} + {count}: there is only vector 0"
            )));
        }
        self.shared.step(|state, _| {
            match flags & (VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK) {
                VFIO_IRQ_SET_ACTION_MASK if pin == Pin::Intx => state.device.mask_intx(true),
                VFIO_IRQ_SET_ACTION_UNMASK if pin == Pin::Intx => state.device.mask_intx(false),
                VFIO_IRQ_SET_ACTION_TRIGGER if count == 0 => state.connect(pin, None),
                VFIO_IRQ_SET_ACTION_TRIGGER if flags & VFIO_IRQ_SET_DATA_EVENTFD != 0 => {
                    state.connect(pin, descriptors.into_iter().next().map(eventfd));
                }
                other => return Err(invalid(format!("SET_IRQS of {pin} with action {other:#x} is not supported"))),
            }
            Ok(())
        })
    }
}

#[allow(unsafe_code, reason = "vmm-sys-util makes an EventFd of a descriptor only this way")]
fn eventfd(file: File) -> EventFd {
    // SAFETY: the descriptor is open and owned by `file`, which gives it up. Writing 8 bytes to whatever a client
    // sent is what the protocol asks for.
    unsafe { EventFd::from_raw_fd(file.into_raw_fd()) }
}
