//! Transmitter and receiver against the datasheet: offsets, values and deadlines are retyped here, not taken from the
//! code.

mod bench;
mod dma;
mod extremes;
mod formats;
mod receiver;
mod transmitter;
mod window;
