extern crate std;

use std::{string::String, vec};

use super::super::{
    tests::{LAN, POD, blocks, grant_of, mk_block, mk_entry, mk_pod, mk_view, node_spec, put},
    *,
};
use crate::{
    id::{Name, Uid},
    ledger::{
        claims::{Claim, Shares},
        forsaken::forsaken,
        fresh::Tick,
        view::Restore,
    },
};

fn id(address: &str) -> BlockId {
    BlockId::of(&Name::from("lan"), address.parse().unwrap())
}

/// A pod waits for an address; the first of two blocks can't be read, the second is empty.
fn mk_unread(cidr: &str) -> View {
    let mut view = mk_view(&[cidr]);
    view.unread.blocks.insert(id("10.0.0.0"));
    put(&mut view, mk_block("10.0.1.0", &[]), Some(2));
    view.pods.insert(POD, mk_pod());
    view
}

fn refusal(view: &View) -> String {
    let decision = decide(view, Rules::SHIPPED);
    assert_eq!(
        decision.writes.len(),
        1,
        "only the node is told: {decision:?}"
    );
    decision.refusals[&POD].message.clone()
}

#[test]
fn a_pod_gets_an_address_of_another_block_than_the_one_that_cannot_be_read() {
    let decision = decide(&mk_unread("10.0.0.0/23"), Rules::SHIPPED);
    let block = blocks(&decision)[0];
    let taken = block.entries.keys().next().copied();
    assert_eq!(taken, Some("10.0.1.0".parse().unwrap()));
    assert_eq!(decision.writes.len(), 1, "the other is not made anew");
}

#[test]
fn nothing_of_a_block_that_cannot_be_read_is_handed_out_and_the_pod_is_told() {
    let mut view = mk_unread("10.0.0.0/24");
    assert!(refusal(&view).contains("AddressBlock lan-0a000000 can't be read"));
    view.pods.get_mut(&POD).unwrap().wants[0].addresses = vec!["10.0.0.7".parse().unwrap()];
    assert!(refusal(&view).contains("AddressBlock lan-0a000000 can't be read"));
}

#[test]
fn what_a_node_has_of_a_block_that_cannot_be_read_stays_as_it_is() {
    let mut view = mk_unread("10.0.0.0/23");
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    let key = grant_of(3).address.unwrap();
    node.spec.grants.push(grant_of(3));
    node.read_at = Some(Tick(3));
    assert_eq!(decide(&view, Rules::SHIPPED).writes, []);
    // The pod goes, and the node has released: the ledger must hear of it first.
    view.pods.clear();
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.recalls.insert(key);
    node.status.released.insert(key);
    assert_eq!(decide(&view, Rules::SHIPPED).writes, []);
    // The network's UID is not known any more, and another segment has the same address.
    let mut other = mk_block("10.0.0.0", &[]);
    other.id.segment = Name::from("other");
    put(&mut view, other, Some(2));
    view.networks.clear();
    assert_eq!(decide(&view, Rules::SHIPPED).writes, []);
}

#[test]
fn a_claim_whose_address_may_be_in_there_takes_no_other() {
    let mut view = mk_unread("10.0.0.0/23");
    view.pods.clear();
    let claim = Claim {
        namespace: Name::from("default"),
        name: Name::from("kept"),
        generation: 1,
        network: Some(LAN),
        is_ending: false,
        addresses: vec![],
        shares: Shares::Whole,
    };
    view.claims.known.insert(Uid(50), claim);
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, []);
    let message = &decision.claims[&Uid(50)].message;
    assert!(message.contains("can't be read"), "{message}");
}

#[test]
fn a_pod_of_a_node_whose_object_cannot_be_read_is_told_and_keeps_what_it_has() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    view.nodes.clear();
    view.unread.nodes.insert(Name::from("n0"));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, []);
    let message = &decision.refusals[&POD].message;
    assert!(
        message.contains("LandfallNode n0 can't be read"),
        "{message}"
    );
    let held = mk_entry(State::Granted, POD, 3);
    put(&mut view, mk_block("10.0.0.0", &[("10.0.0.1", held)]), None);
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!((decision.writes.len(), decision.refusals.len()), (0, 0));
}

/// Somebody copied a grant into another node's object; the node that has it can't be read.
#[test]
fn an_entry_is_not_given_to_a_node_that_lists_a_copy_of_its_grant() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    let mut held = mk_entry(State::Granted, POD, 3);
    held.holder.as_mut().unwrap().node = Name::from("n1");
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", held)]),
        Some(2),
    );
    view.unread.nodes.insert(Name::from("n1"));
    let mut pod = mk_pod();
    pod.node = Name::from("n1");
    view.pods.insert(POD, pod);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.grants.push(grant_of(3));
    node.read_at = Some(Tick(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(blocks(&decision).len(), 0, "{decision:?}");
    let spec = node_spec(&decision).unwrap();
    assert_eq!(spec.recalls.len(), 1, "it is asked back from the copy");
}

/// A pod needs a block that is still to be made.
fn mk_prevented() -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    view.unread.nodes.insert(Name::from("n1"));
    view
}

#[test]
fn no_block_is_made_while_a_node_object_cannot_be_read_and_the_pod_is_told() {
    let mut view = mk_prevented();
    let told = "LandfallNode n1 can't be read, and before it is mended AddressBlock lan-0a000000 can't be \
                made";
    assert!(refusal(&view).starts_with(told), "{}", refusal(&view));
    view.pods.get_mut(&POD).unwrap().wants[0].addresses = vec!["10.0.0.7".parse().unwrap()];
    assert!(refusal(&view).starts_with(told), "{}", refusal(&view));
    view.unread.nodes.clear();
    view.unread.claims.insert(Name::from("default/kept"));
    assert!(refusal(&view).starts_with("AddressClaim default/kept can't be read, "));
    view.unread.claims.clear();
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, [Write::CreateBlock(id("10.0.0.0"))]);
}

#[test]
fn while_no_block_can_be_made_a_pod_gets_what_is_free_or_has_rested_in_those_that_are_there() {
    let mut view = mk_prevented();
    view.networks = mk_view(&["10.0.0.0/31", "10.0.1.0/31"]).networks;
    put(&mut view, mk_block("10.0.1.0", &[]), Some(2));
    let taken = |view: &View| {
        let decision = decide(view, Rules::SHIPPED);
        let block = blocks(&decision).into_iter().next().cloned();
        let entries = block.into_iter().flat_map(|block| block.entries);
        let mine = |entry: &Entry| entry.holder.as_ref().is_some_and(|h| h.owner == POD);
        let mut own = entries.filter(|(_, entry)| mine(entry));
        own.next().map(|(address, _)| address)
    };
    assert_eq!(taken(&view), Some("10.0.1.0".parse().unwrap()));
    let full = [
        ("10.0.1.0", mk_entry(State::Granted, Uid(1), 1)),
        ("10.0.1.1", mk_entry(State::Cooling, Uid(1), 2)),
    ];
    put(&mut view, mk_block("10.0.1.0", &full), Some(2));
    assert_eq!(taken(&view), Some("10.0.1.1".parse().unwrap()));
}

#[test]
fn no_block_is_deleted_while_a_node_object_cannot_be_read() {
    let mut view = mk_view(&["10.9.0.0/24"]);
    put(&mut view, mk_block("10.0.0.0", &[]), None);
    assert_eq!(forsaken(&view), [id("10.0.0.0")]);
    view.unread.nodes.insert(Name::from("n1"));
    assert_eq!(forsaken(&view), []);
}

#[test]
fn a_restore_is_over_only_when_every_block_and_node_object_can_be_read() {
    let mut view = mk_view(&["10.0.0.0/23"]);
    view.nodes.clear();
    view.restore = Restore {
        epoch: 1000,
        adopted: 0,
    };
    let over = [Write::Adopted(1000)];
    assert_eq!(decide(&view, Rules::SHIPPED).writes, over);
    let mut unread = view.clone();
    unread.unread.blocks.insert(id("10.0.0.0"));
    assert_eq!(decide(&unread, Rules::SHIPPED).writes, []);
    view.unread.nodes.insert(Name::from("n1"));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, []);
    assert!(decision.halt.unwrap().message.contains("node n1"));
}

#[test]
fn a_block_is_known_by_the_name_of_its_object() {
    for address in ["10.0.1.0", "fd00::1:2300"] {
        let id = BlockId::of(&Name::from("a-b"), address.parse().unwrap());
        assert_eq!(BlockId::of_object(&id.object_name()), Some(id));
    }
    for name in [
        "lan",
        "lan-0A000000",
        "lan-0a000001",
        "lan-0a00000",
        "lan-+a000000",
    ] {
        assert_eq!(BlockId::of_object(name), None, "{name}");
    }
}
