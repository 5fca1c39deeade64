//! The device's regions and interrupts in the terms of `linux/vfio.h`.

use device::{BAR_COUNT, CONFIG_SPACE_BYTES, Device, OfferedInterrupts, Pin, Region, VECTOR_COUNT, WINDOW_BAR};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_AUTOMASKED, VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_INFO_MASKABLE, VFIO_IRQ_INFO_NORESIZE,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX,
    VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_MMAP, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE,
};

use crate::protocol::{DeviceInfo, IrqInfo, Refusal, RegionInfo};

pub(crate) fn device_info() -> DeviceInfo {
    DeviceInfo { regions: VFIO_PCI_NUM_REGIONS, interrupt_indexes: VFIO_PCI_NUM_IRQS }
}

/// The part of the device that region `index` is; none for those that a PCI device may have and this one has not.
pub(crate) fn region(index: u32) -> Result<Option<Region>, Refusal> {
    match index {
        VFIO_PCI_CONFIG_REGION_INDEX => Ok(Some(Region::Config)),
        _ if index < u32::from(BAR_COUNT) => Ok(Some(Region::Bar(index as u8))),
        _ if index < VFIO_PCI_NUM_REGIONS => Ok(None),
        _ => Err(Refusal::invalid(format!("expected a region below {VFIO_PCI_NUM_REGIONS}, found {index}"))),
    }
}

/// What a client is told of region `index`.
pub(crate) fn region_info(device: &Device, index: u32) -> Result<RegionInfo, Refusal> {
    let region = region(index)?;
    let size_bytes = match region {
        Some(Region::Bar(bar)) => device.bar_bytes(bar),
        Some(Region::Config) => CONFIG_SPACE_BYTES as u64,
        None => 0,
    };
    let mapped = region == Some(Region::Bar(WINDOW_BAR)) && device.window().is_some();
    let flags = match size_bytes {
        0 => 0,
        _ if mapped => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP,
        _ => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
    };
    let areas = if mapped { vec![(0, size_bytes)] } else { Vec::new() };
    Ok(RegionInfo { index, flags, size_bytes, areas })
}

/// What a client is told of interrupt index `index`: those that a PCI device may have and this one has not are none.
pub(crate) fn irq_info(device: &Device, index: u32) -> Result<IrqInfo, Refusal> {
    const MESSAGES: u32 = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
    let offered = device.offered_interrupts();
    let (count, flags) = match index {
        VFIO_PCI_INTX_IRQ_INDEX if offered >= OfferedInterrupts::Intx => {
            (1, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED)
        }
        VFIO_PCI_MSI_IRQ_INDEX if offered >= OfferedInterrupts::Msi => (1, MESSAGES),
        VFIO_PCI_MSIX_IRQ_INDEX if offered >= OfferedInterrupts::MsiX => (u32::from(VECTOR_COUNT), MESSAGES),
        _ if index < VFIO_PCI_NUM_IRQS => (0, 0),
        _ => {
            let most = VFIO_PCI_NUM_IRQS;
            return Err(Refusal::invalid(format!("expected an interrupt index below {most}, found {index}")));
        }
    };
    Ok(IrqInfo { index, flags, count })
}

/// The pin that interrupt `number` of an index is, if there are so many.
pub(crate) fn pin(index: u32, number: u32) -> Pin {
    match index {
        VFIO_PCI_INTX_IRQ_INDEX => Pin::Intx,
        VFIO_PCI_MSI_IRQ_INDEX => Pin::Msi,
        _ => Pin::MsiX(number as u8),
    }
}
