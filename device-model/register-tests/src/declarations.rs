//! What an SVD file cannot say about a block's registers.

use std::fmt;

use registers::{RegisterHandle, RegisterMap};
use serde::Deserialize;

use crate::bit::Semantics;
use crate::report::Test;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    reset: Option<ResetEntry>,
    #[serde(default)]
    hardware_owned: Vec<HardwareOwnedEntry>,
    #[serde(default)]
    set_by: Vec<SetByEntry>,
    #[serde(default)]
    skip: Vec<SkipEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetEntry {
    register: String,
    value: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HardwareOwnedEntry {
    name: String,
    by: Option<Vec<String>>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetByEntry {
    register: String,
    by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkipEntry {
    register: String,
    tests: Vec<Test>,
    reason: String,
}

/// How the block resets itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reset {
    pub(crate) register: RegisterHandle,
    pub(crate) value: u64,
}

impl Reset {
    /// Whether a write of `value` to the bits `carried` of the register is one.
    pub(crate) fn happens(self, carried: u64, value: u64) -> bool {
        value & carried & self.value == self.value
    }
}

/// Bits that writes elsewhere may change.
#[derive(Clone, Debug)]
pub(crate) struct HardwareOwned {
    pub(crate) register: RegisterHandle,
    pub(crate) mask: u64,
    /// The only registers that writes to may change it; `None` for all.
    by: Option<Vec<RegisterHandle>>,
}

impl HardwareOwned {
    pub(crate) fn is_changed_by(&self, register: RegisterHandle) -> bool {
        self.by.as_ref().is_none_or(|by| by.contains(&register))
    }
}

/// A register whose bits another one's ones set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetBy {
    pub(crate) register: RegisterHandle,
    pub(crate) by: RegisterHandle,
}

/// A test that a register is left out of.
#[derive(Clone, Debug)]
pub(crate) struct Skip {
    pub(crate) register: RegisterHandle,
    pub(crate) test: Test,
    pub(crate) reason: String,
}

/// What an SVD file cannot say about a block's registers, from a TOML file next to it. Names are full ones as in the
/// register map; `*` in them stands for any characters, except for `reset`.
///
/// ```toml
/// # How the block resets itself, where its bus cannot.
/// reset = { register = "SYSTEM.CONTROL", value = 1 }
///
/// # A register or field that writes elsewhere may change, or only writes to the registers that `by` lists. Of a field,
/// # elsewhere is also the rest of its register. From a reset until the first such write, it is tested as any other.
/// [[hardware-owned]]
/// name = "AUDIO.STATUS"
/// by = ["AUDIO.CONTROL", "AUDIO.TX_*"]
/// reason = "it shows the FIFO"
///
/// # A register whose bits are set by writing ones to the same bits of another one.
/// [[set-by]]
/// register = "SYSTEM.INTERRUPT_STATUS"
/// by = "SYSTEM.INTERRUPT_FORCE"
///
/// # What must not be tested.
/// [[skip]]
/// register = "PWM*.CONTROL"
/// tests = ["lanes"]
/// reason = "..."
/// ```
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    pub(crate) reset: Option<Reset>,
    pub(crate) hardware_owned: Vec<HardwareOwned>,
    pub(crate) set_by: Vec<SetBy>,
    pub(crate) skips: Vec<Skip>,
    /// What was declared hardware-owned, as it was written, with the reason.
    pub(crate) hardware_owned_reasons: Vec<(String, String)>,
}

/// Why declarations are refused.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// The text is not TOML, or has something else in it than declarations.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A declaration is about something that the map does not have.
    #[error("{declaration}: {name:?} matches no {expected} of the map; names are full ones, PERIPHERAL.REGISTER.FIELD")]
    NoMatch {
        /// The kind of declaration.
        declaration: &'static str,
        /// The name or template.
        name: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A declaration contradicts itself.
    #[error("{declaration} {name:?}: {problem}")]
    Contradiction {
        /// The kind of declaration.
        declaration: &'static str,
        /// The name or template.
        name: String,
        /// What was expected and what was found.
        problem: String,
    },
}

impl Declarations {
    /// Reads declarations about `map`.
    ///
    /// # Errors
    /// Where the text has anything unknown in it, or a declaration matches nothing of the map or has no reason.
    pub fn parse(text: &str, map: &RegisterMap) -> Result<Self, DeclarationError> {
        let file: File = toml::from_str(text)?;
        let mut declarations = Self::default();
        if let Some(ResetEntry { register, value }) = file.reset {
            let handle = map.register(&register);
            let handle = handle.map_err(|_| no_match("reset", &register, "register"))?;
            let is_writable = |place| Semantics::of(&map[handle], place).is_writable();
            let writable =
                (0..map[handle].bits).filter(|place| is_writable(*place)).fold(0, |mask, place| mask | 1 << place);
            if value == 0 || value & !writable != 0 {
                let problem = format!("{value:#x} has to have ones, and only in bits that can be written");
                return Err(contradiction("reset", &register, problem));
            }
            declarations.reset = Some(Reset { register: handle, value });
        }
        for entry in file.hardware_owned {
            declarations.add_hardware_owned(entry, map)?;
        }
        for SetByEntry { register, by } in file.set_by {
            let targets = matching_registers("set-by", &register, map)?;
            let [by] = matching_registers("set-by", &by, map)?[..] else {
                return Err(contradiction("set-by", &by, "one register sets the bits, this matches several"));
            };
            declarations.set_by.extend(targets.into_iter().map(|register| SetBy { register, by }));
        }
        for SkipEntry { register, tests, reason } in file.skip {
            require_reason("skip", &register, &reason)?;
            if tests.is_empty() {
                return Err(contradiction("skip", &register, "it lists no test"));
            }
            for handle in matching_registers("skip", &register, map)? {
                let skip = |test| Skip { register: handle, test, reason: reason.clone() };
                declarations.skips.extend(tests.iter().copied().map(skip));
            }
        }
        Ok(declarations)
    }

    fn add_hardware_owned(&mut self, entry: HardwareOwnedEntry, map: &RegisterMap) -> Result<(), DeclarationError> {
        const KIND: &str = "hardware-owned";
        let HardwareOwnedEntry { name, by, reason } = entry;
        require_reason(KIND, &name, &reason)?;
        let by = by.map(|names| {
            let handles = names.iter().map(|name| matching_registers(KIND, name, map));
            handles.collect::<Result<Vec<_>, _>>().map(|handles| handles.concat())
        });
        let by = by.transpose()?;
        let before = self.hardware_owned.len();
        for (register, entry) in map.registers() {
            let fields = entry.fields.iter().map(|field| (format!("{}.{}", entry.name, field.name), field.mask()));
            for (full_name, mask) in fields.chain([(entry.name.clone(), u64::MAX)]) {
                if matches(&name, &full_name) {
                    self.hardware_owned.push(HardwareOwned { register, mask, by: by.clone() });
                }
            }
        }
        if self.hardware_owned.len() == before {
            return Err(no_match(KIND, &name, "register or field"));
        }
        self.hardware_owned_reasons.push((name, reason));
        Ok(())
    }

    /// Whether a write to `register` may change `owned`, which another register has, other than as `set-by` says.
    pub(crate) fn may_disturb(&self, register: RegisterHandle, owned: &HardwareOwned) -> bool {
        let sets = |set_by: &SetBy| set_by.by == register && set_by.register == owned.register;
        owned.is_changed_by(register) && !self.set_by.iter().any(sets)
    }
}

/// The registers that a name or template matches: one at least.
fn matching_registers(
    declaration: &'static str,
    template: &str,
    map: &RegisterMap,
) -> Result<Vec<RegisterHandle>, DeclarationError> {
    let found: Vec<_> =
        map.registers().filter(|(_, register)| matches(template, &register.name)).map(|(handle, _)| handle).collect();
    if found.is_empty() { Err(no_match(declaration, template, "register")) } else { Ok(found) }
}

/// Whether `name` is `template`, in which `*` stands for any characters.
fn matches(template: &str, name: &str) -> bool {
    let Some((head, rest)) = template.split_once('*') else { return template == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches(rest, &name[at..]))
}

fn require_reason(declaration: &'static str, name: &str, reason: &str) -> Result<(), DeclarationError> {
    if reason.trim().is_empty() { Err(contradiction(declaration, name, "its reason is empty")) } else { Ok(()) }
}

fn no_match(declaration: &'static str, name: &str, expected: &'static str) -> DeclarationError {
    DeclarationError::NoMatch { declaration, name: name.to_owned(), expected }
}

fn contradiction(declaration: &'static str, name: &str, problem: impl fmt::Display) -> DeclarationError {
    DeclarationError::Contradiction { declaration, name: name.to_owned(), problem: problem.to_string() }
}
