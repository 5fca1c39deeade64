//! What is received in every format is what the input gives, in all three ways.

use super::board::{
    Board, CONTROL, DATA, DMA, ENABLE, END, FAILURES, FORMAT, FRAMES, HARDWARE, MARK, PERIOD, RATE, RING_FRAMES,
    RING_OFFSET, RX, SAMPLE, SOFTWARE, WINDOW, formats,
};
use crate::bench::BAR0;

const HIGH: u32 = 1 << 5;
const PERIOD_ENDS: u32 = 1 << 7;
const DONE: u32 = 1 << 8;

fn assert_done(board: &mut Board, frames: usize) {
    assert_eq!(board.read(RX + CONTROL) & ENABLE, 0);
    assert_eq!((board.read(RX + FRAMES), board.read(RX + FAILURES)), (frames as u32, 0));
    board.write(0x014, 0);
    board.clear(0x3fff);
}

#[test]
fn by_registers() {
    let mut board = Board::start();
    for format in formats() {
        board.set(RX, &[(FORMAT, format.register), (RATE, 192_000), (MARK, 200), (END, 300)]);
        board.write(0x014, HIGH | DONE);
        board.set(RX, &[(CONTROL, ENABLE)]);
        let mut samples = Vec::new();
        while samples.len() < 300 * format.channels {
            let interrupts = board.wait();
            for _ in 0..board.read(RX + 0x0c) & 0x7ff {
                // Pairs of samples, of which the last one takes the frame out.
                for pair in 0..format.channels.div_ceil(2) {
                    let mut data = [0; 8];
                    let offset = RX + SAMPLE + 8 * pair as u64;
                    let data = if format.channels == 1 { &mut data[..4] } else { &mut data[..] };
                    board.bench.client.region_read(BAR0, offset, data).expect("samples");
                    samples.extend(data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)));
                }
            }
            board.clear(interrupts);
        }
        assert_done(&mut board, 300);
        assert!(samples == format.ramp(300), "{format:?}");
    }
}

#[test]
fn through_the_window() {
    let mut board = Board::start();
    for format in formats() {
        board.set(RX, &[(FORMAT, format.register), (RATE, 192_000), (RING_OFFSET, 0x4321), (RING_FRAMES, 500)]);
        board.set(RX, &[(PERIOD, 200), (END, 2_000), (SOFTWARE, 0)]);
        board.write(0x014, PERIOD_ENDS | DONE);
        board.set(RX, &[(CONTROL, WINDOW | ENABLE)]);
        let (mut bytes, mut consumer) = (Vec::new(), 0);
        loop {
            let interrupts = board.wait();
            let producer = board.read(RX + HARDWARE);
            let window = board.bench.window.clone();
            while consumer != producer {
                let mut frame = vec![0; format.frame_bytes()];
                window.read(0x4321 + u64::from(consumer) * frame.len() as u64, &mut frame);
                bytes.extend(frame);
                consumer = (consumer + 1) % 500;
            }
            board.set(RX, &[(SOFTWARE, consumer)]);
            board.clear(interrupts);
            if interrupts & DONE != 0 {
                break;
            }
        }
        assert_done(&mut board, 2_000);
        assert!(bytes == format.encode(&format.ramp(2_000)), "{format:?}");
    }
}

#[test]
fn by_dma() {
    let mut board = Board::start();
    for format in formats() {
        let expected = format.encode(&format.ramp(3_000));
        let first = expected.len() / 3 + 1;
        board.put(DATA, &vec![0xa5; expected.len() + 8]);
        let pieces = [(DATA, first), (DATA + first as u64 + 5, expected.len() - first - 5), (DATA + first as u64, 5)];
        board.list(RX, &pieces.map(|(address, bytes)| (address, bytes as u32)));
        board.set(RX, &[(FORMAT, format.register), (RATE, 192_000), (PERIOD, 1_000), (END, 0)]);
        board.write(0x014, PERIOD_ENDS | DONE);
        board.set(RX, &[(CONTROL, DMA | ENABLE)]);
        let mut periods = 0;
        loop {
            let interrupts = board.wait();
            periods += u32::from(interrupts & PERIOD_ENDS != 0);
            if interrupts & DONE != 0 {
                break;
            }
            board.clear(interrupts);
        }
        assert_eq!(periods, 3);
        assert_done(&mut board, 3_000);
        let data: Vec<u8> = pieces.into_iter().flat_map(|(address, bytes)| board.get(address, bytes)).collect();
        assert!(data == expected, "{format:?}");
        assert_eq!(board.get(DATA + expected.len() as u64, 8), [0xa5; 8], "nothing past the end");
    }
}
