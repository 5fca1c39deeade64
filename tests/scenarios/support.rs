//! What several scenarios need: a board with the device and the driver, and the assets.

use std::path::{Path, PathBuf};

use cosim_tests::{Board, BoardError, Guest, PciDevice, PwmAudio, Wav};
use device::ClockMode;

/// The module's name.
pub(crate) const MODULE: &str = "pwm_audio";
/// The name of the driver's interrupt handler and of its node.
pub(crate) const NODE: &str = "pwm-audio0";

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

/// The device as the guest sees it.
pub(crate) fn function(guest: &Guest) -> Result<PciDevice, BoardError> {
    let devices = guest.pci_devices()?;
    let found = devices.iter().find(|device| (device.vendor, device.device) == (0x1b36, 0x0ad0));
    Ok(found.unwrap_or_else(|| panic!("no function 1b36:0ad0 among {devices:#x?}")).clone())
}

pub(crate) fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

pub(crate) fn wav(name: &str) -> Wav {
    Wav::open(&asset(name)).expect("an asset that can be played")
}

/// The kernel has nothing to complain about.
pub(crate) fn assert_quiet(guest: &Guest) -> Result<(), BoardError> {
    let log = guest.kernel_log()?;
    assert_eq!(log.warnings().count(), 0, "{log}");
    Ok(())
}
