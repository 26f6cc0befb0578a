extern crate std;

use std::{borrow::ToOwned as _, vec::Vec};

use super::super::{
    Rules, State, View, decide,
    tests::{LAN, POD, blocks, grant_of, mk_block, mk_entry, mk_node, mk_pod, mk_view, put},
    view::Pod,
};
use crate::id::{Name, Uid};

/// A pod on a node whose agent says that the network has no parent there, and one address.
fn mk_parentless() -> View {
    let mut view = mk_view(&["10.0.0.1/32"]);
    put(&mut view, mk_block("10.0.0.0", &[]), Some(2));
    view.pods.insert(POD, mk_pod());
    say(
        &mut view,
        Some("network lan has no parent (there is no eth9)"),
    );
    view
}

fn say(view: &mut View, why: Option<&str>) {
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.without_parent = why.map(|why| (LAN, why.to_owned())).into_iter().collect();
}

/// The owners that a decision grants addresses to.
fn owners(view: &View) -> Vec<Uid> {
    let decision = decide(view, Rules::SHIPPED);
    let blocks = blocks(&decision).into_iter();
    let entries = blocks.flat_map(|block| block.entries.values());
    let granted = entries.filter(|entry| entry.state == State::Granted);
    granted
        .filter_map(|entry| Some(entry.holder.as_ref()?.owner))
        .collect()
}

#[test]
fn a_pod_whose_node_has_no_parent_holds_no_address_and_is_told_why() {
    let mut view = mk_parentless();
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(blocks(&decision).len(), 0, "{decision:?}");
    let refusal = &decision.refusals[&POD];
    assert_eq!(
        (refusal.reason.as_str(), refusal.is_final),
        ("ParentInterfaceMissing", false)
    );
    let message = "on node n0, network lan has no parent (there is no eth9): the pod starts by itself \
                   when there is one";
    assert_eq!(refusal.message, message);
    say(&mut view, None);
    assert_eq!(owners(&view), [POD]);
}

#[test]
fn the_address_that_it_would_have_is_another_nodes_meanwhile() {
    let mut view = mk_parentless();
    view.nodes.insert(Name::from("n1"), mk_node("n1"));
    let node = Name::from("n1");
    view.pods.insert(Uid(200), Pod { node, ..mk_pod() });
    assert_eq!(owners(&view), [Uid(200)]);
}

#[test]
fn what_was_granted_stays_when_the_parent_goes() {
    let mut view = mk_parentless();
    let held = mk_entry(State::Granted, POD, 3);
    put(&mut view, mk_block("10.0.0.0", &[("10.0.0.1", held)]), None);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.grants.push(grant_of(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!((decision.writes.len(), decision.refusals.len()), (0, 0));
}

/// Of two families one is RESERVED when the parent goes.
#[test]
fn what_was_only_reserved_goes_back() {
    let mut view = mk_view(&["10.0.0.0/24", "fd00::/64"]);
    view.pods.insert(POD, mk_pod());
    let reserved = mk_entry(State::Reserved, POD, 3);
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", reserved)]),
        Some(2),
    );
    put(&mut view, mk_block("fd00::", &[]), Some(2));
    say(&mut view, Some("gone"));
    let decision = decide(&view, Rules::SHIPPED);
    let written = blocks(&decision);
    assert_eq!(written.len(), 1, "{decision:?}");
    assert!(written[0].entries.is_empty(), "{decision:?}");
}
