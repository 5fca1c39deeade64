//! The function over the wire: registers, interrupts, streams, who comes and goes.
//! Offsets and values are retyped from the datasheet.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use device::{Access, ClockMode, Happening, Pin};
use device_model::{BlockKind, DeviceOptions, stream_file};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, OFlags, ftruncate, memfd_create};
use tempfile::TempDir;
use vfio_user::Client;
use vfio_user_server::{DmaMappings, RunningServer, ServerOptions};

use crate::bench::{ACTION_TRIGGER, BAR0, Bench, CONFIG, DATA_EVENTFD, INTX, MSI, interrupts, socket, wait};

const BAR2: u32 = 2;
// The flags of `struct vfio_irq_set`, from linux/vfio.h.
const DATA_NONE: u32 = 1 << 0;
const ACTION_UNMASK: u32 = 1 << 4;

#[test]
fn the_function_looks_as_the_datasheet_says() {
    let mut bench = Bench::start(ClockMode::Warp);
    let size = |index| bench.client.region(index).map(|region| region.size);
    assert_eq!((0..9).map(size).collect::<Vec<_>>(), [0x1000, 0, 0, 0, 0x1000, 0, 0, 0x1000, 0].map(Some));
    assert_eq!(bench.read(CONFIG, 0x00), 0x0ad0_1b36);
    assert_eq!(bench.read(BAR0, 0x000), 0x5057_4d41);
    assert_eq!(bench.client.get_irq_info(INTX).map(|info| (info.count, info.flags)).expect("INTx"), (1, 7));
    assert_eq!(bench.client.get_irq_info(MSI).map(|info| (info.count, info.flags)).expect("MSI"), (1, 9));
    let mode = std::fs::metadata(socket(&bench.folder)).expect("socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the socket is its owner's alone");
}

#[test]
fn a_second_client_finds_the_state_that_the_first_one_left() {
    let mut bench = Bench::start(ClockMode::Warp);
    bench.write(0x008, 0xcafe_f00d);
    let socket = socket(&bench.folder);
    bench.client.shutdown().expect("disconnect");
    bench.client = Client::new(&socket).expect("second client");
    assert_eq!(bench.read(BAR0, 0x008), 0xcafe_f00d);
    bench.client.reset().expect("reset");
    assert_eq!(bench.read(BAR0, 0x008), 0);
}

#[test]
fn with_a_reset_on_disconnect_the_next_client_finds_the_cold_state() {
    let reset = ServerOptions { reset_on_disconnect: true, ..ServerOptions::default() };
    let mut bench = Bench::start_served(reset, ClockMode::Warp);
    for (offset, value) in [(0x008, 0xcafe_f00d), (0x014, 0x7), (0x448, 8_000)] {
        bench.write(offset, value);
    }
    // Memory enable and bus mastering.
    bench.client.region_write(CONFIG, 0x04, &[0x06, 0]).expect("command");
    let socket = socket(&bench.folder);
    bench.client.shutdown().expect("disconnect");
    bench.client = Client::new(&socket).expect("second client");
    let cold = [(BAR0, 0x008, 0), (BAR0, 0x014, 0), (BAR0, 0x448, 48_000), (CONFIG, 0x04, 0x0010_0000)];
    for (region, offset, value) in cold {
        assert_eq!(bench.read(region, offset), value, "{offset:#x}");
    }
}

#[test]
fn a_client_that_goes_takes_its_interrupts_and_its_memory_along() {
    let mut bench = Bench::start(ClockMode::Warp);
    let msi = bench.connect(MSI);
    let memory = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).expect("memfd"));
    ftruncate(&memory, 0x1000).expect("size");
    bench.client.dma_map(0, 0x8000_0000, 0x1000, memory.as_raw_fd()).expect("map");
    let regions = |bench: &Bench| bench.server.with_dma_mappings(DmaMappings::count);
    assert_eq!(regions(&bench), 1);

    let socket = socket(&bench.folder);
    bench.client.shutdown().expect("disconnect");
    bench.client = Client::new(&socket).expect("second client");
    assert_eq!(regions(&bench), 0);
    bench.write(0x014, 0x1);
    bench.write(0x018, 0x1);
    assert_eq!(interrupts(&msi), 0);
    assert_eq!(bench.server.with_device(|device| device.timeline().counters().interrupts), 0);
}

#[test]
fn a_transfer_that_is_asked_for_right_before_the_end_ends_too() {
    // Whether the server has begun it when it is stopped is chance.
    for _ in 0..50 {
        let Bench { server, client, .. } = Bench::start(ClockMode::Warp);
        let (sender, ended) = mpsc::channel();
        server.dma_read(0, 4, move |read| sender.send(read.is_err()).expect("the test waits"));
        server.stop().expect("the device");
        assert_eq!(ended.try_recv(), Ok(true));
        drop(client);
    }
}

#[test]
fn a_client_that_shares_an_eventfd_cannot_make_the_server_wait_for_it() {
    let mut bench = Bench::start(ClockMode::Warp);
    for (index, action) in [(INTX, ACTION_TRIGGER), (INTX, ACTION_UNMASK), (MSI, ACTION_TRIGGER)] {
        let blocking = eventfd(0, EventfdFlags::empty()).expect("eventfd");
        bench.client.set_irqs(index, DATA_EVENTFD | action, 0, 1, &[blocking.as_raw_fd()]).expect("connect");
        // Both sides have one flag: a signal that the other has taken makes the server's read wait otherwise.
        let flags = rustix::fs::fcntl_getfl(&blocking).expect("flags");
        assert!(flags.contains(OFlags::NONBLOCK), "index {index}, action {action:#x}");
    }
}

#[test]
fn msi_has_one_edge_for_each_time_the_level_rises() {
    let mut bench = Bench::start(ClockMode::Warp);
    let msi = bench.connect(MSI);
    bench.write(0x014, 0x7);
    for _ in 0..3 {
        bench.write(0x018, 0x1);
        bench.write(0x018, 0x2);
        assert_eq!(wait(&msi), 1);
        bench.write(0x010, 0x7);
    }
    assert_eq!(interrupts(&msi), 0, "no more than three");
    assert_eq!(bench.server.with_device(|device| device.timeline().counters().interrupts), 3);
}

#[test]
fn an_access_comes_before_what_it_caused_and_the_interrupt_before_the_reply() {
    let mut bench = Bench::start(ClockMode::Warp);
    let msi = bench.connect(MSI);
    bench.write(0x014, 0x1);
    for _ in 0..100 {
        bench.write(0x018, 0x1);
        // The reply is here, so the interrupt is too: nothing is waited for.
        assert_eq!(interrupts(&msi), 1);
        let happenings = bench.server.with_device(|device| {
            device.timeline().events().rev().take(2).map(|event| event.happening.clone()).collect::<Vec<_>>()
        });
        assert!(
            matches!(happenings[..], [Happening::Interrupt(Pin::Msi), Happening::Access(Access { offset: 0x018, .. })]),
            "the latest first: {happenings:?}"
        );
        bench.write(0x010, 0x1);
    }
}

#[test]
fn the_timeline_says_which_fields_an_access_changed_or_found_changed() {
    let mut bench = Bench::start(ClockMode::Warp);
    let msi = bench.connect(MSI);
    bench.write(0x014, 0x4);
    bench.write(0x440, 0x1);
    bench.client.region_write(BAR0, 0x460, &7_u64.to_le_bytes()).expect("frame");
    assert_eq!(wait(&msi), 1, "an underrun, one frame later");
    for _ in 0..3 {
        bench.read(BAR0, 0x44c);
    }
    bench.write(0x444, 0x0110);
    let mut half = [0; 2];
    bench.client.region_read(BAR0, 0x00a, &mut half).expect("read");
    let tail = bench.server.with_device(|device| device.timeline_tail(100));
    let said: Vec<&str> = tail.iter().filter_map(|line| line.split_once(" ms  ")?.1.split(" until ").next()).collect();
    assert_eq!(
        said,
        [
            "write SYSTEM.INTERRUPT_ENABLE <- 0x00000004: SYSTEM.INTERRUPT_ENABLE.tx_underrun 0 -> 1 (offset 0x014, 4 bytes)",
            "write TX.CONTROL <- 0x00000001: TX.CONTROL.enable 0 -> 1 (offset 0x440, 4 bytes)",
            "stream started: 24 bits, 2 channels, 48000 Hz",
            "write TX.SAMPLE0 + TX.SAMPLE1 <- 0x0000000000000007 (offset 0x460, 8 bytes)",
            "stream underrun: a frame was due and there was none",
            "interrupt by MSI",
            "read TX.STATUS -> 0x00160000: TX.STATUS.underrun 0 -> 1 (offset 0x44c, 4 bytes), 2 more like it",
            "write TX.FORMAT <- 0x00000110: TX.FORMAT.sample_bits 0x18 signed_24 -> 0x10 signed_16, \
             TX.FORMAT.channels 2 stereo -> 1 mono (offset 0x444, 4 bytes)",
            "ignored: TX.FORMAT cannot change to 0x110 while TX.CONTROL.enable is set",
            "read SYSTEM.SCRATCH -> 0x0000 (offset 0x00a, 2 bytes)",
        ]
    );
}

#[test]
fn the_timeline_names_a_full_fifo() {
    let mut bench = Bench::start(ClockMode::Warp);
    for _ in 0..1_024 {
        bench.client.region_write(BAR0, 0x460, &[0; 8]).expect("frame");
    }
    assert_eq!(bench.read(BAR0, 0x44c), 0x0001_0400);
    let tail = bench.server.with_device(|device| device.timeline_tail(1));
    let expected = "read TX.STATUS -> 0x00010400: TX.STATUS.fill 0 -> 0x400 full, TX.STATUS.full 0 -> 1, \
                    TX.STATUS.empty 1 -> 0, TX.STATUS.low 1 -> 0 (offset 0x44c, 4 bytes)";
    assert!(tail[0].ends_with(expected), "{}", tail[0]);
}

#[test]
fn intx_fires_again_when_it_is_unmasked_with_the_level_still_high() {
    let mut bench = Bench::start(ClockMode::Warp);
    let intx = bench.connect(INTX);
    bench.write(0x014, 0x1);
    bench.write(0x018, 0x1);
    assert_eq!(wait(&intx), 1);
    let unmask = |bench: &mut Bench| bench.client.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1, &[]).expect("unmask");
    unmask(&mut bench);
    assert_eq!(wait(&intx), 1);
    bench.write(0x010, 0x1);
    unmask(&mut bench);
    assert_eq!(interrupts(&intx), 0, "the level is low");
}

#[test]
fn in_warp_time_a_stream_of_seconds_plays_without_waiting_for_it() {
    let mut bench = Bench::start(ClockMode::Warp);
    let msi = bench.connect(MSI);
    bench.write(0x448, 8_000);
    for number in 0..1_000_u32 {
        let frame = u64::from(number) << 32 | 0x0080_0000;
        bench.client.region_write(BAR0, 0x460, &frame.to_le_bytes()).expect("frame");
    }
    bench.write(0x014, 0x2);
    bench.write(0x440, 0x3);
    assert_eq!(wait(&msi), 1);
    assert_eq!(bench.read(BAR0, 0x010) & 0x6, 0x2, "drained, no underrun");
    assert_eq!(bench.read(BAR0, 0x454), 1_000);

    let mut reader = hound::WavReader::open(stream_file(bench.folder.path(), 1)).expect("a WAV file");
    let samples: Vec<i32> = reader.samples().map(|sample| sample.expect("a sample")).collect();
    let expected: Vec<i32> = (0..1_000).flat_map(|number| [-0x80_0000, number]).collect();
    assert_eq!(samples, expected);
    let stopped = bench.server.with_device(|device| {
        device.timeline().events().find(|event| event.happening == Happening::StreamStopped { frames: 1_000 }).cloned()
    });
    assert!(
        stopped.is_some_and(|event| event.time_ns >= 125_000_000),
        "1,000 frames at 8 kHz are 125 ms of device time"
    );
}

#[test]
fn in_real_time_a_stream_lasts_as_long_as_it_is() {
    lasts_as_long_as_it_is(ClockMode::Real);
}

#[test]
fn in_scaled_time_a_stream_lasts_as_long_as_it_is() {
    for scale in ["real:0.5", "real:50"] {
        lasts_as_long_as_it_is(scale.parse().expect("a clock"));
    }
}

fn lasts_as_long_as_it_is(clock: ClockMode) {
    let mut bench = Bench::start(clock);
    let msi = bench.connect(MSI);
    bench.write(0x448, 192_000);
    for number in 0..512_u64 {
        bench.client.region_write(BAR0, 0x460, &number.to_le_bytes()).expect("frame");
    }
    bench.write(0x014, 0x2);
    let enabled_at_ns = bench.server.with_device(|device| device.now_ns());
    bench.write(0x440, 0x3);
    assert_eq!(wait(&msi), 1);
    // 512 frames at 192 kHz: 2,666,667 ns, rounded up.
    let elapsed_ns = bench.server.with_device(|device| device.now_ns()) - enabled_at_ns;
    assert!(elapsed_ns >= 2_666_667, "{elapsed_ns} ns");
}

#[test]
fn the_sample_window_is_the_same_memory_mapped_and_by_message() {
    let mut bench = Bench::start_window(ClockMode::Warp);
    let window = bench.server.with_device(|device| device.window().cloned()).expect("a window");
    assert_eq!(bench.read(CONFIG, 0x00), 0x0ad1_1b36);
    let region = bench.client.region(BAR2).expect("BAR2");
    assert_eq!(region.sparse_areas.iter().map(|area| (area.offset, area.size)).collect::<Vec<_>>(), [(0, 0x1_0000)]);
    let descriptor = region.file_offset.as_ref().expect("a descriptor").file().try_clone().expect("clone");
    descriptor.write_all_at(b"mapped", 0xfff0).expect("write");
    let mut seen = [0; 6];
    bench.client.region_read(BAR2, 0xfff0, &mut seen).expect("read");
    assert_eq!(&seen, b"mapped");
    bench.client.region_write(BAR2, 0x10, b"by msg").expect("write");
    window.read(0x10, &mut seen);
    assert_eq!(&seen, b"by msg");
}

#[test]
fn guest_memory_is_reached_where_it_was_mapped() {
    let mut bench = Bench::start(ClockMode::Warp);
    let memory = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).expect("memfd"));
    ftruncate(&memory, 0x2000).expect("size");
    memory.write_all_at(b"guest", 0x1800).expect("write");
    bench.client.dma_map(0x1000, 0x8000_0000, 0x1000, memory.as_raw_fd()).expect("map");
    let mut seen = [0; 5];
    bench.server.with_dma_mappings(|mappings| {
        mappings.read(0x8000_0800, &mut seen).expect("mapped");
    });
    assert_eq!(&seen, b"guest");
}

#[test]
fn whoever_waits_for_guest_memory_may_look_at_the_device() {
    let Bench { client, server, folder, .. } = Bench::start(ClockMode::Warp);
    let (server, (sender, ended)) = (Arc::new(server), mpsc::channel());
    let looking = Arc::downgrade(&server);
    server.dma_read(0x1000, 4, move |result| {
        let device_time_ns = looking.upgrade().map(|server| server.with_device(|device| device.now_ns()));
        sender.send((result.is_err(), device_time_ns.is_some())).expect("a test that waits");
    });
    let limit = Duration::from_secs(20);
    assert_eq!(ended.recv_timeout(limit), Ok((true, true)), "nothing is mapped, and the device can be looked at");
    drop((client, server, folder));
}

#[test]
fn what_nobody_answers_reads_as_ones_and_is_told() {
    let mut bench = Bench::start(ClockMode::Warp);
    assert_eq!(bench.read(BAR0, 0x1000), 0xffff_ffff);
    assert_eq!(bench.read(BAR0, u64::MAX - 1), 0xffff_ffff);
    let mut odd = [0; 3];
    bench.client.region_read(BAR0, 0, &mut odd).expect("read");
    assert_eq!(odd, [0xff; 3]);
    let faults = bench.server.with_device(|device| device.timeline().counters().faults);
    assert_eq!(faults, 3);
}

#[test]
fn stopping_gives_the_device_back_and_removes_the_socket() {
    let Bench { client, server, folder, .. } = Bench::start(ClockMode::Warp);
    drop(client);
    let device = server.stop().expect("the device");
    assert!(device.timeline_tail(1)[0].ends_with("client disconnected"), "{:?}", device.timeline_tail(3));
    assert!(!socket(&folder).exists());
}

#[test]
fn a_socket_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = TempDir::new().expect("folder");
    let path = folder.path().join("no-such-folder").join("device.sock");
    let options = DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp);
    let device = device_model::functions(options).expect("device").registers;
    let started = RunningServer::start(&path, device, |event| panic!("{event:?} of a server that does not run"));
    let message = started.err().expect("no server").to_string();
    assert!(message.contains("no-such-folder/device.sock"), "{message}");
}
