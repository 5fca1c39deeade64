//! `pwm-audio.svd` says what the block's tests say; mistakes made in it are refused, with line and register's name.

use registers::{Description, MapError, RegisterMap};

const SVD: &str = include_str!("../pwm-audio.svd");

fn map(text: &str) -> Result<RegisterMap, MapError> {
    Description::parse(text)?.map(&[])
}

/// Why the file is refused with `from` turned into `to`, the first one after `name`.
fn refusal(name: &str, from: &str, to: &str) -> String {
    let (before, rest) = SVD.split_at(SVD.find(name).expect("the name"));
    assert!(rest.contains(from), "there is no {from} after {name}");
    let text = format!("{before}{}", rest.replacen(from, to, 1));
    map(&text).expect_err("a mistake").to_string()
}

/// The line of the file that has `text`.
fn line(text: &str) -> usize {
    SVD.lines().position(|line| line.contains(text)).expect("a line of the file") + 1
}

const RATE: &str = "<name>RATE</name>";
const FORMAT: &str = "<name>FORMAT</name>";
const SAMPLE_BITS: &str = "<name>sample_bits</name>";

#[test]
fn depth_of_the_fifo() {
    let map = map(SVD).expect("the file");
    let status = &map[map.register("TX.STATUS").expect("a register")];
    let fill = status.fields.iter().find(|field| field.name == "fill").expect("a field");
    let names = [0, 256, 1_023, 1_024].map(|frames| fill.value_name(frames));
    assert_eq!(names, [None, None, None, Some("full")]);
}

#[test]
fn a_register_at_another_ones_offset() {
    let [rate, format] = [RATE, FORMAT].map(|name| line(name) - 1);
    let expected = format!(
        "line {rate}: TX.RATE: bytes 0x444 to 0x447 overlap those of TX.FORMAT (line {format}, 0x444 to 0x447), \
         and it is not said to be an alternate; mend the file, or let it through with Leniency::RegisterOverlap"
    );
    assert_eq!(refusal(RATE, "<addressOffset>0x08<", "<addressOffset>0x04<"), expected);
}

#[test]
fn a_field_past_bit_31() {
    let expected = format!(
        "line {}: TX.FORMAT.sample_bits: bits 36:31 are not in its register, which has 32 bits; mend the file, or let \
         it through with Leniency::FieldOutsideRegister",
        line(SAMPLE_BITS) - 1
    );
    assert_eq!(refusal(SAMPLE_BITS, "[5:0]", "[36:31]"), expected);
}

#[test]
fn a_reset_value_that_may_not_be_written() {
    // 7999 Hz, one less than the lowest rate.
    let expected = format!(
        "line {}: TX.RATE: it is 0x1f3f after reset, which its write constraint does not allow; mend the file, or let \
         it through with Leniency::ResetOutsideConstraint",
        line(RATE) - 1
    );
    assert_eq!(refusal(RATE, "<resetValue>48000<", "<resetValue>7999<"), expected);
}

#[test]
fn a_reset_value_with_bits_that_its_register_does_not_have() {
    let expected = format!(
        "line {}: TX.RATE: the reset value 0x100000000 does not fit into 32 bits; mend the file, or let it through \
         with Leniency::ResetOutsideRegister",
        line("<resetValue>48000<")
    );
    assert_eq!(refusal(RATE, "<resetValue>48000<", "<resetValue>0x100000000<"), expected);
}
