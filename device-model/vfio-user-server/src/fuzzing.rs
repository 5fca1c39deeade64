//! What the fuzz target `message` reaches of the parser; it is there in builds for fuzzing only (`--cfg fuzzing`).

use crate::ServerOptions;
use crate::protocol::{HEADER_BYTES, Header, Negotiated, Request};

/// A message that the parser has taken apart.
pub struct Message {
    /// The header, put together again.
    pub header: [u8; HEADER_BYTES],
    /// Of the whole message.
    pub size_bytes: usize,
    /// The request and, to a VERSION, the payload of its reply; or the errno and the reason of a refusal.
    pub request: Result<(String, Vec<u8>), (i32, String)>,
}

/// Takes the first message of `bytes` apart; none if it is not whole or its header cannot be.
pub fn message(bytes: &[u8]) -> Option<Message> {
    let header = Header::parse(*bytes.first_chunk()?).ok()?;
    let size_bytes = header.size_bytes as usize;
    let payload = bytes.get(HEADER_BYTES..size_bytes)?;
    let options = ServerOptions { write_multiple: true, ..ServerOptions::default() };
    let request = Request::parse(header.command, payload).and_then(|request| match request {
        Request::Version { major, data } => Ok((format!("{request:?}"), Negotiated::new(major, data, &options)?.reply)),
        Request::RegionWriteMulti(writes) => Ok((format!("{:?}", writes.iter().collect::<Vec<_>>()), Vec::new())),
        _ => Ok((format!("{request:?}"), Vec::new())),
    });
    let request = request.map_err(|refusal| (refusal.errno.raw_os_error(), refusal.reason));
    Some(Message { header: header.to_bytes(), size_bytes, request })
}
