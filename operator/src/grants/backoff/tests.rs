use landfall_core::id::Name;

use super::{Backoff, LONGEST, Target};

fn node(name: &str) -> Target {
    Target::Node(Name::from(name))
}

#[test]
fn a_failing_object_waits_and_the_others_do_not() {
    let mut backoff = Backoff::default();
    backoff.failed(node("a"), 1_000);
    assert!(!backoff.allows(&node("a"), 1_099));
    assert!(backoff.allows(&node("a"), 1_100));
    assert!(backoff.allows(&node("b"), 1_000));
    assert_eq!(backoff.next(1_000), Some(1_100));
}

#[test]
fn each_failure_doubles_the_wait_up_to_a_limit_and_success_ends_it() {
    let mut backoff = Backoff::default();
    backoff.failed(node("a"), 0);
    backoff.failed(node("a"), 0);
    assert_eq!(backoff.next(0), Some(200));
    for _ in 0..20 {
        backoff.failed(node("a"), 0);
    }
    assert_eq!(backoff.next(0), Some(LONGEST));
    backoff.succeeded(&node("a"));
    assert_eq!(backoff.next(0), None);
}

#[test]
fn the_first_lost_race_is_run_again_at_once() {
    let mut backoff = Backoff::default();
    backoff.lost(node("a"), 1_000);
    assert!(backoff.allows(&node("a"), 1_000));
    assert_eq!(backoff.next(1_000), None);
    backoff.lost(node("a"), 1_000);
    assert!(!backoff.allows(&node("a"), 1_049));
    assert!(backoff.allows(&node("a"), 1_050));
}

#[test]
fn what_is_lost_again_and_again_is_suspicious() {
    let mut backoff = Backoff::default();
    let suspicious = (0..8).map(|_| backoff.lost(node("a"), 0));
    let suspicious: Vec<bool> = suspicious.collect();
    let expected = [false, false, false, false, false, true, true, true];
    assert_eq!(suspicious, expected);
}
