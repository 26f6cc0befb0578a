use std::{net::IpAddr, vec::Vec};

extern crate std;

use crate::{
    agent::{
        Durable, Effect, Event, Key, Outcome, Snapshot, Volatile,
        tests::{
            LAN, Node, POD, SEQ, address, mk_add, mk_key, mk_snapshot, no_parent, recalled, replies,
        },
    },
    id::{Seq, Uid},
    mac::Mac,
};

const WHO: Mac = Mac([2, 0, 0, 0, 0, 9]);

fn mk_probed(generation: u64) -> Snapshot {
    let mut snapshot = mk_snapshot(generation);
    snapshot.networks.get_mut(&LAN).unwrap().is_probed = true;
    snapshot
}

fn mk_spec(snapshot: Snapshot) -> Event {
    Event::Spec {
        snapshot,
        quorum: false,
    }
}

fn mk_ended(found: Option<Mac>) -> Event {
    let key = (address(), SEQ);
    Event::Probed { key, found }
}

/// A warm agent that has read nothing yet.
fn mk_node() -> Node {
    Node {
        volatile: Volatile::start(Uid(1), false),
        durable: Durable::default(),
    }
}

fn asked(effects: &[Effect]) -> Vec<(IpAddr, Seq)> {
    let probes = effects.iter().filter_map(|effect| {
        if let Effect::Probe { key, .. } = effect {
            Some(*key)
        } else {
            None
        }
    });
    probes.collect()
}

fn made(effects: &[Effect]) -> Vec<&Key> {
    let makes = effects.iter().filter_map(|effect| {
        if let Effect::Make { key, .. } = effect {
            Some(key)
        } else {
            None
        }
    });
    makes.collect()
}

#[test]
fn the_lan_is_asked_once_when_the_grant_arrives() {
    let mut node = mk_node();
    let effects = node.step(mk_spec(mk_probed(1)));
    assert_eq!(asked(&effects), [(address(), SEQ)]);
    assert!(node.volatile.asks_for(&(address(), SEQ)));
    let effects = node.step(mk_spec(mk_probed(2)));
    assert_eq!(asked(&effects), []);
    // A network that is not probed asks nobody.
    assert_eq!(asked(&mk_node().step(mk_spec(mk_snapshot(1)))), []);
}

#[test]
fn an_add_waits_for_the_end_of_the_probe_and_one_that_comes_later_does_not() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    let effects = node.step(mk_add(1, "c1"));
    assert!(made(&effects).is_empty() && replies(&effects).is_empty());
    let effects = node.step(mk_ended(None));
    assert_eq!(made(&effects), [&mk_key("c1")]);

    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(mk_ended(None));
    assert_eq!(made(&node.step(mk_add(1, "c1"))), [&mk_key("c1")]);
}

#[test]
fn an_add_that_waited_in_vain_says_that_the_lan_is_asked() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(mk_add(1, "c1"));
    let effects = node.step(Event::Timeout(crate::agent::Token(1)));
    let [(1, Outcome::TryAgain(why))] = &replies(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert!(why.contains("network lan: the LAN is still asked"), "{why}");
}

#[test]
fn a_conflict_is_released_and_published_together_and_the_address_is_never_attached() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(mk_add(1, "c1"));
    let effects = node.step(mk_ended(Some(WHO)));
    assert_eq!(effects, [Effect::SaveReleased, Effect::Publish]);
    let key = (address(), SEQ);
    assert!(node.durable.released.contains(&key));
    assert_eq!(node.volatile.conflicts().get(&key), Some(&WHO));

    // The grant stands there until the operator has seen it: it is neither asked for nor attached again.
    let effects = node.step(mk_spec(mk_probed(2)));
    assert!(asked(&effects).is_empty() && made(&effects).is_empty());
    let effects = node.step(Event::Timeout(crate::agent::Token(1)));
    let [(1, Outcome::TryAgain(why))] = &replies(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert!(why.contains("02:00:00:00:00:09 uses 10.0.0.1"), "{why}");

    // Another address is granted, and what was given back is forgotten with its release.
    let mut snapshot = mk_probed(3);
    let other = ("10.0.0.2".parse().unwrap(), Seq { counter: 2, ..SEQ });
    snapshot.grants[0].address = Some(other);
    snapshot.status_released.insert(key);
    let effects = node.step(mk_spec(snapshot));
    assert_eq!(asked(&effects), [other]);
    assert!(node.volatile.conflicts().is_empty());
}

#[test]
fn the_version_without_the_grant_is_saved_before_its_release_is_forgotten() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(mk_ended(Some(WHO)));
    let mut snapshot = mk_probed(2);
    snapshot.grants.clear();
    snapshot.status_released.insert((address(), SEQ));
    let effects = node.step(mk_spec(snapshot));
    let expected = [Effect::SaveSnapshot, Effect::SaveReleased, Effect::Publish];
    assert_eq!(effects, expected);
}

#[test]
fn an_agent_that_restarts_asks_again_except_for_what_is_attached() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(mk_ended(None));
    node.volatile = Volatile::start(Uid(1), false);
    assert_eq!(asked(&node.step(mk_add(1, "c1"))), [(address(), SEQ)]);

    node.step(mk_ended(None));
    node.step(Event::Made(mk_key("c1")));
    node.volatile = Volatile::start(Uid(1), false);
    assert_eq!(asked(&node.step(mk_spec(mk_probed(2)))), []);
    // Nor does the pod's next sandbox wait.
    node.step(mk_add(2, "c2"));
    let effects = node.step(Event::Gone(mk_key("c1")));
    assert_eq!(made(&effects), [&mk_key("c2")]);
}

#[test]
fn a_recall_ends_a_probe() {
    let mut node = mk_node();
    node.step(mk_spec(mk_probed(1)));
    node.step(recalled(2));
    assert!(!node.volatile.asks_for(&(address(), SEQ)));
    let effects = node.step(mk_ended(Some(WHO)));
    assert!(effects.is_empty() && node.volatile.conflicts().is_empty());
}

#[test]
fn without_a_parent_nobody_is_asked_and_one_that_is_back_is_asked_anew() {
    let mut node = mk_node();
    node.step(no_parent());
    assert_eq!(asked(&node.step(mk_spec(mk_probed(1)))), []);
    let back = || Event::Parents([].into());
    assert_eq!(asked(&node.step(back())), [(address(), SEQ)]);
    node.step(mk_ended(None));
    node.step(no_parent());
    assert_eq!(asked(&node.step(back())), [(address(), SEQ)]);
}

#[test]
fn an_address_that_another_attachment_still_has_is_asked_for_when_that_is_gone() {
    let mut node = mk_node();
    let mut snapshot = mk_probed(1);
    snapshot.grants[0].owner = Uid(200);
    node.step(mk_spec(snapshot.clone()));
    node.step(mk_ended(None));
    let asked_for = mk_add(1, "c1");
    let Event::Add(mut request) = asked_for else {
        panic!("an ADD");
    };
    request.owner = Uid(200);
    node.step(Event::Add(request));
    node.step(Event::Made(mk_key("c1")));

    // The same address under another seq, for another pod: written by hand, or a block that was lost.
    snapshot.generation = 2;
    snapshot.grants[0].owner = POD;
    snapshot.grants[0].address = Some((address(), Seq { counter: 2, ..SEQ }));
    assert_eq!(asked(&node.step(mk_spec(snapshot))), []);
    node.step(Event::Del {
        token: crate::agent::Token(2),
        container: "c1".into(),
        interface: None,
    });
    let effects = node.step(Event::Gone(mk_key("c1")));
    assert_eq!(asked(&effects), [(address(), Seq { counter: 2, ..SEQ })]);
}
