//! The server under test, and the paragraph that it is tested for.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use device::{ClockMode, Device, OfferedInterrupts};
use device_model::{BlockKind, DeviceOptions, Functions};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use vfio_user_server::{DmaError, RunningServer, ServerOptions};

use crate::client::{Client, LIMIT};

/// A server with a device of its own.
pub(crate) struct Bench {
    paragraph: &'static str,
    device_id: u16,
    server: Option<RunningServer>,
    folder: TempDir,
}

impl Bench {
    /// Starts a server of function 0 for a case that tests `paragraph` of the specification.
    pub(crate) fn start(paragraph: &'static str) -> Self {
        Self::start_with(paragraph, ServerOptions::default())
    }

    /// The same for a server that does not serve as usual.
    pub(crate) fn start_with(paragraph: &'static str, server_options: ServerOptions) -> Self {
        Self::serve(paragraph, server_options, options(), 0x0ad0, |functions| functions.registers)
    }

    /// The same for a device that does not offer all interrupts.
    pub(crate) fn start_offering(paragraph: &'static str, interrupts: OfferedInterrupts) -> Self {
        let options = DeviceOptions { interrupts, ..options() };
        Self::serve(paragraph, ServerOptions::default(), options, 0x0ad0, |functions| functions.registers)
    }

    /// Starts a server of function 1, the sample window.
    pub(crate) fn start_window(paragraph: &'static str) -> Self {
        Self::start_window_with(paragraph, ServerOptions::default())
    }

    /// The same for a server that does not serve as usual.
    pub(crate) fn start_window_with(paragraph: &'static str, server_options: ServerOptions) -> Self {
        Self::serve(paragraph, server_options, options(), 0x0ad1, |functions| functions.window)
    }

    fn serve(
        paragraph: &'static str,
        server_options: ServerOptions,
        options: DeviceOptions,
        device_id: u16,
        function: impl FnOnce(Functions) -> Device,
    ) -> Self {
        let folder = TempDir::new().expect("folder");
        let device = function(device_model::functions(options).expect("device"));
        let server = server_options.listen(&socket(&folder), device, |_| {}).expect("server");
        Self { paragraph, device_id, server: Some(server), folder }
    }

    /// A client that has said nothing yet.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.socket(), self.paragraph, self.device_id)
    }

    /// A client that has agreed with the server on a version, in QEMU's words.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        let mut client = self.connect();
        client.negotiate();
        client
    }

    /// Expects that the next client is served.
    #[track_caller]
    pub(crate) fn serves(&self) {
        self.client().is_in_step();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// Guest memory as the device sees it; none where nothing is mapped.
    pub(crate) fn guest_bytes(&self, address: u64, bytes: usize) -> Option<Vec<u8>> {
        let mut data = vec![0; bytes];
        let server = self.server.as_ref()?;
        let seen = server.with_dma_mappings(|mappings| mappings.read(address, &mut data));
        seen.ok().map(|()| data)
    }

    /// Writes to guest memory as the device does.
    pub(crate) fn write_guest(&self, address: u64, data: &[u8]) {
        let server = self.server.as_ref().expect("a running server");
        server
            .with_dma_mappings(|mappings| mappings.write(address, data))
            .unwrap_or_else(|error| panic!("paragraph: {}\nthe device cannot write: {error}", self.paragraph));
    }

    /// Lets the device read guest memory, by file or by message.
    pub(crate) fn dma_read(&self, address: u64, bytes: usize) -> Transfer {
        let (sender, ended) = mpsc::channel();
        let on_end = move |result: Result<_, DmaError>| drop(sender.send(result.map_err(|error| error.to_string())));
        self.server.as_ref().expect("a running server").dma_read(address, bytes, on_end);
        Transfer { ended }
    }

    /// Lets the device write guest memory, by file or by message.
    pub(crate) fn dma_write(&self, address: u64, data: &[u8]) -> Transfer {
        let (sender, ended) = mpsc::channel();
        let on_end = move |result: Result<(), DmaError>| {
            drop(sender.send(result.map(|()| Vec::new()).map_err(|error| error.to_string())));
        };
        self.server.as_ref().expect("a running server").dma_write(address, data.to_vec(), on_end);
        Transfer { ended }
    }

    /// Expects something that the server does after a client has gone, when nobody is left to tell.
    #[track_caller]
    pub(crate) fn eventually(&self, expected: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            let paragraph = self.paragraph;
            assert!(
                started.elapsed() < LIMIT,
                "paragraph: {paragraph}\nexpected: {expected}\ncame: not within {LIMIT:?}"
            );
            thread::yield_now();
        }
    }
}

/// A transfer of the device's that is under way.
pub(crate) struct Transfer {
    ended: mpsc::Receiver<Result<Vec<u8>, String>>,
}

impl Transfer {
    /// Waits for its end; of a write there is no data.
    pub(crate) fn wait(self) -> Result<Vec<u8>, String> {
        self.ended.recv_timeout(LIMIT).expect("a transfer that ends")
    }
}

/// Whatever a case has sent, the server can be stopped after it and has not panicked.
impl Drop for Bench {
    fn drop(&mut self) {
        let server = self.server.take().expect("a server is stopped once");
        let (sender, stopped) = mpsc::channel();
        thread::spawn(move || sender.send(server.stop().is_some()));
        let stopped = stopped.recv_timeout(LIMIT);
        if !thread::panicking() {
            assert_eq!(stopped, Ok(true), "paragraph: {}\nexpected: a server that stops in order", self.paragraph);
        }
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("device.sock")
}

/// Makes 4 GiB, which is what a wrong count asks for, more than this process gets: a server that takes them ends it.
pub(crate) fn limit_memory() {
    let limit = Rlimit { current: Some(3 << 30), ..getrlimit(Resource::As) };
    setrlimit(Resource::As, limit).expect("a limit for memory");
}

fn options() -> DeviceOptions {
    DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp)
}
