//! What is played in every format is what was given, in all three ways.

use device_model::stream_file;

use super::board::{
    Board, CONTROL, DATA, DMA, DRAIN, ENABLE, FAILURES, FORMAT, FRAMES, Format, HARDWARE, PERIOD, RATE, RING_FRAMES,
    RING_OFFSET, SAMPLE, SOFTWARE, TX, WINDOW, formats,
};
use crate::bench::BAR0;

const LOW: u32 = 1 << 0;
const DRAINED: u32 = 1 << 1;
const PERIOD_ENDS: u32 = 1 << 3;

/// Asserts that stream `number`, from 1, was captured as `samples`.
fn assert_captured(board: &Board, number: u32, format: Format, samples: &[i32]) {
    let path = stream_file(board.bench.folder.path(), number);
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let spec = reader.spec();
    let (bits, channels) = (u32::from(spec.bits_per_sample), usize::from(spec.channels));
    assert_eq!((bits, channels, spec.sample_rate), (format.bits, format.channels, 192_000));
    let captured: Vec<i32> = reader.samples().map(|sample| sample.expect("a sample")).collect();
    assert!(captured == samples, "{format:?}");
}

fn assert_drained(board: &mut Board, frames: usize) {
    assert_eq!(board.read(TX + CONTROL) & (ENABLE | DRAIN), 0);
    assert_eq!((board.read(TX + FRAMES), board.read(TX + FAILURES)), (frames as u32, 0));
    board.write(0x014, 0);
    board.clear(0x3fff);
}

#[test]
fn by_registers() {
    let mut board = Board::start();
    for (number, format) in (1..).zip(formats()) {
        let samples = format.noise(300);
        board.set(TX, &[(FORMAT, format.register), (RATE, 192_000)]);
        for frame in samples.chunks(format.channels) {
            for (pair, offset) in frame.chunks(2).zip((TX + SAMPLE..).step_by(8)) {
                let bytes: Vec<u8> = pair.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                board.bench.client.region_write(BAR0, offset, &bytes).expect("samples");
            }
        }
        board.write(0x014, DRAINED);
        board.set(TX, &[(CONTROL, ENABLE | DRAIN)]);
        assert_eq!(board.wait(), DRAINED);
        assert_drained(&mut board, 300);
        assert_captured(&board, number, format, &samples);
    }
}

#[test]
fn through_the_window() {
    let mut board = Board::start();
    for (number, format) in (1..).zip(formats()) {
        let samples = format.noise(2_000);
        let bytes = format.encode(&samples);
        let mut frames = bytes.chunks(format.frame_bytes()).enumerate();
        board.set(TX, &[(FORMAT, format.register), (RATE, 192_000), (RING_OFFSET, 0x1234), (RING_FRAMES, 500)]);
        board.set(TX, &[(SOFTWARE, 0), (CONTROL, WINDOW | ENABLE)]);
        board.write(0x014, LOW | DRAINED);
        loop {
            let interrupts = board.wait();
            if interrupts & DRAINED != 0 {
                break;
            }
            let window = board.bench.window.clone();
            let written = frames.by_ref().take(499).map(|(number, frame)| {
                window.write(0x1234 + (number % 500 * format.frame_bytes()) as u64, frame);
                number + 1
            });
            // Until here the interrupt keeps time from jumping on.
            if let Some(produced) = written.last() {
                board.set(TX, &[(SOFTWARE, (produced % 500) as u32)]);
                board.clear(LOW);
            } else {
                board.set(TX, &[(CONTROL, WINDOW | ENABLE | DRAIN)]);
                board.write(0x014, DRAINED);
            }
        }
        assert_drained(&mut board, 2_000);
        assert_eq!(board.read(TX + HARDWARE), 0, "four times around");
        assert_captured(&board, number, format, &samples);
    }
}

#[test]
fn by_dma() {
    let mut board = Board::start();
    for (number, format) in (1..).zip(formats()) {
        let samples = format.noise(3_000);
        let bytes = format.encode(&samples);
        // Three entries, of which the second one is 5 bytes.
        let first = bytes.len() / 3 + 1;
        let pieces = [(DATA, first), (DATA + 0x10_0000, 5), (DATA + first as u64, bytes.len() - first - 5)];
        board.put(DATA, &bytes[..first]);
        board.put(DATA + 0x10_0000, &bytes[first..first + 5]);
        board.put(DATA + first as u64, &bytes[first + 5..]);
        board.list(TX, &pieces.map(|(address, bytes)| (address, bytes as u32)));
        board.set(TX, &[(FORMAT, format.register), (RATE, 192_000), (PERIOD, 1_000)]);
        board.write(0x014, DRAINED | PERIOD_ENDS);
        board.set(TX, &[(CONTROL, DMA | ENABLE | DRAIN)]);
        let mut periods = 0;
        loop {
            let interrupts = board.wait();
            periods += u32::from(interrupts & PERIOD_ENDS != 0);
            if interrupts & DRAINED != 0 {
                break;
            }
            board.clear(interrupts);
        }
        assert_eq!(periods, 3);
        assert_drained(&mut board, 3_000);
        assert_captured(&board, number, format, &samples);
    }
}

/// A burst lasts less than an access takes: what is due before an access has to be done before it, DMA and all.
#[test]
fn by_dma_in_a_time_that_outruns_every_timer() {
    let mut board = Board::start_in("real:1000".parse().expect("a clock"));
    let format = Format { register: 0x210, bits: 16, channels: 2, bytes: 2 };
    let samples = format.noise(96_000);
    let bytes = format.encode(&samples);
    board.put(DATA, &bytes);
    board.list(TX, &[(DATA, bytes.len() as u32)]);
    board.set(TX, &[(FORMAT, format.register), (RATE, 192_000), (CONTROL, DMA | ENABLE | DRAIN)]);
    while board.read(TX + CONTROL) & ENABLE != 0 {}
    assert_drained(&mut board, 96_000);
    assert_captured(&board, 1, format, &samples);
}
