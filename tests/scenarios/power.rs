//! The device sleeps when nobody uses it, and with the system.
//!
//! The agent's port does not survive a suspend of the system: Linux 7.3 asks again who has a port open before it has room
//! for the answers, and QEMU drops them. So the guest does the rest by itself, and its end is what is waited for.

use cosim_tests::{Board, BoardBuilder, BoardError, Guest, PwmAudio, Running, play};
use device::{ClockMode, FaultOutcome, FaultPlan, FaultRule, Happening, OfferedInterrupts, Region};

use crate::served::Served;
use crate::support::{MODULE, NODE, assert_quiet, board_with_driver, function, perform_at, wav};

const CHIP: &str = "/sys/class/pwm/pwmchip0";

/// How often the device has been told to sleep, and to wake.
fn sleeps_and_wakes(device: &PwmAudio) -> (usize, usize) {
    device.with_device(|device| {
        let count = |state: &str| {
            let events = device.timeline().events();
            events.filter(|event| matches!(&event.happening, Happening::Note(note) if note.contains(state))).count()
        };
        (count("goes into D3hot"), count("comes back to D0"))
    })
}

/// A guest that lets the device sleep.
struct Bench {
    board: Board,
    device: PwmAudio,
    folder: String,
}

impl Bench {
    fn boot() -> Result<Self, BoardError> {
        Self::of(Board::builder())
    }

    fn of(board: BoardBuilder) -> Result<Self, BoardError> {
        let device = PwmAudio::new(ClockMode::Warp);
        let board = board.device(device.clone()).boot()?;
        board.guest().load_module(MODULE)?;
        let folder = format!("/sys/bus/pci/devices/{}", function(board.guest())?.address);
        assert_eq!(board.guest().read_text(&format!("{folder}/power_state"))?, "D0\n");
        assert_eq!(sleeps_and_wakes(&device), (0, 0), "nobody has asked for it");
        board.guest().write_file(&format!("{folder}/power/control"), "auto")?;
        let bench = Self { board, device, folder };
        bench.wait_until_asleep()?;
        Ok(bench)
    }

    fn guest(&self) -> &Guest {
        self.board.guest()
    }

    fn is_awake(&self) -> Result<bool, BoardError> {
        let read = |name: &str| self.guest().read_text(&format!("{}/{name}", self.folder));
        let (kernel, hardware) = (read("power/runtime_status")?, read("power_state")?);
        match (kernel.trim_end(), hardware.trim_end()) {
            ("active", "D0") => Ok(true),
            ("suspended", "D3hot") => Ok(false),
            other => panic!("{other:?}"),
        }
    }

    /// The kernel does it some time after the last use, and tells nobody.
    fn wait_until_asleep(&self) -> Result<(), BoardError> {
        let status = format!("{}/power/runtime_status", self.folder);
        let script = format!("until busybox grep -q suspended {status}; do :; done");
        self.guest().run(["busybox", "sh", "-c", &script])?.success()?;
        assert!(!self.is_awake()?);
        Ok(())
    }
}

#[test]
fn a_device_that_nobody_uses_sleeps_and_wakes_for_whoever_does() -> Result<(), BoardError> {
    let bench = Bench::boot()?;
    let guest = bench.guest();
    assert_eq!(sleeps_and_wakes(&bench.device), (1, 0));

    let file = wav("noise-8k-u8-mono.wav");
    play(guest, &file)?.success()?;
    assert_eq!(bench.device.stream(1).expect("a capture").difference(&file), None);
    bench.wait_until_asleep()?;
    assert_eq!(sleeps_and_wakes(&bench.device), (2, 1));

    // An open file keeps it awake.
    guest.run(["busybox", "mkfifo", "/tmp/opened", "/tmp/close"])?.success()?;
    let script = format!("exec 3>/dev/{NODE}; echo >/tmp/opened; busybox cat /tmp/close");
    let user = guest.start(["busybox", "sh", "-c", &script])?;
    guest.run(["busybox", "cat", "/tmp/opened"])?.success()?;
    assert!(bench.is_awake()?);
    guest.run(["busybox", "sh", "-c", "echo >/tmp/close"])?.success()?;
    user.wait()?.success()?;
    bench.wait_until_asleep()?;
    assert_eq!(sleeps_and_wakes(&bench.device), (3, 2));

    // Each file of the driver's wakes it.
    let address = function(guest)?.address;
    for (file, content) in [
        (format!("{}/pwm_audio/identity", bench.folder), "0x50574d41"),
        (format!("{}/pwm_audio/underruns", bench.folder), "0"),
    ] {
        assert_eq!(guest.read_text(&file)?.lines().next(), Some(content), "{file}");
        bench.wait_until_asleep()?;
    }
    assert_eq!(sleeps_and_wakes(&bench.device), (5, 4));
    // The kernel has a file of debugfs written again and again until its buffer is large enough.
    let dump = guest.read_text(&format!("/sys/kernel/debug/pwm_audio/{address}/registers"))?;
    assert!(dump.starts_with("0x000 SYSTEM.IDENTITY: 0x50574d41\n"), "{dump}");
    bench.wait_until_asleep()?;

    // The driver comes and goes as the device sleeps: unbound it is awake.
    for attribute in ["unbind", "bind"] {
        guest.write_file(&format!("/sys/bus/pci/drivers/pwm_audio/{attribute}"), address.clone())?;
        if attribute == "unbind" {
            assert_eq!(guest.read_text(&format!("{}/power_state", bench.folder))?, "D0\n");
        }
    }
    bench.wait_until_asleep()?;
    guest.unload_module(MODULE)?;
    assert_quiet(guest)?;
    assert_eq!(bench.device.counters().faults, 0);
    bench.board.shutdown()
}

#[test]
fn a_channel_that_is_on_keeps_the_device_awake() -> Result<(), BoardError> {
    let bench = Bench::boot()?;
    let guest = bench.guest();
    let set = |attribute: &str, value: &str| guest.write_file(&format!("{CHIP}/{attribute}"), value);
    for channel in ["2", "5"] {
        set("export", channel)?;
        set(&format!("pwm{channel}/period"), "1000")?;
        set(&format!("pwm{channel}/duty_cycle"), "300")?;
        bench.wait_until_asleep()?;
    }
    set("pwm2/enable", "1")?;
    set("pwm5/enable", "1")?;
    assert!(bench.is_awake()?);
    set("pwm5/duty_cycle", "400")?;
    set("pwm5/enable", "0")?;
    assert!(bench.is_awake()?, "channel 2 is on");
    // CONTROL, PERIOD and DUTY of channel 2.
    let address = function(guest)?.address;
    assert_eq!(perform_at(&bench.board, &address, &["0x140:4", "0x144:4", "0x148:4"])?[1..], [100, 30]);
    set("pwm2/enable", "0")?;
    bench.wait_until_asleep()?;

    // Unbinding leaves the output as it is, and nobody awake for ever: the next driver is as asleep as the first.
    set("pwm2/enable", "1")?;
    let script = format!(
        "exec 3</dev/pwmchip0; cd /sys/bus/pci/drivers/pwm_audio; echo {address} >unbind; echo {address} >bind;
         until busybox grep -q suspended {}/power/runtime_status; do :; done",
        bench.folder
    );
    guest.run(["busybox", "sh", "-c", &script])?.success()?;
    assert!(!bench.is_awake()?);
    assert_quiet(guest)?;
    assert_eq!(bench.device.counters().faults, 0);
    bench.board.shutdown()
}

#[test]
fn an_open_stream_of_the_sound_card_keeps_the_device_awake() -> Result<(), BoardError> {
    let bench = Bench::of(Board::builder().sound_programs())?;
    let guest = bench.guest();
    // The mixer is set in a device that sleeps again.
    guest.run(["amixer", "-q", "cset", "name=Loopback Switch", "on"])?.success()?;
    bench.wait_until_asleep()?;
    assert_eq!(sleeps_and_wakes(&bench.device), (2, 1));

    let file = wav("sweep-44k1-s16-stereo.wav");
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    let aplay = ["aplay", "-q", "-D", "hw:PWMaudio", "-t", "raw", "-f", "S16_LE", "-c", "2", "-r", "44100"];
    guest.run(aplay.into_iter().chain(["/tmp/samples"]).collect::<Vec<_>>())?.success()?;
    // It writes whole periods.
    assert!(bench.device.stream(1).expect("a capture").driver_bytes().starts_with(&file.driver_bytes()));
    bench.wait_until_asleep()?;
    assert_eq!(sleeps_and_wakes(&bench.device), (3, 2));
    let address = function(guest)?.address;
    let dump = guest.read_text(&format!("/sys/kernel/debug/pwm_audio/{address}/registers"))?;
    assert!(dump.contains("0x540 RX.CONTROL: 0x00000002\n"), "loopback in {dump}");
    assert_quiet(guest)?;
    assert_eq!(bench.device.counters().faults, 0);
    bench.board.shutdown()
}

/// Starts `script` in a guest that goes to sleep in it, with `suspend` for that, and powers off after it.
fn start_and_lose(guest: &Guest, script: &str) -> Result<Running, BoardError> {
    // What fails is in the kernel's log then, of which a guest that panics leaves the end in the board's error.
    let script = format!(
        "exec 2>/tmp/errors
        set -e
        end() {{
            if test $1 != 0; then busybox cat /tmp/errors >/dev/kmsg; echo c >/proc/sysrq-trigger; fi
            busybox poweroff -f
        }}
        trap 'end $?' EXIT
        suspend() {{
            echo 0 >/sys/module/suspend/parameters/pm_test_delay
            echo platform >/sys/power/pm_test
            echo freeze >/sys/power/state
            if busybox dmesg | busybox grep -A 20 WARNING: >&2; then exit 1; fi
        }}
        {script}"
    );
    guest.start(["busybox", "sh", "-c", &script])
}

#[test]
fn after_a_rehearsal_of_suspend_to_idle_the_driver_plays() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let file = wav("noise-8k-u8-mono.wav");
    guest.write_file("/tmp/samples", file.driver_bytes())?;
    drop(start_and_lose(guest, "suspend; play --rate 8000 --bits 8 --channels 1 /tmp/samples")?);
    board.wait()?;
    let counters = device.counters();
    assert_eq!((counters.frames, counters.underruns, counters.faults), (4_000, 0, 0));
    assert_eq!(sleeps_and_wakes(&device), (1, 1));
    Ok(())
}

/// Has a guest sleep that plays a loop: it needs no program for that, which would sleep before the device does. The function
/// is the `player`'s, and plays when this is through.
fn sleep_in_loop(guest: &Guest) -> Result<String, BoardError> {
    guest.write_file("/tmp/samples", wav("noise-8k-u8-mono.wav").driver_bytes())?;
    let registers = format!("registers /sys/bus/pci/devices/{}/resource0", function(guest)?.address);
    Ok(format!(
        "play --rate 8000 --bits 8 --channels 1 --loop /tmp/samples 2>/tmp/said & player=$!
        until {registers} TX.CONTROL | busybox grep -qx 0x1; do :; done
        suspend
        played=$({registers} TX.FRAMES_PLAYED)"
    ))
}

/// What the driver finds in the scratch register tells it whether the device has kept its state.
#[test]
fn a_device_that_lost_its_state_in_its_sleep_is_as_after_a_reset() -> Result<(), BoardError> {
    let lost = FaultRule::read("SYSTEM.SCRATCH", FaultOutcome::Xor(1));
    let device = PwmAudio::new(ClockMode::Warp).faults(FaultPlan::default().rule(lost));
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let script = format!(
        "echo 3 >{CHIP}/export
        echo 1000 >{CHIP}/pwm3/period
        echo 300 >{CHIP}/pwm3/duty_cycle
        echo 1 >{CHIP}/pwm3/enable
        {}
        if wait $player; then exit 1; fi
        busybox grep 'os error 5' /tmp/said
        play --rate 8000 --bits 8 --channels 1 /tmp/samples",
        sleep_in_loop(guest)?
    );
    drop(start_and_lose(guest, &script)?);
    board.wait()?;
    let stopped = device.with_device(|device| {
        let mut happenings = device.timeline().events().map(|event| event.happening.clone());
        happenings.rfind(|one| matches!(one, Happening::StreamStopped { .. }))
    });
    assert_eq!(stopped, Some(Happening::StreamStopped { frames: 4_000 }));
    assert_eq!(device.counters().streams, 2);
    // CONTROL, PERIOD and DUTY of channel 3, asked on the host.
    let register = |offset: u64| {
        let mut value = [0; 4];
        device.with_device(|device| device.read(Region::Bar(0), offset, &mut value, 0));
        u32::from_le_bytes(value)
    };
    assert_eq!((register(0x160) & !0x100, register(0x164), register(0x168)), (1, 100, 30));
    Ok(())
}

/// The guest has ended. It has slept once, in a stream that has ended after it, without a gap: its samples.
fn samples_slept_in(served: &Served) -> Vec<u8> {
    let (counters, last) = served.server.with_device(|device| {
        let timeline = device.timeline();
        let is_told = |happening: &Happening| match happening {
            Happening::Note(note) => note.starts_with("the function"),
            happening => matches!(happening, Happening::StreamStopped { .. }),
        };
        let happenings = timeline.events().map(|event| event.happening.clone());
        (timeline.counters(), happenings.filter(is_told).collect::<Vec<_>>())
    });
    let samples = served.stream(1).driver_bytes();
    let note = |text: &str| Happening::Note(text.to_owned());
    let [sleeps, wakes] = [note("the function goes into D3hot"), note("the function comes back to D0")];
    assert_eq!(last, [sleeps, wakes, Happening::StreamStopped { frames: samples.len() as u64 }]);
    assert_eq!((counters.streams, counters.underruns, counters.faults), (1, 0, 0));
    samples
}

#[test]
fn a_playback_goes_on_after_suspend_to_idle_as_if_no_time_had_passed() -> Result<(), BoardError> {
    for interrupts in [OfferedInterrupts::MsiX, OfferedInterrupts::Intx] {
        assert_goes_on(&Served::offering(interrupts))?;
    }
    Ok(())
}

fn assert_goes_on(served: &Served) -> Result<(), BoardError> {
    let board = Board::builder().qemu_arguments(served.qemu_arguments()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    // A second of it after the sleep, which is 8,000 frames: the third waveform waits until the first one's period is over.
    let script = format!(
        "{}
        printf 'set 1 1000000000 10 0\\nset 1 10 10 0\\nset 1 20 10 0\\n' | pwm
        test $(({registers} - played)) -ge 8000
        kill $player
        wait $player || test $? = 143",
        sleep_in_loop(guest)?,
        registers =
            format_args!("$(registers /sys/bus/pci/devices/{}/resource0 TX.FRAMES_PLAYED)", function(guest)?.address)
    );
    drop(start_and_lose(guest, &script)?);
    board.wait()?;
    let samples = samples_slept_in(served);
    assert!(samples.len() > 8_000, "{} frames", samples.len());
    let repeated = wav("noise-8k-u8-mono.wav").driver_bytes().into_iter().cycle();
    let differ = samples.iter().zip(repeated).position(|(played, expected)| *played != expected);
    assert_eq!(differ, None);
    Ok(())
}

/// DMA plays without the guest, and a player that is about to sleep does not feed it: so its buffer has 65 s. It sleeps while
/// it waits for room: when it drains it is not told to go on, and does not ask.
#[test]
fn a_playback_of_the_sound_card_does_so_too() -> Result<(), BoardError> {
    let served = Served::start();
    let board = Board::builder().qemu_arguments(served.qemu_arguments()).sound_programs().boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    // It writes whole periods, the last one with silence at its end.
    let mut samples: Vec<u8> = (0..10 * 65_536_u32).map(|index| (index * 7 + index / 256) as u8).collect();
    samples.truncate(10 * 65_536 - 1_000);
    guest.write_file("/tmp/samples", samples.clone())?;
    let registers = format!("/sys/bus/pci/devices/{}/resource0", function(guest)?.address);
    let script = format!(
        "aplay -q -D hw:PWMaudio -t raw -f S8 -c 1 -r 8000 --period-size 65536 --buffer-size 524288 /tmp/samples &
        player=$!
        until registers {registers} TX.CONTROL | busybox grep -qx 0x603; do :; done
        suspend
        wait $player"
    );
    drop(start_and_lose(guest, &script)?);
    board.wait()?;
    samples.resize(10 * 65_536, 0);
    let unsigned: Vec<u8> = samples.iter().map(|sample| sample.wrapping_add(0x80)).collect();
    assert!(samples_slept_in(&served) == unsigned, "other samples");
    Ok(())
}
