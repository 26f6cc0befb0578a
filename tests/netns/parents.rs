//! The node's links as networks choose among them.

use landfall_link::{DefaultRoute, Parent};

use crate::rig::{Namespace, Rig};

fn named<'a>(parents: &'a [Parent], name: &str) -> &'a Parent {
    parents
        .iter()
        .find(|parent| parent.name.as_str() == name)
        .unwrap()
}

#[test]
fn a_parent_has_all_that_a_network_asks_for() {
    let rig = Rig::new();
    rig.node.ip(&["addr", "add", "10.9.0.2/24", "dev", "eth1"]);
    rig.node
        .ip(&["route", "add", "default", "via", "10.9.0.1", "metric", "50"]);
    rig.node.ip(&["link", "add", "br7", "type", "bridge"]);

    let parents = rig.agent().parents().unwrap();

    let eth1 = named(&parents, "eth1");
    assert_eq!(eth1.index, rig.parent());
    assert_eq!(
        eth1.mac.unwrap().to_string(),
        rig.node.link("eth1")["address"]
    );
    assert_eq!(eth1.mtu, 1500);
    assert!(eth1.up && eth1.carrier && eth1.ethernet);
    assert!(eth1.addresses.contains(&"10.9.0.2/24".parse().unwrap()));
    let ipv4 = DefaultRoute {
        is_ipv6: false,
        metric: 50,
    };
    assert_eq!(eth1.default_route, Some(ipv4));
    assert!(!named(&parents, "lo").ethernet);
    assert!(!named(&parents, "br7").up);
}

#[test]
fn a_namespace_that_never_had_an_address_has_links_all_the_same() {
    let node = Namespace::new("node");
    node.ip(&["link", "set", "lo", "down"]);
    // Going down keeps the routing tables; a fresh namespace has none yet.
    let fresh = Namespace::fresh("node");

    for namespace in [node, fresh] {
        let netns = namespace.open();
        let open = |_: &landfall_link::Inside<'_>| landfall_link::Socket::open();
        let mut socket = netns.enter(open).unwrap().unwrap();

        let parents = landfall_link::list(&mut socket).unwrap();

        assert_eq!(parents.len(), 1, "{parents:?}");
    }
}

#[test]
fn a_port_names_its_bridge() {
    let rig = Rig::new();
    rig.node.ip(&["link", "add", "br7", "type", "bridge"]);
    rig.node.ip(&["link", "set", "eth1", "master", "br7"]);

    let parents = rig.agent().parents().unwrap();

    assert_eq!(
        named(&parents, "eth1").port_of,
        Some(named(&parents, "br7").index)
    );
}

#[test]
fn a_cable_that_is_out_is_no_carrier() {
    let rig = Rig::new();
    rig.lan.ip(&["link", "set", "lan0", "down"]);

    let parents = rig.agent().parents().unwrap();

    let eth1 = named(&parents, "eth1");
    assert!(eth1.up && !eth1.carrier);
}

#[test]
fn a_pod_is_not_among_the_nodes_links() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.attach(&pod, &rig.link("c1", 5)).unwrap();

    let parents = rig.agent().parents().unwrap();

    assert_eq!(parents.len(), 2, "lo and eth1: {parents:?}");
}

/// IFLA_LINK of a veth is the other end, which has nothing to do with what lies below it: in another
/// namespace, or in the same.
#[test]
fn a_cable_has_nothing_below_it() {
    let rig = Rig::new();
    rig.node
        .ip(&["link", "add", "one", "type", "veth", "peer", "name", "two"]);

    let parents = rig.agent().parents().unwrap();

    for name in ["eth1", "one", "two"] {
        assert_eq!(named(&parents, name).below, None, "{name}");
    }
}

#[test]
fn a_link_on_top_names_what_is_below_unless_that_is_elsewhere() {
    let rig = Rig::new();
    let macvlan = ["type", "macvlan", "mode", "bridge"];
    let on = |name: &str| {
        let words = ["link", "add", name, "link", "eth1"];
        rig.node.ip(&[&words[..], &macvlan].concat());
    };
    on("mv0");
    on("mv1");
    rig.node.ip(&["link", "set", "mv1", "netns", &rig.lan.name]);
    rig.lan
        .ip(&[&["link", "add", "mv2", "link", "mv1"], &macvlan[..]].concat());

    let parents = rig.agent().parents().unwrap();
    let open = |_: &landfall_link::Inside<'_>| landfall_link::Socket::open();
    let mut socket = rig.lan.open().enter(open).unwrap().unwrap();
    let elsewhere = landfall_link::list(&mut socket).unwrap();

    assert_eq!(named(&parents, "mv0").below, Some(rig.parent()));
    assert_eq!(named(&elsewhere, "mv1").below, None);
}

/// The kernel tells of the carrier's changes once a second: of one that went and came back within it tells
/// only the count.
#[test]
fn a_carrier_that_went_and_came_back_between_two_looks_is_counted() {
    let rig = Rig::new();
    let agent = || rig.agent().parents().unwrap();
    let before = named(&agent(), "eth1").clone();

    rig.lan.ip(&["link", "set", "lan0", "down"]);
    rig.lan.ip(&["link", "set", "lan0", "up"]);

    crate::rig::eventually("the carrier is back", || named(&agent(), "eth1").carrier);
    let after = named(&agent(), "eth1").clone();
    assert!(
        after.carrier_ups > before.carrier_ups,
        "{before:?} {after:?}"
    );
}
