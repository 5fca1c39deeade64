//! The guest sees the functions that the datasheet describes. What is read here passes QEMU's config space emulation.

use cosim_tests::{Board, BoardError, PciBarKind};

use crate::served::Served;
use crate::support::{MODULE, board_with_device, function, perform, perform_at, window_function, write_config};

#[test]
fn the_function_has_its_ids_bars_and_capabilities() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    let function = function(board.guest())?;
    assert_eq!((function.subsystem_vendor, function.subsystem), (0x1b36, 0x0ad0));
    assert_eq!((function.class, function.revision), (0x04_01_00, 1), "multimedia audio controller");
    assert_eq!(function.interrupt_pin, 1, "pin A");
    let bars: Vec<_> = function.bars.iter().map(|bar| (bar.index, bar.size_bytes, bar.kind)).collect();
    let memory = PciBarKind::Memory32;
    assert_eq!(bars, [(0, 4_096, memory), (4, 4_096, memory)]);
    let capabilities: Vec<_> =
        function.capabilities.iter().map(|capability| (capability.id, capability.offset)).collect();
    let [msi, power, msix, express, vendor] = [(0x05, 0x40), (0x01, 0x50), (0x11, 0x60), (0x10, 0x70), (0x09, 0xb0)];
    assert_eq!(capabilities, [msi, power, msix, express, vendor]);
    assert_eq!(function.config_space.len(), 4_096);
    // Of the PCI Express capability: an endpoint that QEMU has integrated into the root complex, with function-level
    // reset. Of the vendor's: the version of the register map.
    assert_eq!(function.config_u16(0x72), Some(0x0092));
    assert_eq!((function.config_u16(0x74), function.config_u16(0x76)), (Some(0x8000), Some(0x1000)));
    assert_eq!((function.config_u16(0xb4), function.config_u16(0xb6)), (Some(0), Some(2)), "2.0");
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
    let capabilities: Vec<_> = window.capabilities.iter().map(|capability| capability.id).collect();
    assert_eq!((window.interrupt_pin, capabilities), (0, vec![0x01, 0x10, 0x09]), "neither MSI nor MSI-X");
    assert_eq!(window.driver.as_deref(), Some("pwm_audio_window"));
    board.shutdown()
}

#[test]
fn the_driver_binds_and_uses_msi_x() -> Result<(), BoardError> {
    let (board, _device) = board_with_device()?;
    board.guest().load_module(MODULE)?;
    let function = function(board.guest())?;
    assert_eq!(function.driver.as_deref(), Some("pwm_audio"));
    assert_eq!(function.config_u16(0x42), Some(0x0080), "MSI: 64-bit, one vector, off");
    assert_eq!(function.config_u16(0x62), Some(0x800f), "MSI-X: 16 vectors, enabled");
    board.shutdown()
}

/// QEMU fits the PCI Express capability to where the function is, and gives it as much config space as there is.
#[test]
fn the_driver_binds_behind_a_root_port_and_on_a_conventional_bus() -> Result<(), BoardError> {
    // An id that is no name of a property, which QEMU 11.1 would abort at.
    let root_port = ["-device", "pcie-root-port,id=root-port,chassis=1"].as_slice();
    let bridge = &["-device", "pcie-pci-bridge,id=bridge"];
    let (endpoint, integrated) = (0x0002, 0x0092);
    for (arguments, bus, slot, config_bytes, express) in [
        (root_port, Some("root-port"), "0", 4_096, endpoint),
        (bridge, Some("bridge"), "1", 256, endpoint),
        (&[], None, "1e", 4_096, integrated),
    ] {
        let served = Served::start();
        let functions = served.properties(slot).map(|mut function| {
            if let Some(bus) = bus {
                function["bus"] = bus.into();
            }
            function.to_string()
        });
        let devices = functions.iter().flat_map(|function| ["-device", function]);
        let board = Board::builder().qemu_arguments(arguments.iter().copied().chain(devices)).boot()?;
        board.guest().load_module(MODULE)?;
        let function = function(board.guest())?;
        assert_eq!(function.config_space.len(), config_bytes, "{arguments:?}");
        assert_eq!(function.config_u16(0x72), Some(express), "{arguments:?}");
        assert_eq!(function.config_u16(0x62), Some(0x800f), "{arguments:?}: MSI-X, enabled");
        served.plays(board.guest())?;
        board.shutdown()?;
    }
    Ok(())
}

/// What the guest's `setpci` would do. QEMU 11.1 takes the BARs away meanwhile, so the device is not asked; what a guest
/// reads then is QEMU's, 0.
#[test]
fn a_function_in_d3hot_is_not_reached_and_as_it_was_after_it() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    assert_eq!(perform(&board, &["SYSTEM.SCRATCH=7", "SYSTEM.SCRATCH"])?, [7]);
    let before = device.counters();
    let address = function(board.guest())?.address;
    let power = |state: u16| write_config(board.guest(), &address, 0x54, state);
    power(0x0003)?;
    assert_eq!(function(board.guest())?.config_u16(0x54), Some(0x000b), "D3hot, No_Soft_Reset");
    assert_ne!(perform_at(&board, &address, &["SYSTEM.SCRATCH=8", "SYSTEM.SCRATCH"])?, [8]);
    assert_eq!(device.counters(), before);
    power(0x0000)?;
    assert_eq!(perform_at(&board, &address, &["SYSTEM.SCRATCH"])?, [7]);
    let said = board.timeline_tail(3);
    assert!(said[0].ends_with("the function goes into D3hot"), "{said:#?}");
    assert!(said[1].ends_with("the function comes back to D0"), "{said:#?}");
    board.shutdown()
}
