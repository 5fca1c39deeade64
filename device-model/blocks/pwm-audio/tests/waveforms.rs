//! The PWM channels against a simulation of them, clock cycle by clock cycle, that is written from the datasheet and
//! knows nothing of the block: random settings, changed at random times, put out exactly the same edges.

use device::{Block, Effects, Output, Width};
use proptest::collection::vec;
use proptest::prelude::*;
use pwm_audio::{PwmAudio, Surroundings};

const CYCLE_NS: u64 = 10;

/// What the shadow registers of a channel have.
#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    period: u32,
    duty: u32,
    phase: u32,
    dead_time: u32,
    count: u32,
    active_low: bool,
    complementary: bool,
}

#[derive(Clone, Debug)]
enum Write {
    Shadow { channel: usize, settings: Settings },
    Control { channel: usize, enable: bool, one_shot: bool },
    Update { channels: u8, go: bool, restart: bool },
    Converter { channel: usize, table: bool },
}

#[derive(Clone, Debug)]
struct Step {
    after_ns: u64,
    write: Write,
}

fn settings() -> impl Strategy<Value = Settings> {
    let numbers = (0..24_u32, 0..26_u32, 0..40_u32, 0..16_u32, 0..5_u32);
    (numbers, any::<bool>(), any::<bool>()).prop_map(|(numbers, active_low, complementary)| {
        let (period, duty, phase, dead_time, count) = numbers;
        Settings { period, duty, phase, dead_time, count, active_low, complementary }
    })
}

fn write() -> impl Strategy<Value = Write> {
    let channel = 0..4_usize;
    prop_oneof![
        4 => (channel.clone(), settings()).prop_map(|(channel, settings)| Write::Shadow { channel, settings }),
        4 => (channel.clone(), prop::bool::weighted(0.8), prop::bool::weighted(0.3))
            .prop_map(|(channel, enable, one_shot)| Write::Control { channel, enable, one_shot }),
        3 => (0..16_u8, any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(channels, go, restart)| Write::Update { channels, go, restart }),
        1 => (channel, any::<bool>()).prop_map(|(channel, table)| Write::Converter { channel, table }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after_ns = prop_oneof![1 => Just(0), 2 => 0..60_u64, 4 => 0..1_000_u64];
    vec((after_ns, write()).prop_map(|(after_ns, write)| Step { after_ns, write }), 4..24)
}

/// A channel of the simulation.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are bits of the channel's registers")]
struct Channel {
    shadow: Settings,
    taken: Settings,
    enabled: bool,
    one_shot: bool,
    done: bool,
    pending: bool,
    /// Of the period that is under way.
    duty: u32,
    counter: u32,
    periods: u32,
    /// Of the output without dead time: its level, for how many cycles it has had it, and whether what it makes active is.
    dead: Option<(bool, u32, bool)>,
}

impl Channel {
    fn runs(&self) -> bool {
        self.enabled && self.taken.period > 0
    }

    fn base(&self) -> bool {
        let (period, rise) = (self.taken.period, self.taken.phase % self.taken.period);
        let active = rise..rise + self.duty.min(period);
        active.contains(&self.counter) || active.contains(&(self.counter + period))
    }
}

/// The simulation.
struct Simulation {
    channels: Vec<Channel>,
    levels: [bool; 8],
    edges: Vec<(u64, u8, bool)>,
    converter: Option<usize>,
    table_phase: u32,
    table_step: u32,
    updated: bool,
    cycle: u64,
}

impl Simulation {
    fn new(table_step: u32) -> Self {
        Self {
            channels: vec![Channel::default(); 8],
            levels: [false; 8],
            edges: Vec::new(),
            converter: None,
            table_phase: 0,
            table_step,
            updated: false,
            cycle: 0,
        }
    }

    fn begin_period(&mut self, number: usize) {
        let channel = &mut self.channels[number];
        channel.counter = 0;
        channel.duty = channel.taken.duty;
        if self.converter == Some(number) && channel.runs() {
            // The table has at entry n the duty n / 256.
            channel.duty = (u64::from(self.table_phase >> 24) * u64::from(channel.taken.period) / 256) as u32;
            self.table_phase = self.table_phase.wrapping_add(self.table_step);
        }
    }

    fn take(&mut self, number: usize) {
        let channel = &mut self.channels[number];
        let was_single = !(channel.taken.complementary && number.is_multiple_of(2));
        channel.taken = channel.shadow;
        // A complement that comes into being was not active.
        if was_single && channel.dead.is_some_and(|(base, ..)| !base) {
            channel.dead = None;
        }
        let was_pending = std::mem::take(&mut channel.pending);
        if was_pending && self.channels.iter().all(|channel| !channel.pending) {
            self.updated = true;
        }
    }

    /// Everything that one more cycle brings.
    fn tick(&mut self) {
        self.cycle += 1;
        for number in 0..8 {
            let channel = &mut self.channels[number];
            if !channel.runs() {
                continue;
            }
            channel.counter += 1;
            if channel.counter < channel.taken.period {
                continue;
            }
            channel.periods += 1;
            if channel.one_shot && channel.periods >= channel.taken.count.max(1) {
                (channel.enabled, channel.done, channel.counter) = (false, true, 0);
                channel.dead = None;
            }
            if channel.pending || !channel.enabled {
                self.take(number);
            }
            self.begin_period(number);
        }
        for channel in &mut self.channels {
            if let Some((_, cycles, _)) = &mut channel.dead {
                *cycles += 1;
            }
        }
        self.look();
    }

    fn look(&mut self) {
        let mut levels = [false; 8];
        for number in 0..8 {
            let channel = &mut self.channels[number];
            let pair = channel.taken.complementary && number.is_multiple_of(2);
            let mut active = [false; 2];
            if channel.runs() {
                let base = channel.base();
                let (_, cycles, ready) = channel.dead.filter(|dead| dead.0 == base).unwrap_or((base, 0, false));
                let ready = ready || cycles >= if pair { channel.taken.dead_time } else { 0 };
                channel.dead = Some((base, cycles, ready));
                active[usize::from(!base)] = ready;
            } else {
                channel.dead = None;
            }
            let complemented = number % 2 == 1 && self.channels[number - 1].taken.complementary;
            if !complemented {
                levels[number] = active[0] != self.channels[number].taken.active_low;
            }
            if pair {
                levels[number + 1] = active[1] != self.channels[number + 1].taken.active_low;
            }
        }
        for (number, level) in (0..).zip(levels) {
            if std::mem::replace(&mut self.levels[usize::from(number)], level) != level {
                self.edges.push((self.cycle * CYCLE_NS, number, level));
            }
        }
    }

    fn write(&mut self, write: &Write) {
        match *write {
            Write::Shadow { channel, settings } => {
                // As the registers are written: CONTROL first.
                let Settings { active_low, complementary, .. } = settings;
                let shadow = &mut self.channels[channel].shadow;
                *shadow = Settings { active_low, complementary, ..*shadow };
                self.take_at_once();
                self.channels[channel].shadow = settings;
            }
            Write::Control { channel: number, enable, one_shot } => {
                let channel = &mut self.channels[number];
                channel.one_shot = one_shot;
                if enable && !channel.enabled {
                    channel.periods = 0;
                }
                if !enable {
                    channel.dead = None;
                    channel.counter = 0;
                }
                let begins = enable && !channel.enabled;
                channel.enabled = enable;
                if begins {
                    self.take(number);
                    self.begin_period(number);
                }
            }
            Write::Update { channels, go, restart } => {
                let chosen: Vec<usize> = (0..8).filter(|number| channels >> number & 1 == 1).collect();
                if go && !chosen.is_empty() {
                    for &number in &chosen {
                        self.channels[number].pending |= self.channels[number].runs();
                    }
                    self.updated |= self.channels.iter().all(|channel| !channel.pending);
                }
                for number in chosen.into_iter().filter(|_| restart) {
                    if self.channels[number].enabled {
                        self.take(number);
                        self.begin_period(number);
                    }
                }
            }
            Write::Converter { channel, table } => {
                self.converter = table.then_some(channel);
                self.table_phase = 0;
            }
        }
        self.take_at_once();
    }

    /// What channels do that do not run.
    fn take_at_once(&mut self) {
        for number in 0..8 {
            if !self.channels[number].runs() {
                self.take(number);
                if self.channels[number].runs() {
                    self.begin_period(number);
                }
            }
        }
        self.look();
    }
}

/// A block with what it has put out.
struct Bench {
    block: PwmAudio,
    effects: Effects,
    now_ns: u64,
}

impl Bench {
    fn new(record_signals: bool, table_step: u32) -> Self {
        let block = PwmAudio::new(Surroundings { record_signals, ..Surroundings::default() });
        let mut bench = Self { block, effects: Effects::default(), now_ns: 0 };
        for entry in 0..256 {
            bench.write(0x248, entry << 8);
        }
        bench.write(0x24c, table_step);
        bench
    }

    fn advance(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        self.block.advance(now_ns, &mut self.effects);
    }

    fn write(&mut self, offset: u64, value: u32) {
        self.block.write(offset, Width::WORD, value.into(), self.now_ns, &mut self.effects);
    }

    fn read(&mut self, offset: u64) -> u32 {
        self.block.read(offset, Width::WORD, self.now_ns, &mut self.effects) as u32
    }

    fn apply(&mut self, write: &Write, simulation: &Simulation) {
        match *write {
            Write::Shadow { channel, .. } => {
                let base = 0x100 + 0x20 * channel as u64;
                let Channel { shadow, enabled, one_shot, .. } = &simulation.channels[channel];
                let control = u32::from(*enabled) | u32::from(*one_shot) << 2;
                // In one clock cycle, the period last: a channel that stands still begins with all of it.
                self.write(base, control | u32::from(shadow.active_low) << 1 | u32::from(shadow.complementary) << 3);
                self.write(base + 0x10, shadow.phase);
                self.write(base + 0x14, shadow.dead_time);
                self.write(base + 0x18, shadow.count);
                let both = u64::from(shadow.period) | u64::from(shadow.duty) << 32;
                self.block.write(base + 0x04, Width::DOUBLE, both, self.now_ns, &mut self.effects);
            }
            Write::Control { channel, enable, one_shot } => {
                let Settings { active_low, complementary, .. } = simulation.channels[channel].shadow;
                let shadow = u32::from(active_low) << 1 | u32::from(complementary) << 3;
                let control = shadow | u32::from(enable) | u32::from(one_shot) << 2;
                self.write(0x100 + 0x20 * channel as u64, control);
            }
            Write::Update { channels, go, restart } => {
                self.write(0x200, u32::from(channels) | u32::from(go) << 8 | u32::from(restart) << 9);
            }
            Write::Converter { channel, table } => self.write(0x240, u32::from(table) | (channel as u32) << 4),
        }
    }

    fn edges(&self) -> Vec<(u64, u8, bool)> {
        let edge = |output: &Output| match *output {
            Output::Edge { signal, time_ns, level } => (time_ns, signal, level),
            _ => panic!("{output:?} of a PWM channel"),
        };
        self.effects.outputs().iter().map(edge).collect()
    }

    /// What the registers say that the hardware changes.
    fn registers(&mut self) -> Vec<u32> {
        let channels = (0..8).flat_map(|channel| [0x100, 0x10c, 0x11c].map(|offset| offset + 0x20 * channel));
        channels.chain([0x010, 0x200, 0x204, 0x220, 0x224, 0x228, 0x22c]).map(|offset| self.read(offset)).collect()
    }

    fn assert_is_as(&mut self, simulation: &Simulation) {
        for (number, channel) in simulation.channels.iter().enumerate() {
            let base = 0x100 + 0x20 * number as u64;
            let counter = if channel.runs() { channel.counter } else { 0 };
            assert_eq!(self.read(base + 0x0c), counter, "COUNTER of channel {number}");
            assert_eq!(self.read(base + 0x1c), channel.periods, "PERIODS of channel {number}");
            let control = self.read(base);
            assert_eq!(control & 1 == 1, channel.enabled, "enable of channel {number}");
            assert_eq!(control >> 8 & 1 == 1, simulation.levels[number], "level of channel {number}");
            assert_eq!(self.read(0x200) >> (16 + number) & 1 == 1, channel.pending, "pending of channel {number}");
            assert_eq!(self.read(0x204) >> number & 1 == 1, channel.done, "done of channel {number}");
        }
        assert_eq!(self.read(0x010) >> 10 & 1 == 1, simulation.updated, "pwm_updated");
    }
}

/// Period, high time and number of periods that the edges of a signal show after `after`, the number of them before.
fn measured(edges: &[(u64, u8, bool)], after: usize, signal: u8) -> [u32; 3] {
    let edges: Vec<_> = edges[after..].iter().filter(|edge| edge.1 == signal).collect();
    let rises: Vec<usize> = (0..edges.len()).filter(|index| edges[*index].2).collect();
    let [.., earlier, later] = rises[..] else { return [0, 0, 0] };
    let cycles = |index: usize| ((edges[index].0 - edges[earlier].0) / CYCLE_NS) as u32;
    [cycles(later), cycles(earlier + 1), rises.len() as u32 - 1]
}

/// A number as a guest may write it, with the extremes.
fn any_number() -> impl Strategy<Value = u32> {
    prop_oneof![0..4_u32, any::<u32>(), (0..4_u32).prop_map(|less| u32::MAX - less), 1..0x400_u32]
}

fn any_access() -> impl Strategy<Value = (u64, usize, u32, u64)> {
    let offset = prop_oneof![8 => (0x100..0x250_u64).prop_map(|offset| offset & !3), 1 => 0x000..0x254_u64];
    let passed_ns =
        prop_oneof![8 => 0..3_000_u64, 1 => any::<u32>().prop_map(u64::from), 1 => any::<u64>().prop_map(|ns| ns >> 8)];
    (offset, 0..4_usize, any_number(), passed_ns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_accesses_at_any_time_are_answered(accesses in vec(any_access(), 1..100), record_signals in any::<bool>()) {
        let signal_input = vec![(1_000, true), (2_000, false), (1 << 40, true)];
        let block = PwmAudio::new(Surroundings { record_signals, signal_input, ..Surroundings::default() });
        let mut bench = Bench { block, effects: Effects::default(), now_ns: 0 };
        for (offset, width, value, passed_ns) in accesses {
            let end_ns = bench.now_ns.saturating_add(passed_ns);
            // A few of the deadlines on the way, each of them later than what was.
            for _ in 0..3 {
                let Some(deadline_ns) = bench.block.next_deadline_ns().filter(|deadline_ns| *deadline_ns <= end_ns) else {
                    break;
                };
                prop_assert!(deadline_ns > bench.now_ns, "{deadline_ns} at {}", bench.now_ns);
                bench.advance(deadline_ns);
            }
            let begin_ns = bench.now_ns;
            bench.effects.clear();
            bench.advance(end_ns);
            let mut latest_ns = begin_ns - begin_ns % CYCLE_NS;
            for (time_ns, ..) in bench.edges() {
                prop_assert!((latest_ns..=end_ns).contains(&time_ns));
                latest_ns = time_ns;
            }
            let width = [Width::BYTE, Width::HALF, Width::WORD, Width::DOUBLE][width];
            bench.block.write(offset, width, u64::from(value) << 32 | u64::from(value), end_ns, &mut bench.effects);
            bench.block.read(offset, width, end_ns, &mut bench.effects);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edges_are_those_of_a_simulation(
        steps in steps(),
        table_step in any::<u32>(),
        captured in 0..4_u8,
        tail_ns in 0..4_000_u64,
    ) {
        let mut simulation = Simulation::new(table_step);
        let mut recording = Bench::new(true, table_step);
        let mut silent = Bench::new(false, table_step);
        let mut capturing = Bench::new(false, table_step);
        let mut captured_after = None;
        let mut now_ns = 0;
        for Step { after_ns, write } in &steps {
            now_ns += after_ns;
            while simulation.cycle < now_ns / CYCLE_NS {
                simulation.tick();
            }
            // In the middle between two steps, too: where a step ends makes no difference.
            let half_ns = now_ns - after_ns / 2;
            recording.advance(half_ns);
            for bench in [&mut recording, &mut silent, &mut capturing] {
                bench.advance(now_ns);
            }
            if captured_after.is_none() {
                captured_after = Some(simulation.edges.len());
                capturing.write(0x220, u32::from(captured) << 4 | 1);
            }
            simulation.write(write);
            for bench in [&mut recording, &mut silent, &mut capturing] {
                bench.apply(write, &simulation);
            }
            recording.assert_is_as(&simulation);
        }
        now_ns += tail_ns;
        while simulation.cycle < now_ns / CYCLE_NS {
            simulation.tick();
        }
        for bench in [&mut recording, &mut silent, &mut capturing] {
            bench.advance(now_ns);
            bench.assert_is_as(&simulation);
        }
        prop_assert_eq!(recording.edges(), simulation.edges.clone());
        prop_assert_eq!(recording.registers(), silent.registers());
        let expected = measured(&simulation.edges, captured_after.unwrap_or(0), captured);
        prop_assert_eq!([0x224, 0x228, 0x22c].map(|offset| capturing.read(offset)), expected);
    }
}
