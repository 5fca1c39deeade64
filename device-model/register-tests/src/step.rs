//! What is done to a block, and how that is said.

use registers::RegisterHandle;

use crate::mirror::Mirror;

/// What was done to the block.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Reset,
    /// Without a value where it failed.
    Read {
        offset: u64,
        bytes: usize,
        value: Option<u64>,
    },
    Write {
        offset: u64,
        bytes: usize,
        value: u64,
    },
    Get {
        register: RegisterHandle,
        value: Option<u64>,
    },
    Set {
        register: RegisterHandle,
        value: u64,
    },
    Select {
        register: RegisterHandle,
    },
}

impl Step {
    /// The step in plain words, with the registers' names.
    pub(crate) fn describe(self, mirror: &Mirror<'_>) -> String {
        let name = |register: RegisterHandle| &mirror.map[register].name;
        let place = |offset: u64, bytes: usize| {
            let parts = mirror.parts(offset, bytes, 0);
            let names: Vec<_> = parts.iter().map(|part| name(part.register).as_str()).collect();
            let plural = if bytes == 1 { "" } else { "s" };
            (names.join(" + "), format!("(offset {offset:#05x}, {bytes} byte{plural})"))
        };
        let gave = |value: Option<u64>| value.map(|value| format!(" -> {value:#x}")).unwrap_or_default();
        match self {
            Self::Reset => "reset".to_owned(),
            Self::Read { offset, bytes, value } => {
                let (names, place) = place(offset, bytes);
                format!("read {names}{} {place}", gave(value))
            }
            Self::Write { offset, bytes, value } => {
                let (names, place) = place(offset, bytes);
                format!("write {names} <- {value:#x} {place}")
            }
            Self::Get { register, value } => {
                format!("look at {} from the hardware's side{}", name(register), gave(value))
            }
            Self::Set { register, value } => format!("the hardware sets {} to {value:#x}", name(register)),
            Self::Select { register } => format!("the hardware selects {}", name(register)),
        }
    }
}
