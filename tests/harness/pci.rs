//! The guest's PCI functions, as its sysfs shows them.

use crate::error::BoardError;
use crate::guest::Guest;

const DEVICES: &str = "/sys/bus/pci/devices";
/// How many base address registers a function has.
const BAR_COUNT: usize = 6;
/// The configuration space that every function has, in bytes.
const CONFIG_HEADER_BYTES: usize = 64;

/// Offsets in configuration space.
mod offset {
    pub(super) const VENDOR: usize = 0x00;
    pub(super) const DEVICE: usize = 0x02;
    pub(super) const STATUS: usize = 0x06;
    pub(super) const REVISION: usize = 0x08;
    pub(super) const CLASS: usize = 0x09;
    pub(super) const SUBSYSTEM_VENDOR: usize = 0x2c;
    pub(super) const SUBSYSTEM: usize = 0x2e;
    pub(super) const CAPABILITIES: usize = 0x34;
    pub(super) const INTERRUPT_LINE: usize = 0x3c;
    pub(super) const INTERRUPT_PIN: usize = 0x3d;
}

/// The bit of the status register that says there are capabilities.
const STATUS_CAPABILITIES: u16 = 1 << 4;
/// Linux's resource flags, in the third column of a `resource` file.
const RESOURCE_IO: u64 = 0x100;
const RESOURCE_PREFETCH: u64 = 0x2000;
const RESOURCE_MEMORY_64: u64 = 0x10_0000;

/// One PCI function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PciDevice {
    /// Domain, bus, device and function, such as "0000:00:02.0".
    pub address: String,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Subsystem vendor id.
    pub subsystem_vendor: u16,
    /// Subsystem id.
    pub subsystem: u16,
    /// Revision.
    pub revision: u8,
    /// Base class, sub-class and programming interface: `0xbbsspp`.
    pub class: u32,
    /// The interrupt line that the guest assigned.
    pub interrupt_line: u8,
    /// 0 for no INTx, 1 to 4 for pins A to D.
    pub interrupt_pin: u8,
    /// The bound driver's name.
    pub driver: Option<String>,
    /// The base address registers that are implemented.
    pub bars: Vec<PciBar>,
    /// The capabilities, in the order of their list.
    pub capabilities: Vec<PciCapability>,
    /// The configuration space, 256 or 4,096 bytes.
    pub config_space: Vec<u8>,
}

/// One base address register, as the guest assigned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciBar {
    /// 0 to 5.
    pub index: usize,
    /// The first address.
    pub start: u64,
    /// The size in bytes.
    pub size_bytes: u64,
    /// Memory or I/O ports.
    pub kind: PciBarKind,
    /// Whether reads have no side effects.
    pub is_prefetchable: bool,
}

/// What a base address register decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PciBarKind {
    /// Memory below 4 GiB.
    Memory32,
    /// Memory anywhere.
    Memory64,
    /// I/O ports.
    Io,
}

/// One capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciCapability {
    /// Its id, such as 0x05 for MSI.
    pub id: u8,
    /// Where it begins in configuration space.
    pub offset: u8,
}

impl PciDevice {
    /// The MSI capability's id.
    pub const MSI: u8 = 0x05;
    /// The MSI-X capability's id.
    pub const MSIX: u8 = 0x11;

    /// The first capability with this id.
    pub fn capability(&self, id: u8) -> Option<PciCapability> {
        self.capabilities.iter().copied().find(|capability| capability.id == id)
    }

    /// Two bytes of configuration space, little-endian; `None` past its end.
    pub fn config_u16(&self, offset: usize) -> Option<u16> {
        u16_at(&self.config_space, offset)
    }
}

/// Reads all functions, sorted by address.
pub(crate) fn read_devices(guest: &Guest) -> Result<Vec<PciDevice>, BoardError> {
    let entries = guest.read_directory(DEVICES)?;
    entries.into_iter().map(|entry| read_device(guest, &entry.name)).collect()
}

fn read_device(guest: &Guest, address: &str) -> Result<PciDevice, BoardError> {
    let path = |file: &str| format!("{DEVICES}/{address}/{file}");
    let config_space = guest.read_file(&path("config"))?;
    let resources = guest.read_text(&path("resource"))?;
    let uevent = guest.read_text(&path("uevent"))?;
    let driver = uevent.lines().find_map(|line| line.strip_prefix("DRIVER=")).map(str::to_owned);
    let unreadable = |expected, file, found| BoardError::Unreadable { expected, place: path(file), found };
    let bars = parse_bars(&resources)
        .ok_or_else(|| unreadable("lines of start, end and flags", "resource", resources.clone()))?;
    from_config_space(address.to_owned(), driver, bars, config_space)
        .ok_or_else(|| unreadable("a configuration space of at least 64 bytes", "config", "fewer bytes".to_owned()))
}

fn from_config_space(
    address: String,
    driver: Option<String>,
    bars: Vec<PciBar>,
    config_space: Vec<u8>,
) -> Option<PciDevice> {
    let header = config_space.get(..CONFIG_HEADER_BYTES)?;
    let class = &header[offset::CLASS..offset::CLASS + 3];
    Some(PciDevice {
        address,
        vendor: u16_at(header, offset::VENDOR)?,
        device: u16_at(header, offset::DEVICE)?,
        subsystem_vendor: u16_at(header, offset::SUBSYSTEM_VENDOR)?,
        subsystem: u16_at(header, offset::SUBSYSTEM)?,
        revision: header[offset::REVISION],
        class: u32::from_le_bytes([class[0], class[1], class[2], 0]),
        interrupt_line: header[offset::INTERRUPT_LINE],
        interrupt_pin: header[offset::INTERRUPT_PIN],
        driver,
        bars,
        capabilities: capabilities(&config_space),
        config_space,
    })
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..offset.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

/// Walks the list of capabilities, which a broken device may have made endless.
fn capabilities(config_space: &[u8]) -> Vec<PciCapability> {
    let mut found: Vec<PciCapability> = Vec::new();
    let has_list = u16_at(config_space, offset::STATUS).is_some_and(|status| status & STATUS_CAPABILITIES != 0);
    let mut next = if has_list { config_space.get(offset::CAPABILITIES).copied() } else { None };
    while let Some(offset) = next.map(|offset| offset & !3).filter(|&offset| offset != 0) {
        if found.iter().any(|capability| capability.offset == offset) {
            break;
        }
        let Some(&[id, following]) = config_space.get(usize::from(offset)..usize::from(offset) + 2) else { break };
        found.push(PciCapability { id, offset });
        next = Some(following);
    }
    found
}

/// Takes a `resource` file apart: a line for each of the base address registers, then lines for other resources.
fn parse_bars(resources: &str) -> Option<Vec<PciBar>> {
    let mut bars = Vec::new();
    for (index, line) in resources.lines().take(BAR_COUNT).enumerate() {
        let mut numbers = line.split_whitespace().map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok());
        let (start, end, flags) = (numbers.next()??, numbers.next()??, numbers.next()??);
        if flags == 0 {
            continue;
        }
        let kind = if flags & RESOURCE_IO != 0 {
            PciBarKind::Io
        } else if flags & RESOURCE_MEMORY_64 != 0 {
            PciBarKind::Memory64
        } else {
            PciBarKind::Memory32
        };
        let size_bytes = end.checked_sub(start)?.checked_add(1)?;
        bars.push(PciBar { index, start, size_bytes, kind, is_prefetchable: flags & RESOURCE_PREFETCH != 0 });
    }
    Some(bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_every_kind() {
        let resources = "0x00000000fea00000 0x00000000fea00fff 0x0000000000040200\n\
            0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
            0x000000000000c000 0x000000000000c03f 0x0000000000040101\n\
            0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
            0x00000000fe000000 0x00000000fe003fff 0x000000000014220c\n\
            0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
            0x00000000feb00000 0x00000000feb3ffff 0x0000000000046200\n";
        let bars = parse_bars(resources).unwrap();
        let seen: Vec<_> = bars.iter().map(|bar| (bar.index, bar.size_bytes, bar.kind, bar.is_prefetchable)).collect();
        let expected = [
            (0, 4096, PciBarKind::Memory32, false),
            (2, 64, PciBarKind::Io, false),
            (4, 0x4000, PciBarKind::Memory64, true),
        ];
        assert_eq!(seen, expected);
        for wrong in ["0x1", "a b c", "0x10 0x8 0x200"] {
            assert_eq!(parse_bars(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_endless_list_of_capabilities_ends() {
        let mut config_space = vec![0; 256];
        config_space[offset::STATUS] = 0x10;
        config_space[offset::CAPABILITIES] = 0x40;
        config_space[0x40..0x42].copy_from_slice(&[PciDevice::MSI, 0x50]);
        config_space[0x50..0x52].copy_from_slice(&[PciDevice::MSIX, 0x40]);
        let ids: Vec<_> = capabilities(&config_space).iter().map(|capability| capability.id).collect();
        assert_eq!(ids, [PciDevice::MSI, PciDevice::MSIX]);
        config_space[0x51] = 0xff;
        assert_eq!(capabilities(&config_space).len(), 3, "0xfc is inside, with nothing after it");
        config_space[offset::STATUS] = 0;
        assert!(capabilities(&config_space).is_empty());
        assert!(capabilities(&[]).is_empty());
    }
}
