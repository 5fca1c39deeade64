// SPDX-License-Identifier: GPL-2.0

//! The lists that tell transmitter and receiver where their memory is.

use crate::{
    hardware::{
        Registers,
        Unit, //
    },
    registers::*, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma::{
        Coherent,
        DmaAddress, //
    },
    io::{
        io_write,
        Io, //
    },
    prelude::*, //
};

/// 64-bit words of an entry: the address of the memory; how many bytes it has, in the low half.
const ENTRY_WORDS: usize = 2;

/// A list of one entry for each unit, freed when the driver is unbound.
pub(crate) struct DmaLists(Devres<Coherent<[u64]>>);

impl DmaLists {
    /// Empty lists.
    pub(crate) fn new(device: &Device<Bound>) -> Result<Self> {
        let words = Coherent::zeroed_slice(device, 2 * ENTRY_WORDS, GFP_KERNEL)?;
        Ok(Self(Devres::new(device, words)?))
    }

    /// Has the stopped `unit` use the `bytes` of memory at `address` when it is enabled with
    /// `way` DMA. [`ENODEV`] once the driver is unbound.
    pub(crate) fn set(
        &self,
        registers: &Registers<'_>,
        unit: Unit,
        address: DmaAddress,
        bytes: u32,
    ) -> Result {
        let words = self.0.try_access().ok_or(ENODEV)?;
        let first = match unit {
            Unit::Transmitter => 0,
            Unit::Receiver => ENTRY_WORDS,
        };
        io_write!(*words, [try: first], address.to_le());
        io_write!(*words, [try: first + 1], u64::from(bytes).to_le());

        let list = words.dma_address() + (first * size_of::<u64>()) as u64;
        let (low, high) = (list as u32, (list >> 32) as u32);
        match unit {
            Unit::Transmitter => {
                registers.write_reg(TX_LIST_ADDRESS_LOW::from_raw(low));
                registers.write_reg(TX_LIST_ADDRESS_HIGH::from_raw(high));
                registers.write_reg(TX_LIST_ENTRIES::from_raw(1));
            }
            Unit::Receiver => {
                registers.write_reg(RX_LIST_ADDRESS_LOW::from_raw(low));
                registers.write_reg(RX_LIST_ADDRESS_HIGH::from_raw(high));
                registers.write_reg(RX_LIST_ENTRIES::from_raw(1));
            }
        }
        Ok(())
    }
}
