//! The generated register tests as a guest makes them, through the mapped BAR and without a driver.

use cosim_tests::BoardError;

use crate::support::{board_with_device, function, perform_at};

const SVD: &str = include_str!("../../device-model/blocks/pwm-audio/pwm-audio.svd");
const DECLARATIONS: &str = include_str!("../../device-model/blocks/pwm-audio/pwm-audio.tests.toml");

#[test]
fn register_tests_in_the_guest() -> Result<(), BoardError> {
    let (board, device) = board_with_device()?;
    let guest = board.guest();
    let address = function(guest)?.address;
    let folder = format!("/sys/bus/pci/devices/{address}");
    guest.write_file(&format!("{folder}/enable"), "1")?;
    let bar = format!("{folder}/resource0");
    guest.write_file("/tmp/block.svd", SVD)?;
    guest.write_file("/tmp/block.tests.toml", DECLARATIONS)?;
    let command = ["register-tests", &bar, "/tmp/block.svd", "/tmp/block.tests.toml"];

    let output = guest.run(command)?.success()?;
    let text = output.text();
    let mut accesses = 0;
    // The declarations leave one register out of two tests, and eight out of another.
    let tests = [("reset-values", 138), ("bit-bash", 137), ("access-policy", 138), ("lanes", 137), ("aliasing", 130)];
    for (test, registers) in tests {
        let row = text.lines().find_map(|line| line.strip_prefix(test)).unwrap_or_else(|| panic!("no {test}: {text}"));
        let row: Vec<u64> = row.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        assert_eq!(row[0], registers, "{test}: {text}");
        assert!(matches!(row[..], [_, checks, _, 0] if checks > 0), "{test}: {text}");
        accesses += row[2];
    }
    // One read more: its answer says that the device has seen every write before it.
    perform_at(&board, &address, &["SYSTEM.IDENTITY"])?;
    let made = device.with_device(|device| {
        let counters = device.timeline().counters();
        counters.register_reads + counters.register_writes
    });
    assert_eq!(made, accesses + 1, "one access of the guest is one access of the device");

    // The same device is not what another description says.
    let storage = SVD.replacen("<modifiedWriteValues>oneToClear</modifiedWriteValues>", "", 1);
    guest.write_file("/tmp/block.svd", storage)?;
    let output = guest.run(command)?.exit_code(1)?;
    let expected = "bit-bash: SYSTEM.INTERRUPT_STATUS.tx_low, bit 0 (read-write): expected 1 after 1 was written to 1";
    assert!(output.text().contains(expected), "{}", output.text());
    board.shutdown()
}
