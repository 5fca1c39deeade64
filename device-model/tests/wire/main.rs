//! The wire bench: a device over its real vfio-user socket, driven by the `vfio_user` crate's client, without a VM.

mod audio;
mod bench;
mod determinism;
mod faults;
mod function;
mod pci;
mod pwm;
mod register_tests;
