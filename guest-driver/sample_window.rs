// SPDX-License-Identifier: GPL-2.0

//! `/dev/pwm-audio-window0`: the sample window, in the address space of a process.
//!
//! - `mmap()` with `MAP_SHARED` shows the window, which begins at offset 0.
//! - One open file at a time (`EBUSY`); a mapping keeps its file open.
//!
//! When the device goes away, `open()` and `mmap()` fail with `ENODEV`, and touching the window
//! ends with `SIGBUS`.

use crate::{
    exclusive::{
        Exclusive,
        Taken, //
    },
    mapping::{
        Mapping,
        MappingFile,
        Part, //
    },
    node::{
        Node,
        OpenFile, //
    }, //
};
use kernel::{
    fs::File,
    miscdevice::{
        MiscDevice,
        MiscDeviceRegistration, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::Arc, //
};

/// The sample window of a device.
///
/// Outlives the binding of the driver while a file is open.
pub(crate) struct SampleWindow {
    mapping: Arc<Mapping>,
    file: Exclusive,
}

impl SampleWindow {
    /// The window at the bus address `start`; only whole pages of it can be mapped.
    ///
    /// The caller keeps the region reserved until [`unplug`](Self::unplug).
    pub(crate) fn new(start: usize, length_bytes: usize) -> Result<Arc<Self>> {
        let window = Self {
            mapping: Mapping::new([Part::region(0, start, length_bytes, true)])?,
            file: Exclusive::new()?,
        };
        Ok(Arc::new(window, GFP_KERNEL)?)
    }

    /// Takes the window from every process.
    pub(crate) fn unplug(&self) {
        self.mapping.unplug();
    }
}

/// An open file.
pub(crate) struct WindowFile {
    mapping: MappingFile,
    _alone: Taken,
}

#[vtable]
impl OpenFile for WindowFile {
    type Device = SampleWindow;
}

#[vtable]
impl MiscDevice for WindowFile {
    type Ptr = KBox<Self>;

    fn open(file: &File, registration: &MiscDeviceRegistration<Self>) -> Result<KBox<Self>> {
        let window = Node::device(registration);
        let file = Self {
            mapping: MappingFile::new(window.mapping.clone(), file)?,
            _alone: window.file.take()?,
        };
        Ok(KBox::new(file, GFP_KERNEL)?)
    }

    fn mmap(this: &Self, _file: &File, area: &VmaNew) -> Result {
        // SAFETY: The area is of the file that `this` is.
        unsafe { this.mapping.map(area) }
    }
}
