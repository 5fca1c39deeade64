//! `registers`: reads and writes registers of a PCI function, without a driver or through the driver's mapping of them.
//!
//! Exit codes: 0 done, 1 the BAR cannot be reached, 2 usage.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use guest_programs::{Operation, RegisterBar, Sharing};

const USAGE: &str = "usage: registers FILE OPERATION...
FILE is a BAR's file in sysfs, such as /sys/bus/pci/devices/0000:00:02.0/resource0 (write 1 to `enable` beside it first),
or /dev/pwm-audio0, which can be written if the driver has been loaded with writable_registers=1.
OPERATION is a register, a read, or REGISTER=VALUE, a write; what is read is printed, one value a line. A register is
named as in docs/pwm-audio.md, such as AUDIO.STATUS or PWM0.PERIOD, or given as OFFSET:BYTES.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((file, operations)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let operations: Vec<Operation> = match operations.iter().map(|operation| operation.parse()).collect() {
        Ok(operations) => operations,
        Err(error) => {
            eprintln!("registers: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match perform(Path::new(file), operations) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("registers: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(file: &Path, operations: Vec<Operation>) -> io::Result<()> {
    let writes = operations.iter().any(Operation::is_write);
    let mut bar = RegisterBar::open(file, if writes { Sharing::ReadWrite } else { Sharing::ReadOnly })?;
    for operation in operations {
        if let Some(value) = bar.perform(operation)? {
            println!("{value:#x}");
        }
    }
    Ok(())
}
