//! A client that does what it is told and looks hard at what it is answered.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use arbitrary::Arbitrary;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::command::{REGION_READ, REGION_WRITE, VERSION};

/// How long an answer may take. Only a server that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

const TYPE_REPLY: u32 = 1;
const NO_REPLY: u32 = 1 << 4;
const ERROR: u32 = 1 << 5;

const DMA_READ: u16 = 11;
const DMA_WRITE: u16 = 12;

/// How a client answers the server's own commands.
#[derive(Arbitrary, Clone, Debug)]
pub enum Answer {
    Right,
    Error(u32),
    Other(Vec<u8>),
    Never,
}

/// How a message is sent.
#[derive(Arbitrary, Debug, Default)]
pub struct Manner {
    /// Where it is cut in two, if it is that long.
    cut: Option<u8>,
    /// Its descriptors go with the second piece.
    late_descriptors: bool,
    /// The type, where it is no command.
    other_type: Option<u8>,
    no_reply: bool,
}

pub struct Client {
    socket: UnixStream,
    /// Of the latest command.
    id: u16,
    pub answer: Answer,
    /// Whether the server has accepted a version.
    pub opened: bool,
    /// Whether a version was sent that wanted no reply.
    silent: bool,
}

struct Header {
    id: u16,
    command: u16,
    payload_bytes: usize,
    flags: u32,
    errno: u32,
}

impl Header {
    /// Checks what every message of a server fulfils.
    fn parse(bytes: [u8; 16]) -> Self {
        let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let (size, flags, errno) = (u32_at(4), u32_at(8), u32_at(12));
        assert!((16..=0x10_0020).contains(&size), "a message of {size} bytes");
        assert!([0, TYPE_REPLY, TYPE_REPLY | ERROR].contains(&flags), "flags {flags:#x}");
        assert_eq!(flags & ERROR != 0, errno != 0, "an error has a number, and nothing else has");
        assert!(flags & ERROR == 0 || size == 16, "an error reply has no payload, found {size} bytes");
        let (id, command) = (u32_at(0) as u16, (u32_at(0) >> 16) as u16);
        Self { id, command, payload_bytes: size as usize - 16, flags, errno }
    }
}

impl Client {
    pub fn connect(path: &Path) -> Self {
        let socket = UnixStream::connect(path).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        socket.set_write_timeout(Some(PATIENCE)).expect("a time");
        Self { socket, id: 0, answer: Answer::Right, opened: false, silent: false }
    }

    /// Sends a command and checks its reply. False: the server has gone, as it may before a version.
    pub fn command(&mut self, number: u16, payload: &[u8], descriptors: &[OwnedFd], manner: &Manner) -> bool {
        self.id = self.id.wrapping_add(1);
        let message_type = manner.other_type.map_or(0, |other| u32::from(other) % 16);
        let no_reply = if manner.no_reply { NO_REPLY } else { 0 };
        let message = message(self.id, number, message_type | no_reply, payload);
        if !self.send_cut(&message, descriptors, manner) {
            assert!(!self.opened, "the server has gone in the middle of a message");
            return false;
        }
        let replied = message_type != TYPE_REPLY && !manner.no_reply;
        if !replied {
            self.silent |= number == VERSION;
            // Before a version even a command without a reply ends it, which shows with the next one.
            return true;
        }
        let Some(errno) = self.reply(self.id, number, payload) else { return false };
        if errno != 0 {
            // Nobody who has been refused a version is served.
            return self.opened;
        }
        assert_eq!(message_type, 0, "type {message_type} is no command");
        assert!(self.opened || self.silent || number == VERSION, "served before VERSION");
        self.opened = true;
        true
    }

    /// Sends all of the commands, and only then looks for replies.
    pub fn pipeline(&mut self, commands: &[(u16, Vec<u8>)]) {
        let ids = |first: u16| (1..).map(move |number| first.wrapping_add(number));
        let numbered = || ids(self.id).zip(commands);
        let bytes: Vec<_> = numbered().flat_map(|(id, (number, payload))| message(id, *number, 0, payload)).collect();
        self.socket.write_all(&bytes).expect("the server takes it all");
        let first = self.id;
        for (id, (number, payload)) in ids(first).zip(commands) {
            self.reply(id, *number, payload).expect("a reply");
            self.id = id;
        }
    }

    /// Checks the reply to a command and gives its error number. None: the server has gone, as it may before a version.
    fn reply(&mut self, id: u16, number: u16, payload: &[u8]) -> Option<u32> {
        let Some((header, reply)) = self.receive() else {
            assert!(!self.opened, "the server has gone instead of replying to command {number}");
            return None;
        };
        assert_eq!((header.id, header.command), (id, number), "the reply is to another command");
        if header.errno == 0 {
            check_reply(number, payload, &reply);
        }
        Some(header.errno)
    }

    /// Sends bytes that may be anything, and waits for the server to hang up or to answer what it understood.
    pub fn garbage(self, bytes: &[u8]) {
        // The server may have hung up before all of it is sent.
        let _ = (&self.socket).write_all(bytes);
        let _ = self.socket.shutdown(Shutdown::Write);
        while let Some((header, payload)) = self.receive_any() {
            assert_eq!(header.payload_bytes, payload.len());
        }
    }

    /// Sends a message that is longer than any may be.
    pub fn too_long(&mut self, extra: u16) {
        let payload = vec![0; 0x10_0020 + usize::from(extra)];
        self.id = self.id.wrapping_add(1);
        self.socket.write_all(&message(self.id, REGION_WRITE, 0, &payload)).expect("the server takes it all");
        let (header, _) = self.receive().expect("a reply");
        assert_eq!((header.id, header.errno), (self.id, 90), "EMSGSIZE");
    }

    /// Sends a reply that nobody waits for.
    pub fn stray_reply(&mut self, id: u16, command: u16, payload: &[u8]) {
        let _ = self.socket.write_all(&message(id, command, TYPE_REPLY, payload));
    }

    fn send_cut(&self, message: &[u8], descriptors: &[OwnedFd], manner: &Manner) -> bool {
        let cut = manner.cut.map_or(0, |cut| usize::from(cut).min(message.len() - 1));
        let (first, second) = message.split_at(cut);
        let early = if manner.late_descriptors || first.is_empty() { &[] } else { descriptors };
        let late = if early.is_empty() { descriptors } else { &[] };
        (first.is_empty() || self.send(first, early)) && self.send(second, late)
    }

    fn send(&self, mut bytes: &[u8], descriptors: &[OwnedFd]) -> bool {
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)), "32 descriptors at most");
        }
        while !bytes.is_empty() {
            let Ok(sent) = sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) else {
                return false;
            };
            ancillary.clear();
            bytes = &bytes[sent..];
        }
        true
    }

    /// The next reply. Commands that come before it are answered.
    fn receive(&mut self) -> Option<(Header, Vec<u8>)> {
        loop {
            let (header, payload) = self.receive_any()?;
            if header.flags == 0 {
                self.answer(&header, &payload);
            } else {
                return Some((header, payload));
            }
        }
    }

    fn receive_any(&self) -> Option<(Header, Vec<u8>)> {
        let mut header = [0; 16];
        if !self.fill(&mut header) {
            return None;
        }
        let header = Header::parse(header);
        let mut payload = vec![0; header.payload_bytes];
        assert!(payload.is_empty() || self.fill(&mut payload), "the server has gone in the middle of a message");
        Some((header, payload))
    }

    /// False: there is nothing more.
    fn fill(&self, bytes: &mut [u8]) -> bool {
        match (&self.socket).read_exact(bytes) {
            Ok(()) => true,
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => false,
            Err(error) => panic!("the server does not answer: {error}"),
        }
    }

    fn answer(&mut self, header: &Header, payload: &[u8]) {
        let count = u64::from_ne_bytes(payload[8..16].try_into().unwrap());
        let data_bytes = payload.len() - 16;
        match header.command {
            DMA_READ => assert_eq!(data_bytes, 0, "a read brings no data"),
            DMA_WRITE => assert_eq!(data_bytes as u64, count, "a write brings its data"),
            other => panic!("the server sends command {other}"),
        }
        assert!((1..=0x10_0000).contains(&count), "{count} bytes");
        let right = match header.command {
            DMA_READ => [payload, &vec![7; count as usize]].concat(),
            _ => payload[..12].to_vec(),
        };
        let reply = match &self.answer {
            Answer::Right => message(header.id, header.command, TYPE_REPLY, &right),
            Answer::Other(other) => message(header.id, header.command, TYPE_REPLY, other),
            Answer::Error(errno) => {
                let mut reply = message(header.id, header.command, TYPE_REPLY | ERROR, &[]);
                reply[12..].copy_from_slice(&errno.to_ne_bytes());
                reply
            }
            Answer::Never => return,
        };
        // The server may have hung up.
        let _ = self.socket.write_all(&reply);
    }
}

fn check_reply(number: u16, payload: &[u8], reply: &[u8]) {
    let u32_at = |at: usize| u32::from_ne_bytes(payload[at..at + 4].try_into().unwrap()) as usize;
    let bytes = reply.len();
    match number {
        VERSION => assert!(bytes == 4 || bytes > 4 && reply.ends_with(b"\0"), "{reply:?}"),
        2 | 8 | 13 => assert_eq!(bytes, 0, "command {number} has no reply payload"),
        3 | REGION_WRITE => assert_eq!(reply, &payload[..if number == 3 { 24 } else { 16 }]),
        4 | 7 => assert_eq!(bytes, 16),
        5 => assert!([32, 64].contains(&bytes) && bytes <= u32_at(0), "{bytes} bytes for an argsz of {}", u32_at(0)),
        REGION_READ => {
            assert_eq!(bytes, 16 + u32_at(12));
            assert_eq!(reply[..16], payload[..16]);
        }
        15 => assert_eq!(reply, &payload[..8]),
        other => panic!("command {other} is not supported and was served"),
    }
}

fn message(id: u16, command: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    let numbers = [16 + payload.len() as u32, flags, 0].map(u32::to_ne_bytes);
    [[id, command].map(u16::to_ne_bytes).as_flattened(), numbers.as_flattened(), payload].concat()
}
