//! A server under load for long: what a process has of memory and descriptors stays what it was.
//!
//! The process is the real `device-model serve`.

use std::fs;
use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tempfile::TempDir;

const MAXIMUM_GROWTH_BYTES: u64 = 16 << 20;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

const VERSION: u16 = 1;
const DMA_MAP: u16 = 2;
const SET_IRQS: u16 = 8;
const REGION_READ: u16 = 9;
const REGION_WRITE: u16 = 10;

const TYPE_REPLY: u32 = 1;
const NO_REPLY: u32 = 1 << 4;

struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().expect("folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_device-model"))
            .args(["serve", "--block", "pwm-audio", "--clock", "warp", "--socket"])
            .arg(folder.path().join("device.sock"))
            // A warning for every client that is dropped would be most of the output.
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("device-model starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("serving on "), "{line}");
        Self { process, folder }
    }

    fn proc(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.process.id()).into()
    }

    fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("the process runs").count()
    }

    fn connect(&self) -> Client {
        let socket = UnixStream::connect(self.folder.path().join("device.sock")).expect("the server listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
        let mut client = Client { socket };
        client.send(&message(0, VERSION, 0, &[0; 4]), &[]);
        assert_eq!(client.reply(0), 0, "VERSION");
        client
    }

    /// What it has once a client is served: the one before has been cleared away then.
    fn measure(&self) -> (u64, usize) {
        let client = self.connect();
        let measured = (self.resident_bytes(), self.descriptors());
        drop(client);
        measured
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client {
    socket: UnixStream,
}

impl Client {
    fn send(&mut self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
        }
        let sent = sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).expect("room");
        self.socket.write_all(&bytes[sent..]).expect("the server takes it all");
    }

    /// The error number of the reply to message `id`.
    fn reply(&mut self, id: u16) -> u32 {
        let mut header = [0; 16];
        self.socket.read_exact(&mut header).expect("a reply");
        let [head, size, _, errno] =
            [0, 4, 8, 12].map(|at| u32::from_ne_bytes(*header[at..].first_chunk().expect("4")));
        assert_eq!(head as u16, id);
        self.socket.read_exact(&mut vec![0; size as usize - 16]).expect("the rest of the reply");
        errno
    }
}

fn message(id: u16, command: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    let numbers = [16 + payload.len() as u32, flags, 0].map(u32::to_ne_bytes);
    [[id, command].map(u16::to_ne_bytes).as_flattened(), numbers.as_flattened(), payload].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// Numbers that look random and are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        for (left, by) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A message that ends where its header says, with anything in it; and whether it wants a reply.
    fn message(&mut self, id: u16) -> (Vec<u8>, bool) {
        // Command 1 once more is refused; those from 16 on do not exist.
        let command = self.below(18) as u16;
        let mut payload: Vec<u8> = match command {
            // An access to one of the regions, registers most of all.
            REGION_READ | REGION_WRITE => {
                let (region, offset) = ([0, 0, 0, 2, 7, 9][self.below(6) as usize], self.below(0x500) & !3);
                let count = [1, 2, 4, 8, 64, 4096][self.below(6) as usize];
                numbers(&[offset as u32, 0, region, count])
            }
            // A range without a descriptor, which may overlap another one.
            DMA_MAP => numbers(&[32, 3, 0, 0, (self.below(4096) as u32) << 12, 0, 0x1000, 0]),
            3 => numbers(&[24, 0, (self.below(4096) as u32) << 12, 0, 0x1000, 0]),
            SET_IRQS => numbers(&[20, self.below(64) as u32, self.below(6) as u32, 0, self.below(3) as u32]),
            _ => {
                let bytes = self.below(64);
                (0..bytes).map(|_| self.next() as u8).collect()
            }
        };
        if command == REGION_WRITE {
            let bytes = u32::from_ne_bytes(*payload[12..].first_chunk().expect("4"));
            payload.extend((0..bytes).map(|_| self.next() as u8));
        }
        // One in eight has something in it that should not be.
        if self.below(8) == 0 && !payload.is_empty() {
            let at = self.below(payload.len() as u64) as usize;
            payload[at] = self.next() as u8;
        }
        let flags = [0, 0, 0, 0, 0, NO_REPLY, TYPE_REPLY, 2][self.below(8) as usize];
        (message(id, command, flags, &payload), flags & (NO_REPLY | TYPE_REPLY) == 0)
    }
}

#[test]
fn a_million_random_messages_leave_memory_and_descriptors_as_they_were() {
    const MESSAGES_AT_ONCE: u32 = 20;
    let server = Server::start();
    let mut random = Random(SEED);
    // Once around, so that what is allocated once is there.
    let mut before = None;
    let mut replies = 0_u32;
    let mut client = server.connect();
    for round in 0..1_000_000 / MESSAGES_AT_ONCE {
        let (mut bytes, mut wanted) = (Vec::new(), Vec::new());
        for number in 0..MESSAGES_AT_ONCE {
            let (message, wants_reply) = random.message(number as u16);
            bytes.extend(message);
            wanted.extend(wants_reply.then_some(number as u16));
        }
        client.send(&bytes, &[]);
        for id in wanted {
            client.reply(id);
            replies += 1;
        }
        // Every now and then a client ends in mid-message.
        if round % 50 == 49 {
            let cut = random.below(bytes.len() as u64) as usize;
            client.send(&bytes[..cut], &[]);
            // Before the next one comes: one is served at a time.
            drop(client);
            client = server.connect();
            before = before.or_else(|| Some((server.resident_bytes(), server.descriptors())));
        }
    }
    drop(client);
    assert_unchanged(&server, before.expect("a thousand messages"), &format!("{replies} replies"));
}

#[test]
fn ten_thousand_clients_with_descriptors_leave_none() {
    let server = Server::start();
    let memory = memfd_create("guest", MemfdFlags::CLOEXEC).expect("memfd");
    ftruncate(&memory, 0x1000).expect("size");
    let interrupt = eventfd(0, EventfdFlags::NONBLOCK).expect("eventfd");
    let memory_and_more: Vec<_> = [&memory; 16].map(OwnedFd::as_fd).into();
    let before = server.measure();
    for round in 0..10_000_usize {
        let mut client = server.connect();
        let map = |id, address| message(id, DMA_MAP, 0, &numbers(&[32, 3, 0, 0, address, 0, 0x1000, 0]));
        let tie = |id, flags, index| message(id, SET_IRQS, 0, &numbers(&[20, flags, index, 0, 1]));
        let read = message(6, REGION_READ, 0, &numbers(&[0, 0, 0, 4]));
        client.send(&map(1, 0x1000), &[memory.as_fd()]);
        // Trigger of MSI and of INTx, unmask of INTx.
        client.send(&tie(2, 0b10_0100, 1), &[interrupt.as_fd()]);
        client.send(&tie(3, 0b10_0100, 0), &[interrupt.as_fd()]);
        client.send(&tie(4, 0b01_0100, 0), &[interrupt.as_fd()]);
        // More than the command takes, and with one that takes none.
        client.send(&map(5, 0x2000), &memory_and_more);
        client.send(&read, &memory_and_more[..3]);
        let replies = [1, 2, 3, 4, 5, 6].map(|id| client.reply(id));
        assert_eq!(replies, [0, 0, 0, 0, 22, 0], "EINVAL for too many descriptors");
        // It goes in mid-message, with descriptors under way.
        let last = map(7, 0x2000);
        client.send(&last[..=round % (last.len() - 1)], &memory_and_more);
    }
    assert_unchanged(&server, before, "clients with descriptors");
}

fn assert_unchanged(server: &Server, (bytes_before, descriptors_before): (u64, usize), what: &str) {
    let (bytes, descriptors) = server.measure();
    println!(
        "{what}: {bytes_before} bytes and {descriptors_before} descriptors before, {bytes} and {descriptors} after"
    );
    assert_eq!(descriptors, descriptors_before, "descriptors after {what}");
    let growth = bytes.saturating_sub(bytes_before);
    assert!(growth < MAXIMUM_GROWTH_BYTES, "{growth} bytes more after {what}");
}
