//! Whole sessions: a running server with the PWM/audio device, on a real socket, and clients that do anything.
//!
//! Whatever they do, every command that wants a reply gets a whole one, the next client is served, every transfer that
//! was asked for ends once, and no descriptor stays open.

#![no_main]

#[path = "session/client.rs"]
mod client;
#[path = "session/command.rs"]
mod command;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arbitrary::Arbitrary;
use device::ClockMode;
use libfuzzer_sys::fuzz_target;
use rustix::event::{EventfdFlags, eventfd};
use softboard_fuzz::device;
use vfio_user_server::{DmaMappings, RunningServer, ServerEvent, ServerOptions};

use client::{Answer, Client, Manner};
use command::{Command, Descriptor};

/// As many as are quick.
const MAXIMUM_OPERATIONS: usize = 64;
/// As many as a socket holds while the server waits for room for its answers.
const MAXIMUM_PIPELINE: usize = 16;
/// More than the server takes, and not more than the system does.
const MAXIMUM_DESCRIPTORS: usize = 20;

const IDENTITY: u32 = 0x5057_4d41;
const DATA_EVENTFD_ACTION_UNMASK: u8 = 0b01_0100;

#[derive(Arbitrary, Debug)]
struct Input {
    options: u8,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Command {
        command: Command,
        descriptors: Vec<Descriptor>,
        manner: Manner,
    },
    /// Several commands before the first reply is looked at.
    Pipeline(Vec<Command>),
    /// Connects anew; without a version nothing else is served.
    Reconnect {
        version: bool,
    },
    Garbage(Vec<u8>),
    TooLong {
        extra: u16,
    },
    StrayReply {
        id: u16,
        command: u16,
        payload: Vec<u8>,
    },
    /// The device reads or writes the client's memory.
    Transfer {
        address: u32,
        bytes: u16,
        write: bool,
        answer: Answer,
    },
    /// Ties the unmasking of INTx to an eventfd, and signals it.
    Unmask,
    Look,
}

static SOCKET: LazyLock<std::path::PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("softboard-fuzz-{}.sock", std::process::id())));

/// The number of descriptors of this process.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("descriptors").count()
}

fuzz_target!(
    init: {
        // A Rust program ignores it from its start; a fuzz target's start is C++.
        signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::new(AtomicBool::new(false))).expect("a signal");
    },
    |input: Input| {
        let before = open_descriptors();
        run(&input);
        assert_eq!(open_descriptors(), before, "descriptors before and after");
    }
);

fn run(input: &Input) {
    let options = ServerOptions {
        // What depends on time would not happen again with the same input.
        patience: Duration::from_mins(1),
        write_multiple: input.options & 1 == 0,
        reset_on_disconnect: input.options & 2 != 0,
        ..ServerOptions::default()
    };
    let clock = if input.options & 4 == 0 { ClockMode::Warp } else { ClockMode::Real };
    let gone = |event| assert_eq!(event, ServerEvent::ClientGone);
    let server = options.listen(&SOCKET, device(clock), gone).expect("a server");
    let (mut asked, ended) = (0, Arc::new(AtomicUsize::new(0)));
    let mut client = greet(&SOCKET);
    for operation in input.operations.iter().take(MAXIMUM_OPERATIONS) {
        if let Operation::Transfer { address, bytes, write, answer } = operation {
            asked += 1;
            client.answer = answer.clone();
            ask(&server, (*address).into(), (*bytes).into(), *write, Arc::clone(&ended));
        }
        client = operate(&server, client, operation);
    }
    drop(client);
    let mut fresh = greet(&SOCKET);
    assert!(fresh.opened, "a fresh client is served");
    send(&mut fresh, &command::read_register(0), &[], &Manner::default());
    assert_eq!(server.with_dma_mappings(DmaMappings::count), 0, "the client's memory went with it");
    let mut device = server.stop().expect("nothing has panicked");
    assert_eq!(ended.load(Ordering::Relaxed), asked, "transfers that ended, and that were asked for");
    // Asleep it would not say who it is.
    device.reset(0);
    let mut identity = [0; 4];
    device.read(device::Region::Bar(0), 0, &mut identity, 0);
    assert_eq!(u32::from_le_bytes(identity), IDENTITY);
}

fn greet(path: &Path) -> Client {
    let mut client = Client::connect(path);
    send(&mut client, &command::usual_version(), &[], &Manner::default());
    client
}

/// Puts a new client in the place of one that goes first: one is served at a time.
fn reconnect(old: Client) -> Client {
    drop(old);
    greet(&SOCKET)
}

fn send(client: &mut Client, command: &Command, descriptors: &[Descriptor], manner: &Manner) -> bool {
    let (number, payload) = command.message();
    let descriptors: Vec<_> = descriptors.iter().take(MAXIMUM_DESCRIPTORS).map(Descriptor::open).collect();
    client.command(number, &payload, &descriptors, manner)
}

fn operate(server: &RunningServer, mut client: Client, operation: &Operation) -> Client {
    match operation {
        Operation::Command { command, descriptors, manner } => {
            let is_served = send(&mut client, command, descriptors, manner);
            return if is_served { client } else { reconnect(client) };
        }
        Operation::Reconnect { version } => {
            if *version {
                return reconnect(client);
            }
            drop(client);
            return Client::connect(&SOCKET);
        }
        Operation::Garbage(bytes) => {
            client.garbage(bytes);
            return greet(&SOCKET);
        }
        Operation::Pipeline(commands) if client.opened => {
            let messages: Vec<_> = commands.iter().take(MAXIMUM_PIPELINE).map(Command::message).collect();
            client.pipeline(&messages);
        }
        Operation::TooLong { extra } if client.opened => client.too_long(*extra),
        Operation::StrayReply { id, command, payload } if client.opened => client.stray_reply(*id, *command, payload),
        Operation::Unmask if client.opened => unmask(&mut client),
        Operation::Look => drop(server.with_device(|device| device.timeline_tail(20))),
        // Asked for already; and what makes no sense before a version.
        _ => {}
    }
    client
}

fn unmask(client: &mut Client) {
    let (number, payload) =
        Command::SetIrqs { index: 0, start: 0, count: 1, flags: DATA_EVENTFD_ACTION_UNMASK, booleans: Vec::new() }
            .message();
    let eventfd = eventfd(0, EventfdFlags::empty()).expect("eventfd");
    let descriptors = [eventfd];
    client.command(number, &payload, &descriptors, &Manner::default());
    rustix::io::write(&descriptors[0], &1_u64.to_ne_bytes()).expect("room for a number");
}

fn ask(server: &RunningServer, address: u64, bytes: usize, write: bool, ended: Arc<AtomicUsize>) {
    let end = move || {
        ended.fetch_add(1, Ordering::Relaxed);
    };
    if write {
        server.dma_write(address, vec![5; bytes], move |_| end());
    } else {
        server.dma_read(address, bytes, move |read| {
            if let Ok(data) = read {
                assert_eq!(data.len(), bytes);
            }
            end();
        });
    }
}
