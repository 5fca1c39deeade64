//! The device is plugged into a guest that runs, unplugged and plugged again, with MSI.
//!
//! The guest's kernel has no hot-plug driver: the scenario does what one would do with the slot's power, by hand. QEMU
//! 11.1.3 aborts when a device is unplugged that uses MSI-X; this one offers none.

use std::collections::BTreeSet;

use cosim_tests::{Board, BoardError, Guest, PciDevice};
use device::OfferedInterrupts;
use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{MODULE, NODE, WINDOW_NODE, assert_quiet, function, window_function};

/// The PCI Express capability, and the register in it that controls the slot.
const EXPRESS: u8 = 0x10;
const SLOT_CONTROL: usize = 0x18;
/// Values of that register, as `printf` takes them: attention indicator off, power indicator and power on or off.
const POWER_ON: &str = r"\xc0\x01";
const POWER_OFF: &str = r"\xc0\x07";

/// The port whose slot takes the device. It has an id that is no name of a property, which QEMU 11.1 would abort at.
const PORT: &str = "hot-plug";

/// Does what a hot-plug driver would do.
fn switch(guest: &Guest, port: &PciDevice, power: &str) -> Result<(), BoardError> {
    let express = port.capabilities.iter().find(|capability| capability.id == EXPRESS).expect("it is of PCI Express");
    let control = usize::from(express.offset) + SLOT_CONTROL;
    let file = format!("/sys/bus/pci/devices/{}/config", port.address);
    // In one write: QEMU looks at indicator and power together.
    let script = format!("printf '{power}' | busybox dd of={file} bs=2 seek={}", control / 2);
    guest.run(["busybox", "sh", "-c", &script])?.success()?;
    Ok(())
}

#[test]
fn a_device_is_unplugged_and_plugged_again() -> Result<(), BoardError> {
    let served = Served::offering(OfferedInterrupts::Msi);
    let port = format!("pcie-root-port,id={PORT},chassis=1");
    let board = Board::builder()
        // The slot's own registers, instead of ACPI's.
        .qemu_arguments(["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off", "-device", &port])
        .boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let port = guest.pci_devices()?.into_iter().find(|function| function.class >> 8 == 0x0604).expect("a port");
    let mut monitor = board.qemu_monitor().expect("QEMU's monitor");

    let functions = served.properties("0").map(|mut properties| {
        properties["id"] = if properties["multifunction"] == true { "registers" } else { "window" }.into();
        properties["bus"] = PORT.into();
        properties
    });
    for _ in 0..2 {
        for function in &functions {
            monitor.execute("device_add", function).expect("it is plugged");
        }
        switch(guest, &port, POWER_ON)?;
        guest.write_file("/sys/bus/pci/rescan", "1")?;
        served.plays(guest)?;
        guest.run(["window", "fill", "5a"])?.success()?;
        let interrupts = guest.interrupts()?;
        let mut vectors = interrupts.vectors.iter().filter(|vector| vector.handlers.iter().any(|name| name == NODE));
        assert!(vectors.next().is_some_and(|vector| vector.source.starts_with("PCI-MSI-")), "{interrupts:?}");

        // Asked for one of its functions, the whole slot goes.
        monitor.execute("device_del", &json!({ "id": "registers" })).expect("its end is asked for");
        for function in [window_function(guest)?, function(guest)?] {
            guest.write_file(&format!("/sys/bus/pci/devices/{}/remove", function.address), "1")?;
        }
        let nodes = guest.read_directory("/dev")?;
        assert!(!nodes.iter().any(|entry| [NODE, WINDOW_NODE].contains(&entry.name.as_str())), "a node is left");
        switch(guest, &port, POWER_OFF)?;
        let mut left = BTreeSet::from(["registers", "window"]);
        let all_deleted = |event: &str, data: &Value| {
            if event == "DEVICE_DELETED" {
                left.remove(data["device"].as_str().unwrap_or_default());
            }
            left.is_empty()
        };
        monitor.wait_for(all_deleted).expect("both are gone");
        served.wait_until_qemu_has_gone();
    }
    assert_quiet(guest)?;
    board.shutdown()
}
