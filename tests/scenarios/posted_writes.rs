//! Register writes are posted, as on a PCI bus, on a board whose guest also maps the sample window: the guest goes on
//! before the device has seen them, and a read is answered after all of them.

use std::time::Duration;

use cosim_tests::{Board, BoardError};

use crate::served::Served;
use crate::support::{MODULE, assert_quiet, function, perform_at};

/// How many writes the device owes. They fit into the socket's buffer.
const WRITES: usize = 100;

#[test]
fn the_guest_fills_the_window_while_the_device_has_not_seen_its_register_writes() -> Result<(), BoardError> {
    let served = Served::start();
    // A write that waited would wait for longer than a call on the guest may take.
    let patient = ["-global", "vfio-user-pci.x-msg-timeout=600000"];
    let builder = Board::builder().qemu_arguments(patient).qemu_arguments(served.qemu_arguments());
    let board = builder.call_limit(Duration::from_secs(20)).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let address = function(guest)?.address;
    let writes: Vec<String> = (1..=WRITES).map(|value| format!("SYSTEM.SCRATCH={value}")).collect();
    let writes: Vec<&str> = writes.iter().map(String::as_str).collect();

    let counters = || served.server.with_device(|device| device.timeline().counters());
    let before = counters();
    // While this looks at function 0, its server cannot do any access.
    let seen = served.server.with_device(|_| {
        perform_at(&board, &address, &writes)?;
        guest.run(["window", "write", "0x10", "c0ffee"])?.success()?;
        let mut seen = [0; 3];
        served.window.read(0x10, &mut seen);
        Ok::<_, BoardError>(seen)
    })?;
    assert_eq!(seen, [0xc0, 0xff, 0xee]);

    assert_eq!(perform_at(&board, &address, &["SYSTEM.SCRATCH"])?, [WRITES as u64], "the last of them");
    let after = counters();
    assert_eq!(after.register_writes - before.register_writes, WRITES as u64);
    assert_eq!(after.register_reads - before.register_reads, 1);
    served.plays(guest)?;
    assert_quiet(guest)?;
    board.shutdown()
}
