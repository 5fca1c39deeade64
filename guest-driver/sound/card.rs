// SPDX-License-Identifier: GPL-2.0

//! Sound cards.
//!
//! C header: [`include/sound/core.h`](srctree/include/sound/core.h)

use super::bindings as sound;
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    prelude::*, //
};

/// What user space calls a card. What does not fit is cut off.
pub(crate) struct Names<'a> {
    /// By which programs name the card, `hw:ID`: up to 15 letters and digits. ALSA adds a number if
    /// another card has it already.
    pub(crate) id: &'a CStr,
    /// The driver's, up to 15 bytes.
    pub(crate) driver: &'a CStr,
    /// For lists, up to 31 bytes.
    pub(crate) short: &'a CStr,
    /// With where the card is, up to 79 bytes.
    pub(crate) long: &'a CStr,
}

/// A card that user space does not see yet, to which PCM devices and controls can be added.
pub(crate) struct NewCard<'bound>(Card<'bound>);

impl<'bound> NewCard<'bound> {
    /// A card of the device `parent`, whose callbacks are `module`'s.
    pub(crate) fn new(
        parent: &'bound Device<Bound>,
        module: &'static ThisModule,
        names: &Names<'_>,
    ) -> Result<Self> {
        let mut card = ptr::null_mut();
        // SAFETY: The device is bound and the strings end with a null; the module stays loaded
        // while the card has open files. `Device` is a transparent wrapper of the C type.
        to_result(unsafe {
            sound::snd_card_new(
                ptr::from_ref(parent).cast_mut().cast::<bindings::device>(),
                -1,
                names.id.as_char_ptr(),
                module.as_ptr(),
                0,
                &raw mut card,
            )
        })?;
        let card = NonNull::new(card).ok_or(ENOMEM)?;
        // SAFETY: The card was just made: nobody else uses it before it is registered.
        let fields = unsafe { &mut *card.as_ptr() };
        copy_name(&mut fields.driver, names.driver);
        copy_name(&mut fields.shortname, names.short);
        copy_name(&mut fields.longname, names.long);
        copy_name(&mut fields.mixername, names.short);
        // INVARIANT: snd_card_new() has given it to us.
        Ok(Self(Card {
            card,
            _parent: PhantomData,
        }))
    }

    /// The parent of the card, and so of its devices.
    pub(super) fn parent(&self) -> *mut bindings::device {
        // SAFETY: The card lives, and its parent was set when it was made.
        unsafe { (*self.as_ptr()).dev }
    }

    pub(super) fn as_ptr(&self) -> *mut sound::snd_card {
        self.0.card.as_ptr()
    }

    /// Shows the card to user space. Its callbacks may be called before this returns.
    pub(crate) fn register(self) -> Result<Card<'bound>> {
        // SAFETY: The card lives, and was not registered yet.
        to_result(unsafe { sound::snd_card_register(self.as_ptr()) })?;
        Ok(self.0)
    }
}

/// A card. Dropping it waits until every file of the card is closed; then no callback is called any
/// more, and what its PCM devices and controls own has been dropped.
///
/// # Invariants
///
/// `card` is valid until it is freed by the drop.
pub(crate) struct Card<'bound> {
    card: NonNull<sound::snd_card>,
    /// Memory for DMA is the parent's, and must be given back before its driver is unbound.
    _parent: PhantomData<&'bound Device<Bound>>,
}

// SAFETY: ALSA has locks of its own, and callbacks own only what is `Send` and `Sync`.
unsafe impl Send for Card<'_> {}
// SAFETY: As above.
unsafe impl Sync for Card<'_> {}

impl Card<'_> {
    /// Takes the card from user space: streams are stopped, who waits for one is woken, and every
    /// call but a close fails with [`ENODEV`] from now on. Needed only to have that happen before
    /// the drop.
    pub(crate) fn disconnect(&self) {
        // SAFETY: By the type invariants the card is valid. It may be disconnected many times.
        unsafe { sound::snd_card_disconnect(self.card.as_ptr()) };
    }
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the card is valid, and nobody uses it after this.
        unsafe { sound::snd_card_free(self.card.as_ptr()) };
    }
}

/// Copies as much of `name` as fits, with a null at its end.
pub(super) fn copy_name(destination: &mut [c_char], name: &CStr) {
    let Some((end, bytes)) = destination.split_last_mut() else {
        return;
    };
    *end = 0;
    for (to, from) in bytes.iter_mut().zip(name.to_bytes_with_nul()) {
        *to = *from as c_char;
    }
}
