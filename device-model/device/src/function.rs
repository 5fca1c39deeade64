//! A block dressed as a PCI function.

mod describe;
mod dma;
mod injection;
mod pci;

use std::io::Write;
use std::sync::Arc;

use registers::Coverage;

use self::dma::Dma;
pub use self::dma::DmaId;
use crate::bus_view::BusView;
use crate::faults::Injector;
use crate::no_registers::NoRegisters;
use crate::{
    Access, Block, Clock, ClockMode, ConfigSpace, Direction, Effects, Event, Happening, Identity, Interrupts,
    OfferedInterrupts, Output, Pin, Region, SampleWindow, Snapshot, Stored, Timeline, Width,
};

/// Number of base address registers of a function.
pub const BAR_COUNT: u8 = 6;
/// The BAR that has the registers: every access is trapped.
pub const REGISTER_BAR: u8 = 0;
/// The BAR that has the sample window: the guest maps it.
pub const WINDOW_BAR: u8 = 2;

/// Takes what a block puts out: a WAV file, a test's buffer.
pub trait OutputSink: Send {
    /// Takes the outputs of one step, in order. An error in plain words goes to the timeline.
    fn take(&mut self, outputs: &[Output]) -> Result<(), String>;

    /// Completes what was taken: nothing more will come.
    fn close(&mut self) -> Result<(), String>;
}

/// Takes outputs and drops them.
pub struct Nowhere;

impl OutputSink for Nowhere {
    fn take(&mut self, _: &[Output]) -> Result<(), String> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Takes the coverage of a device that ends.
pub type CoverageTaker = Box<dyn FnOnce(&Coverage) + Send>;

/// A block as a PCI function, with its time and its timeline.
///
/// Every entry point takes the wall time and does one step: time moves on, the access takes place, what the block put
/// out is passed on, the interrupt level is derived from the block's state once. Then [`Device::take_interrupt`] says
/// which pin has to fire.
pub struct Device {
    block: Box<dyn Block>,
    identity: Identity,
    config: ConfigSpace,
    view: BusView,
    window: Option<SampleWindow>,
    clock: Clock,
    interrupts: Interrupts,
    timeline: Timeline,
    coverage: Coverage,
    coverage_taker: Option<CoverageTaker>,
    effects: Effects,
    dma: Dma,
    /// None without a plan of faults, which then costs nothing.
    faults: Option<Box<Injector>>,
    sink: Box<dyn OutputSink>,
    log: Option<Box<dyn Write + Send>>,
}

impl Device {
    /// Dresses `block` as the function `identity`: registers in BAR0, and one interrupt.
    pub fn new(block: Box<dyn Block>, identity: Identity, clock: ClockMode, sink: Box<dyn OutputSink>) -> Self {
        let mut device = Self {
            config: ConfigSpace::new(identity, &[0; 6], OfferedInterrupts::default()),
            view: BusView::new(block.register_map()),
            coverage: Coverage::new(Arc::clone(block.register_map())),
            coverage_taker: None,
            block,
            identity,
            window: None,
            clock: Clock::new(clock),
            interrupts: Interrupts::default(),
            timeline: Timeline::default(),
            effects: Effects::default(),
            dma: Dma::default(),
            faults: None,
            sink,
            log: None,
        };
        device.config = device.cold_config_space(OfferedInterrupts::default());
        device
    }

    /// The function `identity` that is `window` alone, in BAR2. It has no registers and no interrupt.
    pub fn memory(identity: Identity, window: SampleWindow) -> Self {
        let mut device = Self::new(Box::<NoRegisters>::default(), identity, ClockMode::Real, Box::new(Nowhere));
        device.window = Some(window);
        device.offering(OfferedInterrupts::None)
    }

    /// Writes every event from now on to `log`, a line each. A log that cannot be written any more is given up.
    pub fn log_timeline(&mut self, log: Box<dyn Write + Send>) {
        self.log = Some(log);
    }

    /// Size of a BAR in bytes, 0 where there is none.
    pub fn bar_bytes(&self, index: u8) -> u64 {
        self.bar_bytes_offering(index, self.offered_interrupts())
    }

    /// The memory that the guest maps, of a function that has some.
    pub fn window(&self) -> Option<&SampleWindow> {
        self.window.as_ref()
    }

    /// The memory that an access to `region` goes to.
    fn window_in(&self, region: Region) -> Option<&SampleWindow> {
        self.window.as_ref().filter(|_| region == Region::Bar(WINDOW_BAR))
    }

    /// What happened so far.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The state of the block now.
    pub fn snapshot(&self) -> Snapshot {
        self.block.save()
    }

    /// What accesses have touched of the registers, since the device was made.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Hands the coverage to `taker` when the device ends, which is when it is dropped or its outputs are closed.
    pub fn hand_coverage_to(&mut self, taker: CoverageTaker) {
        self.coverage_taker = Some(taker);
    }

    /// Device time in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Answers a read. What no part of the device answers reads as all ones, as on a bus where nobody drives the lines.
    pub fn read(&mut self, region: Region, offset: u64, data: &mut [u8], wall_ns: u64) {
        let now_ns = self.begin(wall_ns);
        if self.faults.is_some() {
            self.read_with_faults(region, offset, data, now_ns);
        } else {
            self.answer(region, offset, data, now_ns);
        }
        self.finish();
    }

    fn answer(&mut self, region: Region, offset: u64, data: &mut [u8], now_ns: u64) {
        match self.register_access(region, offset, data.len()) {
            _ if region == Region::Config => self.read_config(offset, data),
            _ if self.config.is_d3hot() => {
                data.fill(0xff);
                self.refuse_in_d3hot("read", region, offset, data.len());
            }
            Some(width) => {
                let value = self.block.read(offset, width, now_ns, &mut self.effects);
                data.copy_from_slice(&value.to_le_bytes()[..width.bytes()]);
                self.coverage.read(offset, width.bytes(), value);
                let old = self.view.exchange(offset, width, value);
                let direction = Direction::Read;
                self.record(Happening::Access(Access { region, direction, offset, width, value, old, new: value }));
            }
            None if self.window_in(region).is_some_and(|window| window.read(offset, data) == data.len()) => {}
            None if self.is_msix(region) && self.interrupts.vectors.read(offset, data) => {}
            None => {
                data.fill(0xff);
                self.effects.fault(format!("read of {} bytes at {region} {offset:#x}: nothing is there", data.len()));
            }
        }
    }

    /// Takes a write. What no part of the device takes is ignored.
    pub fn write(&mut self, region: Region, offset: u64, data: &[u8], wall_ns: u64) {
        let now_ns = self.begin(wall_ns);
        if self.faults.is_some() {
            self.write_with_faults(region, offset, data, now_ns);
        } else {
            self.take(region, offset, data, now_ns);
        }
        self.finish();
    }

    fn take(&mut self, region: Region, offset: u64, data: &[u8], now_ns: u64) {
        match self.register_access(region, offset, data.len()) {
            _ if region == Region::Config => self.write_config(offset, data),
            _ if self.config.is_d3hot() => self.refuse_in_d3hot("write", region, offset, data.len()),
            Some(width) => {
                let mut bytes = [0; 8];
                bytes[..data.len()].copy_from_slice(data);
                let value = u64::from_le_bytes(bytes);
                self.coverage.written(offset, width.bytes(), value);
                let Stored { old, new } = self.block.write(offset, width, value, now_ns, &mut self.effects);
                let readable = self.block.register_map().readable_bits_at(offset, width.bytes());
                self.view.exchange(offset, width, new & readable);
                // Before what it has caused, which is passed on at the end of the step.
                let direction = Direction::Write;
                self.record(Happening::Access(Access { region, direction, offset, width, value, old, new }));
            }
            None if self.window_in(region).is_some_and(|window| window.write(offset, data) == data.len()) => {}
            None if self.is_msix(region) && self.interrupts.vectors.write(offset, data) => {}
            None => {
                self.effects.fault(format!("write of {} bytes at {region} {offset:#x}: nothing is there", data.len()));
            }
        }
    }

    /// The width of an access that lies within the registers.
    fn register_access(&self, region: Region, offset: u64, bytes: usize) -> Option<Width> {
        let width = Width::try_from(bytes).ok()?;
        let end = offset.checked_add(bytes as u64)?;
        (region == Region::Bar(REGISTER_BAR) && end <= self.block.register_bytes()).then_some(width)
    }

    /// Lets device time go on without an access, until the next transfer that is to take place. `guest_computes` says that
    /// the guest's CPU is not idle, which in warp time means that it is to be waited for, as it is when it owes the answer
    /// to an interrupt.
    pub fn wake(&mut self, wall_ns: u64, guest_computes: bool) {
        while let Some(deadline_ns) = self.next_deadline_ns().filter(|_| self.dma.asked.is_empty()) {
            let busy = guest_computes || self.awaits_guest();
            let now_ns = self.clock.wake(wall_ns, deadline_ns, busy);
            if now_ns < deadline_ns {
                return;
            }
            self.advance(now_ns);
            self.finish();
        }
    }

    /// Moves the time of a device with a manual clock to `now_ns`, or to the first instant before it at which something
    /// happens; gives whether it is there. Otherwise DMA and interrupts are to be taken, as after every step, and this is
    /// to be called again. A clock that a fault has frozen does not move.
    ///
    /// # Panics
    /// If the device has another clock.
    pub fn advance_to(&mut self, now_ns: u64) -> bool {
        let next_ns = self.next_deadline_ns().map_or(now_ns, |deadline_ns| deadline_ns.min(now_ns));
        let reached_ns = self.clock.advance_to(next_ns);
        if reached_ns < next_ns {
            return true;
        }
        self.advance(reached_ns);
        self.finish();
        reached_ns >= now_ns && self.dma.asked.is_empty()
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        [self.block.next_deadline_ns(), self.next_fault_ns()].into_iter().flatten().min()
    }

    /// The wall time at which [`Self::wake`] is to be called, if nothing happens before.
    pub fn wake_at_wall_ns(&self) -> Option<u64> {
        self.clock.wake_at_wall_ns(self.next_deadline_ns()?, self.awaits_guest())
    }

    /// Whether a deadline has passed, of a device whose time is the wall's, that [`Self::wake`] has not been called for: an
    /// access would jump over it, and over the DMA that it asks for.
    pub fn is_late(&self, wall_ns: u64) -> bool {
        self.clock.follows_wall() && self.wake_at_wall_ns().is_some_and(|at_ns| at_ns <= wall_ns)
    }

    /// Whether the guest, or the bus, owes an answer.
    fn awaits_guest(&self) -> bool {
        self.interrupts.asserted() && !self.withholds_interrupt() || !self.dma.is_idle()
    }

    /// Resets the function as its bus does, and as its driver does with a function-level reset: block, config space and
    /// MSI-X table as after power-on, DMA given up. Time, timeline and what the client has connected go on.
    pub fn reset(&mut self, wall_ns: u64) {
        self.begin(wall_ns);
        self.reset_function();
        self.finish();
    }

    fn reset_function(&mut self) {
        self.record(Happening::Reset);
        self.make_cold();
    }

    fn make_cold(&mut self) {
        self.dma.give_up();
        self.block.reset(&mut self.effects);
        self.view = BusView::new(self.block.register_map());
        self.config = self.cold_config_space(self.offered_interrupts());
        self.interrupts.reset();
        self.faults.iter_mut().for_each(|faults| faults.reset());
    }

    /// Connects or disconnects an interrupt pin.
    pub fn connect_interrupt(&mut self, pin: Pin, connected: bool) {
        self.interrupts.connect(pin, connected);
    }

    /// Masks or unmasks pin A.
    pub fn mask_intx(&mut self, masked: bool) {
        self.interrupts.mask_intx(masked);
    }

    /// A pin that has to fire now. Ask after every step, until there is none.
    pub fn take_interrupt(&mut self) -> Option<Pin> {
        let pin = if self.faults.is_some() { self.interrupt_with_faults() } else { self.interrupts.take_due() }?;
        self.record(Happening::Interrupt(pin));
        Some(pin)
    }

    /// Completes what the device has put out and hands out its coverage, before its process ends in mid-stream.
    pub fn close_outputs(&mut self) -> Result<(), String> {
        self.hand_out_coverage();
        self.sink.close()
    }

    fn hand_out_coverage(&mut self) {
        if let Some(take) = self.coverage_taker.take() {
            take(&self.coverage);
        }
    }

    /// Adds a remark to the timeline.
    pub fn note(&mut self, note: impl Into<String>) {
        self.record(Happening::Note(note.into()));
    }

    fn begin(&mut self, wall_ns: u64) -> u64 {
        let now_ns = self.clock.access(wall_ns);
        self.advance(now_ns);
        self.pass_on_effects();
        now_ns
    }

    /// Lets everything happen that is due.
    fn advance(&mut self, now_ns: u64) {
        if self.faults.is_some() {
            self.advance_faults(now_ns);
        }
        self.block.advance(now_ns, &mut self.effects);
    }

    fn finish(&mut self) {
        self.pass_on_effects();
        self.interrupts.set_levels(self.block.interrupt_vectors());
    }

    fn record(&mut self, happening: Happening) {
        let event = Event { time_ns: self.clock.now_ns(), happening };
        let line = self.log.is_some().then(|| self.describe(&event));
        self.timeline.record(event);
        let Some((log, line)) = self.log.as_mut().zip(line) else { return };
        if let Err(error) = writeln!(log, "{line}") {
            self.log = None;
            self.note(format!("the timeline's log ends here: {error}"));
        }
    }

    fn pass_on_effects(&mut self) {
        // The step's effects are lent out so that recording them can use the rest of the device.
        let mut effects = std::mem::take(&mut self.effects);
        for output in effects.outputs() {
            match *output {
                Output::StreamStarted(format) => self.record(Happening::StreamStarted(format)),
                Output::Frame(_) => self.timeline.count_frame(),
                Output::StreamUnderrun => self.record(Happening::StreamUnderrun),
                Output::ReceiveOverrun => self.record(Happening::ReceiveOverrun),
                Output::Edge { .. } => {}
                Output::StreamStopped => {
                    let frames = self.timeline.stream_frames();
                    self.record(Happening::StreamStopped { frames });
                }
            }
        }
        self.dma.asked.extend(effects.take_dma_requests());
        for fault in effects.faults() {
            self.record(Happening::Fault(fault.clone()));
        }
        if !effects.outputs().is_empty()
            && let Err(problem) = self.sink.take(effects.outputs())
        {
            self.record(Happening::Fault(problem));
        }
        effects.clear();
        self.effects = effects;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.hand_out_coverage();
    }
}
