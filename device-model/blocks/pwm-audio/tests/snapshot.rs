//! The state of the block is kept, compared and put back.

use device::{Block, Effects, Snapshot, SnapshotError, Width};
use pwm_audio::PwmAudio;

fn write(block: &mut PwmAudio, offset: u64, value: u64, now_ns: u64) {
    block.advance(now_ns, &mut Effects::default());
    block.write(offset, Width::WORD, value, now_ns, &mut Effects::default());
}

fn read(block: &mut PwmAudio, offset: u64, now_ns: u64, effects: &mut Effects) -> u64 {
    block.advance(now_ns, effects);
    block.read(offset, Width::WORD, now_ns, effects)
}

/// A block at work at 10 ms: scratch, interrupts, a stream of 400 frames that has begun, a PWM channel.
fn at_work() -> PwmAudio {
    let mut block = PwmAudio::default();
    write(&mut block, 0x008, 0xcafe_f00d, 0);
    write(&mut block, 0x014, 0x7, 0);
    write(&mut block, 0x448, 8_000, 0);
    for frame in 0..400 {
        write(&mut block, 0x460, frame, 1_000);
        write(&mut block, 0x464, 0xff_ffff, 1_000);
    }
    write(&mut block, 0x440, 0x1, 2_000);
    write(&mut block, 0x104, 1_000, 3_000);
    write(&mut block, 0x108, 300, 3_000);
    write(&mut block, 0x100, 0x1, 3_000);
    read(&mut block, 0x44c, 10_000_000, &mut Effects::default());
    block
}

/// Everything that the block does and gives in the next 100 ms.
fn future(block: &mut PwmAudio) -> (Vec<u64>, String, Vec<Option<u64>>) {
    let (mut reads, mut effects, mut deadlines) = (Vec::new(), Effects::default(), Vec::new());
    for now_ns in (1..=50).map(|step| 10_000_000 + step * 2_000_001) {
        for offset in [0x008, 0x010, 0x10c, 0x440, 0x44c, 0x450, 0x454] {
            reads.push(read(block, offset, now_ns, &mut effects));
        }
        deadlines.push(block.next_deadline_ns());
    }
    (reads, format!("{effects:?}"), deadlines)
}

#[test]
fn a_block_that_takes_a_snapshot_has_the_same_future() {
    let mut block = at_work();
    let snapshot = block.save();
    let text = serde_json::to_string(&snapshot).expect("JSON");
    let snapshot: Snapshot = serde_json::from_str(&text).expect("a snapshot");
    let mut other = PwmAudio::default();
    other.restore(&snapshot).expect("the same block's");
    assert_eq!(other.save().differences(&snapshot), [""; 0]);
    let (one, another) = (future(&mut block), future(&mut other));
    assert!(one.1.contains("Frame") && one.1.contains("StreamUnderrun"), "there is a future: {}", one.1);
    assert_eq!(one, another);
}

/// A block that nobody has asked for anything: only its time has gone on.
fn cold_at(now_ns: u64) -> Snapshot {
    let mut block = PwmAudio::default();
    block.advance(now_ns, &mut Effects::default());
    block.save()
}

#[test]
fn a_block_that_is_reset_is_as_a_cold_one() {
    let mut block = at_work();
    let cold = cold_at(10_000_000);
    let differences = block.save().differences(&cold);
    let scratch = "registers/SYSTEM.SCRATCH/value: 0xcafef00d here, 0x0 there";
    assert!(differences.iter().any(|difference| difference == scratch), "{differences:#?}");
    assert!(differences.iter().any(|difference| difference.starts_with("audio/")), "{differences:#?}");
    block.reset(&mut Effects::default());
    assert_eq!(block.save().differences(&cold), [""; 0]);

    let mut block = at_work();
    write(&mut block, 0x00c, 0x1, 11_000_000);
    assert_eq!(block.save().differences(&cold_at(11_000_000)), [""; 0], "by its own register");
}

#[test]
fn a_snapshot_of_something_else_is_refused_and_changes_nothing() {
    let mut block = at_work();
    let before = block.save();
    let refusal = block.restore(&Snapshot::new(serde_json::json!({}))).expect_err("nothing is there");
    assert!(matches!(refusal, SnapshotError::Part { part: "registers", .. }), "{refusal}");
    let mut value = serde_json::to_value(&before).expect("JSON");
    value["registers"]["SYSTEM.SCRATCH"]["value"] = 5.into();
    value["audio"] = "play".into();
    let refusal = block.restore(&Snapshot::new(value)).expect_err("no state of audio");
    assert!(matches!(refusal, SnapshotError::Part { part: "audio", .. }), "{refusal}");
    assert_eq!(block.save().differences(&before), [""; 0]);
}
