//! Accesses to a block, each read compared with what the registers should be.

use std::collections::VecDeque;

use registers::{RegisterHandle, RegisterMap};

use crate::bit::Bit;
use crate::bus::Bus;
use crate::declarations::Declarations;
use crate::mirror::{Mirror, Wrong};
use crate::report::{Counts, Failure, OptOut, Test};
use crate::step::Step;

/// How many steps a failure shows.
const SHOWN_STEPS: usize = 6;

/// Why a sequence cannot go on.
pub(crate) enum Halt<E> {
    Failed(Box<Failure>),
    /// The bus has no access any more: what was tried, and why not.
    Bus(String, E),
    NoReset,
}

/// One test of a block on its way.
pub(crate) struct Session<'r, B> {
    pub(crate) map: &'r RegisterMap,
    pub(crate) declarations: &'r Declarations,
    pub(crate) mirror: Mirror<'r>,
    bus: &'r mut B,
    test: Test,
    /// The register that is being tested.
    subject: Option<RegisterHandle>,
    /// Since the last reset.
    steps: VecDeque<Step>,
    pub(crate) counts: Counts,
    pub(crate) opt_outs: Vec<OptOut>,
}

impl<'r, B: Bus> Session<'r, B> {
    pub(crate) fn new(map: &'r RegisterMap, declarations: &'r Declarations, bus: &'r mut B, test: Test) -> Self {
        Self {
            mirror: Mirror::new(map, declarations),
            map,
            declarations,
            bus,
            test,
            subject: None,
            steps: VecDeque::new(),
            counts: Counts::default(),
            opt_outs: Vec::new(),
        }
    }

    /// Resets the block and turns to `subject`, which answers from then on. `false` where the bus cannot make it answer.
    pub(crate) fn begin(&mut self, subject: RegisterHandle) -> Result<bool, Halt<B::Error>> {
        self.reset()?;
        self.subject = Some(subject);
        if self.mirror.answers(subject) {
            return Ok(true);
        }
        let step = Step::Select { register: subject };
        let selected = self.bus.select(subject).map_err(|error| Halt::Bus(self.describe(step), error))?;
        if selected {
            self.note(step);
            self.mirror.select(subject);
        }
        Ok(selected)
    }

    /// Resets the block, by the bus where it can, else by the declared write, and turns to no register in particular.
    pub(crate) fn reset(&mut self) -> Result<(), Halt<B::Error>> {
        self.subject = None;
        if self.reset_by_bus()? || self.reset_by_write()? { Ok(()) } else { Err(Halt::NoReset) }
    }

    /// `false` where the bus has no reset.
    pub(crate) fn reset_by_bus(&mut self) -> Result<bool, Halt<B::Error>> {
        let is_reset = self.bus.reset().map_err(|error| Halt::Bus(self.describe(Step::Reset), error))?;
        if is_reset {
            self.steps.clear();
            self.note(Step::Reset);
            self.mirror.reset();
        }
        Ok(is_reset)
    }

    /// `false` where no write is declared to be a reset.
    pub(crate) fn reset_by_write(&mut self) -> Result<bool, Halt<B::Error>> {
        let Some(reset) = self.declarations.reset else { return Ok(false) };
        self.steps.clear();
        self.write_register(reset.register, reset.value)?;
        // Also where the write took several accesses, none of which is the whole of it.
        self.mirror.reset();
        Ok(true)
    }

    /// Reads, and compares what comes with what is known.
    pub(crate) fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, Halt<B::Error>> {
        self.counts.accesses += 1;
        let value = self.bus.read(offset, bytes);
        let value =
            value.map_err(|error| Halt::Bus(self.describe(Step::Read { offset, bytes, value: None }), error))?;
        self.note(Step::Read { offset, bytes, value: Some(value) });
        match self.mirror.read(offset, bytes, value) {
            Ok(compared) => self.counts.checks += u64::from(compared),
            Err(wrong) => return Err(self.failure(wrong)),
        }
        Ok(value)
    }

    /// Writes.
    pub(crate) fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), Halt<B::Error>> {
        self.counts.accesses += 1;
        let step = Step::Write { offset, bytes, value };
        self.bus.write(offset, bytes, value).map_err(|error| Halt::Bus(self.describe(step), error))?;
        self.note(step);
        self.mirror.write(offset, bytes, value);
        Ok(())
    }

    /// Reads a register with as few aligned accesses as it takes.
    pub(crate) fn read_register(&mut self, register: RegisterHandle) -> Result<(), Halt<B::Error>> {
        for (offset, bytes) in self.accesses(register) {
            self.read(offset, bytes)?;
        }
        Ok(())
    }

    /// Writes a register with as few aligned accesses as it takes.
    pub(crate) fn write_register(&mut self, register: RegisterHandle, value: u64) -> Result<(), Halt<B::Error>> {
        let start = self.map[register].offset;
        for (offset, bytes) in self.accesses(register) {
            let part = value >> (8 * (offset - start)) & u64::MAX >> (64 - 8 * bytes);
            self.write(offset, bytes, part)?;
        }
        Ok(())
    }

    fn accesses(&self, register: RegisterHandle) -> Vec<(u64, usize)> {
        let mut offset = self.map[register].offset;
        let end = offset + self.map[register].bytes();
        let mut accesses = Vec::new();
        while offset < end {
            let fits = |bytes: &u64| offset.is_multiple_of(*bytes) && offset + bytes <= end;
            let bytes = [8, 4, 2].into_iter().find(fits).unwrap_or(1);
            accesses.push((offset, bytes as usize));
            offset += bytes;
        }
        accesses
    }

    /// Compares a register with what it should be, by all ways that there are. Where reads have effects, it is read twice.
    pub(crate) fn observe(&mut self, register: RegisterHandle) -> Result<(), Halt<B::Error>> {
        self.read_register(register)?;
        if self.mirror.expected(register).bits.iter().any(|bit| bit.semantics.left_by_reads().is_some()) {
            self.read_register(register)?;
        }
        for index in 0..self.declarations.set_by.len() {
            let set_by = self.declarations.set_by[index];
            if set_by.by == register {
                self.read_register(set_by.register)?;
            }
        }
        self.get(register).map(drop)
    }

    /// Compares all bits of a register, as the hardware has them; `false` where the bus has no way to them.
    pub(crate) fn get(&mut self, register: RegisterHandle) -> Result<bool, Halt<B::Error>> {
        let value = self.bus.get(register);
        let value = value.map_err(|error| Halt::Bus(self.describe(Step::Get { register, value: None }), error))?;
        let Some(value) = value else { return Ok(false) };
        self.note(Step::Get { register, value: Some(value) });
        match self.mirror.compare_all(register, value) {
            Ok(compared) => self.counts.checks += u64::from(compared),
            Err(wrong) => return Err(self.failure(wrong)),
        }
        Ok(true)
    }

    /// Brings the bits `mask` of a register to those of `wanted`, by any way there is: the hardware's, a write to it, or to
    /// the register that sets its bits. Returns the bits that now should be as wanted.
    pub(crate) fn bring(&mut self, register: RegisterHandle, mask: u64, wanted: u64) -> Result<u64, Halt<B::Error>> {
        let is_wanted = |place: u8| wanted >> place & 1 == 1;
        let wrong = |session: &Self| {
            let expected = session.mirror.expected(register);
            mask & expected.mask_at(|place, bit| bit.value != Some(is_wanted(place)))
        };
        if wrong(self) != 0 {
            let others = self.mirror.expected(register).mask(|bit| bit.value == Some(true));
            let value = others & !mask | wanted & mask & self.map[register].mask();
            let step = Step::Set { register, value };
            if self.bus.set(register, value).map_err(|error| Halt::Bus(self.describe(step), error))? {
                self.note(step);
                self.mirror.set(register, value);
            }
        }
        let ones = wrong(self) & wanted;
        if let Some(set_by) = self.declarations.set_by.iter().find(|set_by| set_by.register == register && ones != 0) {
            let value = self.mirror.compose(set_by.by, ones, u64::MAX);
            self.write_register(set_by.by, value)?;
        }
        let left = wrong(self);
        let helps = |written: bool| {
            let helps = |place, bit: &Bit| bit.after_write(written) == Some(is_wanted(place));
            self.mirror.expected(register).mask_at(helps)
        };
        let (zeros, ones) = (left & helps(false), left & helps(true));
        if zeros | ones != 0 {
            let value = self.mirror.compose(register, zeros | ones, ones);
            self.write_register(register, self.mirror.legal(register, u64::MAX, value))?;
        }
        Ok(mask & !wrong(self))
    }

    /// Whether writes to these bits show in another register, or in the whole block.
    pub(crate) fn is_seen_elsewhere(&self, register: RegisterHandle, mask: u64) -> bool {
        let Declarations { reset, set_by, .. } = self.declarations;
        set_by.iter().any(|set_by| set_by.by == register)
            || reset.is_some_and(|reset| reset.register == register && reset.value & mask != 0)
    }

    /// Leaves something out, with a reason that goes into the report.
    pub(crate) fn opt_out(&mut self, place: String, reason: &str) {
        let opt_out = OptOut { test: self.test, place, reason: reason.to_owned() };
        if !self.opt_outs.contains(&opt_out) {
            self.opt_outs.push(opt_out);
        }
    }

    /// The full name of the field that has bit `bit` of a register, or the register's.
    pub(crate) fn name(&self, register: RegisterHandle, bit: u8) -> String {
        let entry = &self.map[register];
        let field = self.mirror.expected(register).bits[usize::from(bit)].semantics.field;
        let suffix = field.map(|field| format!(".{}", entry.fields[field].name)).unwrap_or_default();
        format!("{}{suffix}", entry.name)
    }

    fn note(&mut self, step: Step) {
        if self.steps.len() == SHOWN_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    fn failure(&self, wrong: Wrong) -> Halt<B::Error> {
        let Wrong { register, bit, expected } = wrong;
        let entry = &self.mirror.expected(register).bits[usize::from(bit)];
        let subject = self.subject.filter(|subject| *subject != register);
        Halt::Failed(Box::new(Failure {
            test: self.test,
            place: self.name(register, bit),
            bit,
            semantics: entry.semantics.to_string(),
            expected,
            story: entry.story(),
            while_testing: subject.map(|subject| self.map[subject].name.clone()),
            steps: self.steps.iter().map(|step| self.describe(*step)).collect(),
        }))
    }

    fn describe(&self, step: Step) -> String {
        step.describe(&self.mirror)
    }
}
