extern crate std;

use std::{collections::BTreeSet, string::ToString, vec::Vec};

use crate::{
    id::{Name, Uid},
    ledger::{
        Decision, Rules, State, View, decide,
        tests::{
            LAN, POD, blocks, grant_of, mk_block, mk_entry, mk_node, mk_pod, mk_view, node_spec,
            put,
        },
        view::Grant,
    },
    mac::Mac,
    network::{Driver, Macvlan, MacvlanMode},
};

const DERIVED: &str = "0a:58:0a:00:00:01";

/// A pod whose address 10.0.0.1 is granted and will be pushed now; another node lists `mac`.
fn mk_push(mac: &str, segment: &str) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let entries = [("10.0.0.1", mk_entry(State::Granted, POD, 3))];
    put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
    let mut network = view.networks[&LAN].clone();
    network.network.uid = Uid(8);
    network.network.segment = Name::from(segment);
    network.network.ipam.subnets.clear();
    view.networks.insert(Uid(8), network);
    let other = Grant {
        owner: Uid(200),
        network: Uid(8),
        address: None,
        mac: mac.parse().ok(),
        ..grant_of(1)
    };
    let mut node = mk_node("n1");
    node.spec.grants.push(other);
    let mut pod = mk_pod();
    pod.node = Name::from("n1");
    pod.wants[0].network = Uid(8);
    view.pods.insert(Uid(200), pod);
    view.nodes.insert(Name::from("n1"), node);
    view
}

/// The same, before the pod of this node has an address.
fn mk_waiting(mac: &str, segment: &str) -> View {
    let mut view = mk_push(mac, segment);
    for block in view.blocks.values_mut() {
        block.value.entries.clear();
    }
    view
}

fn pushed(decision: &Decision) -> Vec<Mac> {
    let spec = node_spec(decision);
    let grants = spec.into_iter().flat_map(|spec| &spec.grants);
    grants.filter_map(|grant| grant.mac).collect()
}

#[test]
fn a_derived_address_that_another_attachment_of_the_segment_has_is_hashed_again() {
    let taken = decide(&mk_push(DERIVED, "lan"), Rules::SHIPPED);
    assert_eq!(pushed(&taken).len(), 1);
    assert_ne!(pushed(&taken)[0].to_string(), DERIVED);
    let elsewhere = decide(&mk_push(DERIVED, "other"), Rules::SHIPPED);
    assert_eq!(pushed(&elsewhere)[0].to_string(), DERIVED);
}

#[test]
fn links_of_mode_passthru_have_their_parents() {
    let mut view = mk_push("02:00:00:00:00:01", "lan");
    view.networks.get_mut(&LAN).unwrap().network.driver = Driver::Macvlan(Macvlan {
        mode: MacvlanMode::Passthru,
        ..Macvlan::default()
    });
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(node_spec(&decision).unwrap().grants.len(), 1);
    assert_eq!(pushed(&decision), []);
}

#[test]
fn a_second_family_gets_the_hardware_address_that_the_interface_has() {
    let mut view = mk_push("02:00:00:00:00:01", "lan");
    let mut listed = grant_of(3);
    listed.mac = "02:00:00:00:00:77".parse().ok();
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.grants.push(listed);
    let two = mk_view(&["10.0.0.0/24", "fd00::/64"]);
    let network = two.networks[&LAN].clone();
    view.networks.insert(LAN, network);
    let entry = mk_entry(State::Granted, POD, 1);
    put(
        &mut view,
        mk_block("fd00::", &[("fd00::1", entry)]),
        Some(2),
    );
    let macs: BTreeSet<_> = pushed(&decide(&view, Rules::SHIPPED)).into_iter().collect();
    assert_eq!(macs.len(), 1, "{macs:?}");
}

#[test]
fn a_requested_address_that_another_attachment_has_is_refused() {
    let mut view = mk_waiting("02:00:00:00:00:01", "lan");
    let want = &mut view.pods.get_mut(&POD).unwrap().wants[0];
    want.mac = "02:00:00:00:00:01".parse().ok();
    let decision = decide(&view, Rules::SHIPPED);
    let refusal = &decision.refusals[&POD];
    assert_eq!(refusal.reason, "InvalidAnnotation");
    assert!(!refusal.is_final, "the other one may go");
    assert!(refusal.message.contains("02:00:00:00:00:01"));
    assert!(blocks(&decision).is_empty(), "no address is taken for it");
}

#[test]
fn of_two_pods_that_ask_for_one_hardware_address_one_is_refused() {
    let mut view = mk_waiting("02:00:00:00:00:01", "lan");
    let mut pod = mk_pod();
    pod.wants[0].mac = "02:00:00:00:00:02".parse().ok();
    view.pods.insert(POD, pod.clone());
    view.pods.insert(Uid(101), pod);
    let refused: Vec<Uid> = decide(&view, Rules::SHIPPED).refusals.into_keys().collect();
    assert_eq!(refused, [Uid(101)]);
}
