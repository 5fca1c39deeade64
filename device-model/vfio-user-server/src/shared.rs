//! What the event loop and those who look at the device from outside share.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use device::{Clock, Device, Pin};
use rustix::io::Errno;
use vmm_sys_util::eventfd::EventFd;
use vmm_sys_util::timerfd::TimerFd;

use crate::ServerOptions;
use crate::client_process::ClientProcess;
use crate::dma_mappings::DmaMappings;
use crate::protocol::Refusal;
use crate::transfers::Transfer;

/// The device behind its lock.
pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    started: Instant,
    state: Mutex<State>,
    /// Transfers that the event loop has not begun yet.
    asked: Mutex<Vec<Transfer>>,
    /// Wakes the event loop, to stop or to begin transfers.
    pub(crate) wake: EventFd,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) device: Device,
    pub(crate) mappings: DmaMappings,
    intx: Option<OwnedFd>,
    msi: Option<OwnedFd>,
    /// For the event loop to take over.
    pub(crate) unmasking: Unmasking,
    pub(crate) timer: TimerFd,
    timer_at_wall_ns: Option<u64>,
    pub(crate) client: Option<ClientProcess>,
    /// Whether the event loop is to end.
    pub(crate) stopping: bool,
}

/// What the client has said about how it unmasks INTx.
#[derive(Default)]
pub(crate) enum Unmasking {
    /// Nothing new.
    #[default]
    AsBefore,
    /// By signalling this descriptor.
    By(OwnedFd),
    /// By messages only.
    ByMessage,
}

impl Shared {
    pub(crate) fn new(device: Device, options: ServerOptions) -> io::Result<Arc<Self>> {
        let state = State {
            device,
            mappings: DmaMappings::default(),
            intx: None,
            msi: None,
            unmasking: Unmasking::default(),
            timer: TimerFd::new()?,
            timer_at_wall_ns: None,
            client: None,
            stopping: false,
        };
        Ok(Arc::new(Self {
            options,
            started: Instant::now(),
            state: Mutex::new(state),
            asked: Mutex::default(),
            wake: EventFd::new(0)?,
        }))
    }

    /// Wall time since the device was started.
    fn wall_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes the lock. A thread that panicked while it held the lock has left a device that no one can reason about.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a step of the device panicked")
    }

    /// Does one step of the device and what it asks for, in the order of the documented invariant: the step, then the
    /// interrupt, then (by returning) the reply.
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut State, u64) -> T) -> T {
        let mut state = self.lock();
        let wall_ns = self.wall_ns();
        let result = step(&mut state, wall_ns);
        state.fire_interrupt();
        state.set_timer(wall_ns);
        result
    }

    /// Ends the event loop.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.wake_loop();
    }

    fn wake_loop(&self) {
        // A counter that is full wakes the loop as well.
        let _ = self.wake.write(1);
    }

    /// Hands a transfer to the event loop.
    pub(crate) fn ask(&self, transfer: Transfer) {
        self.asked.lock().expect("a list of transfers").push(transfer);
        self.wake_loop();
    }

    /// The transfers that were handed over since the last call.
    pub(crate) fn take_asked(&self) -> Vec<Transfer> {
        std::mem::take(&mut self.asked.lock().expect("a list of transfers"))
    }

    pub(crate) fn into_device(self) -> Device {
        self.state.into_inner().expect("a step of the device panicked").device
    }
}

impl State {
    /// Connects a pin to the client's descriptor, or disconnects it.
    pub(crate) fn connect(&mut self, pin: Pin, eventfd: Option<OwnedFd>) -> Result<(), Refusal> {
        eventfd.iter().try_for_each(|eventfd| never_block(eventfd, pin))?;
        self.device.connect_interrupt(pin, eventfd.is_some());
        *self.eventfd(pin) = eventfd;
        Ok(())
    }

    fn eventfd(&mut self, pin: Pin) -> &mut Option<OwnedFd> {
        match pin {
            Pin::Intx => &mut self.intx,
            Pin::Msi => &mut self.msi,
        }
    }

    /// Forgets everything that belongs to a client that has gone. The device keeps its state.
    pub(crate) fn client_gone(&mut self) {
        for pin in [Pin::Intx, Pin::Msi] {
            self.device.connect_interrupt(pin, false);
            *self.eventfd(pin) = None;
        }
        self.unmasking = Unmasking::ByMessage;
        self.mappings.clear();
        self.client = None;
        self.device.note("client disconnected");
    }

    fn fire_interrupt(&mut self) {
        if let Some(pin) = self.device.take_interrupt() {
            self.fire(pin);
        }
    }

    /// Signals the descriptor of a pin, if there is one.
    pub(crate) fn fire(&mut self, pin: Pin) {
        let Some(eventfd) = self.eventfd(pin) else { return };
        match rustix::io::write(eventfd, &1_u64.to_ne_bytes()) {
            // Full of signals that nobody has looked at: one more says nothing new.
            Ok(_) | Err(Errno::AGAIN) => {}
            Err(error) => self.device.note(format!("the interrupt by {pin} was lost: {error}")),
        }
    }

    /// Sets the timer for the device's next wake-up. A timer that comes too early is harmless, so one that is set is
    /// left alone unless it would come too late: in warp mode every access moves the wake-up further away.
    fn set_timer(&mut self, wall_ns: u64) {
        let Some(wanted_ns) = self.device.wake_at_wall_ns() else { return };
        // What could not happen now, because the guest computes, is looked at again after as long as quiet takes.
        let wanted_ns = if wanted_ns <= wall_ns { wall_ns + Clock::QUIET_WALL_NS } else { wanted_ns };
        if self.timer_at_wall_ns.is_some_and(|set_ns| set_ns <= wanted_ns) {
            return;
        }
        // A timer of zero would be none.
        let delay = Duration::from_nanos(wanted_ns.saturating_sub(wall_ns).max(1));
        match self.timer.reset(delay, None) {
            Ok(()) => self.timer_at_wall_ns = Some(wanted_ns),
            Err(error) => self.device.note(format!("the timer for {delay:?} cannot be set: {error}")),
        }
    }

    /// The timer has come: lets device time go on.
    pub(crate) fn timer_expired(&mut self, wall_ns: u64) {
        self.timer_at_wall_ns = None;
        let guest_computes = self.client.as_ref().is_some_and(ClientProcess::computes);
        self.device.wake(wall_ns, guest_computes);
    }
}

/// Makes a client's descriptor one that never waits: neither a client that does not read its signals nor one that reads
/// the server's can block the device.
pub(crate) fn never_block(eventfd: &OwnedFd, pin: Pin) -> Result<(), Refusal> {
    let refused = |error| Refusal::new(error, format!("the descriptor for {pin} cannot be made ready: {error}"));
    rustix::io::ioctl_fionbio(eventfd, true).map_err(refused)
}
