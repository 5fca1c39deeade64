// SPDX-License-Identifier: GPL-2.0

//! What a PCI driver can do besides probing and unbinding: have attributes in sysfs, see a reset of
//! the function coming and going, and see the system suspend and resume.
//!
//! `kernel::pci` has none of it yet. [`Adapter`] is its adapter with the fields of the C structures
//! filled in that are for these.

use crate::attributes::Groups;
use core::marker::PhantomData;
use kernel::{
    bindings,
    device::CoreInternal,
    driver::{
        DriverLayout,
        RegistrationOps, //
    },
    error::from_result,
    pci,
    prelude::*,
    types::Opaque, //
};

/// A PCI driver that can do more.
///
/// The PCI core makes these calls as it makes those of [`pci::Driver`]: with the device's lock
/// held, so never two at the same time, and while the driver is bound.
pub(crate) trait Driver: pci::Driver + Sized + 'static {
    /// What sysfs has in the folder of a device that is bound.
    const ATTRIBUTES: &'static Groups<Self>;

    /// The function is about to be reset: from now on no access reaches it. Reached by
    /// `echo 1 > reset`, for example.
    fn reset_prepare(data: Pin<&Self::Data<'_>>);

    /// The function has been reset, or that has failed. Config space is as it was.
    fn reset_done(data: Pin<&Self::Data<'_>>);

    /// The system is about to sleep, and its programs already do. The PCI core puts the function
    /// into D3hot afterwards.
    fn suspend(data: Pin<&Self::Data<'_>>) -> Result;

    /// The system is awake again, and the function in D0.
    fn resume(data: Pin<&Self::Data<'_>>) -> Result;
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
        // SAFETY: Nobody else knows of `driver` yet. What the fields refer to lives forever.
        unsafe {
            (*driver.get()).err_handler = &Self::ERROR_HANDLERS;
            (*driver.get()).dev_groups = T::ATTRIBUTES.as_ptr();
            (*driver.get()).driver.pm = &Self::POWER_OPERATIONS;
        }
        // SAFETY: As the caller promises.
        unsafe { <pci::Adapter<T> as RegistrationOps>::register(driver, name, module) }
    }

    unsafe fn unregister(driver: &Opaque<Self::DriverType>) {
        // SAFETY: As the caller promises.
        unsafe { <pci::Adapter<T> as RegistrationOps>::unregister(driver) }
    }
}

impl<T: Driver> Adapter<T> {
    const ERROR_HANDLERS: bindings::pci_error_handlers = bindings::pci_error_handlers {
        reset_prepare: Some(Self::reset_prepare),
        reset_done: Some(Self::reset_done),
        ..pin_init::zeroed()
    };

    const POWER_OPERATIONS: bindings::dev_pm_ops = bindings::dev_pm_ops {
        suspend: Some(Self::suspend),
        resume: Some(Self::resume),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Called by the PCI core for a device that `T` is bound to, with the device's lock held.
    unsafe extern "C" fn reset_prepare(device: *mut bindings::pci_dev) {
        // SAFETY: As promised; the device is part of the PCI device.
        T::reset_prepare(unsafe { Self::data(&raw mut (*device).dev) });
    }

    /// # Safety
    ///
    /// As for `reset_prepare`.
    unsafe extern "C" fn reset_done(device: *mut bindings::pci_dev) {
        // SAFETY: As promised; the device is part of the PCI device.
        T::reset_done(unsafe { Self::data(&raw mut (*device).dev) });
    }

    /// # Safety
    ///
    /// As for `reset_prepare`.
    unsafe extern "C" fn suspend(device: *mut bindings::device) -> c_int {
        // SAFETY: As promised.
        from_result(|| T::suspend(unsafe { Self::data(device) }).map(|()| 0))
    }

    /// # Safety
    ///
    /// As for `reset_prepare`.
    unsafe extern "C" fn resume(device: *mut bindings::device) -> c_int {
        // SAFETY: As promised.
        from_result(|| T::resume(unsafe { Self::data(device) }).map(|()| 0))
    }

    /// # Safety
    ///
    /// `T` is bound to `device`, and stays so for `'a`.
    unsafe fn data<'a>(device: *mut bindings::device) -> Pin<&'a T::Data<'a>> {
        // SAFETY: The device is valid, and in this context, as promised.
        let device: &'a kernel::device::Device<CoreInternal<'a>> =
            unsafe { kernel::device::Device::from_raw(device) };
        // SAFETY: The probe was successful, so the data was set, and its type is this.
        unsafe { device.drvdata_borrow::<T::Data<'a>>() }
    }
}
