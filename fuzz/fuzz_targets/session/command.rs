//! What a client may send: commands as they should be, nearly so, and not at all.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use arbitrary::Arbitrary;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, OFlags, ftruncate, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};

pub const VERSION: u16 = 1;
pub const REGION_READ: u16 = 9;
pub const REGION_WRITE: u16 = 10;
const REGION_WRITE_MULTI: u16 = 15;

/// What QEMU proposes.
const USUAL_VERSION: &[u8] = b"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\
    \"pgsizes\":4096,\"write_multiple\":true}}\0";

const PAGE_BYTES: u64 = 4096;

#[derive(Arbitrary, Debug)]
pub enum Command {
    Version { usual: bool, major: u8, data: Vec<u8> },
    Map { pages: Pages, flags: u8, offset_pages: u8, argsz: Odd },
    Unmap { pages: Pages, all: bool, argsz: Odd },
    DeviceInfo { argsz: Odd },
    RegionInfo { index: u8, argsz: u8 },
    IrqInfo { index: u8, argsz: Odd },
    SetIrqs { index: u8, start: u8, count: u8, flags: u8, booleans: Vec<u8> },
    Read { access: Access, count: Count },
    Write { access: Access, data: Vec<u8>, count: Odd },
    WriteMulti { writes: Vec<(Access, [u8; 8], u8)>, count: Odd },
    Reset,
    Any { number: u16, payload: Vec<u8> },
}

/// A number that should be another one: by how much it is off.
#[derive(Arbitrary, Debug)]
pub enum Odd {
    Right,
    By(i8),
    Is(u32),
}

impl Odd {
    fn apply(&self, right: usize) -> u32 {
        match self {
            Self::Right => right as u32,
            Self::By(difference) => (right as u32).wrapping_add_signed((*difference).into()),
            Self::Is(number) => *number,
        }
    }
}

/// A range of the client's memory.
#[derive(Arbitrary, Debug)]
pub enum Pages {
    Few { first: u8, count: u8 },
    Any { address: u64, bytes: u64 },
}

impl Pages {
    fn bytes(&self) -> [u64; 2] {
        match *self {
            Self::Few { first, count } => [u64::from(first) * PAGE_BYTES, u64::from(count) * PAGE_BYTES],
            Self::Any { address, bytes } => [address, bytes],
        }
    }
}

/// A place in a region.
#[derive(Arbitrary, Debug)]
pub enum Access {
    Near { region: u8, offset: u16 },
    Register { words: u8 },
    Any { region: u32, offset: u64 },
}

impl Access {
    fn fields(&self) -> Vec<u8> {
        let (region, offset) = match *self {
            Self::Near { region, offset } => (u32::from(region % 10), u64::from(offset)),
            // SYSTEM, a part of TX, or of RX.
            Self::Register { words } => {
                (0, u64::from(words & 0x1f) * 4 + [0, 0, 0x440, 0x540][usize::from(words >> 6)])
            }
            Self::Any { region, offset } => (region, offset),
        };
        [&offset.to_ne_bytes()[..], &region.to_ne_bytes()].concat()
    }
}

#[derive(Arbitrary, Debug)]
pub enum Count {
    Width(u8),
    Bytes(u16),
    /// More than a socket takes at once, up to the most that may be read.
    Much {
        sixteenths: u16,
    },
    Any(u32),
}

/// A descriptor that comes along.
#[derive(Arbitrary, Debug)]
pub enum Descriptor {
    Memory {
        pages: u8,
    },
    Eventfd {
        blocking: bool,
        full: bool,
    },
    /// Of a pipe that nobody reads, or writes, any more.
    DeadPipe {
        writing: bool,
    },
    Socket {
        signalled: bool,
    },
    Folder,
    Path,
}

impl Descriptor {
    pub fn open(&self) -> OwnedFd {
        match self {
            Self::Memory { pages } => {
                let file = memfd_create("guest", MemfdFlags::CLOEXEC).expect("memfd");
                ftruncate(&file, u64::from(*pages) * PAGE_BYTES).expect("size");
                file
            }
            Self::Eventfd { blocking, full } => {
                let flags = if *blocking { EventfdFlags::empty() } else { EventfdFlags::NONBLOCK };
                let eventfd = eventfd(0, flags).expect("eventfd");
                if *full {
                    rustix::io::write(&eventfd, &(u64::MAX - 1).to_ne_bytes()).expect("room for a number");
                }
                eventfd
            }
            Self::DeadPipe { writing } => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("pipe");
                if *writing { writer } else { reader }
            }
            Self::Socket { signalled } => {
                let (mut one, other) = UnixStream::pair().expect("sockets");
                if *signalled {
                    one.write_all(&[1; 12]).expect("room for a few bytes");
                }
                other.into()
            }
            Self::Folder => rustix::fs::open("/", OFlags::RDONLY | OFlags::CLOEXEC, 0.into()).expect("a folder"),
            Self::Path => rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, 0.into()).expect("a path"),
        }
    }
}

impl Command {
    /// Its number and its payload.
    pub fn message(&self) -> (u16, Vec<u8>) {
        match self {
            Self::Version { usual: true, .. } => (VERSION, USUAL_VERSION.to_vec()),
            Self::Version { major, data, .. } => (VERSION, [&[*major, 0, 0, 0], &data[..]].concat()),
            Self::Map { pages, flags, offset_pages, argsz } => {
                let [address, bytes] = pages.bytes();
                let offset = u64::from(*offset_pages) * PAGE_BYTES;
                (2, [numbers(&[argsz.apply(32), (*flags).into()]), long_numbers(&[offset, address, bytes])].concat())
            }
            Self::Unmap { pages, all, argsz } => {
                let (flags, range) = if *all { (2, [0, 0]) } else { (0, pages.bytes()) };
                (3, [numbers(&[argsz.apply(24), flags]), long_numbers(&range)].concat())
            }
            Self::DeviceInfo { argsz } => (4, numbers(&[argsz.apply(16), 0, 0, 0])),
            Self::RegionInfo { index, argsz } => (5, numbers(&[(*argsz).into(), 0, (*index).into(), 0, 0, 0, 0, 0])),
            Self::IrqInfo { index, argsz } => (7, numbers(&[argsz.apply(16), 0, (*index).into(), 0])),
            Self::SetIrqs { index, start, count, flags, booleans } => {
                let argsz = 20 + booleans.len() as u32;
                let fields = [argsz, (*flags).into(), (*index).into(), (*start).into(), (*count).into()];
                (8, [&numbers(&fields)[..], booleans].concat())
            }
            Self::Read { access, count } => {
                let count = match *count {
                    Count::Width(logarithm) => 1 << (logarithm & 3),
                    Count::Bytes(bytes) => bytes.into(),
                    Count::Much { sixteenths } => u32::from(sixteenths) * 16,
                    Count::Any(bytes) => bytes,
                };
                (REGION_READ, [access.fields(), numbers(&[count])].concat())
            }
            Self::Write { access, data, count } => {
                (REGION_WRITE, [&access.fields()[..], &numbers(&[count.apply(data.len())]), data].concat())
            }
            Self::WriteMulti { writes, count } => {
                let entry = |(access, data, count): &(Access, [u8; 8], u8)| {
                    [&access.fields()[..], &u32::from(*count).to_ne_bytes(), data].concat()
                };
                let mut payload = u64::from(count.apply(writes.len())).to_ne_bytes().to_vec();
                payload.extend(writes.iter().flat_map(entry));
                (REGION_WRITE_MULTI, payload)
            }
            Self::Reset => (13, Vec::new()),
            Self::Any { number, payload } => (*number, payload.clone()),
        }
    }
}

/// The version that a client begins with which wants to be served.
pub fn usual_version() -> Command {
    Command::Version { usual: true, major: 0, data: Vec::new() }
}

pub fn read_register(offset: u16) -> Command {
    Command::Read { access: Access::Near { region: 0, offset }, count: Count::Bytes(4) }
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn long_numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}
