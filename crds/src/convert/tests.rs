use landfall_core::{
    address::Family,
    network::{DefaultRoute, Driver, IpamType, Labels, MacvlanMode, Network, NodeDeletion},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::NetworkObject;
use crate::{ipvlan::IpvlanNetwork, macvlan::MacvlanNetwork, node::ServedNetwork};

mod faults;
mod not_implemented;
mod served;

/// The object of the API document, with everything in it that is served.
fn good() -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "MacvlanNetwork",
        "metadata": {"name": "storage", "uid": "6f1c2f5e-3a4b-4c5d-8e9f-0123456789ab"},
        "spec": {
            "namespaces": {},
            "segment": "default",
            "mode": "bridge",
            "parents": [
                {"nodeSelector": {"matchLabels": {"rack": "a"}}, "interface": "eth1"},
                {"interface": "ens*f0"},
            ],
            "mtu": 1500,
            "mac": {"prefix": "0a:58"},
            "ipam": {
                "subnets": [
                    {
                        "cidr": "10.20.0.0/24",
                        "gateway": "10.20.0.1",
                        "ranges": [{"from": "10.20.0.100", "to": "10.20.0.199"}, {"cidr": "10.20.0.224/28"}],
                        "exclude": [{"cidr": "10.20.0.150/32"}, {"from": "10.20.0.160", "to": "10.20.0.165"}],
                    },
                    {"cidr": "fd00:20::/64", "gateway": "fe80::1"},
                ],
                "reuseDelay": {"preferred": "30s", "minimum": "1s"},
            },
            "routes": [{"destination": "10.30.0.0/16", "gateway": "10.20.0.254", "metric": 100}],
            "defaultRoute": "Always",
        },
    })
}

/// The object with the fields of a merge patch (RFC 7386) set; null removes.
fn patched(patch: &Value) -> Value {
    let mut object = good();
    merge(&mut object, patch);
    object
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

fn macvlan(patch: &Value) -> MacvlanNetwork {
    read(patched(patch))
}

/// An ipvlan network, with what only macvlan has taken out.
fn ipvlan(patch: &Value) -> IpvlanNetwork {
    let mut object =
        patched(&json!({"kind": "IpvlanNetwork", "spec": {"mac": null, "mode": "l2"}}));
    merge(&mut object, patch);
    read(object)
}

fn network(patch: &Value) -> Network {
    macvlan(patch).validate().unwrap()
}

#[test]
fn the_documented_object_is_good() {
    let object = macvlan(&json!({}));
    object.validate_cel().unwrap();
    assert_eq!(object.not_implemented(), None);
    let network = object.validate().unwrap();
    assert_eq!(network.name.as_str(), "storage");
    assert_eq!(network.ipam.subnets[0].usable.count(), 100 - 1 - 6 + 16);
    assert_eq!(network.capacity(Family::V4), 109);
    assert_eq!(network.capacity(Family::V6), (1 << 64) - 1);
    assert_eq!(network.families().count(), 2);
    assert_eq!(
        (
            network.ipam.reuse_preferred_ms,
            network.ipam.reuse_minimum_ms
        ),
        (30_000, 1_000)
    );
    let taken = "10.20.0.150".parse().unwrap();
    assert!(network.subnet_of(taken).is_none());
    let free = "10.20.0.239".parse().unwrap();
    assert_eq!(
        network.subnet_of(free).unwrap().cidr.to_string(),
        "10.20.0.0/24"
    );
    ipvlan(&json!({})).validate_cel().unwrap();
    let network = ipvlan(&json!({"spec": {"mode": "l3s", "flag": "private"}}))
        .validate()
        .unwrap();
    assert_eq!(network.driver.mode(), "l3s");
}

#[test]
fn the_least_object_has_our_defaults() {
    let spec = json!({
        "namespaces": {},
        "parents": [{"interface": "eth1"}],
        "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]},
    });
    let mut object = good();
    object["spec"] = spec;
    let object: MacvlanNetwork = read(object);
    object.validate_cel().unwrap();
    let network = object.validate().unwrap();
    let Driver::Macvlan(macvlan) = &network.driver else {
        panic!("a macvlan network");
    };
    assert_eq!(
        (macvlan.mode, macvlan.prefix),
        (MacvlanMode::Bridge, [0x0a, 0x58])
    );
    assert_eq!(network.segment.as_str(), "default");
    assert_eq!(network.ipam.kind, IpamType::Cluster);
    assert_eq!(network.default_route, DefaultRoute::Never);
    assert_eq!(network.node_deletion, NodeDeletion::Auto);
    assert_eq!(
        (network.announce.count, network.announce.interval_ms),
        (3, 1_000)
    );
    assert_eq!(network.capacity(Family::V4), 254);
    assert!(network.attachment_definition.is_none() && !network.paused);
}

#[test]
fn parents_are_for_nodes_and_in_order() {
    let network = network(&json!({}));
    let names = |labels: &[(&str, &str)]| -> Vec<String> {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        let labels: Labels = labels.iter().map(owned).collect();
        let served = ServedNetwork::new(&network, &labels);
        served
            .parents
            .into_iter()
            .filter_map(|p| p.interface)
            .collect()
    };
    assert_eq!(names(&[("rack", "a")]), ["eth1", "ens*f0"]);
    assert_eq!(names(&[("rack", "b")]), ["ens*f0"]);
}

#[test]
fn a_subnet_may_serve_two_racks_by_disjoint_ranges() {
    let rack = |rack: &str, cidr: &str| {
        json!({
            "cidr": "10.20.0.0/24",
            "gateway": "10.20.0.1",
            "nodeSelector": {"matchExpressions": [{"key": "rack", "operator": "In", "values": [rack]}]},
            "ranges": [{"cidr": cidr}],
        })
    };
    let subnets = json!([rack("a", "10.20.0.64/26"), rack("b", "10.20.0.128/26")]);
    let object = macvlan(&json!({"spec": {"ipam": {"subnets": subnets}}}));
    object.validate_cel().unwrap();
    let network = object.validate().unwrap();
    let labels = Labels::from([("rack".to_owned(), "b".to_owned())]);
    let serving: Vec<_> = network.subnets_for(Family::V4, &labels).collect();
    assert_eq!(serving.len(), 1);
    assert!(serving[0].usable.contains("10.20.0.130".parse().unwrap()));
}

/// preferred, minimum, and what they are in milliseconds.
#[test]
fn a_short_preferred_delay_shortens_the_minimum() {
    let rows = [
        (json!({"preferred": "0s", "minimum": null}), (0, 0)),
        (json!({"preferred": "500ms", "minimum": null}), (500, 500)),
        (
            json!({"preferred": "1m30s", "minimum": null}),
            (90_000, 1_000),
        ),
        (
            json!({"preferred": null, "minimum": "30s"}),
            (30_000, 30_000),
        ),
        (
            json!({"preferred": "1.5h", "minimum": "0s"}),
            (5_400_000, 0),
        ),
    ];
    for (delay, expected) in rows {
        let object = macvlan(&json!({"spec": {"ipam": {"reuseDelay": delay}}}));
        object.validate_cel().unwrap();
        let ipam = object.validate().unwrap().ipam;
        assert_eq!(
            (ipam.reuse_preferred_ms, ipam.reuse_minimum_ms),
            expected,
            "{delay}"
        );
    }
}
