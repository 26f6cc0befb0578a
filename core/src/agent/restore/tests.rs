extern crate std;

use std::{collections::BTreeSet, vec::Vec};

use super::super::{
    Effect, Event, Outcome, Phase, Snapshot,
    tests::{Node, POD, SEQ, address, makes, mk_add, mk_key, mk_snapshot, recalled, replies},
};
use crate::id::Seq;

const EPOCH: u64 = 1000;
const NEW: Seq = Seq {
    epoch: EPOCH,
    counter: 1,
};

fn read(snapshot: Snapshot) -> Event {
    Event::Spec {
        snapshot,
        quorum: true,
    }
}

/// The object after an announced restore: its generation may be below the last one.
fn emptied() -> Snapshot {
    Snapshot {
        epoch: EPOCH,
        grants: Vec::new(),
        ..mk_snapshot(0)
    }
}

fn granted_anew() -> Snapshot {
    let mut snapshot = Snapshot {
        epoch: EPOCH,
        ..mk_snapshot(2)
    };
    snapshot.grants[0].address = Some((address(), NEW));
    snapshot
}

#[test]
fn a_new_epoch_is_adopted_from_a_quorum_read_only() {
    let mut node = Node::attached("c1");
    let watched = Event::Spec {
        snapshot: emptied(),
        quorum: false,
    };
    assert_eq!(node.step(watched), [Effect::ReadSpec]);
    assert_eq!(node.durable.epoch(), 0);
    node.step(read(emptied()));
    assert_eq!(node.durable.epoch(), EPOCH);
}

#[test]
fn links_stay_over_a_new_epoch_and_are_said_to_be_in_use_until_they_are_granted_again() {
    let mut node = Node::attached("c1");
    assert_eq!(node.durable.in_use(&node.volatile), BTreeSet::new());
    let effects = node.step(read(emptied()));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Remove(_)))
    );
    let used = node.durable.in_use(&node.volatile);
    let used = used.iter().map(|used| (used.address, used.owner));
    assert_eq!(used.collect::<Vec<_>>(), [(address(), POD)]);
    let effects = node.step(Event::Spec {
        snapshot: granted_anew(),
        quorum: false,
    });
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::SaveRecord(..)))
    );
    assert_eq!(node.durable.attached(), BTreeSet::from([(address(), NEW)]));
    assert_eq!(node.durable.in_use(&node.volatile), BTreeSet::new());
}

#[test]
fn a_new_epoch_ends_what_was_granted_and_released_before() {
    let mut node = Node::granted();
    node.step(recalled(1));
    assert_eq!(node.durable.released, BTreeSet::from([(address(), SEQ)]));
    // A grant that a backup brought back.
    let old = Snapshot {
        epoch: EPOCH,
        ..mk_snapshot(1)
    };
    node.step(read(old));
    assert_eq!(node.durable.released, BTreeSet::new());
    assert_eq!(node.step(mk_add(1, "c1")), []);
    let effects = node.step(Event::Spec {
        snapshot: granted_anew(),
        quorum: false,
    });
    assert!(makes(&effects));
}

#[test]
fn an_add_in_flight_is_taken_back_under_a_new_epoch() {
    let mut node = Node::granted();
    node.step(mk_add(1, "c1"));
    node.step(read(emptied()));
    assert_eq!(
        node.durable.in_use(&node.volatile).len(),
        1,
        "its link may be there"
    );
    node.step(Event::Made(mk_key("c1")));
    assert_eq!(node.durable.records[&mk_key("c1")].phase, Phase::Detaching);
    let effects = node.step(Event::Gone(mk_key("c1")));
    assert!(matches!(replies(&effects)[..], [(1, Outcome::TryAgain(_))]));
    assert_eq!(node.durable.in_use(&node.volatile), BTreeSet::new());
}

#[test]
fn a_device_that_no_record_explains_is_in_use() {
    let mut node = Node::granted();
    node.step(read(emptied()));
    node.step(Event::Scanned(BTreeSet::from([address()])));
    assert_eq!(node.durable.in_use(&node.volatile).len(), 1);
}

#[test]
fn a_quorum_read_that_goes_back_is_a_restore_that_nobody_announced() {
    let mut node = Node::granted();
    node.step(read(mk_snapshot(7)));
    let older = Event::Spec {
        snapshot: mk_snapshot(5),
        quorum: false,
    };
    assert_eq!(node.step(older), [Effect::ReadSpec], "a list may be late");
    let effects = node.step(read(mk_snapshot(5)));
    assert_eq!(effects, [Effect::SaveSuspicion, Effect::Publish]);
    assert!(node.durable.restore_suspected);
    // The restored history overtakes the counter: that proves nothing.
    let mut later = mk_snapshot(9);
    later.grants.clear();
    node.step(read(later));
    assert!(node.durable.restore_suspected);
    assert_eq!(node.durable.snapshot.as_ref().unwrap().generation, 7);
    let effects = node.step(read(emptied()));
    assert!(!node.durable.restore_suspected);
    // An agent that dies in between and finds the new version suspects it no more.
    let saves = [Effect::SaveSuspicion, Effect::SaveSnapshot];
    let places = saves.map(|save| effects.iter().position(|effect| *effect == save));
    assert!(places.is_sorted() && !places.contains(&None), "{effects:?}");
}
