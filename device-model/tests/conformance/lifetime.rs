//! Clients that come and go, in order or not, and what they leave behind.

use std::os::fd::AsFd;

use crate::bench::Bench;
use crate::client::Came;
use crate::descriptors::{Memory, eventfd_descriptors, fired, interrupt, sockets_at};
use crate::message::{
    BAR0, BAR2, EVENTFD, INTX, MSI, Message, NONE, TRIGGER, UNMASK, VERSION, dma_map, get_info, irq_info, one_of_each,
    qemu_version, read, region_info, reset, set_irqs, write,
};

const GONE: &str = "Client Disconnection";
const DESCRIPTORS: &str = "Client Disconnection: closing any passed file descriptors";
const SECURITY: &str = "Security Considerations";
const CONNECTIONS: usize = 10_000;

#[test]
fn a_client_that_goes_within_a_message_makes_room_for_the_next() {
    let bench = Bench::start(GONE);
    let proposal = qemu_version().encode(1);
    for bytes in (0..proposal.len()).step_by(7) {
        bench.connect().send_bytes(&proposal[..bytes], &[]);
    }
    let message = write(BAR0, 0x008, &[0x5a; 4]).encode(1);
    for bytes in 0..message.len() {
        let mut client = bench.client();
        client.send_bytes(&message[..bytes], &[]);
        drop(client);
        let mut next = bench.client();
        // A write that was never whole.
        next.register_has(0x008, 0);
    }
}

#[test]
fn a_client_that_goes_without_reading_its_replies_makes_room_for_the_next() {
    let bench = Bench::start_window(GONE);
    for _ in 0..3 {
        let mut client = bench.client();
        for _ in 0..100 {
            client.send(&read(BAR2, 0, 0x1_0000));
        }
        drop(client);
    }
    bench.serves();
}

#[test]
fn a_client_that_only_stops_sending_makes_room_for_the_next() {
    let bench = Bench::start(GONE);
    for within_a_message in [false, true] {
        let mut client = bench.client();
        client.send(&get_info());
        if within_a_message {
            client.send_bytes(&get_info().encode(9)[..20], &[]);
        }
        client.end_sending();
        client.drain();
    }
    bench.serves();
}

#[test]
fn the_devices_state_stays_when_its_client_goes() {
    let paragraph = "Client Disconnection: the device state should otherwise be retained";
    let (registers, window) = (Bench::start(paragraph), Bench::start_window(paragraph));
    registers.client().write32(0x008, 0xcafe_f00d);
    window.client().accepts(&write(BAR2, 0x80, b"kept"));
    registers.client().register_has(0x008, 0xcafe_f00d);
    window.client().reads(BAR2, 0x80, b"kept");
}

#[test]
fn memory_goes_with_its_client() {
    let bench = Bench::start("Client Disconnection: all client memory regions are unmapped");
    let memory = Memory::new(0x4000);
    let mut client = bench.client();
    for page in 0..4 {
        client.accepts_with(&dma_map(page * 0x2000, 0x1000).put64(8, page * 0x1000), &[memory.as_fd()]);
    }
    client.accepts(&dma_map(0x10_0000, 0x1000));
    drop(client);
    bench.eventually("no descriptor and no mapping of the client's memory", || !memory.is_held());
    let mut next = bench.client();
    next.expect("guest memory", bench.guest_bytes(0, 1), None);
    next.accepts(&dma_map(0, 0x20_0000));
}

#[test]
fn interrupts_go_with_their_client() {
    let bench = Bench::start("Client Disconnection: all IRQ file descriptors are closed");
    let eventfds = [interrupt(), interrupt(), interrupt()];
    let mut client = bench.client();
    client.write32(0x014, 1);
    client.write32(0x018, 1);
    let kinds = [(INTX, EVENTFD | TRIGGER), (MSI, EVENTFD | TRIGGER), (INTX, EVENTFD | UNMASK)];
    for ((index, flags), eventfd) in kinds.into_iter().zip(&eventfds) {
        client.call(&set_irqs(index, flags, 0, 1), &[eventfd.as_fd()]);
    }
    for eventfd in &eventfds {
        fired(eventfd);
    }
    drop(client);
    for eventfd in &eventfds {
        bench.eventually("no descriptor of the client's eventfds", || eventfd_descriptors(eventfd) == 1);
    }
    let mut next = bench.client();
    next.write32(0x014, 1);
    next.write32(0x018, 1);
    next.expect("interrupts", fired(&eventfds[0]) + fired(&eventfds[1]), 0);
    // The level is the device's state, and who connects is told of it; INTx is no longer masked.
    let intx = interrupt();
    next.accepts_with(&set_irqs(INTX, EVENTFD | TRIGGER, 0, 1), &[intx.as_fd()]);
    next.expect("interrupts", fired(&intx), 1);
}

#[test]
fn a_second_client_waits_or_is_turned_away() {
    let bench = Bench::start("Socket: dedicated sockets per client/server connection");
    let mut first = bench.client();
    let mut second = bench.connect();
    second.send(&qemu_version());
    for value in 0..20 {
        first.write32(0x008, value);
        first.register_has(0x008, value);
    }
    drop(first);
    match second.receive() {
        Came::Reply(reply) if reply.command == VERSION && !reply.is_error() => second.is_in_step(),
        Came::Closed => {}
        other => second.fail("the reply to its version, or the connection's end", other),
    }
    drop(second);
    bench.serves();
}

#[test]
fn a_client_that_stalls_in_a_message_makes_room_for_the_next() {
    let bench = Bench::start("Security Considerations: denial of service");
    let mut stalled = bench.client();
    stalled.send_bytes(&get_info().encode(1)[..5], &[]);
    let mut next = bench.connect();
    next.negotiate();
    next.is_in_step();
    stalled.is_closed();
}

#[test]
fn descriptors_that_a_command_has_no_use_for_are_closed() {
    let bench = Bench::start(SECURITY);
    let mut client = bench.client();
    let memory = Memory::new(0x1000);
    let useless = [
        get_info(),
        region_info(BAR0),
        irq_info(INTX),
        read(BAR0, 0, 4),
        write(BAR0, 0x008, &[0; 4]),
        reset(),
        set_irqs(INTX, NONE | TRIGGER, 0, 0),
        Message::new(0xffff, []),
        qemu_version(),
    ];
    for message in useless {
        client.call(&message, &[memory.as_fd(), memory.as_fd()]);
        bench.eventually("no descriptor that came with such a command", || !memory.is_held());
    }
    client.is_in_step();
}

#[test]
fn descriptors_of_what_is_refused_or_never_whole_are_closed() {
    let bench = Bench::start(DESCRIPTORS);
    let memory = Memory::new(0x1000);
    for message in one_of_each() {
        for bytes in [1, 16, 17] {
            let encoded = message.encode(1);
            let mut client = bench.client();
            client.send_bytes(&encoded[..bytes.min(encoded.len())], &[memory.as_fd(), memory.as_fd()]);
        }
        let mut client = bench.client();
        client.send_with(&message.flags(0xf), &[memory.as_fd()]);
    }
    bench.serves();
    bench.eventually("no descriptor of what was refused", || !memory.is_held());
}

#[test]
fn ten_thousand_connections_leave_nothing() {
    let bench = Bench::start(DESCRIPTORS);
    let (memory, msi, socket) = (Memory::new(0x1000), interrupt(), bench.socket());
    bench.serves();
    for number in 0..CONNECTIONS {
        let mut client = bench.connect();
        // A third goes at once, a third after its version, a third with memory and interrupts.
        if number % 3 > 0 {
            client.negotiate();
        }
        if number % 3 > 1 {
            client.send_with(&dma_map(0, 0x1000).no_reply(), &[memory.as_fd()]);
            client.send_with(&set_irqs(MSI, EVENTFD | TRIGGER, 0, 1).no_reply(), &[msi.as_fd()]);
        }
    }
    bench.serves();
    bench.eventually("nothing of the clients' memory and interrupts", || {
        !memory.is_held() && eventfd_descriptors(&msi) == 1
    });
    // The one that listens is left.
    bench.eventually("no connection", || sockets_at(&socket) == 1);
}
