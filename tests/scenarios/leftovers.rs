//! A process that is ended while it has a board leaves nothing behind: no QEMU, no folder.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use cosim_tests::{Board, BoardError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

struct BoardProcess {
    process: Child,
    qemu: OwnedFd,
    folder: PathBuf,
}

impl BoardProcess {
    /// Starts a process and returns when its board has booted.
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_board-process"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut line).expect("it tells of its board");
        let (qemu, folder) = line.trim_end().split_once(' ').expect("a process id and a folder");
        let qemu = Pid::from_raw(qemu.parse().expect("a number")).expect("a process id");
        let qemu = pidfd_open(qemu, PidfdFlags::empty()).expect("QEMU runs");
        let folder = PathBuf::from(folder);
        assert!(folder.is_dir(), "{}", folder.display());
        Self { process, qemu, folder }
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.process);
        kill_process(id, signal).expect("it runs");
    }

    /// Waits until QEMU has ended: its pidfd becomes readable.
    fn assert_qemu_ends(&self) {
        let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&self.qemu, PollFlags::IN)], Some(&limit)).expect("poll");
        assert_eq!(ended, 1, "QEMU lives on");
    }
}

#[test]
fn an_interrupted_process_cleans_up() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut board = BoardProcess::start();
        board.signal(signal);
        assert_eq!(board.process.wait().expect("it ends").code(), Some(code));
        board.assert_qemu_ends();
        assert!(!board.folder.exists(), "{} is left", board.folder.display());
    }
}

#[test]
fn what_a_killed_process_leaves_goes_with_the_next_boot() -> Result<(), BoardError> {
    let mut board = BoardProcess::start();
    board.signal(Signal::KILL);
    assert_eq!(board.process.wait().expect("it ends").signal(), Some(9));
    board.assert_qemu_ends();
    Board::boot()?.shutdown()?;
    assert!(!board.folder.exists(), "{} is left", board.folder.display());
    Ok(())
}
