//! Numbers in payloads, in the byte order of the host, as section "Protocol Specification" has it.

use super::Refusal;

/// The fields of a payload, one after the other.
pub(crate) struct Fields<'payload> {
    rest: &'payload [u8],
}

impl<'payload> Fields<'payload> {
    pub(crate) fn new(payload: &'payload [u8]) -> Self {
        Self { rest: payload }
    }

    fn take<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], Refusal> {
        let missing = || Refusal::invalid(format!("expected {BYTES} more bytes of payload, found {}", self.rest.len()));
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(missing)?;
        self.rest = rest;
        Ok(*field)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Refusal> {
        self.take().map(u16::from_ne_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Refusal> {
        self.take().map(u32::from_ne_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Refusal> {
        self.take().map(u64::from_ne_bytes)
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'payload [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Refusal> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid(format!("expected the end of the payload, found {} more bytes", self.rest.len())))
        }
    }
}
