//! One bit of a register: what the description says that accesses do to it, and what it should therefore be.

use std::fmt;

use registers::{Access, Field, ModifiedWriteValues, ReadAction, Register};

/// What accesses do to a bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Semantics {
    /// Place of its field among its register's.
    pub(crate) field: Option<usize>,
    /// It has no field, and its register has some.
    pub(crate) reserved: bool,
    access: Access,
    pub(crate) on_write: ModifiedWriteValues,
    pub(crate) on_read: Option<ReadAction>,
}

impl Semantics {
    /// Those of bit `place` of `register`; of fields that share it, the first one's.
    pub(crate) fn of(register: &Register, place: u8) -> Self {
        let has = |field: &Field| (field.first_bit..field.first_bit + field.bits).contains(&place);
        let Some(index) = register.parts().iter().position(has) else {
            let (access, on_write) = (Access::ReadOnly, ModifiedWriteValues::Modify);
            return Self { field: None, reserved: true, access, on_write, on_read: None };
        };
        let part = &register.parts()[index];
        Self {
            field: (!register.fields.is_empty()).then_some(index),
            reserved: false,
            access: part.access,
            on_write: part.modified_write_values,
            on_read: part.read_action,
        }
    }

    pub(crate) fn is_readable(self) -> bool {
        !matches!(self.access, Access::WriteOnly | Access::WriteOnce)
    }

    pub(crate) fn is_writable(self) -> bool {
        self.access != Access::ReadOnly
    }

    pub(crate) fn is_once(self) -> bool {
        matches!(self.access, Access::WriteOnce | Access::ReadWriteOnce)
    }

    /// What the hardware may set and software clear, or the other way round; not storage.
    pub(crate) fn is_modified_otherwise(self) -> bool {
        self.is_writable() && self.on_write != ModifiedWriteValues::Modify
    }

    /// What reads leave of a value that it knows; `None` where they have no effect of that kind.
    pub(crate) fn left_by_reads(self) -> Option<bool> {
        match self.on_read? {
            ReadAction::Clear => Some(false),
            ReadAction::Set => Some(true),
            ReadAction::Modify | ReadAction::ModifyExternal => None,
        }
    }

    /// What `old` becomes when `written` is written and taken.
    fn after_write(self, old: Option<bool>, written: bool) -> Option<bool> {
        use ModifiedWriteValues as Effect;
        match (self.on_write, written) {
            (Effect::Modify, _) => Some(written),
            (Effect::Clear, _) | (Effect::OneToClear, true) | (Effect::ZeroToClear, false) => Some(false),
            (Effect::Set, _) | (Effect::OneToSet, true) | (Effect::ZeroToSet, false) => Some(true),
            (Effect::OneToToggle, true) | (Effect::ZeroToToggle, false) => old.map(|old| !old),
            _ => old,
        }
    }

    /// The value that an effect of writes or reads shows on, if there is one that shows on one value only.
    pub(crate) fn shows_on(self) -> Option<bool> {
        use ModifiedWriteValues as Effect;
        let by_write = match self.on_write {
            _ if !self.is_writable() => None,
            Effect::Clear | Effect::OneToClear | Effect::ZeroToClear => Some(true),
            Effect::Set | Effect::OneToSet | Effect::ZeroToSet => Some(false),
            Effect::Modify | Effect::OneToToggle | Effect::ZeroToToggle => None,
        };
        by_write.or(self.left_by_reads().map(|left| !left))
    }
}

impl fmt::Display for Semantics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ModifiedWriteValues as Effect;
        if self.reserved {
            return formatter.write_str("reserved");
        }
        let access = match self.access {
            Access::ReadOnly => "read-only",
            // Its effect says it.
            Access::ReadWrite if self.is_modified_otherwise() => "",
            Access::ReadWrite => "read-write",
            Access::ReadWriteOnce => "read, write once",
            Access::WriteOnce => "write once, not read",
            Access::WriteOnly => "write-only",
        };
        let on_write = match self.on_write {
            Effect::OneToClear => "write 1 to clear",
            Effect::OneToSet => "write 1 to set",
            Effect::OneToToggle => "write 1 to toggle",
            Effect::ZeroToClear => "write 0 to clear",
            Effect::ZeroToSet => "write 0 to set",
            Effect::ZeroToToggle => "write 0 to toggle",
            Effect::Clear => "any write clears",
            Effect::Set => "any write sets",
            Effect::Modify => "",
        };
        let on_read = match self.on_read {
            Some(ReadAction::Clear) => "cleared by reads",
            Some(ReadAction::Set) => "set by reads",
            Some(ReadAction::Modify) => "modified by reads",
            Some(ReadAction::ModifyExternal) | None => "",
        };
        let words = [access, on_write, on_read].into_iter().filter(|words| !words.is_empty());
        formatter.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

/// What became of a bit that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// Its write constraint does not allow what would have become of it.
    Refused,
    /// That depends on bits that are not known.
    Unknown,
}

/// What was last done to a bit.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Reset,
    Written { value: bool, over: Option<bool>, note: &'static str },
    Read(bool),
    Hardware(bool),
    SetFromElsewhere,
}

/// A bit as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    pub(crate) semantics: Semantics,
    reset: Option<bool>,
    /// `None` where nothing says what it is.
    pub(crate) value: Option<bool>,
    pub(crate) last_read: Option<bool>,
    /// Whether it can be written no more until reset.
    is_spent: Option<bool>,
    cause: Cause,
}

impl Bit {
    /// As after reset.
    pub(crate) fn new(register: &Register, place: u8) -> Self {
        let semantics = Semantics::of(register, place);
        let known = register.reset_mask >> place & 1 == 1;
        let reset = known.then_some(register.reset_value >> place & 1 == 1);
        let last_read = if semantics.is_readable() { reset } else { Some(false) };
        Self { semantics, reset, value: reset, last_read, is_spent: Some(false), cause: Cause::Reset }
    }

    pub(crate) fn reset(&mut self) {
        let last_read = if self.semantics.is_readable() { self.reset } else { Some(false) };
        *self = Self { value: self.reset, last_read, is_spent: Some(false), cause: Cause::Reset, ..*self };
    }

    /// What to write so that it stays what it is, as far as that is possible.
    pub(crate) fn neutral(&self) -> bool {
        use ModifiedWriteValues as Effect;
        match self.semantics.on_write {
            _ if !self.semantics.is_writable() => self.value.unwrap_or(false),
            Effect::OneToClear | Effect::OneToSet | Effect::OneToToggle => false,
            Effect::ZeroToClear | Effect::ZeroToSet | Effect::ZeroToToggle => true,
            Effect::Modify | Effect::Clear | Effect::Set => self.value.or(self.reset).unwrap_or(false),
        }
    }

    /// What should become of it when `written` is written, if that is known.
    pub(crate) fn after_write(&self, written: bool) -> Option<bool> {
        match (self.semantics.is_writable(), self.semantics.is_once(), self.is_spent) {
            (false, ..) | (true, true, Some(true)) => self.value,
            (true, true, None) => None,
            _ => self.semantics.after_write(self.value, written),
        }
    }

    pub(crate) fn write(&mut self, written: bool, taken: Taken) {
        let mut note = "";
        let over = self.value;
        if taken == Taken::Refused {
            note = ", which its write constraint does not allow";
        } else if self.semantics.is_writable() {
            if self.semantics.is_once() && self.is_spent == Some(true) {
                note = " a second time";
            }
            self.value = if taken == Taken::Yes { self.after_write(written) } else { None };
            if self.semantics.is_once() && self.is_spent != Some(true) {
                self.is_spent = (taken == Taken::Yes).then_some(true);
            }
        }
        self.cause = Cause::Written { value: written, over, note };
    }

    /// What a read gives, if that is known.
    pub(crate) fn readable_value(&self) -> Option<bool> {
        if self.semantics.is_readable() { self.value } else { Some(false) }
    }

    /// Takes note that a read gave `seen`, which is what it should be.
    pub(crate) fn read(&mut self, seen: bool) {
        self.last_read = Some(seen);
        if !self.semantics.is_readable() {
            return;
        }
        self.value.get_or_insert(seen);
        if let Some(left) = self.semantics.left_by_reads() {
            self.value = Some(left);
            self.cause = Cause::Read(seen);
        } else if self.semantics.on_read == Some(ReadAction::Modify) {
            self.value = None;
        }
    }

    pub(crate) fn set_by_hardware(&mut self, value: bool) {
        self.value = Some(value);
        self.cause = Cause::Hardware(value);
    }

    pub(crate) fn set_from_elsewhere(&mut self) {
        self.value = Some(true);
        self.cause = Cause::SetFromElsewhere;
    }

    /// What was last done to it, for people.
    pub(crate) fn story(&self) -> String {
        match self.cause {
            Cause::Reset => "after reset".to_owned(),
            Cause::Written { value, over: Some(over), note } => {
                format!("after {} was written to {}{note}", u8::from(value), u8::from(over))
            }
            Cause::Written { value, over: None, note } => format!("after {} was written{note}", u8::from(value)),
            Cause::Read(seen) => format!("after a read gave {}", u8::from(seen)),
            Cause::Hardware(value) => format!("after the hardware set it to {}", u8::from(value)),
            Cause::SetFromElsewhere => "after the register that sets it was written".to_owned(),
        }
    }
}
