//! The device is reset under its users, the driver unbound under them, and the module held by them.

use cosim_tests::{Board, BoardError, Guest, PwmAudio, Running, play};
use device::{ClockMode, OfferedInterrupts};

use crate::support::{
    MODULE, NODE, WINDOW_NODE, assert_quiet, board_with_device, board_with_driver, function, perform_at,
    start_playback, wav,
};

const DRIVER: &str = "/sys/bus/pci/drivers/pwm_audio";
const CHIP: &str = "/sys/class/pwm/pwmchip0";

/// `echo 1 > reset` of the function with the registers.
fn reset(guest: &Guest) -> Result<(), BoardError> {
    guest.write_file(&format!("/sys/bus/pci/devices/{}/reset", function(guest)?.address), "1")
}

/// The driver plays what it is given, after whatever has happened to it.
fn assert_plays(guest: &Guest, device: &PwmAudio) -> Result<(), BoardError> {
    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    let last = device.counters().streams;
    assert_eq!(device.stream(last).expect("a capture").difference(&file), None);
    Ok(())
}

/// What a program says that has been told of an error in its input or output.
fn assert_io_error(player: Running) -> Result<(), BoardError> {
    let player = player.wait()?;
    assert!(
        player.error_text().contains("nput/output error") || player.error_text().contains("os error 5"),
        "{player}"
    );
    Ok(())
}

#[test]
fn after_a_reset_the_device_is_as_the_driver_has_been_told() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let address = function(guest)?.address;
    for (attribute, value) in
        [("export", "3"), ("pwm3/period", "1000"), ("pwm3/duty_cycle", "300"), ("pwm3/polarity", "inversed")]
    {
        guest.write_file(&format!("{CHIP}/{attribute}"), value)?;
    }
    guest.write_file(&format!("{CHIP}/pwm3/enable"), "1")?;
    // CONTROL without the level of the output, PERIOD, DUTY and PHASE of channel 3: low for 300 ns, high for 700 ns.
    let channel = || -> Result<Vec<u64>, BoardError> {
        let registers = perform_at(&board, &address, &["0x160:4", "0x164:4", "0x168:4", "0x170:4", "SYSTEM.SCRATCH"])?;
        Ok([&[registers[0] & !0x100], &registers[1..]].concat())
    };
    perform_at(&board, &address, &["SYSTEM.SCRATCH=7", "SYSTEM.SCRATCH"])?;
    assert_eq!(channel()?, [1, 100, 70, 30, 7]);

    for _ in 0..2 {
        reset(guest)?;
        assert_eq!(channel()?, [1, 100, 70, 30, 0], "set again, on a device that was reset");
        assert_eq!(guest.read_text(&format!("{CHIP}/pwm3/enable"))?, "1\n");
        assert_plays(guest, &device)?;
    }
    // What was switched off stays so.
    guest.write_file(&format!("{CHIP}/pwm3/enable"), "0")?;
    reset(guest)?;
    assert_eq!(channel()?, [0; 5]);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_player_hears_of_a_reset_and_the_next_one_plays() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    let playback = start_playback(guest)?;
    reset(guest)?;
    assert_io_error(playback)?;
    assert_plays(guest, &device)?;

    // The same file, open all the time: one call fails, and the next one is for a stream of its own.
    guest.write_file("/tmp/long", wav("sweep-44k1-s16-stereo.wav").driver_bytes())?;
    guest.run(["busybox", "mkfifo", "/tmp/go"])?.success()?;
    // 20,000 frames are more than driver and device hold.
    let script = "exec 3>/dev/pwm-audio0
        busybox head -c 120000 /tmp/long >&3; echo >/tmp/started
        read -r _ </tmp/go
        busybox head -c 6 /tmp/long >&3 && exit 1
        busybox head -c 120000 /tmp/long >&3";
    let user = guest.start(["busybox", "sh", "-c", script])?;
    guest.run(["busybox", "cat", "/tmp/started"])?.success()?;
    reset(guest)?;
    let before = device.counters();
    guest.run(["busybox", "sh", "-c", "echo >/tmp/go"])?.success()?;
    assert_io_error(user)?;
    let after = device.counters();
    assert_eq!(after.streams, before.streams + 1);
    assert!(after.frames > before.frames, "{after:?}");
    assert_quiet(guest)?;
    board.shutdown()
}

/// INTx is a level, which under QEMU falls only when a register is accessed.
#[test]
fn a_reset_with_intx_leaves_no_interrupt_behind() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp).interrupts(OfferedInterrupts::Intx);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    let playback = start_playback(guest)?;
    let before = guest.interrupts()?.count(NODE);
    reset(guest)?;
    assert_io_error(playback)?;
    assert_plays(guest, &device)?;
    let counts = (before, guest.interrupts()?.count(NODE));
    let (Some(before), Some(after)) = counts else { panic!("{counts:?}") };
    // At most each FIFO's worth of 768 frames, the last one's end and one that comes twice.
    assert!(after - before < 100, "{counts:?}");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn who_waits_for_the_end_hears_of_a_reset() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    // With a loop, waiting for the end has none. So few frames are played when that begins.
    guest.write_file("/tmp/samples", wav("noise-8k-u8-mono.wav").driver_bytes())?;
    let playback =
        guest.start(["play", "--rate", "8000", "--bits", "8", "--channels", "1", "--loop", "/tmp/samples"])?;
    let registers = format!("/sys/bus/pci/devices/{}/resource0", function(guest)?.address);
    let script = format!("until registers {registers} TX.CONTROL | busybox grep -qx 0x1; do :; done");
    guest.run(["busybox", "sh", "-c", &script])?.success()?;
    reset(guest)?;
    assert_io_error(playback)?;
    assert_plays(guest, &device)?;
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_player_hears_of_an_unbind_and_keeps_nobody_from_the_next_binding() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    let playback = start_playback(guest)?;
    let address = function(guest)?.address;
    guest.run(["busybox", "mkfifo", "/tmp/done"])?.success()?;
    // This one does nothing, and has the node open until the end.
    let holder = guest.start(["busybox", "sh", "-c", "exec 4</dev/pwm-audio-window0; busybox cat /tmp/done"])?;
    guest.write_file(&format!("{DRIVER}/unbind"), address.clone())?;
    let player = playback.wait()?;
    assert!(player.error_text().contains("No such device"), "{player}");
    guest.write_file(&format!("{DRIVER}/bind"), address)?;
    assert_plays(guest, &device)?;
    guest.run(["busybox", "sh", "-c", "echo >/tmp/done"])?.success()?;
    holder.wait()?.success()?;
    assert_plays(guest, &device)?;
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_module_in_use_is_not_unloaded() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let rmmod = |script: &str| guest.run(["busybox", "sh", "-c", script]);
    for node in [NODE, WINDOW_NODE, "pwmchip0"] {
        let output = rmmod(&format!("exec 3</dev/{node}; busybox rmmod {MODULE}"))?.exit_code(1)?;
        assert!(output.error_text().contains("Resource temporarily unavailable"), "{node}: {output}");
    }
    guest.write_file(&format!("{CHIP}/export"), "6")?;
    let output = rmmod(&format!("busybox rmmod {MODULE}"))?.exit_code(1)?;
    assert!(output.error_text().contains("Resource temporarily unavailable"), "a channel: {output}");
    guest.write_file(&format!("{CHIP}/unexport"), "6")?;

    // An open file holds it also when the driver is unbound meanwhile.
    let address = function(guest)?.address;
    let script = format!("exec 3</dev/pwmchip0; echo {address} >{DRIVER}/unbind; busybox rmmod {MODULE}");
    let output = rmmod(&script)?.exit_code(1)?;
    assert!(output.error_text().contains("Resource temporarily unavailable"), "unbound: {output}");
    guest.unload_module(MODULE)?;
    guest.load_module(MODULE)?;
    assert_plays(guest, &device)?;
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_stream_of_the_sound_card_is_prepared_again_after_a_reset_and_the_mixer_kept() -> Result<(), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp);
    let board = Board::builder().device(device.clone()).sound_programs().boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    for (control, value) in [("Capture Volume", "77"), ("Loopback Switch", "on")] {
        guest.run(["amixer", "-q", "cset", &format!("name={control}"), value])?.success()?;
    }
    let file = wav("sweep-44k1-s16-stereo.wav");
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    // The buffer has 4,000 frames: a stream starts by itself when it is full. The first is reset when it runs, the next
    // when it has not started.
    let script = format!(
        "set -e
        busybox mkfifo /tmp/lines /tmp/answers
        pcm /dev/snd/pcmC0D0p S16_LE 2 48000 1000 4000 </tmp/lines >/tmp/answers & exec 3>/tmp/lines 4</tmp/answers
        ask() {{ echo \"$1\" >&3; read -r answer <&4; echo \"$answer\"; }}
        busybox head -c 12000 /tmp/samples >/tmp/some
        busybox head -c 16000 /tmp/samples >/tmp/all
        ask 'write /tmp/some'
        ask start
        echo 1 >{folder}/reset
        ask status
        ask 'write /tmp/some'
        ask prepare
        ask 'write /tmp/some'
        echo 1 >{folder}/reset
        ask start
        ask prepare
        ask 'write /tmp/all'
        ask drain
        exec 3>&-
        wait",
        folder = format!("/sys/bus/pci/devices/{}", function(guest)?.address)
    );
    let output = guest.run(["busybox", "sh", "-c", &script])?.success()?;
    let (xrun, not_prepared) = ("failed: os error 32", "failed: os error 77");
    let expected = ["done", "done", "XRUN", xrun, "done", "done", not_prepared, "done", "done", "done"];
    let text = output.text();
    // How many frames had been played when it was reset does not matter.
    let answers = text.lines().map(|line| if line.starts_with("XRUN ") { "XRUN" } else { line });
    assert_eq!(answers.collect::<Vec<_>>(), expected);
    assert_eq!(device.counters().streams, 2);
    assert_eq!(device.stream(2).expect("a capture").driver_bytes(), file.driver_bytes()[..16_000]);
    // RX.VOLUME, and loopback in RX.CONTROL.
    assert_eq!(perform_at(&board, &function(guest)?.address, &["0x55c:4", "0x540:4"])?, [77, 2]);
    assert_quiet(guest)?;
    board.shutdown()
}
