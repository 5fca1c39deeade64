//! The device is plugged into a guest that runs, unplugged and plugged again, with MSI.
//!
//! QEMU 11.1.3 aborts when a device is unplugged that uses MSI-X; this one offers none.

use std::collections::BTreeSet;

use cosim_tests::{Architecture, Board, BoardBuilder, BoardError, Guest, PciDevice, QemuMonitor};
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

/// A guest with a slot.
pub(crate) struct Slot<'board> {
    guest: &'board Guest,
    monitor: QemuMonitor,
    port: PciDevice,
    /// What QEMU is to be told of the device's functions.
    functions: [Value; 2],
    /// ACPI's hot-plug driver does all that is to be done in the guest.
    has_driver: bool,
    /// How often the device has been plugged.
    plugged: u32,
}

impl<'board> Slot<'board> {
    /// A board with a slot that is empty.
    pub(crate) fn board() -> BoardBuilder {
        Board::builder().qemu_arguments(["-device", &format!("pcie-root-port,id={PORT},chassis=1")])
    }

    /// The slot, for a device with these properties in slot 0 (see [`Served::properties`]).
    pub(crate) fn of(board: &'board Board, properties: [Value; 2]) -> Result<Self, BoardError> {
        let guest = board.guest();
        let port = guest.pci_devices()?.into_iter().find(|function| function.class >> 8 == 0x0604).expect("a port");
        let functions = properties.map(|mut properties| {
            properties["id"] = if properties["multifunction"] == true { "registers" } else { "window" }.into();
            properties["bus"] = PORT.into();
            properties
        });
        let monitor = board.qemu_monitor().expect("QEMU's monitor");
        let has_driver = board.lane().architecture == Architecture::X86_64;
        Ok(Self { guest, monitor, port, functions, has_driver, plugged: 0 })
    }

    /// Returns when the drivers have been bound.
    pub(crate) fn plug(&mut self) -> Result<(), BoardError> {
        self.plugged += 1;
        // The log is read from its start, and what comes is waited for. The window's function is bound last.
        let times = self.plugged.to_string();
        let bound = format!("/dev/{WINDOW_NODE}");
        let bound = self.has_driver.then(|| self.guest.start(["busybox", "grep", "-m", &times, &bound, "/dev/kmsg"]));
        for function in &self.functions {
            self.monitor.execute("device_add", function).expect("it is plugged");
        }
        if let Some(bound) = bound {
            bound?.wait()?.success()?;
            return Ok(());
        }
        self.switch(POWER_ON)?;
        self.guest.write_file("/sys/bus/pci/rescan", "1")
    }

    /// Returns when the device has gone.
    pub(crate) fn unplug(&mut self) -> Result<(), BoardError> {
        // Asked for one of its functions, the whole slot goes.
        self.monitor.execute("device_del", &json!({ "id": "registers" })).expect("its end is asked for");
        if !self.has_driver {
            for function in [window_function(self.guest)?, function(self.guest)?] {
                self.guest.write_file(&format!("/sys/bus/pci/devices/{}/remove", function.address), "1")?;
            }
            self.switch(POWER_OFF)?;
        }
        let mut left = BTreeSet::from(["registers", "window"]);
        let all_deleted = |event: &str, data: &Value| {
            if event == "DEVICE_DELETED" {
                left.remove(data["device"].as_str().unwrap_or_default());
            }
            left.is_empty()
        };
        self.monitor.wait_for(all_deleted).expect("both are gone");
        let nodes = self.guest.read_directory("/dev")?;
        assert!(!nodes.iter().any(|entry| [NODE, WINDOW_NODE].contains(&entry.name.as_str())), "a node is left");
        Ok(())
    }

    /// Does what a hot-plug driver of PCI Express would do.
    fn switch(&self, power: &str) -> Result<(), BoardError> {
        let mut capabilities = self.port.capabilities.iter();
        let express = capabilities.find(|capability| capability.id == EXPRESS).expect("it is of PCI Express");
        let control = usize::from(express.offset) + SLOT_CONTROL;
        let file = format!("/sys/bus/pci/devices/{}/config", self.port.address);
        // In one write: QEMU looks at indicator and power together.
        let script = format!("printf '{power}' | busybox dd of={file} bs=2 seek={}", control / 2);
        self.guest.run(["busybox", "sh", "-c", &script])?.success()?;
        Ok(())
    }
}

#[test]
fn a_device_is_unplugged_and_plugged_again() -> Result<(), BoardError> {
    let served = Served::offering(OfferedInterrupts::Msi);
    let board = Slot::board().boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let mut slot = Slot::of(&board, served.properties("0"))?;
    for _ in 0..2 {
        slot.plug()?;
        served.plays(guest)?;
        guest.run(["window", "fill", "5a"])?.success()?;
        let interrupts = guest.interrupts()?;
        let mut vectors = interrupts.vectors.iter().filter(|vector| vector.handlers.iter().any(|name| name == NODE));
        assert!(vectors.next().is_some_and(|vector| vector.source.contains("PCI-MSI-")), "{interrupts:?}");
        slot.unplug()?;
        served.wait_until_qemu_has_gone();
    }
    assert_quiet(guest)?;
    board.shutdown()
}
