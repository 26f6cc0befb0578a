use landfall_core::{
    link::ObservedDriver,
    network::{Macvlan, VlanProtocol},
};
use landfall_crds::node::ServedVlan;
use landfall_link::{DefaultRoute, Tag, vlan_alias};

use super::*;

fn link(index: u32, name: &str) -> HostLink {
    HostLink {
        ethernet: name != "lo",
        ..HostLink::sketch(index, name)
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

fn ipv4(metric: u32) -> DefaultRoute {
    DefaultRoute {
        is_ipv6: false,
        metric,
    }
}

#[test]
fn the_default_route_with_the_lowest_metric_counts() {
    let mut first = link(2, "eth0");
    first.default_route = Some(ipv4(100));
    let mut second = link(3, "wlan0");
    second.default_route = Some(ipv4(600));
    let rule = ServedParent {
        from_default_route: true,
        ..ServedParent::default()
    };
    assert_eq!(chosen(vec![rule], vec![second, first]), "eth0");
}

/// A router of IPv6 announces itself where it likes; the route of IPv4 was set by somebody.
#[test]
fn a_default_route_of_ipv4_counts_before_one_of_ipv6() {
    let mut first = link(2, "eth0");
    first.default_route = Some(DefaultRoute {
        is_ipv6: true,
        metric: 20,
    });
    let mut second = link(3, "eth1");
    second.default_route = Some(ipv4(100));
    let rule = ServedParent {
        from_default_route: true,
        ..ServedParent::default()
    };
    assert_eq!(chosen(vec![rule], vec![first, second]), "eth1");
}

fn by_mac(mac: &str) -> ServedParent {
    ServedParent {
        mac_address: Some(mac.parse().unwrap()),
        ..ServedParent::default()
    }
}

/// A port of something.
fn port(mut link: HostLink, of: &HostLink) -> HostLink {
    link.port_of = Some(of.index);
    link
}

fn of_kind(kind: &str, mut link: HostLink) -> HostLink {
    link.driver = ObservedDriver::Other(kind.into());
    link
}

#[test]
fn a_mac_that_a_bond_has_of_its_port_means_the_bond() {
    let mac = "02:00:00:00:00:01";
    let with_mac = |mut link: HostLink| {
        link.mac = Some(mac.parse().unwrap());
        link
    };
    let bond = with_mac(of_kind("bond", link(4, "bond0")));
    let mut first = port(with_mac(link(2, "eth0")), &bond);
    first.permanent_mac = first.mac;
    let second = port(with_mac(link(3, "eth1")), &bond);
    let links = vec![first, second, bond];
    assert_eq!(chosen(vec![by_mac(mac)], links), "bond0");
}

#[test]
fn the_permanent_address_counts_where_another_was_set() {
    let mut link = link(2, "eth0");
    link.permanent_mac = Some("02:00:00:00:00:01".parse().unwrap());
    link.mac = Some("02:00:00:00:00:99".parse().unwrap());
    let rules = vec![by_mac("02:00:00:00:00:01")];
    assert_eq!(chosen(rules, vec![link]), "eth0");
}

#[test]
fn a_port_is_refused_with_the_name_of_who_holds_it() {
    for (kind, held) in [
        ("bridge", true),
        ("bond", true),
        ("openvswitch", true),
        ("vrf", false),
    ] {
        let holder = of_kind(kind, link(4, "m0"));
        let links = vec![port(link(2, "eth0"), &holder), holder];
        let choice = choose(vec![named("eth0")], links);
        let missing = choice.err();
        assert_eq!(missing.is_some(), held, "{kind}: {missing:?}");
        if let Some(missing) = missing {
            assert_eq!(missing.reason(), "ParentHeld");
            let text = missing.to_string();
            assert!(text.contains(&format!("a port of the {kind} m0")), "{text}");
        }
    }
}

#[test]
fn a_glob_means_what_can_carry_links_if_there_is_some() {
    let bridge = of_kind("bridge", link(4, "br0"));
    let port = port(link(2, "eth0"), &bridge);
    let links = vec![port.clone(), bridge.clone(), link(3, "eth1")];
    assert_eq!(chosen(vec![named("eth*")], links), "eth1");
    let missing = choose(vec![named("eth*")], vec![port, bridge]).unwrap_err();
    assert_eq!(missing.reason(), "ParentHeld");
}

fn on_vlan(parent: &str, id: u16, name: Option<&str>) -> ServedParent {
    ServedParent {
        vlan: Some(ServedVlan {
            id,
            name: name.map(str::to_owned),
            protocol: "802.1Q".to_owned(),
        }),
        ..named(parent)
    }
}

fn vlan(index: u32, name: &str, below: u32, id: u16) -> HostLink {
    let mut vlan = of_kind("vlan", link(index, name));
    vlan.below = Some(below);
    vlan.tag = Some(Tag {
        id,
        protocol: VlanProtocol::Customer,
    });
    vlan
}

#[test]
fn a_vlan_is_known_by_its_tag_and_by_what_is_below_and_not_by_its_name() {
    let links = || vec![link(2, "eth0"), link(3, "eth1")];
    let with = |more: HostLink| [links(), vec![more]].concat();
    let rule = || vec![on_vlan("eth1", 70, None)];
    assert_eq!(chosen(rule(), with(vlan(9, "eth1.70", 3, 70))), "eth1.70");
    assert_eq!(chosen(rule(), with(vlan(9, "storage", 3, 70))), "storage");
    let mut service = vlan(9, "storage", 3, 70);
    service.tag.as_mut().unwrap().protocol = VlanProtocol::Service;
    for other in [
        vlan(9, "storage", 3, 71),
        vlan(9, "storage", 2, 70),
        service,
    ] {
        let missing = choose(rule(), with(other)).unwrap_err();
        let link = missing.to_make();
        assert!(matches!(link, Some(NodeLink::Vlan(_))), "{missing}");
        assert_eq!(missing.reason(), "VlanMissing");
    }
}

/// What would be made, or what is said.
fn made(rule: ServedParent, links: Vec<HostLink>) -> String {
    let missing = choose(vec![rule], links).unwrap_err();
    match missing.to_make() {
        Some(NodeLink::Vlan(vlan)) => {
            format!("{} on {} for {}", vlan.name, vlan.parent, vlan.alias)
        }
        Some(NodeLink::Bridge(_)) | None => missing.to_string(),
    }
}

#[test]
fn a_missing_vlan_gets_the_name_that_is_wanted_or_dockers() {
    let links = || vec![link(3, "eth1")];
    let of = vlan_alias(Uid(1));
    assert_eq!(
        made(on_vlan("eth1", 70, None), links()),
        format!("eth1.70 on 3 for {of}")
    );
    assert_eq!(
        made(on_vlan("eth1", 70, Some("v70")), links()),
        format!("v70 on 3 for {of}")
    );
}

#[test]
fn a_name_that_no_vlan_can_have_is_told() {
    let long = "enp129s0f0np0";
    let text = made(on_vlan(long, 4094, None), vec![link(3, long)]);
    assert!(
        text.contains("enp129s0f0np0.4094") && text.contains("set vlan.name"),
        "{text}"
    );
    let taken = vec![link(3, "eth1"), link(4, "eth1.70")];
    let text = made(on_vlan("eth1", 70, None), taken);
    assert!(text.contains("another interface"), "{text}");
}

#[test]
fn a_vlan_that_was_made_for_a_network_is_not_meant_by_a_glob() {
    let mut made = vlan(9, "eth1.70", 3, 70);
    made.alias = Some(vlan_alias(Uid(7)));
    let links = || vec![link(3, "eth1"), made.clone()];
    assert_eq!(chosen(vec![on_vlan("eth*", 70, None)], links()), "eth1.70");
    assert_eq!(chosen(vec![named("eth*")], links()), "eth1");
    assert_eq!(chosen(vec![named("eth1.70")], links()), "eth1.70");
}

#[test]
fn a_name_that_reads_like_a_vlan_is_answered_with_the_way_to_write_one() {
    let text = made(named("eth1.70"), vec![link(3, "eth1")]);
    assert_eq!(
        text,
        "no link of this node is eth1.70; to have a VLAN made write interface: eth1, vlan: {id: 70}"
    );
    let text = made(named("eth1.4095"), vec![link(3, "eth1")]);
    assert_eq!(text, "no link of this node is eth1.4095");
}

#[test]
fn a_vlan_on_a_port_is_free_and_a_vlan_that_is_a_port_is_not() {
    let bridge = of_kind("bridge", link(4, "br0"));
    let below = port(link(3, "eth1"), &bridge);
    let free = vec![below, bridge.clone(), vlan(9, "eth1.70", 3, 70)];
    assert_eq!(chosen(vec![on_vlan("eth1", 70, None)], free), "eth1.70");
    let held = port(vlan(9, "eth1.70", 3, 70), &bridge);
    let held = vec![link(3, "eth1"), bridge, held];
    let missing = choose(vec![on_vlan("eth1", 70, None)], held).unwrap_err();
    assert_eq!(missing.reason(), "ParentHeld");
}

#[test]
fn a_macvlan_on_a_macvlan_hangs_from_what_is_below() {
    let driver = Driver::Macvlan(Macvlan::default());
    let mut upper = link(9, "mv0");
    upper.driver = ObservedDriver::Ours(driver);
    upper.below = Some(3);
    let on = |kind: &str, links: &[Arc<HostLink>]| {
        let mode = if kind == "Macvlan" { "bridge" } else { "l2" };
        let networks = [network(1, kind, mode, vec![named("mv0")])];
        let parents = Parents::resolve(&networks, links);
        let choice = parents.of(Uid(1)).unwrap().clone();
        choice
            .map(|link| link.name.to_string())
            .map_err(|missing| missing.reason())
    };
    let mut links = vec![Arc::new(link(3, "eth1")), Arc::new(upper.clone())];
    assert_eq!(on("Macvlan", &links), Ok("eth1".to_owned()));
    assert_eq!(on("Ipvlan", &links), Ok("mv0".to_owned()));
    upper.below = None;
    links[1] = Arc::new(upper);
    assert_eq!(on("Macvlan", &links), Err("ParentUnfit"));
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

#[test]
fn the_status_says_what_a_parent_is_and_why_it_carries_nothing() {
    let networks = [network(1, "Macvlan", "bridge", vec![named("eth0")])];
    let said = |change: fn(&mut HostLink)| {
        let mut link = link(2, "eth0");
        link.mac = "02:00:00:00:00:01".parse().ok();
        change(&mut link);
        Parents::resolve(&networks, &[Arc::new(link)])
            .status()
            .remove(0)
    };
    let well = said(|_| {});
    assert_eq!((well.mtu, well.reason), (Some(1500), None));
    assert_eq!(well.mac.unwrap().to_string(), "02:00:00:00:00:01");
    let unplugged = said(|link| link.carrier = false);
    assert!(unplugged.ready, "pods can attach all the same");
    assert_eq!(unplugged.reason.as_deref(), Some("NoCarrier"));
    let down = said(|link| (link.up, link.carrier) = (false, false));
    assert_eq!(down.message.as_deref(), Some("eth0 is down"));
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
