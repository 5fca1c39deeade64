//! Drawings and Rust from a description; what is expected is written by hand.

use registers::{Description, RegisterMap};

use super::contract::Contract;
use super::{datasheet, drawing, driver, handles};

/// The map of a peripheral or an array of them, 32-bit registers that are read-write and 0 after reset.
fn map(peripheral: &str, registers: &str) -> RegisterMap {
    let text = format!(
        "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
         <peripheral>{peripheral}<registers>{registers}</registers></peripheral></peripherals></device>"
    );
    Description::parse(&text).unwrap().map(&[]).unwrap()
}

fn one(registers: &str) -> RegisterMap {
    map("<name>P</name><baseAddress>0x440</baseAddress>", registers)
}

fn register(name: &str, offset: u32, more: &str) -> String {
    format!("<register><name>{name}</name><addressOffset>{offset}</addressOffset>{more}</register>")
}

fn field(name: &str, range: &str) -> String {
    format!("<field><name>{name}</name><bitRange>[{range}]</bitRange></field>")
}

fn drawn(size: u32, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, range)| field(name, range)).collect();
    let fields = if fields.is_empty() { fields } else { format!("<fields>{fields}</fields>") };
    let map = one(&register("LEVEL", 0, &format!("<size>{size}</size>{fields}")));
    drawing::draw(map.registers().next().unwrap().1)
}

#[test]
fn fields_that_are_too_narrow_for_their_names_have_them_below() {
    let expected = "
 31  30  29  28  27  26  25  24  23  22  21  20  19  18  17  16
┌───────────────────────────────────┬───────────┬───┬───┬───┬───┐
│             reserved              │           │   │low│   │   │
└───────────────────────────────────┴─────┬─────┴─┬─┴───┴─┬─┴─┬─┘
                                          │       │       │   └─── full
                                          │       │       └─────── empty
                                          │       └─────────────── running
                                          └─────────────────────── operating_mode
 15  14  13  12  11  10   9   8   7   6   5   4   3   2   1   0
┌───────────────────┬───────────────────────────────────────────┐
│     reserved      │                   fill                    │
└───────────────────┴───────────────────────────────────────────┘";
    let fields = [
        ("fill", "10:0"),
        ("full", "16:16"),
        ("empty", "17:17"),
        ("low", "18:18"),
        ("running", "19:19"),
        ("operating_mode", "22:20"),
    ];
    assert_eq!(format!("\n{}", drawn(32, &fields)), expected);
}

#[test]
fn registers_of_every_size_are_drawn() {
    let eight = "
  7   6   5   4   3   2   1   0
┌───┬───────────────────────────┐
│ - │           LEVEL           │
└───┴───────────────────────────┘";
    assert_eq!(format!("\n{}", drawn(8, &[("LEVEL", "6:0")])), eight);
    assert!(drawn(24, &[]).starts_with(
        "                                 23  22  21  20  19  18  17  16\n\
         \x20                               ┌───────────────────────────────┐\n\
         \x20                               │         LEVEL[23:16]          │\n"
    ));
    let wide = drawn(64, &[("counter", "40:15"), ("odd", "48:47")]);
    for part in ["counter[25:17]", "counter[16:1]", "counter[0]", "odd[1]", "odd[0]"] {
        assert!(wide.contains(part), "{part} in\n{wide}");
    }
    assert_eq!(wide.lines().next().map(str::len), Some(63));
    let lines = |text: &str| text.lines().map(|line| line.chars().count()).max();
    assert!(lines(&wide) <= Some(80), "{wide}");
}

#[test]
fn an_array_is_one_block_of_the_kernels_macro() {
    let array = "<dim>3</dim><dimIncrement>0x20</dimIncrement><name>CH%s</name><baseAddress>0x100</baseAddress>";
    let more = "<description>Control of the channel, with LIMIT.</description>
        <modifiedWriteValues>oneToClear</modifiedWriteValues>
        <fields><field><name>Enable</name><description>It runs.</description><bitRange>[0:0]</bitRange></field>
        <field><name>MODE</name><bitRange>[5:4]</bitRange><enumeratedValues><enumeratedValue><name>fast</name>
        <description>Twice.</description><value>2</value></enumeratedValue></enumeratedValues></field></fields>";
    let range = "<resetValue>0x2ffff</resetValue><writeConstraint><range><minimum>1000</minimum>
        <maximum>200000</maximum></range></writeConstraint>";
    let map = map(array, &(register("CONTROL", 0, more) + &register("LIMIT", 8, range)));
    let text = driver::generate(&Contract::new("d.svd", &map)).unwrap();
    let expected = "\
register! {
    /// Read-write; writing 1 clears a bit. Control of the channel, with `CH_LIMIT`.
    ///
    /// The elements are `CH0.CONTROL` to `CH2.CONTROL`.
    pub(crate) CH_CONTROL(u32)[3, stride = 0x20] @ 0x100 {
        /// It runs.
        0:0 enable => bool;
        5:4 mode;
    }

    /// Read-write. Takes only 1,000 to 200,000.
    ///
    /// The elements are `CH0.LIMIT` to `CH2.LIMIT`.
    pub(crate) CH_LIMIT(u32)[3, stride = 0x20] @ 0x108 {
        31:0 value;
    }
}

impl CH_CONTROL {
    /// Value of `mode`. Twice.
    pub(crate) const MODE_FAST: u32 = 2;
}

impl CH_LIMIT {
    /// The value after reset.
    pub(crate) const RESET: Self = Self::from_raw(0x0002_ffff);
    /// The lowest value that may be written.
    pub(crate) const MINIMUM: u32 = 1_000;
    /// The highest value that may be written.
    pub(crate) const MAXIMUM: u32 = 200_000;
}
";
    let blocks = text.split_once("register! {").and_then(|(_, rest)| rest.split_once("\n/// What a read"));
    assert_eq!(blocks.map(|(blocks, _)| format!("register! {{{blocks}")), Some(expected.to_owned()));
}

#[test]
fn the_drivers_table_has_every_register_and_what_its_reads_do() {
    let array = "<dim>2</dim><dimIncrement>0x20</dimIncrement><name>CH%s</name><baseAddress>0x100</baseAddress>";
    let mixed = "<fields><field><name>go</name><bitRange>[0:0]</bitRange><access>write-only</access></field>
        <field><name>on</name><bitRange>[1:1]</bitRange></field></fields>";
    let taken = "<fields><field><name>error</name><bitRange>[0:0]</bitRange><readAction>clear</readAction></field>
        <field><name>on</name><bitRange>[1:1]</bitRange></field></fields>";
    let registers = [
        register("MIXED", 0, mixed),
        register("FORCE", 4, "<access>write-only</access>"),
        register("TAKEN", 8, taken),
        register("WIDE", 16, "<size>64</size>"),
    ];
    let map = map(array, &registers.concat());
    let text = driver::generate(&Contract::new("d.svd", &map)).unwrap();
    let table = text.split_once("&[NamedRegister] = &[\n").map(|(_, table)| table);
    let expected = r#"    named("CH0.MIXED", 0x100, 32, Reading::Value),
    named("CH0.FORCE", 0x104, 32, Reading::Nothing),
    named("CH0.TAKEN", 0x108, 32, Reading::Effect),
    named("CH0.WIDE", 0x110, 64, Reading::Value),
    named("CH1.MIXED", 0x120, 32, Reading::Value),
    named("CH1.FORCE", 0x124, 32, Reading::Nothing),
    named("CH1.TAKEN", 0x128, 32, Reading::Effect),
    named("CH1.WIDE", 0x130, 64, Reading::Value),
];
"#;
    assert_eq!(table, Some(expected));
}

#[test]
fn what_the_kernels_macro_does_not_have_is_refused_with_its_line() {
    let generate = |map: &RegisterMap| driver::generate(&Contract::new("d.svd", map)).unwrap_err();
    assert_eq!(
        generate(&one(&register("ODD", 0, "<size>24</size>"))),
        "line 2: P.ODD: the kernel's register! macro has registers of 8, 16, 32 and 64 bits, not 24"
    );
    let array = "<dim>2</dim><dimIncrement>0x100</dimIncrement><name>T%s</name><baseAddress>0</baseAddress>";
    let inner = "<dim>2</dim><dimIncrement>4</dimIncrement><name>R%s</name><addressOffset>0</addressOffset>";
    let error = generate(&map(array, &format!("<register>{inner}</register>")));
    assert!(error.starts_with("line 2: Tn.Rm: ") && error.contains("arrays of one dimension"), "{error}");
}

#[test]
fn handles_are_structures_as_names_are_nested() {
    let array = "<dim>2</dim><dimIncrement>0x100</dimIncrement><dimIndex>A,B</dimIndex><name>TIMER%s</name>
        <baseAddress>0</baseAddress>";
    let cluster =
        "<cluster><dim>2</dim><dimIncrement>8</dimIncrement><name>CH[%s]</name><addressOffset>0</addressOffset>";
    let inside = register("TYPE", 0, "") + &register("MODE", 4, &format!("<fields>{}</fields>", field("fast", "0:0")));
    let map = map(array, &format!("{cluster}{inside}</cluster>"));
    let text = handles::generate(&Contract::new("d.svd", &map)).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "pub(crate) timer: [Timer; 2],",
        r#"timer: [Timer::find(&map, "TIMERA")?, Timer::find(&map, "TIMERB")?], map"#,
        "pub(crate) struct Timer { /// `TIMERn.CH[m]`. pub(crate) ch: [TimerCh; 2], }",
        r#"ch: [TimerCh::find(map, &format!("{path}.CH[0]"))?, TimerCh::find(map, &format!("{path}.CH[1]"))?],"#,
        r#"type_: map.register(&format!("{path}.TYPE"))?, mode: TimerChMode::find(map, &format!("{path}.MODE"))?,"#,
        r#"register: map.register(path)?, fast: map.field(&format!("{path}.fast"))?,"#,
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn the_datasheet_says_what_a_register_is() {
    let array = "<dim>2</dim><dimIncrement>0x20</dimIncrement><name>PWM%s</name><baseAddress>0x100</baseAddress>";
    let status = "<description>State, see CONTROL.on. More | here.</description><resetValue>3</resetValue>
        <modifiedWriteValues>oneToClear</modifiedWriteValues><readAction>clear</readAction>";
    let control = "<fields><field><name>on</name><bitRange>[0:0]</bitRange></field><field><name>now</name>
        <bitRange>[4:2]</bitRange><access>read-only</access></field></fields><resetValue>0x14</resetValue>";
    let map = map(array, &(register("STATUS", 0, status) + &register("CONTROL", 8, control)));
    let text = datasheet::generate(&Contract::new("d.svd", &map));
    for part in [
        "<!-- Generated from d.svd by `cargo xtask codegen`: do not edit. -->\n\n# D\n",
        "| 0x100 + 0x20 n | [PWMn.STATUS](#pwmnstatus)   | W1C RC | 0x00000003 | State, see `PWMn.CONTROL.on`. |\n",
        "| W1C RC | Read-write; writing 1 clears a bit; a read clears it. |\n",
        "### PWMn.STATUS\n\nState, see [PWMn.CONTROL.on](#pwmncontrol). More \\| here.\n",
        "Offsets 0x108 (PWM0.CONTROL), 0x128 (PWM1.CONTROL); 32 bits; 0x00000014 after reset. RW, RO: see the fields.\n",
        "| 4:2  | now   | RO     | 5     |  |\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert_eq!(text.matches("### ").count(), 2, "one section for all elements of an array");
}

#[test]
fn a_vendors_file_gets_every_output() {
    let text = include_str!("../../../device-model/registers/tests/assets/RP2040.svd");
    let description = Description::parse(text).unwrap();
    for name in description.peripherals().unwrap() {
        let map = description.peripheral_map(&name, &[]).unwrap();
        let contract = Contract::new("rp2040.svd", &map);
        let registers = map.registers().count();
        assert_eq!(datasheet::generate(&contract).matches("\n### ").count(), registers, "{name}");
        assert_eq!(driver::generate(&contract).unwrap().matches("(u32) @ 0x").count(), registers, "{name}");
        assert_eq!(handles::generate(&contract).matches("map.register(").count(), registers, "{name}");
    }
}
