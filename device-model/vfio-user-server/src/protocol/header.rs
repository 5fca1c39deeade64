//! Section "Header".

/// The length of a header in bytes.
pub(crate) const HEADER_BYTES: usize = 16;

const TYPE_MASK: u32 = 0xf;
const TYPE_REPLY: u32 = 1;
const NO_REPLY: u32 = 1 << 4;
const ERROR: u32 = 1 << 5;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    Command,
    Reply,
    /// Neither; the number is what it says it is.
    Unknown(u32),
}

/// What every message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u16,
    pub(crate) command: u16,
    /// Of the whole message, the header with it.
    pub(crate) size_bytes: u32,
    flags: u32,
    pub(crate) errno: u32,
}

/// A header after which nobody knows where the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message has {HEADER_BYTES} bytes at least, this one says that it has {0}")]
pub(crate) struct BadHeader(u32);

impl Header {
    pub(crate) fn parse(bytes: [u8; HEADER_BYTES]) -> Result<Self, BadHeader> {
        let [i0, i1, c0, c1, s0, s1, s2, s3, f0, f1, f2, f3, e0, e1, e2, e3] = bytes;
        let header = Self {
            id: u16::from_ne_bytes([i0, i1]),
            command: u16::from_ne_bytes([c0, c1]),
            size_bytes: u32::from_ne_bytes([s0, s1, s2, s3]),
            flags: u32::from_ne_bytes([f0, f1, f2, f3]),
            errno: u32::from_ne_bytes([e0, e1, e2, e3]),
        };
        if (header.size_bytes as usize) < HEADER_BYTES { Err(BadHeader(header.size_bytes)) } else { Ok(header) }
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..2].copy_from_slice(&self.id.to_ne_bytes());
        bytes[2..4].copy_from_slice(&self.command.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.size_bytes.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.errno.to_ne_bytes());
        bytes
    }

    /// A command of the server's, with `payload_bytes` bytes after the header.
    pub(crate) fn command(id: u16, command: u16, payload_bytes: usize) -> Self {
        Self { id, command, size_bytes: (HEADER_BYTES + payload_bytes) as u32, flags: 0, errno: 0 }
    }

    /// The reply to this command, with `payload_bytes` bytes after the header.
    pub(crate) fn reply(self, payload_bytes: usize) -> Self {
        Self { size_bytes: (HEADER_BYTES + payload_bytes) as u32, flags: TYPE_REPLY, errno: 0, ..self }
    }

    /// The reply to this command that says that it failed; it has no payload.
    pub(crate) fn error_reply(self, errno: u32) -> Self {
        Self { flags: TYPE_REPLY | ERROR, errno, ..self.reply(0) }
    }

    pub(crate) fn message_type(self) -> MessageType {
        match self.flags & TYPE_MASK {
            0 => MessageType::Command,
            TYPE_REPLY => MessageType::Reply,
            other => MessageType::Unknown(other),
        }
    }

    pub(crate) fn wants_reply(self) -> bool {
        self.flags & NO_REPLY == 0
    }

    /// The error of a reply, if it says that there was one.
    pub(crate) fn error(self) -> Option<u32> {
        (self.flags & ERROR != 0).then_some(self.errno)
    }

    /// Bytes after the header.
    pub(crate) fn payload_bytes(self) -> usize {
        self.size_bytes as usize - HEADER_BYTES
    }
}
