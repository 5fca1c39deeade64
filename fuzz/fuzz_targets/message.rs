//! The parser of messages: headers, requests, version data, from any bytes.
//!
//! What it takes and refuses is compared with QEMU's `docs/interop/vfio-user.rst`, retyped here.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vfio_user_server::fuzzing::{Message, message};

/// The longest reason that a log line may have: what a peer sent is not repeated in it.
const MAXIMUM_REASON_BYTES: usize = 300;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Some(Message { header, size_bytes, request }) = message(rest) {
        let (parsed, after) = rest.split_at(size_bytes);
        assert_eq!(header, parsed[..16]);
        let (command, payload) = (u16::from_ne_bytes([parsed[2], parsed[3]]), &parsed[16..]);
        if let Some(expected) = is_valid(command, payload) {
            assert_eq!(request.is_ok(), expected, "command {command}: {request:?}");
        }
        match request {
            Ok((_, reply)) => assert!(reply.len() < 300 && (command == 1) != reply.is_empty(), "{reply:?}"),
            Err((errno, reason)) => {
                assert!(errno > 0, "{reason}");
                assert!((1..=MAXIMUM_REASON_BYTES).contains(&reason.len()), "{} bytes: {reason}", reason.len());
            }
        }
        rest = after;
    }
});

/// Whether the payload is one that the command may have, where that needs neither device nor JSON.
fn is_valid(command: u16, payload: &[u8]) -> Option<bool> {
    let bytes = payload.len();
    let u32_at = |at: usize| payload.get(at..at + 4).map_or(0, |field| u32::from_ne_bytes(field.try_into().unwrap()));
    Some(match command {
        1 => return None,
        2 => bytes == 32 && u32_at(0) >= 32 && u32_at(4) & !0b11 == 0,
        3 => bytes == 24 && u32_at(0) >= 24 && (u32_at(4) == 0 || u32_at(4) == 2 && payload[8..] == [0; 16]),
        4 | 7 => bytes == 16 && u32_at(0) >= 16,
        5 => bytes == 32 && u32_at(0) >= 32,
        8 => {
            let one_of = |bits: u32| (u32_at(4) & bits).is_power_of_two();
            let data = if u32_at(4) & 0b10 == 0 { 0 } else { u32_at(16) as usize };
            let flags = u32_at(4) & !0b11_1111 == 0 && one_of(0b111) && one_of(0b11_1000);
            bytes >= 20 && u32_at(0) >= 20 && flags && bytes == 20 + data
        }
        9 => bytes == 16 && u32_at(12) <= 0x10_0000,
        10 => bytes >= 16 && u32_at(12) <= 0x10_0000 && bytes == 16 + u32_at(12) as usize,
        13 => bytes == 0,
        15 => {
            let count = payload.first_chunk().map_or(u64::MAX, |count| u64::from_ne_bytes(*count));
            let entries = payload.get(8..).unwrap_or_default();
            count.checked_mul(24) == Some(entries.len() as u64)
                && entries.chunks(24).all(|entry| u32::from_ne_bytes(entry[12..16].try_into().unwrap()) <= 8)
        }
        _ => false,
    })
}
