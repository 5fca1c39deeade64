//! A client's connection: messages in, answers out, and never a wait.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::{Errno, ioctl_fionread};
use rustix::net::sockopt::socket_peercred;

use crate::incoming::{Incoming, Message, Progress, Received};
use crate::outgoing::Outgoing;
use crate::protocol::{BadHeader, Header, MAXIMUM_MESSAGE_BYTES, MessageType, Refusal, Request};
use crate::session::{Answer, Session};
use crate::shared::Shared;
use crate::transfers::{Question, Transfer, Transfers};

/// Why a connection ends.
pub(crate) enum End {
    /// The client went.
    Gone,
    /// The client cannot be understood any more, or does not do its part.
    Dropped(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Gone,
            _ => Self::Dropped(error.to_string()),
        }
    }
}

impl From<BadHeader> for End {
    fn from(error: BadHeader) -> Self {
        Self::Dropped(error.to_string())
    }
}

/// A client's connection.
pub(crate) struct Connection {
    socket: UnixStream,
    incoming: Incoming,
    outgoing: Outgoing,
    session: Session,
    transfers: Transfers,
    /// Since when the client owes the rest of a message, or room for an answer.
    waiting_since: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            incoming: Incoming::new(),
            outgoing: Outgoing::default(),
            session: Session::default(),
            transfers: Transfers::default(),
            waiting_since: None,
        }
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// The process at the other end, if the system knows it.
    pub(crate) fn peer_process_id(&self) -> Option<u32> {
        let id = socket_peercred(&self.socket).ok()?.pid.as_raw_nonzero().get();
        u32::try_from(id).ok()
    }

    /// Whether nothing can be sent, and so nothing is done, until the client reads.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.outgoing.is_waiting()
    }

    /// Whether the client has sent something that has not been received.
    pub(crate) fn has_unread(&self) -> bool {
        ioctl_fionread(&self.socket).is_ok_and(|bytes| bytes > 0)
    }

    /// Since when the client owes something.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        [self.waiting_since, self.transfers.waiting_since()].into_iter().flatten().min()
    }

    /// Does what can be done now: sends what is left, receives once, executes every command that is whole. Tells
    /// whether there was anything.
    pub(crate) fn serve(&mut self, shared: &Shared) -> Result<Progress, End> {
        self.outgoing.resume(&self.socket)?;
        self.execute_all(shared)?;
        let mut progress = Progress::None;
        if !self.outgoing.is_waiting() {
            progress = self.incoming.receive(&self.socket)?;
            self.execute_all(shared)?;
        }
        if !self.incoming.is_partial() && !self.outgoing.is_waiting() {
            self.waiting_since = None;
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
        }
        match progress {
            Progress::End => Err(End::Gone),
            other => Ok(other),
        }
    }

    /// Begins or queues transfers.
    pub(crate) fn transfer(&mut self, transfers: Vec<Transfer>, shared: &Shared) -> Result<(), End> {
        self.transfers.extend(transfers);
        self.go_on_with_transfers(shared)
    }

    /// Gives up what the client has owed for `patience` or longer.
    pub(crate) fn lose_patience(&mut self, patience: Duration, shared: &Shared) -> Result<(), End> {
        let overdue = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() >= patience);
        if overdue(self.waiting_since) {
            let what = if self.outgoing.is_waiting() { "read an answer" } else { "completed a message" };
            return Err(End::Dropped(format!("it has not {what} for {patience:?}")));
        }
        if overdue(self.transfers.waiting_since()) {
            self.transfers.give_up("the client did not answer in time");
        }
        self.go_on_with_transfers(shared)
    }

    fn execute_all(&mut self, shared: &Shared) -> Result<(), End> {
        while !self.outgoing.is_waiting() {
            let received = self.incoming.next()?;
            if received.is_some() {
                self.waiting_since = None;
            }
            match received {
                Some(Received::Message(message)) => self.execute(message, shared)?,
                Some(Received::TooLong(header)) => {
                    let longest = MAXIMUM_MESSAGE_BYTES;
                    let refusal = format!("expected {longest} bytes in a message at most, found {}", header.size_bytes);
                    self.refuse(header, &Refusal::new(Errno::MSGSIZE, refusal))?;
                }
                None => return self.go_on_with_transfers(shared),
            }
        }
        Ok(())
    }

    fn execute(&mut self, message: Message, shared: &Shared) -> Result<(), End> {
        let Message { header, payload, descriptors } = message;
        let payload = self.incoming.payload(payload);
        let answer = match header.message_type() {
            MessageType::Reply => {
                self.transfers.answered(header, payload);
                return Ok(());
            }
            MessageType::Unknown(found) => {
                Err(Refusal::invalid(format!("expected a command (type 0) or a reply (1), found type {found}")))
            }
            MessageType::Command => {
                let answer = Request::parse(header.command, payload)
                    .and_then(|request| self.session.execute(request, descriptors, shared));
                if !self.session.is_open() {
                    let reason = answer.err().map_or_else(String::new, |refusal| refusal.reason);
                    self.refuse(header, &Refusal::invalid(reason.clone()))?;
                    return Err(End::Dropped(reason));
                }
                answer
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => return self.refuse(header, &refusal),
        };
        if !header.wants_reply() {
            return Ok(());
        }
        let own;
        let (payload, data, descriptor): (&[u8], &[u8], _) = match answer {
            Answer::Echo(bytes) => (&payload[..bytes], &[], None),
            Answer::EchoWithData(bytes) => (&payload[..bytes], &self.session.data, None),
            Answer::Payload(bytes, descriptor) => {
                own = bytes;
                (&own, &[], descriptor)
            }
        };
        let reply = header.reply(payload.len() + data.len());
        Ok(self.outgoing.send(&self.socket, reply, [payload, data], descriptor)?)
    }

    fn refuse(&mut self, header: Header, refusal: &Refusal) -> Result<(), End> {
        log::debug!("command {} is refused: {}", header.command, refusal.reason);
        if !header.wants_reply() || header.message_type() == MessageType::Reply {
            return Ok(());
        }
        let reply = header.error_reply(refusal.errno.raw_os_error().unsigned_abs());
        Ok(self.outgoing.send(&self.socket, reply, [&[], &[]], None)?)
    }

    fn go_on_with_transfers(&mut self, shared: &Shared) -> Result<(), End> {
        self.transfers.deliver();
        if self.outgoing.is_waiting() || self.transfers.is_idle() {
            return Ok(());
        }
        let question = self.transfers.advance(&shared.lock().mappings, self.session.client_data_bytes());
        self.transfers.deliver();
        let Some(Question { header, fields, data }) = question else { return Ok(()) };
        Ok(self.outgoing.send(&self.socket, header, [&fields, &data], None)?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.transfers.end_all();
        self.transfers.deliver();
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => formatter.write_str("it went"),
            Self::Dropped(reason) => formatter.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::Arc;

    use device::{ClockMode, Device, Nowhere};

    use super::*;
    use crate::ServerOptions;

    struct Bench {
        client: UnixStream,
        connection: Connection,
        shared: Arc<Shared>,
    }

    impl Bench {
        fn new() -> Self {
            let (client, server) = UnixStream::pair().unwrap();
            let block = Box::new(pwm_audio::PwmAudio::default());
            let device = Device::new(block, pwm_audio::PCI_IDENTITY, ClockMode::Warp, Box::new(Nowhere));
            let shared = Shared::new(device, ServerOptions::default()).unwrap();
            let mut bench = Self { client, connection: Connection::new(server), shared };
            bench.call::<20>(&message(1, 0, &[0; 4]));
            bench
        }

        fn call<const REPLY_BYTES: usize>(&mut self, message: &[u8]) -> [u8; REPLY_BYTES] {
            self.client.write_all(message).unwrap();
            assert!(self.connection.serve(&self.shared).is_ok());
            let mut reply = [0; REPLY_BYTES];
            self.client.read_exact(&mut reply).unwrap();
            reply
        }
    }

    fn message(command: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
        let mut message = Vec::from([7, command].map(u16::to_ne_bytes).as_flattened());
        message.extend([16 + payload.len() as u32, flags, 0].map(u32::to_ne_bytes).as_flattened());
        message.extend(payload);
        message
    }

    #[test]
    fn an_access_takes_no_memory() {
        let mut bench = Bench::new();
        // 4 bytes at 0x008 of BAR0.
        let scratch = [8_u32, 0, 0, 4].map(u32::to_ne_bytes);
        let value = 0x1234_5678_u32.to_ne_bytes();
        let written = [scratch.as_flattened(), &value].concat();
        let (read, write) = (message(9, 0, scratch.as_flattened()), message(10, 0, &written));
        let unanswered = [message(10, 1 << 4, &written), read.clone()].concat();
        let mut round = || {
            bench.call::<32>(&write);
            assert_eq!(bench.call::<36>(&read)[32..], value);
            assert_eq!(bench.call::<36>(&unanswered)[32..], value);
        };
        // The first read takes memory for those after it.
        round();
        let counted = allocation_counter::measure(|| (0..100).for_each(|_| round()));
        assert_eq!(counted.count_total, 0);
    }
}
