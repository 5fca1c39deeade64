//! Descriptions made for the tests.

use std::fmt::Write;

use registers::{Description, RegisterMap};

/// The map of `svd`, which has to be good.
pub(crate) fn map(svd: &str) -> RegisterMap {
    Description::parse(svd).and_then(|description| description.map(&[])).expect("a good description")
}

fn device(registers: &str) -> String {
    format!(
        "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
         <peripheral><name>BLOCK</name><baseAddress>0</baseAddress><registers>{registers}</registers></peripheral>
         </peripherals></device>"
    )
}

fn register(name: &str, offset: u32, more: &str) -> String {
    format!("<register><name>{name}</name><addressOffset>{offset:#x}</addressOffset>{more}</register>\n")
}

fn field(name: &str, bits: &str, more: &str) -> String {
    format!("<field><name>{name}</name><bitRange>[{bits}]</bitRange>{more}</field>")
}

fn range(minimum: u32, maximum: u32) -> String {
    format!(
        "<writeConstraint><range><minimum>{minimum}</minimum><maximum>{maximum}</maximum></range></writeConstraint>"
    )
}

const AS_READ: &str = "<writeConstraint><writeAsRead>true</writeAsRead></writeConstraint>";
const ENUMERATED: &str = "<writeConstraint><useEnumeratedValues>true</useEnumeratedValues></writeConstraint>
    <enumeratedValues><enumeratedValue><name>slow</name><value>1</value></enumeratedValue>
    <enumeratedValue><name>fast</name><value>#01x0</value></enumeratedValue></enumeratedValues>";

/// Everything that the standard has for registers: every access with every effect of writes and of reads, every
/// constraint, every size, arrays, alternates, values unknown after reset.
pub(crate) fn everything() -> String {
    let mut registers = String::new();
    let mut offset = 0;
    let mut add = |name: &str, reset_value: &str, more: &str| {
        registers += &register(name, offset, &format!("<resetValue>{reset_value}</resetValue>{more}"));
        offset += 4;
    };
    for effect in
        ["modify", "oneToClear", "oneToSet", "oneToToggle", "zeroToClear", "zeroToSet", "zeroToToggle", "clear", "set"]
    {
        for access in ["read-write", "read-writeOnce", "write-only", "writeOnce"] {
            let semantics = format!("<access>{access}</access><modifiedWriteValues>{effect}</modifiedWriteValues>");
            add(&format!("{effect}_{access}"), "0x0ff000ff", &semantics);
        }
    }
    for action in ["clear", "set", "modify", "modifyExternal"] {
        for access in ["read-only", "read-write", "read-writeOnce"] {
            let semantics = format!("<access>{access}</access><readAction>{action}</readAction>");
            add(&format!("read_{action}_{access}"), "0x0ff000ff", &semantics);
        }
    }
    add("KNOWN_IN_PART", "0x0ff000ff", "<resetMask>0x00ffff00</resetMask>");
    add("AS_READ", "5", AS_READ);
    let wide = range(0x0100_0000, 0x1000_0000);
    add("RANGE", "0x02000000", &wide);
    let mut fields = field("PLAIN", "0:0", "") + &field("FIXED", "1:1", "<access>read-only</access>");
    fields += &field("ONCE", "3:2", "<access>read-writeOnce</access>");
    fields += &field("EVENT", "6:4", "<modifiedWriteValues>oneToClear</modifiedWriteValues>");
    fields += &field("SPEED", "13:10", ENUMERATED);
    fields += &field("ONCE_LIMITED", "9:7", &format!("<access>read-writeOnce</access>{}", range(2, 5)));
    fields += &field("LIMITED", "19:16", &range(3, 12));
    fields += &field("KEPT", "23:21", AS_READ);
    fields += &field("COMMAND", "24:24", "<access>write-only</access>");
    fields += &field("SEEN", "31:30", "<access>read-only</access><readAction>clear</readAction>");
    add("MIXED", "0xc4a50575", &format!("<fields>{fields}</fields>"));
    let (low, high) = (field("LOW", "7:0", ""), field("HIGH", "31:24", ""));
    add("WHOLE", "0x02000200", &format!("{wide}<fields>{low}{high}</fields>"));
    let odd = [("BYTE", 8), ("SECOND_BYTE", 8), ("HALF", 16), ("THREE", 24), ("FIVE", 40), ("LONG", 64)];
    for (name, bits) in odd {
        registers += &register(name, offset, &format!("<size>{bits}</size><resetValue>0x5a</resetValue>"));
        offset += bits / 8;
    }
    let alternate = |of: &str| format!("<size>16</size><alternateRegister>{of}</alternateRegister>");
    registers += &register("OTHER_LONG", offset - 4, &alternate("LONG"));
    let array = "<dim>3</dim><dimIncrement>4</dimIncrement><size>16</size>";
    write!(registers, "{}", register("ARRAY%s", offset, array)).expect("a string takes all");
    device(&registers)
}

/// Registers and fields that share bytes and bits without saying so.
pub(crate) fn overlapping() -> String {
    let mut fields = field("FIRST", "7:4", "<access>read-only</access>");
    fields += &field("SECOND", "5:0", "<modifiedWriteValues>oneToClear</modifiedWriteValues>");
    let registers = register("SHARED", 0, &format!("<fields>{fields}</fields>"))
        + &register("WORD", 4, "")
        + &register("BYTE", 5, "<size>8</size><access>read-only</access>");
    device(&registers)
}

/// A small block of every kind of register that has a defect seeded into it elsewhere.
pub(crate) fn small() -> String {
    let mut registers = register("ID", 0, "<access>read-only</access><resetValue>0x1234</resetValue>");
    let event = "<modifiedWriteValues>oneToClear</modifiedWriteValues>";
    let events = field("DONE", "0:0", "") + &field("LOST", "5:5", "");
    registers += &register("EVENTS", 4, &format!("{event}<fields>{events}</fields>"));
    registers += &register("DATA", 8, "");
    registers += &register("OTHER", 12, "");
    registers += &register("LOCK", 16, "<access>read-writeOnce</access>");
    registers += &register("ERRORS", 20, "<access>read-only</access><readAction>clear</readAction>");
    registers += &register("RATE", 24, &format!("<resetValue>8000</resetValue>{}", range(8_000, 192_000)));
    device(&registers)
}

/// A block with two modes, each with its own register at the same place.
pub(crate) fn two_modes() -> String {
    let mode = |number: u32, of: &str, data: &str| {
        let data = register("DATA", 0, data);
        format!("<cluster><name>MODE{number}</name>{of}<addressOffset>0</addressOffset>{data}</cluster>")
    };
    let fixed = "<access>read-only</access><resetValue>0x1</resetValue>";
    device(&(mode(0, "", "") + &mode(1, "<alternateCluster>MODE0</alternateCluster>", fixed)))
}
