//! One client's session: what its commands do, and what they are answered with.

use std::fs::File;
use std::os::fd::OwnedFd;

use device::{Pin, Region};
use rustix::io::Errno;

use crate::ServerOptions;
use crate::dma_mappings::DmaMapError;
use crate::incoming::Descriptors;
use crate::protocol::{IrqAction, IrqData, IrqSet, MAXIMUM_DESCRIPTORS, Negotiated, Refusal, Request, Write};
use crate::regions;
use crate::shared::{Shared, State, Unmasking, never_block};

/// What a command is answered with.
pub(crate) enum Answer {
    /// The first bytes of its own payload.
    Echo(usize),
    /// The same, and then [`Session::data`].
    EchoWithData(usize),
    /// This, and a descriptor if there is one.
    Payload(Vec<u8>, Option<OwnedFd>),
}

/// The fields that a `REGION_READ` and a `REGION_WRITE` begin with, and the replies to them.
const ACCESS_BYTES: usize = 16;
/// The field that a `REGION_WRITE_MULTI` begins with, and the reply to it.
const WRITE_COUNT_BYTES: usize = 8;

/// What has been agreed on with a client.
#[derive(Default)]
pub(crate) struct Session {
    negotiated: Option<Negotiated>,
    /// What was read last; kept for its memory.
    pub(crate) data: Vec<u8>,
}

impl Session {
    /// Whether the client has said which version it speaks.
    pub(crate) fn is_open(&self) -> bool {
        self.negotiated.is_some()
    }

    /// The most data that a message to the client may ask for or bring.
    pub(crate) fn client_data_bytes(&self) -> usize {
        self.negotiated.as_ref().map_or(0, |negotiated| negotiated.client_data_bytes)
    }

    /// Does what a command asks for. Descriptors that it has no use for are closed.
    pub(crate) fn execute(
        &mut self,
        request: Request<'_>,
        descriptors: Descriptors,
        shared: &Shared,
    ) -> Result<Answer, Refusal> {
        let options = &shared.options;
        if descriptors.cut_off {
            return Err(Refusal::invalid(format!("expected {MAXIMUM_DESCRIPTORS} descriptors at most, found more")));
        }
        if !self.is_open() && !matches!(request, Request::Version { .. }) {
            return Err(Refusal::invalid("expected VERSION first"));
        }
        match request {
            Request::Version { major, data } => self.negotiate(major, data, options),
            Request::DmaMap { range, offset, readable, writable } => {
                let file = only_descriptor(descriptors.list)?.map(|descriptor| (File::from(descriptor), offset));
                shared.lock().mappings.map(range, readable, writable, file)?;
                Ok(Answer::Echo(0))
            }
            Request::DmaUnmap { range, payload_bytes } => {
                let mut state = shared.lock();
                match range {
                    Some(range) => state.mappings.unmap(range)?,
                    None => state.mappings.clear(),
                }
                Ok(Answer::Echo(payload_bytes))
            }
            Request::DeviceInfo => Ok(Answer::Payload(regions::device_info().to_bytes(), None)),
            Request::RegionInfo { index, reply_bytes } => region_info(shared, index, reply_bytes),
            Request::IrqInfo { index } => {
                Ok(Answer::Payload(regions::irq_info(&shared.lock().device, index)?.to_bytes(), None))
            }
            Request::SetIrqs(set) => {
                shared.step(|state, _| set_irqs(state, &set, descriptors.list))?;
                Ok(Answer::Echo(0))
            }
            Request::RegionRead { region, offset, count } => {
                let region = existing_region(region)?;
                fits(count, options)?;
                self.data.resize(count, 0);
                shared.step(|state, wall_ns| state.device.read(region, offset, &mut self.data, wall_ns));
                Ok(Answer::EchoWithData(ACCESS_BYTES))
            }
            Request::RegionWrite(write) => {
                fits(write.data.len(), options)?;
                write_region(shared, write)?;
                Ok(Answer::Echo(ACCESS_BYTES))
            }
            Request::RegionWriteMulti(writes) => {
                if !self.negotiated.as_ref().is_some_and(|negotiated| negotiated.write_multiple) {
                    return Err(Refusal::new(Errno::OPNOTSUPP, "lists of writes were not agreed on"));
                }
                writes.iter().try_for_each(|write| existing_region(write.region).map(drop))?;
                writes.iter().try_for_each(|write| write_region(shared, write))?;
                Ok(Answer::Echo(WRITE_COUNT_BYTES))
            }
            Request::Reset => {
                shared.step(|state, wall_ns| state.device.reset(wall_ns));
                Ok(Answer::Echo(0))
            }
        }
    }

    fn negotiate(&mut self, major: u16, data: &[u8], options: &ServerOptions) -> Result<Answer, Refusal> {
        if self.is_open() {
            return Err(Refusal::invalid("expected one VERSION on a connection, found another"));
        }
        let negotiated = self.negotiated.insert(Negotiated::new(major, data, options)?);
        Ok(Answer::Payload(std::mem::take(&mut negotiated.reply), None))
    }
}

impl From<DmaMapError> for Refusal {
    fn from(error: DmaMapError) -> Self {
        let errno = match error {
            DmaMapError::Overlap { .. } => Errno::EXIST,
            DmaMapError::NotMapped { .. } => Errno::NOENT,
            DmaMapError::TooMany => Errno::NOSPC,
            DmaMapError::Range { .. } | DmaMapError::Descriptor { .. } => Errno::INVAL,
        };
        Self::new(errno, error.to_string())
    }
}

fn only_descriptor(mut descriptors: Vec<OwnedFd>) -> Result<Option<OwnedFd>, Refusal> {
    let only = descriptors.pop();
    if !descriptors.is_empty() {
        return Err(Refusal::invalid(format!("expected one descriptor at most, found {}", descriptors.len() + 1)));
    }
    Ok(only)
}

/// The region of an access, which has to have bytes.
fn existing_region(index: u32) -> Result<Region, Refusal> {
    regions::region(index)?.ok_or_else(|| Refusal::invalid(format!("expected a region with bytes, found {index}")))
}

/// Refuses more data than was announced.
fn fits(bytes: usize, options: &ServerOptions) -> Result<(), Refusal> {
    let most = options.maximum_data_bytes;
    if bytes > most {
        return Err(Refusal::invalid(format!("expected a count of {most} or less, found {bytes}")));
    }
    Ok(())
}

fn write_region(shared: &Shared, Write { region, offset, data }: Write<'_>) -> Result<(), Refusal> {
    let region = existing_region(region)?;
    shared.step(|state, wall_ns| state.device.write(region, offset, data, wall_ns));
    Ok(())
}

fn region_info(shared: &Shared, index: u32, reply_bytes: u32) -> Result<Answer, Refusal> {
    let state = shared.lock();
    let info = regions::region_info(&state.device, index)?;
    let mapped = state.device.window().filter(|_| !info.areas.is_empty());
    let failed = |error| Refusal::new(Errno::MFILE, format!("cannot duplicate a descriptor: {error}"));
    let duplicate = mapped.map(|window| window.file().try_clone()).transpose().map_err(failed)?;
    let descriptor = duplicate.map(OwnedFd::from);
    Ok(Answer::Payload(info.to_bytes(reply_bytes), descriptor))
}

fn set_irqs(state: &mut State, set: &IrqSet<'_>, descriptors: Vec<OwnedFd>) -> Result<(), Refusal> {
    let IrqSet { index, start, count, action, data } = *set;
    let there = regions::irq_info(&state.device, index)?.count;
    if u64::from(start) + u64::from(count) > there.into() {
        return Err(Refusal::invalid(format!(
            "expected interrupts below {there} of index {index}, found {start} to {start} + {count}"
        )));
    }
    let brought = descriptors.len();
    if data == IrqData::Eventfd && brought != 0 && brought != count as usize {
        return Err(Refusal::invalid(format!("expected {count} descriptors or none, found {brought}")));
    }
    if count == 0 {
        // All of the index's: only this disables anything, the others do something to none.
        if (action, data) == (IrqAction::Trigger, IrqData::None) {
            (0..there).for_each(|number| state.connect(regions::pin(index, number), None));
        }
        return Ok(());
    }
    if action != IrqAction::Trigger && regions::pin(index, start) != Pin::Intx {
        return Err(Refusal::invalid("expected INTx: MSI and MSI-X are masked by the guest"));
    }
    let pins = (start..start + count).map(|number| regions::pin(index, number));
    match data {
        IrqData::Eventfd => set_eventfds(state, action, pins, descriptors),
        IrqData::None => {
            pins.for_each(|pin| set_pin(state, action, pin));
            Ok(())
        }
        IrqData::Bool(booleans) => {
            let applies = pins.zip(booleans).filter(|(_, boolean)| **boolean != 0);
            applies.for_each(|(pin, _)| set_pin(state, action, pin));
            Ok(())
        }
    }
}

/// Ties an action on pins to a descriptor each, or unties it. All of the descriptors are looked at before one is taken.
fn set_eventfds(
    state: &mut State,
    action: IrqAction,
    pins: impl Iterator<Item = Pin> + Clone,
    descriptors: Vec<OwnedFd>,
) -> Result<(), Refusal> {
    if action == IrqAction::Mask {
        return Err(Refusal::new(Errno::NOTTY, "INTx cannot be masked by a descriptor"));
    }
    descriptors.iter().zip(pins.clone()).try_for_each(|(descriptor, pin)| never_block(descriptor, pin))?;
    let mut descriptors = descriptors.into_iter();
    for pin in pins {
        let descriptor = descriptors.next();
        if action == IrqAction::Trigger {
            state.connect(pin, descriptor);
        } else {
            state.unmasking = descriptor.map_or(Unmasking::ByMessage, Unmasking::By);
        }
    }
    Ok(())
}

/// Does an action on a pin now.
fn set_pin(state: &mut State, action: IrqAction, pin: Pin) {
    match action {
        IrqAction::Trigger => state.fire(pin),
        IrqAction::Mask => state.device.mask_intx(true),
        IrqAction::Unmask => state.device.mask_intx(false),
    }
}
