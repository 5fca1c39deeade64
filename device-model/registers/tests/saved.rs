//! A register file's state is kept, put back and refused.

use std::sync::Arc;

use registers::{Description, RegisterFile, RegisterMap, SavedRegistersError};

fn map(registers: &str) -> Arc<RegisterMap> {
    let text = format!(
        "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
         <peripheral><name>P</name><baseAddress>0</baseAddress><registers>{registers}</registers></peripheral>
         </peripherals></device>"
    );
    Arc::new(Description::parse(&text).unwrap().map(&[]).unwrap())
}

fn register(name: &str, offset: u32, more: &str) -> String {
    format!("<register><name>{name}</name><addressOffset>{offset}</addressOffset>{more}</register>")
}

fn parts() -> Arc<RegisterMap> {
    let (once, as_read) = ("<access>read-writeOnce</access>", "<writeConstraint><writeAsRead>true</writeAsRead>");
    map(&[
        register("ONCE", 0, once),
        register("AS_READ", 4, &format!("{as_read}</writeConstraint>")),
        register("PLAIN", 8, ""),
        register("OTHER", 8, "<size>16</size><alternateRegister>PLAIN</alternateRegister>"),
    ]
    .concat())
}

#[test]
fn a_file_that_takes_a_saved_state_does_the_same_from_then_on() {
    let map = parts();
    let mut file = RegisterFile::new(Arc::clone(&map));
    file.write(0, 2, 0x1234);
    let as_read = map.register("P.AS_READ").unwrap();
    file.set(as_read, 5);
    file.read(4, 4);
    file.set(as_read, 6);
    file.write(8, 4, 0x8765_4321);
    file.select(map.register("P.OTHER").unwrap());
    file.write(8, 2, 0xabcd);

    let mut other = RegisterFile::new(Arc::clone(&map));
    other.restore(&file.save()).unwrap();
    assert_eq!(other.save(), file.save());
    for file in [&mut file, &mut other] {
        file.write(0, 4, 0x5555_5555);
        assert_eq!(file.read(0, 4).value, 0x5555_1234, "what was written once stays");
        file.write(4, 4, 6);
        assert_eq!(file.get(as_read), 6);
        file.write(4, 4, 5);
        assert_eq!(file.get(as_read), 5, "5 is what was read last");
        assert_eq!(file.read(8, 4).value, 0x8765_abcd, "the alternate answers at its bytes");
    }
    file.reset();
    other.restore(&RegisterFile::new(map).save()).unwrap();
    assert_eq!(other.save(), file.save());
}

#[test]
fn states_of_other_registers_are_refused_and_change_nothing() {
    let mut file = RegisterFile::new(parts());
    file.write(8, 4, 7);
    let before = file.save();
    let mut missing = RegisterFile::new(parts()).save();
    missing.remove("P.PLAIN");
    assert_eq!(file.restore(&missing), Err(SavedRegistersError::Missing("P.PLAIN".to_owned())));
    let mut unknown = RegisterFile::new(parts()).save();
    let state = unknown["P.PLAIN"];
    unknown.insert("P.NEW".to_owned(), state);
    assert_eq!(file.restore(&unknown), Err(SavedRegistersError::Unknown("P.NEW".to_owned())));
    let mut wide = RegisterFile::new(parts()).save();
    wide.get_mut("P.OTHER").unwrap().value = 0x1_0000;
    let name = "P.OTHER".to_owned();
    assert_eq!(file.restore(&wide), Err(SavedRegistersError::TooWide { name, bits: 16, value: 0x1_0000 }));
    assert_eq!(file.save(), before);
}
