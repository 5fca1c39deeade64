//! What goes over the wire: headers and payloads, retyped from the specification and from linux/vfio.h.

use std::fmt;

// The commands.
pub(crate) const VERSION: u16 = 1;
pub(crate) const DMA_MAP: u16 = 2;
pub(crate) const DMA_UNMAP: u16 = 3;
pub(crate) const DEVICE_GET_INFO: u16 = 4;
pub(crate) const DEVICE_GET_REGION_INFO: u16 = 5;
pub(crate) const DEVICE_GET_REGION_IO_FDS: u16 = 6;
pub(crate) const DEVICE_GET_IRQ_INFO: u16 = 7;
pub(crate) const DEVICE_SET_IRQS: u16 = 8;
pub(crate) const REGION_READ: u16 = 9;
pub(crate) const REGION_WRITE: u16 = 10;
pub(crate) const DMA_READ: u16 = 11;
pub(crate) const DMA_WRITE: u16 = 12;
pub(crate) const DEVICE_RESET: u16 = 13;
pub(crate) const REGION_WRITE_MULTI: u16 = 15;
pub(crate) const DEVICE_FEATURE: u16 = 16;
pub(crate) const MIG_DATA_READ: u16 = 17;
pub(crate) const MIG_DATA_WRITE: u16 = 18;

// The header.
pub(crate) const HEADER_BYTES: usize = 16;
pub(crate) const TYPE_MASK: u32 = 0xf;
pub(crate) const REPLY: u32 = 0x1;
pub(crate) const NO_REPLY: u32 = 1 << 4;
pub(crate) const ERROR: u32 = 1 << 5;

// `struct vfio_irq_set` and the indexes of a PCI function.
pub(crate) const NONE: u32 = 1 << 0;
pub(crate) const BOOL: u32 = 1 << 1;
pub(crate) const EVENTFD: u32 = 1 << 2;
pub(crate) const MASK: u32 = 1 << 3;
pub(crate) const UNMASK: u32 = 1 << 4;
pub(crate) const TRIGGER: u32 = 1 << 5;
pub(crate) const INTX: u32 = 0;
pub(crate) const MSI: u32 = 1;
pub(crate) const MSIX: u32 = 2;
pub(crate) const BAR0: u32 = 0;
pub(crate) const BAR2: u32 = 2;
pub(crate) const BAR4: u32 = 4;
pub(crate) const CONFIG: u32 = 7;

// What an error reply says.
pub(crate) const EEXIST: u32 = 17;
pub(crate) const EINVAL: u32 = 22;
/// Any reason, as long as there is one: QEMU takes 0 for success.
pub(crate) const ANY_ERRNO: u32 = 0;

/// How QEMU 11.1 words what it proposes.
pub(crate) const QEMU_VERSION_DATA: &str = r#"{"capabilities": {"max_data_xfer_size": 1048576, "max_dma_maps": 65535, "max_msg_fds": 16, "migration": {"max_bitmap_size": 268435456, "pgsize": 4096}, "pgsizes": 4096, "write_multiple": true}}"#;

/// One message of a client.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) command: u16,
    pub(crate) flags: u32,
    error: u32,
    id: Option<u16>,
    size: Option<u32>,
    body: Vec<u8>,
}

impl Message {
    pub(crate) fn new(command: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { command, flags: 0, error: 0, id: None, size: None, body: body.into() }
    }

    /// With these bits of the header's flags.
    pub(crate) fn flags(self, flags: u32) -> Self {
        Self { flags: self.flags | flags, ..self }
    }

    pub(crate) fn no_reply(self) -> Self {
        self.flags(NO_REPLY)
    }

    /// With the header's error field, which is reserved in a command.
    pub(crate) fn error(self, error: u32) -> Self {
        Self { error, ..self }
    }

    /// With this id instead of the client's next one.
    pub(crate) fn id(self, id: u16) -> Self {
        Self { id: Some(id), ..self }
    }

    /// With this message size, whatever follows.
    pub(crate) fn size(self, size: u32) -> Self {
        Self { size: Some(size), ..self }
    }

    /// Cut or filled with zeros to a whole of `bytes`, with a size that says so.
    pub(crate) fn resized(mut self, bytes: usize) -> Self {
        self.body.resize(bytes - HEADER_BYTES, 0);
        self
    }

    /// With more payload.
    pub(crate) fn and(mut self, bytes: &[u8]) -> Self {
        self.body.extend_from_slice(bytes);
        self
    }

    /// With another number at a place of the payload.
    pub(crate) fn put32(mut self, at: usize, value: u32) -> Self {
        self.body[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// With another number at a place of the payload.
    pub(crate) fn put64(mut self, at: usize, value: u64) -> Self {
        self.body[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// With another `argsz`, which is the first field wherever there is one.
    pub(crate) fn argsz(self, bytes: u32) -> Self {
        self.put32(0, bytes)
    }

    pub(crate) fn own_id(&self) -> Option<u16> {
        self.id
    }

    /// The size of the whole message.
    pub(crate) fn bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }

    pub(crate) fn encode(&self, id: u16) -> Vec<u8> {
        let size = self.size.unwrap_or(self.bytes() as u32);
        let mut bytes = [id.to_ne_bytes(), self.command.to_ne_bytes()].concat();
        bytes.extend(u32s(&[size, self.flags, self.error]));
        bytes.extend(&self.body);
        bytes
    }
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.unwrap_or(self.bytes() as u32);
        write!(formatter, "command {}, size {size}, flags {:#x}, {}", self.command, self.flags, hexadecimal(&self.body))
    }
}

/// Numbers as the wire carries them: in the byte order of the host.
pub(crate) fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// See [`u32s`].
pub(crate) fn u64s(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// A proposal of a version, with version data that ends with a NUL.
pub(crate) fn version(major: u16, minor: u16, data: &str) -> Message {
    let numbers = [major.to_ne_bytes(), minor.to_ne_bytes()].concat();
    Message::new(VERSION, numbers).and(data.as_bytes()).and(&[0])
}

pub(crate) fn qemu_version() -> Message {
    version(0, 0, QEMU_VERSION_DATA)
}

pub(crate) fn get_info() -> Message {
    Message::new(DEVICE_GET_INFO, u32s(&[16, 0, 0, 0]))
}

pub(crate) fn region_info(index: u32) -> Message {
    Message::new(DEVICE_GET_REGION_INFO, u32s(&[32, 0, index, 0])).and(&u64s(&[0, 0]))
}

pub(crate) fn irq_info(index: u32) -> Message {
    Message::new(DEVICE_GET_IRQ_INFO, u32s(&[16, 0, index, 0]))
}

pub(crate) fn set_irqs(index: u32, flags: u32, start: u32, count: u32) -> Message {
    Message::new(DEVICE_SET_IRQS, u32s(&[20, flags, index, start, count]))
}

/// A `SET_IRQS` of vector 0 with one boolean byte.
pub(crate) fn set_irqs_bool(index: u32, action: u32, value: u8) -> Message {
    set_irqs(index, BOOL | action, 0, 1).and(&[value]).argsz(21)
}

pub(crate) fn read(region: u32, offset: u64, count: u32) -> Message {
    Message::new(REGION_READ, u64s(&[offset])).and(&u32s(&[region, count]))
}

pub(crate) fn write(region: u32, offset: u64, data: &[u8]) -> Message {
    Message::new(REGION_WRITE, u64s(&[offset])).and(&u32s(&[region, data.len() as u32])).and(data)
}

/// A map for reading and writing, from offset 0 of a descriptor.
pub(crate) fn dma_map(address: u64, size: u64) -> Message {
    Message::new(DMA_MAP, u32s(&[32, 3])).and(&u64s(&[0, address, size]))
}

pub(crate) fn dma_unmap(address: u64, size: u64) -> Message {
    Message::new(DMA_UNMAP, u32s(&[24, 0])).and(&u64s(&[address, size]))
}

pub(crate) fn reset() -> Message {
    Message::new(DEVICE_RESET, [])
}

/// One well-formed message of every command that a server takes after the negotiation, none of them with descriptors.
pub(crate) fn one_of_each() -> Vec<Message> {
    vec![
        dma_map(0x10_0000, 0x1000),
        dma_unmap(0x10_0000, 0x1000),
        get_info(),
        region_info(BAR0),
        irq_info(INTX),
        set_irqs_bool(INTX, MASK, 0),
        read(BAR0, 0x008, 4),
        write(BAR0, 0x008, &[0; 4]),
        reset(),
    ]
}

/// One message of every command that needs not be supported, or goes the other way.
pub(crate) fn one_of_each_unsupported() -> Vec<Message> {
    let one_write = [u64s(&[1, 0x008]), u32s(&[BAR0, 4]), u64s(&[0x5a5a_5a5a])].concat();
    vec![
        Message::new(DEVICE_GET_REGION_IO_FDS, u32s(&[16, 0, BAR0, 0])),
        Message::new(DMA_READ, u64s(&[0x1000, 4])),
        Message::new(DMA_WRITE, u64s(&[0x1000, 4])).and(&[1, 2, 3, 4]),
        Message::new(REGION_WRITE_MULTI, one_write),
        // GET of VFIO_DEVICE_FEATURE_MIGRATION.
        Message::new(DEVICE_FEATURE, u32s(&[16, 1 << 16 | 1])).and(&u64s(&[0])),
        Message::new(MIG_DATA_READ, u32s(&[8, 4096])),
        Message::new(MIG_DATA_WRITE, u32s(&[12, 4])).and(&[1, 2, 3, 4]),
    ]
}

/// A payload as it is shown: its size, and its first bytes.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(40).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > shown.len() { " ..." } else { "" };
    format!("{} bytes of payload: {}{more}", bytes.len(), shown.join(" "))
}
