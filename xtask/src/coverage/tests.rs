use std::fs;
use std::path::Path;

use device_model::DeviceCoverage;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::report::{Report, Share};
use super::{Wanted, check, report, summary};
use crate::failure::Kind;

const FILE: &str = "target/softboard/coverage.json";

fn seen(accesses: u64, zeros: u64, ones: u64) -> Value {
    json!({"accesses": accesses, "zeros": zeros, "ones": ones})
}

fn touched(read: impl Into<Option<bool>>, written: impl Into<Option<bool>>) -> Value {
    json!({"read": read.into(), "written": written.into()})
}

fn device(scenario: &str, registers: &Value) -> DeviceCoverage {
    serde_json::from_value(json!({"block": "uart", "scenario": scenario, "registers": registers})).unwrap()
}

/// A device whose one register, of 4 bits, has a field to read and write, one to read and one to write.
fn one_register(
    scenario: &str,
    [reads, writes]: [Value; 2],
    mode: &Value,
    state: &Value,
    command: &Value,
) -> DeviceCoverage {
    let fields = json!([
        {"name": "mode", "touched": mode, "enumerated_values": []},
        {"name": "state", "touched": state, "enumerated_values": [{"name": "idle", "touched": state}]},
        {"name": "command", "touched": command, "enumerated_values": [{"name": "go", "touched": command}]},
    ]);
    let register = json!({
        "name": "UART.CONTROL", "offset": 0x1c, "readable_bits": 0x7, "writable_bits": 0xb,
        "reads": reads, "writes": writes, "fields": fields
    });
    device(scenario, &json!([register]))
}

/// Two devices of one scenario, and one of another.
fn three_devices() -> Vec<DeviceCoverage> {
    let (never, read) = (touched(false, None), touched(true, None));
    let (unwritten, written) = (touched(None, false), touched(None, true));
    vec![
        one_register("b", [seen(2, 0x5, 0x2), seen(0, 0, 0)], &touched(true, false), &read, &unwritten),
        one_register("a", [seen(0, 0, 0), seen(1, 0x3, 0x8)], &touched(false, true), &never, &written),
        one_register("b", [seen(3, 0x4, 0x1), seen(4, 0x8, 0x3)], &touched(true, true), &never, &unwritten),
    ]
}

#[test]
fn what_devices_left_is_merged_by_scenario() {
    let merged = json!({
        "summary": {
            "registers": {"covered": 1, "total": 1},
            "fields": {"covered": 3, "total": 3},
            "enumerated_values": {"covered": 2, "total": 2},
            // Bit 0 was read at 0 and 1, bit 1 at 1 alone, bit 2 at 0 alone; bit 3, which cannot be read, was written at both.
            "bits": {"covered": 2, "total": 4},
            "missing": []
        },
        "blocks": [{"name": "timer", "registers": []}, {"name": "uart", "registers": [{
            "name": "UART.CONTROL", "offset": "0x1c", "readable_bits": "0x7", "writable_bits": "0xb",
            "by_scenario": {
                "a": {"reads": 0, "writes": 1, "bits_read_as_0": "0x0", "bits_read_as_1": "0x0",
                      "bits_written_as_0": "0x3", "bits_written_as_1": "0x8"},
                "b": {"reads": 5, "writes": 4, "bits_read_as_0": "0x5", "bits_read_as_1": "0x3",
                      "bits_written_as_0": "0x8", "bits_written_as_1": "0x3"}
            },
            "fields": [
                {"name": "mode", "read_by": ["b"], "written_by": ["a", "b"], "enumerated_values": []},
                {"name": "state", "read_by": ["b"], "written_by": null,
                 "enumerated_values": [{"name": "idle", "read_by": ["b"], "written_by": null}]},
                {"name": "command", "read_by": null, "written_by": ["a"],
                 "enumerated_values": [{"name": "go", "read_by": null, "written_by": ["a"]}]}
            ]
        }]}]
    });
    let mut devices = three_devices();
    devices.push(DeviceCoverage { block: "timer".to_owned(), scenario: "c".to_owned(), registers: vec![] });
    for _ in 0..devices.len() {
        devices.rotate_left(1);
        assert_eq!(serde_json::to_value(Report::new(devices.clone())).unwrap(), merged);
    }
    let text = "\
coverage    registers          1 of 1 (100 %)
            fields             3 of 3 (100 %)
            enumerated values  2 of 2 (100 %)
            bits               2 of 4 (50 %), seen at 0 and at 1";
    assert_eq!(summary(&Report::new(devices), 10, Path::new(FILE)), text);
}

/// A device with registers `R0` to `R5`: whole, half done, and not touched at all.
fn gaps() -> Report {
    let register = |number: u64, readable: u64, writable: u64, reads: u64, writes: u64, fields: Value| {
        json!({
            "name": format!("R{number}"), "offset": number, "readable_bits": readable, "writable_bits": writable,
            "reads": seen(reads, 0, 0), "writes": seen(writes, 0, 0), "fields": fields
        })
    };
    let field = |name: &str, touched: Value, values: Value| json!({"name": name, "touched": touched, "enumerated_values": values});
    let value = |name: &str, touched: Value| json!({"name": name, "touched": touched});
    let registers = json!([
        register(0, 1, 0, 1, 0, json!([])),
        register(
            1,
            1,
            1,
            1,
            0,
            json!([
                field("follows", touched(true, false), json!([value("seen", touched(true, false))])),
                field("own", touched(false, false), json!([value("follows", touched(false, false))])),
            ])
        ),
        register(2, 0, 1, 0, 0, json!([])),
        register(3, 3, 3, 0, 0, json!([field("follows", touched(false, false), json!([]))])),
        register(
            4,
            3,
            3,
            1,
            1,
            json!([field(
                "whole",
                touched(true, true),
                json!([
                    value("gap", touched(false, false)),
                    value("read_gap", touched(false, None)),
                    value("write_gap", touched(None, false)),
                    value("written", touched(false, true)),
                    value("impossible", touched(None, None)),
                ])
            ),])
        ),
        register(5, 0, 3, 1, 1, json!([field("part", touched(None, false), json!([]))])),
    ]);
    Report::new(vec![device("a", &registers)])
}

#[test]
fn what_is_missing_is_named_without_what_follows_from_it() {
    let report = gaps();
    let missing = [
        "uart R1: never written",
        "uart R1.own: never read or written",
        "uart R2: never written",
        "uart R3: never read or written",
        "uart R4.whole = gap: never read or written",
        "uart R4.whole = read_gap: never read",
        "uart R4.whole = write_gap: never written",
        "uart R5.part: never written",
    ];
    assert_eq!(report.summary.missing, missing);
    let share = |covered, total| Share { covered, total };
    // R0, R4 and R5; R4.whole; R1.follows = seen and R4.whole = written.
    assert_eq!(report.summary.registers, share(3, 6));
    assert_eq!(report.summary.fields, share(1, 5));
    assert_eq!(report.summary.enumerated_values, share(2, 6));
    assert_eq!(report.summary.bits, share(0, 9));
    assert_eq!(report.summary.together(), share(6, 17));
}

#[test]
fn a_summary_names_a_few_and_counts_the_rest() {
    let text = "\
coverage    registers          3 of 6 (50 %)
            fields             1 of 5 (20 %)
            enumerated values  2 of 6 (33 %)
            bits               0 of 9 (0 %), seen at 0 and at 1
missing     uart R1: never written
            uart R1.own: never read or written
            and 6 more: see target/softboard/coverage.json";
    assert_eq!(summary(&gaps(), 2, Path::new(FILE)), text);
    assert_eq!(summary(&gaps(), 8, Path::new(FILE)).lines().last().unwrap(), "            uart R5.part: never written");
}

#[test]
fn the_minimum_is_of_registers_fields_and_values_together() {
    // 6 of 17 are 35.3 percent.
    check(&gaps(), 35).unwrap();
    let failure = check(&gaps(), 36).unwrap_err();
    assert_eq!(failure.kind, Kind::Failed);
    assert!(
        failure.to_string().contains("expected 36 %") && failure.to_string().contains("6 of 17 (35 %)"),
        "{failure}"
    );
    check(&Report::new(three_devices()), 100).unwrap();
}

#[test]
fn a_run_without_devices_says_so_and_covers_nothing() {
    let empty = Report::new(vec![]);
    assert_eq!(summary(&empty, 10, Path::new(FILE)), "coverage    no device left any");
    assert!(check(&empty, 0).unwrap_err().to_string().contains("no device"));
}

#[test]
fn the_files_of_a_folder_become_one() {
    let (output, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = output.path().join("coverage.json");
    let total =
        || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap()["summary"]["fields"]["total"].clone();
    report(output.path(), folder.path(), &Wanted::default()).unwrap();
    assert_eq!(total(), 0);
    for (number, device) in three_devices().iter().enumerate() {
        fs::write(folder.path().join(format!("1-{number}.json")), serde_json::to_vec(device).unwrap()).unwrap();
    }
    fs::write(folder.path().join("1-3.part"), "{").unwrap();
    let wanted = |scenario: &str| Wanted { scenario: Some(scenario.to_owned()), minimum_percent: Some(100) };
    report(output.path(), folder.path(), &Wanted { minimum_percent: Some(100), ..Wanted::default() }).unwrap();
    assert_eq!(total(), 3);
    // Neither scenario covers everything on its own.
    for (scenario, words) in [("a", "expected 100 %"), ("b", "expected 100 %"), ("c", "no device")] {
        let failure = report(output.path(), folder.path(), &wanted(scenario)).unwrap_err();
        assert!(failure.to_string().contains(words), "{scenario}: {failure}");
    }
    assert_eq!(fs::read_dir(output.path()).unwrap().count(), 1);

    fs::write(folder.path().join("1-4.json"), "{").unwrap();
    let failure = report(output.path(), folder.path(), &Wanted::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::Environment);
    assert!(failure.to_string().contains("1-4.json"), "{failure}");
}
