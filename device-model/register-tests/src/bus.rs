//! What the tests drive: a way to the registers of one block.

use std::convert::Infallible;

use registers::{RegisterFile, RegisterHandle};

/// A way to the registers of one block.
///
/// Accesses have 1, 2, 4 or 8 bytes at a multiple of that, little endian. The rest is what a bus may be able to do beside
/// accesses; what it cannot do makes some things untestable, and the report says which.
pub trait Bus {
    /// Why an access did not take place.
    type Error: std::error::Error;

    /// Reads `bytes` bytes, zero extended.
    fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, Self::Error>;

    /// Writes the lowest `bytes` bytes of `value`.
    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), Self::Error>;

    /// Puts the whole block into its state after reset; `false` where the bus has no reset.
    fn reset(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// All bits of a register, as the hardware has them and without the effects of a read; `None` where the bus has no
    /// such way.
    fn get(&mut self, _register: RegisterHandle) -> Result<Option<u64>, Self::Error> {
        Ok(None)
    }

    /// Sets all bits of a register, as the hardware does; `false` where the bus has no such way.
    fn set(&mut self, _register: RegisterHandle, _value: u64) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// Lets an alternate register answer until the next reset; `false` where the bus has no such way.
    fn select(&mut self, _register: RegisterHandle) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

impl Bus for RegisterFile {
    type Error = Infallible;

    fn read(&mut self, offset: u64, bytes: usize) -> Result<u64, Infallible> {
        Ok(self.read(offset, bytes).value)
    }

    fn write(&mut self, offset: u64, bytes: usize, value: u64) -> Result<(), Infallible> {
        self.write(offset, bytes, value);
        Ok(())
    }

    fn reset(&mut self) -> Result<bool, Infallible> {
        self.reset();
        Ok(true)
    }

    fn get(&mut self, register: RegisterHandle) -> Result<Option<u64>, Infallible> {
        Ok(Some(RegisterFile::get(self, register)))
    }

    fn set(&mut self, register: RegisterHandle, value: u64) -> Result<bool, Infallible> {
        self.set(register, value);
        Ok(true)
    }

    fn select(&mut self, register: RegisterHandle) -> Result<bool, Infallible> {
        self.select(register);
        Ok(true)
    }
}
