extern crate std;

use std::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

use super::{
    AddRequest, Asked, Durable, Effect, Event, Key, Outcome, Phase, Served, Snapshot, Token,
    Volatile, step,
};
use crate::{
    address::Family,
    id::{Name, Seq, Uid},
    ledger::view::{Grant, Refusal},
};

pub(super) const MACHINE: Uid = Uid(1);
pub(super) const LAN: Uid = Uid(7);
pub(super) const POD: Uid = Uid(100);
pub(super) const SEQ: Seq = Seq {
    epoch: 5,
    counter: 1,
};

pub(super) struct Node {
    pub(super) volatile: Volatile,
    pub(super) durable: Durable,
}

impl Node {
    /// A warm agent that has seen a grant for POD.
    pub(super) fn granted() -> Self {
        let mut node = Self {
            volatile: Volatile::start(MACHINE, false),
            durable: Durable::default(),
        };
        node.step(Event::Spec {
            snapshot: mk_snapshot(1),
            quorum: false,
        });
        node
    }

    pub(super) fn step(&mut self, event: Event) -> Vec<Effect> {
        step(&mut self.volatile, &mut self.durable, event)
    }

    pub(super) fn attached(container: &str) -> Self {
        let mut node = Self::granted();
        node.step(mk_add(1, container));
        node.step(Event::Made(mk_key(container)));
        node
    }
}

pub(super) fn address() -> std::net::IpAddr {
    "10.0.0.1".parse().unwrap()
}

pub(super) fn mk_snapshot(generation: u64) -> Snapshot {
    let served = Served {
        name: Name::from("lan"),
        families: BTreeSet::from([Family::V4]),
        is_probed: false,
    };
    let grant = Grant {
        owner: POD,
        interface: Name::from("net1"),
        network: LAN,
        address: Some((address(), SEQ)),
        index: 0,
        mac: None,
    };
    Snapshot {
        uid: Uid(9),
        generation,
        machine: MACHINE,
        networks: BTreeMap::from([(LAN, served)]),
        grants: vec![grant],
        ..Snapshot::default()
    }
}

pub(super) fn mk_key(container: &str) -> Key {
    Key {
        container: Name::from(container),
        interface: Name::from("net1"),
    }
}

pub(super) fn mk_add(token: u64, container: &str) -> Event {
    let asked = Asked {
        network: Name::from("lan"),
        interface: Name::from("net1"),
        addresses: Vec::new(),
    };
    let (token, container) = (Token(token), Name::from(container));
    Event::Add(AddRequest {
        token,
        container,
        owner: POD,
        asked: vec![asked],
    })
}

pub(super) fn no_parent() -> Event {
    Event::Parents([(LAN, "eth1 is gone".to_owned())].into())
}

pub(super) fn recalled(generation: u64) -> Event {
    let mut snapshot = mk_snapshot(generation);
    snapshot.recalls.insert((address(), SEQ));
    Event::Spec {
        snapshot,
        quorum: false,
    }
}

/// Whether a link is to be made.
pub(super) fn makes(effects: &[Effect]) -> bool {
    let is_make = |effect: &Effect| matches!(effect, Effect::Make { .. });
    effects.iter().any(is_make)
}

pub(super) fn replies(effects: &[Effect]) -> Vec<(u64, &Outcome)> {
    let replies = effects.iter().filter_map(|effect| match effect {
        Effect::Reply(token, outcome) => Some((token.0, outcome)),
        Effect::SaveRecord(..)
        | Effect::DropRecord(_)
        | Effect::SaveReleased
        | Effect::SaveSuspicion
        | Effect::SaveSnapshot
        | Effect::ReadSpec
        | Effect::Probe { .. }
        | Effect::Make { .. }
        | Effect::Remove(_)
        | Effect::Publish => None,
    });
    replies.collect()
}

#[test]
fn the_record_is_pending_before_the_link_and_active_before_the_reply() {
    let mut node = Node::granted();
    let effects = node.step(mk_add(1, "c1"));
    assert!(matches!(&effects[0], Effect::SaveRecord(_, r) if r.phase == Phase::Pending));
    assert!(matches!(&effects[1], Effect::Make { .. }));
    let effects = node.step(Event::Made(mk_key("c1")));
    assert!(matches!(&effects[0], Effect::SaveRecord(_, r) if r.phase == Phase::Active));
    assert_eq!(replies(&effects), [(1, &Outcome::Done)]);
    assert_eq!(node.durable.attached(), BTreeSet::from([(address(), SEQ)]));
}

#[test]
fn an_add_waits_for_its_grant_and_times_out_with_the_refusals_sentence() {
    let mut node = Node::granted();
    let mut snapshot = mk_snapshot(2);
    snapshot.grants.clear();
    let message = "network lan has no free address".to_owned();
    let refusal = Refusal {
        reason: "AddressPoolExhausted".to_owned(),
        message,
        is_final: false,
    };
    snapshot.refusals.insert(POD, refusal.clone());
    node.step(Event::Spec {
        snapshot,
        quorum: false,
    });
    assert_eq!(node.step(mk_add(1, "c1")), []);
    let effects = node.step(Event::Timeout(Token(1)));
    assert_eq!(
        replies(&effects),
        [(1, &Outcome::TryAgain(refusal.message))]
    );

    node.step(mk_add(2, "c2"));
    let effects = node.step(Event::Spec {
        snapshot: mk_snapshot(3),
        quorum: false,
    });
    assert!(makes(&effects));
}

#[test]
fn a_final_refusal_fails_at_once() {
    let mut node = Node::granted();
    let mut snapshot = mk_snapshot(2);
    snapshot.grants.clear();
    let message = "there is no network lan".to_owned();
    let refusal = Refusal {
        reason: "UnknownNetwork".to_owned(),
        message,
        is_final: true,
    };
    snapshot.refusals.insert(POD, refusal.clone());
    node.step(Event::Spec {
        snapshot,
        quorum: false,
    });
    let effects = node.step(mk_add(1, "c1"));
    assert_eq!(replies(&effects), [(1, &Outcome::Refused(refusal.message))]);
}

#[test]
fn the_older_sandbox_loses_its_device_then_its_record_then_the_newer_attaches() {
    let mut node = Node::attached("c1");
    let effects = node.step(mk_add(2, "c2"));
    assert!(effects.contains(&Effect::Remove(mk_key("c1"))));
    assert!(!makes(&effects));
    let effects = node.step(Event::Gone(mk_key("c1")));
    let dropped = effects
        .iter()
        .position(|e| *e == Effect::DropRecord(mk_key("c1")));
    let made = effects
        .iter()
        .position(|e| matches!(e, Effect::Make { .. }));
    assert!(dropped.unwrap() < made.unwrap());
}

#[test]
fn an_older_device_that_stays_fails_the_newer_add() {
    let mut node = Node::attached("c1");
    node.step(mk_add(2, "c2"));
    let (key, why) = (mk_key("c1"), "busy".to_owned());
    let effects = node.step(Event::NotGone {
        key,
        why,
        left_to_kernel: false,
    });
    // The PENDING record of c2 had no link; undoing it confirms that and drops it.
    let rest = node.step(Event::Gone(mk_key("c2")));
    let all: Vec<Effect> = effects.into_iter().chain(rest).collect();
    assert!(matches!(replies(&all)[..], [(2, Outcome::Failed(text))] if text.contains("busy")));
    assert!(
        node.durable.records.contains_key(&mk_key("c1")),
        "still there, still recorded"
    );
    assert!(!node.durable.records.contains_key(&mk_key("c2")));
}

#[test]
fn a_recall_is_acknowledged_only_when_no_record_of_any_phase_holds_the_address() {
    let mut node = Node::granted();
    node.step(mk_add(1, "c1"));
    assert_eq!(
        node.step(recalled(2)),
        [Effect::SaveSnapshot],
        "PENDING holds it"
    );
    node.step(Event::Made(mk_key("c1")));
    assert!(node.durable.released.is_empty(), "ACTIVE holds it");
    node.step(Event::Del {
        token: Token(2),
        container: Name::from("c1"),
        interface: None,
    });
    assert!(node.durable.released.is_empty(), "DETACHING holds it");
    let effects = node.step(Event::Gone(mk_key("c1")));
    assert!(effects.contains(&Effect::SaveReleased));
    assert_eq!(node.durable.released, BTreeSet::from([(address(), SEQ)]));
}

#[test]
fn a_grant_under_recall_is_never_attached() {
    let mut node = Node::granted();
    node.step(recalled(2));
    let effects = node.step(mk_add(1, "c1"));
    assert_eq!(effects, []);
}

#[test]
fn released_is_forgotten_only_after_one_version_showed_it_and_granted_it_no_more() {
    let mut node = Node::granted();
    node.step(recalled(2));
    let key = (address(), SEQ);
    let mut shown = mk_snapshot(3);
    shown.status_released.insert(key);
    node.step(Event::Spec {
        snapshot: shown.clone(),
        quorum: false,
    });
    assert!(
        node.durable.released.contains(&key),
        "the spec still grants it"
    );
    shown.generation = 4;
    shown.grants.clear();
    shown.status_released.clear();
    node.step(Event::Spec {
        snapshot: shown.clone(),
        quorum: false,
    });
    assert!(
        node.durable.released.contains(&key),
        "that version did not show it as released"
    );
    shown.status_released.insert(key);
    node.step(Event::Spec {
        snapshot: shown,
        quorum: false,
    });
    assert!(node.durable.released.is_empty());
}

#[test]
fn a_cold_agent_serves_and_acknowledges_nothing_before_its_quorum_read_and_scan() {
    let mut node = Node {
        volatile: Volatile::start(MACHINE, true),
        durable: Durable::default(),
    };
    node.step(recalled(1));
    assert!(node.durable.released.is_empty());
    node.step(Event::Spec {
        snapshot: mk_snapshot(2),
        quorum: true,
    });
    assert_eq!(node.step(mk_add(1, "c1")), []);
    let effects = node.step(Event::Scanned(BTreeSet::new()));
    assert!(makes(&effects));
}

#[test]
fn an_unexplained_device_blocks_its_address() {
    let mut node = Node {
        volatile: Volatile::start(MACHINE, true),
        durable: Durable::default(),
    };
    node.step(Event::Scanned(BTreeSet::from([address()])));
    node.step(Event::Spec {
        snapshot: mk_snapshot(2),
        quorum: true,
    });
    assert_eq!(node.step(mk_add(1, "c1")), []);
}

#[test]
fn another_machine_under_the_nodes_name_serves_nothing() {
    let mut node = Node {
        volatile: Volatile::start(Uid(2), false),
        durable: Durable::default(),
    };
    node.step(Event::Spec {
        snapshot: mk_snapshot(1),
        quorum: true,
    });
    assert_eq!(node.step(mk_add(1, "c1")), []);
    node.step(recalled(2));
    assert!(node.durable.released.is_empty());
}

#[test]
fn an_older_version_is_ignored_and_another_uid_needs_a_quorum_read() {
    let mut node = Node::granted();
    node.step(recalled(5));
    assert_eq!(
        node.step(Event::Spec {
            snapshot: mk_snapshot(4),
            quorum: false
        }),
        [Effect::ReadSpec],
        "the list may be late, or etcd was restored: a quorum read tells"
    );
    assert_eq!(node.durable.snapshot.as_ref().unwrap().generation, 5);
    let mut other = mk_snapshot(1);
    other.uid = Uid(10);
    let effects = node.step(Event::Spec {
        snapshot: other.clone(),
        quorum: false,
    });
    assert_eq!(effects, [Effect::ReadSpec]);
    node.step(Event::Spec {
        snapshot: other,
        quorum: true,
    });
    assert!(
        node.durable.released.contains(&(address(), SEQ)),
        "kept over the new object"
    );
}

#[test]
fn a_del_ends_the_add_in_flight_and_waits_for_its_end() {
    let mut node = Node::granted();
    node.step(mk_add(1, "c1"));
    let effects = node.step(Event::Del {
        token: Token(2),
        container: Name::from("c1"),
        interface: None,
    });
    assert_eq!(replies(&effects), []);
    let effects = node.step(Event::Made(mk_key("c1")));
    assert!(effects.contains(&Effect::Remove(mk_key("c1"))));
    let effects = node.step(Event::Gone(mk_key("c1")));
    let answers = replies(&effects);
    assert!(matches!(
        answers[..],
        [(1, Outcome::TryAgain(_)), (2, Outcome::Done)]
    ));
    assert!(node.durable.records.is_empty());
}

#[test]
fn half_a_dual_stack_is_never_attached() {
    let mut node = Node::granted();
    let mut snapshot = mk_snapshot(2);
    snapshot
        .networks
        .get_mut(&LAN)
        .unwrap()
        .families
        .insert(Family::V6);
    node.step(Event::Spec {
        snapshot,
        quorum: false,
    });
    assert_eq!(node.step(mk_add(1, "c1")), []);
}

#[test]
fn a_delegates_del_takes_the_one_interface() {
    let mut node = Node::attached("c1");
    let other = Key {
        interface: Name::from("net2"),
        ..mk_key("c1")
    };
    let record = node.durable.records.values().next().unwrap().clone();
    node.durable.records.insert(other.clone(), record);
    let effects = node.step(Event::Del {
        token: Token(2),
        container: Name::from("c1"),
        interface: Some(Name::from("net2")),
    });
    assert!(effects.contains(&Effect::Remove(other.clone())));
    assert!(!effects.contains(&Effect::Remove(mk_key("c1"))));
    let effects = node.step(Event::Gone(other));
    assert_eq!(replies(&effects), [(2, &Outcome::Done)]);
    assert_eq!(node.durable.attached().len(), 1);
}

#[test]
fn an_add_that_waits_is_over_when_its_plugin_goes() {
    let mut node = Node::granted();
    node.durable.snapshot = None;
    assert_eq!(node.step(mk_add(1, "c1")), []);
    let effects = node.step(Event::Abort(Token(1)));
    assert!(matches!(replies(&effects)[..], [(1, Outcome::TryAgain(_))]));
    assert_eq!(node.step(Event::Timeout(Token(1))), []);
}

#[test]
fn an_add_waits_for_a_parent_and_starts_when_it_is_back() {
    let mut node = Node::granted();
    node.step(no_parent());
    assert_eq!(node.step(mk_add(1, "c1")), []);
    assert!(node.durable.records.is_empty());
    let effects = node.step(Event::Parents(BTreeMap::new()));
    assert!(effects.iter().any(|e| matches!(e, Effect::Make { .. })));
}

#[test]
fn an_add_without_a_parent_times_out_with_the_parents_sentence() {
    let mut node = Node::granted();
    node.step(no_parent());
    node.step(mk_add(1, "c1"));
    let effects = node.step(Event::Timeout(Token(1)));
    let why = Outcome::TryAgain("eth1 is gone".to_owned());
    assert_eq!(replies(&effects), [(1, &why)]);
}

#[test]
fn a_sandbox_that_is_granted_another_address_loses_the_first_before_the_new_one_is_made() {
    let mut node = Node::attached("c1");
    let mut snapshot = mk_snapshot(2);
    let other = ("10.0.0.2".parse().unwrap(), SEQ);
    snapshot.grants[0].address = Some(other);
    node.step(Event::Spec {
        snapshot,
        quorum: false,
    });
    let effects = node.step(mk_add(2, "c1"));
    assert!(effects.contains(&Effect::Remove(mk_key("c1"))));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Make { .. })));
    let effects = node.step(Event::Gone(mk_key("c1")));
    let pending = effects
        .iter()
        .position(|e| matches!(e, Effect::SaveRecord(_, r) if r.addresses == [other]));
    let made = effects
        .iter()
        .position(|e| matches!(e, Effect::Make { .. }));
    assert!(pending.unwrap() < made.unwrap());
    node.step(Event::Made(mk_key("c1")));
    assert_eq!(node.durable.attached(), BTreeSet::from([other]));
}

#[test]
fn a_cold_agent_is_not_ready_by_an_object_for_another_machine() {
    let mut node = Node {
        volatile: Volatile::start(MACHINE, true),
        durable: Durable::default(),
    };
    node.step(Event::Scanned(BTreeSet::new()));
    let mut others = mk_snapshot(1);
    others.machine = Uid(2);
    others.status_released.insert((address(), SEQ));
    node.step(Event::Spec {
        snapshot: others,
        quorum: true,
    });
    assert!(node.durable.released.is_empty(), "theirs, not ours");
    node.step(Event::Spec {
        snapshot: mk_snapshot(2),
        quorum: false,
    });
    assert_eq!(node.step(mk_add(1, "c1")), [], "not yet read with quorum");
    let effects = node.step(Event::Spec {
        snapshot: mk_snapshot(2),
        quorum: true,
    });
    assert!(effects.iter().any(|e| matches!(e, Effect::Make { .. })));
}

#[test]
fn a_grant_of_an_address_that_another_attachment_has_is_not_served() {
    let mut node = Node::attached("c1");
    let mut edited = mk_snapshot(2);
    edited.grants[0].owner = Uid(200);
    node.step(Event::Spec {
        snapshot: edited,
        quorum: false,
    });
    let Event::Add(mut request) = mk_add(2, "c2") else {
        panic!("no ADD");
    };
    request.owner = Uid(200);
    assert_eq!(node.step(Event::Add(request)), []);
    assert_eq!(node.durable.records.len(), 1);
}

/// The pod's second interface is another plugin's.
#[test]
fn what_another_plugin_serves_is_passed_over() {
    let asked = |network: &str, interface: &str| Asked {
        network: Name::from(network),
        interface: Name::from(interface),
        addresses: Vec::new(),
    };
    let add = |token: u64, container: &str, asked: Vec<Asked>| {
        Event::Add(AddRequest {
            token: Token(token),
            container: Name::from(container),
            owner: POD,
            asked,
        })
    };
    let effects = |event: Event| {
        let other = (POD, Name::from("net2"), Name::from("fast"));
        let snapshot = Snapshot {
            not_ours: [other].into(),
            ..mk_snapshot(1)
        };
        let mut durable = Durable {
            snapshot: Some(snapshot),
            ..Durable::default()
        };
        step(&mut Volatile::start(MACHINE, false), &mut durable, event)
    };
    let both = vec![asked("lan", "net1"), asked("fast", "net2")];
    let effects_of_both = effects(add(1, "c1", both));
    let made = effects_of_both.iter().filter_map(|effect| {
        if let Effect::Make { key, .. } = effect {
            Some(key.clone())
        } else {
            None
        }
    });
    assert_eq!(made.collect::<Vec<_>>(), [mk_key("c1")]);
    let none = vec![asked("fast", "net2")];
    let done = [Effect::Reply(Token(2), Outcome::Done)];
    assert_eq!(effects(add(2, "c2", none)), done);
    // The same name for another interface is not what the operator judged.
    let elsewhere = vec![asked("fast", "net3")];
    assert_eq!(effects(add(3, "c3", elsewhere)), []);
}
