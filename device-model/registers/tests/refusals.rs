//! What is refused when a map is built: each with its line, and what lets it through.

use registers::{Description, Leniency, MapError, RegisterMap};

/// A device with one peripheral whose `<registers>` begin in line 8.
fn device(registers: &str) -> String {
    format!(
        "<device>\n<name>D</name><addressUnitBits>8</addressUnitBits><width>32</width>\n\
         <size>32</size><access>read-write</access><resetValue>0</resetValue>\n<peripherals>\n\
         <peripheral><name>P</name><baseAddress>0</baseAddress>\n\
         <addressBlock><offset>0</offset><size>64</size><usage>registers</usage></addressBlock>\n<registers>\n\
         {registers}\n</registers></peripheral></peripherals></device>"
    )
}

fn register(name: &str, offset: u32, more: &str) -> String {
    format!("<register><name>{name}</name><addressOffset>{offset}</addressOffset>\n{more}</register>\n")
}

/// A register R in lines 8 and 9 with a field in line 10 and following.
fn fields(more: &str) -> String {
    register("R", 0, &format!("<fields>\n{more}</fields>"))
}

fn field(name: &str, range: &str, more: &str) -> String {
    format!("<field><name>{name}</name><bitRange>[{range}]</bitRange>\n{more}</field>\n")
}

fn build(text: &str, allowed: &[Leniency]) -> Result<RegisterMap, MapError> {
    Description::parse(text)?.map(allowed)
}

/// The registers are refused with `expected`, and let through by `leniency` with the same words in the list.
fn lenient(registers: &str, leniency: Leniency, expected: &str) -> RegisterMap {
    let text = device(registers);
    let hint = format!("; mend the file, or let it through with Leniency::{leniency:?}");
    assert_eq!(build(&text, &[]).unwrap_err().to_string(), format!("{expected}{hint}"));
    let map = build(&text, &[leniency]).unwrap_or_else(|error| panic!("{error}"));
    let listed: Vec<String> = map.let_through().iter().map(ToString::to_string).collect();
    assert_eq!(listed, [expected]);
    map
}

/// The registers are refused with `expected`, whatever is let through.
fn refused(registers: &str, expected: &str) {
    let every = [
        Leniency::RegisterOverlap,
        Leniency::OutsideAddressBlock,
        Leniency::DuplicateName,
        Leniency::FieldOutsideRegister,
        Leniency::FieldOverlap,
        Leniency::ResetOutsideRegister,
        Leniency::ResetOutsideConstraint,
        Leniency::EnumeratedValueOutsideField,
        Leniency::DuplicateEnumeratedValue,
        Leniency::ConstraintOutsideField,
        Leniency::ContradictorySemantics,
        Leniency::MissingAccess,
        Leniency::MissingResetValue,
        Leniency::Protection,
        Leniency::UnknownElement,
    ];
    let error = build(&device(registers), &every).unwrap_err().to_string();
    assert_eq!(error, format!("{expected}; mend the file"));
}

#[test]
fn overlapping_registers() {
    let text = register("A", 0, "") + &register("B", 2, "");
    let expected = "line 10: P.B: bytes 0x2 to 0x5 overlap those of P.A (line 8, 0x0 to 0x3), and it is not said to be \
                    an alternate";
    let map = lenient(&text, Leniency::RegisterOverlap, expected);
    assert_eq!(map.name_at(0, 8), "P.A + P.B + no register");
    let alternate = register("A", 0, "") + &register("B", 2, "<alternateRegister>A</alternateRegister>");
    assert!(build(&device(&alternate), &[]).is_ok());
    let group = register("A", 0, "") + &register("B", 2, "<alternateGroup>G</alternateGroup>");
    assert!(build(&device(&group), &[]).is_ok());
    let other = alternate + &register("C", 4, "");
    assert!(build(&device(&other), &[]).unwrap_err().to_string().starts_with("line 12: P.C: bytes 0x4 to 0x7 overlap"));
    refused(
        &register("A", 0, "<alternateRegister>Z</alternateRegister>"),
        "line 8: P.A: it is an alternate of the register Z, which is not there",
    );
}

#[test]
fn alternates_of_one_cluster_may_overlap_and_their_own_registers_may_not() {
    let cluster = |name: &str, more: &str, registers: &str| {
        format!("<cluster><name>{name}</name><addressOffset>0</addressOffset>{more}\n{registers}</cluster>\n")
    };
    let of_a = "<alternateCluster>A</alternateCluster>";
    let modes = |last: &str| {
        let plain = register("R", 0, "");
        cluster("A", "", &plain) + &cluster("B", of_a, &plain) + &cluster("C", of_a, &(plain.clone() + last))
    };
    assert!(build(&device(&modes("")), &[]).is_ok());
    let twice = modes(&register("S", 2, ""));
    let error = build(&device(&twice), &[]).unwrap_err().to_string();
    assert!(
        error.starts_with("line 19: P.C.S: bytes 0x2 to 0x5 overlap those of P.C.R (line 17, 0x0 to 0x3)"),
        "{error}"
    );
    refused(
        &cluster("B", of_a, &register("R", 0, "")),
        "line 9: P.B.R: it is an alternate of the cluster A, which is not there",
    );
}

#[test]
fn registers_outside_of_their_peripheral() {
    let expected = "line 8: P.R: bytes 0x3e to 0x41 are in none of its peripheral's address blocks";
    lenient(&register("R", 62, ""), Leniency::OutsideAddressBlock, expected);
}

#[test]
fn names_that_are_there_twice() {
    let text = register("A", 0, "") + &register("A", 4, "");
    lenient(&text, Leniency::DuplicateName, "line 10: P.A: the name is there a second time");
    let text = fields(&(field("F", "0:0", "") + &field("F", "1:1", "")));
    lenient(&text, Leniency::DuplicateName, "line 12: P.R.F: the name is there a second time");
}

#[test]
fn fields_outside_of_their_register_or_over_each_other() {
    let text = fields(&field("F", "33:30", ""));
    let expected = "line 10: P.R.F: bits 33:30 are not in its register, which has 32 bits";
    let map = lenient(&text, Leniency::FieldOutsideRegister, expected);
    assert_eq!(map[map.register("P.R").unwrap()].fields[0].mask(), 0xc000_0000);
    let text = fields(&(field("F", "7:0", "") + &field("G", "8:7", "")));
    let expected = "line 12: P.R.G: bits 8:7 are also those of F (line 10, bits 7:0)";
    lenient(&text, Leniency::FieldOverlap, expected);
    refused(&fields(&field("F", "0:1", "")), "line 10: P.R.F: <field>: Bit range invalid, Size");
}

#[test]
fn reset_values_that_cannot_be() {
    let text = register("R", 0, "<size>8</size><resetValue>0x100</resetValue>");
    let expected = "line 9: P.R: the reset value 0x100 does not fit into 8 bits";
    lenient(&text, Leniency::ResetOutsideRegister, expected);
    let range = "<writeConstraint><range><minimum>1</minimum><maximum>3</maximum></range></writeConstraint>";
    let expected = "line 10: P.R.F: it is 0x0 after reset, which its write constraint does not allow";
    lenient(&fields(&field("F", "1:0", range)), Leniency::ResetOutsideConstraint, expected);
    let expected = "line 8: P.R: it is 0x0 after reset, which its write constraint does not allow";
    lenient(&register("R", 0, range), Leniency::ResetOutsideConstraint, expected);
    let unknown = register("R", 0, &format!("<resetMask>0xfffffffc</resetMask>{range}"));
    assert!(build(&device(&unknown), &[]).is_ok(), "what is not known cannot be wrong");
}

#[test]
fn enumerated_values_and_constraints_that_cannot_be() {
    let value = |name, value| format!("<enumeratedValue><name>{name}</name><value>{value}</value></enumeratedValue>\n");
    let values =
        |entries: String| fields(&field("F", "1:0", &format!("<enumeratedValues>\n{entries}</enumeratedValues>")));
    let expected = "line 12: P.R.F: the value 0x4 of four does not fit into 2 bits";
    lenient(&values(value("four", "4")), Leniency::EnumeratedValueOutsideField, expected);
    let expected = "line 13: P.R.F: one and uno have the same name or value";
    lenient(&values(value("one", "1") + &value("uno", "#01")), Leniency::DuplicateEnumeratedValue, expected);
    let map = build(&device(&values(value("odd", "#x1"))), &[]).unwrap();
    let odd = &map[map.register("P.R").unwrap()].fields[0].enumerated_values[0];
    assert_eq!([0, 1, 2, 3].map(|value| odd.names(value)), [false, true, false, true]);
    let constraint = |inner: &str| fields(&field("F", "1:0", &format!("<writeConstraint>{inner}</writeConstraint>")));
    let expected = "line 11: P.R.F: it has 2 bits, which do not have the range 0 to 4";
    let range = "<range><minimum>0</minimum><maximum>4</maximum></range>";
    lenient(&constraint(range), Leniency::ConstraintOutsideField, expected);
    let expected = "line 11: P.R.F: its write constraint is empty";
    lenient(&constraint(""), Leniency::ConstraintOutsideField, expected);
    let expected = "line 11: P.R.F: only enumerated values may be written, but it has none for writing";
    let enumerated = "<useEnumeratedValues>true</useEnumeratedValues>";
    lenient(&constraint(enumerated), Leniency::ConstraintOutsideField, expected);
    refused(&constraint("<prime/>"), "line 11: P.R.F: <writeConstraint>: Unknown write constraint");
}

#[test]
fn effects_that_contradict_the_access() {
    let effect = "<access>read-only</access>\n<modifiedWriteValues>set</modifiedWriteValues>";
    let expected = "line 12: P.R.F: writes have the effect set, but it is read-only";
    lenient(&fields(&field("F", "1:0", effect)), Leniency::ContradictorySemantics, expected);
    let effect = "<access>write-only</access><readAction>clear</readAction>";
    let expected = "line 9: P.R: reads have the effect clear, but it is write-only";
    lenient(&register("R", 0, effect), Leniency::ContradictorySemantics, expected);
    let unused = "<readAction>set</readAction>\n<fields><field><name>F</name><bitRange>[0:0]</bitRange>\
                  <access>write-only</access></field></fields>";
    let expected = "line 9: P.R: it has a <readAction>, but none of its fields can be read";
    lenient(&register("R", 0, unused), Leniency::ContradictorySemantics, expected);
}

#[test]
fn semantics_that_are_missing_or_unknown() {
    let strip = |tag: &str| device(&register("R", 0, "")).replace(tag, "");
    for (tag, leniency, problem) in [
        ("<access>read-write</access>", Leniency::MissingAccess, "nothing gives its <access>"),
        ("<resetValue>0</resetValue>", Leniency::MissingResetValue, "nothing gives its <resetValue>"),
    ] {
        let error = build(&strip(tag), &[]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line 8: P.R: {problem};")), "{error}");
        assert_eq!(build(&strip(tag), &[leniency]).unwrap().let_through().len(), 1);
    }
    let error = build(&strip("<size>32</size>"), &[]).unwrap_err().to_string();
    assert_eq!(error, "line 8: P.R: nothing gives its <size>; mend the file");
    for (more, problem) in [
        ("<access>sometimes</access>", "<access>: unknown access variant 'sometimes' found"),
        (
            "<modifiedWriteValues>w1c</modifiedWriteValues>",
            "<modifiedWriteValues>: Invalid modifiedWriteValues variant, found w1c",
        ),
        ("<readAction>pop</readAction>", "<readAction>: Invalid readAction variant, found pop"),
        ("<resetValue>zero</resetValue>", "<resetValue>: Failed to parse `invalid digit found in string`"),
        ("<size>7</size>", "a register has 8 to 64 bits, a multiple of 8, not 7"),
        ("<size>72</size>", "a register has 8 to 64 bits, a multiple of 8, not 72"),
    ] {
        refused(&register("R", 0, more), &format!("line 9: P.R: {problem}"));
    }
    let expected = "line 9: P.R: a register file lets every access pass, <protection> or not";
    lenient(&register("R", 0, "<protection>s</protection>"), Leniency::Protection, expected);
}

#[test]
fn elements_that_are_not_in_the_standard() {
    let misspelt = register("R", 0, "<modifiedWriteValue>oneToClear</modifiedWriteValue>");
    lenient(&misspelt, Leniency::UnknownElement, "line 9: P.R: <register> has no element <modifiedWriteValue>");
    let twice = register("R", 0, "<access>read-only</access>\n<access>write-only</access>");
    lenient(&twice, Leniency::UnknownElement, "line 10: P.R: <register> has <access> a second time");
    let attribute = register("R", 0, "").replace("<register>", "<register derivedfrom=\"Q\">");
    lenient(&attribute, Leniency::UnknownElement, "line 8: P.R: <register> has no attribute derivedfrom");
}

#[test]
fn arrays_and_derivation_that_lead_nowhere() {
    let dim = |dim: u64, more: &str| format!("<dim>{dim}</dim><dimIncrement>4</dimIncrement>{more}");
    refused(&register("R", 0, &dim(2, "")), "line 8: P.R: an array needs %s in its name, where the index goes");
    refused(&register("R%s", 0, ""), "line 8: P.R%s: the name has %s, but <dim> is missing");
    refused(&register("R%s", 0, &dim(0, "")), "line 8: P.R%s: an array has 1 to 65536 elements, not 0");
    refused(
        &register("R%s", 0, &dim(4_000_000_000, "")),
        "line 8: P.R%s: an array has 1 to 65536 elements, not 4000000000",
    );
    refused(
        &register("R%s", 0, &dim(3, "<dimIndex>A,B</dimIndex>")),
        "line 8: P.R%s: <dimIndex> has 2 elements, <dim> is 3",
    );
    let derived = |name: &str, from: &str| {
        register(name, 0, "").replace("<register>", &format!("<register derivedFrom=\"{from}\">"))
    };
    refused(&derived("R", "Q"), "line 8: P: derivedFrom=\"Q\": there is no other <register> of this name");
    refused(&(derived("R", "Q") + &derived("Q", "R")), "line 10: P: derivedFrom=\"R\": derived from itself");
}

#[test]
fn text_that_is_no_description() {
    assert!(matches!(Description::parse("<device>"), Err(MapError::Xml(_))));
    let error = build("<html/>", &[]).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 1: the file: the outermost element of an SVD file is <device>, this is <html>; mend the file"
    );
    let device_text = device(&register("R", 0, ""));
    let error = Description::parse(&device_text).unwrap().peripheral_map("Q", &[]).unwrap_err().to_string();
    assert_eq!(error, "the description has no peripheral Q; it has P");
    let wide = device_text.replace("<addressUnitBits>8", "<addressUnitBits>16");
    assert!(build(&wide, &[]).unwrap_err().to_string().contains("<addressUnitBits> has to be 8"));
    let far = device_text.replace("<baseAddress>0<", "<baseAddress>0x40000000<");
    assert_eq!(
        build(&far, &[]).unwrap_err().to_string(),
        "bytes of register space: 1073741828, and a map has at most 1048576; build maps of single peripherals instead"
    );
    let beyond = device_text.replace("<baseAddress>0<", "<baseAddress>0xffffffffffffffff<");
    assert!(build(&beyond, &[]).unwrap_err().to_string().contains("does not fit into 64 bits"));
}
