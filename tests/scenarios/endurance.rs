//! What a driver does many times leaves nothing behind: no object of the kernel, no page, no interrupt, and no descriptor
//! of QEMU or of the device's process. And as many interrupts are raised as are delivered and handled.
//!
//! The clip that is played is shorter than the FIFO: this does not show that refills leave nothing behind.

use std::time::Duration;

use cosim_tests::{Board, BoardError, Guest, PwmAudio, play};
use device::{ClockMode, OfferedInterrupts};

use crate::footprint::{EXACT, Footprint, descriptors};
use crate::hot_plug::Slot;
use crate::served::ServedApart;
use crate::support::{MODULE, NODE, WINDOW_NODE, assert_quiet, function, wav, window_function};

/// Uses both functions of the device.
const USE: &str = "play --rate 8000 --bits 8 --channels 1 /tmp/clip >/dev/null && window fill 5a";
const CLIP_BYTES: usize = 64;

/// What the kernel allocates once is there after so many cycles.
const WARM_UP: u32 = 10;

fn load(guest: &Guest) -> Result<(), BoardError> {
    guest.write_file("/tmp/clip", [0x55; CLIP_BYTES])?;
    guest.load_module(MODULE)
}

#[test]
fn bound_used_and_unbound_two_hundred_times_it_leaves_nothing_behind() -> Result<(), BoardError> {
    const CYCLES: u32 = 200;
    let served = ServedApart::offering(OfferedInterrupts::MsiX);
    let board = Board::builder().qemu_arguments(served.qemu_arguments()).kernel_argument(EXACT).boot()?;
    served.move_to(board.placement());
    let guest = board.guest().with_call_limit(Duration::from_secs(100));
    load(&guest)?;
    let (registers, window) = (function(&guest)?.address, window_function(&guest)?.address);
    let (audio, memory) = ("/sys/bus/pci/drivers/pwm_audio", "/sys/bus/pci/drivers/pwm_audio_window");
    let unbind = format!("echo {window} >{memory}/unbind && echo {registers} >{audio}/unbind");
    let bind = format!("echo {registers} >{audio}/bind && echo {window} >{memory}/bind");
    let cycle = format!("for cycle in $(busybox seq $1); do {bind} && {USE} && {unbind} || exit; done");
    let cycles = |count: u32| guest.run(["busybox", "sh", "-c", &cycle, "sh", &count.to_string()])?.success();
    let held = || [served.process_id(), board.qemu_process_id().expect("QEMU runs")].map(descriptors);

    guest.run(["busybox", "sh", "-c", &unbind])?.success()?;
    cycles(WARM_UP)?;
    let (footprint, held_before) = (Footprint::of(&guest)?, held());
    cycles(CYCLES)?;
    footprint.assert_kept(&guest, CYCLES.into())?;
    assert_eq!(held(), held_before, "descriptors of the device's process, and of QEMU");
    assert_eq!(served.streams(), WARM_UP + CYCLES);
    assert_quiet(&guest)?;
    board.shutdown()
}

#[test]
fn plugged_used_and_unplugged_fifty_times_it_leaves_nothing_behind() -> Result<(), BoardError> {
    const CYCLES: u32 = 50;
    // QEMU 11.1.3 aborts when a device is unplugged that uses MSI-X.
    let served = ServedApart::offering(OfferedInterrupts::Msi);
    // The log is read from its start: all of it is wanted.
    let board = Slot::board().kernel_argument(EXACT).kernel_argument("log_buf_len=1M").boot()?;
    served.move_to(board.placement());
    let guest = board.guest();
    load(guest)?;
    let mut slot = Slot::of(&board, served.properties("0"), [NODE, WINDOW_NODE])?;
    let held = || [served.process_id(), board.qemu_process_id().expect("QEMU runs")].map(descriptors);
    let mut cycle = || -> Result<_, BoardError> {
        slot.plug()?;
        guest.run(["busybox", "sh", "-c", USE])?.success()?;
        let held = held();
        slot.unplug()?;
        Ok(held)
    };

    for _ in 1..WARM_UP {
        cycle()?;
    }
    let held_before = cycle()?;
    let footprint = Footprint::of(guest)?;
    for _ in 1..CYCLES {
        cycle()?;
    }
    assert_eq!(cycle()?, held_before, "descriptors of the device's process, and of QEMU");
    footprint.assert_kept(guest, CYCLES.into())?;
    assert_eq!(served.streams(), WARM_UP + CYCLES);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn as_many_interrupts_are_delivered_as_are_raised() -> Result<(), BoardError> {
    for offered in [OfferedInterrupts::MsiX, OfferedInterrupts::Msi, OfferedInterrupts::Intx] {
        let device = PwmAudio::new(ClockMode::Warp).interrupts(offered);
        let board = Board::builder().device(device.clone()).boot()?;
        let guest = board.guest();
        guest.load_module(MODULE)?;
        let file = wav("speech-16k-s16-mono.wav");
        play(guest, &file)?.success()?;

        let raised = device.counters().interrupts;
        let delivered = guest.interrupts()?.count(NODE).expect("the driver's handler");
        // At most 768 frames a refill, and one interrupt for the end.
        let needed = (file.frames() as u64 - 1_024) / 768 + 1;
        if offered == OfferedInterrupts::Intx {
            // A level is raised again whenever QEMU unmasks it, also while the handler is at work.
            assert!((needed..=raised).contains(&delivered), "{needed} needed, {raised} raised, {delivered} delivered");
        } else {
            assert_eq!(delivered, raised, "{offered}");
            assert!(raised >= needed, "{needed} needed, {raised} raised");
        }
        assert!(!guest.kernel_log()?.contains("nobody cared"), "{offered}: the line has been switched off");
        assert_quiet(guest)?;
        board.shutdown()?;
    }
    Ok(())
}
