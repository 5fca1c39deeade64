//! What only the rest of the block calls: the transmitter's samples, and snapshots.

use device::Output;

use super::*;

/// The channels with their registers.
struct Bench {
    channels: PwmChannels,
    file: RegisterFile,
    effects: Effects,
}

impl Bench {
    fn new(record_signals: bool) -> Self {
        Self {
            channels: PwmChannels::new(record_signals, Vec::new()),
            file: RegisterFile::new(REGISTERS.map.clone()),
            effects: Effects::default(),
        }
    }

    fn write(&mut self, offset: u64, value: u64, now_ns: u64) {
        for change in self.file.write(offset, 4, value).changes.iter() {
            self.channels.react(change, &mut self.file, now_ns, &mut self.effects);
        }
    }

    fn advance(&mut self, now_ns: u64) {
        self.channels.advance(&mut self.file, now_ns, &mut self.effects);
    }

    fn sample(&mut self, time_ns: u64, fraction: u32) {
        self.channels.audio_sample(time_ns, fraction, &mut self.file, &mut self.effects);
    }

    fn edges(&self) -> Vec<(u64, bool)> {
        let edge = |output: &Output| match *output {
            Output::Edge { signal: 2, time_ns, level } => (time_ns, level),
            _ => panic!("{output:?} of channel 2"),
        };
        self.effects.outputs().iter().map(edge).collect()
    }
}

#[test]
fn samples_give_the_duty_of_the_periods_that_begin_with_them() {
    let mut bench = Bench::new(true);
    bench.write(0x144, 1_000, 0);
    bench.write(0x240, 0x22, 0);
    bench.write(0x140, 0x1, 0);
    // The period at 10 us begins with the first sample, that at 20 us a nanosecond before the second one.
    bench.sample(10_000, 0x4000_0000);
    bench.sample(20_001, 0xffff_ffff);
    bench.sample(35_000, 0);
    bench.sample(45_000, SILENCE);
    bench.advance(60_000);
    let expected = [
        // Nothing is played: the middle.
        (0, true),
        (5_000, false),
        (10_000, true),
        (12_500, false),
        (20_000, true),
        (22_500, false),
        (30_000, true),
        (39_990, false),
        (50_000, true),
        (55_000, false),
        (60_000, true),
    ];
    assert_eq!(bench.edges(), expected);
}

/// Channels in the middle of everything: a pair, a one-shot, an update, a table, a measurement.
fn busy() -> Bench {
    let mut bench = Bench::new(false);
    let writes = [
        (0x104, 70),
        (0x108, 30),
        (0x110, 60),
        (0x114, 7),
        (0x100, 0x19),
        (0x144, 90),
        (0x148, 45),
        (0x158, 9),
        (0x140, 0x5),
        (0x164, 41),
        (0x248, 0x4000),
        (0x248, 0x8000),
        (0x24c, 0x0180_0000),
        (0x240, 0x31),
        (0x160, 0x1),
        (0x220, 0x31),
        (0x108, 20),
        (0x200, 0x105),
    ];
    for (offset, value) in writes {
        bench.write(offset, value, 0);
    }
    bench.advance(655);
    bench
}

#[test]
fn a_state_that_was_saved_goes_on_as_if_nothing_had_been() {
    let (mut original, mut restored) = (busy(), Bench::new(false));
    let text = original.channels.save().to_string();
    restored.file = original.file.clone();
    restored.channels.restore(serde_json::from_str(&text).expect("JSON")).expect("a state");
    assert_eq!(restored.channels.state, original.channels.state);
    for now_ns in (700..20_000).step_by(37) {
        for bench in [&mut original, &mut restored] {
            bench.advance(now_ns);
            bench.channels.refresh(&mut bench.file, now_ns);
            bench.channels.arm(&bench.file);
        }
        assert_eq!(restored.channels.state, original.channels.state);
        assert_eq!(restored.channels.next_deadline_ns(), original.channels.next_deadline_ns());
        for (register, _) in REGISTERS.map.registers() {
            assert_eq!(restored.file.get(register), original.file.get(register), "{}", REGISTERS.map[register].name);
        }
    }
}

#[test]
fn a_state_that_no_channels_can_have_is_refused() {
    let good = busy().channels.save();
    assert!(Bench::new(false).channels.restore(good.clone()).is_ok());
    for (place, value) in [
        ("/channels/0/waveform/period_cycles", 0_u64),
        ("/channels/0/waveform/rise_cycles", 70),
        ("/channels/0/waveform/duty_cycles", 71),
        ("/channels/0/waveform/start_cycle", u64::MAX),
        ("/channels/0/waveform/dead_cycles", u64::MAX),
        ("/channels/0/waveform/ready_cycle", u64::MAX),
        ("/capture/rise_cycle", u64::MAX),
        ("/converter/index", 256),
        ("/converter/channel", 8),
        ("/now_cycle", u64::MAX),
        ("/pending", 256),
    ] {
        let mut state = good.clone();
        *state.pointer_mut(place).expect(place) = value.into();
        assert!(Bench::new(false).channels.restore(state).is_err(), "{place} = {value}");
    }
    let mut state = good.clone();
    state["converter"]["table"] = serde_json::json!([1, 2, 3]);
    let refusal = Bench::new(false).channels.restore(state).expect_err("a table of three");
    assert!(refusal.to_string().contains("numbers that no channel can have"), "{refusal}");
}

#[test]
fn what_is_recorded_is_right_again_after_a_state_was_taken_back() {
    let mut bench = Bench::new(true);
    bench.write(0x144, 100, 0);
    bench.write(0x148, 50, 0);
    bench.write(0x140, 0x1, 0);
    bench.advance(200);
    let (state, file) = (bench.channels.save(), bench.file.clone());
    bench.advance(700);
    bench.channels.restore(state).expect("a state");
    bench.file = file;
    bench.effects.clear();
    bench.advance(510);
    assert_eq!(bench.edges(), [(200, true), (500, false)]);
}
