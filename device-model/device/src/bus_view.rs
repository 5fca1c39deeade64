//! What the bus knows of the registers: so that a read can be shown as what it changed for the driver.

use registers::RegisterMap;

use crate::Width;

/// The registers' bytes as the accesses so far have shown them, from what they are after reset on.
pub(crate) struct BusView {
    bytes: Box<[u8]>,
}

impl BusView {
    /// Every register of `map` as after reset.
    pub(crate) fn new(map: &RegisterMap) -> Self {
        let mut view = Self { bytes: vec![0; map.bytes() as usize].into() };
        // Those that answer at first: alternates are not known before they have been seen.
        for (_, register) in map.registers().filter(|(_, register)| register.alternate.is_none()) {
            let first = register.offset as usize;
            let value = (register.reset_value & register.readable_bits()).to_le_bytes();
            let bytes = register.bytes() as usize;
            view.bytes[first..first + bytes].copy_from_slice(&value[..bytes]);
        }
        view
    }

    /// Puts `new` in the place of what was known, and gives that. Bytes after the last register are always 0.
    pub(crate) fn exchange(&mut self, offset: u64, width: Width, new: u64) -> u64 {
        let mut old = [0; 8];
        let first = usize::try_from(offset).unwrap_or(usize::MAX);
        let known = self.bytes.iter_mut().skip(first).take(width.bytes());
        for ((known, new), old) in known.zip(new.to_le_bytes()).zip(&mut old) {
            *old = std::mem::replace(known, new);
        }
        u64::from_le_bytes(old)
    }
}
