use landfall_core::{
    agent::{Key, Record},
    id::Uid,
};

use super::*;
use crate::records::tests::facts;

fn entry(container: &str, phase: Phase, cookie: u64) -> Entry {
    Entry {
        key: Key {
            container: container.into(),
            interface: "net1".into(),
        },
        record: Record {
            phase,
            owner: Uid(1),
            network: Uid(2),
            addresses: Vec::new(),
        },
        facts: Some(facts("net1", cookie)),
    }
}

fn names(set: &BTreeSet<Name>) -> Vec<&str> {
    set.iter().map(Name::as_str).collect()
}

#[test]
fn a_sandbox_that_is_alive_is_never_given_up() {
    let mut sweep = Sweep::default();
    let records = [entry("a", Phase::Active, 1)];
    for _ in 0..3 {
        assert!(sweep.judge(&records, |_| true).is_empty());
    }
}

#[test]
fn one_that_is_gone_is_given_up_the_second_time() {
    let mut sweep = Sweep::default();
    let records = [entry("a", Phase::Active, 1), entry("b", Phase::Active, 2)];
    assert!(sweep.judge(&records, |cookie| cookie == 2).is_empty());
    assert_eq!(names(&sweep.judge(&records, |cookie| cookie == 2)), ["a"]);
}

#[test]
fn one_that_was_missing_for_a_moment_starts_anew() {
    let mut sweep = Sweep::default();
    let records = [entry("a", Phase::Active, 1)];
    assert!(sweep.judge(&records, |_| false).is_empty());
    assert!(sweep.judge(&records, |_| true).is_empty());
    assert!(sweep.judge(&records, |_| false).is_empty());
}

#[test]
fn a_removal_that_did_not_end_is_tried_again() {
    let mut sweep = Sweep::default();
    let records = [entry("a", Phase::Detaching, 1)];
    assert!(sweep.judge(&records, |_| true).is_empty());
    assert_eq!(names(&sweep.judge(&records, |_| true)), ["a"]);
}
