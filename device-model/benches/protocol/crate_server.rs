//! The `vfio_user` crate's server with the same device, as thin as can be: no lock, no timer, one client.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use device::{BAR_COUNT, CONFIG_SPACE_BYTES, ClockMode, Device, Region};
use device_model::{BlockKind, DeviceOptions};
use vfio_bindings::bindings::vfio::{
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};

struct Backend {
    device: Device,
    started: Instant,
}

impl Backend {
    fn wall_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Serves one client, to its end.
pub(crate) fn serve(socket: &Path) -> Result<()> {
    let options = DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Real);
    let device = device_model::functions(options).context("cannot make the device")?.registers;
    let irqs = (0..VFIO_PCI_NUM_IRQS).map(|index| IrqInfo { index, flags: 0, count: 0 }).collect();
    let regions = (0..VFIO_PCI_NUM_REGIONS).map(|index| region(&device, index)).collect();
    let server = Server::new(socket, true, irqs, regions)?;
    println!("serving");
    server.run(&mut Backend { device, started: Instant::now() })?;
    Ok(())
}

fn region(device: &Device, index: u32) -> ServerRegion {
    let size = match part(index) {
        Some(Region::Bar(bar)) => device.bar_bytes(bar),
        Some(Region::Config) => CONFIG_SPACE_BYTES as u64,
        None => 0,
    };
    let region_info = vfio_region_info {
        argsz: size_of::<vfio_region_info>() as u32,
        flags: VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
        index,
        cap_offset: 0,
        size,
        offset: 0,
    };
    ServerRegion { region_info, sparse_areas: Vec::new(), mmap_fd: None }
}

fn part(index: u32) -> Option<Region> {
    match u8::try_from(index) {
        Ok(bar) if bar < BAR_COUNT => Some(Region::Bar(bar)),
        _ => (index == VFIO_PCI_CONFIG_REGION_INDEX).then_some(Region::Config),
    }
}

fn existing_part(index: u32) -> io::Result<Region> {
    part(index).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl ServerBackend for Backend {
    fn region_read(&mut self, index: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let wall_ns = self.wall_ns();
        self.device.read(existing_part(index)?, offset, data, wall_ns);
        Ok(())
    }

    fn region_write(&mut self, index: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        let wall_ns = self.wall_ns();
        self.device.write(existing_part(index)?, offset, data, wall_ns);
        Ok(())
    }

    fn dma_map(&mut self, _: DmaMapFlags, _: u64, _: u64, _: u64, _: Option<File>) -> io::Result<()> {
        Ok(())
    }

    fn dma_unmap(&mut self, _: DmaUnmapFlags, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        let wall_ns = self.wall_ns();
        self.device.reset(wall_ns);
        Ok(())
    }

    fn set_irqs(&mut self, _: u32, _: u32, _: u32, _: u32, _: Vec<File>) -> io::Result<()> {
        Ok(())
    }
}
