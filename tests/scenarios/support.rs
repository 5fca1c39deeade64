//! What several scenarios need: a board with the device and the driver, and the assets.

use std::path::{Path, PathBuf};

use cosim_tests::{Board, BoardError, Guest, PciDevice, PwmAudio, Running, Wav};
use device::ClockMode;

/// The module's name.
pub(crate) const MODULE: &str = "pwm_audio";
/// The name of the driver's interrupt handler and of its node.
pub(crate) const NODE: &str = "pwm-audio0";
/// The name of the sample window's node.
pub(crate) const WINDOW_NODE: &str = "pwm-audio-window0";

/// The program that is the device's process.
pub(crate) const DEVICE_PROGRAM: &str = env!("CARGO_BIN_EXE_device-process");

/// A board with the device in warp time, without the driver.
pub(crate) fn board_with_device() -> Result<(Board, PwmAudio), BoardError> {
    let device = PwmAudio::new(ClockMode::Warp);
    let board = Board::builder().device(device.clone()).boot()?;
    Ok((board, device))
}

/// A board with the device in warp time and the driver loaded.
pub(crate) fn board_with_driver() -> Result<(Board, PwmAudio), BoardError> {
    let (board, device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    Ok((board, device))
}

/// Does `operations` (see the guest's `registers` program) without a driver and gives what the reads among them gave. The
/// device has surely seen a write when a read after it has been answered.
pub(crate) fn perform(board: &Board, operations: &[&str]) -> Result<Vec<u64>, BoardError> {
    let address = function(board.guest())?.address;
    board.guest().write_file(&format!("/sys/bus/pci/devices/{address}/enable"), "1")?;
    perform_at(board, &address, operations)
}

/// The same on a function that is enabled already, by its driver.
pub(crate) fn perform_at(board: &Board, address: &str, operations: &[&str]) -> Result<Vec<u64>, BoardError> {
    perform_in(board, address, 0, operations)
}

/// The same in another BAR, whose registers have no names.
pub(crate) fn perform_in(board: &Board, address: &str, bar: u8, operations: &[&str]) -> Result<Vec<u64>, BoardError> {
    let file = format!("/sys/bus/pci/devices/{address}/resource{bar}");
    let words: Vec<&str> = ["registers", &file].into_iter().chain(operations.iter().copied()).collect();
    let output = board.guest().run(words)?.success()?;
    let value = |line: &str| u64::from_str_radix(line.trim_start_matches("0x"), 16).expect("a number");
    Ok(output.text().lines().map(value).collect())
}

/// Writes 16 bits of config space, at an even offset.
pub(crate) fn write_config(guest: &Guest, address: &str, offset: usize, value: u16) -> Result<(), BoardError> {
    let file = format!("/sys/bus/pci/devices/{address}/config");
    let [low, high] = value.to_le_bytes();
    let script = format!(r"printf '\x{low:02x}\x{high:02x}' | busybox dd of={file} bs=2 seek={}", offset / 2);
    guest.run(["busybox", "sh", "-c", &script])?.success()?;
    Ok(())
}

/// Function 0, the registers, as the guest sees it.
pub(crate) fn function(guest: &Guest) -> Result<PciDevice, BoardError> {
    function_with(guest, 0x0ad0)
}

/// Function 1, the sample window, as the guest sees it.
pub(crate) fn window_function(guest: &Guest) -> Result<PciDevice, BoardError> {
    function_with(guest, 0x0ad1)
}

fn function_with(guest: &Guest, device_id: u16) -> Result<PciDevice, BoardError> {
    let devices = guest.pci_devices()?;
    let found = devices.iter().find(|device| (device.vendor, device.device) == (0x1b36, device_id));
    Ok(found.unwrap_or_else(|| panic!("no function 1b36:{device_id:04x} among {devices:#x?}")).clone())
}

pub(crate) fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

pub(crate) fn wav(name: &str) -> Wav {
    Wav::open(&asset(name)).expect("an asset that can be played")
}

/// Loads the driver, starts a playback that goes on for a while and returns when frames are leaving the device.
pub(crate) fn start_playback(guest: &Guest) -> Result<Running, BoardError> {
    guest.load_module(MODULE)?;
    let samples = wav("sweep-44k1-s16-stereo.wav").driver_bytes();
    guest.write_file("/tmp/samples", samples)?;
    guest.run(["busybox", "mkfifo", "/tmp/started"])?.success()?;
    // 20,000 frames of 6 bytes are more than driver and device hold, so when they are written some have been played.
    let script = "exec 3>/dev/pwm-audio0; busybox head -c 120000 /tmp/samples >&3; echo >/tmp/started; \
                  while busybox cat /tmp/samples >&3; do :; done";
    let playback = guest.start(["busybox", "sh", "-c", script])?;
    guest.run(["busybox", "cat", "/tmp/started"])?.success()?;
    Ok(playback)
}

/// The kernel has nothing to complain about.
pub(crate) fn assert_quiet(guest: &Guest) -> Result<(), BoardError> {
    let log = guest.kernel_log()?;
    assert_eq!(log.warnings().count(), 0, "{log}");
    Ok(())
}
