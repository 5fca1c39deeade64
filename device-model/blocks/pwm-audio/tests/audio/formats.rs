//! Every format, way and direction, bit by bit. The bytes are made here, by arithmetic of their own.

use device::{Block, Frame};

use crate::bench::{
    Bench, CONTROL, DMA, DRAIN, ENABLE, END, FORMAT, FRAMES, PERIOD, RATE, RING_FRAMES, RX, SAMPLE, SOFTWARE, TX,
    WINDOW, counted,
};

const CHANNELS: [u32; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
/// Bits, packed, bytes a sample.
const KINDS: [(u32, bool, usize); 5] = [(8, false, 1), (16, false, 2), (24, true, 3), (24, false, 4), (32, false, 4)];
const COUNT: usize = 1_200;

/// Every format: the register's value, bits, channels and bytes a sample.
fn formats() -> impl Iterator<Item = (u32, u32, usize, usize)> {
    KINDS.into_iter().flat_map(|(bits, packed, bytes)| {
        let format = move |channels: u32| bits | channels << 8 | u32::from(packed) << 16;
        CHANNELS.into_iter().map(move |channels| (format(channels), bits, channels as usize, bytes))
    })
}

/// A sample of `bits` that looks like noise; the first two are the extremes.
fn noise(number: usize, channel: usize, bits: u32) -> i32 {
    let span = 1_i128 << bits;
    let value = match number {
        0 => -span / 2,
        1 => span / 2 - 1,
        _ => ((number * 8 + channel) as i128 * 0x9e37_79b9_7f4a_7c15 % span) - span / 2,
    };
    value as i32
}

fn frame(number: usize, channels: usize, sample: impl Fn(usize, usize) -> i32) -> Frame {
    let mut frame = [0; 8];
    (0..channels).for_each(|channel| frame[channel] = sample(number, channel));
    frame
}

/// The bytes of a sample: the remainders of divisions by 256.
fn bytes_of(sample: i32, bytes: usize) -> impl Iterator<Item = u8> {
    (0..bytes as u32).map(move |byte| i64::from(sample).div_euclid(256_i64.pow(byte)).rem_euclid(256) as u8)
}

fn bytes_of_frames(frames: &[Frame], channels: usize, bytes: usize) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame[..channels].iter().flat_map(|&sample| bytes_of(sample, bytes))).collect()
}

/// What is to be played.
fn original(bits: u32, channels: usize) -> Vec<Frame> {
    (0..COUNT).map(|number| frame(number, channels, |number, channel| noise(number, channel, bits))).collect()
}

/// What the input gives.
fn heard(bits: u32, channels: usize) -> Vec<Frame> {
    (0..COUNT).map(|n| frame(n, channels, |number, channel| counted(number as u64, channel, bits))).collect()
}

/// Plays until the transmitter stops.
fn play_out(bench: &mut Bench) {
    while bench.read(TX) & ENABLE != 0 {
        let deadline_ns = bench.block.next_deadline_ns().expect("it plays");
        bench.at(deadline_ns);
    }
    assert_eq!((bench.read(TX + 0x10), bench.error(TX)), (0, 0), "underruns and errors");
}

#[test]
fn the_transmitter_by_registers() {
    for (format, bits, channels, _) in formats() {
        let mut bench = Bench::default();
        bench.set(TX, &[(FORMAT, format)]);
        let frames = &original(bits, channels)[..1_024];
        for frame in frames {
            for (channel, sample) in (0..).zip(&frame[..channels]) {
                // Bits above the sample's do not count.
                let garbage = if bits < 32 { 0x5a5a_5a5a << bits } else { 0 };
                let low = sample.cast_unsigned() & (u64::MAX >> (64 - bits)) as u32;
                bench.write(TX + SAMPLE + 4 * channel, low | garbage);
            }
        }
        bench.set(TX, &[(CONTROL, ENABLE | DRAIN)]);
        play_out(&mut bench);
        assert!(bench.played() == frames, "format {format:#x}");
    }
}

#[test]
fn the_transmitter_through_the_window() {
    for (format, bits, channels, bytes) in formats() {
        let mut bench = Bench::default();
        let frames = original(bits, channels);
        let data = bytes_of_frames(&frames, channels, bytes);
        // A ring of 101 frames, filled again and again.
        bench.set(TX, &[(FORMAT, format), (RING_FRAMES, 101), (CONTROL, WINDOW | ENABLE)]);
        for (number, piece) in data.chunks(bytes * channels).enumerate() {
            bench.window.write((number % 101 * bytes * channels) as u64, piece);
            bench.write(TX + SOFTWARE, ((number + 1) % 101) as u32);
            if number % 64 == 63 {
                bench.at(bench.now_ns + 63 * 20_834);
            }
        }
        bench.set(TX, &[(CONTROL, WINDOW | ENABLE | DRAIN)]);
        play_out(&mut bench);
        assert!(bench.played() == frames, "format {format:#x}");
    }
}

/// Entries whose bytes are `data`'s, cut where frames are not: addresses that do not follow each other.
fn pieces(bench: &mut Bench, data: &[u8]) -> Vec<(u64, u32)> {
    let mut rest = data;
    let mut pieces = Vec::new();
    for (number, length) in [1, 7, 3_001, 2, 12_345, 10_000, usize::MAX].into_iter().enumerate() {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        if !piece.is_empty() {
            let address = 0x8000_0000 - 0x10_0000 * number as u64;
            bench.map(address, piece.to_vec());
            pieces.push((address, piece.len() as u32));
        }
        rest = after;
    }
    pieces
}

#[test]
fn the_transmitter_by_dma() {
    for (format, bits, channels, bytes) in formats() {
        let mut bench = Bench::default();
        let frames = original(bits, channels);
        let list = pieces(&mut bench, &bytes_of_frames(&frames, channels, bytes));
        bench.list(TX, &list);
        bench.set(TX, &[(FORMAT, format), (CONTROL, DMA | ENABLE | DRAIN)]);
        play_out(&mut bench);
        assert!(bench.played() == frames, "format {format:#x}");
        let most = 512 * bytes * channels;
        assert!(bench.requests[1..].iter().all(|request| request.bytes() <= most), "bursts of 512 frames at most");
    }
}

#[test]
fn the_receiver_by_registers() {
    for (format, bits, channels, _) in formats() {
        let mut bench = Bench::default();
        bench.set(RX, &[(FORMAT, format), (RATE, 8_000), (END, COUNT as u32), (CONTROL, ENABLE)]);
        for (number, frame) in heard(bits, channels).iter().enumerate() {
            bench.at(number as u64 * 125_000);
            for channel in 0..8 {
                // The last channel takes the frame out, so the others are read before.
                let channel = if channel < channels { channels - 1 - channel } else { channel };
                if channel + 1 != channels {
                    let sample = bench.read(RX + SAMPLE + 4 * channel as u64).cast_signed();
                    assert_eq!(sample, frame[channel], "format {format:#x}, frame {number}, channel {channel}");
                }
            }
            let last = bench.read(RX + SAMPLE + 4 * (channels as u64 - 1)).cast_signed();
            assert_eq!(last, frame[channels - 1], "format {format:#x}, frame {number}");
        }
        assert_eq!((bench.read(RX), bench.read(RX + FRAMES)), (0, COUNT as u32));
        assert_eq!(bench.effects.faults(), [""; 0]);
    }
}

#[test]
fn the_receiver_through_the_window() {
    for (format, bits, channels, bytes) in formats() {
        let mut bench = Bench::default();
        let frame_bytes = bytes * channels;
        bench.set(RX, &[(FORMAT, format), (RING_FRAMES, 101), (PERIOD, 60), (END, COUNT as u32)]);
        bench.set(RX, &[(CONTROL, WINDOW | ENABLE)]);
        let (mut data, mut consumer) = (Vec::new(), 0);
        while bench.read(RX) & ENABLE != 0 {
            let deadline_ns = bench.block.next_deadline_ns().expect("it receives");
            bench.at(deadline_ns);
            while consumer != bench.read(RX + 0x4c) {
                let mut frame = vec![0; frame_bytes];
                bench.window.read(u64::from(consumer) * frame_bytes as u64, &mut frame);
                data.extend(frame);
                consumer = (consumer + 1) % 101;
            }
            bench.take_interrupts();
            bench.write(RX + SOFTWARE, consumer);
        }
        let expected = bytes_of_frames(&heard(bits, channels), channels, bytes);
        assert!(data == expected, "format {format:#x}");
    }
}

#[test]
fn the_receiver_by_dma() {
    for (format, bits, channels, bytes) in formats() {
        let mut bench = Bench::default();
        let expected = bytes_of_frames(&heard(bits, channels), channels, bytes);
        let list = pieces(&mut bench, &vec![0xa5; expected.len()]);
        bench.list(RX, &list);
        bench.set(RX, &[(FORMAT, format), (PERIOD, 333), (CONTROL, DMA | ENABLE)]);
        while bench.read(RX) & ENABLE != 0 {
            let deadline_ns = bench.block.next_deadline_ns().expect("it receives");
            bench.at(deadline_ns);
            bench.take_interrupts();
        }
        let data: Vec<u8> = list.iter().flat_map(|&(address, _)| bench.bytes_at(address).to_vec()).collect();
        assert!(data == expected, "format {format:#x}");
        assert_eq!((bench.read(RX + FRAMES), bench.read(RX + 0x10), bench.error(RX)), (COUNT as u32, 0, 0));
    }
}
