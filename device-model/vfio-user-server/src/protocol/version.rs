//! Section `VFIO_USER_VERSION`: what the two sides can do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{MAXIMUM_DATA_BYTES, MAXIMUM_DESCRIPTORS, Refusal};
use crate::ServerOptions;

/// The one major version there is. A reply has minor version 0, which is the least that a client can propose.
const MAJOR: u16 = 0;

/// Longer version data is refused unread.
const MAXIMUM_DATA: usize = 64 * 1024;

const PAGE_BYTES: u64 = 4096;

/// How many ranges of client memory there may be at a time.
pub(crate) const MAXIMUM_DMA_MAPS: usize = 65_535;

const CAPABILITIES: &str = "capabilities";

/// Capabilities as the version data has them, those that nobody here knows left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Capabilities {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_msg_fds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_data_xfer_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_dma_maps: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pgsizes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_multiple: Option<bool>,
}

/// What holds for a connection from its version on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// The payload of the reply.
    pub(crate) reply: Vec<u8>,
    /// The most data that a message to the client may ask for or bring.
    pub(crate) client_data_bytes: usize,
    /// Whether the client may send lists of writes.
    pub(crate) write_multiple: bool,
}

impl Capabilities {
    /// Reads version data. By way of a map, because an array would do for a structure.
    fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let mut version_data: Map<String, Value> = serde_json::from_slice(text)?;
        let Some(capabilities) = version_data.remove(CAPABILITIES) else { return Ok(Self::default()) };
        let capabilities: Map<String, Value> = serde_json::from_value(capabilities)?;
        serde_json::from_value(Value::Object(capabilities))
    }

    /// Those of the server that the client has named too: a reply may say no more than was proposed.
    fn answer(&self, options: &ServerOptions) -> Self {
        Self {
            max_msg_fds: self.max_msg_fds.map(|_| options.maximum_descriptors.min(MAXIMUM_DESCRIPTORS) as u64),
            max_data_xfer_size: self
                .max_data_xfer_size
                .map(|_| options.maximum_data_bytes.min(MAXIMUM_DATA_BYTES) as u64),
            max_dma_maps: self.max_dma_maps.map(|_| MAXIMUM_DMA_MAPS as u64),
            pgsizes: self.pgsizes.map(|_| PAGE_BYTES),
            write_multiple: self.write_multiple.map(|proposed| proposed && options.write_multiple),
        }
    }
}

impl Negotiated {
    /// Answers the version of a client.
    pub(crate) fn new(major: u16, data: &[u8], options: &ServerOptions) -> Result<Self, Refusal> {
        if major != MAJOR {
            return Err(Refusal::invalid(format!("expected version {MAJOR} of the protocol, found {major}")));
        }
        if data.len() > MAXIMUM_DATA {
            return Err(Refusal::invalid(format!("expected {MAXIMUM_DATA} bytes of version data at most")));
        }
        let proposed = match data.split_last() {
            None => Capabilities::default(),
            Some((0, text)) => Capabilities::parse(text).map_err(|error| unreadable(&error))?,
            Some(_) => return Err(Refusal::invalid("expected version data that ends with a zero byte")),
        };
        let capabilities = proposed.answer(options);
        let agreed = capabilities.write_multiple.unwrap_or(false);
        let client_data = proposed.max_data_xfer_size.unwrap_or(MAXIMUM_DATA_BYTES as u64);
        let mut reply = Vec::from([MAJOR.to_ne_bytes(), 0_u16.to_ne_bytes()].as_flattened());
        if !data.is_empty() {
            let text = serde_json::json!({ CAPABILITIES: capabilities }).to_string();
            reply.extend_from_slice(text.as_bytes());
            reply.push(0);
        }
        let client_data_bytes = usize::try_from(client_data).unwrap_or(usize::MAX).min(MAXIMUM_DATA_BYTES);
        Ok(Self { reply, client_data_bytes, write_multiple: agreed })
    }
}

/// The error's own words would repeat what the client sent, however long it is.
fn unreadable(error: &serde_json::Error) -> Refusal {
    if error.is_data() {
        return Refusal::invalid("expected capabilities as the specification has them");
    }
    Refusal::invalid(format!("expected version data in JSON, found something else in column {}", error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(data: &str, write_multiple: bool) -> Result<Negotiated, Refusal> {
        let options = ServerOptions { write_multiple, ..ServerOptions::default() };
        Negotiated::new(0, format!("{data}\0").as_bytes(), &options)
    }

    fn text(negotiated: &Negotiated) -> &str {
        assert_eq!(negotiated.reply[..4], [0; 4]);
        std::str::from_utf8(&negotiated.reply[4..]).unwrap()
    }

    #[test]
    fn the_reply_has_what_was_proposed_and_is_known() {
        let qemu = r#"{"capabilities":{"pgsizes":4096,"max_msg_fds":16,"max_dma_maps":65535,"max_data_xfer_size":1048576,
            "migration":{"pgsize":4096,"max_bitmap_size":268435456},"write_multiple":true}}"#;
        let expected = "{\"capabilities\":{\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,\"max_msg_fds\":16,\
             \"pgsizes\":4096,\"write_multiple\":WM}}";
        for (wanted, word) in [(false, "false"), (true, "true")] {
            let negotiated = agree(qemu, wanted).unwrap();
            assert_eq!(text(&negotiated), expected.replace("WM", word) + "\0");
            assert_eq!((negotiated.write_multiple, negotiated.client_data_bytes), (wanted, 1 << 20));
        }
        let little =
            agree(r#"{"capabilities":{"max_data_xfer_size":4096,"twin_socket":{"supported":true}}}"#, true).unwrap();
        assert_eq!(text(&little), "{\"capabilities\":{\"max_data_xfer_size\":1048576}}\0");
        assert_eq!((little.write_multiple, little.client_data_bytes), (false, 4096));
        assert_eq!(Negotiated::new(0, b"", &ServerOptions::default()).unwrap().reply, [0; 4]);

        let bare = ServerOptions { maximum_data_bytes: 4_096, maximum_descriptors: 1, ..ServerOptions::default() };
        let negotiated = Negotiated::new(0, format!("{qemu}\0").as_bytes(), &bare).unwrap();
        let expected = expected.replace("WM", "false").replace(":1048576", ":4096").replace(":16", ":1");
        assert_eq!(text(&negotiated), expected + "\0");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for data in ["", "{", "[]x", r#"{"capabilities":7}"#, r#"{"capabilities":{"pgsizes":-1}}"#] {
            assert!(agree(data, true).is_err(), "{data}");
        }
        let long = agree(&format!(r#"{{"capabilities":{{"pgsizes":"{}"}}}}"#, "x".repeat(60_000)), true).unwrap_err();
        let expected = "expected capabilities as the specification has them";
        assert_eq!(long.reason, expected, "what a client sent is not repeated in the log");
        let options = ServerOptions::default();
        assert!(Negotiated::new(1, b"{}\0", &options).is_err());
        assert!(Negotiated::new(0, b"{}", &options).is_err());
        assert!(Negotiated::new(0, &vec![b' '; 65_537], &options).is_err());
    }
}
