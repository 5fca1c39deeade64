//! One side goes in mid-playback while the other lives on: the guest, QEMU, the device's server. ARCHITECTURE.md, "When
//! one side goes", says what is left.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cosim_tests::{Board, BoardError, DeviceProcess, play};
use device::{Happening, Region};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::served::{self, Served, ServerProcess};
use crate::support::{
    DEVICE_PROGRAM, MODULE, assert_quiet, board_with_device, function, perform, perform_at, start_playback, wav,
};

/// What a read gives when nobody answers.
const ALL_ONES: u64 = 0xffff_ffff;

/// The guest is started again by `program`, finds the device in its cold state, and plays.
fn finds_the_device_reset_after(program: &str) -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    let _playback = start_playback(guest)?;
    perform_at(&board, &function(guest)?.address, &["SYSTEM.SCRATCH=0xcafef00d"])?;
    board.restart(["busybox", "sh", "-c", program])?;

    // The stream that a reset stops ends after it; what firmware resets again has none.
    let stops = |happening: &Happening| matches!(happening, Happening::StreamStopped { .. });
    let last = device.with_device(|device| {
        let mut happenings = device.timeline().events().map(|event| event.happening.clone()).rev();
        happenings.find(|happening| !stops(happening))
    });
    assert_eq!(last, Some(Happening::Reset), "{:#?}", board.timeline_tail(5));
    // SCRATCH, INTERRUPT_ENABLE, CONTROL and STATUS of the transmitter, by their offsets.
    assert_eq!(perform(&board, &["0x008:4", "0x014:4", "0x440:4", "0x44c:4"])?, [0, 0, 0, 0x0006_0000]);
    guest.load_module(MODULE)?;
    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    assert_eq!(device.stream(2).expect("a capture").difference(&file), None);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_guest_that_reboots_finds_the_device_reset() -> Result<(), BoardError> {
    finds_the_device_reset_after("busybox reboot -f")
}

#[test]
fn a_guest_that_panics_and_reboots_finds_the_device_reset() -> Result<(), BoardError> {
    finds_the_device_reset_after("echo c >/proc/sysrq-trigger")
}

#[test]
fn qemu_killed_leaves_the_device_as_it_was_and_nothing_else() -> Result<(), BoardError> {
    let served = Served::start();
    let device = served.qemu_arguments();
    let board = Board::builder().qemu_arguments(device.clone()).boot()?;
    let guest = board.guest();
    let _playback = start_playback(guest)?;
    // The write is posted: it has arrived when the read is answered.
    perform_at(&board, &function(guest)?.address, &["SYSTEM.SCRATCH=0xcafef00d", "SYSTEM.SCRATCH"])?;
    let qemu = board.qemu_process_id().expect("QEMU runs");
    let memory = guest_memory(&qemu.to_string());
    assert!(!guest_memory("self").is_disjoint(&memory), "the device has the guest's memory");

    kill_process(Pid::from_raw(qemu.cast_signed()).expect("a process id"), Signal::KILL).expect("it is ours");
    served.wait_until_qemu_has_gone();
    assert!(guest_memory("self").is_disjoint(&memory), "the guest's memory is kept");
    let mut scratch = [0; 4];
    served.server.with_device(|device| device.read(Region::Bar(0), 0x008, &mut scratch, 0));
    assert_eq!(u32::from_le_bytes(scratch), 0xcafe_f00d);
    drop(board);

    let board = Board::builder().qemu_arguments(device).boot()?;
    assert_eq!(perform(&board, &["0x008:4", "0x440:4"])?, [0, 0], "QEMU resets what it has connected to");
    board.guest().load_module(MODULE)?;
    served.plays(board.guest())?;
    assert_quiet(board.guest())?;
    board.shutdown()
}

/// The inodes of the files with guest memory that a process has open.
fn guest_memory(process: &str) -> BTreeSet<u64> {
    let is_memory = |link: PathBuf| link.to_string_lossy().starts_with("/memfd:memory-backend");
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs");
    // One that is closed meanwhile, as that of the folder itself, is none of memory.
    let paths = descriptors.map_while(Result::ok).map(|descriptor| descriptor.path());
    let memory = paths.filter(|path| fs::read_link(path).is_ok_and(is_memory));
    memory.filter_map(|path| fs::metadata(path).ok()).map(|file| file.ino()).collect()
}

#[test]
fn a_server_killed_and_started_again_is_for_the_next_board() -> Result<(), BoardError> {
    let device = DeviceProcess::new(DEVICE_PROGRAM);
    let killer = device.killer();
    let board = Board::builder().device(device).boot()?;
    let guest = board.guest();
    let playback = start_playback(guest)?;
    let address = function(guest)?.address;
    let sleep = guest.start(["busybox", "sleep", "1000"])?;
    // Between two accesses: in the middle of one, QEMU 11.1.3 aborts.
    let mut monitor = board.qemu_monitor().expect("QEMU's monitor");
    monitor.execute("stop", &json!({})).expect("the guest is stopped");
    killer.kill();
    let error = sleep.wait().expect_err("the board has lost its device");
    assert!(matches!(error, BoardError::DeviceDied { .. }), "{error}");
    board.tolerate_device_ends();

    let folder = TempDir::new().expect("a folder");
    let socket = board.folder().join("device-0.0");
    assert!(socket.exists(), "a server that is killed leaves its socket");
    let _server =
        ServerProcess::start([OsStr::new("--socket"), socket.as_ref(), "--capture".as_ref(), folder.path().as_ref()]);
    monitor.execute("cont", &json!({})).expect("the guest goes on");
    // The guest lives on without its device: QEMU does not connect again.
    assert_eq!(
        perform_at(&board, &address, &["SYSTEM.IDENTITY", "SYSTEM.SCRATCH=1", "SYSTEM.SCRATCH"])?,
        [ALL_ONES; 2]
    );
    // A driver that reads all ones gives up by itself; one that waits for an interrupt has to be told.
    guest.write_file("/sys/bus/pci/drivers/pwm_audio/unbind", address)?;
    let player = playback.wait()?;
    assert!(player.error_text().contains("No such device"), "{player}");

    let device = served::properties(&socket).to_string();
    let next = Board::builder().qemu_arguments(["-device", &device]).boot()?;
    next.guest().load_module(MODULE)?;
    served::plays(next.guest(), folder.path(), 1)?;
    assert_quiet(next.guest())?;
    next.shutdown()?;
    board.shutdown()
}

#[test]
fn a_server_that_hangs_costs_each_access_one_time_out() -> Result<(), BoardError> {
    let served = Served::start();
    let (time_out, device) = (Duration::from_secs(1), served.qemu_arguments());
    let shorter = format!("vfio-user-pci.x-msg-timeout={}", time_out.as_millis());
    let board = Board::builder().qemu_arguments(["-global", &shorter]).qemu_arguments(device.clone()).boot()?;
    assert_ne!(perform(&board, &["SYSTEM.IDENTITY"])?, [ALL_ONES]);
    let address = function(board.guest())?.address;
    let start = Instant::now();
    // While this looks at the device, the server cannot.
    let found = served.server.with_device(|_| perform_at(&board, &address, &["SYSTEM.IDENTITY", "SYSTEM.VERSION"]))?;
    assert_eq!(found, [ALL_ONES; 2]);
    let elapsed = start.elapsed();
    assert!(elapsed >= 2 * time_out && elapsed < 10 * time_out, "{elapsed:?}");
    board.guest().run(["busybox", "true"])?.success()?;
    // The answers come too late, and what QEMU makes of that differs: this board is of no more use.
    drop(board);
    served.wait_until_qemu_has_gone();

    let board = Board::builder().qemu_arguments(device).boot()?;
    board.guest().load_module(MODULE)?;
    served.plays(board.guest())?;
    board.shutdown()
}
