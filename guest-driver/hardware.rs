// SPDX-License-Identifier: GPL-2.0

//! What all interfaces of the driver share: the registers, which interrupts are enabled, and who
//! uses the transmitter and the receiver.

use crate::{
    counters::Counters,
    dma_list::DmaLists,
    power::Awake,
    receiver_control::ReceiverControl,
    registers::*,
    NO_DEVICE,
    REGISTERS_BYTES, //
};
use core::ops::Deref;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    devres::DevresGuard,
    io::Io,
    new_spinlock_irq,
    pci,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Relaxed,
                Release, //
            },
            AtomicFlag, //
        },
        rcu,
        Arc,
        SpinLockIrq, //
    }, //
};

/// BAR 0.
pub(crate) type Registers<'a> = pci::Bar<'a, REGISTERS_BYTES>;

/// The bits of the interrupt status that are set for as long as what they say holds: a clear has an
/// effect only after the cause has gone.
const LEVELS: u32 = 1 << SYSTEM_INTERRUPT_STATUS::TX_LOW_SHIFT
    | 1 << SYSTEM_INTERRUPT_STATUS::RX_HIGH_SHIFT
    | 1 << SYSTEM_INTERRUPT_STATUS::PWM_DONE_SHIFT
    | 1 << SYSTEM_INTERRUPT_STATUS::PWM_PERIOD_SHIFT;

/// Which interrupts the device may send.
#[derive(Default)]
struct Interrupts {
    /// Those that somebody waits for.
    enabled: u32,
    /// Those of `enabled` that the interrupt thread has still to handle. Meanwhile the device sends
    /// none.
    pending: u32,
    /// The device is to send none, whatever is enabled.
    are_held: bool,
}

impl Interrupts {
    /// Lets the device send what is enabled, unless the interrupt thread is to come.
    fn apply(&self, registers: &Registers<'_>) {
        if self.pending == 0 && !self.are_held {
            registers.write_reg(SYSTEM_INTERRUPT_ENABLE::from_raw(self.enabled));
        }
    }
}

/// What has become of a device that was away.
#[derive(PartialEq, Eq)]
pub(crate) enum AfterAbsence {
    /// It is as it was.
    Unchanged,
    /// It has lost its state.
    Reset,
}

/// A part of the block that has one user at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Transmitter,
    Receiver,
}

/// The block, as its interfaces share it.
///
/// Outlives the binding of the driver while a file is open: [`access`](Self::access) fails then.
#[pin_data]
pub(crate) struct Hardware {
    registers: Arc<pci::DevresBar<REGISTERS_BYTES>>,
    pub(crate) dma_lists: DmaLists,
    #[pin]
    pub(crate) receiver_control: ReceiverControl,
    #[pin]
    interrupts: SpinLockIrq<Interrupts>,
    pub(crate) counters: Counters,
    is_gone: AtomicFlag,
    is_away: AtomicFlag,
    claimed: [AtomicFlag; 2],
}

impl Hardware {
    /// The block behind `registers`, just reset.
    pub(crate) fn new(
        device: &Device<Bound>,
        registers: Arc<pci::DevresBar<REGISTERS_BYTES>>,
    ) -> Result<Arc<Self>> {
        let dma_lists = DmaLists::new(device)?;
        Arc::pin_init(
            pin_init!(Self {
                registers,
                dma_lists,
                receiver_control <- ReceiverControl::new(),
                interrupts <- new_spinlock_irq!(Interrupts::default()),
                counters: Counters::new(),
                is_gone: AtomicFlag::new(false),
                is_away: AtomicFlag::new(false),
                claimed: [AtomicFlag::new(false), AtomicFlag::new(false)],
            }),
            GFP_KERNEL,
        )
    }

    /// The registers, until the guard is dropped: nobody may sleep before. [`ENODEV`] once the
    /// device is gone, [`EIO`] while it is [away](Self::leave).
    ///
    /// The caller, or somebody for him, keeps the device [awake](Self::awake).
    pub(crate) fn access(&self) -> Result<Access<'_>> {
        let access = self.access_anyway()?;
        if self.is_away.load(Acquire) {
            return Err(EIO);
        }
        Ok(access)
    }

    fn access_anyway(&self) -> Result<Access<'_>> {
        let registers = self.registers.try_access().ok_or(ENODEV)?;
        if self.is_gone() {
            return Err(ENODEV);
        }
        Ok(Access {
            hardware: self,
            registers,
        })
    }

    /// Wakes the device, and keeps it so until the guard is dropped. May sleep.
    pub(crate) fn awake(&self) -> Result<Awake> {
        Awake::new(self.registers.device())
    }

    /// Takes the registers away from everybody, because the function is about to be reset or to
    /// sleep: nobody gets access from then on, and who has had some has given it back, until
    /// [`Self::come_back`]; nor does the device interrupt. Has `last` do what is left to do then;
    /// [`ENODEV`] if the device is gone.
    ///
    /// `synchronize` waits until neither interrupt handler nor thread is running.
    pub(crate) fn leave<T>(
        &self,
        synchronize: impl FnOnce(),
        last: impl FnOnce(&Access<'_>) -> Result<T>,
    ) -> Result<T> {
        {
            let access = self.access_anyway()?;
            let mut interrupts = self.interrupts.lock();
            interrupts.are_held = true;
            access.write_reg(SYSTEM_INTERRUPT_ENABLE::zeroed());
            // The write is posted: when this is answered, no interrupt is to come any more that the
            // handler, to which nobody gives access, would have to ask the device about.
            let _ = access.read(SYSTEM_INTERRUPT_ENABLE);
        }
        synchronize();
        self.is_away.store(true, Release);
        // Whoever has got access before this gives it back.
        rcu::synchronize_rcu();
        last(&self.access_anyway()?)
    }

    /// Has `first` prepare the device and gives the registers back to everybody, unless it fails.
    ///
    /// The interrupts are enabled that were so before [`Self::leave`], or none if `first` says that
    /// the device has been reset.
    pub(crate) fn come_back(
        &self,
        first: impl FnOnce(&Access<'_>) -> Result<AfterAbsence>,
    ) -> Result {
        let access = self.access_anyway()?;
        let found = first(&access)?;
        let mut interrupts = self.interrupts.lock();
        if found == AfterAbsence::Reset {
            *interrupts = Interrupts::default();
        }
        interrupts.are_held = false;
        self.is_away.store(false, Release);
        interrupts.apply(&access);
        Ok(())
    }

    /// Whether the driver is unbound, or the device does not answer any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Acquire)
    }

    /// Gives a device up that does not answer, unless it is only away.
    pub(crate) fn give_up(&self) {
        if !self.is_away.load(Acquire) {
            self.give_up_anyway();
        }
    }

    /// The same of one that was away and has not come back.
    pub(crate) fn give_up_anyway(&self) {
        if !self.is_gone.xchg(true, Release) {
            dev_err!(
                self.registers.device(),
                "no answer from the device (a register reads as all ones), giving it up; \
                 unbind the driver and rescan the bus once the device is back\n"
            );
        }
    }

    /// Silences transmitter and receiver for the last time. The PWM channels go on.
    ///
    /// Nobody accesses memory or registers after this, neither the device nor [`Self::access`].
    pub(crate) fn retire(&self) {
        let was_gone = self.is_gone.xchg(true, Release);
        // Whoever has got access before this gives it back.
        rcu::synchronize_rcu();
        if was_gone {
            return;
        }
        if let Some(registers) = self.registers.try_access() {
            registers.write_reg(SYSTEM_INTERRUPT_ENABLE::zeroed());
            // The way of a unit that is enabled, though it may stand still, cannot change.
            let transmitter = registers.read(TX_CONTROL).with_enable(false);
            registers.write_reg(transmitter.with_flush(true));
            let receiver = registers.read(RX_CONTROL).with_enable(false);
            registers.write_reg(receiver.with_flush(true));
            // Reading it back makes sure that the device has seen the writes, which are posted.
            let _ = registers.read(SYSTEM_INTERRUPT_ENABLE);
        }
    }

    /// Whether somebody uses `unit`.
    pub(crate) fn is_claimed(&self, unit: Unit) -> bool {
        self.claimed(unit).load(Relaxed)
    }

    fn claimed(&self, unit: Unit) -> &AtomicFlag {
        let [transmitter, receiver] = &self.claimed;
        match unit {
            Unit::Transmitter => transmitter,
            Unit::Receiver => receiver,
        }
    }
}

/// The right to use a unit, until it is dropped.
pub(crate) struct Claim {
    hardware: Arc<Hardware>,
    unit: Unit,
}

impl Claim {
    /// Claims `unit`; [`EBUSY`] if somebody else has it.
    pub(crate) fn new(hardware: &Arc<Hardware>, unit: Unit) -> Result<Self> {
        if hardware.claimed(unit).xchg(true, Acquire) {
            return Err(EBUSY);
        }
        Ok(Self {
            hardware: hardware.clone(),
            unit,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.hardware.claimed(self.unit).store(false, Release);
    }
}

/// The registers of a device that is there. Nobody may sleep while this exists.
pub(crate) struct Access<'a> {
    hardware: &'a Hardware,
    registers: DevresGuard<'a, Registers<'static>>,
}

impl<'a> Deref for Access<'a> {
    type Target = Registers<'a>;

    fn deref(&self) -> &Self::Target {
        &self.registers
    }
}

impl Access<'_> {
    pub(crate) fn hardware(&self) -> &Hardware {
        self.hardware
    }

    /// Lets the device interrupt when one of `sources` is set.
    pub(crate) fn enable_interrupts(&self, sources: SYSTEM_INTERRUPT_ENABLE) {
        self.change_interrupts(|enabled| enabled | sources.into_raw());
    }

    /// The device does not interrupt any more when one of `sources` is set.
    pub(crate) fn disable_interrupts(&self, sources: SYSTEM_INTERRUPT_ENABLE) {
        self.change_interrupts(|enabled| enabled & !sources.into_raw());
    }

    fn change_interrupts(&self, change: impl FnOnce(u32) -> u32) {
        let mut interrupts = self.hardware.interrupts.lock();
        let enabled = change(interrupts.enabled);
        if enabled != interrupts.enabled {
            interrupts.enabled = enabled;
            interrupts.apply(self);
        }
    }

    /// In the interrupt handler: stops the device from interrupting again until
    /// [`Self::end_interrupt`]. Returns whether the interrupt is the device's; [`ENODEV`] if the
    /// device does not answer.
    pub(crate) fn begin_interrupt(&self) -> Result<bool> {
        let mut interrupts = self.hardware.interrupts.lock();
        // Even if it cannot be the device's: QEMU's vfio lets the INTx line fall when a register is
        // accessed, and not before. What a device says that is asleep does not count.
        let status = self.read(SYSTEM_INTERRUPT_STATUS).into_raw();
        if interrupts.enabled == 0 || interrupts.pending != 0 {
            return Ok(false);
        }
        if status == NO_DEVICE {
            return Err(ENODEV);
        }
        if status & interrupts.enabled == 0 {
            return Ok(false);
        }
        interrupts.pending = status & interrupts.enabled;
        self.write_reg(SYSTEM_INTERRUPT_ENABLE::zeroed());
        // Now, so that what happens from here on is not taken for this.
        self.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(
            interrupts.pending & !LEVELS,
        ));
        self.hardware
            .counters
            .count_interrupt(SYSTEM_INTERRUPT_STATUS::from_raw(interrupts.pending));
        Ok(true)
    }

    /// What the interrupt thread has to handle.
    pub(crate) fn pending(&self) -> SYSTEM_INTERRUPT_STATUS {
        SYSTEM_INTERRUPT_STATUS::from_raw(self.hardware.interrupts.lock().pending)
    }

    /// Lets the device interrupt again, at once if something is pending: `STATUS & ENABLE` becomes
    /// other than zero then, which is what a message comes of.
    pub(crate) fn end_interrupt(&self) {
        let mut interrupts = self.hardware.interrupts.lock();
        self.write_reg(SYSTEM_INTERRUPT_STATUS::from_raw(
            interrupts.pending & LEVELS,
        ));
        interrupts.pending = 0;
        interrupts.apply(self);
    }
}
