//! The server against the vfio-user specification (QEMU's docs/interop/vfio-user.rst), over its raw socket.
//!
//! One file a chapter. Every case names the paragraph that it tests, and a case that fails says that paragraph, what was
//! sent, what was expected and what came. Numbers are retyped from the specification, from linux/vfio.h and from the
//! device's datasheet; nothing is taken from the server. Where the specification leaves room, a case holds the server
//! to what QEMU or Linux's own VFIO do.

mod bench;
mod client;
mod descriptors;
mod message;

mod audio_streams;
mod config_space;
mod dma;
mod dma_messages;
mod framing;
mod hostile;
mod info;
mod interrupts;
mod lifetime;
mod msix;
mod negotiation;
mod qemu_sequences;
mod regions;
mod reset;
