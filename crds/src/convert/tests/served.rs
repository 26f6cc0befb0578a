use landfall_core::network::{Labels, Network};
use serde_json::{Value, json};

use super::{NetworkObject, ipvlan, macvlan};
use crate::node::{ServedNetwork, ServedParent};

fn served(network: &Network) -> ServedNetwork {
    let served = ServedNetwork::new(network, &Labels::new());
    let text = serde_json::to_string(&served).unwrap();
    let read: ServedNetwork = serde_json::from_str(&text).unwrap();
    assert_eq!(read, served, "what is written is read back");
    served
}

#[test]
fn what_the_operator_writes_the_agent_reads() {
    let patch = json!({"spec": {
        "mode": "source",
        "mac": null,
        "macvlan": {"allowedSources": ["02:00:00:00:00:02", "02-00-00-00-00-01"], "broadcastCutoff": -1},
        "link": {"allMulticast": true},
        "neighbors": [{"address": "10.20.0.254", "mac": "02:00:00:00:00:01"}],
        "announce": {"count": 0},
        "sysctls": {"net.ipv4.conf.IFNAME.arp_ignore": "1"},
    }});
    let network = macvlan(&patch).validate().unwrap();
    let served = served(&network);
    assert_eq!(served.driver(), Ok(network.driver.clone()));
    let parents: Vec<_> = served.parents.iter().map(|p| p.parent().unwrap()).collect();
    assert!(parents.iter().eq(network.parents_for(&Labels::new())));
    assert_eq!(
        (served.announce.count, served.announce.interval_ms),
        (0, 1000)
    );
    assert_eq!(served.subnets.len(), 2);
    // Below `net`, where the agent writes it.
    let (name, value) = served.sysctls.first_key_value().unwrap();
    assert_eq!(
        (name.as_str(), value.as_str()),
        ("ipv4.conf.IFNAME.arp_ignore", "1")
    );

    let network = ipvlan(&json!({"spec": {"mode": "l3", "flag": "vepa"}}))
        .validate()
        .unwrap();
    assert_eq!(self::served(&network).driver(), Ok(network.driver));
}

#[test]
fn an_isolated_network_is_local_to_the_node_only_where_no_node_has_a_parent() {
    let ipam = json!({"subnets": [{"cidr": "10.20.0.0/24"}]});
    for (parents, local) in [(json!([{"interface": "eth1"}]), false), (json!([]), true)] {
        let spec = json!({
            "isolated": true, "parents": parents, "ipam": ipam, "routes": null,
            "defaultRoute": null,
        });
        let object = ipvlan(&json!({"spec": spec}));
        object.validate_cel().unwrap();
        let served = served(&object.validate().unwrap());
        assert_eq!((served.isolated, served.node_local), (true, local));
    }
}

#[test]
fn every_way_to_name_a_parent_comes_back() {
    let parents = json!([
        {"interface": "eth?", "vlan": {"id": 70, "name": "storage", "protocol": "802.1ad"}},
        {"macAddress": "02:00:00:00:00:01"},
        {"pciAddress": "0000:3B:00.1", "vlan": {"id": 4094}},
        {"subnet": "10.20.0.0/24"},
        {"fromDefaultRoute": true},
    ]);
    let object = macvlan(&json!({"spec": {"parents": parents}}));
    object.validate_cel().unwrap();
    let network = object.validate().unwrap();
    for rule in &network.parents {
        assert_eq!(
            ServedParent::from(&rule.parent).parent().as_ref(),
            Some(&rule.parent)
        );
    }
}

/// A newer operator may know words that this program does not.
#[test]
fn unknown_words_are_a_fault_of_one_network() {
    let network = macvlan(&json!({})).validate().unwrap();
    for (field, value) in [("kind", "Tap"), ("mode", "l4")] {
        let mut object: Value = serde_json::to_value(served(&network)).unwrap();
        object[field] = value.into();
        let served: ServedNetwork = serde_json::from_value(object).unwrap();
        assert!(served.driver().is_err(), "{field}");
    }
    assert_eq!(ServedParent::default().parent(), None);
}

#[test]
fn defaults_are_left_out() {
    let network = ipvlan(&json!({})).validate().unwrap();
    let value = serde_json::to_value(served(&network)).unwrap();
    for absent in [
        "flag",
        "macvlan",
        "link",
        "ipv6",
        "hostAccess",
        "paused",
        "sysctls",
    ] {
        assert_eq!(value.get(absent), None, "{absent}");
    }
}
