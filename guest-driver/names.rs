// SPDX-License-Identifier: GPL-2.0

//! Names of the nodes in `/dev`, which must live forever: so there are tables of them.

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

/// Names of one kind, and whether each is in use.
pub(crate) struct Names([(&'static CStr, AtomicFlag); Self::COUNT]);

/// Of the audio transmitters.
pub(crate) static AUDIO: Names = Names([
    (c"pwm-audio0", AtomicFlag::new(false)),
    (c"pwm-audio1", AtomicFlag::new(false)),
    (c"pwm-audio2", AtomicFlag::new(false)),
    (c"pwm-audio3", AtomicFlag::new(false)),
]);

/// Of the sample windows.
pub(crate) static WINDOW: Names = Names([
    (c"pwm-audio-window0", AtomicFlag::new(false)),
    (c"pwm-audio-window1", AtomicFlag::new(false)),
    (c"pwm-audio-window2", AtomicFlag::new(false)),
    (c"pwm-audio-window3", AtomicFlag::new(false)),
]);

impl Names {
    /// How many there are of a kind.
    pub(crate) const COUNT: usize = 4;

    /// Reserves the first free name; [`EBUSY`] if there is none.
    pub(crate) fn reserve(&'static self) -> Result<Name> {
        self.0
            .iter()
            .find(|(_, in_use)| !in_use.xchg(true, Acquire))
            .map(|(text, in_use)| Name { text, in_use })
            .ok_or(EBUSY)
    }
}

/// A name that nobody else uses until this is dropped.
pub(crate) struct Name {
    text: &'static CStr,
    in_use: &'static AtomicFlag,
}

impl Name {
    pub(crate) fn as_c_str(&self) -> &'static CStr {
        self.text
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.in_use.store(false, Release);
    }
}
