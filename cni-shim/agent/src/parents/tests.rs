use landfall_core::link::ObservedDriver;
use landfall_crds::node::ServedVlan;

use super::*;

fn link(index: u32, name: &str) -> HostLink {
    HostLink {
        index,
        name: name.into(),
        driver: ObservedDriver::Other("".into()),
        ethernet: name != "lo",
        mac: None,
        permanent_mac: None,
        pci: None,
        mtu: 1500,
        up: true,
        carrier: true,
        below: None,
        port_of: None,
        alias: None,
        addresses: Vec::new(),
        default_route: None,
    }
}

fn named(name: &str) -> ServedParent {
    ServedParent {
        interface: Some(name.to_owned()),
        ..ServedParent::default()
    }
}

fn choose(rules: Vec<ServedParent>, links: Vec<HostLink>) -> Choice {
    let network = ServedNetwork {
        uid: Uid(1),
        parents: rules,
        ..ServedNetwork::default()
    };
    let links: Vec<_> = links.into_iter().map(Arc::new).collect();
    let parents = Parents::resolve(&[network], &links);
    parents.of(Uid(1)).unwrap().clone()
}

fn chosen(rules: Vec<ServedParent>, links: Vec<HostLink>) -> String {
    choose(rules, links).unwrap().name.to_string()
}

#[test]
fn a_name_is_found() {
    let links = vec![link(2, "eth0"), link(3, "eth1")];
    assert_eq!(chosen(vec![named("eth1")], links), "eth1");
}

#[test]
fn the_second_rule_is_for_nodes_without_the_first() {
    let links = vec![link(2, "eth0")];
    assert_eq!(chosen(vec![named("ens1"), named("eth*")], links), "eth0");
}

#[test]
fn a_glob_with_two_matches_means_none() {
    let links = vec![link(2, "eth0"), link(3, "eth1")];
    let missing = choose(vec![named("eth?"), named("eth0")], links).unwrap_err();
    assert_eq!(missing.reason(), "AmbiguousParent");
    assert!(missing.to_string().contains("eth0 and eth1"), "{missing}");
}

#[test]
fn what_is_missing_is_named() {
    let missing = choose(vec![named("ens1"), named("ens2")], vec![link(2, "eth0")]).unwrap_err();
    assert_eq!(missing.to_string(), "no link of this node is ens1 or ens2");
}

#[test]
fn the_loopback_is_no_parent() {
    let missing = choose(vec![named("lo")], vec![link(1, "lo")]).unwrap_err();
    assert_eq!(missing.reason(), "ParentUnfit");
}

#[test]
fn a_mac_means_the_hardware_and_not_what_lies_on_top() {
    let mac = "02:00:00:00:00:01".parse().unwrap();
    let mut hardware = link(2, "eth0");
    hardware.mac = Some(mac);
    let mut vlan = link(3, "eth0.7");
    vlan.mac = Some(mac);
    vlan.below = Some(2);
    let rule = ServedParent {
        mac_address: Some(mac),
        ..ServedParent::default()
    };
    assert_eq!(chosen(vec![rule], vec![hardware, vlan]), "eth0");
}

#[test]
fn a_subnet_means_the_link_with_an_address_in_it() {
    let mut with = link(2, "eth0");
    with.addresses = vec!["10.1.0.5/16".parse().unwrap()];
    let rule = ServedParent {
        subnet: Some("10.1.0.0/24".parse().unwrap()),
        ..ServedParent::default()
    };
    assert_eq!(chosen(vec![rule], vec![with, link(3, "eth1")]), "eth0");
}

#[test]
fn the_default_route_with_the_lowest_metric_counts() {
    let mut first = link(2, "eth0");
    first.default_route = Some(100);
    let mut second = link(3, "wlan0");
    second.default_route = Some(600);
    let rule = ServedParent {
        from_default_route: true,
        ..ServedParent::default()
    };
    assert_eq!(chosen(vec![rule], vec![second, first]), "eth0");
}

#[test]
fn a_vlan_is_the_link_on_top_of_the_right_one() {
    let mut rule = named("eth1");
    rule.vlan = Some(ServedVlan {
        id: 70,
        name: None,
        protocol: "802.1Q".to_owned(),
    });
    let mut vlan = link(9, "eth1.70");
    vlan.below = Some(3);
    let links = vec![link(2, "eth0"), link(3, "eth1"), vlan];
    assert_eq!(chosen(vec![rule.clone()], links), "eth1.70");
    let missing = choose(vec![rule], vec![link(3, "eth1")]).unwrap_err();
    assert_eq!(missing.reason(), "VlanMissing");
}

#[test]
fn the_status_says_which_link_or_why_none() {
    let networks = ["eth0", "nope"].map(|name| ServedNetwork {
        uid: Uid::of(name),
        parents: vec![named(name)],
        ..ServedNetwork::default()
    });
    let links = [Arc::new(link(2, "eth0"))];
    let status = Parents::resolve(&networks, &links).status();
    let of = |name: &str| status.iter().find(|s| s.network == Uid::of(name)).unwrap();
    assert_eq!(of("eth0").interface.as_deref(), Some("eth0"));
    assert!(of("eth0").ready);
    assert_eq!(of("nope").reason.as_deref(), Some("ParentInterfaceMissing"));
}

/// A network as the spec lists it.
fn network(uid: u128, kind: &str, mode: &str, parents: Vec<ServedParent>) -> ServedNetwork {
    ServedNetwork {
        uid: Uid(uid),
        name: format!("net{uid}"),
        kind: kind.to_owned(),
        mode: mode.to_owned(),
        parents,
        ..ServedNetwork::default()
    }
}

/// Which of the networks have a parent, and what is said of the others.
fn served(networks: &[ServedNetwork]) -> Vec<(u128, Option<String>)> {
    let links = [link(2, "eth0"), link(3, "eth1")].map(Arc::new);
    let parents = Parents::resolve(networks, &links);
    let said = |network: &ServedNetwork| {
        let choice = parents.of(network.uid).unwrap();
        (
            network.uid.0,
            choice.as_ref().err().map(ToString::to_string),
        )
    };
    networks.iter().map(said).collect()
}

#[test]
fn of_two_networks_that_cant_share_a_link_the_older_one_has_it() {
    let on = |name: &str| vec![named(name)];
    let older = network(9, "Ipvlan", "l2", on("eth1"));
    let clashing = network(1, "Macvlan", "bridge", on("eth1"));
    let beside = network(2, "Macvlan", "bridge", on("eth0"));
    let same = network(3, "Ipvlan", "l2", on("eth1"));
    let all = served(&[older, clashing, beside, same]);
    let why = "IpvlanNetwork net9, which is older, is on eth1: macvlan and ipvlan can't share a link; \
               choose another link, or a VLAN";
    let expected = [(9, None), (1, Some(why.to_owned())), (2, None), (3, None)];
    assert_eq!(all, expected);
}

/// What is not served claims nothing: a third network may share the link with the first.
#[test]
fn a_network_that_is_not_served_keeps_no_other_from_the_link() {
    let on = |name: &str| vec![named(name)];
    let all = served(&[
        network(1, "Macvlan", "bridge", on("eth1")),
        network(2, "Macvlan", "passthru", on("eth1")),
        network(3, "Macvlan", "vepa", on("eth1")),
        network(4, "Macvlan", "private", vec![named("eth9"), named("eth1")]),
    ]);
    let served = all.iter().filter(|(_, why)| why.is_none());
    assert_eq!(served.map(|(uid, _)| *uid).collect::<Vec<_>>(), [1, 3, 4]);
}
