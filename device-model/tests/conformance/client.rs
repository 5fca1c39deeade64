//! A client that can send anything, and that says what it sent and expected when something else comes.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Display};
use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::time::Timespec;

use crate::message::{
    ANY_ERRNO, BAR0, CONFIG, ERROR, HEADER_BYTES, Message, REPLY, TYPE_MASK, hexadecimal, qemu_version, read, write,
};

/// How long anything may take. A server that needs longer than this does not answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(4);
/// How long nothing must come for "nothing comes".
const SILENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// The most descriptors that Linux takes in one message.
const SCM_MAX_FD: usize = 253;
/// No reply is longer: the largest read and its headers.
const LARGEST_REPLY: usize = 1_048_576 + 32;
/// What is shown of what was sent.
const REMEMBERED: usize = 3;

/// A reply as it came.
pub(crate) struct Reply {
    pub(crate) id: u16,
    pub(crate) command: u16,
    pub(crate) flags: u32,
    pub(crate) error: u32,
    pub(crate) body: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Reply {
    pub(crate) fn is_error(&self) -> bool {
        self.flags & ERROR != 0
    }

    /// The payload as numbers of 4 bytes.
    pub(crate) fn words(&self) -> Vec<u32> {
        self.body.chunks(4).map(|word| word.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))).collect()
    }

    /// The data of a read: what follows offset, region and count.
    pub(crate) fn data(&self) -> &[u8] {
        self.body.get(16..).unwrap_or_default()
    }
}

impl Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, command, flags, error, body, descriptors } = self;
        let (count, body) = (descriptors.len(), hexadecimal(body));
        write!(formatter, "id {id}, command {command}, flags {flags:#x}, errno {error}, {count} descriptors, {body}")
    }
}

/// What the server did next.
pub(crate) enum Came {
    Reply(Reply),
    Closed,
    Nothing,
    Nonsense(String),
}

impl Display for Came {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => write!(formatter, "{reply}"),
            Self::Closed => formatter.write_str("the connection was closed"),
            Self::Nothing => write!(formatter, "nothing within {LIMIT:?}"),
            Self::Nonsense(what) => formatter.write_str(what),
        }
    }
}

/// One connection.
pub(crate) struct Client {
    stream: UnixStream,
    paragraph: &'static str,
    device_id: u16,
    next_id: u16,
    sent: VecDeque<String>,
}

impl Client {
    /// Connects to the function that has this device id.
    pub(crate) fn connect(socket: &Path, paragraph: &'static str, device_id: u16) -> Self {
        let stream = UnixStream::connect(socket)
            .unwrap_or_else(|error| panic!("paragraph: {paragraph}\nexpected: a connection\ncame: {error}"));
        stream.set_read_timeout(Some(LIMIT)).expect("a limit for reads");
        stream.set_write_timeout(Some(LIMIT)).expect("a limit for writes");
        Self { stream, paragraph, device_id, next_id: 1, sent: VecDeque::new() }
    }

    #[track_caller]
    pub(crate) fn negotiate(&mut self) -> Reply {
        self.accepts(&qemu_version())
    }

    /// Sends a message and gives the id that it had.
    #[track_caller]
    pub(crate) fn send(&mut self, message: &Message) -> u16 {
        self.send_with(message, &[])
    }

    #[track_caller]
    pub(crate) fn send_with(&mut self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> u16 {
        let id = self.take_id(message);
        self.remember(format!("id {id}, {message}, {} descriptors", descriptors.len()));
        self.send_bytes(&message.encode(id), descriptors);
        id
    }

    /// Sends several messages with one call and gives their ids.
    #[track_caller]
    pub(crate) fn send_together(&mut self, messages: &[Message]) -> Vec<u16> {
        let ids: Vec<u16> = messages.iter().map(|message| self.take_id(message)).collect();
        let bytes: Vec<u8> = messages.iter().zip(&ids).flat_map(|(message, &id)| message.encode(id)).collect();
        self.remember(format!("{} messages at once, ids {ids:?}", messages.len()));
        self.send_bytes(&bytes, &[]);
        ids
    }

    pub(crate) fn take_id(&mut self, message: &Message) -> u16 {
        message.own_id().unwrap_or_else(|| {
            self.next_id = self.next_id.wrapping_add(1);
            self.next_id
        })
    }

    pub(crate) fn remember(&mut self, sent: String) {
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }

    /// Sends bytes as they are, the descriptors with the first of them. A server that has closed the connection is found
    /// out by what is expected next.
    #[track_caller]
    pub(crate) fn send_bytes(&mut self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SCM_MAX_FD))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)), "more descriptors than Linux takes");
        }
        let result = sendmsg(&self.stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
            .map_err(std::io::Error::from)
            .and_then(|sent| self.stream.write_all(&bytes[sent..]));
        match result.map_err(|error| Errno::from_io_error(&error)) {
            Ok(()) | Err(Some(Errno::PIPE | Errno::CONNRESET)) => {}
            Err(error) => self.fail("a server that takes what is sent", format!("{error:?}")),
        }
    }

    /// Ends the sending direction only.
    pub(crate) fn end_sending(&mut self) {
        // A server that has closed the connection is found out by what is expected next.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits for what comes next.
    pub(crate) fn receive(&mut self) -> Came {
        let mut descriptors = Vec::new();
        let mut header = [0; HEADER_BYTES];
        match self.fill(&mut header, &mut descriptors) {
            (_, Some(Errno::AGAIN)) => return Came::Nothing,
            (0, _) => return Came::Closed,
            (HEADER_BYTES, None) => {}
            (bytes, error) => return Came::Nonsense(format!("{bytes} bytes of a header, then {error:?}")),
        }
        let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let size = word(4) as usize;
        if !(HEADER_BYTES..=LARGEST_REPLY).contains(&size) {
            return Came::Nonsense(format!("a header with a message size of {size} bytes: {header:02x?}"));
        }
        let mut body = vec![0; size - HEADER_BYTES];
        let (bytes, error) = self.fill(&mut body, &mut descriptors);
        if bytes < body.len() {
            return Came::Nonsense(format!("{bytes} of {} bytes of payload, then {error:?}", body.len()));
        }
        Came::Reply(Reply { id: half(0), command: half(2), flags: word(8), error: word(12), body, descriptors })
    }

    /// Fills `bytes` as far as the server does; gives how far and, if not to the end, why (none: the connection's end).
    fn fill(&self, bytes: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> (usize, Option<Errno>) {
        let mut filled = 0;
        while filled < bytes.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SCM_MAX_FD))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [IoSliceMut::new(&mut bytes[filled..])];
            match recvmsg(&self.stream, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(message) if message.bytes == 0 => return (filled, None),
                Ok(message) => filled += message.bytes,
                Err(error) => return (filled, Some(error)),
            }
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(received) = message {
                    descriptors.extend(received);
                }
            }
        }
        (filled, None)
    }

    /// Sends a message and gives its reply, of whatever outcome.
    #[track_caller]
    pub(crate) fn call(&mut self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> Reply {
        let id = self.send_with(message, descriptors);
        self.reply_to(id, message.command)
    }

    /// Expects the reply to a message that was sent before.
    #[track_caller]
    pub(crate) fn reply_to(&mut self, id: u16, command: u16) -> Reply {
        match self.receive() {
            Came::Reply(reply) if (reply.id, reply.command, reply.flags & TYPE_MASK) == (id, command, REPLY) => reply,
            other => self.fail(&format!("the reply to id {id}, command {command}"), other),
        }
    }

    /// Expects that a message succeeds.
    #[track_caller]
    pub(crate) fn accepts(&mut self, message: &Message) -> Reply {
        self.accepts_with(message, &[])
    }

    #[track_caller]
    pub(crate) fn accepts_with(&mut self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> Reply {
        let reply = self.call(message, descriptors);
        if reply.is_error() {
            self.fail("success", reply);
        }
        reply
    }

    /// Expects that a message is refused: a header alone, with this errno.
    #[track_caller]
    pub(crate) fn refuses(&mut self, message: &Message, errno: u32) {
        self.refuses_with(message, &[], errno);
    }

    #[track_caller]
    pub(crate) fn refuses_with(&mut self, message: &Message, descriptors: &[BorrowedFd<'_>], errno: u32) {
        let reply = self.call(message, descriptors);
        self.is_refusal(reply, errno);
    }

    #[track_caller]
    pub(crate) fn is_refusal(&mut self, reply: Reply, errno: u32) {
        let reason = if errno == ANY_ERRNO { reply.error != 0 } else { reply.error == errno };
        if !(reply.is_error() && reason && reply.body.is_empty() && reply.descriptors.is_empty()) {
            let wanted = if errno == ANY_ERRNO { "not 0".to_owned() } else { errno.to_string() };
            self.fail(&format!("an error reply of a header alone, errno {wanted}"), reply);
        }
    }

    /// Expects that a message which cannot be taken costs the connection, before or after an error reply.
    #[track_caller]
    pub(crate) fn is_dropped(&mut self) {
        match self.receive() {
            Came::Closed => {}
            Came::Reply(reply) if reply.is_error() && reply.error != 0 => self.is_closed(),
            other => self.fail("the connection's end", other),
        }
    }

    /// Expects the connection's end and nothing before it.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) {
        match self.receive() {
            Came::Closed => {}
            other => self.fail("the connection's end", other),
        }
    }

    /// Reads all that still comes until the server closes the connection.
    #[track_caller]
    pub(crate) fn drain(&mut self) {
        loop {
            match self.receive() {
                Came::Reply(_) => {}
                Came::Closed => return,
                other => self.fail("replies, then the connection's end", other),
            }
        }
    }

    /// Expects that nothing comes.
    #[track_caller]
    pub(crate) fn hears_nothing(&mut self) {
        if poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&SILENCE)) != Ok(0) {
            let came = self.receive();
            self.fail("nothing", came);
        }
    }

    /// Expects that server and client agree on where a message begins: the next command is the next one answered.
    #[track_caller]
    pub(crate) fn is_in_step(&mut self) {
        let identity = self.accepts(&read(CONFIG, 0, 4)).data().to_vec();
        self.expect(
            "the function's vendor and device",
            identity,
            [0x1b36, self.device_id].map(u16::to_le_bytes).concat(),
        );
    }

    /// Expects that a region has these bytes.
    #[track_caller]
    pub(crate) fn reads(&mut self, region: u32, offset: u64, expected: &[u8]) {
        let reply = self.accepts(&read(region, offset, expected.len() as u32));
        self.expect("data", reply.data(), expected);
    }

    /// Expects that a register of BAR0 has this value.
    #[track_caller]
    pub(crate) fn register_has(&mut self, offset: u64, expected: u32) {
        self.reads(BAR0, offset, &expected.to_le_bytes());
    }

    /// Writes a register of BAR0.
    #[track_caller]
    pub(crate) fn write32(&mut self, offset: u64, value: u32) {
        self.accepts(&write(BAR0, offset, &value.to_le_bytes()));
    }

    /// Compares what came with what was expected.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "what is compared is written in place")]
    pub(crate) fn expect<T: PartialEq + Debug>(&self, what: &str, came: T, expected: T) {
        if came != expected {
            self.fail(&format!("{what}: {expected:?}"), format!("{came:?}"));
        }
    }

    /// Ends the case.
    #[track_caller]
    pub(crate) fn fail(&self, expected: &str, came: impl Display) -> ! {
        let sent: Vec<&str> = self.sent.iter().map(String::as_str).collect();
        let sent = sent.join("\n      ");
        panic!("\nparagraph: {}\nsent: {sent}\nexpected: {expected}\ncame: {came}", self.paragraph)
    }
}
