//! The event loop that wakes the device at its deadlines.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use event_manager::{EventManager, EventOps, Events, MutEventSubscriber, SubscriberOps};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::eventfd::EventFd;

use crate::shared::Shared;

const DEADLINE: u32 = 0;
const STOP: u32 = 1;

/// The thread of the event loop.
pub(crate) struct TimerThread {
    stop: EventFd,
    thread: JoinHandle<()>,
}

impl TimerThread {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let stop = EventFd::new(0)?;
        let waker = Waker { shared, stop: stop.try_clone()?, stopped: false };
        let mut events = EventManager::new().map_err(io::Error::other)?;
        let thread = thread::Builder::new().name("device-timer".to_owned()).spawn(move || {
            let id = events.add_subscriber(waker);
            while events.subscriber_mut(id).is_ok_and(|waker| !waker.stopped) {
                if let Err(error) = events.run() {
                    log::error!("the device's deadlines are not met any more: {error}");
                    return;
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) {
        if self.stop.write(1).is_ok() && self.thread.join().is_err() {
            log::error!("the timer's thread panicked");
        }
    }
}

struct Waker {
    shared: Arc<Shared>,
    stop: EventFd,
    stopped: bool,
}

impl MutEventSubscriber for Waker {
    fn init(&mut self, operations: &mut EventOps) {
        let state = self.shared.lock();
        for (descriptor, data) in [(state.timer.as_raw_fd(), DEADLINE), (self.stop.as_raw_fd(), STOP)] {
            operations
                .add(Events::with_data_raw(descriptor, data, EventSet::IN))
                .expect("two open descriptors go into an empty event loop");
        }
    }

    fn process(&mut self, events: Events, _operations: &mut EventOps) {
        if events.data() == STOP {
            self.stopped = true;
            return;
        }
        self.shared.step(|state, wall_ns| {
            // Reading the expirations makes the descriptor quiet again; how many there were does not matter.
            if state.timer.wait().is_ok() {
                state.timer_expired(wall_ns);
            }
        });
    }
}
