//! What the channels put out, as the device recorded it, and what they should have put out.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use cosim_tests::PwmAudio;
use device::{Access, Device, Direction, Event, Happening, Region};
use vcd::{Command, Parser, Value};

/// One clock cycle of the channels, whose clock has 100 MHz.
pub(super) const CYCLE_NS: u64 = 10;

/// `PWM_GROUP.UPDATE`, its bit `go`, and its bits `channels`.
const UPDATE: u64 = 0x200;
const GO: u64 = 0x100;

/// What a channel puts out, in ns. With a period of 0 it is switched off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to the name")]
pub(super) struct Waveform {
    pub(super) period_ns: u64,
    pub(super) duty_ns: u64,
    pub(super) offset_ns: u64,
}

impl Waveform {
    pub(super) const OFF: Self = Self { period_ns: 0, duty_ns: 0, offset_ns: 0 };

    pub(super) const fn new(period_ns: u64, duty_ns: u64, offset_ns: u64) -> Self {
        Self { period_ns, duty_ns, offset_ns }
    }

    /// From `start_ns`, where a period begins, to `end_ns`: from when to when the output is high.
    fn high(self, start_ns: u64, end_ns: u64) -> impl Iterator<Item = (u64, u64)> {
        let Self { period_ns, duty_ns, offset_ns } = self;
        let fall_ns = offset_ns + duty_ns;
        // What goes past the end of a period comes at its beginning.
        let parts = [(0, fall_ns.saturating_sub(period_ns)), (offset_ns, fall_ns.min(period_ns))];
        let periods = (start_ns..end_ns).step_by(usize::try_from(period_ns).expect("a period"));
        periods
            .flat_map(move |begin_ns| parts.map(|(rise_ns, fall_ns)| (begin_ns + rise_ns, begin_ns + fall_ns)))
            .map(move |(rise_ns, fall_ns)| (rise_ns, fall_ns.min(end_ns)))
            .filter(|(rise_ns, fall_ns)| rise_ns < fall_ns)
    }
}

/// Times and levels.
pub(super) type Edges = Vec<(u64, bool)>;

/// The edges of channel `channel` in a device's VCD file.
pub(super) fn recorded(device: &PwmAudio, vcd: &Path, channel: u64) -> Edges {
    device.with_device(Device::close_outputs).expect("a complete VCD file");
    let mut parser = Parser::new(BufReader::new(File::open(vcd).expect("a VCD file")));
    let header = parser.parse_header().expect("a header");
    assert_eq!(header.timescale, Some((1, vcd::TimescaleUnit::NS)));
    let wire = header.find_var(&["pwm_audio", &format!("pwm{channel}")]).expect("the channel's wire").code;
    let mut now_ns = 0;
    let mut edges = Edges::new();
    for command in parser {
        match command.expect("a command") {
            Command::Timestamp(time_ns) => now_ns = time_ns,
            // An output that rises in the very cycle in which it is switched off rises for no time.
            Command::ChangeScalar(code, _)
                if code == wire && now_ns > 0 && edges.last().is_some_and(|edge| edge.0 == now_ns) =>
            {
                edges.pop();
            }
            Command::ChangeScalar(code, value) if code == wire => edges.push((now_ns, value == Value::V1)),
            _ => {}
        }
    }
    assert_eq!(edges.first(), Some(&(0, false)), "what it begins with is no edge");
    edges.split_off(1)
}

/// When the driver had a channel go on with what it had written before, and whether it runs then.
fn switched(device: &PwmAudio, channel: u64) -> Vec<(u64, bool)> {
    let control = 0x100 + 0x20 * channel;
    let write = |event: &Event| match &event.happening {
        Happening::Access(Access { region: Region::Bar(0), direction: Direction::Write, offset, value, .. }) => {
            Some((event.time_ns / CYCLE_NS * CYCLE_NS, *offset, *value))
        }
        _ => None,
    };
    let writes: Vec<_> = device.with_device(|device| device.timeline().events().filter_map(write).collect());
    let switch = |(time_ns, offset, value)| match offset {
        UPDATE if value & 0xff == 1 << channel => {
            assert_eq!(value, GO | 1 << channel, "an update and nothing else");
            Some((time_ns, true))
        }
        _ if offset == control => {
            assert!(value <= 1, "nothing but enable: {value:#x}");
            Some((time_ns, value == 1))
        }
        _ => None,
    };
    writes.into_iter().filter_map(switch).collect()
}

/// The edges that channel `channel` should have if it was given `waveforms`, the last of which switches it off, one after
/// the other: each from when the driver said, or, while the channel runs, from the end of that period on.
pub(super) fn expected(device: &PwmAudio, channel: u64, waveforms: &[Waveform]) -> Edges {
    let switched = switched(device, channel);
    assert_eq!(switched.len(), waveforms.len(), "channel {channel}: {waveforms:?} at {switched:?}");
    // From when on which waveform is there; what is switched off before its time never is.
    let mut parts: Vec<(u64, Waveform)> = Vec::new();
    for (&waveform, (time_ns, runs)) in waveforms.iter().zip(switched) {
        assert_eq!(runs, waveform != Waveform::OFF, "channel {channel} at {time_ns} ns");
        let start_ns = match parts.last() {
            Some(&(start_ns, before)) if runs && before != Waveform::OFF => {
                assert!(start_ns <= time_ns, "channel {channel}: an update at {time_ns} ns, before the last was taken");
                start_ns + ((time_ns - start_ns) / before.period_ns + 1) * before.period_ns
            }
            _ => time_ns,
        };
        parts.retain(|(other_ns, _)| *other_ns < start_ns);
        parts.push((start_ns, waveform));
    }
    assert!(parts.last().is_none_or(|(_, waveform)| *waveform == Waveform::OFF), "the end is known: {waveforms:?}");
    let running = parts.windows(2).filter(|pair| pair[0].1 != Waveform::OFF);
    let high = running.flat_map(|pair| pair[0].1.high(pair[0].0, pair[1].0));
    let mut edges = Edges::new();
    for (rise_ns, fall_ns) in high {
        // It was high until now: no edge.
        if edges.pop_if(|(time_ns, _)| *time_ns == rise_ns).is_none() {
            edges.push((rise_ns, true));
        }
        edges.push((fall_ns, false));
    }
    edges
}

/// Compares them all.
pub(super) fn assert_edges(device: &PwmAudio, vcd: &Path, channel: u64, waveforms: &[Waveform]) {
    let (recorded, expected) = (recorded(device, vcd, channel), expected(device, channel, waveforms));
    let differ = recorded.iter().zip(&expected).position(|(one, other)| one != other);
    if differ.is_some() || recorded.len() != expected.len() {
        let first = differ.unwrap_or(recorded.len().min(expected.len()));
        let around = |edges: &Edges| edges.iter().skip(first.saturating_sub(4)).take(8).copied().collect::<Edges>();
        panic!(
            "channel {channel}: edge {first} of {} recorded and {} expected differs:\n{:?}\n{:?}\n{waveforms:?}",
            recorded.len(),
            expected.len(),
            around(&recorded),
            around(&expected),
        );
    }
}
