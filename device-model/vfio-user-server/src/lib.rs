//! Serves a [`Device`] over a vfio-user socket: the only crate that sees one.
//!
//! One thread runs an event loop (`event-manager`) over the listener, one client's connection, the device's deadlines and
//! what others ask for. It never waits for a client: a message comes in pieces, an answer goes out in pieces, and who
//! owes either for too long is dropped. The device is behind a lock, for those who look at it from outside; whoever
//! steps it also fires the interrupt that the step brought, before the guest has its reply.
//!
//! Layers, downwards: [`RunningServer`] > event loop > connection (bytes and descriptors) > session (what commands
//! do) > protocol (what messages mean) and device. What the protocol's specification, QEMU's
//! `docs/interop/vfio-user.rst`, leaves open is decided here:
//!
//! - A command before VERSION, a VERSION that is refused and a header that cannot be drop the client; everything else
//!   that is wrong is answered with an error, and the next command is served.
//! - One client at a time; the next one waits. When one goes, its memory and descriptors are dropped and the device
//!   keeps its state.
//! - Memory that a client shares is read and written through its descriptor, not mapped: a client that cuts its file
//!   short makes an error, not a SIGBUS.

mod client_process;
mod connection;
mod dma_mappings;
mod event_loop;
#[cfg(fuzzing)]
pub mod fuzzing;
mod incoming;
mod outgoing;
mod protocol;
mod regions;
mod session;
mod shared;
mod socket;
mod transfers;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use device::Device;

pub use crate::dma_mappings::{DmaError, DmaMapError, DmaMappings};
use crate::protocol::{MAXIMUM_DATA_BYTES, MAXIMUM_DESCRIPTORS};
use crate::shared::Shared;
pub use crate::socket::inherited_listener;
use crate::transfers::Transfer;

/// Why a device cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket cannot be made.
    #[error("cannot listen on {}: {reason}; choose a path in a folder of yours that nobody else listens on", path.display())]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The system has no more of something.
    #[error("cannot {what}: {reason}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: io::Error,
    },
}

impl Error {
    fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::System { what, reason }
    }
}

/// What a server tells whoever started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A client has gone, in order or because it sent what no client should. The next one may come.
    ClientGone,
    /// Serving has ended, otherwise than by [`RunningServer::stop`], for this reason.
    Failed(String),
}

/// How a server serves.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How long a client may owe the rest of a message, room for an answer, or an answer to a DMA message.
    pub patience: Duration,
    /// How long to look for the next command before sleeping. It spares a wake-up where client and server have a CPU
    /// each, and takes the client's time where they share one. With QEMU on a machine of two CPUs it loses.
    pub spin: Duration,
    /// Whether to agree on lists of writes (`REGION_WRITE_MULTI`).
    pub write_multiple: bool,
    /// The most bytes that a client may read or write with a message: up to 1 MiB.
    pub maximum_data_bytes: usize,
    /// The most descriptors that a client is told it may send with a message: up to 16, one for every vector of MSI-X.
    pub maximum_descriptors: usize,
    /// Whether to reset the device when a client has gone.
    pub reset_on_disconnect: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            spin: Duration::ZERO,
            // QEMU 11.1 asks for it, and was seen to use it once in many runs: too seldom to be tested with it.
            write_multiple: false,
            maximum_data_bytes: MAXIMUM_DATA_BYTES,
            maximum_descriptors: MAXIMUM_DESCRIPTORS,
            reset_on_disconnect: false,
        }
    }
}

/// A device being served, until this is dropped.
pub struct RunningServer {
    shared: Arc<Shared>,
    /// The socket's, if the server has made it.
    path: Option<PathBuf>,
    thread: Option<JoinHandle<()>>,
}

impl ServerOptions {
    /// Listens on a new socket at `path`, for its owner only, and serves `device` to one client after the other.
    ///
    /// Calls `on_event` when something happens to the connection. The thread inherits the CPU affinity of the calling
    /// one.
    pub fn listen(
        self,
        path: &Path,
        device: Device,
        on_event: impl Fn(ServerEvent) + Send + 'static,
    ) -> Result<RunningServer, Error> {
        let listener = socket::listen(path).map_err(|reason| Error::Listen { path: path.to_owned(), reason })?;
        let mut server = self.serve(listener, device, on_event)?;
        server.path = Some(path.to_owned());
        Ok(server)
    }

    /// The same on a socket that listens already, and that stays where it is.
    pub fn serve(
        self,
        listener: UnixListener,
        device: Device,
        on_event: impl Fn(ServerEvent) + Send + 'static,
    ) -> Result<RunningServer, Error> {
        let shared = Shared::new(device, self).map_err(Error::system("make a timer"))?;
        let thread = event_loop::start(listener, Arc::clone(&shared), on_event)
            .map_err(Error::system("start the server's thread"))?;
        Ok(RunningServer { shared, path: None, thread: Some(thread) })
    }
}

impl RunningServer {
    /// Serves with the usual options: see [`ServerOptions::listen`].
    pub fn start(path: &Path, device: Device, on_event: impl Fn(ServerEvent) + Send + 'static) -> Result<Self, Error> {
        ServerOptions::default().listen(path, device, on_event)
    }

    /// Looks at the device, or pokes it, between two of its steps.
    pub fn with_device<T>(&self, look: impl FnOnce(&mut Device) -> T) -> T {
        look(&mut self.shared.lock().device)
    }

    /// Moves the time of a device with a manual clock to `now_ns`, never back: what is due until then happens in order,
    /// each with its DMA and interrupts. Transfers by message end later.
    ///
    /// # Panics
    /// If the device has another clock.
    pub fn advance_to(&self, now_ns: u64) {
        self.shared.advance_to(now_ns);
    }

    /// Looks at the guest memory that the client shares.
    pub fn with_dma_mappings<T>(&self, look: impl FnOnce(&DmaMappings) -> T) -> T {
        look(&self.shared.lock().mappings)
    }

    /// Reads guest memory, by file or by message, and calls `on_end` with it from the server's thread.
    pub fn dma_read(
        &self,
        address: u64,
        bytes: usize,
        on_end: impl FnOnce(Result<Vec<u8>, DmaError>) + Send + 'static,
    ) {
        self.shared.ask(Transfer::read(address, bytes, Box::new(on_end)));
    }

    /// Writes guest memory, by file or by message, and calls `on_end` from the server's thread.
    pub fn dma_write(&self, address: u64, data: Vec<u8>, on_end: impl FnOnce(Result<(), DmaError>) + Send + 'static) {
        self.shared.ask(Transfer::write(address, data, Box::new(|result| on_end(result.map(drop)))));
    }

    /// Stops serving, drops a client that is connected, and gives the device back; none if its thread has panicked.
    pub fn stop(mut self) -> Option<Device> {
        let panicked = self.end().is_err();
        let shared = Arc::clone(&self.shared);
        drop(self);
        if panicked { None } else { Arc::into_inner(shared).map(Shared::into_device) }
    }

    fn end(&mut self) -> thread::Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.shared.stop();
        if let Some(path) = &self.path {
            // Whoever removed it before has done what is wanted.
            let _ = std::fs::remove_file(path);
        }
        thread.join()
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if self.end().is_err() {
            log::error!("the server's thread panicked");
        }
    }
}
