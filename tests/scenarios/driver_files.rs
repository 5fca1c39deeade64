//! What the driver shows of a device in sysfs and debugfs. What is expected is retyped from the datasheet, or asked of the
//! device itself.

use cosim_tests::{Board, BoardError, Guest, GuestProgram, PwmAudio, play};
use device::{ClockMode, DmaFailure, FaultOutcome, FaultPlan, FaultRule, Region};

use crate::support::{MODULE, NODE, assert_quiet, board_with_driver, function, perform_at, wav};

const DRIVER: &str = "/sys/bus/pci/drivers/pwm_audio";

fn folder(guest: &Guest) -> Result<String, BoardError> {
    Ok(format!("/sys/bus/pci/devices/{}", function(guest)?.address))
}

fn attribute(guest: &Guest, name: &str) -> Result<String, BoardError> {
    guest.read_text(&format!("{}/pwm_audio/{name}", folder(guest)?))
}

fn dump(guest: &Guest) -> Result<String, BoardError> {
    guest.read_text(&format!("/sys/kernel/debug/pwm_audio/{}/registers", function(guest)?.address))
}

/// What the device has at `offset`, asked on the host.
fn register(device: &PwmAudio, offset: u64) -> u32 {
    let mut value = [0; 4];
    // At no time: nothing else is due meanwhile.
    device.with_device(|device| device.read(Region::Bar(0), offset, &mut value, 0));
    u32::from_le_bytes(value)
}

#[test]
fn sysfs_tells_what_the_device_is_and_what_has_happened_to_it() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let names: Vec<_> = guest.read_directory(&format!("{}/pwm_audio", folder(guest)?))?;
    let names: Vec<&str> = names.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["dma_errors", "identity", "interrupts", "overruns", "underruns", "version"]);
    assert_eq!(attribute(guest, "identity")?, "0x50574d41\n");
    assert_eq!(attribute(guest, "version")?, "2.0\n");
    for counter in ["interrupts", "underruns", "overruns", "dma_errors"] {
        assert_eq!(attribute(guest, counter)?, "0\n", "{counter}");
    }

    play(guest, &wav("sweep-44k1-s16-stereo.wav"))?.success()?;
    let raised = device.counters().interrupts;
    assert!(raised > 2, "{raised} interrupts are none to compare");
    assert_eq!(guest.interrupts()?.count(NODE), Some(raised), "delivered");
    assert_eq!(attribute(guest, "interrupts")?, format!("{raised}\n"), "handled");
    assert_eq!(attribute(guest, "underruns")?, "0\n");
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn underruns_and_overruns_are_the_devices_and_outlive_its_reset() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    let address = function(guest)?.address;
    // Not for the driver, which knows nothing of these streams: a FIFO of 1,024 frames that nobody empties, and one that
    // nobody fills. At 192,000 Hz, 2,000 accesses are 384 frames.
    let rates = ["TX.RATE=192000", "RX.RATE=192000"];
    let start = ["TX.SAMPLE0=1", "TX.SAMPLE1=1", "TX.CONTROL=1", "RX.CONTROL=1"];
    let pass = vec!["SYSTEM.SCRATCH"; 8_000];
    let stop = ["TX.CONTROL=0", "RX.CONTROL=0", "TX.STATUS"];
    let operations = [rates.as_slice(), &start, &pass, &stop].concat();
    perform_at(&board, &address, &operations)?;
    let (underruns, overruns) = (device.counters().underruns, device.counters().overruns);
    assert!(underruns > 0 && overruns > 0, "{:?}", device.counters());
    // TX.UNDERRUN_COUNT and RX.OVERRUN_COUNT.
    let (underruns, overruns) = (register(&device, 0x450), register(&device, 0x550));
    assert!(underruns > 0 && overruns > 0, "{underruns} {overruns}");
    let counted = [format!("{underruns}\n"), format!("{overruns}\n")];
    assert_eq!([attribute(guest, "underruns")?, attribute(guest, "overruns")?], counted);

    guest.write_file(&format!("{}/reset", folder(guest)?), "1")?;
    assert_eq!((register(&device, 0x450), register(&device, 0x550)), (0, 0));
    assert_eq!([attribute(guest, "underruns")?, attribute(guest, "overruns")?], counted);
    guest.write_file(&format!("{DRIVER}/unbind"), address.clone())?;
    guest.write_file(&format!("{DRIVER}/bind"), address)?;
    assert_eq!([attribute(guest, "underruns")?, attribute(guest, "overruns")?], ["0\n", "0\n"]);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn a_dma_that_fails_is_counted() -> Result<(), BoardError> {
    // The first transfer has the list, the next two the first frames.
    let plan = FaultPlan::default().rule(FaultRule::dma(None, FaultOutcome::Fail(DmaFailure::Failed)).nth(4));
    let device = PwmAudio::new(ClockMode::Warp).faults(plan);
    let board = Board::builder().device(device.clone()).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    guest.write_file("/tmp/samples", vec![0; 16_000])?;
    let pcm = GuestProgram::new(["pcm", "/dev/snd/pcmC0D0p", "S16_LE", "2", "48000", "1000", "4000"]);
    let lines = "write /tmp/samples\ndrain\nprepare\nwrite /tmp/samples\ndrain\n";
    guest.run(pcm.standard_input(lines))?.success()?;
    assert_eq!(attribute(guest, "dma_errors")?, "1\n");
    assert_eq!(device.counters().dma_failures, 1);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_register_dump_is_what_the_device_has_and_changes_nothing() -> Result<(), BoardError> {
    let (board, device) = board_with_driver()?;
    let guest = board.guest();
    // A frame of two samples in the receiver's FIFO, from the loopback: a read of the last sample would take it out.
    let operations = [
        "SYSTEM.SCRATCH=0xcafef00d",
        "PWM7.PHASE=0x12345678",
        "RX.CONTROL=3",
        "TX.SAMPLE0=5",
        "TX.SAMPLE1=6",
        "TX.CONTROL=3",
        "TX.STATUS",
        "RX.CONTROL=0",
        "RX.STATUS",
    ];
    let address = function(guest)?.address;
    let status = perform_at(&board, &address, &operations)?;
    assert_eq!(status[1] & 0x7ff, 1, "one frame: {status:#x?}");

    let text = dump(guest)?;
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        "0x000 SYSTEM.IDENTITY: 0x50574d41",
        "0x004 SYSTEM.VERSION: 0x00020000",
        "0x008 SYSTEM.SCRATCH: 0xcafef00d",
        "0x00c SYSTEM.CONTROL: not read, it is write-only",
        "0x01c SYSTEM.CLOCK_HZ: 0x05f5e100",
        "0x1f0 PWM7.PHASE: 0x12345678",
        "0x448 TX.RATE: 0x0000bb80",
        "0x47c TX.SAMPLE7: not read, it is write-only",
        "0x54c RX.STATUS: 0x00000001",
        "0x560 RX.SAMPLE0: not read, a read changes something",
        "0x57c RX.SAMPLE7: not read, a read changes something",
    ] {
        assert!(lines.contains(&line), "{line} in\n{text}");
    }
    // Of the datasheet's table: 10 of the system, 8 of each of 8 channels, 2 of their group, 4 of capture, 4 of the
    // converter, 27 of each of transmitter and receiver.
    assert_eq!(lines.len(), 10 + 64 + 2 + 4 + 4 + 27 + 27, "{text}");
    let mut compared = 0;
    for line in &lines {
        let (offset, rest) = line.split_once(' ').expect("an offset");
        let offset = u64::from_str_radix(offset.trim_start_matches("0x"), 16).expect("a number");
        let (name, value) = rest.split_once(": ").expect("a value");
        if let Some(value) = value.strip_prefix("0x") {
            let value = u32::from_str_radix(value, 16).expect("a number");
            assert_eq!(value, register(&device, offset), "{name}");
            compared += 1;
        }
    }
    // Not the 10 that are write-only and the 8 that a read may change.
    assert_eq!(compared, lines.len() - 10 - 8);
    assert_eq!(dump(guest)?, text);
    assert_quiet(guest)?;
    board.shutdown()
}

#[test]
fn the_files_come_and_go_with_the_driver() -> Result<(), BoardError> {
    let devices = [PwmAudio::new(ClockMode::Warp), PwmAudio::new(ClockMode::Warp)];
    let board = devices.iter().fold(Board::builder(), |board, device| board.device(device.clone())).boot()?;
    let guest = board.guest();
    guest.load_module(MODULE)?;
    let addresses: Vec<String> = guest
        .pci_devices()?
        .into_iter()
        .filter(|device| (device.vendor, device.device) == (0x1b36, 0x0ad0))
        .map(|device| device.address)
        .collect();
    let [first, second] = &addresses[..] else { panic!("two devices, not {addresses:?}") };
    let there_are = || -> Result<[Vec<String>; 2], BoardError> {
        let list = |path: &str| -> Vec<String> {
            let entries = guest.read_directory(path).unwrap_or_default();
            entries.into_iter().map(|entry| entry.name).collect()
        };
        let with_group =
            |address: &&String| list(&format!("/sys/bus/pci/devices/{address}")).contains(&"pwm_audio".into());
        Ok([list("/sys/kernel/debug/pwm_audio"), addresses.iter().filter(with_group).cloned().collect()])
    };
    assert_eq!(there_are()?, [addresses.clone(), addresses.clone()]);
    guest.write_file(&format!("{DRIVER}/unbind"), first.clone())?;
    assert_eq!(there_are()?, [vec![second.clone()], vec![second.clone()]]);
    guest.write_file(&format!("{DRIVER}/bind"), first.clone())?;
    assert_eq!(there_are()?, [addresses.clone(), addresses.clone()]);
    guest.unload_module(MODULE)?;
    assert_eq!(there_are()?, [Vec::<String>::new(), Vec::new()]);
    assert!(!guest.read_directory("/sys/kernel/debug")?.iter().any(|entry| entry.name == "pwm_audio"));
    guest.load_module(MODULE)?;
    assert_eq!(there_are()?, [addresses.clone(), addresses.clone()]);
    assert_quiet(guest)?;
    board.shutdown()
}
