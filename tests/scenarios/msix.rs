//! MSI-X with the real driver: masks in config space and table, the pending bit meanwhile, and one interrupt after it.
//!
//! QEMU 11.1 keeps the table to itself and asks the device for the pending bits. The function mask reaches the device,
//! which holds the interrupt back and shows it as pending. The mask of a single vector does not: QEMU holds back what the
//! device has sent, and a guest finds no pending bit.

use cosim_tests::{Board, BoardError, Guest, InterruptVector, PciDevice, PwmAudio};
use device::{ClockMode, Happening, OfferedInterrupts, Pin};

use crate::support::{MODULE, NODE, assert_quiet, board_with_driver, function, perform_at, perform_in, write_config};

/// MSI-X's message control, 16 vectors: enabled, and with the function mask.
const ENABLED: u16 = 0x800f;
const MASKED: u16 = 0xc00f;
/// Of BAR4: vector control of entry 0, and the pending bits.
const UNMASK_VECTOR_0: &str = "0x00c:4=0";
const MASK_VECTOR_0: &str = "0x00c:4=1";
const PENDING_BITS: &str = "0x800:8";

/// Raises the block's interrupt, of a source that the driver leaves alone.
const RAISE: [&str; 2] = ["SYSTEM.INTERRUPT_ENABLE=0x2000", "SYSTEM.INTERRUPT_FORCE=0x2000"];
const LOWER: [&str; 1] = ["SYSTEM.INTERRUPT_STATUS=0x2000"];

/// The offset of a capability in config space.
fn place(function: &PciDevice, id: u8) -> usize {
    function
        .capability(id)
        .unwrap_or_else(|| panic!("no capability {id:#x} among {:?}", function.capabilities))
        .offset
        .into()
}

fn taken(guest: &Guest) -> Result<u64, BoardError> {
    Ok(guest.interrupts()?.count(NODE).expect("a handler"))
}

/// Waits until the handler has run `count` times in all; more than that is a failure.
fn wait_for(guest: &Guest, count: u64) -> Result<(), BoardError> {
    while taken(guest)? < count {}
    assert_eq!(taken(guest)?, count);
    Ok(())
}

/// Interrupts that the device has sent, and the way that the latest took.
fn sent(device: &PwmAudio) -> (u64, Option<Pin>) {
    device.with_device(|device| {
        let latest = device.timeline().events().rev().find_map(|event| match event.happening {
            Happening::Interrupt(pin) => Some(pin),
            _ => None,
        });
        (device.timeline().counters().interrupts, latest)
    })
}

#[test]
fn what_is_raised_under_either_mask_is_pending_and_taken_once() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let function = function(guest)?;
    let address = &function.address;
    let interrupts = guest.interrupts()?;
    let vector = interrupts.vectors.iter().find(|vector| vector.handlers.iter().any(|name| name == NODE));
    assert!(vector.is_some_and(|vector| vector.source.contains("PCI-MSIX-")), "{interrupts:?}");
    let control = place(&function, PciDevice::MSIX) + 2;
    assert_eq!(function.config_u16(control), Some(ENABLED));

    let mut count = taken(guest)?;
    for function_mask in [true, false, true, false] {
        let mask = |masked: bool| {
            if function_mask {
                write_config(guest, address, control, if masked { MASKED } else { ENABLED })
            } else {
                let operation = if masked { MASK_VECTOR_0 } else { UNMASK_VECTOR_0 };
                perform_in(&board, address, 4, &[operation]).map(drop)
            }
        };
        let (before, _) = sent(&device);
        mask(true)?;
        assert_eq!(perform_in(&board, address, 4, &[PENDING_BITS])?, [0]);
        perform_at(&board, address, &RAISE)?;
        if function_mask {
            assert_eq!(perform_in(&board, address, 4, &[PENDING_BITS])?, [1]);
        }
        assert_eq!(taken(guest)?, count, "function mask: {function_mask}");
        assert_eq!(sent(&device).0 - before, u64::from(!function_mask));
        mask(false)?;
        count += 1;
        wait_for(guest, count)?;
        assert_eq!(sent(&device), (before + 1, Some(Pin::MsiX(0))));
        assert_eq!(perform_in(&board, address, 4, &[PENDING_BITS])?, [0]);
        // One that is not masked comes after all that may have been late.
        perform_at(&board, address, &LOWER)?;
        perform_at(&board, address, &RAISE)?;
        count += 1;
        wait_for(guest, count)?;
        perform_at(&board, address, &LOWER)?;
        // What has been seen to under the function mask is not sent. Under the other one it has been already.
        mask(true)?;
        perform_at(&board, address, &RAISE)?;
        perform_at(&board, address, &LOWER)?;
        assert_eq!(perform_in(&board, address, 4, &[PENDING_BITS])?, [0]);
        mask(false)?;
        perform_at(&board, address, &RAISE)?;
        count += if function_mask { 1 } else { 2 };
        wait_for(guest, count)?;
        perform_at(&board, address, &LOWER)?;
    }
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_driver_takes_the_best_that_is_offered_and_says_so() -> Result<(), BoardError> {
    for (offered, sources, word) in [
        (OfferedInterrupts::Msi, ["PCI-MSI-"].as_slice(), ", MSI,"),
        // Of either architecture.
        (OfferedInterrupts::Intx, &["IO-APIC", "GICv3"], ", INTx,"),
        (OfferedInterrupts::MsiX, &["PCI-MSIX-"], ", MSI-X,"),
    ] {
        let device = PwmAudio::new(ClockMode::Warp).interrupts(offered);
        let board = Board::builder().device(device.clone()).boot()?;
        let guest = board.guest();
        guest.load_module(MODULE)?;
        let interrupts = guest.interrupts()?;
        let vector = interrupts.vectors.iter().find(|vector| vector.handlers.iter().any(|name| name == NODE));
        let is_one = |vector: &InterruptVector| sources.iter().any(|source| vector.source.contains(source));
        assert!(vector.is_some_and(is_one), "{offered}: {interrupts:?}");
        let log = guest.kernel_log()?.to_string();
        assert!(log.contains(word), "{offered}: {log}");
        board.shutdown()?;
    }
    Ok(())
}

#[test]
fn the_guests_function_level_reset_gives_the_cold_state() -> Result<(), BoardError> {
    let (board, device) = crate::support::board_with_device()?;
    let guest = board.guest();
    let address = function(guest)?.address;
    assert_eq!(crate::support::perform(&board, &["SYSTEM.SCRATCH=7", "SYSTEM.SCRATCH"])?, [7]);
    let file = |name: &str| format!("/sys/bus/pci/devices/{address}/{name}");
    guest.write_file(&file("reset_method"), "flr")?;
    let resets = || {
        device.with_device(|device| {
            device.timeline().events().filter(|event| event.happening == Happening::Reset).count()
        })
    };
    let before = resets();
    guest.write_file(&file("reset"), "1")?;
    assert_eq!(resets(), before + 1);
    assert_eq!(perform_at(&board, &address, &["SYSTEM.SCRATCH"])?, [0]);
    // With the driver: its vector is as it was, as the kernel has restored it.
    guest.load_module(MODULE)?;
    let count = taken(guest)?;
    guest.write_file(&file("reset"), "1")?;
    perform_at(&board, &address, &RAISE)?;
    wait_for(guest, count + 1)?;
    assert_quiet(guest)?;
    board.shutdown()
}
