//! What a device leaves about the accesses that it had over its socket. Offsets, masks and values are retyped from the
//! datasheet.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use device::ClockMode;
use device_model::{BlockKind, DeviceOptions, write_coverage_at_end};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use vfio_user::Client;
use vfio_user_server::RunningServer;

const BAR0: u32 = 0;

/// What there is in `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// The one file in `folder`.
fn only_file(folder: &Path) -> Value {
    let [file] = &files(folder)[..] else { panic!("expected one file: {:?}", files(folder)) };
    assert_eq!(file.extension().expect("an extension"), "json");
    serde_json::from_slice(&fs::read(file).expect("read")).expect("JSON")
}

fn register<'a>(coverage: &'a Value, name: &str) -> &'a Value {
    let registers = coverage["registers"].as_array().expect("a list");
    registers.iter().find(|register| register["name"] == name).unwrap_or_else(|| panic!("no {name} in {coverage}"))
}

#[test]
fn a_device_leaves_what_was_done_to_it_over_the_wire() {
    let folder = TempDir::new().expect("folder");
    let coverage_folder = folder.path().join("coverage");
    fs::create_dir(&coverage_folder).expect("folder");
    let options = DeviceOptions::new(BlockKind::PwmAudio, ClockMode::Warp);
    let mut device = device_model::functions(options).expect("device").registers;
    write_coverage_at_end(&mut device, "the-block", coverage_folder.clone());
    let socket = folder.path().join("device.sock");
    let server = RunningServer::start(&socket, device, |_| {}).expect("server");
    let mut client = Client::new(&socket).expect("client");

    // IDENTITY; FORMAT: 24 bits, mono; the upper half of FORMAT; SAMPLE0 and SAMPLE1.
    let mut word = [0; 4];
    client.region_read(BAR0, 0x000, &mut word).expect("read");
    client.region_write(BAR0, 0x444, &0x0000_0118_u32.to_le_bytes()).expect("write");
    let mut half = [0; 2];
    client.region_read(BAR0, 0x446, &mut half).expect("read");
    client.region_write(BAR0, 0x460, &0x0055_0000_00aa_0000_u64.to_le_bytes()).expect("write");
    // Past the registers, and not a width that a register access has.
    client.region_read(BAR0, 0x1000, &mut word).expect("read");
    client.region_read(BAR0, 0x000, &mut [0; 3]).expect("read");
    drop(client);
    assert_eq!(files(&coverage_folder), Vec::<PathBuf>::new(), "the device has not ended");
    drop(server.stop().expect("the device"));

    let coverage = only_file(&coverage_folder);
    assert_eq!(coverage["block"], "the-block");
    let scenario = coverage["scenario"].as_str().expect("a name");
    assert!(scenario.ends_with("a_device_leaves_what_was_done_to_it_over_the_wire"), "{scenario}");
    let nothing = json!({"accesses": 0, "zeros": 0, "ones": 0});
    let identity = register(&coverage, "SYSTEM.IDENTITY");
    assert_eq!(identity["reads"], json!({"accesses": 1, "zeros": 0xafa8_b2be_u32, "ones": 0x5057_4d41}));
    assert_eq!(identity["writes"], nothing);
    let format = register(&coverage, "TX.FORMAT");
    assert_eq!(format["offset"], 0x444);
    assert_eq!(format["reads"], json!({"accesses": 1, "zeros": 0xffff_0000_u32, "ones": 0}));
    assert_eq!(format["writes"], json!({"accesses": 1, "zeros": 0xffff_fee7_u32, "ones": 0x118}));
    let value = |name, written| json!({"name": name, "touched": {"read": false, "written": written}});
    assert_eq!(
        format["fields"],
        json!([
            {"name": "sample_bits", "touched": {"read": false, "written": true},
             "enumerated_values": [
                 value("signed_8", false), value("signed_16", false), value("signed_24", true), value("signed_32", false)
             ]},
            {"name": "channels", "touched": {"read": false, "written": true},
             "enumerated_values": [value("mono", true), value("stereo", false)]},
            {"name": "packed", "touched": {"read": true, "written": true}, "enumerated_values": []},
        ])
    );
    let left = register(&coverage, "TX.SAMPLE0");
    assert_eq!(left["writes"], json!({"accesses": 1, "zeros": 0xff55_ffff_u32, "ones": 0x00aa_0000}));
    assert_eq!((&left["readable_bits"], &left["writable_bits"]), (&json!(0), &json!(0xffff_ffff_u32)));
    assert_eq!(register(&coverage, "TX.SAMPLE1")["writes"]["ones"], 0x0055_0000);
    assert_eq!(register(&coverage, "PWM3.DUTY")["reads"], nothing);
}

/// Runs `device-model serve` with the variable set to `coverage`, reads the identity, and ends it by a signal. Gives
/// what it says on standard error.
fn serve_and_end(coverage: &Path) -> String {
    let folder = TempDir::new().expect("folder");
    let socket = folder.path().join("device.sock");
    let mut process = Command::new(env!("CARGO_BIN_EXE_device-model"))
        .args(["serve", "--block", "pwm-audio", "--socket"])
        .arg(&socket)
        .env("SOFTBOARD_COVERAGE", coverage)
        .env_remove("NEXTEST_TEST_NAME")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it listens");
    let mut client = Client::new(&socket).expect("client");
    client.region_read(BAR0, 0x000, &mut [0; 4]).expect("read");
    // The client stays connected, as a QEMU would.
    kill_process(Pid::from_child(&process), Signal::TERM).expect("it runs");
    let mut words = String::new();
    process.stderr.take().expect("piped").read_to_string(&mut words).expect("text");
    let status = process.wait().expect("it ends");
    assert!(status.success(), "{status}: {words}");
    words
}

#[test]
fn a_served_device_leaves_its_coverage_where_the_variable_says() {
    let folder = TempDir::new().expect("folder");
    let words = serve_and_end(folder.path());
    let coverage = only_file(folder.path());
    assert_eq!((&coverage["block"], &coverage["scenario"]), (&json!("pwm-audio"), &json!("device-model")));
    assert_eq!(register(&coverage, "SYSTEM.IDENTITY")["reads"]["accesses"], 1);
    assert!(!words.contains("warning"), "{words}");
}

#[test]
fn coverage_that_cannot_be_written_is_a_warning() {
    let folder = TempDir::new().expect("folder");
    let words = serve_and_end(&folder.path().join("no-such-folder"));
    let warning = words.lines().find(|line| line.starts_with("warning: ")).unwrap_or_else(|| panic!("{words}"));
    assert!(
        warning.contains("the coverage of device-model is lost") && warning.contains("no-such-folder"),
        "{warning}"
    );
}
