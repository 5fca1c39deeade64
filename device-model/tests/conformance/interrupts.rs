//! Setting interrupts: every kind of data with every action, for INTx (maskable, automasked) and MSI (neither).
//!
//! An interrupt has been fired before the reply to what raised it, so nothing is waited for.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::bench::Bench;
use crate::client::Client;
use crate::descriptors::{Memory, eventfd_descriptors, fired, interrupt, signal};
use crate::message::{BOOL, EINVAL, EVENTFD, INTX, MASK, MSI, NONE, TRIGGER, UNMASK, set_irqs, set_irqs_bool};

const DESCRIPTORS: &str = "VFIO_USER_DEVICE_SET_IRQS: VFIO_IRQ_SET_DATA_EVENTFD";
const AUTOMASKED: &str = "VFIO_USER_DEVICE_GET_IRQ_INFO: VFIO_IRQ_INFO_AUTOMASKED";

/// Has an interrupt signal a new eventfd.
#[track_caller]
fn assign(client: &mut Client, index: u32) -> OwnedFd {
    let eventfd = interrupt();
    let reply = client.accepts_with(&set_irqs(index, EVENTFD | TRIGGER, 0, 1), &[eventfd.as_fd()]);
    client.expect("payload and descriptors", (reply.body.len(), reply.descriptors.len()), (0, 0));
    eventfd
}

/// Makes the device's level high: enables interrupt 0 of the block and forces it.
#[track_caller]
fn raise(client: &mut Client) {
    client.write32(0x014, 1);
    client.write32(0x018, 1);
}

/// Makes the device's level low.
#[track_caller]
fn lower(client: &mut Client) {
    client.write32(0x010, 7);
}

#[track_caller]
fn expect_fired(client: &Client, eventfd: &OwnedFd, expected: u64) {
    client.expect("interrupts since the last look", fired(eventfd), expected);
}

#[test]
fn an_assigned_eventfd_is_signalled_before_the_reply_to_what_raised_the_interrupt() {
    for index in [INTX, MSI] {
        let bench = Bench::start(DESCRIPTORS);
        let mut client = bench.client();
        let eventfd = assign(&mut client, index);
        expect_fired(&client, &eventfd, 0);
        raise(&mut client);
        expect_fired(&client, &eventfd, 1);
    }
}

#[test]
fn an_eventfd_that_comes_when_the_level_is_high_is_told() {
    for index in [INTX, MSI] {
        let bench = Bench::start(DESCRIPTORS);
        let mut client = bench.client();
        raise(&mut client);
        let eventfd = assign(&mut client, index);
        expect_fired(&client, &eventfd, 1);
    }
}

#[test]
fn msi_has_one_edge_for_each_time_the_level_rises() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: action flags");
    let mut client = bench.client();
    let msi = assign(&mut client, MSI);
    for _ in 0..3 {
        raise(&mut client);
        raise(&mut client);
        expect_fired(&client, &msi, 1);
        lower(&mut client);
        expect_fired(&client, &msi, 0);
    }
}

#[test]
fn a_second_eventfd_takes_the_firsts_place() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    for index in [INTX, MSI] {
        let (first, second) = (assign(&mut client, index), assign(&mut client, index));
        raise(&mut client);
        expect_fired(&client, &first, 0);
        expect_fired(&client, &second, 1);
        lower(&mut client);
        bench.eventually("no descriptor of the first eventfd", || eventfd_descriptors(&first) == 1);
        client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 0));
    }
}

#[test]
fn count_0_without_data_disables_the_whole_index() {
    for index in [INTX, MSI] {
        let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: count of 0");
        let mut client = bench.client();
        let eventfd = assign(&mut client, index);
        client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 0));
        raise(&mut client);
        expect_fired(&client, &eventfd, 0);
        bench.eventually("no descriptor of the eventfd", || eventfd_descriptors(&eventfd) == 1);
    }
}

#[test]
fn eventfd_data_without_descriptor_de_assigns() {
    for index in [INTX, MSI] {
        let bench = Bench::start(DESCRIPTORS);
        let mut client = bench.client();
        client.accepts(&set_irqs(index, EVENTFD | TRIGGER, 0, 1));
        let eventfd = assign(&mut client, index);
        client.accepts(&set_irqs(index, EVENTFD | TRIGGER, 0, 1));
        raise(&mut client);
        expect_fired(&client, &eventfd, 0);
        let again = assign(&mut client, index);
        expect_fired(&client, &again, 1);
    }
}

#[test]
fn a_client_may_trigger_an_interrupt_itself() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, 5");
    let mut client = bench.client();
    for index in [INTX, MSI] {
        let eventfd = assign(&mut client, index);
        client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 1));
        expect_fired(&client, &eventfd, 1);
        client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 0));
    }
}

#[test]
fn booleans_say_whether_the_action_is_done() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: VFIO_IRQ_SET_DATA_BOOL");
    let mut client = bench.client();
    for index in [INTX, MSI] {
        let eventfd = assign(&mut client, index);
        client.accepts(&set_irqs_bool(index, TRIGGER, 0));
        expect_fired(&client, &eventfd, 0);
        client.accepts(&set_irqs_bool(index, TRIGGER, 1));
        expect_fired(&client, &eventfd, 1);
        client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 0));
    }
    // Masks and unmasks nothing either.
    let intx = assign(&mut client, INTX);
    client.accepts(&set_irqs_bool(INTX, MASK, 0));
    raise(&mut client);
    expect_fired(&client, &intx, 1);
    client.accepts(&set_irqs_bool(INTX, UNMASK, 0));
    expect_fired(&client, &intx, 0);
}

#[test]
fn triggering_what_has_no_eventfd_does_no_harm() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, 5");
    let mut client = bench.client();
    for index in [INTX, MSI] {
        client.call(&set_irqs(index, NONE | TRIGGER, 0, 1), &[]);
        client.call(&set_irqs_bool(index, TRIGGER, 1), &[]);
    }
    client.is_in_step();
    let msi = assign(&mut client, MSI);
    expect_fired(&client, &msi, 0);
}

#[test]
fn intx_masks_itself_until_it_is_unmasked() {
    let bench = Bench::start(AUTOMASKED);
    let mut client = bench.client();
    let intx = assign(&mut client, INTX);
    for _ in 0..3 {
        raise(&mut client);
        expect_fired(&client, &intx, 1);
        lower(&mut client);
        raise(&mut client);
        expect_fired(&client, &intx, 0);
        lower(&mut client);
        client.accepts(&set_irqs(INTX, NONE | UNMASK, 0, 1));
        expect_fired(&client, &intx, 0);
    }
}

#[test]
fn intx_fires_again_when_it_is_unmasked_with_the_level_still_high() {
    for unmask in [set_irqs(INTX, NONE | UNMASK, 0, 1), set_irqs_bool(INTX, UNMASK, 1)] {
        let bench = Bench::start(AUTOMASKED);
        let mut client = bench.client();
        let intx = assign(&mut client, INTX);
        raise(&mut client);
        expect_fired(&client, &intx, 1);
        for _ in 0..3 {
            client.accepts(&unmask);
            expect_fired(&client, &intx, 1);
        }
    }
}

#[test]
fn a_masked_intx_waits_for_its_unmasking() {
    for (mask, unmask) in [
        (set_irqs(INTX, NONE | MASK, 0, 1), set_irqs(INTX, NONE | UNMASK, 0, 1)),
        (set_irqs_bool(INTX, MASK, 1), set_irqs_bool(INTX, UNMASK, 1)),
    ] {
        let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: typical operation, 6");
        let mut client = bench.client();
        let intx = assign(&mut client, INTX);
        client.accepts(&mask);
        raise(&mut client);
        expect_fired(&client, &intx, 0);
        client.accepts(&unmask);
        expect_fired(&client, &intx, 1);
    }
}

#[test]
fn an_eventfd_for_unmasking_unmasks_when_the_client_signals_it() {
    // As linux/vfio.h has it, and KVM uses it: "ACTION_[UN]MASK specify user->kernel signaling".
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: VFIO_IRQ_SET_ACTION_UNMASK with eventfd");
    let mut client = bench.client();
    let (intx, resample) = (assign(&mut client, INTX), interrupt());
    client.accepts_with(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1), &[resample.as_fd()]);
    raise(&mut client);
    expect_fired(&client, &intx, 1);
    for _ in 0..3 {
        signal(&resample, 1);
        bench.eventually("an interrupt after the unmasking", || fired(&intx) == 1);
    }
    lower(&mut client);
    signal(&resample, 1);
    bench.eventually("an unmasking that is taken", || fired(&resample) == 0);
    client.is_in_step();
    expect_fired(&client, &intx, 0);
}

#[test]
fn an_eventfd_for_unmasking_can_be_taken_away() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    let (intx, resample) = (assign(&mut client, INTX), interrupt());
    client.accepts(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1));
    client.accepts_with(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1), &[resample.as_fd()]);
    client.accepts(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1));
    bench.eventually("no descriptor of the eventfd", || eventfd_descriptors(&resample) == 1);
    raise(&mut client);
    expect_fired(&client, &intx, 1);
    signal(&resample, 1);
    client.hears_nothing();
    expect_fired(&client, &intx, 0);
}

#[test]
fn msi_is_not_maskable() {
    let bench = Bench::start("VFIO_USER_DEVICE_GET_IRQ_INFO: VFIO_IRQ_INFO_MASKABLE");
    let mut client = bench.client();
    let (msi, other) = (assign(&mut client, MSI), interrupt());
    for action in [MASK, UNMASK] {
        client.refuses(&set_irqs(MSI, NONE | action, 0, 1), EINVAL);
        client.refuses(&set_irqs_bool(MSI, action, 1), EINVAL);
        client.refuses_with(&set_irqs(MSI, EVENTFD | action, 0, 1), &[other.as_fd()], EINVAL);
    }
    raise(&mut client);
    expect_fired(&client, &msi, 1);
    bench.eventually("no descriptor of an eventfd that was refused", || eventfd_descriptors(&other) == 1);
}

#[test]
fn flags_name_one_kind_of_data_and_one_action() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: flags are mutually exclusive");
    let mut client = bench.client();
    let msi = assign(&mut client, MSI);
    for data in 0..8 {
        for action in 0..8 {
            if [data, action].iter().all(|bits| u32::is_power_of_two(*bits)) {
                continue;
            }
            client.refuses(&set_irqs(INTX, data | action << 3, 0, 1).and(&[1]).argsz(21), EINVAL);
        }
    }
    client.is_in_step();
    raise(&mut client);
    expect_fired(&client, &msi, 1);
}

#[test]
fn vectors_that_are_not_there_are_refused() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: start and count");
    let mut client = bench.client();
    let eventfd = interrupt();
    for index in [INTX, MSI] {
        for (start, count) in [(1, 1), (0, 2), (u32::MAX, 1), (u32::MAX, 2), (0, u32::MAX), (1, u32::MAX)] {
            client.refuses(&set_irqs(index, NONE | TRIGGER, start, count), EINVAL);
            client.refuses(&set_irqs(index, EVENTFD | TRIGGER, start, count), EINVAL);
            client.refuses_with(&set_irqs(index, EVENTFD | TRIGGER, start, count), &[eventfd.as_fd()], EINVAL);
            client.refuses(&set_irqs(index, BOOL | TRIGGER, start, count).and(&[1; 4]).argsz(24), EINVAL);
        }
    }
    client.is_in_step();
    bench.eventually("no descriptor that was refused", || eventfd_descriptors(&eventfd) == 1);
}

#[test]
fn indexes_without_vectors_take_none_and_those_that_are_not_there_nothing() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: index");
    let mut client = bench.client();
    let eventfd = interrupt();
    // The error and the request interrupt; then what no PCI function has.
    for index in [3, 4, 5, 6, 0x8000_0000, u32::MAX] {
        client.refuses(&set_irqs(index, NONE | TRIGGER, 0, 1), EINVAL);
        client.refuses_with(&set_irqs(index, EVENTFD | TRIGGER, 0, 1), &[eventfd.as_fd()], EINVAL);
        let disable = set_irqs(index, NONE | TRIGGER, 0, 0);
        if index < 5 {
            client.accepts(&disable);
        } else {
            client.refuses(&disable, EINVAL);
        }
    }
    client.is_in_step();
    bench.eventually("no descriptor that was refused", || eventfd_descriptors(&eventfd) == 1);
}

#[test]
fn an_argsz_below_the_structure_and_its_data_is_refused() {
    let bench = Bench::start("VFIO_USER_DEVICE_SET_IRQS: argsz");
    let mut client = bench.client();
    let intx = assign(&mut client, INTX);
    for argsz in [0, 4, 19] {
        client.refuses(&set_irqs(INTX, NONE | MASK, 0, 1).argsz(argsz), EINVAL);
    }
    // One boolean is announced, none is there.
    client.refuses(&set_irqs(INTX, BOOL | MASK, 0, 1), EINVAL);
    client.refuses(&set_irqs(INTX, BOOL | MASK, 0, 1).argsz(21), EINVAL);
    client.is_in_step();
    // None of them has masked it.
    raise(&mut client);
    expect_fired(&client, &intx, 1);
}

#[test]
fn more_descriptors_than_vectors_are_refused() {
    let bench = Bench::start(DESCRIPTORS);
    let mut client = bench.client();
    let msi = assign(&mut client, MSI);
    let others = [interrupt(), interrupt()];
    let descriptors = [others[0].as_fd(), others[1].as_fd()];
    client.refuses_with(&set_irqs(MSI, EVENTFD | TRIGGER, 0, 1), &descriptors, EINVAL);
    raise(&mut client);
    expect_fired(&client, &msi, 1);
    bench.eventually("no descriptor that was refused", || others.iter().all(|other| eventfd_descriptors(other) == 1));
}

#[test]
fn an_eventfd_that_is_full_does_not_stop_the_server() {
    let bench = Bench::start("Security Considerations");
    let mut client = bench.client();
    // One that blocks its writer, at the highest count there is.
    let full = eventfd(0, EventfdFlags::CLOEXEC).expect("eventfd");
    signal(&full, u64::MAX - 1);
    client.accepts_with(&set_irqs(MSI, EVENTFD | TRIGGER, 0, 1), &[full.as_fd()]);
    raise(&mut client);
    client.accepts(&set_irqs(MSI, NONE | TRIGGER, 0, 1));
    client.is_in_step();
}

#[test]
fn a_descriptor_that_is_no_eventfd_does_not_stop_the_server() {
    let bench = Bench::start("Security Considerations");
    let mut client = bench.client();
    let (reader, full_pipe) = std::io::pipe().expect("pipe");
    rustix::io::ioctl_fionbio(&full_pipe, true).expect("not blocking");
    while rustix::io::write(&full_pipe, &[0; 4096]) != Err(Errno::AGAIN) {}
    rustix::io::ioctl_fionbio(&full_pipe, false).expect("blocking");
    let (_, broken_pipe) = std::io::pipe().expect("pipe");
    let (memory, (socket, _)) = (Memory::new(8), UnixStream::pair().expect("sockets"));
    for descriptor in [full_pipe.as_fd(), broken_pipe.as_fd(), reader.as_fd(), memory.as_fd(), socket.as_fd()] {
        for index in [INTX, MSI] {
            client.call(&set_irqs(index, EVENTFD | TRIGGER, 0, 1), &[descriptor]);
            raise(&mut client);
            client.call(&set_irqs(index, NONE | TRIGGER, 0, 1), &[]);
            lower(&mut client);
            client.accepts(&set_irqs(index, NONE | TRIGGER, 0, 0));
            client.call(&set_irqs(INTX, EVENTFD | UNMASK, 0, 1), &[descriptor]);
            client.is_in_step();
        }
    }
}
