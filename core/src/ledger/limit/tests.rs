extern crate std;

use std::{collections::BTreeMap, string::String, vec::Vec};

use super::super::{
    Block, Decision, Entry, Rules, State, View, decide,
    tests::{LAN, blocks, mk_block, mk_entry, mk_pod, mk_view, put},
    view::Pod,
};
use crate::id::{Name, Uid};

const BLOCK: &str = "10.0.0.0";

fn n0() -> Name {
    Name::from("n0")
}

/// A view with one network that has this limit, and a block with these entries.
fn mk_limited(limit: u32, entries: &[(&str, Entry)]) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    set_limit(&mut view, Some(limit));
    put(&mut view, mk_block(BLOCK, entries), Some(2));
    view
}

fn set_limit(view: &mut View, limit: Option<u32>) {
    let network = view.networks.get_mut(&LAN).unwrap();
    network.network.limit_per_namespace = limit;
}

fn add_pod(view: &mut View, owner: Uid, namespace: &str) {
    let pod = mk_pod();
    let namespace = Name::from(namespace);
    view.pods.insert(owner, Pod { namespace, ..pod });
}

/// The owners that have an address after the decision, in the order of their addresses.
fn owners(decision: &Decision) -> Vec<Uid> {
    let blocks = blocks(decision).into_iter();
    let entries = blocks.flat_map(|block: &Block| block.entries.values());
    entries
        .filter_map(|entry| Some(entry.holder.as_ref()?.owner))
        .collect()
}

fn refused(decision: &Decision) -> Vec<(Uid, &str, bool)> {
    let refusals = decision.refusals.iter();
    refusals
        .map(|(owner, refusal)| (*owner, refusal.reason.as_str(), refusal.is_final))
        .collect()
}

const EXHAUSTED: &str = "AddressPoolExhausted";

#[test]
fn a_namespace_gets_no_more_than_the_limit_and_others_are_served_all_the_same() {
    let mut view = mk_limited(2, &[]);
    for owner in 1..=4 {
        add_pod(&mut view, Uid(owner), "greedy");
    }
    add_pod(&mut view, Uid(5), "modest");
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(owners(&decision), [Uid(1), Uid(2), Uid(5)]);
    let expected = [(Uid(3), EXHAUSTED, false), (Uid(4), EXHAUSTED, false)];
    assert_eq!(refused(&decision), expected);
    let message: &String = &decision.refusals[&Uid(3)].message;
    for part in ["greedy", "spec.limits.perNamespace", "no more than 2"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_address_on_its_way_back_counts_until_it_is_released() {
    let states = [
        (State::Granted, false),
        (State::Recalling, false),
        (State::Quarantined, false),
        (State::Fencing, false),
        (State::Cooling, true),
    ];
    for (state, is_served) in states {
        // The pod that had it is gone: its namespace is known from the node object.
        let mut view = mk_limited(1, &[("10.0.0.1", mk_entry(state, Uid(1), 3))]);
        let node = view.nodes.get_mut(&n0()).unwrap();
        node.namespaces = BTreeMap::from([(Uid(1), Name::from("greedy"))]);
        add_pod(&mut view, Uid(2), "greedy");
        let decision = decide(&view, Rules::SHIPPED);
        let served = owners(&decision).contains(&Uid(2));
        assert_eq!(served, is_served, "{state:?}");
        assert_eq!(refused(&decision).is_empty(), is_served, "{state:?}");
    }
}

#[test]
fn both_families_count_and_a_pod_gets_both_or_none() {
    for (limit, is_served) in [(4, true), (3, false)] {
        let mut view = mk_view(&["10.0.0.0/24", "fd00::/120"]);
        set_limit(&mut view, Some(limit));
        put(&mut view, mk_block(BLOCK, &[]), Some(2));
        put(&mut view, mk_block("fd00::", &[]), Some(2));
        add_pod(&mut view, Uid(1), "greedy");
        add_pod(&mut view, Uid(2), "greedy");
        let decision = decide(&view, Rules::SHIPPED);
        let of_second = owners(&decision);
        let of_second = of_second.iter().filter(|owner| **owner == Uid(2)).count();
        assert_eq!(of_second, if is_served { 2 } else { 0 }, "limit {limit}");
        assert_eq!(refused(&decision).is_empty(), is_served, "limit {limit}");
    }
}

#[test]
fn a_change_of_the_limit_is_live_and_takes_nothing_back() {
    let entries = [
        ("10.0.0.1", mk_entry(State::Granted, Uid(1), 3)),
        ("10.0.0.2", mk_entry(State::Granted, Uid(2), 4)),
    ];
    let mut view = mk_limited(1, &entries);
    for owner in 1..=3 {
        add_pod(&mut view, Uid(owner), "greedy");
    }
    let lowered = decide(&view, Rules::SHIPPED);
    assert_eq!(refused(&lowered), [(Uid(3), EXHAUSTED, false)]);
    assert!(blocks(&lowered).is_empty(), "{lowered:?}");
    for raised in [Some(3), None] {
        set_limit(&mut view, raised);
        let decision = decide(&view, Rules::SHIPPED);
        assert_eq!(owners(&decision), [Uid(1), Uid(2), Uid(3)], "{raised:?}");
        assert!(refused(&decision).is_empty(), "{raised:?}");
    }
}

#[test]
fn what_is_set_aside_goes_back_if_the_limit_leaves_no_room_for_the_rest() {
    let mut view = mk_view(&["10.0.0.0/24", "fd00::/120"]);
    set_limit(&mut view, Some(1));
    let reserved = mk_entry(State::Reserved, Uid(1), 3);
    put(
        &mut view,
        mk_block(BLOCK, &[("10.0.0.1", reserved)]),
        Some(2),
    );
    put(&mut view, mk_block("fd00::", &[]), Some(2));
    add_pod(&mut view, Uid(1), "greedy");
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(refused(&decision), [(Uid(1), EXHAUSTED, false)]);
    assert_eq!(owners(&decision), []);
    assert_eq!(blocks(&decision).len(), 1, "the block of the first family");
}
