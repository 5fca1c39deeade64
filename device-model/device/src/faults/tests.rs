use registers::{Description, RegisterMap};

use super::*;
use crate::{DmaRequest, DmaTransfer, Pin, REGISTER_BAR, Region};

fn map() -> RegisterMap {
    let text = "<device><name>D</name><size>32</size><access>read-write</access><resetValue>0</resetValue><peripherals>
        <peripheral><name>TX</name><baseAddress>0x40</baseAddress><registers>
        <register><name>CONTROL</name><addressOffset>0</addressOffset></register>
        <register><name>STATUS</name><addressOffset>4</addressOffset></register></registers></peripheral>
        <peripheral><name>RX</name><baseAddress>0x80</baseAddress><registers>
        <register><name>CONTROL</name><addressOffset>0</addressOffset></register></registers></peripheral>
        </peripherals></device>";
    Description::parse(text).and_then(|description| description.map(&[])).expect("a map")
}

fn injector(plan: &FaultPlan) -> Result<Injector, FaultPlanError> {
    Injector::new(plan, &map(), &[Pin::Intx, Pin::Msi])
}

/// The accesses, of so many 4-byte reads at an offset, at which a plan of one rule fires: from 1.
fn fires(rule: FaultRule, offset: u64, seed: u64) -> Vec<u64> {
    let mut injector = injector(&FaultPlan::default().seed(seed).rule(rule)).expect("a plan");
    let mut fires =
        |time_ns: &u64| injector.on_access(Direction::Read, Region::Bar(REGISTER_BAR), offset, 4, *time_ns).is_some();
    (1..=12).filter(|time_ns| fires(time_ns)).collect()
}

#[test]
fn a_rule_fires_at_the_matches_that_it_names() {
    let rule = || FaultRule::read("TX.STATUS", FaultOutcome::Drop);
    assert_eq!(fires(rule(), 0x44, 0), (1..=12).collect::<Vec<u64>>());
    assert_eq!(fires(rule(), 0x40, 0), [0; 0]);
    assert_eq!(fires(rule(), 0x42, 0).len(), 12, "the access touches it");
    assert_eq!(fires(rule().nth(3), 0x44, 0), [3]);
    assert_eq!(fires(rule().every(5), 0x44, 0), [5, 10]);
    assert_eq!(fires(rule().every(2).times(3), 0x44, 0), [2, 4, 6]);
    assert_eq!(fires(rule().from_ns(4).until_ns(7), 0x44, 0), [4, 5, 6]);
    assert_eq!(fires(rule().from_ns(4).nth(2), 0x44, 0), [5], "what is out of time is no match");
    assert_eq!(fires(FaultRule::write("TX.STATUS", FaultOutcome::Drop), 0x44, 0), [0; 0]);
}

#[test]
fn the_same_seed_gives_the_same_faults_and_another_one_others() {
    let rule = || FaultRule::access("*", FaultOutcome::Drop).probability(0.5);
    let (one, again, other) = (fires(rule(), 0x44, 1), fires(rule(), 0x44, 1), fires(rule(), 0x44, 2));
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!((1..12).contains(&one.len()), "{one:?}");
    assert_eq!(fires(rule().probability(1.0), 0x44, 1).len(), 12);
}

#[test]
fn places_are_registers_by_name_or_bytes_of_a_region() {
    for (place, region, offset, matches) in [
        ("TX.*", Region::Bar(0), 0x44, true),
        ("TX.*", Region::Bar(0), 0x80, false),
        ("TX.*", Region::Bar(2), 0x44, false),
        ("*.CONTROL", Region::Bar(0), 0x80, true),
        ("T*S", Region::Bar(0), 0x44, true),
        ("T*S", Region::Bar(0), 0x40, false),
        ("*", Region::Bar(0), 0x48, false),
        ("BAR0", Region::Bar(0), 0xf00, true),
        ("BAR2+0x13", Region::Bar(2), 0x10, true),
        ("BAR2+0x14", Region::Bar(2), 0x10, false),
        ("config", Region::Config, 0, true),
        ("config+0x04", Region::Config, 4, true),
        ("config+0x04", Region::Bar(0), 4, false),
    ] {
        let mut injector =
            injector(&FaultPlan::default().rule(FaultRule::read(place, FaultOutcome::Drop))).expect("a plan");
        let fired = injector.on_access(Direction::Read, region, offset, 4, 0).is_some();
        assert_eq!(fired, matches, "{place} at {region} {offset:#x}");
    }
}

#[test]
fn the_first_rule_of_several_fires_and_all_count() {
    let plan = FaultPlan::default()
        .rule(FaultRule::read("TX.*", FaultOutcome::Drop).nth(2).named("first"))
        .rule(FaultRule::read("*", FaultOutcome::Xor(1)).nth(2))
        .rule(FaultRule::read("*", FaultOutcome::Xor(2)).nth(3));
    let mut injector = injector(&plan).expect("a plan");
    let mut read = || injector.on_access(Direction::Read, Region::Bar(0), 0x44, 4, 0).map(|fired| fired.title);
    assert_eq!([read(), read(), read()], [None, Some("rule 1 \"first\"".to_owned()), Some("rule 3".to_owned())]);
    assert_eq!(injector.unfired(), ["rule 2: a read of *, 3 seen"]);
    assert_eq!(injector.counts().map(|(_, fired)| fired).collect::<Vec<_>>(), [1, 0, 1]);
}

#[test]
fn interrupts_and_transfers_are_matched_by_what_they_are() {
    let plan = FaultPlan::default()
        .rule(FaultRule::interrupt("MSI", FaultOutcome::Double))
        .rule(FaultRule::dma(3, FaultOutcome::Fail(DmaFailure::Failed)))
        .rule(FaultRule::new(
            FaultTarget::Dma { channel: None, direction: Some(Direction::Write) },
            FaultOutcome::Fail(DmaFailure::NotMapped),
        ));
    let mut injector = injector(&plan).expect("a plan");
    let title = |fired: Option<Fired>| fired.map_or(String::new(), |fired| fired.title);
    assert_eq!(title(injector.on_interrupt(Pin::Msi, 0)), "rule 1");
    assert_eq!(title(injector.on_interrupt(Pin::Intx, 0)), "");
    let mut dma = |channel, transfer| title(injector.on_dma(&DmaRequest { channel, address: 0, transfer }, 0));
    assert_eq!(dma(3, DmaTransfer::Write { data: vec![0] }), "rule 2");
    assert_eq!(dma(2, DmaTransfer::Read { bytes: 1 }), "");
    assert_eq!(dma(2, DmaTransfer::Write { data: vec![0] }), "rule 3");
}

#[test]
fn a_plan_is_read_from_toml() {
    let text = r#"
        seed = 7
        [[rule]]
        name = "lies"
        on = { read = "TX.STATUS" }
        nth = 3
        outcome = { xor = 0x20000 }
        [[rule]]
        on = { dma = { channel = 1, direction = "write" } }
        outcome = { fail = "NotMapped" }
        [[rule]]
        on = { at_ns = 5_000 }
        outcome = { freeze = { wall_ns = 1_000 } }
        [[rule]]
        on = { interrupt = "*" }
        probability = 0.5
        outcome = "drop"
        [[rule]]
        on = { write = "TX.CONTROL" }
        outcome = { and_or = { and = 0xff, or = 1 } }
    "#;
    let dma = FaultTarget::Dma { channel: Some(1), direction: Some(Direction::Write) };
    let plan = FaultPlan::default()
        .seed(7)
        .rule(FaultRule::read("TX.STATUS", FaultOutcome::Xor(0x20000)).nth(3).named("lies"))
        .rule(FaultRule::new(dma, FaultOutcome::Fail(DmaFailure::NotMapped)))
        .rule(FaultRule::at_ns(5_000, FaultOutcome::Freeze { wall_ns: Some(1_000) }))
        .rule(FaultRule::interrupt("*", FaultOutcome::Drop).probability(0.5))
        .rule(FaultRule::write("TX.CONTROL", FaultOutcome::AndOr { and: 0xff, or: 1 }));
    assert_eq!(text.parse::<FaultPlan>().expect("a plan"), plan);
}

#[test]
fn a_plan_that_cannot_be_followed_is_refused_with_what_there_is() {
    let refusal = |rule| injector(&FaultPlan::default().rule(rule)).err().expect("a refusal").to_string();
    let drop = |place: &str| FaultRule::read(place, FaultOutcome::Drop);
    for (rule, said) in [
        (drop("TX.STATE"), "rule 1 waits for a read of TX.STATE, which is not there; TX has TX.CONTROL, TX.STATUS"),
        (drop("BAR7"), "expected a register of RX, TX, as `RX.*`, BARn+0x... or config+0x..."),
        (drop("BAR0+17"), "expected a register of"),
        (FaultRule::interrupt("NMI", FaultOutcome::Drop), "interrupts come by INTx, MSI"),
        (drop("TX.*").nth(0), "`nth` counts from 1"),
        (drop("TX.*").nth(1).every(2), "exclude each other"),
        (drop("TX.*").probability(0.0), "more than 0"),
        (drop("TX.*").probability(f64::NAN), "more than 0"),
        (drop("TX.*").from_ns(5).until_ns(5), "no time from 5 ns until 5 ns"),
        (FaultRule::at_ns(5, FaultOutcome::Remove).nth(1), "a device time comes once"),
        (FaultRule::at_ns(5, FaultOutcome::Drop), "device time 5 ns cannot end in a drop"),
        (FaultRule::read("TX.*", FaultOutcome::Double), "a read of TX.* cannot end in two of it"),
        (FaultRule::interrupt("MSI", FaultOutcome::Value(1)), "cannot end in another value"),
        (FaultRule::dma(None, FaultOutcome::Drop).named("x"), "rule 1 \"x\" makes no sense: a DMA of any channel"),
    ] {
        let refusal = refusal(rule);
        assert!(refusal.contains(said), "{refusal}");
    }
    let typo = "[[rule]]\non = { read = 'TX.*' }\nnht = 3\noutcome = 'drop'".parse::<FaultPlan>();
    let said = typo.expect_err("no such word").to_string();
    assert!(said.contains("nht") && said.contains("nth"), "{said}");
}
