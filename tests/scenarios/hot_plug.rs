//! The device is plugged into a guest that runs, unplugged and plugged again, with MSI.
//!
//! QEMU 11.1.3 aborts when a device is unplugged that uses MSI-X; this one offers none.

use std::collections::BTreeSet;

use cosim_tests::{Architecture, Board, BoardBuilder, BoardError, Guest, PciDevice, QemuMonitor, player};
use device::OfferedInterrupts;
use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{MODULE, NODE, WINDOW_NODE, assert_quiet, wav};

/// The PCI Express capability, and the register in it that controls the slot.
const EXPRESS: u8 = 0x10;
const SLOT_CONTROL: usize = 0x18;
/// Values of that register, as `printf` takes them: attention indicator off, power indicator and power on or off.
const POWER_ON: &str = r"\xc0\x01";
const POWER_OFF: &str = r"\xc0\x07";

/// The register of a port that has the number of the bus behind it.
const SECONDARY_BUS: usize = 0x19;

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
    /// The names that the device's nodes get.
    nodes: [&'static str; 2],
    /// How often the device has been plugged.
    plugged: u32,
}

impl<'board> Slot<'board> {
    /// A board with a slot that is empty.
    pub(crate) fn board() -> BoardBuilder {
        Board::builder().qemu_arguments(["-device", &format!("pcie-root-port,id={PORT},chassis=1")])
    }

    /// The slot, for a device with these properties in slot 0 (see [`Served::properties`]), whose nodes get these names.
    pub(crate) fn of(
        board: &'board Board,
        properties: [Value; 2],
        nodes: [&'static str; 2],
    ) -> Result<Self, BoardError> {
        let guest = board.guest();
        let port = guest.pci_devices()?.into_iter().find(|function| function.class >> 8 == 0x0604).expect("a port");
        let functions = properties.map(|mut properties| {
            properties["id"] = if properties["multifunction"] == true { "registers" } else { "window" }.into();
            properties["bus"] = PORT.into();
            properties
        });
        let monitor = board.qemu_monitor().expect("QEMU's monitor");
        let has_driver = board.lane().architecture == Architecture::X86_64;
        Ok(Self { guest, monitor, port, functions, has_driver, nodes, plugged: 0 })
    }

    /// Returns when the drivers have been bound.
    pub(crate) fn plug(&mut self) -> Result<(), BoardError> {
        self.plugged += 1;
        // The log is read from its start, and what comes is waited for. The window's function is bound last.
        let times = self.plugged.to_string();
        let bound = format!("/dev/{}", self.nodes[1]);
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
        let secondary_bus = format!(":{:02x}:", self.port.config_space[SECONDARY_BUS]);
        let mut functions = self.guest.pci_devices()?;
        functions.retain(|function| function.address.contains(&secondary_bus));
        assert_eq!(functions.len(), 2, "{functions:#x?}");
        // Asked for one of its functions, the whole slot goes.
        self.monitor.execute("device_del", &json!({ "id": "registers" })).expect("its end is asked for");
        if !self.has_driver {
            // The window, which is function 1, first.
            for function in functions.iter().rev() {
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
        assert!(!nodes.iter().any(|entry| self.nodes.contains(&entry.name.as_str())), "a node is left");
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
    let mut slot = Slot::of(&board, served.properties("0"), [NODE, WINDOW_NODE])?;
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

#[test]
fn unplugged_in_playback_a_device_fails_its_player_and_no_other() -> Result<(), BoardError> {
    let [stays, goes] = [Served::start(), Served::offering(OfferedInterrupts::Msi)];
    let board = Slot::board().qemu_arguments(stays.qemu_arguments()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let mut slot = Slot::of(&board, goes.properties("0"), ["pwm-audio1", "pwm-audio-window1"])?;
    slot.plug()?;

    let file = wav("sweep-44k1-s16-stereo.wav");
    guest.run(["busybox", "mkfifo", "/tmp/started"])?.success()?;
    let other = player(guest, &file)?;
    // 20,000 frames of 6 bytes are more than driver and device hold, so when they are written some have been played.
    let script = "exec 3>/dev/pwm-audio1; busybox head -c 120000 /tmp/samples >&3; echo >/tmp/started; \
                  while busybox cat /tmp/samples >&3; do :; done";
    let playback = guest.start(["busybox", "sh", "-c", script])?;
    guest.run(["busybox", "cat", "/tmp/started"])?.success()?;
    let other = guest.start(other)?;
    slot.unplug()?;
    let failed = playback.wait()?;
    assert!(failed.error_text().contains("No such device"), "{failed}");
    goes.wait_until_qemu_has_gone();

    // In warp time a device does not know that the guest waits for another one, so there may be an underrun. The capture
    // has the frames alone.
    let other = other.wait()?;
    assert!(other.is_success() || other.error_text().contains("os error 32"), "{other}");
    assert_eq!(stays.stream(1).difference(&file), None);
    stays.plays(guest)?;
    assert_quiet(guest)?;
    board.shutdown()
}
