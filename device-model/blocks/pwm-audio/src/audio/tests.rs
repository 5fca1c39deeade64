//! What the block's own tests cannot reach: the frames that a converter follows, and saved states.

use device::{DmaRequest, Effects};
use registers::RegisterFile;
use serde_json::{Value, json};

use super::{Audio, Step};
use crate::map::REGISTERS;

/// Transmitter and receiver without the rest of the block.
struct Bench {
    audio: Audio,
    file: RegisterFile,
    effects: Effects,
    played: Vec<(u64, Option<u32>)>,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            audio: Audio::new(None, None),
            file: RegisterFile::new(REGISTERS.map.clone()),
            effects: Effects::default(),
            played: Vec::new(),
        }
    }
}

impl Bench {
    fn write(&mut self, now_ns: u64, offset: u64, value: u32) {
        self.audio.refresh(&mut self.file);
        for change in self.file.write(offset, 4, value.into()).changes.iter() {
            let played = &mut |time_ns, fraction| self.played.push((time_ns, fraction));
            self.audio.react(change, &mut self.file, Step { now_ns, effects: &mut self.effects, played });
        }
    }

    fn advance(&mut self, now_ns: u64) {
        let played = &mut |time_ns, fraction| self.played.push((time_ns, fraction));
        self.audio.advance(Step { now_ns, effects: &mut self.effects, played });
    }

    fn end(&mut self, now_ns: u64, channel: u8, data: Vec<u8>) {
        let played = &mut |time_ns, fraction| self.played.push((time_ns, fraction));
        self.audio.dma_ended(channel, Ok(data), Step { now_ns, effects: &mut self.effects, played });
    }

    fn take_requests(&mut self) -> Vec<DmaRequest> {
        let requests = self.effects.dma_requests().to_vec();
        self.effects.clear();
        requests
    }
}

#[test]
fn a_converter_hears_the_first_sample_of_every_frame_at_its_time_and_the_end() {
    for (format, samples, fractions) in [
        (0x108, [0x80, 0x00, 0x7f], [0, 0x8000_0000, 0xff00_0000]),
        (0x110, [0x8000, 0x0001, 0x7fff], [0, 0x8001_0000, 0xffff_0000]),
        (0x118, [0x80_0000, 0xff_ffff, 0x7f_ffff], [0, 0x7fff_ff00, 0xffff_ff00]),
        (0x120, [0x8000_0000, 0, 0x7fff_ffff], [0, 0x8000_0000, 0xffff_ffff]),
    ] {
        let mut bench = Bench::default();
        bench.write(0, 0x444, format);
        for sample in samples {
            bench.write(0, 0x460, sample);
        }
        // Enable and drain, at 48 kHz: frame 1 is due at 20,833.3 ns.
        bench.write(1_000, 0x440, 0x3);
        bench.advance(1_000_000);
        let [first, second, third] = fractions.map(Some);
        assert_eq!(bench.played, [(1_000, first), (21_834, second), (42_667, third), (63_500, None)]);
    }
}

/// A stream of each side by DMA, in its middle.
fn in_mid_stream() -> Bench {
    let mut bench = Bench::default();
    for side in [0x440, 0x540] {
        for (register, value) in [(0x04, 0x1_0318), (0x50, 100), (0x60, 1), (0x00, 0x601)] {
            bench.write(5, side + register, value);
        }
    }
    let list = [&0x1000_u64.to_le_bytes()[..], &9_000_u32.to_le_bytes(), &[0; 4]].concat();
    bench.end(7, 0, list.clone());
    bench.end(7, 1, list);
    bench.end(7, 0, vec![0x5a; 512 * 9]);
    bench.advance(3_000_000);
    bench
}

/// What becomes of it.
fn continued(bench: &mut Bench) -> (Value, Vec<DmaRequest>) {
    bench.take_requests();
    bench.end(3_000_000, 0, vec![0xa5; 488 * 9]);
    bench.write(4_000_000, 0x440, 0x609);
    bench.write(5_000_000, 0x440, 0x601);
    bench.advance(16_000_000);
    (bench.audio.save(), bench.take_requests())
}

#[test]
fn a_saved_state_goes_on_as_the_original_does() {
    let mut original = in_mid_stream();
    let saved = serde_json::to_string(&original.audio.save()).expect("text");
    let mut copy = Bench { file: original.file.clone(), ..Bench::default() };
    copy.audio.restore(serde_json::from_str(&saved).expect("JSON")).expect("a state");
    assert!(copy.audio.state == original.audio.state);
    assert!(copy.audio.state != Bench::default().audio.state);
    let (state, requests) = continued(&mut original);
    assert!(!requests.is_empty());
    assert!((state, requests) == continued(&mut copy));
}

#[test]
fn a_state_that_cannot_be_is_refused() {
    let mut bench = in_mid_stream();
    let saved = bench.audio.save();
    let many = json!(vec![[0; 8]; 1_025]);
    for (side, place, value) in [
        ("transmitter", "/stream/settings/format/bits", json!(33)),
        ("transmitter", "/stream/settings/format/channels", json!(9)),
        ("receiver", "/stream/settings/format/channels", json!(0)),
        ("receiver", "/stream/settings/rate_hz", json!(0)),
        ("receiver", "/stream/side", json!("Transmitter")),
        ("transmitter", "/stream/phase/Running/rate_hz", json!(0)),
        ("transmitter", "/stream/phase/Running/late", json!(48_000)),
        ("transmitter", "/stream/supply/Dma/list/frames", json!(0)),
        ("transmitter", "/stream/supply/Dma/list/index", json!(1)),
        ("receiver", "/stream/supply/Dma/list/offset", json!(9_000)),
        ("receiver", "/stream/supply/Dma/partial", json!([0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("receiver", "/stream/fifo", many),
        ("receiver", "/delivered", json!(u64::MAX)),
        ("transmitter", "/passed", json!(u64::MAX)),
    ] {
        let mut wrong = saved.clone();
        *wrong[side].pointer_mut(place).unwrap_or_else(|| panic!("no {place} in {saved}")) = value;
        assert!(bench.audio.restore(wrong).is_err(), "{side}{place}");
        assert!(bench.audio.save() == saved, "the old state stays");
    }
    bench.audio.restore(saved).expect("a state");
}
