//! PWM channels, capture and converter over the wire. Offsets and values are retyped from the datasheet.
//!
//! In warp time an access takes a microsecond, and time jumps to the next deadline when nothing is asked of the device.
//! While an interrupt is asserted it does not: that is how a test looks at what is under way.

use std::fs::File;
use std::io::BufReader;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command as Process;

use device::{ClockMode, Device, Region};
use device_model::{BlockKind, ConverterOutputOptions, DeviceOptions, read_named_signal};
use tempfile::TempDir;
use vcd::{Command, Parser, TimescaleUnit, Value};

use crate::bench::{BAR0, Bench, MSI, wait};

const INTERRUPT_STATUS: u64 = 0x010;
const INTERRUPT_ENABLE: u64 = 0x014;
const INTERRUPT_FORCE: u64 = 0x018;
const UPDATED: u32 = 1 << 10;
const DONE: u32 = 1 << 11;
const PERIOD: u32 = 1 << 12;
const CAPTURED: u32 = 1 << 13;
const UPDATE: u64 = 0x200;
const GROUP_STATUS: u64 = 0x204;

/// An interrupt source that is not the PWM channels'.
const HOLD: u32 = 1 << 1;

struct Board {
    bench: Bench,
    msi: OwnedFd,
}

impl Board {
    fn start() -> Self {
        Self::with(Bench::start(ClockMode::Warp))
    }

    fn with(mut bench: Bench) -> Self {
        let msi = bench.connect(MSI);
        Self { bench, msi }
    }

    fn read(&mut self, offset: u64) -> u32 {
        self.bench.read(BAR0, offset)
    }

    fn write(&mut self, offset: u64, value: u32) {
        self.bench.write(offset, value);
    }

    fn assert_reads(&mut self, expected: &[(u64, u32)]) {
        for &(offset, value) in expected {
            assert_eq!(self.read(offset), value, "register {offset:#x}");
        }
    }

    /// Keeps time from jumping until [`Self::go_on`].
    fn hold(&mut self) {
        self.write(INTERRUPT_ENABLE, HOLD);
        self.write(INTERRUPT_FORCE, HOLD);
        self.wait();
    }

    /// Lets time go on until one of `sources` is an interrupt.
    fn go_on(&mut self, sources: u32) {
        self.write(INTERRUPT_ENABLE, sources);
        self.write(INTERRUPT_STATUS, HOLD);
        self.wait();
    }

    fn wait(&mut self) {
        wait(&self.msi);
    }
}

#[test]
fn every_channel_keeps_its_settings_and_stops_after_its_periods() {
    let mut board = Board::start();
    for channel in 0..8 {
        let base = 0x100 + 0x20 * channel;
        let settings = [(0x04, 5_000), (0x08, 2_000), (0x10, 100), (0x14, 40), (0x18, 3)];
        for (register, value) in settings {
            board.write(base + register, value);
            board.assert_reads(&[(base + register, value)]);
        }
        board.hold();
        // Active low, in a pair if the channel is even; not active, it is high.
        board.write(base, 0x1a);
        board.assert_reads(&[(base, 0x11a), (base + 0x0c, 0), (base + 0x1c, 0)]);
        board.write(base, 0x0);
        board.assert_reads(&[(base, 0x0)]);
        // enable, one_shot, period_interrupt: the write takes a microsecond, 100 cycles, and so does each read.
        board.write(base, 0x15);
        board.assert_reads(&[(base + 0x0c, 100), (base, 0x115), (base + 0x1c, 0), (base + 0x0c, 400)]);
        board.go_on(PERIOD);
        board.assert_reads(&[(GROUP_STATUS, 0x100 << channel), (base + 0x1c, 1)]);
        board.write(base, 0x05);
        board.write(GROUP_STATUS, 0xff00);
        board.write(INTERRUPT_ENABLE, DONE);
        board.write(INTERRUPT_STATUS, PERIOD);
        board.wait();
        board.assert_reads(&[(base, 0x4), (base + 0x1c, 3), (base + 0x0c, 0), (GROUP_STATUS, 1 << channel)]);
        board.write(GROUP_STATUS, 0xff);
        board.write(INTERRUPT_STATUS, DONE);
        board.assert_reads(&[(GROUP_STATUS, 0), (INTERRUPT_STATUS, 0x0)]);
    }
}

#[test]
fn an_update_and_a_restart_reach_the_channels_that_are_chosen() {
    let mut board = Board::start();
    board.write(UPDATE, 0xff);
    board.assert_reads(&[(UPDATE, 0xff)]);
    board.hold();
    for channel in 0..8 {
        board.write(0x104 + 0x20 * channel, 100_000_000);
        board.write(0x108 + 0x20 * channel, 50_000_000);
        board.write(0x100 + 0x20 * channel, 0x1);
        board.write(0x108 + 0x20 * channel, 0);
        // Half of a second is active, whatever the shadow register has.
        board.assert_reads(&[(0x100 + 0x20 * channel, 0x101)]);
    }
    board.write(UPDATE, 0x1c3);
    board.assert_reads(&[(UPDATE, 0x00c3_00c3), (0x100, 0x101)]);
    board.write(UPDATE, 0x201);
    board.assert_reads(&[(UPDATE, 0x00c2_0001), (0x10c, 200), (0x100, 0x001), (0x11c, 0)]);
    board.go_on(UPDATED);
    board.assert_reads(&[
        (UPDATE, 0x01),
        (0x1e0, 0x001),
        (0x1fc, 1),
        (0x11c, 0),
        (0x13c, 1),
        (INTERRUPT_STATUS, UPDATED),
    ]);
    board.write(INTERRUPT_STATUS, UPDATED);
    board.assert_reads(&[(INTERRUPT_STATUS, 0)]);
}

#[test]
fn every_source_is_captured() {
    let signal = [(0, false), (1_000_000_000, true), (1_000_000_500, false), (2_000_000_000, true)];
    let bench = Bench::start_with(|_| DeviceOptions {
        signal_input: signal.to_vec(),
        ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp)
    });
    let mut board = Board::with(bench);
    for channel in 0..8_u32 {
        let base = 0x100 + 0x20 * u64::from(channel);
        board.write(base + 0x04, 20_000 + channel);
        board.write(base + 0x08, 7_000);
        board.write(base, 0x1);
        board.hold();
        board.write(0x220, channel << 4 | 1);
        // Nothing is measured yet, and the level is that of the channel, whose 70 us have not passed.
        board.assert_reads(&[(0x220, channel << 4 | 0x101), (0x224, 0), (0x228, 0), (0x22c, 0)]);
        board.go_on(CAPTURED);
        board.assert_reads(&[(0x224, 20_000 + channel), (0x228, 7_000), (0x22c, 1)]);
        board.write(0x220, 0);
        board.write(base, 0x0);
        board.write(INTERRUPT_STATUS, CAPTURED);
        board.assert_reads(&[(INTERRUPT_STATUS, 0), (0x220, 0)]);
    }
    board.write(0x220, 0x81);
    board.wait();
    board.assert_reads(&[(0x220, 0x181), (0x224, 100_000_000), (0x228, 50), (0x22c, 1)]);
}

#[test]
fn the_converter_drives_the_channel_that_is_chosen() {
    let mut board = Board::start();
    board.write(0x244, 255);
    board.assert_reads(&[(0x244, 255), (0x248, 0)]);
    for duty in [0xffff, 0x8000, 0x1234] {
        board.write(0x248, duty);
    }
    board.assert_reads(&[(0x244, 2), (0x248, 0)]);
    board.write(0x244, 0);
    board.assert_reads(&[(0x248, 0x8000)]);
    board.write(0x24c, 0x0100_0000);
    board.assert_reads(&[(0x24c, 0x0100_0000)]);
    for channel in 0..8_u32 {
        let base = 0x100 + 0x20 * u64::from(channel);
        // The table's first entry, and silence, are half of the period.
        for (source, high) in [(0, 1_000), (1, 5_000), (2, 5_000)] {
            board.hold();
            board.write(0x240, channel << 4 | source);
            board.assert_reads(&[(0x240, channel << 4 | source)]);
            board.write(base + 0x04, 10_000);
            board.write(base + 0x08, 1_000);
            board.write(0x220, channel << 4 | 1);
            board.write(base + 0x18, 3);
            board.write(base, 0x5);
            board.go_on(CAPTURED);
            board.assert_reads(&[(0x224, 10_000), (0x228, high)]);
            board.write(base, 0x0);
            board.write(0x220, 0);
            board.write(GROUP_STATUS, 0xffff);
            board.write(INTERRUPT_STATUS, 0x3fff);
        }
    }
}

#[test]
fn the_interrupts_of_the_channels_are_forced_and_enabled_one_by_one() {
    let mut board = Board::start();
    for source in [UPDATED, DONE, PERIOD, CAPTURED] {
        board.write(INTERRUPT_ENABLE, source);
        board.write(INTERRUPT_FORCE, source);
        board.wait();
        board.assert_reads(&[(INTERRUPT_ENABLE, source), (INTERRUPT_STATUS, source)]);
        board.write(INTERRUPT_STATUS, source);
        board.assert_reads(&[(INTERRUPT_STATUS, 0)]);
    }
}

/// Time in ns, wire, level.
type Edge = (u64, String, bool);

/// The timescale and the edges of a file; those in `$dumpvars` are its first.
fn read_vcd(path: &Path) -> (Option<(u32, TimescaleUnit)>, Vec<Edge>) {
    let mut parser = Parser::new(BufReader::new(File::open(path).expect("a file")));
    let header = parser.parse_header().expect("a header");
    let wires: Vec<_> = (0..8)
        .map(|number| {
            let name = format!("pwm{number}");
            let wire = header.find_var(&["pwm_audio", &name]).expect("a wire of the device");
            assert_eq!(wire.size, 1);
            (wire.code, name)
        })
        .collect();
    let mut edges = Vec::new();
    let mut time_ns = None;
    for command in parser {
        match command.expect("a good file") {
            Command::Timestamp(new_ns) => {
                assert!(time_ns < Some(new_ns), "a timestamp for each time");
                time_ns = Some(new_ns);
            }
            Command::ChangeScalar(code, value) => {
                let wire = wires.iter().find(|wire| wire.0 == code).expect("a wire");
                edges.push((time_ns.expect("a time"), wire.1.clone(), value == Value::V1));
            }
            Command::Begin(_) | Command::End(_) => {}
            other => panic!("{other:?}"),
        }
    }
    (header.timescale, edges)
}

fn edges(expected: &[(u64, &str, bool)]) -> Vec<Edge> {
    expected.iter().map(|&(time_ns, wire, level)| (time_ns, wire.to_owned(), level)).collect()
}

#[test]
fn a_vcd_file_has_exactly_the_edges() {
    let folder = TempDir::new().expect("folder");
    let path = folder.path().join("pwm.vcd");
    let options =
        DeviceOptions { waveform: Some(path.clone()), ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Real) };
    let mut device = device_model::functions(options).expect("device").registers;
    let write = |device: &mut Device, offset: u64, value: u32, wall_ns| {
        device.write(Region::Bar(0), offset, &value.to_le_bytes(), wall_ns);
    };
    // Channel 6 one-shot, 2 of 5 cycles, twice; channel 1 active low.
    for (offset, value) in [(0x1c4, 5), (0x1c8, 2), (0x1d8, 2), (0x1c0, 0x5)] {
        write(&mut device, offset, value, 2_000);
    }
    write(&mut device, 0x120, 0x2, 2_049);
    write(&mut device, 0x008, 0, 9_000);
    device.close_outputs().expect("closed");
    let (timescale, written) = read_vcd(&path);
    assert_eq!(timescale, Some((1, TimescaleUnit::NS)));
    let initial = (0..8).map(|number| (0, format!("pwm{number}"), false));
    let expected = [
        (2_000, "pwm6", true),
        (2_020, "pwm6", false),
        (2_040, "pwm1", true),
        (2_050, "pwm6", true),
        (2_070, "pwm6", false),
    ];
    assert_eq!(written, initial.chain(edges(&expected)).collect::<Vec<_>>());
}

#[test]
fn what_one_device_puts_out_another_one_captures() {
    let bench = Bench::start_with(|folder| DeviceOptions {
        waveform: Some(folder.join("pwm.vcd")),
        converter_output: Some(ConverterOutputOptions { path: folder.join("pwm.wav"), signal: 3, rate_hz: 1_000 }),
        ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp)
    });
    let mut board = Board::with(bench);
    board.hold();
    // A millisecond of which a quarter is high, five times.
    for (offset, value) in [(0x164, 100_000), (0x168, 25_000), (0x178, 5), (0x160, 0x5)] {
        board.write(offset, value);
    }
    board.go_on(DONE);
    let Bench { client, server, folder, .. } = board.bench;
    drop(client);
    server.stop().expect("the device").close_outputs().expect("closed");
    let path = folder.path().join("pwm.vcd");
    let (_, written) = read_vcd(&path);
    let begin_ns = written[8].0;
    let since: Vec<_> =
        written[8..].iter().map(|(time_ns, wire, level)| (time_ns - begin_ns, &wire[..], *level)).collect();
    let expected: Vec<_> = (0..5)
        .flat_map(|pulse| [(pulse * 1_000_000, "pwm3", true), (pulse * 1_000_000 + 250_000, "pwm3", false)])
        .collect();
    assert_eq!(since, expected);
    let mut heard = hound::WavReader::open(folder.path().join("pwm.wav")).expect("a WAV file");
    let samples: Vec<i16> = heard.samples().map(|sample| sample.expect("a sample")).collect();
    assert_eq!(samples, [-16_384; 4], "the fifth one is not complete");

    let signal_input = read_named_signal(&format!("{}:pwm3", path.display())).expect("a signal");
    let bench = Bench::start_with(|_| DeviceOptions {
        signal_input,
        ..DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp)
    });
    let mut board = Board::with(bench);
    board.write(INTERRUPT_ENABLE, CAPTURED);
    board.write(0x220, 0x81);
    board.wait();
    board.assert_reads(&[(0x224, 100_000), (0x228, 25_000)]);
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_is_served() {
    let folder = TempDir::new().expect("folder");
    let bad = folder.path().join("bad.vcd");
    std::fs::write(&bad, "RIFF").expect("written");
    let missing = folder.path().join("no-such-folder").join("out");
    let cases = [
        ("--signal", &bad, "expected a VCD file"),
        ("--vcd", &missing, "cannot write"),
        ("--converter", &missing, "cannot write"),
    ];
    for (option, path, expected) in cases {
        let socket = folder.path().join("device.sock");
        let output = Process::new(env!("CARGO_BIN_EXE_device-model"))
            .args(["serve", "--block", "pwm-audio", "--socket"])
            .arg(&socket)
            .arg(option)
            .arg(path)
            .output()
            .expect("it starts");
        let words = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success() && words.contains(expected), "{option}: {words}");
        assert!(words.contains(&path.display().to_string()), "{option}: {words}");
        assert!(!socket.exists());
    }
}
