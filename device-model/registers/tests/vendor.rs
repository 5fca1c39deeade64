//! A vendor's file, whole: what it says is retyped here from reading it.

use registers::{Access, Description, Leniency, ModifiedWriteValues, ReadAction, RegisterFile, RegisterMap};
use std::sync::Arc;

const RP2040: &str = include_str!("assets/RP2040.svd");

fn every_peripheral(text: &str) -> Vec<RegisterMap> {
    let description = Description::parse(text).unwrap();
    let names = description.peripherals().unwrap();
    let map = |name: &String| description.peripheral_map(name, &[]).unwrap_or_else(|error| panic!("{error}"));
    names.iter().map(map).collect()
}

/// Registers and fields of all maps.
fn count(maps: &[RegisterMap]) -> (usize, usize) {
    let fields = |map: &RegisterMap| map.registers().map(|(_, register)| register.fields.len()).sum::<usize>();
    (maps.iter().map(|map| map.registers().count()).sum(), maps.iter().map(fields).sum())
}

fn let_through(maps: &[RegisterMap]) -> Vec<String> {
    maps.iter().flat_map(RegisterMap::let_through).map(ToString::to_string).collect()
}

#[test]
fn every_peripheral_of_the_rp2040_keeps_the_rules() {
    let maps = every_peripheral(RP2040);
    assert_eq!((maps.len(), count(&maps)), (37, (1_182, 5_800)));
    assert_eq!(let_through(&maps), [""; 0]);
}

#[test]
fn rp2040_effects_of_reads_and_writes() {
    let description = Description::parse(RP2040).unwrap();
    let uart = description.peripheral_map("UART1", &[]).unwrap();
    let data = &uart[uart.register("UART1.UARTDR").unwrap()];
    assert_eq!((data.offset, data.bits), (0, 32));
    let field = &data.fields[data.fields.iter().position(|field| field.name == "DATA").unwrap()];
    assert_eq!((field.first_bit, field.bits, field.access), (0, 8, Access::ReadWrite));
    assert_eq!(field.read_action, Some(ReadAction::Modify));

    let map = Arc::new(description.peripheral_map("TIMER", &[]).unwrap());
    let raw = map.register("TIMER.INTR").unwrap();
    assert_eq!(map[raw].offset, 0x34);
    assert!(map[raw].fields.iter().all(|field| field.modified_write_values == ModifiedWriteValues::OneToClear));
    let mut file = RegisterFile::new(map);
    file.set(raw, 0xf);
    file.write(0x34, 4, 0x5);
    assert_eq!(file.read(0x34, 4).value, 0xa);
}

#[test]
fn a_rule_that_a_vendors_file_breaks_is_named_and_then_listed() {
    let text = RP2040.replacen("<name>UARTRSR</name>", "<name>UARTDR</name>", 1);
    let description = Description::parse(&text).unwrap();
    let line = text[..text.match_indices("<name>UARTDR</name>").nth(1).unwrap().0].lines().count() - 1;
    let error = description.peripheral_map("UART0", &[]).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "line {line}: UART0.UARTDR: the name is there a second time; mend the file, or let it through with \
             Leniency::DuplicateName"
        )
    );
    let map = description.peripheral_map("UART0", &[Leniency::DuplicateName]).unwrap();
    assert_eq!(map.let_through().len(), 1);
    assert_eq!(map.let_through()[0].line as usize, line);
}
