//! Serves a [`Device`] over a vfio-user socket: the only crate that sees one.
//!
//! Two threads share the device behind one lock. The *protocol* thread runs the `vfio_user` crate's server, one client
//! after the other; the *timer* thread runs an event loop that wakes the device when a deadline comes. Whoever steps
//! the device also fires the interrupt that the step brought, under the lock and before the guest has its reply.

mod backend;
mod client_process;
mod dma_mappings;
mod shared;
mod timer;

use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use device::{BAR_COUNT, CONFIG_SPACE_BYTES, Device};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_AUTOMASKED, VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_INFO_MASKABLE, VFIO_IRQ_INFO_NORESIZE,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_NUM_IRQS,
    VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_MMAP, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
    vfio_region_info, vfio_region_sparse_mmap_area,
};
use vfio_user::{IrqInfo, Server, ServerRegion, SparseArea};

use crate::backend::Backend;
use crate::client_process::ClientProcess;
pub use crate::dma_mappings::{DmaMapError, DmaMappings};
use crate::shared::Shared;

/// Why a device cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}; choose a path in a folder of yours that nobody else listens on", path.display())]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no more of something.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
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

/// A device being served. Dropping it without [`RunningServer::stop`] leaves its threads to the end of the process.
pub struct RunningServer {
    shared: Arc<Shared>,
    listener: OwnedFd,
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    protocol: JoinHandle<()>,
    timer: timer::TimerThread,
}

impl RunningServer {
    /// Listens on a new socket at `path`, for its owner only, and serves `device` to one client after the other.
    ///
    /// Calls `on_event` when something happens to the connection. The threads inherit the CPU affinity of the calling one.
    pub fn start(path: &Path, device: Device, on_event: impl Fn(ServerEvent) + Send + 'static) -> Result<Self, Error> {
        let listen_error = |source| Error::Listen { path: path.to_owned(), source };
        let listener = UnixListener::bind(path).map_err(listen_error)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(listen_error)?;
        let listener = OwnedFd::from(listener);
        let serving = listener.try_clone().map_err(Error::system("duplicate the socket"))?;

        let regions = regions(&device);
        let shared = Shared::new(device).map_err(Error::system("make a timer"))?;
        let timer =
            timer::TimerThread::start(Arc::clone(&shared)).map_err(Error::system("start the timer's thread"))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let protocol = {
            let shared = Arc::clone(&shared);
            let stopping = Arc::clone(&stopping);
            let server = Server::from_owned_fd(serving, true, interrupt_indexes(), regions);
            thread::Builder::new()
                .name("vfio-user".to_owned())
                .spawn(move || serve(&server, &shared, &stopping, on_event))
                .map_err(Error::system("start the protocol's thread"))?
        };
        Ok(Self { shared, listener, path: path.to_owned(), stopping, protocol, timer })
    }

    /// Names the process of the virtual machine, so that warp time waits for its guest while it computes. Without it only
    /// the accesses tell whether the guest is busy.
    pub fn set_client_process(&self, id: u32) {
        self.shared.lock().client = Some(ClientProcess::new(id));
    }

    /// Looks at the device, or pokes it, between two of its steps.
    pub fn with_device<T>(&self, look: impl FnOnce(&mut Device) -> T) -> T {
        look(&mut self.shared.lock().device)
    }

    /// Looks at the guest memory that the client shares.
    pub fn with_dma_mappings<T>(&self, look: impl FnOnce(&DmaMappings) -> T) -> T {
        look(&self.shared.lock().mappings)
    }

    /// Stops listening, waits until a client that is connected has gone, and gives the device back.
    pub fn stop(self) -> Option<Device> {
        self.stopping.store(true, Ordering::Release);
        // Ends a waiting accept(); it fails only where nobody listens any more, which is what it is for.
        let _ = rustix::net::shutdown(self.listener.as_fd(), rustix::net::Shutdown::Both);
        let _ = std::fs::remove_file(&self.path);
        let panicked = self.protocol.join().is_err();
        self.timer.stop();
        if panicked { None } else { Arc::into_inner(self.shared).map(Shared::into_device) }
    }
}

fn serve(server: &Server, shared: &Arc<Shared>, stopping: &AtomicBool, on_event: impl Fn(ServerEvent)) {
    let mut backend = Backend::new(Arc::clone(shared));
    loop {
        match server.run(&mut backend) {
            Err(vfio_user::Error::SocketAccept(_)) if stopping.load(Ordering::Acquire) => return,
            Err(error @ vfio_user::Error::SocketAccept(_)) => {
                let reason = format!("the vfio-user socket accepts nobody any more: {error}");
                return on_event(ServerEvent::Failed(reason));
            }
            Err(error) => log::warn!("the vfio-user client was dropped: {error}"),
            Ok(()) => {}
        }
        backend.client_gone();
        on_event(ServerEvent::ClientGone);
    }
}

fn interrupt_indexes() -> Vec<IrqInfo> {
    let info = |index, flags| IrqInfo { index, flags, count: u32::from(flags != 0) };
    (0..VFIO_PCI_NUM_IRQS)
        .map(|index| match index {
            VFIO_PCI_INTX_IRQ_INDEX => {
                info(index, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED)
            }
            VFIO_PCI_MSI_IRQ_INDEX => info(index, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE),
            _ => info(index, 0),
        })
        .collect()
}

fn regions(device: &Device) -> Vec<ServerRegion> {
    use std::os::fd::AsRawFd;

    (0..VFIO_PCI_NUM_REGIONS)
        .map(|index| {
            let bar = u8::try_from(index).ok().filter(|&index| index < BAR_COUNT);
            let size = match bar {
                Some(bar) => device.bar_bytes(bar),
                None if index == VFIO_PCI_CONFIG_REGION_INDEX => CONFIG_SPACE_BYTES as u64,
                None => 0,
            };
            let mapped = bar == Some(device::WINDOW_BAR);
            let flags = match size {
                0 => 0,
                _ if mapped => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP,
                _ => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
            };
            let region_info = vfio_region_info {
                argsz: size_of::<vfio_region_info>() as u32,
                flags,
                index,
                cap_offset: 0,
                size,
                offset: 0,
            };
            // The crate sends a region's descriptor only along with a list of areas, so the whole window is one.
            let whole = SparseArea { area: vfio_region_sparse_mmap_area { offset: 0, size } };
            ServerRegion {
                region_info,
                sparse_areas: if mapped { vec![whole] } else { Vec::new() },
                mmap_fd: mapped.then(|| device.window().file().as_raw_fd()),
            }
        })
        .collect()
}
