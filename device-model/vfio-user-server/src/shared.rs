//! What the protocol thread and the timer thread share: the device and the ways to the outside.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use device::{Clock, Device, Pin};
use vmm_sys_util::eventfd::EventFd;
use vmm_sys_util::timerfd::TimerFd;

use crate::client_process::ClientProcess;
use crate::dma_mappings::DmaMappings;

/// The device behind its lock.
pub(crate) struct Shared {
    started: Instant,
    state: Mutex<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) device: Device,
    pub(crate) mappings: DmaMappings,
    intx: Option<EventFd>,
    msi: Option<EventFd>,
    pub(crate) timer: TimerFd,
    timer_at_wall_ns: Option<u64>,
    pub(crate) client: Option<ClientProcess>,
}

impl Shared {
    pub(crate) fn new(device: Device) -> io::Result<Arc<Self>> {
        let state = State {
            device,
            mappings: DmaMappings::default(),
            intx: None,
            msi: None,
            timer: TimerFd::new()?,
            timer_at_wall_ns: None,
            client: None,
        };
        Ok(Arc::new(Self { started: Instant::now(), state: Mutex::new(state) }))
    }

    /// Wall time since the device was started.
    pub(crate) fn wall_ns(&self) -> u64 {
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

    pub(crate) fn into_device(self) -> Device {
        self.state.into_inner().expect("a step of the device panicked").device
    }
}

impl State {
    /// Connects a pin to the client's descriptor, or disconnects it.
    pub(crate) fn connect(&mut self, pin: Pin, eventfd: Option<EventFd>) {
        self.device.connect_interrupt(pin, eventfd.is_some());
        *self.eventfd(pin) = eventfd;
    }

    fn eventfd(&mut self, pin: Pin) -> &mut Option<EventFd> {
        match pin {
            Pin::Intx => &mut self.intx,
            Pin::Msi => &mut self.msi,
        }
    }

    /// Forgets everything that belongs to a client that has gone. The device keeps its state.
    pub(crate) fn client_gone(&mut self) {
        self.connect(Pin::Intx, None);
        self.connect(Pin::Msi, None);
        self.mappings = DmaMappings::default();
        self.device.note("client disconnected");
    }

    fn fire_interrupt(&mut self) {
        let Some(pin) = self.device.take_interrupt() else { return };
        if let Some(Err(error)) = self.eventfd(pin).as_ref().map(|eventfd| eventfd.write(1)) {
            self.device.note(format!("the interrupt by {pin} was lost: {error}"));
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
