// SPDX-License-Identifier: GPL-2.0

//! Abstractions of ALSA, which Linux 7.3 does not have for Rust: cards, PCM devices and controls of
//! a mixer.
//!
//! Nothing here knows this driver's device, and everything here is safe to use: the pointers that
//! ALSA's C code hands around stay in these files.
//!
//! Limits:
//! - Interleaved samples only, one substream a direction, memory that the device reaches by DMA in
//!   one piece. Callbacks of a running stream are made in atomic context.
//! - Controls have one value.

// What bindgen makes of ALSA's headers is not held to this driver's rules.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_imports,
    reason = "generated"
)]
mod bindings {
    include!(env!("SOUND_BINDINGS"));
}
pub(crate) mod card;
pub(crate) mod control;
pub(crate) mod pcm;
pub(crate) mod stream;
pub(crate) mod substream;
