// SPDX-License-Identifier: GPL-2.0

//! The lists that tell transmitter and receiver where their memory is.

use crate::{
    dma_buffer::BUFFER_PIECES,
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

/// Entries that a list has room for.
const ENTRIES: usize = BUFFER_PIECES;

/// A list for each unit, freed when the driver is unbound.
pub(crate) struct DmaLists(Devres<Coherent<[u64]>>);

impl DmaLists {
    /// Empty lists.
    pub(crate) fn new(device: &Device<Bound>) -> Result<Self> {
        let words = Coherent::zeroed_slice(device, 2 * ENTRIES * ENTRY_WORDS, GFP_KERNEL)?;
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
        self.set_pieces(registers, unit, [(address, bytes)])
    }

    /// The same with memory in `pieces`, of which each has an address and a length in bytes. There
    /// are at most [`BUFFER_PIECES`].
    pub(crate) fn set_pieces(
        &self,
        registers: &Registers<'_>,
        unit: Unit,
        pieces: impl IntoIterator<Item = (DmaAddress, u32)>,
    ) -> Result {
        let words = self.0.try_access().ok_or(ENODEV)?;
        let first = match unit {
            Unit::Transmitter => 0,
            Unit::Receiver => ENTRIES * ENTRY_WORDS,
        };
        let mut entries = 0;
        for (address, bytes) in pieces {
            if entries == ENTRIES {
                return Err(EINVAL);
            }
            let word = first + entries * ENTRY_WORDS;
            io_write!(*words, [try: word], address.to_le());
            io_write!(*words, [try: word + 1], u64::from(bytes).to_le());
            entries += 1;
        }

        let list = words.dma_address() + (first * size_of::<u64>()) as u64;
        let (low, high) = (list as u32, (list >> 32) as u32);
        match unit {
            Unit::Transmitter => {
                registers.write_reg(TX_LIST_ADDRESS_LOW::from_raw(low));
                registers.write_reg(TX_LIST_ADDRESS_HIGH::from_raw(high));
                registers.write_reg(TX_LIST_ENTRIES::from_raw(entries as u32));
            }
            Unit::Receiver => {
                registers.write_reg(RX_LIST_ADDRESS_LOW::from_raw(low));
                registers.write_reg(RX_LIST_ADDRESS_HIGH::from_raw(high));
                registers.write_reg(RX_LIST_ENTRIES::from_raw(entries as u32));
            }
        }
        Ok(())
    }
}
