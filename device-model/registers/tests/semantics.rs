//! What accesses do, one by one, and how it is said.

use std::sync::Arc;

use registers::{Description, ModifiedWriteValues, ReadAction, RegisterFile, RegisterMap};

fn map(registers: &str) -> Arc<RegisterMap> {
    let text = format!(
        "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
         <peripheral><name>AUDIO</name><baseAddress>0x440</baseAddress><registers>{registers}</registers></peripheral>
         </peripherals></device>"
    );
    Arc::new(Description::parse(&text).unwrap().map(&[]).unwrap())
}

fn register(name: &str, offset: u32, more: &str) -> String {
    format!("<register><name>{name}</name><addressOffset>{offset}</addressOffset>{more}</register>")
}

fn one(more: &str) -> RegisterFile {
    RegisterFile::new(map(&register("R", 0, more)))
}

#[test]
fn every_modified_write_value() {
    for (word, after) in [
        ("modify", 0x0000_0f0f),
        ("oneToClear", 0x00ff_f0f0),
        ("oneToSet", 0x00ff_ffff),
        ("oneToToggle", 0x00ff_f0f0),
        ("zeroToClear", 0x0000_0f0f),
        ("zeroToSet", 0xffff_ffff),
        ("zeroToToggle", 0xff00_0f0f),
        ("clear", 0),
        ("set", 0xffff_ffff),
    ] {
        let text = format!("<resetValue>0x00ffffff</resetValue><modifiedWriteValues>{word}</modifiedWriteValues>");
        let mut file = one(&text);
        file.write(0x440, 4, 0x0000_0f0f);
        assert_eq!(file.read(0x440, 4).value, after, "{word}");
        // One byte of it leaves the others alone.
        file.reset();
        file.write(0x441, 1, 0x0f);
        assert_eq!(file.read(0x440, 4).value, after & 0xff00 | 0x00ff_00ff, "{word}");
    }
}

#[test]
fn every_access() {
    for (access, first, second) in [
        ("read-only", 0x11, 0x11),
        ("read-write", 0x22, 0x33),
        ("read-writeOnce", 0x22, 0x22),
        ("write-only", 0, 0),
        ("writeOnce", 0, 0),
    ] {
        let mut file = one(&format!("<resetValue>0x11</resetValue><access>{access}</access>"));
        let register = file.map().register("AUDIO.R").unwrap();
        file.write(0x440, 1, 0x22);
        assert_eq!(file.read(0x440, 4).value, first, "{access}");
        let change = file.write(0x440, 4, 0x4433).changes[0];
        assert_eq!(file.read(0x440, 1).value, second, "{access}");
        let stored = match access {
            "read-only" => 0x11,
            "read-write" | "write-only" => 0x4433,
            _ => 0x4422,
        };
        assert_eq!((file.get(register), change.new), (stored, stored), "{access}");
        assert_eq!(change.locked, if access.ends_with("nce") { 0xff } else { 0 }, "{access}");
        file.reset();
        file.write(0x440, 4, 0x55);
        assert_eq!(file.get(register), if access == "read-only" { 0x11 } else { 0x55 }, "{access}");
    }
}

#[test]
fn every_read_action() {
    for (action, after) in [("clear", 0x1200), ("set", 0x12ff), ("modify", 0x1234), ("modifyExternal", 0x1234)] {
        let mut file = one(&format!("<resetValue>0x1234</resetValue><readAction>{action}</readAction>"));
        let register = file.map().register("AUDIO.R").unwrap();
        let outcome = file.read(0x440, 1);
        assert_eq!(outcome.value, 0x34);
        assert_eq!(file.get(register), after, "{action}");
        assert_eq!(outcome.effects.len(), 1);
        let effect = outcome.effects[0];
        assert_eq!((effect.old, effect.new, effect.bytes_read), (0x1234, after, 1));
        assert_eq!(effect.modified, if action == "modify" { 0xff } else { 0 });
        assert_eq!(effect.modified_external, if action == "modifyExternal" { 0xff } else { 0 });
    }
}

#[test]
fn constraints_refuse_what_the_bytes_would_make_of_the_value() {
    let range = "<resetValue>0x0200</resetValue><writeConstraint><range><minimum>0x100</minimum>
                 <maximum>0x2ff</maximum></range></writeConstraint>";
    let mut file = one(range);
    assert_eq!(file.write(0x440, 1, 0xff).changes[0].refused, 0);
    assert_eq!(file.write(0x441, 1, 0x03).changes[0].refused, 0xff00);
    assert_eq!(file.read(0x440, 4).value, 0x2ff);
    assert_eq!(file.write(0x440, 2, 0x0100).changes[0].new, 0x100);

    let mut file = one("<resetValue>5</resetValue><writeConstraint><writeAsRead>true</writeAsRead></writeConstraint>");
    let register = file.map().register("AUDIO.R").unwrap();
    file.set(register, 6);
    assert_eq!(file.write(0x440, 4, 6).changes[0].refused, 0xffff_ffff, "6 has not been read yet");
    file.read(0x440, 4);
    assert_eq!(file.write(0x440, 4, 6).changes[0].refused, 0);

    let values = "<fields><field><name>MODE</name><bitRange>[5:4]</bitRange>
        <writeConstraint><useEnumeratedValues>true</useEnumeratedValues></writeConstraint>
        <enumeratedValues><enumeratedValue><name>off</name><value>0</value></enumeratedValue>
        <enumeratedValue><name>on</name><value>#1x</value></enumeratedValue></enumeratedValues></field></fields>";
    let mut file = one(values);
    let kept = [0x10, 0x30, 0x20, 0x00].map(|value| file.write(0x440, 4, value).changes[0].new);
    assert_eq!(kept, [0, 0x30, 0x20, 0]);
}

#[test]
fn accesses_span_registers_and_gaps() {
    let small = "<size>8</size><resetValue>0x5a</resetValue>";
    let bytes: String = (0..8).map(|number| register(&format!("B{number}"), number, small)).collect();
    let wide = register("WIDE", 16, "<size>64</size>");
    let mut file = RegisterFile::new(map(&(bytes + &wide)));
    let outcome = file.write(0x440, 8, 0x0706_0504_0302_0100);
    assert_eq!(outcome.changes.iter().map(|change| change.new).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert_eq!(outcome.unmapped_bytes, 0);
    let outcome = file.read(0x446, 4);
    assert_eq!((outcome.value, outcome.unmapped_bytes), (0x0706, 0b1100));
    file.write(0x451, 8, u64::MAX);
    assert_eq!(file.read(0x450, 8).value, 0xffff_ffff_ffff_ff00);
    assert_eq!(file.write(0x451, 8, 0).unmapped_bytes, 0x80);
    assert_eq!(file.map().name_at(0x44e, 4), "no register + AUDIO.WIDE");
    for offset in [0, 0x43f, 0x458, u64::MAX - 3, u64::MAX] {
        assert_eq!(file.read(offset, 1).unmapped_bytes, 1, "{offset:#x}");
        assert!(file.write(offset, 1, 1).changes.is_empty(), "{offset:#x}");
    }
    assert_eq!(file.read(u64::MAX, 8).unmapped_bytes, 0xff);
    assert_eq!(file.read(0x440, 0), registers::ReadOutcome::default());
}

#[test]
fn a_change_is_said_with_names() {
    let fields = "<fields><field><name>fill</name><bitRange>[10:0]</bitRange></field>
        <field><name>running</name><bitRange>[19:19]</bitRange><enumeratedValues>
        <enumeratedValue><name>stopped</name><value>0</value></enumeratedValue>
        <enumeratedValue><name>playing</name><isDefault>true</isDefault></enumeratedValue></enumeratedValues></field>
        <field><name>underrun</name><bitRange>[20:20]</bitRange></field></fields>";
    let map = map(&(register("STATUS", 12, fields)
        + &register("RATE", 8, "<resetValue>48000</resetValue>")
        + &register("DATA", 16, "<access>write-only</access>")));
    let mut file = RegisterFile::new(Arc::clone(&map));
    let mut said = |offset, bytes, value| {
        let outcome = file.write(offset, bytes, value);
        map.describe_changes(offset, bytes, outcome.old, outcome.new).to_string()
    };
    assert_eq!(said(0x44c, 4, 1 << 20), "AUDIO.STATUS.underrun 0 -> 1");
    assert_eq!(said(0x44e, 1, 1 << 4 | 1 << 3), "AUDIO.STATUS.running 0 stopped -> 1 playing");
    assert_eq!(
        said(0x44c, 4, 0x400),
        "AUDIO.STATUS.fill 0 -> 0x400, AUDIO.STATUS.running 1 playing -> 0 stopped, AUDIO.STATUS.underrun 1 -> 0"
    );
    assert_eq!(said(0x44d, 1, 0x3), "AUDIO.STATUS.fill[10:8] 4 -> 3");
    assert_eq!(said(0x44c, 1, 0x7f), "AUDIO.STATUS.fill[7:0] 0 -> 0x7f");
    assert_eq!(said(0x44c, 2, 0x37f), "");
    assert_eq!(said(0x448, 8, 0x0000_037e_0000_1f40), "AUDIO.RATE 0xbb80 -> 0x1f40, AUDIO.STATUS.fill 0x37f -> 0x37e");
    assert_eq!(said(0x448, 1, 0x41), "AUDIO.RATE[7:0] 0x40 -> 0x41");
    assert_eq!(said(0x450, 4, 7), "", "what it was before means nothing");
}

#[test]
fn the_hardware_side_passes_the_semantics_by() {
    let fields = "<access>read-only</access><resetValue>0xff00</resetValue><fields>
        <field><name>LOW</name><bitRange>[3:0]</bitRange></field>
        <field><name>HIGH</name><bitRange>[15:8]</bitRange></field></fields>";
    let mut file = one(fields);
    let map = Arc::clone(file.map());
    let (register, high) = (map.register("AUDIO.R").unwrap(), map.field("AUDIO.R.HIGH").unwrap());
    file.set_field(high, 0x1a5_u32);
    assert_eq!((file.get_field(high), file.get(register)), (0xa5, 0xa500));
    file.set(register, 0x1_0000_0001);
    assert_eq!(file.get(register), 1);
    let change = file.write(0x441, 2, 0xffff).changes[0];
    assert_eq!((change.new, change.lanes(), change.written_to(high)), (1, 0x00ff_ff00, Some(0xff)));
    assert_eq!(change.written_to(map.field("AUDIO.R.LOW").unwrap()), None);
    let error = map.field("AUDIO.R.MIDDLE").unwrap_err().to_string();
    assert!(error.starts_with("the register map has no field AUDIO.R.MIDDLE;"), "{error}");
}

#[test]
fn a_map_keeps_what_the_file_says_around_its_registers() {
    let text = "<device><name>D</name><version>2.1</version><description>Two\n timers.</description><size>32</size>
        <resetValue>0</resetValue><access>read-write</access><peripherals><peripheral><dim>2</dim>
        <dimIncrement>0x100</dimIncrement><dimIndex>A,B</dimIndex><name>TIMER%s</name><description>Counts.</description>
        <prependToName>T_</prependToName><baseAddress>0</baseAddress><registers><cluster><dim>2</dim>
        <dimIncrement>8</dimIncrement><name>CHANNEL[%s]</name><addressOffset>0</addressOffset><register>
        <name>COMPARE</name><addressOffset>0</addressOffset></register></cluster></registers></peripheral>
        <peripheral derivedFrom=\"TIMER%s\"><name>CLOCK</name><baseAddress>0x800</baseAddress></peripheral>
        </peripherals></device>";
    let map = Description::parse(text).unwrap().map(&[]).unwrap();
    let device = map.device();
    assert_eq!([&device.name, &device.version, &device.description], ["D", "2.1", "Two timers."]);
    let peripherals = map.peripherals().iter().map(|entry| [&entry.name, &entry.template, &entry.description]);
    let expected = [["TIMERA", "TIMER%s", "Counts."], ["TIMERB", "TIMER%s", "Counts."], ["CLOCK", "CLOCK", "Counts."]];
    assert_eq!(peripherals.collect::<Vec<_>>(), expected);
    let registers = map.registers().map(|(_, entry)| [entry.name.as_str(), &entry.template]).collect::<Vec<_>>();
    let template = "TIMER%s.CHANNEL[%s].T_COMPARE";
    assert_eq!(registers[..2], [["TIMERA.CHANNEL[0].T_COMPARE", template], ["TIMERA.CHANNEL[1].T_COMPARE", template]]);
    assert_eq!(
        registers[3..],
        [
            ["TIMERB.CHANNEL[1].T_COMPARE", template],
            ["CLOCK.CHANNEL[0].T_COMPARE", "CLOCK.CHANNEL[%s].T_COMPARE"],
            ["CLOCK.CHANNEL[1].T_COMPARE", "CLOCK.CHANNEL[%s].T_COMPARE"],
        ]
    );
}

#[test]
fn a_register_without_fields_is_one_part_with_the_semantics() {
    let effects = "<modifiedWriteValues>oneToClear</modifiedWriteValues><readAction>set</readAction>";
    let with_field = format!("{effects}<fields><field><name>F</name><bitRange>[3:0]</bitRange></field></fields>");
    let map = map(&(register("PLAIN", 0, effects) + &register("FIELDS", 4, &with_field)));
    let part = |name| {
        let register = &map[map.register(name).unwrap()];
        let [part] = register.parts() else { panic!("{name} has one part") };
        assert_eq!(
            (part.modified_write_values, part.read_action),
            (ModifiedWriteValues::OneToClear, Some(ReadAction::Set))
        );
        (part.name.clone(), part.bits)
    };
    assert_eq!(part("AUDIO.PLAIN"), (String::new(), 32));
    assert_eq!(part("AUDIO.FIELDS"), ("F".to_owned(), 4));
}
