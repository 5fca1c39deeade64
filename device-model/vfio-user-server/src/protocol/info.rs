//! The replies that describe the device: regions and interrupts as `linux/vfio.h` has them.

use vfio_bindings::bindings::vfio::{
    VFIO_DEVICE_FLAGS_PCI, VFIO_DEVICE_FLAGS_RESET, VFIO_REGION_INFO_CAP_SPARSE_MMAP, VFIO_REGION_INFO_FLAG_CAPS,
};

/// Section `VFIO_USER_DEVICE_GET_INFO`, of a PCI device that can be reset.
pub(crate) struct DeviceInfo {
    pub(crate) regions: u32,
    pub(crate) interrupt_indexes: u32,
}

impl DeviceInfo {
    const BYTES: u32 = 16;

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
        numbers([Self::BYTES, flags, self.regions, self.interrupt_indexes])
    }
}

/// Section `VFIO_USER_DEVICE_GET_REGION_INFO`.
pub(crate) struct RegionInfo {
    pub(crate) index: u32,
    /// `VFIO_REGION_INFO_FLAG_...`, that for capabilities aside.
    pub(crate) flags: u32,
    pub(crate) size_bytes: u64,
    /// Offset and size of the parts that can be mapped.
    pub(crate) areas: Vec<(u64, u64)>,
}

impl RegionInfo {
    const BYTES: u32 = 32;
    const CAPABILITY_BYTES: u32 = 16;
    const AREA_BYTES: u32 = 16;

    /// The whole description if it fits into `reply_bytes`, else what comes before the capabilities: `argsz` says how
    /// much there is. QEMU takes the flag for capabilities for a promise that they are there.
    pub(crate) fn to_bytes(&self, reply_bytes: u32) -> Vec<u8> {
        let capability_bytes = match self.areas.len() as u32 {
            0 => 0,
            areas => Self::CAPABILITY_BYTES + areas * Self::AREA_BYTES,
        };
        let all_bytes = Self::BYTES + capability_bytes;
        let with_capability = capability_bytes > 0 && all_bytes <= reply_bytes;
        let (flag, capability_offset) =
            if with_capability { (VFIO_REGION_INFO_FLAG_CAPS, Self::BYTES) } else { (0, 0) };
        let mut bytes = numbers([all_bytes, self.flags | flag, self.index, capability_offset]);
        // The descriptor of a region begins where the region does.
        let descriptor_offset = 0;
        bytes.extend_from_slice([self.size_bytes, descriptor_offset].map(u64::to_ne_bytes).as_flattened());
        if with_capability {
            let (version, next) = (1_u16, 0_u32);
            bytes.extend_from_slice(&(VFIO_REGION_INFO_CAP_SPARSE_MMAP as u16).to_ne_bytes());
            bytes.extend_from_slice(&version.to_ne_bytes());
            bytes.extend(numbers([next, self.areas.len() as u32, 0]));
            for (offset, size) in &self.areas {
                bytes.extend_from_slice([*offset, *size].map(u64::to_ne_bytes).as_flattened());
            }
        }
        bytes
    }
}

/// Section `VFIO_USER_DEVICE_GET_IRQ_INFO`.
pub(crate) struct IrqInfo {
    pub(crate) index: u32,
    /// `VFIO_IRQ_INFO_...`
    pub(crate) flags: u32,
    pub(crate) count: u32,
}

impl IrqInfo {
    const BYTES: u32 = 16;

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        numbers([Self::BYTES, self.flags, self.index, self.count])
    }
}

fn numbers<const COUNT: usize>(numbers: [u32; COUNT]) -> Vec<u8> {
    Vec::from(numbers.map(u32::to_ne_bytes).as_flattened())
}
