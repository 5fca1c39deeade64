// SPDX-License-Identifier: GPL-2.0

//! Attributes in sysfs, in the folder of a device that a driver is bound to.
//!
//! `kernel` has none yet, so this file builds the C structures itself.

use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings,
    device::{
        BoundInternal,
        Device, //
    },
    fmt,
    pci,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// A page for the text of an attribute.
pub(crate) struct Page(*mut c_char);

impl Page {
    /// Writes the text with a line's end after it, and gives its length.
    pub(crate) fn line(self, text: fmt::Arguments<'_>) -> usize {
        // SAFETY: The buffer is one that sysfs gave, as sysfs_emit() wants it; `%pA` takes such
        // arguments, which live until it returns.
        let length = unsafe {
            bindings::sysfs_emit(
                self.0,
                c"%pA\n".as_char_ptr(),
                ptr::from_ref(&text).cast::<c_void>(),
            )
        };
        // Less than a page, and never negative.
        length as usize
    }
}

/// Writes an attribute's value into the page and gives its length; an error is the reader's.
pub(crate) type Show<T> = fn(Pin<&<T as pci::Driver>::Data<'_>>, Page) -> Result<usize>;

/// An attribute that can be read.
///
/// # Invariants
///
/// `attribute` is that of a driver `T`, and is the first field.
#[repr(C)]
pub(crate) struct Attribute<T: pci::Driver> {
    attribute: bindings::device_attribute,
    show: Show<T>,
}

// SAFETY: Nobody changes it, and the pointers in it are to what lives forever.
unsafe impl<T: pci::Driver> Sync for Attribute<T> {}

impl<T: pci::Driver> Attribute<T> {
    pub(crate) const fn new(name: &'static CStr, show: Show<T>) -> Self {
        let mut attribute: bindings::device_attribute = pin_init::zeroed();
        attribute.attr.name = as_char_ptr_in_const_context(name);
        attribute.attr.mode = 0o444;
        attribute.__bindgen_anon_1.show_const = Some(Self::show);
        // INVARIANT: `show` is for drivers `T`.
        Self { attribute, show }
    }

    /// # Safety
    ///
    /// Called by sysfs for the first field of a `Self`, of a device that `T` is bound to.
    unsafe extern "C" fn show(
        device: *mut bindings::device,
        attribute: *const bindings::device_attribute,
        page: *mut c_char,
    ) -> isize {
        // CAST: The structure is `repr(C)`, so it begins where its first field does.
        //
        // SAFETY: As promised.
        let attribute = unsafe { &*attribute.cast::<Self>() };
        // SAFETY: The device is valid, and in this context, as promised.
        let device: &Device<BoundInternal> = unsafe { Device::from_raw(device) };
        // SAFETY: The driver core adds the attributes after a probe that was successful, which set
        // the data, and waits for their readers before it has the driver unbound. The type is that
        // of `T`'s data.
        let data = unsafe { device.drvdata_borrow::<T::Data<'_>>() };
        match (attribute.show)(data, Page(page)) {
            Ok(length) => length as isize,
            Err(error) => error.to_errno() as isize,
        }
    }
}

/// The attributes of a group: one less than `LENGTH`.
pub(crate) struct List<T, const LENGTH: usize>(
    [*const bindings::attribute; LENGTH],
    PhantomData<T>,
);

// SAFETY: Nobody changes it, and the pointers in it are to what lives forever.
unsafe impl<T, const LENGTH: usize> Sync for List<T, LENGTH> {}

impl<T: pci::Driver, const LENGTH: usize> List<T, LENGTH> {
    pub(crate) const fn new(attributes: &'static [Attribute<T>]) -> Self {
        assert!(attributes.len() + 1 == LENGTH);
        let mut list = [ptr::null(); LENGTH];
        let mut index = 0;
        while index < attributes.len() {
            list[index] = &raw const attributes[index].attribute.attr;
            index += 1;
        }
        Self(list, PhantomData)
    }
}

/// A folder with attributes.
pub(crate) struct Group<T>(bindings::attribute_group, PhantomData<T>);

// SAFETY: Nobody changes it, and the pointers in it are to what lives forever.
unsafe impl<T> Sync for Group<T> {}

impl<T> Group<T> {
    pub(crate) const fn new<const LENGTH: usize>(
        folder: &'static CStr,
        list: &'static List<T, LENGTH>,
    ) -> Self {
        let mut group: bindings::attribute_group = pin_init::zeroed();
        group.name = as_char_ptr_in_const_context(folder);
        group.__bindgen_anon_2.attrs_const = list.0.as_ptr();
        Self(group, PhantomData)
    }
}

/// What a driver `T` adds to the folder of a device.
pub(crate) struct Groups<T>([*const bindings::attribute_group; 2], PhantomData<T>);

// SAFETY: Nobody changes it, and the pointers in it are to what lives forever.
unsafe impl<T> Sync for Groups<T> {}

impl<T> Groups<T> {
    pub(crate) const fn new(group: &'static Group<T>) -> Self {
        Self([&raw const group.0, ptr::null()], PhantomData)
    }

    /// As `struct device_driver` wants it. To be used with `T` only.
    pub(crate) fn as_ptr(&'static self) -> *mut *const bindings::attribute_group {
        self.0.as_ptr().cast_mut()
    }
}
