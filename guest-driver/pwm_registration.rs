// SPDX-License-Identifier: GPL-2.0

//! The registration of a PWM chip that holds its module.
//!
//! That of `kernel::pwm` gives the subsystem no module (Linux 7.3), so that one could be unloaded
//! whose chip somebody has open. This file registers a chip with the C function itself.

use core::ptr;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    devres,
    error::to_result,
    module::this_module,
    prelude::*,
    pwm::{
        Chip,
        PwmOps,
        UnregisteredChip, //
    },
    sync::aref::ARef, //
};

/// # Invariants
///
/// The chip is registered.
struct Registration<T: PwmOps>(ARef<Chip<T>>);

/// Registers `chip` until the driver of `device` is unbound. The module stays loaded while somebody
/// has one of its channels, or its character device open.
pub(crate) fn register<T: PwmOps>(device: &Device<Bound>, chip: UnregisteredChip<'_, T>) -> Result {
    let chip: ARef<Chip<T>> = (&*chip).into();
    let module = this_module::<crate::LocalModule>().as_ptr();
    // SAFETY: The chip is valid and has its operations, which are of this module, and consuming the
    // `UnregisteredChip` made sure that it is not registered yet.
    to_result(unsafe { bindings::__pwmchip_add(as_raw(&chip), module) })?;
    // INVARIANT: It has just been registered.
    devres::register(device, Registration(chip), GFP_KERNEL)
}

impl<T: PwmOps> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered, and nobody else ends that.
        unsafe { bindings::pwmchip_remove(as_raw(&self.0)) };
    }
}

fn as_raw<T: PwmOps>(chip: &Chip<T>) -> *mut bindings::pwm_chip {
    // CAST: `Chip` is a transparent wrapper of an `Opaque<bindings::pwm_chip>`.
    ptr::from_ref(chip).cast_mut().cast()
}
