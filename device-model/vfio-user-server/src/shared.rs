//! What the event loop and those who look at the device from outside share.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use device::{Clock, Device, DmaFailure, DmaId, DmaRequest, DmaTransfer, Pin};
use rustix::io::Errno;
use vmm_sys_util::eventfd::EventFd;
use vmm_sys_util::timerfd::TimerFd;

use crate::ServerOptions;
use crate::client_process::ClientProcess;
use crate::dma_mappings::{Direction, DmaError, DmaMappings};
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
    /// For transfers that end later, to tell the device.
    this: Weak<Self>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) device: Device,
    pub(crate) mappings: DmaMappings,
    eventfds: BTreeMap<Pin, OwnedFd>,
    /// For the event loop to take over.
    pub(crate) unmasking: Unmasking,
    pub(crate) timer: TimerFd,
    timer_at_wall_ns: Option<u64>,
    /// When the device was last let do by itself what it may.
    looked_at_wall_ns: u64,
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
            eventfds: BTreeMap::new(),
            unmasking: Unmasking::default(),
            timer: TimerFd::new()?,
            timer_at_wall_ns: None,
            looked_at_wall_ns: 0,
            client: None,
            stopping: false,
        };
        let wake = EventFd::new(0)?;
        Ok(Arc::new_cyclic(|this| Self {
            options,
            started: Instant::now(),
            state: Mutex::new(state),
            asked: Mutex::default(),
            wake,
            this: this.clone(),
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

    /// Does one step of the device and what it asks for, in the order of the documented invariant: the step, then DMA,
    /// then the interrupts, then (by returning) the reply.
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut State, u64) -> T) -> T {
        let mut state = self.lock();
        let wall_ns = self.wall_ns();
        if state.device.is_late(wall_ns) {
            self.wake(&mut state, wall_ns, false);
        }
        let result = step(&mut state, wall_ns);
        self.transfer(&mut state);
        state.fire_interrupts();
        state.set_timer(wall_ns);
        result
    }

    /// Moves the time of a device with a manual clock, with everything that is due until then.
    pub(crate) fn advance_to(&self, now_ns: u64) {
        while !self.step(|state, _| state.device.advance_to(now_ns)) {}
    }

    /// The timer has come: lets device time go on. `has_unread` tells whether the client has sent something that waits: a
    /// virtual CPU that has asked looks idle.
    pub(crate) fn timer_expired(&self, has_unread: impl FnOnce() -> bool) {
        self.step(|state, wall_ns| {
            // Reading the expirations makes the descriptor quiet again; how many there were does not matter.
            if state.timer.wait().is_err() {
                return;
            }
            state.timer_at_wall_ns = None;
            // In this order: who has slept all the time has sent nothing meanwhile.
            let guest_computes = state.client.as_ref().is_some_and(ClientProcess::computes) || has_unread();
            self.wake(state, wall_ns, guest_computes);
            state.looked_at_wall_ns = wall_ns;
        });
    }

    /// Lets device time go on to `wall_ns`, or as far as DMA by message lets it.
    fn wake(&self, state: &mut State, wall_ns: u64, guest_computes: bool) {
        state.device.wake(wall_ns, guest_computes);
        while self.transfer(state) {
            state.device.wake(wall_ns, guest_computes);
        }
    }

    /// Makes the transfers that the device asks for: at once by file, later by message. Gives whether there were any.
    fn transfer(&self, state: &mut State) -> bool {
        let mut any = false;
        while let Some((id, request)) = state.device.take_dma() {
            any = true;
            let direction = match request.transfer {
                DmaTransfer::Read { .. } => Direction::FromClient,
                DmaTransfer::Write { .. } => Direction::ToClient,
            };
            let result = match state.mappings.check(request.address, request.bytes(), direction) {
                Ok(true) => by_file(&state.mappings, request),
                Ok(false) => {
                    self.transfer_by_message(id, request);
                    continue;
                }
                Err(error) => Err(error),
            };
            state.device.dma_ended(id, result.map_err(DmaFailure::from));
        }
        any
    }

    fn transfer_by_message(&self, id: DmaId, DmaRequest { address, transfer, .. }: DmaRequest) {
        let this = self.this.clone();
        let tell = move |result: Result<Vec<u8>, DmaError>| {
            if let Some(shared) = this.upgrade() {
                let result = result.map_err(DmaFailure::from);
                shared.step(|state, wall_ns| {
                    state.device.pass(wall_ns);
                    state.device.dma_ended(id, result);
                });
            }
        };
        self.ask(match transfer {
            DmaTransfer::Read { bytes } => Transfer::read(address, bytes, Box::new(tell)),
            DmaTransfer::Write { data } => {
                Transfer::write(address, data, Box::new(move |result| tell(result.map(|_| Vec::new()))))
            }
        });
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
    /// Connects a pin to the client's descriptor, which never blocks, or disconnects it.
    pub(crate) fn connect(&mut self, pin: Pin, eventfd: Option<OwnedFd>) {
        self.device.connect_interrupt(pin, eventfd.is_some());
        match eventfd {
            Some(eventfd) => drop(self.eventfds.insert(pin, eventfd)),
            None => drop(self.eventfds.remove(&pin)),
        }
    }

    /// Forgets everything that belongs to a client that has gone. The device keeps its state.
    pub(crate) fn client_gone(&mut self) {
        for pin in std::mem::take(&mut self.eventfds).into_keys() {
            self.device.connect_interrupt(pin, false);
        }
        self.unmasking = Unmasking::ByMessage;
        self.mappings.clear();
        self.client = None;
        self.device.note("client disconnected");
    }

    fn fire_interrupts(&mut self) {
        while let Some(pin) = self.device.take_interrupt() {
            self.fire(pin);
        }
    }

    /// Signals the descriptor of a pin, if there is one.
    pub(crate) fn fire(&mut self, pin: Pin) {
        let Some(eventfd) = self.eventfds.get(&pin) else { return };
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
        // What could not happen when it was looked at last, because the guest computed, is looked at again after as long
        // as quiet takes.
        let could_not = wanted_ns <= self.looked_at_wall_ns;
        let wanted_ns = if could_not { self.looked_at_wall_ns + Clock::QUIET_WALL_NS } else { wanted_ns };
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
}

fn by_file(mappings: &DmaMappings, DmaRequest { address, transfer, .. }: DmaRequest) -> Result<Vec<u8>, DmaError> {
    match transfer {
        DmaTransfer::Read { bytes } => {
            let mut data = vec![0; bytes];
            mappings.read(address, &mut data).map(|()| data)
        }
        DmaTransfer::Write { data } => mappings.write(address, &data).map(|()| Vec::new()),
    }
}

/// Makes a client's descriptor one that never waits: neither a client that does not read its signals nor one that reads
/// the server's can block the device.
pub(crate) fn never_block(eventfd: &OwnedFd, pin: Pin) -> Result<(), Refusal> {
    let refused = |error| Refusal::new(error, format!("the descriptor for {pin} cannot be made ready: {error}"));
    rustix::io::ioctl_fionbio(eventfd, true).map_err(refused)
}
