// SPDX-License-Identifier: GPL-2.0

//! Driver for the PWM/audio block on PCI.
//!
//! Is a sound card, plays audio through the transmit FIFO of the block, interrupt by interrupt,
//! offers its PWM channels to the PWM subsystem, and shows its sample window, which is a function
//! of its own with a driver of its own. [`sound_card`], [`character_device`], [`pwm_chip`] and
//! [`sample_window`] have the interfaces to user space.
//!
//! A write to a register may be posted: the device has surely seen it only once a later read is
//! answered. Nothing here depends on more than the order of accesses.
//!
//! Limits:
//! - At most four devices, `/dev/pwm-audio0` to `/dev/pwm-audio3` and `/dev/pwm-audio-window0` to
//!   `/dev/pwm-audio-window3`. With several, the kernel's log tells which nodes are of one slot.
//! - The function of the sample window stays awake whatever user space allows, but for the system's
//!   sleep.
//! - Linux has to be configured with `CONFIG_PM`.

mod adapter;
mod attributes;
mod character_device;
mod counters;
mod dma_buffer;
mod dma_list;
mod dma_pcm;
mod exclusive;
mod format;
mod hardware;
mod interrupts;
mod life;
mod mapping;
mod mixer;
mod names;
mod node;
mod playback;
mod player;
mod power;
mod pwm_chip;
mod pwm_registration;
mod receiver_control;
mod recorder;
mod recording;
mod register_dump;
#[allow(
    dead_code,
    reason = "the whole register map is here, also what this driver leaves alone"
)]
mod registers;
mod requests;
mod ring;
mod sample_window;
mod shared_unit;
mod sound;
mod sound_card;
mod stream_registers;
mod sysfs;
mod unit_stream;
mod window_driver;
mod window_pcm;
mod windows;

use adapter::Adapter;
use character_device::{
    AudioFile,
    CharacterDevice, //
};
use dma_buffer::DmaBuffer;
use hardware::{
    Hardware,
    Registers,
    Unit, //
};
use interrupts::{
    Client,
    Clients,
    InterruptHandler, //
};
use kernel::{
    debugfs,
    device::Core,
    dma::{
        Device as _,
        DmaMask, //
    },
    driver,
    io::Io,
    irq,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    InPlaceModule, //
};
use life::Asleep;
use mapping::{
    Mapping,
    Part, //
};
use names::{
    Name,
    Names, //
};
use node::Node;
use pwm_chip::{
    Channels,
    PwmChip, //
};
use register_dump::RegisterDump;
use registers::{
    SYSTEM_CONTROL,
    SYSTEM_IDENTITY,
    SYSTEM_VERSION, //
};
use shared_unit::SharedUnit;
use sound::card::Card;
use window_driver::WindowDriver;

/// What `/proc/iomem` shows for the regions of the device.
const REGION_NAME: &CStr = c"pwm_audio";

const REGISTERS_BAR: u32 = 0;
/// Size of that BAR.
const REGISTERS_BYTES: usize = 0x1000;

/// What a read gives when no device answers.
const NO_DEVICE: u32 = u32::MAX;

/// Everything that lives as long as the driver is bound to a device.
///
/// Dropped from top to bottom, so each field may use those below it.
#[pin_data]
struct DriverData<'bound> {
    card: Card<'bound>,
    #[pin]
    register_dump: debugfs::File<RegisterDump>,
    #[pin]
    node: Node<AudioFile>,
    #[pin]
    interrupt: irq::ThreadedRegistration<'bound, InterruptHandler>,
    vectors: pci::IrqVectorRegistration<'bound>,
    mapping: Arc<Mapping>,
    hardware: Arc<Hardware>,
    clients: Clients,
    /// While the system sleeps.
    #[pin]
    asleep: Mutex<Option<Asleep>>,
    name: Name,
}

struct PwmAudioDriver;

kernel::pci_device_table!(
    PCI_TABLE,
    <PwmAudioDriver as pci::Driver>::IdInfo,
    // Not assigned by Red Hat: borrowed for a device that only exists as a model.
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, 0x0ad0), ())]
);

impl pci::Driver for PwmAudioDriver {
    type IdInfo = ();
    type Data<'bound> = DriverData<'bound>;
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pci_device: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            pci_device.enable_device_mem()?;
            // A message-signalled interrupt is a write by the device, too.
            pci_device.set_master();
            // SAFETY: Nobody allocates or maps memory for the device before this.
            unsafe { pci_device.dma_set_mask_and_coherent(DmaMask::new::<64>())? };

            let registers: Registers<'_> =
                pci_device.iomap_region_sized(REGISTERS_BAR, REGION_NAME)?;
            let version = check_block(pci_device, &registers)?;
            registers.write_reg(SYSTEM_CONTROL::zeroed().with_reset(true));

            let name = names::AUDIO.reserve().inspect_err(|_| {
                dev_err!(pci_device, "all {} device names are in use\n", Names::COUNT);
            })?;
            let registers = Arc::new(registers.into_devres()?, GFP_KERNEL)?;
            let hardware = Hardware::new(pci_device.as_ref(), registers)?;
            let transmitter = SharedUnit::new(hardware.clone(), Unit::Transmitter)?;
            let (card, streams) = sound_card::new_card(pci_device.as_ref(), &hardware)?;
            let receiver = SharedUnit::new(hardware.clone(), Unit::Receiver)?;
            let channels = Channels::new(pci_device.as_ref(), hardware.clone())?;
            let clients = clients([
                transmitter.clone(),
                receiver.clone(),
                streams,
                channels.clone(),
            ])?;
            let handler = InterruptHandler {
                hardware: hardware.clone(),
                clients: clients.clone(),
            };
            let buffer = DmaBuffer::new(pci_device.as_ref())?;
            let mapping = Mapping::new([
                Part::region(
                    character_device::REGISTERS_OFFSET,
                    pci_device.resource_start(REGISTERS_BAR)?.try_into()?,
                    REGISTERS_BYTES,
                    *module_parameters::writable_registers.value_ref(),
                ),
                Part::buffer(character_device::BUFFER_OFFSET, buffer.clone()),
            ])?;
            let character_device = CharacterDevice::new(
                hardware.clone(),
                transmitter,
                receiver,
                mapping.clone(),
                buffer,
            )?;

            let vectors = pci_device.alloc_irq_vectors(
                1,
                1,
                pci::IrqTypes::default()
                    .with(pci::IrqType::MsiX)
                    .with(pci::IrqType::Msi)
                    .with(pci::IrqType::Intx),
            )?;
            let interrupt_type = match vectors.irq_type() {
                pci::IrqType::MsiX => "MSI-X",
                pci::IrqType::Msi => "MSI",
                pci::IrqType::Intx => "INTx",
            };

            let debug_folder = register_dump::folder(pci_device.as_ref())?;

            Ok(try_pin_init!(&this in DriverData {
                name,
                vectors,
                // SAFETY: `vectors` is initialised, pinned with `DriverData` and dropped after
                // `interrupt`, so the handler may borrow it for `'bound`. `DriverData` belongs to
                // the driver core, which drops it.
                interrupt <- unsafe {
                    let vectors: &'bound pci::IrqVectorRegistration<'bound> =
                        &(*this.as_ptr()).vectors;
                    irq::ThreadedRegistration::new(
                        vectors.index(0)?.into(),
                        irq::Flags::SHARED,
                        name.as_c_str(),
                        Ok(handler),
                    )
                },
                node <- Node::new(name.as_c_str(), pci_device.as_ref(), character_device),
                card: card.register()?,
                register_dump <- debug_folder.read_only_file(
                    RegisterDump::FILE,
                    RegisterDump(hardware.clone()),
                ),
                mapping,
                hardware,
                clients,
                asleep <- new_mutex!(None),
                _: {
                    PwmChip::register(pci_device.as_ref(), channels)?;
                    dev_info!(
                        pci_device,
                        "PWM/audio block version {}.{}, {}, /dev/{}\n",
                        version.major().get(),
                        version.minor().get(),
                        interrupt_type,
                        name.as_c_str(),
                    );
                    // Last: nothing that may fail comes after it.
                    power::allow(pci_device.as_ref());
                },
            }? Error))
        })
    }

    fn unbind<'bound>(pci_device: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        power::forbid(pci_device.as_ref());
        // Before the registers are gone: streams are stopped by them.
        data.card.disconnect();
        data.hardware.retire();
        for client in data.clients.iter() {
            client.device_gone();
        }
        data.mapping.unplug();
    }
}

/// Everybody whom the device has news for.
fn clients<const COUNT: usize>(of_driver: [Arc<dyn Client>; COUNT]) -> Result<Clients> {
    let mut clients = KVec::with_capacity(COUNT, GFP_KERNEL)?;
    for client in of_driver {
        clients.push(client, GFP_KERNEL)?;
    }
    Ok(Arc::new(clients, GFP_KERNEL)?)
}

/// Checks that the block is one that this driver knows. Returns its version.
fn check_block(
    device: &pci::Device<Core<'_>>,
    registers: &Registers<'_>,
) -> Result<SYSTEM_VERSION> {
    let identity = registers.read(SYSTEM_IDENTITY);
    if identity != SYSTEM_IDENTITY::RESET {
        dev_err!(
            device,
            "not a PWM/audio block: identity {:#010x} expected, {:#010x} found\n",
            SYSTEM_IDENTITY::RESET.into_raw(),
            identity.into_raw(),
        );
        return Err(ENODEV);
    }
    let version = registers.read(SYSTEM_VERSION);
    let known = SYSTEM_VERSION::RESET;
    if version.major() != known.major() {
        dev_err!(
            device,
            "register map version {}.x expected, {}.{} found: needs a matching driver\n",
            known.major().get(),
            version.major().get(),
            version.minor().get(),
        );
        return Err(ENODEV);
    }
    Ok(version)
}

/// The drivers of both functions.
///
/// Dropped from top to bottom.
#[pin_data]
struct PwmAudioModule {
    #[pin]
    audio: driver::Registration<Adapter<PwmAudioDriver>>,
    #[pin]
    window: driver::Registration<pci::Adapter<WindowDriver>>,
    debug_folder: register_dump::Root,
}

impl InPlaceModule for PwmAudioModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: The module is initialised once, and no driver is there yet.
        unsafe { windows::init() };
        try_pin_init!(Self {
            // SAFETY: As above.
            debug_folder: unsafe { register_dump::Root::new(c"pwm_audio") },
            audio <- driver::Registration::new(c"pwm_audio", module),
            window <- driver::Registration::new(c"pwm_audio_window", module),
        })
    }
}

module! {
    type: PwmAudioModule,
    name: "pwm_audio",
    authors: ["The Softboard authors"],
    description: "Audio and PWM on the PWM/audio block",
    license: "GPL v2",
    imports_ns: ["PWM"],
    params: {
        shared_open: bool {
            default: false,
            description: "Whether several can open a device at once, of whom one plays",
        },
        writable_registers: bool {
            default: false,
            description: "Whether programs may map the registers to write them",
        },
    },
}
