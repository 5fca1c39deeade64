//! What comes in on a connection: bytes and descriptors become messages.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};

use crate::protocol::{
    BadHeader, HEADER_BYTES, Header, MAXIMUM_DESCRIPTORS, MAXIMUM_MESSAGE_BYTES, MessageType, command,
};

/// A message that is whole.
pub(crate) struct Message {
    pub(crate) header: Header,
    /// Where its payload is, for [`Incoming::payload`].
    pub(crate) payload: Range<usize>,
    pub(crate) descriptors: Descriptors,
}

/// A message, or what stands for one that is too long to be taken.
pub(crate) enum Received {
    Message(Message),
    /// Its payload is being left out.
    TooLong(Header),
}

/// The descriptors that a message brought.
#[derive(Default)]
pub(crate) struct Descriptors {
    pub(crate) list: Vec<OwnedFd>,
    /// There were more than one message may bring; the system has closed those.
    pub(crate) cut_off: bool,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is something new.
    Some,
    /// There is nothing at the moment.
    None,
    /// There will be no more.
    End,
}

/// The bytes that have come and are not done with.
pub(crate) struct Incoming {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// How much of a message that is too long is still to come.
    left_out_bytes: usize,
    descriptors: Descriptors,
    /// Where in the buffer the message begins that the descriptors came with.
    owner: Option<usize>,
}

impl Incoming {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; MAXIMUM_MESSAGE_BYTES].into(),
            start: 0,
            end: 0,
            left_out_bytes: 0,
            descriptors: Descriptors::default(),
            owner: None,
        }
    }

    /// Whether a message has begun and is not whole.
    pub(crate) fn is_partial(&self) -> bool {
        self.start < self.end || self.left_out_bytes > 0
    }

    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Receives once, as much as there is and fits. To be called when [`Self::next`] has no more.
    pub(crate) fn receive(&mut self, socket: impl AsFd) -> io::Result<Progress> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.owner = self.owner.map(|owner| owner.saturating_sub(self.start));
        (self.start, self.end) = (0, self.end - self.start);

        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAXIMUM_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let free = &mut [IoSliceMut::new(&mut self.buffer[self.end..])];
        let received = match recvmsg(socket, free, &mut ancillary, flags) {
            Ok(received) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Progress::None),
            Err(error) => return Err(error.into()),
        };
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        let first_new = self.end;
        self.end += received.bytes;
        self.leave_out();
        let cut_off = received.flags.contains(ReturnFlags::CTRUNC);
        if cut_off || !descriptors.is_empty() {
            self.owner = self.descriptors_owner(first_new);
            // Those that no message takes are closed.
            let list = if self.owner.is_some() { descriptors } else { Vec::new() };
            self.descriptors = Descriptors { list, cut_off };
        }
        Ok(if received.bytes == 0 { Progress::End } else { Progress::Some })
    }

    /// The next message, if it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Received>, BadHeader> {
        let Some(header) = self.header_at(self.start)? else { return Ok(None) };
        let descriptors = |this: &mut Self| {
            let owned = this.owner.take_if(|owner| *owner == this.start).is_some();
            if owned { std::mem::take(&mut this.descriptors) } else { Descriptors::default() }
        };
        if header.size_bytes as usize > MAXIMUM_MESSAGE_BYTES {
            drop(descriptors(self));
            self.start += HEADER_BYTES;
            self.left_out_bytes = header.payload_bytes();
            self.leave_out();
            return Ok(Some(Received::TooLong(header)));
        }
        let size = header.size_bytes as usize;
        if self.end - self.start < size {
            return Ok(None);
        }
        let descriptors = descriptors(self);
        let payload = self.start + HEADER_BYTES..self.start + size;
        self.start += size;
        Ok(Some(Received::Message(Message { header, payload, descriptors })))
    }

    fn header_at(&self, start: usize) -> Result<Option<Header>, BadHeader> {
        self.buffer[start..self.end].first_chunk().map(|bytes| Header::parse(*bytes)).transpose()
    }

    /// Drops the bytes of a message that is too long.
    fn leave_out(&mut self) {
        let bytes = self.left_out_bytes.min(self.end - self.start);
        self.start += bytes;
        self.left_out_bytes -= bytes;
    }

    /// The message that descriptors belong to which came with the bytes from `first_new` on.
    ///
    /// A stream has no messages, and the system may put several into one read; but it ends a read with the piece that
    /// was sent along with descriptors (`unix_stream_read_generic` in Linux's `net/unix/af_unix.c`). So they belong to
    /// the last message that begins in the read, or to the one that was under way. A client that sends several
    /// messages in one piece is met half-way: those that take no descriptors are passed by.
    fn descriptors_owner(&self, first_new: usize) -> Option<usize> {
        let mut owner = None;
        let mut at = self.start;
        while at < self.end {
            let Ok(header) = self.header_at(at) else { break };
            let takes = header.is_none_or(takes_descriptors);
            let under_way = at < first_new && header.is_none_or(|header| at + header.size_bytes as usize > first_new);
            if takes && (at >= first_new || under_way) {
                owner = Some(at);
            }
            let Some(header) = header else { break };
            at = at.saturating_add(header.size_bytes as usize);
        }
        owner
    }
}

fn takes_descriptors(header: Header) -> bool {
    header.message_type() == MessageType::Command
        && matches!(header.command, command::DMA_MAP | command::DEVICE_SET_IRQS)
}
