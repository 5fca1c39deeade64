//! What a driver does many times leaves nothing behind: no object of the kernel, no page, no interrupt, and no descriptor
//! of QEMU or of the device's process. And as many interrupts are raised as are delivered and handled.
//!
//! The clip that is played is shorter than the FIFO: this does not show that refills leave nothing behind.

use std::time::Duration;

use cosim_tests::{Board, BoardError, Guest, KernelVariant, PwmAudio, play};
use device::{ClockMode, OfferedInterrupts};

use crate::footprint::{EXACT, Footprint, descriptors};
use crate::hot_plug::Slot;
use crate::served::ServedApart;
use crate::support::{MODULE, NODE, WINDOW_NODE, assert_quiet, function, wav, window_function};

/// Two ways to play: through the character device, with its mappings, and the sound card.
const PLAYS: [&str; 2] = ["audio </tmp/audio", "pcm /dev/snd/pcmC0D0p S16_LE 1 8000 8000 32000 </tmp/pcm"];
const AUDIO: &str = "open 0 both\nformat 0 8 1\nmap 0 read\nmap-buffer 0\nwrite 0 /tmp/clip\ndrain 0\nclose 0";
const PCM: &str = "write /tmp/clip\ndrain";
const CLIP_BYTES: usize = 64;

/// What the kernel allocates once is there after so many cycles.
const WARM_UP: u32 = 10;

fn load(guest: &Guest) -> Result<(), BoardError> {
    guest.write_file("/tmp/clip", [0x55; CLIP_BYTES])?;
    guest.write_file("/tmp/audio", AUDIO)?;
    guest.write_file("/tmp/pcm", PCM)?;
    guest.load_module(MODULE)
}

#[test]
fn bound_played_on_and_unbound_many_times_it_leaves_nothing_behind() -> Result<(), BoardError> {
    let served = ServedApart::offering(OfferedInterrupts::MsiX);
    let board = Board::builder().qemu_arguments(served.qemu_arguments()).kernel_argument(EXACT).boot()?;
    served.move_to(board.placement());
    // The debug kernel takes four times as long, and finds what it looks for in the first ones.
    let count = if board.lane().kernel == KernelVariant::Debug { 100 } else { 200 };
    let guest = board.guest().with_call_limit(Duration::from_secs(200));
    load(&guest)?;
    let (registers, window) = (function(&guest)?.address, window_function(&guest)?.address);
    let (audio, memory) = ("/sys/bus/pci/drivers/pwm_audio", "/sys/bus/pci/drivers/pwm_audio_window");
    let unbind = format!("echo {window} >{memory}/unbind && echo {registers} >{audio}/unbind");
    let bind = format!("echo {registers} >{audio}/bind && echo {window} >{memory}/bind");
    let [one, other] = PLAYS.map(|play| format!("{bind} && {play} && {unbind} || exit"));
    let cycle = format!("for two in $(busybox seq 2 2 $1); do {one}; {other}; done");
    let cycles = |count: u32| guest.run(["busybox", "sh", "-c", &cycle, "sh", &count.to_string()])?.success();
    let held = || [served.process_id(), board.qemu_process_id().expect("QEMU runs")].map(descriptors);

    guest.run(["busybox", "sh", "-c", &unbind])?.success()?;
    cycles(WARM_UP)?;
    let (footprint, held_before) = (Footprint::of(&guest)?, held());
    cycles(count)?;
    footprint.assert_kept(&guest)?;
    assert_eq!(held(), held_before, "descriptors of the device's process, and of QEMU");
    assert_eq!(served.streams(), WARM_UP + count);
    assert_quiet(&guest)?;
    board.shutdown()
}

#[test]
fn plugged_played_on_and_unplugged_many_times_it_leaves_nothing_behind() -> Result<(), BoardError> {
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
    let attributes = "busybox cat /sys/bus/pci/drivers/pwm_audio/0*/pwm_audio/*";
    let uses = PLAYS.map(|play| format!("{play} && window fill 5a && {attributes}"));
    let mut uses = uses.iter().cycle();
    let mut cycle = || -> Result<_, BoardError> {
        slot.plug()?;
        guest.run(["busybox", "sh", "-c", uses.next().expect("it never ends")])?.success()?;
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
    footprint.assert_kept(guest)?;
    assert_eq!(served.streams(), WARM_UP + CYCLES);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn as_many_interrupts_are_delivered_and_handled_as_are_raised() -> Result<(), BoardError> {
    for offered in [OfferedInterrupts::MsiX, OfferedInterrupts::Msi, OfferedInterrupts::Intx] {
        let device = PwmAudio::new(ClockMode::Warp).interrupts(offered);
        let board = Board::builder().device(device.clone()).boot()?;
        let guest = board.guest();
        guest.load_module(MODULE)?;
        let file = wav("speech-16k-s16-mono.wav");
        play(guest, &file)?.success()?;

        let raised = device.counters().interrupts;
        let delivered = guest.interrupts()?.count(NODE).expect("the driver's handler");
        let handled = format!("/sys/bus/pci/devices/{}/pwm_audio/interrupts", function(guest)?.address);
        let handled: u64 = guest.read_text(&handled)?.trim_end().parse().expect("a number");
        // At most 768 frames a refill, and one interrupt for the end.
        let needed = (file.frames() as u64 - 1_024) / 768 + 1;
        let counts = format!("{offered}: {needed} needed, {raised} raised, {delivered} delivered, {handled} handled");
        if offered == OfferedInterrupts::Intx {
            // A level is raised again whenever QEMU unmasks it, also while the handler is at work.
            assert!(needed <= handled && handled <= delivered && delivered <= raised, "{counts}");
        } else {
            assert!(needed <= handled && handled == delivered && delivered == raised, "{counts}");
        }
        assert!(!guest.kernel_log()?.contains("nobody cared"), "{offered}: the line has been switched off");
        assert_quiet(guest)?;
        board.shutdown()?;
    }
    Ok(())
}
