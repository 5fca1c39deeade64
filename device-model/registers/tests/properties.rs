//! Any register file against a bit-by-bit model of it that reads the SVD text by itself.

mod reference;

use std::fmt::Write;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use reference::Model;
use registers::{Description, RegisterFile};

/// Effects of accesses, as a part of an SVD file.
fn semantics() -> impl Strategy<Value = String> {
    let writes = "modify oneToClear oneToSet oneToToggle zeroToClear zeroToSet zeroToToggle clear set";
    let reads = "clear set modify modifyExternal";
    let effect = |tag: &'static str, words: &'static str| {
        let words: Vec<&str> = words.split(' ').collect();
        let some = select(words).prop_map(move |word| format!("<{tag}>{word}</{tag}>"));
        prop_oneof![1 => Just(String::new()), 2 => some]
    };
    let access = select(vec!["read-only", "read-write", "read-writeOnce", "write-only", "writeOnce"]);
    (access, effect("modifiedWriteValues", writes), effect("readAction", reads)).prop_map(|(access, write, read)| {
        // An effect of what cannot be done would be refused.
        let write = if access == "read-only" { "" } else { &write };
        let read = if matches!(access, "write-only" | "writeOnce") { "" } else { &read };
        format!("<access>{access}</access>{write}{read}")
    })
}

/// Distance from the field before, bits, semantics, and what part of its values may be written.
type FieldPlan = (u32, u32, String, Option<u64>);

#[derive(Clone, Debug)]
struct RegisterPlan {
    gap_bytes: u64,
    bits: u32,
    reset: u64,
    reset_mask: u64,
    count: u64,
    semantics: String,
    fields: Vec<FieldPlan>,
}

fn register() -> impl Strategy<Value = RegisterPlan> {
    let field = (0..4_u32, 1..20_u32, semantics(), proptest::option::weighted(0.2, any::<u64>()));
    let mask = prop_oneof![3 => Just(u64::MAX), 1 => any::<u64>()];
    let count = prop_oneof![4 => Just(1), 1 => 2..4_u64];
    let bits = select(vec![8, 16, 24, 32, 32, 32, 64]);
    (0..3_u64, bits, any::<u64>(), mask, count, semantics(), vec(field, 0..5)).prop_map(
        |(gap_bytes, bits, reset, reset_mask, count, semantics, fields)| RegisterPlan {
            gap_bytes,
            bits,
            reset: reset & u64::MAX >> (64 - bits),
            reset_mask,
            count,
            semantics,
            fields,
        },
    )
}

impl RegisterPlan {
    /// Appends the register at `offset`; returns the first byte after it.
    fn append(&self, number: usize, offset: u64, svd: &mut String) -> u64 {
        let bytes = u64::from(self.bits / 8);
        let offset = offset + self.gap_bytes;
        let array = if self.count > 1 {
            format!("<dim>{}</dim><dimIncrement>{}</dimIncrement>", self.count, bytes + self.gap_bytes)
        } else {
            String::new()
        };
        let index = if self.count > 1 { "[%s]" } else { "" };
        write!(
            svd,
            "<register>{array}<name>R{number}{index}</name><addressOffset>{offset:#x}</addressOffset>\
             <size>{}</size><resetValue>{:#x}</resetValue><resetMask>{:#x}</resetMask>",
            self.bits, self.reset, self.reset_mask
        )
        .unwrap();
        if self.fields.is_empty() {
            svd.push_str(&self.semantics);
        } else {
            self.append_fields(svd);
        }
        svd.push_str("</register>\n");
        offset + self.count * bytes + (self.count - 1) * self.gap_bytes
    }

    fn append_fields(&self, svd: &mut String) {
        svd.push_str("<fields>");
        let mut next_bit = 0;
        for (number, (gap, bits, semantics, constraint)) in self.fields.iter().enumerate() {
            let lsb = next_bit + gap;
            let msb = lsb + bits - 1;
            if msb >= self.bits && number > 0 {
                break;
            }
            let msb = msb.min(self.bits - 1);
            next_bit = msb + 1;
            let all = u64::MAX >> (63 - (msb - lsb));
            let reset = (self.reset & self.reset_mask) >> lsb & all;
            // The value after reset is always one that can be written.
            let range = constraint.filter(|_| !semantics.contains("read-only")).map_or_else(String::new, |random| {
                let (one, other) = (random & all, random >> 32 & all);
                let (minimum, maximum) = (one.min(other).min(reset), one.max(other).max(reset));
                format!(
                    "<writeConstraint><range><minimum>{minimum}</minimum><maximum>{maximum}</maximum></range>\
                     </writeConstraint>"
                )
            });
            write!(svd, "<field><name>F{number}</name><bitRange>[{msb}:{lsb}]</bitRange>{semantics}{range}</field>")
                .unwrap();
        }
        svd.push_str("</fields>");
    }
}

/// An SVD file: some registers alone, some in an array of clusters.
fn svd() -> impl Strategy<Value = String> {
    (vec(register(), 1..5), vec(register(), 0..3), 1..3_u64).prop_map(|(alone, clustered, clusters)| {
        let mut registers = String::new();
        let end = alone.iter().enumerate().fold(0, |end, (number, plan)| plan.append(number, end, &mut registers));
        let mut inside = String::new();
        let bytes = clustered.iter().enumerate().fold(0, |end, (number, plan)| plan.append(number, end, &mut inside));
        if !clustered.is_empty() {
            write!(
                registers,
                "<cluster><dim>{clusters}</dim><dimIncrement>{bytes}</dimIncrement><name>C%s</name>\
                 <addressOffset>{end}</addressOffset>{inside}</cluster>"
            )
            .unwrap();
        }
        format!(
            "<device><name>D</name><size>32</size><peripherals><peripheral><name>P</name>\
             <baseAddress>0x10</baseAddress><registers>\n{registers}</registers></peripheral></peripherals></device>"
        )
    })
}

#[derive(Clone, Debug)]
enum Step {
    Read { offset: u64, bytes: usize },
    Write { offset: u64, bytes: usize, value: u64 },
    Set { register: usize, value: u64 },
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || select(vec![1, 2, 4, 8]);
    let value = || prop_oneof![2 => any::<u64>(), 1 => select(vec![0, u64::MAX])];
    prop_oneof![
        6 => (0..0x60_u64, bytes()).prop_map(|(offset, bytes)| Step::Read { offset, bytes }),
        10 => (0..0x60_u64, bytes(), value()).prop_map(|(offset, bytes, value)| Step::Write { offset, bytes, value }),
        2 => (any::<usize>(), value()).prop_map(|(register, value)| Step::Set { register, value }),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_register_file_does_what_its_description_says(svd in svd(), steps in vec(step(), 1..24)) {
        let map = Description::parse(&svd).and_then(|description| description.map(&[]));
        let map = Arc::new(map.map_err(|error| TestCaseError::fail(error.to_string()))?);
        let mut file = RegisterFile::new(Arc::clone(&map));
        let mut model = Model::new(&svd);
        let names = model.names();
        let handles: Vec<_> = names.iter().map(|name| map.register(name).unwrap()).collect();
        prop_assert_eq!(map.registers().count(), names.len());
        for step in steps {
            match step {
                Step::Read { offset, bytes } => {
                    let outcome = file.read(offset, bytes);
                    let expected = model.read(offset, bytes as u64);
                    prop_assert_eq!((outcome.value, outcome.unmapped_bytes), expected, "{:?}", step);
                }
                Step::Write { offset, bytes, value } => {
                    let before: Vec<u64> = names.iter().map(|name| model.value(name)).collect();
                    let outcome = file.write(offset, bytes, value);
                    prop_assert_eq!(outcome.unmapped_bytes, model.write(offset, bytes as u64, value), "{:?}", step);
                    for change in outcome.changes.iter() {
                        let index = handles.iter().position(|handle| *handle == change.register).unwrap();
                        prop_assert_eq!((change.old, change.new), (before[index], model.value(&names[index])));
                    }
                    let carried: u32 = outcome.changes.iter().map(|change| u32::from(change.bytes_written)).sum();
                    prop_assert_eq!(carried + outcome.unmapped_bytes.count_ones(), bytes as u32);
                }
                Step::Set { register, value } => {
                    let register = register % names.len();
                    file.set(handles[register], value);
                    model.set(&names[register], value);
                }
                Step::Reset => {
                    file.reset();
                    model.reset();
                }
            }
            for (name, handle) in names.iter().zip(&handles) {
                prop_assert_eq!(file.get(*handle), model.value(name), "{} after {:?}", name, step);
            }
        }
    }
}
