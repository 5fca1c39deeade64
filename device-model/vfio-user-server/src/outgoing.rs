//! What goes out on a connection.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::protocol::Header;

/// What could not be sent yet: one message at most, for nothing else is begun before it has gone.
#[derive(Default)]
pub(crate) struct Outgoing {
    unsent: Vec<u8>,
    descriptor: Option<OwnedFd>,
}

impl Outgoing {
    /// Whether the client has to read before anything else can be sent.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends a message, or as much of it as the client has room for; the rest is kept for [`Self::resume`].
    ///
    /// # Panics
    /// If something is kept already.
    pub(crate) fn send(
        &mut self,
        socket: impl AsFd,
        header: Header,
        payload: [&[u8]; 2],
        descriptor: Option<OwnedFd>,
    ) -> io::Result<()> {
        assert!(!self.is_waiting(), "a message was begun while another one was under way");
        let header = header.to_bytes();
        let parts = [&header[..], payload[0], payload[1]];
        let sent = send_once(socket, &parts.map(IoSlice::new), descriptor.as_ref())?;
        let mut sent_bytes = sent.unwrap_or(0);
        for part in parts {
            let left_out = sent_bytes.min(part.len());
            self.unsent.extend_from_slice(&part[left_out..]);
            sent_bytes -= left_out;
        }
        // A descriptor goes with the first byte.
        self.descriptor = descriptor.filter(|_| sent.is_none());
        Ok(())
    }

    /// Sends what was kept.
    pub(crate) fn resume(&mut self, socket: impl AsFd) -> io::Result<()> {
        if self.is_waiting()
            && let Some(sent) = send_once(socket, &[IoSlice::new(&self.unsent)], self.descriptor.as_ref())?
        {
            self.unsent.drain(..sent);
            self.descriptor = None;
        }
        Ok(())
    }
}

/// The number of bytes sent; none if the client has no room.
fn send_once(socket: impl AsFd, parts: &[IoSlice<'_>], descriptor: Option<&OwnedFd>) -> io::Result<Option<usize>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.map(|descriptor| [descriptor.as_fd()]);
    if let Some(descriptors) = &descriptors {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    match sendmsg(socket, parts, &mut ancillary, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
