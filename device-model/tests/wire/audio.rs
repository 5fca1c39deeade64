//! The audio streams over the wire: real sockets, interrupts and guest memory, no VM. Offsets and values are retyped from
//! the datasheet.

mod board;
mod errors;
mod receiving;
mod registers;
mod transmitting;
