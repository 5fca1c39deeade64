//! The one thread of a server: listener, connection, deadlines, and what others ask for.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use event_manager::{EventManager, EventOps, Events, MutEventSubscriber, SubscriberOps};
use rustix::io::Errno;
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::timerfd::TimerFd;

use crate::ServerEvent;
use crate::client_process::ClientProcess;
use crate::connection::{Connection, End};
use crate::incoming::Progress;
use crate::shared::{Shared, Unmasking};
use crate::transfers::Transfer;

const LISTENER: u32 = 0;
const CLIENT: u32 = 1;
const DEADLINE: u32 = 2;
const WAKE: u32 = 3;
const PATIENCE: u32 = 4;
const UNMASK: u32 = 5;

/// Starts the thread.
pub(crate) fn start(
    listener: UnixListener,
    shared: Arc<Shared>,
    on_event: impl Fn(ServerEvent) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let server = Server {
        listener,
        shared,
        on_event: Box::new(on_event),
        connection: None,
        waits_for_room: false,
        patience: TimerFd::new()?,
        patience_set: false,
        unmask: None,
        ended: false,
    };
    let mut events = EventManager::new().map_err(io::Error::other)?;
    thread::Builder::new().name("vfio-user".to_owned()).spawn(move || {
        let id = events.add_subscriber(server);
        while events.subscriber_mut(id).is_ok_and(|server| !server.ended) {
            if let Err(error) = events.run()
                && let Ok(server) = events.subscriber_mut(id)
            {
                let reason = format!("the device is not served any more: {error}");
                return (server.on_event)(ServerEvent::Failed(reason));
            }
        }
    })
}

struct Server {
    listener: UnixListener,
    shared: Arc<Shared>,
    on_event: Box<dyn Fn(ServerEvent) + Send>,
    connection: Option<Connection>,
    /// What the loop has been told of the connection: that it is to be served when there is room.
    waits_for_room: bool,
    /// Comes when the client may have had its time.
    patience: TimerFd,
    patience_set: bool,
    /// The client's descriptor that unmasks INTx.
    unmask: Option<OwnedFd>,
    ended: bool,
}

impl MutEventSubscriber for Server {
    fn init(&mut self, operations: &mut EventOps) {
        let deadline = self.shared.lock().timer.as_raw_fd();
        for (descriptor, data) in [
            (self.listener.as_raw_fd(), LISTENER),
            (deadline, DEADLINE),
            (self.shared.wake.as_raw_fd(), WAKE),
            (self.patience.as_raw_fd(), PATIENCE),
        ] {
            watch(descriptor, data, operations);
        }
    }

    fn process(&mut self, events: Events, operations: &mut EventOps) {
        let result = match events.data() {
            LISTENER => {
                self.accept(operations);
                Ok(())
            }
            CLIENT => self.serve(),
            WAKE => self.woken(),
            PATIENCE => self.lose_patience(),
            UNMASK => {
                self.unmask_signalled(operations);
                Ok(())
            }
            _ => {
                let connection = self.connection.as_ref();
                self.shared.timer_expired(|| connection.is_some_and(Connection::has_unread));
                Ok(())
            }
        };
        match result {
            Ok(()) => self.tell_the_loop(operations),
            Err(end) => self.hang_up(&end, operations),
        }
    }
}

impl Server {
    fn accept(&mut self, operations: &mut EventOps) {
        let socket = match self.listener.accept() {
            Ok((socket, _)) => socket,
            // It went again, or a signal came: the next one will say so.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(error) => return self.fail(&format!("the vfio-user socket accepts nobody any more: {error}")),
        };
        let connection = Connection::new(socket);
        // One client at a time: the next one waits in the listener's queue.
        ignore(self.listener.as_raw_fd(), operations);
        watch(connection.descriptor(), CLIENT, operations);
        // A client in this very process would seem to compute whenever this thread looks.
        let peer = connection.peer_process_id().filter(|id| *id != std::process::id());
        self.shared.lock().client = peer.map(ClientProcess::new);
        self.waits_for_room = false;
        self.connection = Some(connection);
    }

    fn serve(&mut self) -> Result<(), End> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        connection.serve(&self.shared)?;
        let spin = self.shared.options.spin;
        if !spin.is_zero() {
            // The time is limited as a whole, so that deadlines have their turn.
            let began = Instant::now();
            while !connection.waits_for_room() && began.elapsed() < spin {
                if connection.serve(&self.shared)? == Progress::None {
                    std::hint::spin_loop();
                }
            }
        }
        Ok(())
    }

    fn woken(&mut self) -> Result<(), End> {
        // How often somebody asked does not matter.
        let _ = self.shared.wake.read();
        self.ended |= self.shared.lock().stopping;
        let asked = self.shared.take_asked();
        match &mut self.connection {
            Some(connection) if !self.ended => return connection.transfer(asked, &self.shared),
            _ => asked.into_iter().for_each(Transfer::refuse),
        }
        if self.connection.is_some() { Err(End::Gone) } else { Ok(()) }
    }

    fn lose_patience(&mut self) -> Result<(), End> {
        let _ = self.patience.wait();
        self.patience_set = false;
        let patience = self.shared.options.patience;
        self.connection.as_mut().map_or(Ok(()), |connection| connection.lose_patience(patience, &self.shared))
    }

    fn unmask_signalled(&mut self, operations: &mut EventOps) {
        let Some(eventfd) = &self.unmask else { return };
        match rustix::io::read(eventfd, &mut [0; 8]) {
            Ok(8) => self.shared.step(|state, _| state.device.mask_intx(false)),
            Err(Errno::AGAIN) => {}
            // No eventfd, or none any more: it would be ready for ever.
            _ => self.take_unmask(None, operations),
        }
    }

    /// Brings what the loop waits for up to date with what has happened.
    fn tell_the_loop(&mut self, operations: &mut EventOps) {
        let unmasking = std::mem::take(&mut self.shared.lock().unmasking);
        match unmasking {
            Unmasking::AsBefore => {}
            Unmasking::By(eventfd) => self.take_unmask(Some(eventfd), operations),
            Unmasking::ByMessage => self.take_unmask(None, operations),
        }
        let Some(connection) = &self.connection else { return };
        if connection.waits_for_room() != self.waits_for_room {
            self.waits_for_room = connection.waits_for_room();
            let events = if self.waits_for_room { EventSet::OUT } else { EventSet::IN };
            let client = Events::with_data_raw(connection.descriptor(), CLIENT, events);
            operations.modify(client).expect("the connection is in the event loop");
        }
        if let Some(since) = connection.waiting_since().filter(|_| !self.patience_set) {
            let left = self.shared.options.patience.saturating_sub(since.elapsed());
            // A timer of zero would be none.
            match self.patience.reset(left.max(Duration::from_millis(1)), None) {
                Ok(()) => self.patience_set = true,
                Err(error) => log::warn!("a client that stalls will not be dropped: {error}"),
            }
        }
    }

    fn take_unmask(&mut self, eventfd: Option<OwnedFd>, operations: &mut EventOps) {
        if let Some(old) = self.unmask.take() {
            ignore(old.as_raw_fd(), operations);
        }
        let Some(eventfd) = eventfd else { return };
        let watched = Events::with_data_raw(eventfd.as_raw_fd(), UNMASK, EventSet::IN);
        match operations.add(watched) {
            Ok(()) => self.unmask = Some(eventfd),
            Err(error) => log::warn!("the client's descriptor that unmasks INTx cannot be waited for: {error:?}"),
        }
    }

    fn hang_up(&mut self, end: &End, operations: &mut EventOps) {
        let Some(connection) = self.connection.take() else { return };
        if let End::Dropped(reason) = end {
            log::warn!("the vfio-user client is dropped: {reason}");
        }
        ignore(connection.descriptor(), operations);
        drop(connection);
        let reset = self.shared.options.reset_on_disconnect;
        self.shared.step(|state, wall_ns| {
            state.client_gone();
            if reset {
                state.device.reset(wall_ns);
            }
        });
        self.tell_the_loop(operations);
        watch(self.listener.as_raw_fd(), LISTENER, operations);
        (self.on_event)(ServerEvent::ClientGone);
    }

    fn fail(&mut self, reason: &str) {
        self.ended = true;
        (self.on_event)(ServerEvent::Failed(reason.to_owned()));
    }
}

fn watch(descriptor: RawFd, data: u32, operations: &mut EventOps) {
    let events = Events::with_data_raw(descriptor, data, EventSet::IN);
    operations.add(events).expect("an open socket, timer or eventfd can be waited for");
}

fn ignore(descriptor: RawFd, operations: &mut EventOps) {
    operations.remove(Events::empty_raw(descriptor)).expect("what is waited for can be ignored");
}
