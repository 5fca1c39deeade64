//! A client as thin as can be: a message is sent with one call, a reply received with one.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

const VERSION: u16 = 1;
const REGION_READ: u16 = 9;
const REGION_WRITE: u16 = 10;

/// The flag of a command that wants no reply.
const NO_REPLY: u32 = 1 << 4;
/// The flags of a reply that tells no error.
const REPLY: u32 = 1;

const HEADER_BYTES: usize = 16;
/// `SYSTEM.SCRATCH`, which keeps what is written.
const REGISTER: u32 = 0x008;

/// Writes without a reply until one reads: fewer than fill a socket, and done before the scheduler has others run.
pub(crate) const BATCH_WRITES: u32 = 250;

pub(crate) struct Client {
    socket: UnixStream,
    read: Vec<u8>,
    write: Vec<u8>,
    write_without_reply: Vec<u8>,
}

impl Client {
    /// Connects and agrees on the version, without any capability.
    pub(crate) fn connect(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut socket = UnixStream::connect(path).with_context(|| format!("cannot connect to {}", path.display()))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(&message(VERSION, 0, &[0; 4], b"{\"capabilities\":{}}\0"))?;
        let mut header = [0; HEADER_BYTES];
        socket.read_exact(&mut header).context("there is no reply to VERSION")?;
        let size_bytes = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]) as usize;
        socket.read_exact(&mut vec![0; size_bytes.saturating_sub(HEADER_BYTES)])?;
        let [region, count] = [0, 4_u32];
        let access = [REGISTER, 0, region, count].map(u32::to_ne_bytes);
        let access = access.as_flattened();
        Ok(Self {
            socket,
            read: message(REGION_READ, 0, access, &[]),
            write: message(REGION_WRITE, 0, access, &[0; 4]),
            write_without_reply: message(REGION_WRITE, NO_REPLY, access, &[0; 4]),
        })
    }

    /// Reads the register: its value, and how long it took.
    pub(crate) fn read(&mut self) -> Result<(u32, Duration)> {
        let began = Instant::now();
        self.socket.write_all(&self.read)?;
        let reply: [u8; 36] = self.reply()?;
        let time = began.elapsed();
        Ok((u32::from_ne_bytes([reply[32], reply[33], reply[34], reply[35]]), time))
    }

    /// Writes the register: how long it took until the reply.
    pub(crate) fn write(&mut self, value: u32) -> Result<Duration> {
        set_value(&mut self.write, value);
        let began = Instant::now();
        self.socket.write_all(&self.write)?;
        let _: [u8; 32] = self.reply()?;
        Ok(began.elapsed())
    }

    /// Does [`BATCH_WRITES`] writes, none of them answered, and reads back what the last one wrote: how long it took.
    pub(crate) fn write_batch(&mut self) -> Result<Duration> {
        let began = Instant::now();
        for value in 1..=BATCH_WRITES {
            set_value(&mut self.write_without_reply, value);
            self.socket.write_all(&self.write_without_reply)?;
        }
        let (last, _) = self.read()?;
        let time = began.elapsed();
        ensure!(last == BATCH_WRITES, "expected the value of the last write, {BATCH_WRITES}, found {last}");
        // The next batch must not find it there already.
        self.write(0)?;
        Ok(time)
    }

    fn reply<const BYTES: usize>(&mut self) -> Result<[u8; BYTES]> {
        let mut reply = [0; BYTES];
        self.socket.read_exact(&mut reply).context("there is no reply")?;
        let number = |at: usize| u32::from_ne_bytes([reply[at], reply[at + 1], reply[at + 2], reply[at + 3]]);
        let (size_bytes, flags) = (number(4), number(8));
        ensure!(
            (size_bytes as usize, flags) == (BYTES, REPLY),
            "expected a reply of {BYTES} bytes with flags {REPLY}, found {size_bytes} and {flags:#x}"
        );
        Ok(reply)
    }
}

fn message(command: u16, flags: u32, fields: &[u8], data: &[u8]) -> Vec<u8> {
    let size_bytes = (HEADER_BYTES + fields.len() + data.len()) as u32;
    let mut message = Vec::new();
    message.extend(0x7e57_u16.to_ne_bytes());
    message.extend(command.to_ne_bytes());
    message.extend([size_bytes, flags, 0].map(u32::to_ne_bytes).as_flattened());
    message.extend(fields);
    message.extend(data);
    message
}

fn set_value(message: &mut [u8], value: u32) {
    if let Some(data) = message.last_chunk_mut() {
        *data = value.to_ne_bytes();
    }
}
