//! Vendors' files, whole: what they say is retyped here from reading them.

use registers::{Access, Description, Leniency, ModifiedWriteValues, ReadAction, RegisterFile, RegisterMap};
use std::sync::Arc;

const RP2040: &str = include_str!("assets/RP2040.svd");
const ATSAMD21: &str = include_str!("assets/ATSAMD21E18A.svd");

fn every_peripheral(text: &str, allowed: &[Leniency]) -> Vec<RegisterMap> {
    let description = Description::parse(text).unwrap();
    let names = description.peripherals().unwrap();
    let map = |name: &String| description.peripheral_map(name, allowed).unwrap_or_else(|error| panic!("{error}"));
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
    let maps = every_peripheral(RP2040, &[]);
    assert_eq!((maps.len(), count(&maps)), (37, (1_182, 5_800)));
    assert_eq!(let_through(&maps), [""; 0]);
}

#[test]
fn the_atsamd21_has_overlaps_that_are_listed() {
    let maps = every_peripheral(ATSAMD21, &[Leniency::RegisterOverlap]);
    assert_eq!((maps.len(), count(&maps)), (32, (1_050, 4_284)));
    let listed = let_through(&maps);
    // Four SERCOM have three more views of BAUD. Three TCC have three of COUNT, PER and PERB, and of CC and CCB of each
    // of four channels.
    assert_eq!(listed.len(), 4 * 3 + 3 * 3 * (3 + 2 * 4));
    let first = "line 10937: SERCOM0.USART.SERCOM_BAUD_FRAC_MODE: bytes 0xc to 0xd overlap those of \
                 SERCOM0.USART.SERCOM_BAUD (line 10923, 0xc to 0xd), and it is not said to be an alternate";
    assert_eq!(listed[0], first);
    let refused = Description::parse(ATSAMD21).unwrap().peripheral_map("SERCOM0", &[]).unwrap_err().to_string();
    assert_eq!(refused, format!("{first}; mend the file, or let it through with Leniency::RegisterOverlap"));
}

#[test]
fn atsamd21_modes_of_a_peripheral_are_alternates() {
    let map = Description::parse(ATSAMD21).unwrap().peripheral_map("RTC", &[]).unwrap();
    let [count, clock] = ["RTC.MODE0.RTC_COUNT", "RTC.MODE2.RTC_CLOCK"].map(|name| map.register(name).unwrap());
    assert_eq!([count, clock].map(|register| (map[register].offset, map[register].bits)), [(0x10, 32); 2]);
    let hour = map.field("RTC.MODE2.RTC_CLOCK.HOUR").unwrap();
    let mut file = RegisterFile::new(Arc::new(map));
    file.write(0x10, 4, 0x0001_7000);
    assert_eq!((file.get(count), file.get_field(hour)), (0x0001_7000, 0));
    file.select(clock);
    file.write(0x10, 4, 0x0001_7000);
    assert_eq!((file.read(0x10, 4).value, file.get_field(hour)), (0x0001_7000, 23));
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
