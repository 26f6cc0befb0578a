use std::{net::IpAddr, vec::Vec};

extern crate std;

use crate::{
    id::{Name, Seq, Uid},
    ledger::{
        Conflict, Decision, Entry, Rules, State, View, decide,
        tests::{LAN, POD, blocks, grant_of, mk_block, mk_entry, mk_pod, mk_view, node_spec, put},
    },
    mac::Mac,
    network::FOREIGN_MS,
};

const WHO: Mac = Mac([2, 0, 0, 0, 0, 9]);

fn address() -> IpAddr {
    "10.0.0.1".parse().unwrap()
}

/// POD's grant has met another host.
fn mk_met(released: bool) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let entry = mk_entry(State::Granted, POD, 3);
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", entry)]),
        Some(2),
    );
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.grants.push(grant_of(3));
    let key = (
        address(),
        Seq {
            epoch: 5,
            counter: 3,
        },
    );
    node.status.conflicts.insert(key, WHO);
    if released {
        node.status.released.insert(key);
    }
    view
}

fn mk_foreign(since: u64) -> Entry {
    Entry {
        foreign: Some(WHO),
        since,
        ..mk_entry(State::Foreign, POD, 3)
    }
}

fn entry(decision: &Decision, address: &str) -> Option<Entry> {
    let address = address.parse().unwrap();
    blocks(decision).first()?.entries.get(&address).cloned()
}

#[test]
fn a_conflict_that_is_released_leaves_the_address_to_who_has_it_and_the_pod_gets_another() {
    let view = mk_met(true);
    let decision = decide(&view, Rules::SHIPPED);
    let foreign = entry(&decision, "10.0.0.1").unwrap();
    assert_eq!(
        (foreign.state, foreign.foreign, foreign.holder),
        (State::Foreign, Some(WHO), None)
    );
    let conflict = Conflict {
        network: LAN,
        owner: POD,
        node: Name::from("n0"),
        address: address(),
        mac: WHO,
    };
    assert_eq!(decision.conflicts, [conflict]);
    assert!(decision.repairs.is_empty());

    let mut after = view;
    put(&mut after, blocks(&decision)[0].clone(), Some(3));
    let decision = decide(&after, Rules::SHIPPED);
    assert!(decision.conflicts.is_empty() && decision.repairs.is_empty());
    assert_eq!(node_spec(&decision).unwrap().grants, []);
    let other = entry(&decision, "10.0.0.2").unwrap();
    assert_eq!(other.state, State::Granted);
}

#[test]
fn a_conflict_alone_frees_nothing() {
    let decision = decide(&mk_met(false), Rules::SHIPPED);
    assert!(decision.conflicts.is_empty() && blocks(&decision).is_empty());
    // Nor does one that another machine has said.
    let mut view = mk_met(true);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.status.machine = Uid::of("another machine");
    let decision = decide(&view, Rules::SHIPPED);
    assert!(decision.conflicts.is_empty() && blocks(&decision).is_empty());
}

#[test]
fn an_address_of_another_host_is_free_again_after_its_time_and_not_before() {
    for (age, is_free) in [(0, false), (FOREIGN_MS - 1, false), (FOREIGN_MS, true)] {
        let mut view = mk_view(&["10.0.0.0/24"]);
        view.now = 2 * FOREIGN_MS;
        let entries = [("10.0.0.1", mk_foreign(view.now - age))];
        put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
        let decision = decide(&view, Rules::SHIPPED);
        let forgotten = blocks(&decision)
            .first()
            .is_some_and(|b| b.entries.is_empty());
        assert_eq!(forgotten, is_free, "after {age} ms");
    }
    // A clock that was ahead: its time begins anew, and who has it is not forgotten.
    let mut view = mk_view(&["10.0.0.0/24"]);
    let entries = [("10.0.0.1", mk_foreign(view.now + 1))];
    put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
    let after = entry(&decide(&view, Rules::SHIPPED), "10.0.0.1").unwrap();
    assert_eq!((after.since, after.foreign), (view.now, Some(WHO)));
}

/// What is known of a host of the LAN keeps no block of a network that is gone, unless another network may
/// hand the address out.
#[test]
fn an_address_of_another_host_goes_with_its_network() {
    for (cidr, segment, goes) in [
        ("10.0.0.0/24", "lan", false),
        ("10.0.1.0/24", "lan", true),
        ("10.0.0.0/24", "other", true),
    ] {
        let mut view = mk_view(&[cidr]);
        let mut other = view.networks.remove(&LAN).unwrap();
        other.network.uid = Uid(8);
        other.network.segment = Name::from(segment);
        view.networks.insert(Uid(8), other);
        let entries = [("10.0.0.1", mk_foreign(view.now - 1))];
        put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
        let decision = decide(&view, Rules::SHIPPED);
        let blocks = blocks(&decision);
        assert_eq!(blocks.len(), usize::from(goes), "{cidr} in {segment}");
        assert!(blocks.iter().all(|block| block.entries.is_empty()));
    }
}

#[test]
fn who_requests_an_address_of_another_host_is_told_who_has_it() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    let mut pod = mk_pod();
    pod.wants[0].addresses = Vec::from([address()]);
    view.pods.insert(POD, pod);
    let since = view.now - 1000;
    let entries = [("10.0.0.1", mk_foreign(since))];
    put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    let refusal = &decision.refusals[&POD];
    assert_eq!(
        (refusal.reason.as_str(), refusal.is_final),
        ("AddressConflict", false)
    );
    let says = "address 10.0.0.1 of network lan is used by a host of the LAN with hardware address \
                02:00:00:00:00:09";
    assert!(refusal.message.starts_with(says), "{}", refusal.message);
}
