//! The guest sees the functions that the datasheet describes. What is read here passes QEMU's config space emulation.

use cosim_tests::{BoardError, PciBarKind};

use crate::support::{MODULE, board_with_device, function, window_function};

#[test]
fn the_function_has_its_ids_bars_and_capabilities() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    let function = function(board.guest())?;
    assert_eq!((function.subsystem_vendor, function.subsystem), (0x1b36, 0x0ad0));
    assert_eq!((function.class, function.revision), (0x04_01_00, 1), "multimedia audio controller");
    assert_eq!(function.interrupt_pin, 1, "pin A");
    let bars: Vec<_> = function.bars.iter().map(|bar| (bar.index, bar.size_bytes, bar.kind)).collect();
    assert_eq!(bars, [(0, 4_096, PciBarKind::Memory32)]);
    let capabilities: Vec<_> =
        function.capabilities.iter().map(|capability| (capability.id, capability.offset)).collect();
    assert_eq!(capabilities, [(0x05, 0x40)], "MSI and nothing else");
    assert_eq!(function.driver, None);
    board.shutdown()
}

#[test]
fn the_window_is_function_1_of_the_same_slot_and_has_no_interrupt() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    let (registers, window) = (function(board.guest())?, window_function(board.guest())?);
    assert_eq!(registers.address.replace(".0", ".1"), window.address);
    assert_eq!((window.subsystem_vendor, window.subsystem), (0x1b36, 0x0ad1));
    assert_eq!((window.class, window.revision), (0x05_80_00, 1), "other memory controller");
    let bars: Vec<_> = window.bars.iter().map(|bar| (bar.index, bar.size_bytes, bar.kind)).collect();
    assert_eq!(bars, [(2, 65_536, PciBarKind::Memory32)]);
    assert_eq!((window.interrupt_pin, window.capabilities), (0, Vec::new()));
    assert_eq!(window.driver.as_deref(), Some("pwm_audio_window"));
    board.shutdown()
}

#[test]
fn the_driver_binds_and_uses_msi() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    let function = function(board.guest())?;
    assert_eq!(function.driver.as_deref(), Some("pwm_audio"));
    let message_control = u16::from_le_bytes([function.config_space[0x42], function.config_space[0x43]]);
    assert_eq!(message_control, 0x0081, "64-bit, one vector, enabled");
    board.shutdown()
}
