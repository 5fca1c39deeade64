//! What a plan of faults does to a device: the hooks of its entry points.

use super::{Device, Happening, REGISTER_BAR};
use crate::faults::{Due, Fired, Injector};
use crate::{Direction, DmaFailure, DmaRequest, FaultOutcome, FaultPlan, FaultPlanError, Pin, Region, VECTOR_COUNT};

/// The pins that a rule may wait for.
fn pins() -> Vec<Pin> {
    [Pin::Intx, Pin::Msi].into_iter().chain((0..VECTOR_COUNT).map(Pin::MsiX)).collect()
}

impl Device {
    /// Lets everything go wrong that the plan has, from now on, and nothing that another had.
    pub fn inject(&mut self, plan: &FaultPlan) -> Result<(), FaultPlanError> {
        let injector = Injector::new(plan, self.block.register_map(), &pins())?;
        self.faults = Some(Box::new(injector));
        Ok(())
    }

    /// The rules of the plan that have not fired, in words. A scenario whose plan has not fired has shown nothing.
    pub fn unfired_faults(&self) -> Vec<String> {
        self.faults.as_ref().map(|faults| faults.unfired()).unwrap_or_default()
    }

    /// The rules of the plan, by name or number, and how often each has fired.
    pub fn fault_counts(&self) -> Vec<(String, u64)> {
        self.faults.as_ref().map(|faults| faults.counts().collect()).unwrap_or_default()
    }

    /// Answers a read as the plan has it.
    pub(super) fn read_with_faults(&mut self, region: Region, offset: u64, data: &mut [u8], now_ns: u64) {
        let fired = self.fired(|faults| faults.on_access(Direction::Read, region, offset, data.len(), now_ns));
        let fired = fired.and_then(|fired| self.strike(fired));
        if self.is_removed() {
            data.fill(0xff);
            return self.lost_at_removed(Direction::Read, region, offset, data.len());
        }
        let Some(Fired { title, outcome }) = fired else { return self.answer(region, offset, data, now_ns) };
        let place = format!("the read of {}", self.place_name(region, offset, data.len()));
        match outcome {
            FaultOutcome::Drop => {
                data.fill(0xff);
                self.injected(&title, &format!("{place} is not answered"));
            }
            FaultOutcome::DelayNs(delay_ns) => {
                self.injected(&title, &format!("{place} takes {delay_ns} ns longer"));
                let now_ns = self.clock.delay(delay_ns);
                self.advance(now_ns);
                self.pass_on_effects();
                self.answer(region, offset, data, now_ns);
            }
            outcome => {
                self.answer(region, offset, data, now_ns);
                self.alter(&title, &place, &outcome, data);
            }
        }
    }

    /// Takes a write as the plan has it.
    pub(super) fn write_with_faults(&mut self, region: Region, offset: u64, data: &[u8], now_ns: u64) {
        let fired = self.fired(|faults| faults.on_access(Direction::Write, region, offset, data.len(), now_ns));
        let fired = fired.and_then(|fired| self.strike(fired));
        if self.is_removed() {
            return self.lost_at_removed(Direction::Write, region, offset, data.len());
        }
        let Some(Fired { title, outcome }) = fired else { return self.take(region, offset, data, now_ns) };
        let place = format!("the write to {}", self.place_name(region, offset, data.len()));
        match outcome {
            FaultOutcome::Drop => self.injected(&title, &format!("{place} is lost")),
            FaultOutcome::DelayNs(delay_ns) => {
                self.injected(&title, &format!("{place} takes effect {delay_ns} ns later"));
                let due = Due::Write { region, offset, data: data.to_owned() };
                self.put_off(now_ns.saturating_add(delay_ns), due);
            }
            outcome => {
                let mut data = data.to_owned();
                self.alter(&title, &place, &outcome, &mut data);
                self.take(region, offset, &data, now_ns);
            }
        }
    }

    /// The pin that has to fire now, as the plan has it.
    pub(super) fn interrupt_with_faults(&mut self) -> Option<Pin> {
        loop {
            if let Some(pin) = self.faults.as_mut()?.owed.pop_front() {
                self.reaches_guest();
                return Some(pin);
            }
            let pin = self.interrupts.take_due()?;
            let now_ns = self.clock.now_ns();
            let fired = self.fired(|faults| faults.on_interrupt(pin, now_ns));
            let fired = fired.and_then(|fired| self.strike(fired));
            if self.is_removed() {
                continue;
            }
            let Some(Fired { title, outcome }) = fired else {
                self.reaches_guest();
                return Some(pin);
            };
            match outcome {
                FaultOutcome::Double => {
                    self.injected(&title, &format!("the interrupt by {pin} comes twice"));
                    self.faults.as_mut()?.owed.push_back(pin);
                    self.reaches_guest();
                    return Some(pin);
                }
                FaultOutcome::DelayNs(delay_ns) => {
                    self.injected(&title, &format!("the interrupt by {pin} comes {delay_ns} ns later"));
                    self.put_off(now_ns.saturating_add(delay_ns), Due::Interrupt(pin));
                }
                _ => self.injected(&title, &format!("the interrupt by {pin} is lost")),
            }
            self.faults.as_mut()?.withheld = true;
        }
    }

    /// An interrupt comes to the guest, also one that it does not expect any more.
    fn reaches_guest(&mut self) {
        self.faults.iter_mut().for_each(|faults| faults.withheld = false);
        self.clock.has_brought_something();
    }

    /// Why a transfer fails, if the plan has it.
    pub(super) fn injected_dma_failure(&mut self, request: &DmaRequest) -> Option<DmaFailure> {
        let now_ns = self.clock.now_ns();
        let fired = self.fired(|faults| faults.on_dma(request, now_ns))?;
        let Fired { title, outcome } = self.strike(fired)?;
        let FaultOutcome::Fail(failure) = outcome else { return None };
        self.injected(&title, &format!("the DMA at {:#x} of channel {} fails", request.address, request.channel));
        Some(failure)
    }

    /// Whether the latest interrupt has been kept from the guest.
    pub(super) fn withholds_interrupt(&self) -> bool {
        self.faults.as_ref().is_some_and(|faults| faults.withheld)
    }

    /// When the next thing that the plan has put off is due.
    pub(super) fn next_fault_ns(&self) -> Option<u64> {
        self.faults.as_ref()?.next_ns()
    }

    /// Does what the plan has put off until `now_ns`, each at its time.
    pub(super) fn advance_faults(&mut self, now_ns: u64) {
        while let Some((at_ns, due)) = self.faults.as_mut().and_then(|faults| faults.take_due(now_ns)) {
            self.block.advance(at_ns, &mut self.effects);
            self.pass_on_effects();
            match due {
                Due::Write { region, offset, data } => self.take(region, offset, &data, at_ns),
                Due::Interrupt(pin) => {
                    self.faults.iter_mut().for_each(|faults| faults.owed.push_back(pin));
                    self.reaches_guest();
                }
                Due::Rule(rule) => {
                    if let Some(fired) = self.faults.as_mut().map(|faults| faults.on_time(rule)) {
                        self.strike(fired);
                    }
                }
            }
            self.finish();
        }
    }

    fn fired(&mut self, look: impl FnOnce(&mut Injector) -> Option<Fired>) -> Option<Fired> {
        self.faults.as_mut().and_then(|faults| look(faults))
    }

    /// Does what concerns the device as a whole; gives back what concerns one access, interrupt or transfer.
    fn strike(&mut self, fired: Fired) -> Option<Fired> {
        match fired.outcome {
            FaultOutcome::Freeze { wall_ns } => {
                let limit = wall_ns.map_or(String::new(), |wall_ns| format!(" for {wall_ns} ns of wall time"));
                self.injected(&fired.title, &format!("device time stands still{limit}"));
                self.clock.freeze(wall_ns);
            }
            FaultOutcome::Remove => {
                self.injected(&fired.title, "the device is pulled out");
                self.make_cold();
                self.faults.iter_mut().for_each(|faults| faults.removed = true);
            }
            FaultOutcome::Restore => {
                self.injected(&fired.title, "the device is there again");
                self.faults.iter_mut().for_each(|faults| faults.removed = false);
            }
            _ => return Some(fired),
        }
        None
    }

    /// Whether the device has been pulled out.
    pub(super) fn is_removed(&self) -> bool {
        self.faults.as_ref().is_some_and(|faults| faults.removed)
    }

    fn lost_at_removed(&mut self, direction: Direction, region: Region, offset: u64, bytes: usize) {
        let verb = match direction {
            Direction::Read => "read of",
            Direction::Write => "write to",
        };
        let place = self.place_name(region, offset, bytes);
        self.effects.fault(format!("{verb} {place}: the device has been pulled out"));
    }

    /// Changes the value of an access.
    fn alter(&mut self, title: &str, place: &str, outcome: &FaultOutcome, data: &mut [u8]) {
        // Accesses of registers have 8 bytes at most; of longer ones the first 8 are the value.
        let bytes = data.len().min(8);
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(&data[..bytes]);
        let before = u64::from_le_bytes(value);
        let after = match *outcome {
            FaultOutcome::Xor(bits) => before ^ bits,
            FaultOutcome::AndOr { and, or } => before & and | or,
            FaultOutcome::Value(value) => value,
            _ => before,
        }
        .to_le_bytes();
        data[..bytes].copy_from_slice(&after[..bytes]);
        let mut after_bytes = [0; 8];
        after_bytes[..bytes].copy_from_slice(&data[..bytes]);
        let digits = 2 + 2 * bytes;
        let after = u64::from_le_bytes(after_bytes);
        self.injected(title, &format!("{place} has {after:#0digits$x} instead of {before:#0digits$x}"));
    }

    fn place_name(&self, region: Region, offset: u64, bytes: usize) -> String {
        let map = self.block.register_map();
        if region == Region::Bar(REGISTER_BAR) && offset < map.bytes() {
            map.name_at(offset, bytes)
        } else {
            format!("{bytes} bytes at {region} {offset:#x}")
        }
    }

    fn put_off(&mut self, at_ns: u64, due: Due) {
        if let Some(faults) = &mut self.faults {
            faults.put_off(at_ns, due);
        }
    }

    fn injected(&mut self, title: &str, what: &str) {
        self.record(Happening::Injected(format!("{title}: {what}")));
    }
}
