// SPDX-License-Identifier: GPL-2.0

//! Names of the nodes in `/dev`, which must live forever: so there is a table of them.

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Release, //
        },
        AtomicFlag, //
    },
};

static TABLE: [(&CStr, AtomicFlag); Name::COUNT] = [
    (c"pwm-audio0", AtomicFlag::new(false)),
    (c"pwm-audio1", AtomicFlag::new(false)),
    (c"pwm-audio2", AtomicFlag::new(false)),
    (c"pwm-audio3", AtomicFlag::new(false)),
];

/// A name that nobody else uses until this is dropped.
pub(crate) struct Name {
    text: &'static CStr,
    in_use: &'static AtomicFlag,
}

impl Name {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// Reserves the first free name; [`EBUSY`] if there is none.
    pub(crate) fn reserve() -> Result<Self> {
        TABLE
            .iter()
            .find(|(_, in_use)| !in_use.xchg(true, Acquire))
            .map(|(text, in_use)| Self { text, in_use })
            .ok_or(EBUSY)
    }

    pub(crate) fn as_c_str(&self) -> &'static CStr {
        self.text
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.in_use.store(false, Release);
    }
}
