// SPDX-License-Identifier: GPL-2.0

//! What a PCI driver can do besides probing and unbinding: have attributes in sysfs.
//!
//! `kernel::pci` has none of it yet. [`Adapter`] is its adapter with the field of the C structure
//! filled in that is for these.

use crate::attributes::Groups;
use core::marker::PhantomData;
use kernel::{
    driver::{
        DriverLayout,
        RegistrationOps, //
    },
    pci,
    prelude::*,
    types::Opaque, //
};

/// A PCI driver that can do more.
pub(crate) trait Driver: pci::Driver + Sized + 'static {
    /// What sysfs has in the folder of a device that is bound.
    const ATTRIBUTES: &'static Groups<Self>;
}

/// Registers `T` with the PCI core.
pub(crate) struct Adapter<T: Driver>(PhantomData<T>);

// SAFETY: All is as `pci::Adapter<T>` has it.
unsafe impl<T: Driver> DriverLayout for Adapter<T> {
    type DriverType = <pci::Adapter<T> as DriverLayout>::DriverType;
    type DriverData<'bound> = <pci::Adapter<T> as DriverLayout>::DriverData<'bound>;
    const DEVICE_DRIVER_OFFSET: usize = <pci::Adapter<T> as DriverLayout>::DEVICE_DRIVER_OFFSET;
}

// SAFETY: Registration and its end are those of `pci::Adapter<T>`.
unsafe impl<T: Driver> RegistrationOps for Adapter<T> {
    unsafe fn register(
        driver: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: Nobody else knows of `driver` yet. What the field refers to lives forever.
        unsafe { (*driver.get()).dev_groups = T::ATTRIBUTES.as_ptr() };
        // SAFETY: As the caller promises.
        unsafe { <pci::Adapter<T> as RegistrationOps>::register(driver, name, module) }
    }

    unsafe fn unregister(driver: &Opaque<Self::DriverType>) {
        // SAFETY: As the caller promises.
        unsafe { <pci::Adapter<T> as RegistrationOps>::unregister(driver) }
    }
}
