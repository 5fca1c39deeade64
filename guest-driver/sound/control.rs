// SPDX-License-Identifier: GPL-2.0

//! Controls of a card's mixer.
//!
//! C header: [`include/sound/control.h`](srctree/include/sound/control.h)

use super::{
    bindings as sound,
    card::NewCard, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    sync::Arc, //
};

/// What values a control takes.
#[derive(Clone, Copy)]
pub(crate) enum Range {
    /// 1 for on, 0 for off.
    Switch,
    /// 0 to `maximum`, by which samples are multiplied in proportion: `maximum` is 0 dB.
    Volume {
        /// What leaves samples as they are.
        maximum: u32,
    },
}

impl Range {
    const fn maximum(self) -> u32 {
        match self {
            Self::Switch => 1,
            Self::Volume { maximum } => maximum,
        }
    }
}

/// A control of what a `T` is. Callbacks may sleep.
pub(crate) struct Control<T: 'static> {
    /// By ALSA's rules for names: `Master Playback Volume`.
    pub(crate) name: &'static CStr,
    /// What it takes.
    pub(crate) range: Range,
    /// Gives the value.
    pub(crate) get: fn(&T) -> Result<u32>,
    /// Takes a value that is in the range. Gives whether it was another one.
    pub(crate) set: fn(&T, u32) -> Result<bool>,
}

/// The scale of a volume: type, length in bytes, what 0 is, what the maximum is (0.01 dB).
static LINEAR_SCALE: [c_uint; 4] = [
    sound::SNDRV_CTL_TLVT_DB_LINEAR,
    8,
    sound::TLV_DB_GAIN_MUTE.cast_unsigned(),
    0,
];

impl<T: Send + Sync> Control<T> {
    /// Adds the control to `card`, which has a share in `mixer` as long as it lives.
    pub(crate) fn add(&'static self, card: &NewCard<'_>, mixer: Arc<T>) -> Result {
        let (access, tlv) = match self.range {
            Range::Switch => (0, core::ptr::null()),
            Range::Volume { .. } => (sound::SNDRV_CTL_ELEM_ACCESS_TLV_READ, LINEAR_SCALE.as_ptr()),
        };
        let template = sound::snd_kcontrol_new {
            iface: sound::SNDRV_CTL_ELEM_IFACE_MIXER as sound::snd_ctl_elem_iface_t,
            name: self.name.as_char_ptr(),
            access: access | sound::SNDRV_CTL_ELEM_ACCESS_READWRITE,
            info: Some(Self::info),
            get: Some(Self::get_callback),
            put: Some(Self::put_callback),
            tlv: sound::snd_kcontrol_new__bindgen_ty_1 { p: tlv },
            private_value: core::ptr::from_ref(self) as c_ulong,
            ..pin_init::zeroed()
        };
        let mixer = Arc::into_raw(mixer);
        // SAFETY: The template is whole, and ALSA copies it.
        let control = unsafe { sound::snd_ctl_new1(&raw const template, mixer.cast_mut().cast()) };
        if control.is_null() {
            // SAFETY: It comes from `Arc::into_raw` and has no other owner.
            drop(unsafe { Arc::from_raw(mixer) });
            return Err(ENOMEM);
        }
        // SAFETY: The control was just made, and owns `mixer` from now on. snd_ctl_add() frees it
        // when it fails, by `private_free`.
        to_result(unsafe {
            (*control).private_free = Some(Self::free);
            sound::snd_ctl_add(card.as_ptr(), control)
        })
    }

    /// # Safety
    ///
    /// `control` is one that [`Self::add`] made, and lives for `'a`.
    unsafe fn parts<'a>(control: *mut sound::snd_kcontrol) -> (&'static Self, &'a T) {
        // SAFETY: `add` put a `&'static Self` and an `Arc<T>` there, which the control owns.
        unsafe {
            (
                &*((*control).private_value as *const Self),
                &*(*control).private_data.cast::<T>(),
            )
        }
    }

    /// # Safety
    ///
    /// Called by ALSA for a control that [`Self::add`] made.
    unsafe extern "C" fn info(
        control: *mut sound::snd_kcontrol,
        info: *mut sound::snd_ctl_elem_info,
    ) -> c_int {
        // SAFETY: As the caller promises.
        let (this, _) = unsafe { Self::parts(control) };
        // SAFETY: ALSA lends `info` for the call.
        let info = unsafe { &mut *info };
        info.type_ = match this.range {
            Range::Switch => sound::SNDRV_CTL_ELEM_TYPE_BOOLEAN,
            Range::Volume { .. } => sound::SNDRV_CTL_ELEM_TYPE_INTEGER,
        } as sound::snd_ctl_elem_type_t;
        info.count = 1;
        // SAFETY: Of both types the limits are in `integer`.
        let limits = unsafe { info.value.integer.as_mut() };
        limits.min = 0;
        limits.max = this.range.maximum() as c_long;
        0
    }

    /// # Safety
    ///
    /// As of [`Self::info`].
    unsafe extern "C" fn get_callback(
        control: *mut sound::snd_kcontrol,
        value: *mut sound::snd_ctl_elem_value,
    ) -> c_int {
        // SAFETY: As the caller promises.
        let (this, mixer) = unsafe { Self::parts(control) };
        from_result(|| {
            let current = (this.get)(mixer)?;
            // SAFETY: ALSA lends `value` for the call; of both types the value is in `integer`.
            unsafe { (*value).value.integer.value[0] = current as c_long };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As of [`Self::info`].
    unsafe extern "C" fn put_callback(
        control: *mut sound::snd_kcontrol,
        value: *mut sound::snd_ctl_elem_value,
    ) -> c_int {
        // SAFETY: As the caller promises.
        let (this, mixer) = unsafe { Self::parts(control) };
        // SAFETY: ALSA lends `value` for the call; of both types the value is in `integer`.
        let wanted = unsafe { (*value).value.integer.value[0] };
        from_result(|| {
            let wanted = u32::try_from(wanted).map_err(|_| EINVAL)?;
            if wanted > this.range.maximum() {
                return Err(EINVAL);
            }
            Ok((this.set)(mixer, wanted)?.into())
        })
    }

    /// # Safety
    ///
    /// Called by ALSA once for a control that [`Self::add`] made, after all other callbacks.
    unsafe extern "C" fn free(control: *mut sound::snd_kcontrol) {
        // SAFETY: It comes from `Arc::into_raw`, and the control was its owner.
        drop(unsafe { Arc::from_raw((*control).private_data.cast::<T>().cast_const()) });
    }
}
