//! Both sides by DMA: the list, bursts, periods, ends and errors.

use device::{Block, DmaFailure, DmaRequest, DmaTransfer, Output};

use crate::bench::{
    Bench, CONTROL, CYCLIC, DMA, DRAIN, ENABLE, END, ENTRY, FAILURES, FORMAT, FRAMES, LIST, LIST_ENTRIES, LIST_HIGH,
    LIST_LOW, MARK, MS, PAUSE, PERIOD, POSITION, RATE, RX, STATUS, TX,
};

const DATA: u64 = 0x8000_0000;

/// 16 bits, mono, 8 kHz; memory of `frames` at [`DATA`], in entries of so many frames, that counts from 0.
fn counting(side: u64, entries: &[u32]) -> Bench {
    let mut bench = Bench::default();
    let frames: u32 = entries.iter().sum();
    bench.map(DATA, (0..frames as u16).flat_map(u16::to_le_bytes).collect());
    let mut address = DATA;
    let list: Vec<_> = entries
        .iter()
        .map(|frames| {
            address += u64::from(2 * frames);
            (address - u64::from(2 * frames), 2 * frames)
        })
        .collect();
    bench.list(side, &list);
    bench.set(side, &[(FORMAT, 0x110), (RATE, 8_000), (CONTROL, DMA)]);
    bench
}

fn reads(bench: &Bench) -> Vec<(u64, usize)> {
    bench.requests.iter().map(|request| (request.address, request.bytes())).collect()
}

fn firsts(bench: &Bench) -> Vec<i32> {
    bench.played().iter().map(|frame| frame[0]).collect()
}

#[test]
fn the_list_is_read_at_enable_and_data_in_bursts_within_entries_as_there_is_room() {
    let mut bench = counting(TX, &[700, 1_000]);
    assert_eq!(bench.requests, []);
    bench.set(TX, &[(CONTROL, DMA | ENABLE)]);
    let list = LIST + TX * 0x1000;
    let expected = [(list, 32), (DATA, 1_024), (DATA + 1_024, 376)];
    assert_eq!(reads(&bench), expected, "700 frames: there is no room for 512 more");
    assert!(bench.requests.iter().all(|request| request.channel == 0));
    assert_eq!((bench.read(TX + ENTRY), bench.read(TX + STATUS)), (1, 0x0008_02bc));
    // 188 frames have to go before there is room for 512.
    assert_eq!(bench.block.next_deadline_ns(), Some(187 * 125_000));
    bench.at(187 * 125_000 - 1);
    assert_eq!(bench.requests.len(), 3);
    bench.at(187 * 125_000);
    assert_eq!(reads(&bench)[3..], [(DATA + 1_400, 1_024)]);
    bench.until(MS * 1_000);
    assert_eq!(firsts(&bench), (0..1_700).collect::<Vec<_>>());
    assert_eq!((bench.read(TX + FAILURES), bench.read(TX + POSITION), bench.read(TX + ENTRY)), (1, 1_700, 2));
    assert_eq!(bench.effects.outputs().last(), Some(&Output::StreamUnderrun), "the list has no more");
    assert_eq!(bench.read(TX), DMA | ENABLE);
    bench.write(TX, DMA | ENABLE | DRAIN);
    assert_eq!((bench.read(TX), bench.take_interrupts() & 0x2), (DMA, 0x2), "everything has been played");
}

#[test]
fn a_cyclic_list_goes_on_and_drains_at_the_end_of_a_pass_or_at_a_frame() {
    let mut bench = counting(TX, &[300, 700]);
    bench.set(TX, &[(PERIOD, 500), (CONTROL, DMA | CYCLIC | ENABLE)]);
    bench.until(1_199 * 125_000);
    assert_eq!((bench.read(TX + POSITION), bench.read(TX + FRAMES), bench.read(TX + FAILURES)), (200, 1_200, 0));
    assert_eq!(bench.take_interrupts() & 0x8, 0x8);
    bench.write(TX, DMA | CYCLIC | ENABLE | DRAIN);
    bench.until(2_000 * 125_000 - 1);
    assert_eq!(bench.read(TX), DMA | CYCLIC | ENABLE | DRAIN);
    bench.until(2_000 * 125_000);
    assert_eq!((bench.read(TX), bench.read(TX + FRAMES)), (DMA | CYCLIC, 2_000));
    assert_eq!(firsts(&bench), (0..2_000).map(|frame| frame % 1_000).collect::<Vec<_>>());

    bench.clear();
    bench.set(TX, &[(END, 1_234), (CONTROL, DMA | CYCLIC | ENABLE | DRAIN)]);
    bench.until(bench.now_ns + 1_234 * 125_000 - 1);
    assert_eq!(bench.read(TX) & ENABLE, ENABLE);
    bench.until(bench.now_ns + 1);
    assert_eq!((bench.read(TX), bench.read(TX + FRAMES), bench.read(TX + POSITION)), (DMA | CYCLIC, 1_234, 234));
    let fetched: usize = reads(&bench)[1..].iter().map(|(_, bytes)| bytes).sum();
    assert_eq!((bench.played().len(), fetched), (1_234, 2_468), "not a frame too many is fetched");
}

#[test]
fn an_end_that_is_past_ends_at_the_next_frame() {
    let mut bench = counting(TX, &[1_000]);
    bench.set(TX, &[(CONTROL, DMA | CYCLIC | ENABLE)]);
    bench.until(100 * 125_000);
    bench.set(TX, &[(END, 50), (CONTROL, DMA | CYCLIC | ENABLE | DRAIN)]);
    bench.until(101 * 125_000 - 1);
    assert_eq!(bench.read(TX) & ENABLE, ENABLE);
    bench.until(101 * 125_000);
    assert_eq!((bench.read(TX), bench.read(TX + FRAMES)), (DMA | CYCLIC, 101));
}

#[test]
fn a_pause_holds_position_and_transfers() {
    let mut bench = counting(TX, &[2_000]);
    bench.set(TX, &[(CONTROL, DMA | ENABLE)]);
    bench.until(600 * 125_000);
    bench.write(TX, DMA | ENABLE | PAUSE);
    let (position, requests) = (bench.read(TX + POSITION), bench.requests.len());
    assert_eq!((position, bench.block.next_deadline_ns()), (601, None));
    bench.at(MS * 1_000);
    assert_eq!((bench.read(TX + POSITION), bench.requests.len()), (601, requests));
    bench.write(TX, DMA | ENABLE | DRAIN);
    bench.until(MS * 2_000);
    assert_eq!(firsts(&bench), (0..2_000).collect::<Vec<_>>());
}

#[test]
fn what_was_under_way_when_the_stream_stopped_has_no_effect() {
    let mut bench = counting(TX, &[1_000]);
    bench.holds_back = true;
    bench.set(TX, &[(CONTROL, DMA | ENABLE)]);
    assert_eq!(bench.requests.len(), 1);
    bench.set(TX, &[(CONTROL, DMA), (CONTROL, DMA | ENABLE)]);
    assert_eq!(bench.requests.len(), 1, "one at a time, and the first has not ended");
    // The first list would end in an error; it is nobody's any more.
    bench.end(0, Err(DmaFailure::NotMapped));
    bench.transfer();
    assert_eq!((bench.error(TX), bench.read(TX), bench.requests.len()), (0, DMA | ENABLE, 2));
    let list = bench.requests[1].clone();
    let list = bench.perform(&list);
    bench.end(0, list);
    bench.transfer();
    assert_eq!(bench.requests.len(), 3, "the first burst");
    bench.write(0x00c, 1);
    bench.end(0, Ok(vec![7; 1_024]));
    assert_eq!((bench.read(TX + STATUS), bench.read(TX), bench.read(TX + FRAMES)), (0x0006_0000, 0, 0));
    bench.end(0, Ok(vec![7; 1_024]));
    bench.end(1, Ok(Vec::new()));
    bench.end(9, Err(DmaFailure::Failed));
    assert_eq!((bench.read(TX + STATUS), bench.read(RX + STATUS)), (0x0006_0000, 0x0002_0000));
}

#[test]
fn a_reset_of_the_function_waits_for_nothing() {
    let mut bench = counting(TX, &[1_000]);
    bench.holds_back = true;
    bench.set(TX, &[(CONTROL, DMA | ENABLE)]);
    bench.block.reset(&mut bench.effects);
    bench.holds_back = false;
    bench.clear();
    bench.list(TX, &[(DATA, 2_000)]);
    bench.set(TX, &[(CONTROL, DMA | ENABLE)]);
    assert!(bench.requests.len() > 1);
}

#[test]
fn data_that_comes_too_late_is_an_underrun_and_the_stream_goes_on() {
    let mut bench = counting(TX, &[600]);
    bench.holds_back = true;
    bench.set(TX, &[(CONTROL, DMA | ENABLE | DRAIN)]);
    for bytes in [16, 1_024] {
        let request = bench.requests.last().expect("a request").clone();
        assert_eq!(request.bytes(), bytes);
        let result = bench.perform(&request);
        bench.end(0, result);
        bench.transfer();
    }
    bench.until(MS * 100);
    assert_eq!((bench.read(TX + FRAMES), bench.read(TX + FAILURES), bench.read(TX)), (512, 1, DMA | ENABLE | DRAIN));
    let request = bench.requests.last().expect("a request").clone();
    let result = bench.perform(&request);
    bench.end(0, result);
    bench.until(MS * 200);
    assert_eq!(firsts(&bench), (0..600).collect::<Vec<_>>());
    assert_eq!(bench.read(TX), DMA);
}

#[test]
fn errors_stop_the_stream_and_touch_nothing() {
    let failures = [
        (DmaFailure::NotMapped, 1),
        (DmaFailure::NotAllowed, 2),
        (DmaFailure::Wraps, 3),
        (DmaFailure::BusMasterDisabled, 4),
        (DmaFailure::Failed, 5),
    ];
    for (side, interrupt) in [(TX, 0x10), (RX, 0x200)] {
        for (at, (failure, code)) in [0, 1, 2].into_iter().flat_map(|at| failures.map(|failure| (at, failure))) {
            let mut bench = counting(side, &[2_000]);
            bench.holds_back = true;
            bench.set(side, &[(CONTROL, DMA | ENABLE)]);
            for number in 0..=at {
                while bench.requests.len() <= number {
                    let deadline_ns = bench.block.next_deadline_ns().expect("a burst is due");
                    bench.at(deadline_ns);
                }
                let request = bench.requests[number].clone();
                let result = if number == at { Err(failure) } else { bench.perform(&request) };
                bench.end(request.channel, result);
                bench.transfer();
            }
            assert_eq!((bench.error(side), bench.read(side)), (code, DMA), "{failure:?} at request {at}");
            assert_eq!(bench.take_interrupts() & 0x210, interrupt);
            assert_eq!(bench.block.next_deadline_ns(), None);
            assert_eq!(side == TX, bench.effects.outputs().last() == Some(&Output::StreamStopped));
            // Enabled again it begins anew.
            bench.write(side, DMA | ENABLE);
            assert_eq!((bench.error(side), bench.requests.len()), (0, at + 2));
        }
    }
}

#[test]
fn ranges_that_are_only_partly_good_touch_nothing() {
    for (side, address, code) in [
        (TX, DATA + 2, 1),
        (TX, 0xffff_ffff_ffff_fff0, 3),
        (RX, DATA + 2, 1),
        (RX, DATA - 2, 1),
        (RX, 0xffff_ffff_ffff_fff0, 3),
    ] {
        let mut bench = Bench::default();
        bench.map(DATA, vec![0x11; 1_024]);
        bench.list(side, &[(address, 1_024)]);
        bench.set(side, &[(FORMAT, 0x110), (CONTROL, DMA | ENABLE)]);
        bench.until(MS * 100);
        assert_eq!((bench.error(side), bench.read(side)), (code, DMA), "{address:#x}");
        assert_eq!((bench.played().len(), bench.bytes_at(DATA)), (0, &[0x11; 1_024][..]));
    }
    // Bursts of 1,024 bytes that end exactly at 2^64: the next one begins past it.
    let mut bench = Bench::default();
    bench.list(TX, &[(u64::MAX - 1_023, 2_048)]);
    bench.holds_back = true;
    bench.set(TX, &[(FORMAT, 0x110), (CONTROL, DMA | ENABLE)]);
    let list = bench.requests[0].clone();
    let list = bench.perform(&list);
    bench.end(0, list);
    bench.transfer();
    bench.end(0, Ok(vec![0; 1_024]));
    assert_eq!((bench.error(TX), bench.requests.len()), (3, 2));
}

#[test]
fn memory_that_does_not_allow_it() {
    for (side, readable, writable) in [(TX, false, true), (RX, true, false)] {
        let mut bench = counting(side, &[1_000]);
        (bench.memory[0].readable, bench.memory[0].writable) = (readable, writable);
        let before = bench.memory[0].bytes.clone();
        bench.set(side, &[(CONTROL, DMA | ENABLE)]);
        bench.until(MS * 100);
        assert_eq!((bench.error(side), bench.read(side)), (2, DMA));
        assert!(bench.memory[0].bytes == before);
    }
}

#[test]
fn lists_that_cannot_be() {
    for side in [TX, RX] {
        for pieces in [&[][..], &[(DATA, 2), (DATA, 0)], &[(DATA, 3)], &[(DATA, 3), (DATA, 2)]] {
            let mut bench = Bench::default();
            bench.list(side, pieces);
            bench.set(side, &[(FORMAT, 0x110), (CONTROL, DMA | ENABLE)]);
            assert_eq!((bench.error(side), bench.read(side)), (6, DMA), "{pieces:x?}");
            assert_eq!(bench.take_interrupts() & 0x210, if side == TX { 0x10 } else { 0x200 });
        }
        let mut bench = Bench::default();
        bench.set(side, &[(LIST_ENTRIES, 4_097)]);
        assert_eq!(bench.read(side + LIST_ENTRIES), 0);
        bench.set(side, &[(LIST_LOW, 0xffff_fff8), (LIST_HIGH, 0xffff_ffff), (LIST_ENTRIES, 4_096)]);
        bench.set(side, &[(CONTROL, DMA | ENABLE)]);
        assert_eq!(bench.error(side), 3, "the list wraps");
    }
}

#[test]
fn the_receiver_writes_bursts_and_ends_with_its_list() {
    let mut bench = counting(RX, &[700, 100]);
    bench.set(RX, &[(CONTROL, DMA | ENABLE)]);
    assert_eq!(bench.block.next_deadline_ns(), Some(511 * 125_000));
    bench.at(511 * 125_000 - 1);
    assert_eq!((bench.requests.len(), bench.read(RX + STATUS)), (1, 0x0008_01ff));
    bench.at(511 * 125_000);
    let data = (0..512_u16).flat_map(|frame| (8 * frame).to_le_bytes()).collect();
    let burst = DmaRequest { channel: 1, address: DATA, transfer: DmaTransfer::Write { data } };
    assert_eq!(bench.requests[1..], [burst]);
    assert_eq!((bench.read(RX + STATUS), bench.read(RX + POSITION), bench.read(RX + ENTRY)), (0x000a_0000, 512, 0));
    assert_eq!(bench.block.next_deadline_ns(), Some(699 * 125_000), "the rest of the entry");
    bench.until(799 * 125_000 - 1);
    assert_eq!((bench.read(RX + POSITION), bench.read(RX + ENTRY), bench.take_interrupts()), (700, 1, 0));
    bench.until(799 * 125_000);
    assert_eq!((bench.read(RX), bench.read(RX + FRAMES), bench.take_interrupts()), (DMA, 800, 0x100));
    assert_eq!((bench.read(RX + POSITION), bench.read(RX + ENTRY)), (800, 2));
    let expected: Vec<u8> = (0..800_u16).flat_map(|frame| (8 * frame).to_le_bytes()).collect();
    assert!(bench.bytes_at(DATA) == expected);
}

#[test]
fn a_period_and_an_end_are_told_when_their_data_is_there() {
    let mut bench = counting(RX, &[1_000]);
    bench.holds_back = true;
    bench.set(RX, &[(PERIOD, 100), (END, 250), (CONTROL, DMA | CYCLIC | ENABLE)]);
    let list = bench.requests[0].clone();
    let list = bench.perform(&list);
    bench.end(1, list);
    for (frames, interrupts) in [(100, 0x80), (100, 0x80), (50, 0x100)] {
        let deadline_ns = bench.block.next_deadline_ns().expect("a burst");
        bench.at(deadline_ns - 1);
        let before = bench.requests.len();
        bench.at(deadline_ns);
        assert_eq!(bench.requests.len(), before + 1);
        assert_eq!((bench.take_interrupts(), bench.read(RX) & ENABLE), (0, ENABLE), "not before it is written");
        assert_eq!(bench.requests[before].bytes(), 2 * frames);
        bench.end(1, Ok(Vec::new()));
        assert_eq!(bench.take_interrupts(), interrupts);
    }
    assert_eq!((bench.now_ns, bench.read(RX), bench.read(RX + FRAMES)), (249 * 125_000, DMA | CYCLIC, 250));
    assert_eq!(bench.read(RX + MARK), 768);
}
