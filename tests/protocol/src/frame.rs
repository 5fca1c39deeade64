//! Frames: a little-endian `u32` length, then that many bytes of postcard.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The largest content of a frame, in bytes. A longer one is refused by the writer, and by the reader unread.
pub const MAXIMUM_FRAME_BYTES: usize = 64 * 1024 * 1024;

const LENGTH_BYTES: usize = size_of::<u32>();

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed the stream between two frames.
    #[error("the stream was closed")]
    Closed,
    /// The peer closed the stream inside a frame.
    #[error("the stream ended {missing_bytes} bytes short of a whole frame")]
    Truncated {
        /// How many bytes of the frame never came.
        missing_bytes: usize,
    },
    /// The frame is longer than [`MAXIMUM_FRAME_BYTES`].
    #[error("a frame of {length_bytes} bytes is over the limit of {MAXIMUM_FRAME_BYTES}: send less at a time")]
    TooLong {
        /// The length of the frame's content.
        length_bytes: usize,
    },
    /// The content is no message of this protocol, for instance because the two sides were built from different ones.
    #[error("a frame of {length_bytes} bytes is no message of this protocol: {reason}")]
    Malformed {
        /// The length of the frame's content.
        length_bytes: usize,
        /// What the decoder found.
        reason: postcard::Error,
    },
    /// The message could not be encoded.
    #[error("a message could not be encoded: {0}")]
    Encode(postcard::Error),
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Stream(#[from] io::Error),
}

/// Reads one frame, blocking until all of it is there.
pub fn read_frame<M: DeserializeOwned>(stream: &mut impl Read) -> Result<M, FrameError> {
    let mut header = [0; LENGTH_BYTES];
    let received_bytes = read_until_full(stream, &mut header)?;
    if received_bytes == 0 {
        return Err(FrameError::Closed);
    }
    if received_bytes < LENGTH_BYTES {
        return Err(FrameError::Truncated { missing_bytes: LENGTH_BYTES - received_bytes });
    }
    let length_bytes = u32::from_le_bytes(header) as usize;
    if length_bytes > MAXIMUM_FRAME_BYTES {
        return Err(FrameError::TooLong { length_bytes });
    }
    // `take` lets the buffer grow with what really arrives: a length alone reserves no memory.
    let mut content = Vec::new();
    stream.by_ref().take(length_bytes as u64).read_to_end(&mut content)?;
    if content.len() < length_bytes {
        return Err(FrameError::Truncated { missing_bytes: length_bytes - content.len() });
    }
    match postcard::take_from_bytes(&content) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(FrameError::Malformed { length_bytes, reason: postcard::Error::DeserializeBadEncoding }),
        Err(reason) => Err(FrameError::Malformed { length_bytes, reason }),
    }
}

/// Writes one frame with a single `write_all`, so that frames of several threads that share a lock do not mix.
pub fn write_frame<M: Serialize>(stream: &mut impl Write, message: &M) -> Result<(), FrameError> {
    let mut frame = postcard::to_extend(message, vec![0; LENGTH_BYTES]).map_err(FrameError::Encode)?;
    let length_bytes = frame.len() - LENGTH_BYTES;
    let length = u32::try_from(length_bytes).ok().filter(|_| length_bytes <= MAXIMUM_FRAME_BYTES);
    let length = length.ok_or(FrameError::TooLong { length_bytes })?;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    stream.write_all(&frame)?;
    stream.flush()?;
    Ok(())
}

/// Fills `buffer` as far as the stream goes; returns how many bytes there were.
fn read_until_full(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled_bytes = 0;
    while filled_bytes < buffer.len() {
        match stream.read(&mut buffer[filled_bytes..]) {
            Ok(0) => break,
            Ok(count) => filled_bytes += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentError, FromAgent, Program, Reply, Request, ToAgent};

    fn encoded(message: &impl Serialize) -> Vec<u8> {
        let mut frame = Vec::new();
        write_frame(&mut frame, message).expect("a vector takes everything");
        frame
    }

    #[test]
    fn what_was_written_is_read_again() {
        let request = ToAgent {
            id: u64::MAX,
            request: Request::Run(Program {
                program: "play".into(),
                arguments: vec!["--loop".into()],
                environment: vec![("A".into(), "ä".into())],
                standard_input: vec![0, 255, 10],
            }),
        };
        let reply = FromAgent::Reply { id: 7, outcome: Err(AgentError { message: "no".into(), errno: Some(2) }) };
        let mut stream = encoded(&request);
        stream.extend(encoded(&reply));
        let mut stream = stream.as_slice();
        assert_eq!(read_frame::<ToAgent>(&mut stream).unwrap(), request);
        assert_eq!(read_frame::<FromAgent>(&mut stream).unwrap(), reply);
        assert!(matches!(read_frame::<FromAgent>(&mut stream), Err(FrameError::Closed)));
    }

    #[test]
    fn a_stream_that_ends_at_any_byte_is_truncated() {
        let frame = encoded(&FromAgent::Reply { id: 1, outcome: Ok(Reply::Content(vec![1; 300])) });
        for end in 1..frame.len() {
            let result = read_frame::<FromAgent>(&mut &frame[..end]);
            assert!(matches!(result, Err(FrameError::Truncated { .. })), "cut at {end}: {result:?}");
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_unread() {
        let one_too_many = u32::try_from(MAXIMUM_FRAME_BYTES + 1).unwrap();
        let result = read_frame::<FromAgent>(&mut one_too_many.to_le_bytes().as_slice());
        assert!(matches!(result, Err(FrameError::TooLong { .. })), "{result:?}");
    }

    #[test]
    fn the_writer_refuses_what_the_reader_would() {
        let reply = FromAgent::Reply { id: 1, outcome: Ok(Reply::Content(vec![0; MAXIMUM_FRAME_BYTES])) };
        let mut stream = Vec::new();
        assert!(matches!(write_frame(&mut stream, &reply), Err(FrameError::TooLong { .. })));
        assert!(stream.is_empty(), "nothing of a refused frame may reach the stream");
    }

    #[test]
    fn content_that_is_no_message_is_malformed() {
        for content in [&[0xff; 9][..], &[], &[1, 1, 0, 0, 77, 77]] {
            let mut frame = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
            frame.extend(content);
            let result = read_frame::<FromAgent>(&mut frame.as_slice());
            assert!(matches!(result, Err(FrameError::Malformed { .. })), "{content:?}: {result:?}");
        }
    }
}
