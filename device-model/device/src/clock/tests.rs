use super::*;

fn scaled(text: &str) -> Clock {
    Clock::new(text.parse().expect("a clock"))
}

#[test]
fn real_time_follows_the_wall_clock_and_stops_at_a_deadline() {
    let mut clock = Clock::new(ClockMode::Real);
    assert_eq!(clock.access(5_000), 5_000);
    assert_eq!(clock.wake_at_wall_ns(9_000, false), Some(9_000));
    assert_eq!(clock.wake(8_999, 9_000, false), 8_999);
    assert_eq!(clock.wake(20_000, 9_000, false), 9_000);
    assert_eq!(clock.access(20_000), 20_000);
}

#[test]
fn scaled_time_meets_a_deadline_at_the_first_nanosecond_that_it_can() {
    let mut slow = scaled("real:0.3");
    // Three tenths of 33,333 ns are 9,999.9 ns.
    assert_eq!(slow.wake_at_wall_ns(10_000, false), Some(33_334));
    assert_eq!(slow.wake(33_333, 10_000, false), 9_999);
    assert_eq!(slow.wake(33_334, 10_000, false), 10_000);
    let mut fast = scaled("real:10");
    assert_eq!(fast.wake_at_wall_ns(10_001, false), Some(1_001));
    assert_eq!(fast.wake(1_000, 10_001, false), 10_000);
    assert_eq!(fast.wake(1_001, 10_001, false), 10_001);
    assert_eq!(fast.access(2_000), 20_000);
}

#[test]
fn warp_time_jumps_when_the_guest_is_quiet_and_not_a_tick_sooner() {
    let mut clock = Clock::new(ClockMode::Warp);
    assert_eq!(clock.access(7_000), 1_000);
    let deadline = 20_000_000;
    assert_eq!(clock.wake_at_wall_ns(20_000_000, false), Some(507_000));
    assert_eq!(clock.wake(506_999, deadline, false), 1_000);
    assert_eq!(clock.wake(507_000, deadline, false), 20_000_000);
    // The jump brought something: the next deadline waits for quiet again.
    clock.has_brought_something();
    assert_eq!(clock.wake_at_wall_ns(30_000_000, false), Some(1_007_000));
    assert_eq!(clock.wake(1_006_999, 30_000_000, false), 20_000_000);
    assert_eq!(clock.wake(1_007_000, 30_000_000, false), 30_000_000);
}

#[test]
fn deadlines_that_bring_nothing_follow_at_once_until_a_tenth_of_a_second_after_the_quiet() {
    let mut clock = Clock::new(ClockMode::Warp);
    clock.access(0);
    // Quiet is waited for at device time 1,000.
    assert_eq!(clock.wake(500_000, 40_000_000, false), 40_000_000);
    assert_eq!(clock.wake_at_wall_ns(100_001_000, false), Some(500_000), "at once");
    assert_eq!(clock.wake(500_001, 100_001_000, false), 100_001_000);
    assert_eq!(clock.wake_at_wall_ns(100_001_001, false), Some(1_000_001));
    assert_eq!(clock.wake(1_000_000, 100_001_001, false), 100_001_000);
    assert_eq!(clock.wake(1_000_001, 100_001_001, false), 100_001_001);
}

#[test]
fn an_access_or_a_guest_that_computes_ends_what_goes_without_quiet() {
    let mut clock = Clock::new(ClockMode::Warp);
    clock.wake(500_000, 10_000_000, false);
    assert_eq!(clock.wake(500_000, 20_000_000, true), 10_000_000, "it computes");
    assert_eq!(clock.wake(500_000, 20_000_000, false), 20_000_000);
    assert_eq!(clock.access(600_000), 20_001_000);
    assert_eq!(clock.wake(1_099_999, 30_000_000, false), 20_001_000, "it was not quiet since");
    assert_eq!(clock.wake(1_100_000, 30_000_000, false), 30_000_000);
}

#[test]
fn a_guest_that_was_waited_for_in_vain_is_waited_for_again_at_the_next_deadline() {
    let mut clock = Clock::new(ClockMode::Warp);
    clock.access(0);
    assert_eq!(clock.wake(999_999_999, 5_000, true), 1_000);
    assert_eq!(clock.wake(1_000_000_000, 5_000, true), 5_000);
    assert_eq!(clock.wake(1_000_499_999, 6_000, false), 5_000);
    assert_eq!(clock.wake(1_000_500_000, 6_000, false), 6_000);
}

#[test]
fn a_minute_of_bursts_costs_six_hundred_quiet_times() {
    let mut clock = Clock::new(ClockMode::Warp);
    let (mut wall_ns, mut quiet_times) = (0, 0);
    // 512 frames at 96 kHz.
    for deadline_ns in (1..=11_250).map(|burst| burst * 5_333_333) {
        let wake_at_wall_ns = clock.wake_at_wall_ns(deadline_ns, false).expect("it wakes");
        if wake_at_wall_ns > wall_ns {
            quiet_times += 1;
            wall_ns = wake_at_wall_ns;
        }
        assert_eq!(clock.wake(wall_ns, deadline_ns, false), deadline_ns);
    }
    // Eighteen bursts are the most that fit into 100 ms.
    assert_eq!(quiet_times, 625);
}

#[test]
fn manual_time_is_moved_and_does_not_move() {
    let mut clock = Clock::new(ClockMode::Manual);
    assert_eq!((clock.access(5_000), clock.passes(6_000)), (0, 0));
    assert_eq!(clock.wake_at_wall_ns(1, false), None);
    assert_eq!(clock.wake(u64::MAX, 1, false), 0);
    assert_eq!(clock.advance_to(700), 700);
    assert_eq!(clock.advance_to(699), 700);
    assert_eq!(clock.access(9_000), 700);
}

#[test]
fn a_frozen_clock_goes_on_from_where_it_was() {
    let mut clock = Clock::new(ClockMode::Real);
    clock.access(1_000);
    clock.freeze(Some(500));
    assert_eq!(clock.wake_at_wall_ns(1_100, false), Some(1_600));
    assert_eq!(clock.access(1_499), 1_000);
    assert_eq!(clock.wake(1_599, 1_100, false), 1_099);
    assert_eq!(clock.wake_at_wall_ns(1_100, false), Some(1_600));
    assert_eq!(clock.wake(1_600, 1_100, false), 1_100);
    clock.freeze(None);
    assert_eq!(clock.wake_at_wall_ns(2_000, false), None);
    assert_eq!((clock.access(u64::MAX), clock.delay(5)), (1_100, 1_100));

    let mut warp = Clock::new(ClockMode::Warp);
    warp.access(0);
    warp.freeze(Some(2_000_000));
    assert_eq!((warp.access(1), warp.wake_at_wall_ns(9_000, false)), (1_000, Some(2_000_000)));
    assert_eq!(warp.wake(1_999_999, 9_000, false), 1_000);
    assert_eq!(warp.wake(2_000_000, 9_000, false), 9_000);
}

#[test]
fn device_time_never_goes_back() {
    let mut clock = Clock::new(ClockMode::Real);
    clock.access(9_000);
    assert_eq!(clock.access(8_000), 9_000);
    assert_eq!(clock.wake(10_000, 1_000, false), 9_000);
    assert_eq!(clock.delay(5_000), 14_000, "an access that takes longer is ahead of the wall");
    assert_eq!(clock.access(13_000), 14_000);
    assert_eq!(clock.access(15_000), 15_000);
}

#[test]
fn at_the_end_of_time_nothing_jumps_any_more() {
    for busy in [false, true] {
        let mut clock = Clock::new(ClockMode::Warp);
        let before_ns = clock.access(u64::MAX - 1);
        assert_eq!(clock.wake_at_wall_ns(before_ns + 1, busy), None);
        assert_eq!(clock.wake(u64::MAX, before_ns + 1, busy), before_ns);
    }
}
