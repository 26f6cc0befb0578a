use std::{collections::BTreeMap, net::IpAddr};

use super::{block, node};
use crate::{
    macvlan::MacvlanNetwork,
    node::{LandfallNodeSpec, PodName},
};
use landfall_core::{
    id::{Name, Seq, Uid},
    ledger::{
        Block, BlockId, Entry, Holder, State, View,
        claims::{Kept, Share},
        view::{self, NetworkView, NodeSpec},
    },
    mac::Mac,
    network::Network,
};
use serde_json::json;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn entry(state: State, counter: u64) -> Entry {
    let has_holder = state.is_held() || state == State::Reserved;
    Entry {
        state,
        seq: Seq { epoch: 7, counter },
        network: Uid(1),
        holder: has_holder.then(|| Holder {
            node: Name::from("a"),
            node_uid: Uid(2),
            machine: Uid(3),
            owner: Uid(4),
            interface: Name::from("net1"),
            index: 1,
        }),
        kept: (state == State::Claimed).then_some(Kept {
            share: Share {
                claim: Uid(9),
                ordinal: Some(2),
            },
            generation: 3,
        }),
        foreign: (state == State::Foreign).then_some(Mac([2, 0, 0, 0, 0, 8])),
        since: 1_700_000_000_123,
    }
}

fn sample() -> Block {
    let states = [
        State::Reserved,
        State::Granted,
        State::Recalling,
        State::Quarantined,
        State::Fencing,
        State::Claimed,
        State::Cooling,
        State::Foreign,
    ];
    let mut block = Block::new(BlockId::of(&Name::from("default"), address("10.20.0.1")), 7);
    for (counter, state) in (1_u8..).zip(states) {
        let address = IpAddr::from([10, 20, 0, counter]);
        block.entries.insert(address, entry(state, counter.into()));
    }
    block.seq.counter = 8;
    block
}

#[test]
fn a_block_survives_its_object() {
    let block = sample();
    let object = block::write(&block, None);
    assert_eq!(object.metadata.name.as_deref(), Some("default-0a140000"));
    assert_eq!(block::read(&object), block);
    let json = serde_json::to_value(&object).unwrap();
    let again = serde_json::from_value(json).unwrap();
    assert_eq!(block::read(&again), block);
}

#[test]
fn what_the_ledger_does_not_know_of_an_entry_is_kept_as_long_as_its_seq_is_the_same() {
    let mut block = sample();
    let mut object = block::write(&block, None);
    let (kept, drawn) = (address("10.20.0.2"), address("10.20.0.3"));
    for address in [kept, drawn] {
        let entry = object.spec.entries.get_mut(&address).unwrap();
        entry.mac = Some("02:00:00:00:00:01".parse().unwrap());
    }
    object.spec.ledger_epoch = Some(5);
    object.metadata.resource_version = Some("12".to_owned());
    block.entries.get_mut(&drawn).unwrap().seq.counter = 9;
    let written = block::write(&block, Some(&object));
    assert_eq!(written.spec.ledger_epoch, Some(5));
    assert_eq!(written.metadata.resource_version.as_deref(), Some("12"));
    assert_eq!(written.spec.entries[&kept], object.spec.entries[&kept]);
    assert_eq!(written.spec.entries[&drawn].mac, None);
}

struct Pods;

impl node::Names for Pods {
    fn pod(&self, _: Uid) -> Option<PodName> {
        Some(PodName {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        })
    }

    fn default_route(&self, _: Uid, _: &Name) -> Option<Vec<IpAddr>> {
        Some(vec![address("10.20.0.1")])
    }
}

fn view() -> View {
    let object: MacvlanNetwork = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "MacvlanNetwork",
        "metadata": {"name": "storage", "uid": Uid(1).to_string()},
        "spec": {
            "namespaces": {},
            "parents": [{"interface": "eth1"}],
            "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]},
        },
    }))
    .unwrap();
    let network = NetworkView {
        network: Network::try_from(&object).unwrap(),
        closed: None,
    };
    View {
        networks: BTreeMap::from([(Uid(1), network)]),
        ..View::default()
    }
}

fn grant(host: u8) -> view::Grant {
    let seq = Seq {
        epoch: 7,
        counter: host.into(),
    };
    view::Grant {
        owner: Uid(4),
        interface: Name::from("net1"),
        network: Uid(1),
        address: Some((IpAddr::from([10, 20, 0, host]), seq)),
        index: 0,
        mac: None,
    }
}

#[test]
fn a_new_grant_says_all_that_the_agent_needs() {
    let protocol = NodeSpec {
        grants: vec![grant(5)],
        ..NodeSpec::default()
    };
    let mut spec = LandfallNodeSpec::default();
    node::write_spec(&protocol, &mut spec, &view(), &Pods);
    let [written] = &spec.grants[..] else {
        panic!("{spec:?}");
    };
    assert_eq!(written.prefix_length, Some(24));
    assert_eq!(written.network_name, "storage");
    assert_eq!(written.pod.name, "web");
    assert_eq!(written.default_route, Some(vec![address("10.20.0.1")]));
    assert_eq!(node::read_spec(&spec), protocol);
}

#[test]
fn a_grant_that_is_listed_stays_word_for_word_when_its_network_is_gone() {
    let protocol = NodeSpec {
        grants: vec![grant(5), grant(6)],
        recalls: [grant(5).address.unwrap()].into(),
        ..NodeSpec::default()
    };
    let mut spec = LandfallNodeSpec::default();
    node::write_spec(&protocol, &mut spec, &view(), &Pods);
    let before = spec.clone();
    let nothing = View {
        networks: BTreeMap::new(),
        ..view()
    };
    node::write_spec(&protocol, &mut spec, &nothing, &Pods);
    assert_eq!(spec, before);
}
