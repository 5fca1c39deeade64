//! The PWM channels as the kernel's users have them: sysfs and the PWM character device. What is set there is compared with
//! the edges that the device puts out, to the nanosecond.

mod edges;

use std::fmt::Write;

use cosim_tests::{Board, BoardError, Guest, GuestProgram, PwmAudio};
use device::{ClockMode, FaultOutcome, FaultPlan, FaultRule};
use tempfile::TempDir;

use crate::support::{MODULE, assert_quiet, function, perform_at};

use self::edges::{CYCLE_NS, Waveform, assert_edges};

const CHIP: &str = "/sys/class/pwm/pwmchip0";
const NODE: &str = "pwmchip0";

/// Device time of a read of a register, in warp time; and of what a line `get` of `pwm` costs at least: four of them.
const READ_NS: u64 = 1_000;
const GET_NS: u64 = 4 * READ_NS;

/// A board with the driver loaded, and the VCD file of its device in a folder.
struct Bench {
    board: Board,
    device: PwmAudio,
    folder: TempDir,
}

impl Bench {
    fn boot(faults: FaultPlan) -> Result<Self, BoardError> {
        let folder = TempDir::new().expect("a folder");
        let device = PwmAudio::new(ClockMode::Warp).faults(faults).waveform(folder.path().join("edges.vcd"));
        let board = Board::builder().device(device.clone()).boot()?;
        board.guest().load_module(MODULE)?;
        Ok(Self { board, device, folder })
    }

    fn guest(&self) -> &Guest {
        self.board.guest()
    }

    fn assert_edges(&self, channel: u64, waveforms: &[Waveform]) {
        assert_edges(&self.device, &self.folder.path().join("edges.vcd"), channel, waveforms);
    }

    /// Lets the channels run for some us, and has the device see what was written.
    fn pass_us(&self, time_us: usize) -> Result<(), BoardError> {
        perform_at(&self.board, &function(self.guest())?.address, &vec!["SYSTEM.SCRATCH"; time_us])?;
        Ok(())
    }

    /// CONTROL, PERIOD, DUTY and PHASE of a channel.
    fn registers(&self, channel: u64) -> Result<Vec<u64>, BoardError> {
        let offsets = [0x00, 0x04, 0x08, 0x10].map(|offset| format!("{:#x}:4", 0x100 + 0x20 * channel + offset));
        perform_at(&self.board, &function(self.guest())?.address, &offsets.each_ref().map(String::as_str))
    }

    /// Neither the kernel nor its PWM subsystem, which checks what a driver rounds, has anything to complain about.
    fn shutdown(self) -> Result<(), BoardError> {
        let log = self.guest().kernel_log()?;
        assert_eq!(log.at_least(3).filter(|record| record.message.contains("pwm")).count(), 0, "{log}");
        assert_quiet(self.guest())?;
        self.board.shutdown()
    }
}

/// The program that does `lines` with the chip.
fn pwm(lines: &str) -> GuestProgram {
    GuestProgram::new(["pwm"]).standard_input(lines)
}

fn set(guest: &Guest, attribute: &str, value: &str) -> Result<(), BoardError> {
    guest.write_file(&format!("{CHIP}/{attribute}"), value)
}

/// Period, duty cycle, polarity and whether it is enabled.
fn state_of(guest: &Guest, channel: u64) -> Result<[String; 4], BoardError> {
    let read = |name: &str| Ok(guest.read_text(&format!("{CHIP}/pwm{channel}/{name}"))?.trim().to_owned());
    Ok([read("period")?, read("duty_cycle")?, read("polarity")?, read("enable")?])
}

#[test]
fn sysfs_drives_a_channel_of_either_polarity() -> Result<(), BoardError> {
    let bench = Bench::boot(FaultPlan::default())?;
    let guest = bench.guest();
    assert_eq!(guest.read_text(&format!("{CHIP}/npwm"))?, "8\n");
    set(guest, "export", "3")?;
    assert_eq!(state_of(guest, 3)?, ["0", "0", "normal", "0"]);
    set(guest, "pwm3/period", "1005")?;
    set(guest, "pwm3/duty_cycle", "301")?;
    set(guest, "pwm3/polarity", "inversed")?;
    set(guest, "pwm3/enable", "1")?;
    assert_eq!(state_of(guest, 3)?, ["1005", "301", "inversed", "1"]);
    // Low for 301 ns, then high for 704 ns.
    assert_eq!(bench.registers(3)?[1..], [100, 70, 30]);
    bench.pass_us(10)?;
    set(guest, "pwm3/duty_cycle", "600")?;
    assert_eq!(bench.registers(3)?[1..], [100, 40, 60]);
    bench.pass_us(10)?;
    set(guest, "pwm3/enable", "0")?;
    set(guest, "pwm3/polarity", "normal")?;
    assert_eq!(bench.registers(3)?[0], 0);
    set(guest, "pwm3/enable", "1")?;
    assert_eq!(bench.registers(3)?[1..], [100, 60, 0]);
    bench.pass_us(10)?;

    // Nobody switches it off: whoever takes it next finds it as it is.
    set(guest, "unexport", "3")?;
    bench.pass_us(10)?;
    set(guest, "export", "3")?;
    assert_eq!(state_of(guest, 3)?, ["1000", "600", "normal", "1"]);
    set(guest, "pwm3/enable", "0")?;
    bench.pass_us(1)?;

    // What is set while the channel is off switches it off once more.
    let waveforms = [
        Waveform::OFF,
        Waveform::OFF,
        Waveform::OFF,
        Waveform::new(1_000, 700, 300),
        Waveform::new(1_000, 400, 600),
        Waveform::OFF,
        Waveform::OFF,
        Waveform::new(1_000, 600, 0),
        Waveform::OFF,
    ];
    bench.assert_edges(3, &waveforms);
    for other in [0, 1, 2, 4, 5, 6, 7] {
        bench.assert_edges(other, &[Waveform::OFF; 0]);
    }
    bench.shutdown()
}

/// Numbers that are the same each time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// A waveform that the subsystem takes: the duty at most the period, the offset less; now and then a channel that is
    /// switched off.
    fn waveform(&mut self) -> Waveform {
        if self.below(16) == 0 {
            return Waveform::OFF;
        }
        let longest_ns = [30, 300, 3_000, 20_000][self.below(4) as usize];
        let grid_ns = [1, 1, CYCLE_NS][self.below(3) as usize];
        let period_ns = grid_ns * (1 + self.below(longest_ns / grid_ns));
        let duty_ns = match self.below(8) {
            0 => 0,
            1 => period_ns,
            _ => grid_ns * self.below(period_ns / grid_ns + 1),
        };
        let offset_ns = match self.below(4) {
            0 => 0,
            // What an inverted polarity is.
            1 => (period_ns - duty_ns) % period_ns,
            _ => grid_ns * self.below(period_ns / grid_ns),
        };
        Waveform::new(period_ns, duty_ns, offset_ns)
    }
}

/// Each value rounded down to the clock, as include/uapi/linux/pwm.h wants it, and a period of at least a cycle.
fn rounded(waveform: Waveform) -> Waveform {
    if waveform == Waveform::OFF {
        return waveform;
    }
    let down = |ns: u64| ns / CYCLE_NS * CYCLE_NS;
    let period_ns = down(waveform.period_ns).max(CYCLE_NS);
    Waveform::new(period_ns, down(waveform.duty_ns), down(waveform.offset_ns).min(period_ns - CYCLE_NS))
}

fn numbers(waveform: Waveform) -> String {
    format!("{} {} {}", waveform.period_ns, waveform.duty_ns, waveform.offset_ns)
}

#[test]
fn of_200_waveforms_every_edge_is_where_the_kernel_says() -> Result<(), BoardError> {
    let bench = Bench::boot(FaultPlan::default())?;
    let mut random = Random(0x005e_ed0f_7ac0_ffee);
    let (mut lines, mut answers) = (String::new(), String::new());
    let mut given: [Vec<Waveform>; 8] = Default::default();
    let mut refused = 0;
    for index in 0..200 {
        let (channel, wanted) = (random.below(8), random.waveform());
        let (rounded, given) = (rounded(wanted), &mut given[channel as usize]);
        let before = given.last().copied().unwrap_or(Waveform::OFF);
        let exactly = index % 4 == 3;
        let name = if exactly { "set-exactly" } else { "set" };
        let line = format!("{channel} {}", numbers(wanted));
        let _ = writeln!(lines, "round {line}\n{name} {line}");
        let _ = writeln!(answers, "{}", numbers(rounded));
        let has = if exactly && rounded != wanted {
            refused += 1;
            answers += "failed: os error 33\n";
            before
        } else {
            given.push(rounded);
            answers += "set\n";
            rounded
        };
        // The period at hand, and three of the new one.
        for _ in 0..=(before.period_ns + 3 * has.period_ns) / GET_NS {
            let _ = writeln!(lines, "get {channel}");
            let _ = writeln!(answers, "{}", numbers(has));
        }
    }
    for (channel, given) in given.iter_mut().enumerate() {
        given.push(Waveform::OFF);
        let _ = writeln!(lines, "set {channel} 0 0 0\nget {channel}");
        answers += "set\n0 0 0\n";
    }
    assert!((10..40).contains(&refused), "{refused} of 50 are not exact");
    let output = bench.guest().run(pwm(&lines))?.exit_code(1)?;
    let differ = output.text().lines().zip(answers.lines()).position(|(answer, expected)| answer != expected);
    assert_eq!(differ.map(|line| (lines.lines().nth(line), output.text().lines().nth(line).map(str::to_owned))), None);
    assert_eq!(output.text(), answers);
    for (channel, given) in (0..).zip(&given) {
        assert!(given.len() > 10, "channel {channel} was hardly used");
        bench.assert_edges(channel, given);
    }
    bench.shutdown()
}

#[test]
fn what_the_hardware_cannot_do_is_rounded_or_refused() -> Result<(), BoardError> {
    let bench = Bench::boot(FaultPlan::default())?;
    let cases = [
        // 2^32 - 1 cycles are the longest that there is.
        ("round 0 42949672950 42949672950 42949672940", "42949672950 42949672950 42949672940"),
        ("round 0 42949672960 42949672960 0", "42949672950 42949672950 0"),
        ("round 0 9223372036854775807 9223372036854775807 9223372036854775806", "42949672950 42949672950 42949672940"),
        ("round 0 9223372036854775807 5 0", "42949672950 0 0"),
        // The shortest is one cycle.
        ("round 0 1 1 0", "10 0 0"),
        ("round 0 9 9 8", "10 0 0"),
        // An offset in the part of a cycle that the period has lost.
        ("round 0 109 50 105", "100 50 90"),
        ("set-exactly 0 109 50 0", "failed: os error 33"),
        ("get 0", "0 0 0"),
        // No waveforms, by the subsystem's own rules; and no channel.
        ("round 0 100 101 0", "failed: os error 22"),
        ("set 0 100 50 100", "failed: os error 22"),
        ("round 0 9223372036854775808 0 0", "failed: os error 22"),
        ("get 8", "failed: os error 22"),
    ];
    let lines = cases.map(|(line, _)| line).join("\n");
    let output = bench.guest().run(pwm(&lines))?.exit_code(1)?;
    let text = output.text();
    let answers: Vec<(&str, &str)> = cases.iter().map(|(line, _)| *line).zip(text.lines()).collect();
    assert_eq!(answers, cases);
    assert_eq!(bench.registers(0)?, [0; 4]);
    bench.shutdown()
}

/// Each waits until the one before has been taken: no period is of two waveforms, and none is left out.
#[test]
fn waveforms_that_come_faster_than_periods_end_are_taken_one_by_one() -> Result<(), BoardError> {
    let bench = Bench::boot(FaultPlan::default())?;
    let waveforms = [
        Waveform::new(50_000_000, 20_000_000, 10_000_000),
        Waveform::new(30_000_000, 30_000_000, 0),
        Waveform::new(20_000_000, 5_000_000, 15_000_000),
        Waveform::new(40_000_000, 10_000_000, 35_000_000),
        Waveform::new(1_000, 300, 200),
        // For this to be taken, the one before must have been.
        Waveform::new(2_000, 300, 200),
        Waveform::OFF,
    ];
    let lines = waveforms.map(|waveform| format!("set 2 {}", numbers(waveform))).join("\n");
    bench.guest().run(pwm(&lines))?.success()?;
    bench.pass_us(1)?;
    bench.assert_edges(2, &waveforms);
    bench.shutdown()
}

#[test]
fn unbound_under_its_users_the_chip_is_gone_and_back_when_bound_again() -> Result<(), BoardError> {
    let bench = Bench::boot(FaultPlan::default())?;
    let guest = bench.guest();
    set(guest, "export", "1")?;
    let (driver, address) = ("/sys/bus/pci/drivers/pwm_audio", function(guest)?.address);
    // One program has channel 5 all the time, sysfs has channel 1 until the end of the chip.
    let script = format!(
        "set -e
        busybox mkfifo /tmp/lines /tmp/answers
        pwm </tmp/lines >/tmp/answers & exec 3>/tmp/lines 4</tmp/answers
        ask() {{ echo \"$1\" >&3; read -r answer <&4; echo \"$answer\"; }}
        ask 'set 5 1000 250 500'
        ask 'get 5'
        echo {address} >{driver}/unbind
        ask 'get 5'
        ask 'set 5 2000 250 500'
        test ! -e {CHIP}
        echo {address} >{driver}/bind
        ask 'get 5'
        exec 3>&-
        wait"
    );
    let output = guest.run(["busybox", "sh", "-c", &script])?.success()?;
    let gone = "failed: os error 19";
    assert_eq!(output.text().lines().collect::<Vec<_>>(), ["set", "1000 250 500", gone, gone, gone]);

    assert!(guest.read_directory("/dev")?.iter().any(|entry| entry.name == NODE));
    let output = guest.run(pwm("get 5\nset 5 3000 1000 0\nget 5\nset 5 0 0 0\nget 5\n"))?.success()?;
    assert_eq!(output.text(), "0 0 0\nset\n3000 1000 0\nset\n0 0 0\n", "the probe has switched it off");
    guest.unload_module(MODULE)?;
    assert!(!guest.read_directory("/dev")?.iter().any(|entry| entry.name == NODE));
    bench.shutdown()
}

#[test]
fn a_device_that_does_not_answer_is_no_device() -> Result<(), BoardError> {
    let pulled_out = FaultRule::read("PWM7.CONTROL", FaultOutcome::Remove).nth(1);
    let bench = Bench::boot(FaultPlan::default().rule(pulled_out))?;
    // Channel 7 is looked at when it is taken.
    let lines = "set 3 1000 250 0\nget 3\nget 7\nset 7 1000 250 0\nget 3\nset 3 2000 250 0\nset 3 0 0 0\n";
    let output = bench.guest().run(pwm(lines))?.exit_code(1)?;
    let gone = "failed: os error 19";
    assert_eq!(output.text().lines().collect::<Vec<_>>(), ["set", "1000 250 0", gone, gone, gone, gone, gone]);
    bench.shutdown()
}
