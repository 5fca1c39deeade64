// SPDX-License-Identifier: GPL-2.0

//! Driver for the function that the sample window is: it offers the window, to user space and to
//! the card of the other function.

use crate::{
    names,
    node::Node,
    sample_window::{
        SampleWindow,
        WindowFile, //
    },
    windows::{
        Entry,
        Slot, //
    },
    REGION_NAME, //
};
use kernel::{
    device::Core,
    pci,
    prelude::*,
    sync::Arc, //
};
use names::{
    Name,
    Names, //
};

const WINDOW_BAR: u32 = 2;

/// Everything that lives as long as the driver is bound to a function.
///
/// Dropped from top to bottom, so each field may use those below it.
#[pin_data]
pub(crate) struct WindowData {
    #[pin]
    node: Node<WindowFile>,
    window: Arc<SampleWindow>,
    /// Has the card find the window.
    entry: Entry,
    name: Name,
}

pub(crate) struct WindowDriver;

kernel::pci_device_table!(
    WINDOW_PCI_TABLE,
    <WindowDriver as pci::Driver>::IdInfo,
    // Not assigned by Red Hat: borrowed for a device that only exists as a model.
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, 0x0ad1), ())]
);

impl pci::Driver for WindowDriver {
    type IdInfo = ();
    type Data<'bound> = WindowData;
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &WINDOW_PCI_TABLE;

    fn probe<'bound>(
        pci_device: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            pci_device.enable_device_mem()?;
            // Also reserves the region that `window` maps for user space.
            let memory = pci_device.iomap_region(WINDOW_BAR, REGION_NAME)?;
            let memory = Arc::new(memory.into_devres()?, GFP_KERNEL)?;
            let slot = Slot::of(pci_device.as_ref().name())?;
            let name = names::WINDOW.reserve().inspect_err(|_| {
                dev_err!(pci_device, "all {} window names are in use\n", Names::COUNT);
            })?;
            let window = SampleWindow::new(
                pci_device.resource_start(WINDOW_BAR)?.try_into()?,
                pci_device.resource_len(WINDOW_BAR)?.try_into()?,
            )?;

            Ok(try_pin_init!(WindowData {
                name,
                entry: Entry::new(slot, memory)?,
                node <- Node::new(name.as_c_str(), pci_device.as_ref(), window.clone()),
                window,
                _: {
                    dev_info!(pci_device, "sample window, /dev/{}\n", name.as_c_str());
                },
            }? Error))
        })
    }

    fn unbind<'bound>(_: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        data.window.unplug();
    }
}
