//! `device-model serve` for [`cosim_tests::DeviceProcess`]: it also ends when whoever started it has ended.

use rustix::process::{Signal, set_parent_process_death_signal};

fn main() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    device_model::serve::main()
}
