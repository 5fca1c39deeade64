//! Transfers from and to the client's memory, in order, by file or by message.

use std::collections::VecDeque;
use std::time::Instant;

use crate::dma_mappings::{Direction, DmaError, DmaMappings, read_file, write_file};
use crate::protocol::{Fields, Header, command};

/// The most that one message asks for: QEMU 11.1 loses the stream over a reply of 0x36000 bytes.
const MAXIMUM_MESSAGE_DATA_BYTES: usize = 128 * 1024;

/// What is called with the data when a transfer has ended.
pub(crate) type OnEnd = Box<dyn FnOnce(Result<Vec<u8>, DmaError>) + Send>;

/// One transfer, as far as it has come.
pub(crate) struct Transfer {
    direction: Direction,
    address: u64,
    data: Vec<u8>,
    done_bytes: usize,
    on_end: OnEnd,
}

impl Transfer {
    pub(crate) fn read(address: u64, bytes: usize, on_end: OnEnd) -> Self {
        Self { direction: Direction::FromClient, address, data: vec![0; bytes], done_bytes: 0, on_end }
    }

    pub(crate) fn write(address: u64, data: Vec<u8>, on_end: OnEnd) -> Self {
        Self { direction: Direction::ToClient, address, data, done_bytes: 0, on_end }
    }

    /// Ends it: there is no client.
    pub(crate) fn refuse(self) {
        let address = self.at();
        (self.on_end)(Err(DmaError::Unanswered { address, reason: "there is no client".to_owned() }));
    }

    fn at(&self) -> u64 {
        self.address.wrapping_add(self.done_bytes as u64)
    }
}

/// A message that the client has to answer before the next transfer goes on.
struct InFlight {
    id: u16,
    command: u16,
    bytes: usize,
    since: Instant,
}

/// A message for the client.
pub(crate) struct Question {
    pub(crate) header: Header,
    pub(crate) fields: [u8; 16],
    /// The part of the transfer's data that goes with it.
    pub(crate) data: Vec<u8>,
}

/// The transfers that have been asked for, first come, first served.
#[derive(Default)]
pub(crate) struct Transfers {
    queue: VecDeque<Transfer>,
    in_flight: Option<InFlight>,
    next_id: u16,
    /// Those that have ended and whose owners do not know yet.
    ended: Vec<(OnEnd, Result<Vec<u8>, DmaError>)>,
}

impl Transfers {
    pub(crate) fn extend(&mut self, transfers: Vec<Transfer>) {
        self.queue.extend(transfers);
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Since when the client owes an answer.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.in_flight.as_ref().map(|in_flight| in_flight.since)
    }

    /// Goes on with the first transfer as far as it goes without the client, and gives the message that it needs then.
    pub(crate) fn advance(&mut self, mappings: &DmaMappings, client_data_bytes: usize) -> Option<Question> {
        while self.in_flight.is_none() {
            let transfer = self.queue.front_mut()?;
            let left = transfer.data.len() - transfer.done_bytes;
            if left == 0 {
                self.end(Ok(()));
                continue;
            }
            let (at, done) = (transfer.at(), transfer.done_bytes);
            let piece = match mappings.piece(at, left, transfer.direction) {
                Ok(piece) => piece,
                Err(error) => {
                    self.end(Err(error));
                    continue;
                }
            };
            let Some((file, offset)) = piece.file else {
                let bytes = piece.bytes.min(client_data_bytes).min(MAXIMUM_MESSAGE_DATA_BYTES);
                if bytes == 0 {
                    let reason = "it takes no data in messages".to_owned();
                    self.end(Err(DmaError::Unanswered { address: at, reason }));
                    continue;
                }
                return self.ask(bytes);
            };
            let data = &mut transfer.data[done..done + piece.bytes];
            let result = match transfer.direction {
                Direction::FromClient => read_file(file, offset, data, at),
                Direction::ToClient => write_file(file, offset, data, at),
            };
            transfer.done_bytes += piece.bytes;
            if let Err(error) = result {
                self.end(Err(error));
            }
        }
        None
    }

    fn ask(&mut self, bytes: usize) -> Option<Question> {
        let transfer = self.queue.front()?;
        let (command, data) = match transfer.direction {
            Direction::FromClient => (command::DMA_READ, Vec::new()),
            Direction::ToClient => {
                (command::DMA_WRITE, transfer.data[transfer.done_bytes..transfer.done_bytes + bytes].to_vec())
            }
        };
        let mut fields = [0; 16];
        fields[..8].copy_from_slice(&transfer.at().to_ne_bytes());
        fields[8..].copy_from_slice(&(bytes as u64).to_ne_bytes());
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.in_flight = Some(InFlight { id, command, bytes, since: Instant::now() });
        Some(Question { header: Header::command(id, command, fields.len() + data.len()), fields, data })
    }

    /// Takes a reply of the client; one that nobody waits for is passed over.
    pub(crate) fn answered(&mut self, header: Header, payload: &[u8]) {
        let expected = |waiting: &mut InFlight| (waiting.id, waiting.command) == (header.id, header.command);
        let Some(InFlight { bytes, .. }) = self.in_flight.take_if(expected) else {
            log::warn!(
                "the client replied to command {} with number {}, which was not sent",
                header.command,
                header.id
            );
            return;
        };
        let Some(transfer) = self.queue.front_mut() else { return };
        let address = transfer.at();
        if let Some(errno) = header.error() {
            return self.end(Err(DmaError::Refused { address, errno }));
        }
        let mut fields = Fields::new(payload);
        let echoed = fields.u64();
        let reason = match transfer.direction {
            Direction::FromClient => {
                let count = fields.u64();
                let data = fields.rest();
                if (echoed, count) == (Ok(address), Ok(bytes as u64)) && data.len() == bytes {
                    transfer.data[transfer.done_bytes..transfer.done_bytes + bytes].copy_from_slice(data);
                    None
                } else {
                    Some(format!("expected {bytes} bytes from the client, found {}", data.len()))
                }
            }
            // The specification gives the count 4 bytes here and 8 in the command.
            Direction::ToClient if (echoed, fields.u32()) == (Ok(address), Ok(bytes as u32)) => None,
            Direction::ToClient => Some(format!("expected the client to take {bytes} bytes, and it took others")),
        };
        match reason {
            None => transfer.done_bytes += bytes,
            Some(reason) => self.end(Err(DmaError::Unanswered { address, reason })),
        }
    }

    /// Gives up the answer that the client owes, and its transfer.
    pub(crate) fn give_up(&mut self, reason: &str) {
        if self.in_flight.take().is_some()
            && let Some(transfer) = self.queue.front()
        {
            let address = transfer.at();
            self.end(Err(DmaError::Unanswered { address, reason: reason.to_owned() }));
        }
    }

    /// Ends every transfer: the client has gone.
    pub(crate) fn end_all(&mut self) {
        self.in_flight = None;
        while let Some(transfer) = self.queue.front() {
            let address = transfer.at();
            self.end(Err(DmaError::Unanswered { address, reason: "the client has gone".to_owned() }));
        }
    }

    fn end(&mut self, result: Result<(), DmaError>) {
        if let Some(Transfer { data, on_end, .. }) = self.queue.pop_front() {
            self.ended.push((on_end, result.map(|()| data)));
        }
    }

    /// Tells the owners of the transfers that have ended. Not under the device's lock: they may want the device.
    pub(crate) fn deliver(&mut self) {
        for (on_end, result) in self.ended.drain(..) {
            on_end(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::protocol::Dma;

    #[test]
    fn a_client_that_takes_no_data_ends_every_transfer_and_not_only_the_first() {
        let (mut transfers, mut mappings) = (Transfers::default(), DmaMappings::default());
        mappings.map(Dma { address: 0, size_bytes: 0x1000 }, true, true, None).expect("a mapping");
        let (sender, ended) = mpsc::channel();
        let transfer = |address| {
            let sender = sender.clone();
            Transfer::read(address, 4, Box::new(move |result| sender.send(result.is_err()).expect("a test")))
        };
        transfers.extend(vec![transfer(0), transfer(8)]);
        assert!(transfers.advance(&mappings, 0).is_none());
        transfers.deliver();
        assert_eq!(ended.try_iter().collect::<Vec<_>>(), [true, true]);
    }
}
