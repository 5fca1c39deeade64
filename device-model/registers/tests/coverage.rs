//! What accesses are counted for. Places, masks and counts are retyped from the text below by hand.

use std::sync::Arc;

use registers::{Coverage, Description, RegisterCoverage, Seen, Touch};

/// At 0x40: `WHOLE` without fields, `MIXED` with fields of every access, 8 bytes of `WIDE`, and a register that shares
/// its bytes with `WHOLE`.
const REGISTERS: &str = "
    <register><name>WHOLE</name><addressOffset>0</addressOffset></register>
    <register><name>MIXED</name><addressOffset>4</addressOffset><fields>
      <field><name>mode</name><bitRange>[1:0]</bitRange><enumeratedValues>
        <enumeratedValue><name>other</name><isDefault>true</isDefault></enumeratedValue>
        <enumeratedValue><name>slow</name><value>1</value></enumeratedValue>
        <enumeratedValue><name>fast</name><value>2</value></enumeratedValue>
      </enumeratedValues></field>
      <field><name>across</name><bitRange>[11:4]</bitRange><enumeratedValues>
        <usage>read</usage>
        <enumeratedValue><name>empty</name><value>0</value></enumeratedValue>
      </enumeratedValues></field>
      <field><name>state</name><bitRange>[17:16]</bitRange><access>read-only</access><enumeratedValues>
        <enumeratedValue><name>even</name><value>#x0</value></enumeratedValue>
        <enumeratedValue><name>odd</name><value>#x1</value></enumeratedValue>
      </enumeratedValues></field>
      <field><name>command</name><bitRange>[31:24]</bitRange><access>write-only</access><enumeratedValues>
        <usage>write</usage>
        <enumeratedValue><name>go</name><value>0xa5</value></enumeratedValue>
      </enumeratedValues></field>
    </fields></register>
    <register><name>WIDE</name><addressOffset>8</addressOffset><size>64</size><access>read-only</access></register>
    <register><name>OTHER</name><addressOffset>0</addressOffset><alternateRegister>WHOLE</alternateRegister></register>";

fn coverage() -> Coverage {
    let text = format!(
        "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
         <peripheral><name>P</name><baseAddress>0x40</baseAddress><registers>{REGISTERS}</registers></peripheral>
         </peripherals></device>"
    );
    Coverage::new(Arc::new(Description::parse(&text).unwrap().map(&[]).unwrap()))
}

fn register(coverage: &Coverage, name: &str) -> RegisterCoverage {
    coverage.registers().into_iter().find(|register| register.name == name).unwrap()
}

/// The fields of `P.MIXED`: name, read, written.
fn fields(coverage: &Coverage) -> [(Option<bool>, Option<bool>); 4] {
    let fields = register(coverage, "P.MIXED").fields;
    assert_eq!(fields.iter().map(|field| &*field.name).collect::<Vec<_>>(), ["mode", "across", "state", "command"]);
    std::array::from_fn(|index| (fields[index].touched.read, fields[index].touched.written))
}

/// The enumerated values of `P.MIXED` that were read, and those that were written.
fn values(coverage: &Coverage) -> (Vec<String>, Vec<String>) {
    let fields = register(coverage, "P.MIXED").fields;
    let names = |seen: fn(Touch) -> Option<bool>| {
        let values = fields.iter().flat_map(|field| &field.enumerated_values);
        values.filter(|value| seen(value.touched) == Some(true)).map(|value| value.name.clone()).collect()
    };
    (names(|touched| touched.read), names(|touched| touched.written))
}

#[test]
fn nothing_is_touched_before_the_first_access() {
    let coverage = coverage();
    let [whole, mixed, wide] = &coverage.registers()[..] else { panic!("three registers answer after reset") };
    assert_eq!((&*whole.name, whole.offset), ("P.WHOLE", 0x40));
    assert_eq!((whole.readable_bits, whole.writable_bits), (0xffff_ffff, 0xffff_ffff));
    assert_eq!((&*mixed.name, mixed.offset), ("P.MIXED", 0x44));
    assert_eq!((mixed.readable_bits, mixed.writable_bits), (0x0003_0ff3, 0xff00_0ff3));
    assert_eq!((&*wide.name, wide.offset), ("P.WIDE", 0x48));
    assert_eq!((wide.readable_bits, wide.writable_bits), (u64::MAX, 0));
    for register in [whole, mixed, wide] {
        assert_eq!((register.reads, register.writes), (Seen::default(), Seen::default()));
    }
    let untouched = (Some(false), Some(false));
    assert_eq!(fields(&coverage), [untouched, untouched, (Some(false), None), (None, Some(false))]);
    assert_eq!(values(&coverage), (vec![], vec![]));
    let command = &mixed.fields[3].enumerated_values[0];
    assert_eq!((&*command.name, command.touched.read, command.touched.written), ("go", None, Some(false)));
}

#[test]
fn an_access_touches_the_bits_that_it_carries() {
    let mut coverage = coverage();
    coverage.read(0x40, 4, 0x1234_5678);
    coverage.read(0x41, 1, 0xff);
    coverage.written(0x42, 2, 0x00f0);
    let whole = register(&coverage, "P.WHOLE");
    assert_eq!(whole.reads, Seen { accesses: 2, zeros: 0xedcb_a987, ones: 0x1234_ff78 });
    assert_eq!(whole.writes, Seen { accesses: 1, zeros: 0xff0f_0000, ones: 0x00f0_0000 });
    assert_eq!(register(&coverage, "P.MIXED").reads, Seen::default());
}

#[test]
fn an_access_over_several_registers_counts_for_each() {
    let mut coverage = coverage();
    coverage.read(0x46, 8, 0x8877_6655_4433_a201);
    assert_eq!(register(&coverage, "P.MIXED").reads, Seen { accesses: 1, zeros: 0x5dfe_0000, ones: 0xa201_0000 });
    let wide = Seen { accesses: 1, zeros: 0x0000_7788_99aa_bbcc, ones: 0x0000_8877_6655_4433 };
    assert_eq!(register(&coverage, "P.WIDE").reads, wide);
    assert_eq!(values(&coverage), (vec!["odd".to_owned()], vec![]));
}

#[test]
fn a_field_counts_when_one_access_carries_all_of_it() {
    let mut coverage = coverage();
    // Both halves of `across`, one after the other.
    coverage.written(0x44, 1, 0x01);
    coverage.written(0x45, 1, 0x0f);
    let (no, yes) = (Some(false), Some(true));
    assert_eq!(fields(&coverage), [(no, yes), (no, no), (no, None), (None, no)]);
    coverage.read(0x44, 1, 0);
    assert_eq!(values(&coverage), (vec!["other".to_owned()], vec!["slow".to_owned()]));
    coverage.written(0x44, 2, 0);
    coverage.read(0x44, 4, 0);
    assert_eq!(fields(&coverage), [(yes, yes), (yes, yes), (yes, None), (None, no)]);
}

#[test]
fn a_value_has_its_own_name_or_that_of_all_others() {
    for (value, read, written) in [
        (0x0000_0001_u64, vec!["slow", "empty", "even"], vec!["slow"]),
        (0x0003_0ff2, vec!["fast", "odd"], vec!["fast"]),
        // What is write-only has no value to be read, what is read-only none to be written.
        (0xa503_0013, vec!["other", "odd"], vec!["other", "go"]),
    ] {
        let mut reading = coverage();
        reading.read(0x44, 4, value);
        assert_eq!(values(&reading), (read.iter().map(ToString::to_string).collect(), vec![]), "read {value:#x}");
        let mut writing = coverage();
        writing.written(0x44, 4, value);
        assert_eq!(values(&writing), (vec![], written.iter().map(ToString::to_string).collect()), "write {value:#x}");
    }
}

#[test]
fn what_no_register_has_counts_for_none() {
    let mut coverage = coverage();
    for (offset, bytes) in [(0, 8), (0x3f, 1), (0x50, 4), (u64::MAX, 8), (0x40, 0)] {
        coverage.read(offset, bytes, u64::MAX);
        coverage.written(offset, bytes, u64::MAX);
    }
    assert!(coverage.registers().iter().all(|register| register.reads.accesses + register.writes.accesses == 0));
    // As much of an access as there is.
    coverage.written(0x3c, 8, 0x0102_0304_0506_0708);
    assert_eq!(register(&coverage, "P.WHOLE").writes.ones, 0x0102_0304);
    // More than 8 bytes are as many as that.
    coverage.read(0x40, 100, 0);
    assert_eq!(register(&coverage, "P.WIDE").reads.accesses, 0);
}
