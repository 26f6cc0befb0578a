extern crate std;

use super::forsaken;
use crate::{
    id::Name,
    ledger::{
        State, View,
        tests::{POD, grant_of, mk_block, mk_entry, mk_view, put},
        view::NodeView,
    },
};

/// An empty block of a segment that has no network in it.
fn mk_empty() -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.networks.clear();
    put(&mut view, mk_block("10.0.0.0", &[]), None);
    view
}

fn is_forsaken(view: &View) -> bool {
    !forsaken(view).is_empty()
}

#[test]
fn an_empty_block_that_no_network_serves_and_no_node_names_may_go() {
    assert!(is_forsaken(&mk_empty()));
}

#[test]
fn a_block_that_a_network_serves_stays() {
    let served = [
        ("10.0.0.0/16", false),
        ("10.0.0.128/25", false),
        ("10.0.1.0/24", true),
    ];
    for (cidr, expected) in served {
        let mut view = mk_view(&[cidr]);
        put(&mut view, mk_block("10.0.0.0", &[]), None);
        assert_eq!(is_forsaken(&view), expected, "{cidr}");
        let network = view.networks.values_mut().next().unwrap();
        network.network.segment = Name::from("another");
        assert!(is_forsaken(&view), "{cidr} in another segment");
    }
}

#[test]
fn a_block_with_an_entry_stays_whatever_its_state() {
    for state in [State::Granted, State::Reserved, State::Cooling] {
        let mut view = mk_empty();
        let entries = [("10.0.0.1", mk_entry(state, POD, 3))];
        put(&mut view, mk_block("10.0.0.0", &entries), None);
        assert!(!is_forsaken(&view), "{state:?}");
    }
}

#[test]
fn a_block_that_a_node_object_names_stays() {
    let named: [fn(&mut NodeView); 3] = [
        |node| node.spec.grants.push(grant_of(3)),
        |node| node.spec.fenced.push(grant_of(3)),
        |node| node.spec.recalls.extend(grant_of(3).address),
    ];
    for name in named {
        let mut view = mk_empty();
        name(view.nodes.get_mut(&Name::from("n0")).unwrap());
        assert!(!is_forsaken(&view));
    }
}
