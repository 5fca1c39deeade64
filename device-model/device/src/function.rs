//! A block dressed as a PCI function.

use std::io::Write;
use std::sync::Arc;

use registers::Coverage;

use crate::bus_view::BusView;
use crate::no_registers::NoRegisters;
use crate::{
    Access, Block, Clock, ClockMode, ConfigSpace, Direction, Effects, Event, Happening, Identity, Interrupts, Output,
    Pin, Region, Run, SampleWindow, Stored, StreamFormat, Timeline, Width,
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
    sink: Box<dyn OutputSink>,
    log: Option<Box<dyn Write + Send>>,
}

impl Device {
    /// Dresses `block` as the function `identity`: registers in BAR0, and one interrupt.
    pub fn new(block: Box<dyn Block>, identity: Identity, clock: ClockMode, sink: Box<dyn OutputSink>) -> Self {
        let mut device = Self {
            config: ConfigSpace::new(identity, &[0; 6]),
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
            sink,
            log: None,
        };
        device.config = device.cold_config_space();
        device
    }

    /// The function `identity` that is `window` alone, in BAR2. It has no registers and no interrupt.
    pub fn memory(identity: Identity, window: SampleWindow) -> Self {
        let mut device = Self::new(Box::<NoRegisters>::default(), identity, ClockMode::Real, Box::new(Nowhere));
        device.window = Some(window);
        device.config = device.cold_config_space();
        device
    }

    /// Writes every event from now on to `log`, a line each. A log that cannot be written any more is given up.
    pub fn log_timeline(&mut self, log: Box<dyn Write + Send>) {
        self.log = Some(log);
    }

    fn cold_config_space(&self) -> ConfigSpace {
        let mut bars = [0; BAR_COUNT as usize];
        for (index, size) in (0..).zip(&mut bars) {
            *size = self.bar_bytes(index) as u32;
        }
        let space = ConfigSpace::new(self.identity, &bars);
        if self.has_interrupt() { space.with_interrupt() } else { space }
    }

    /// Whether it has an interrupt: what has no registers has nothing to clear one with.
    pub fn has_interrupt(&self) -> bool {
        self.block.register_bytes() > 0
    }

    /// Size of a BAR in bytes, 0 where there is none.
    pub fn bar_bytes(&self, index: u8) -> u64 {
        match index {
            REGISTER_BAR => self.block.register_bytes(),
            WINDOW_BAR => self.window.as_ref().map_or(0, |window| window.bytes() as u64),
            _ => 0,
        }
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
        match self.register_access(region, offset, data.len()) {
            _ if region == Region::Config => self.config.read(offset, self.interrupts.asserted(), data),
            Some(width) => {
                let value = self.block.read(offset, width, now_ns, &mut self.effects);
                data.copy_from_slice(&value.to_le_bytes()[..width.bytes()]);
                self.coverage.read(offset, width.bytes(), value);
                let old = self.view.exchange(offset, width, value);
                let direction = Direction::Read;
                self.record(Happening::Access(Access { region, direction, offset, width, value, old, new: value }));
            }
            None if self.window_in(region).is_some_and(|window| window.read(offset, data) == data.len()) => {}
            None => {
                data.fill(0xff);
                self.effects.fault(format!("read of {} bytes at {region} {offset:#x}: nothing is there", data.len()));
            }
        }
        self.finish();
    }

    /// Takes a write. What no part of the device takes is ignored.
    pub fn write(&mut self, region: Region, offset: u64, data: &[u8], wall_ns: u64) {
        let now_ns = self.begin(wall_ns);
        match self.register_access(region, offset, data.len()) {
            _ if region == Region::Config => {
                self.config.write(offset, data);
                self.interrupts.disable_intx(self.config.intx_disabled());
            }
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
            None => {
                self.effects.fault(format!("write of {} bytes at {region} {offset:#x}: nothing is there", data.len()));
            }
        }
        self.finish();
    }

    /// The width of an access that lies within the registers.
    fn register_access(&self, region: Region, offset: u64, bytes: usize) -> Option<Width> {
        let width = Width::try_from(bytes).ok()?;
        let end = offset.checked_add(bytes as u64)?;
        (region == Region::Bar(REGISTER_BAR) && end <= self.block.register_bytes()).then_some(width)
    }

    /// Lets device time go on without an access. `guest_computes` says that the guest's CPU is not idle, which in warp
    /// time means that it is to be waited for, as it is when it owes the answer to an interrupt.
    pub fn wake(&mut self, wall_ns: u64, guest_computes: bool) {
        while let Some(deadline_ns) = self.block.next_deadline_ns() {
            let busy = guest_computes || self.interrupts.asserted();
            let now_ns = self.clock.wake(wall_ns, deadline_ns, busy);
            if now_ns < deadline_ns {
                return;
            }
            self.block.advance(now_ns, &mut self.effects);
            self.finish();
        }
    }

    /// The wall time at which [`Self::wake`] is to be called, if nothing happens before.
    pub fn wake_at_wall_ns(&self) -> Option<u64> {
        let deadline_ns = self.block.next_deadline_ns()?;
        Some(self.clock.wake_at_wall_ns(deadline_ns, self.interrupts.asserted()))
    }

    /// Resets the function as its bus does: block and config space as after power-on. Time and timeline go on.
    pub fn reset(&mut self, wall_ns: u64) {
        self.begin(wall_ns);
        self.record(Happening::Reset);
        self.block.reset(&mut self.effects);
        self.view = BusView::new(self.block.register_map());
        self.config = self.cold_config_space();
        self.interrupts.disable_intx(false);
        self.finish();
    }

    /// Connects or disconnects an interrupt pin.
    pub fn connect_interrupt(&mut self, pin: Pin, connected: bool) {
        self.interrupts.connect(pin, connected);
    }

    /// Masks or unmasks pin A.
    pub fn mask_intx(&mut self, masked: bool) {
        self.interrupts.mask_intx(masked);
    }

    /// The pin that has to fire now. Ask after every step.
    pub fn take_interrupt(&mut self) -> Option<Pin> {
        let pin = self.interrupts.take_due()?;
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
        self.block.advance(now_ns, &mut self.effects);
        self.pass_on_effects();
        now_ns
    }

    fn finish(&mut self) {
        self.pass_on_effects();
        self.interrupts.set_level(self.block.interrupt_asserted());
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
                Output::StreamStopped => {
                    let frames = self.timeline.stream_frames();
                    self.record(Happening::StreamStopped { frames });
                }
            }
        }
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

    /// What happened latest in plain words, oldest first, at most `lines` of it: see [`Timeline::latest_runs`].
    pub fn timeline_tail(&self, lines: usize) -> Vec<String> {
        self.timeline.latest_runs(lines).into_iter().map(|run| self.describe_run(&run)).collect()
    }

    fn describe_run(&self, Run { first, last, count }: &Run<'_>) -> String {
        let described = self.describe(first);
        let (Happening::Access(access), Happening::Access(last_access)) = (&first.happening, &last.happening) else {
            return described;
        };
        if *count == 1 {
            return described;
        }
        let (more, until_ms, value) = (count - 1, milliseconds(last.time_ns), hexadecimal(last_access));
        let changes = self.describe_changes(&Access { old: access.new, ..*last_access });
        format!("{described}, {more} more like it until {} ms, {value} the last{changes}", until_ms.trim_start())
    }

    /// One event in plain words: device time, what, which register.
    pub fn describe(&self, event: &Event) -> String {
        let what = match &event.happening {
            Happening::Access(access) => self.describe_access(access),
            Happening::Fault(fault) => format!("ignored: {fault}"),
            Happening::Interrupt(pin) => format!("interrupt by {pin}"),
            Happening::StreamStarted(StreamFormat { sample_bits, channels, rate_hz }) => {
                format!("stream started: {sample_bits} bits, {channels} channels, {rate_hz} Hz")
            }
            Happening::StreamUnderrun => "stream underrun: a frame was due and there was none".to_owned(),
            Happening::StreamStopped { frames } => format!("stream stopped after {frames} frames"),
            Happening::Reset => "function reset".to_owned(),
            Happening::Note(note) => note.clone(),
        };
        format!("{} ms  {what}", milliseconds(event.time_ns))
    }

    fn describe_access(&self, access: &Access) -> String {
        let Access { direction, offset, width, .. } = access;
        let (verb, arrow) = match direction {
            Direction::Read => ("read", "->"),
            Direction::Write => ("write", "<-"),
        };
        let name = self.block.register_map().name_at(*offset, width.bytes());
        let (value, bytes) = (hexadecimal(access), width.bytes());
        let changes = self.describe_changes(access);
        let plural = if bytes == 1 { "" } else { "s" };
        format!("{verb} {name} {arrow} {value}{changes} (offset {offset:#05x}, {bytes} byte{plural})")
    }

    /// The fields that an access found or made different, after a colon; nothing if none is.
    fn describe_changes(&self, access: &Access) -> String {
        let Access { offset, width, old, new, .. } = *access;
        let changes = self.block.register_map().describe_changes(offset, width.bytes(), old, new).to_string();
        if changes.is_empty() { changes } else { format!(": {changes}") }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.hand_out_coverage();
    }
}

fn milliseconds(time_ns: u64) -> String {
    format!("{:>6}.{:06}", time_ns / 1_000_000, time_ns % 1_000_000)
}

/// The value of an access with all the digits that its width has.
fn hexadecimal(access: &Access) -> String {
    let digits = 2 + 2 * access.width.bytes();
    format!("{:#0digits$x}", access.value)
}
