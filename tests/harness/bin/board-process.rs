//! A process with a board, for the scenario that ends it from outside: it tells QEMU's process id and the board's folder,
//! then waits to be ended.

use std::io::{Read, stdin};

use cosim_tests::Board;

fn main() -> anyhow::Result<()> {
    let board = Board::boot()?;
    println!("{} {}", board.qemu_process_id().unwrap_or(0), board.folder().display());
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
