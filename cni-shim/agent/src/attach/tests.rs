use landfall_core::link::Setting;
use landfall_crds::node::{ServedRoute, ServedSubnet};

use super::*;

fn key() -> Key {
    Key {
        container: "c1".into(),
        interface: "net1".into(),
    }
}

fn network() -> ServedNetwork {
    let subnet = |cidr: &str, gateway: &str| ServedSubnet {
        cidr: cidr.parse().unwrap(),
        gateway: gateway.parse().ok(),
    };
    ServedNetwork {
        uid: Uid(2),
        name: "storage".to_owned(),
        kind: "Macvlan".to_owned(),
        mode: "bridge".to_owned(),
        ipam: "Cluster".to_owned(),
        default_route: "Never".to_owned(),
        subnets: vec![
            subnet("10.1.0.0/24", "10.1.0.1"),
            subnet("10.2.0.0/24", ""),
            subnet("fd00::/64", "fe80::1"),
        ],
        ..ServedNetwork::default()
    }
}

fn grant(address: &str) -> Grant {
    Grant {
        address: address.parse().ok(),
        mac: "0a:58:0a:01:00:05".parse().ok(),
        ..Grant::default()
    }
}

fn parent() -> HostLink {
    HostLink::sketch(7, "eth1")
}

fn planned(network: &ServedNetwork, grants: &[Grant]) -> Link {
    let grants: Vec<&Grant> = grants.iter().collect();
    plan(&key(), network, &grants, &parent()).unwrap()
}

fn routes(network: &ServedNetwork, grants: &[Grant]) -> Vec<String> {
    let text = |route: &Route| {
        let gateway = route.gateway.map(|g| format!(" via {g}"));
        let metric = route.metric.map(|m| format!(" metric {m}"));
        let destination = route.destination;
        format!(
            "{destination}{}{}",
            gateway.unwrap_or_default(),
            metric.unwrap_or_default()
        )
    };
    planned(network, grants).routes.iter().map(text).collect()
}

#[test]
fn the_device_is_the_networks() {
    let link = planned(&network(), &[grant("10.1.0.5")]);
    assert_eq!(link.device.parent, 7);
    assert_eq!(link.device.name.as_str(), "net1");
    assert_eq!(link.device.mac, "0a:58:0a:01:00:05".parse().ok());
    assert_eq!(
        link.device.alias.as_deref(),
        Some("landfall:00000000-0000-0000-0000-000000000002")
    );
    assert_eq!(link.addresses, ["10.1.0.5/24".parse().unwrap()]);
    assert!(link.settings.contains(&Setting {
        path: "ipv6/conf/net1/disable_ipv6".to_owned(),
        value: "1".to_owned(),
    }));
}

#[test]
fn a_grant_outlives_its_subnet() {
    let mut network = network();
    network.subnets.clear();
    let mut grant = grant("10.1.0.5");
    let without = plan(&key(), &network, &[&grant], &parent()).unwrap_err();
    assert!(matches!(without, PlanError::NoPrefix { .. }));
    grant.prefix_length = Some(22);
    let link = planned(&network, &[grant]);
    assert_eq!(link.addresses, ["10.1.0.5/22".parse().unwrap()]);
}

#[test]
fn ipvlan_and_passthru_get_no_mac() {
    let mut ipvlan = network();
    ipvlan.kind = "Ipvlan".to_owned();
    ipvlan.mode = "l2".to_owned();
    assert_eq!(planned(&ipvlan, &[grant("10.1.0.5")]).device.mac, None);
    let mut passthru = network();
    passthru.mode = "passthru".to_owned();
    assert_eq!(planned(&passthru, &[grant("10.1.0.5")]).device.mac, None);
}

#[test]
fn a_word_of_a_newer_version_is_an_error_that_names_it() {
    let mut network = network();
    network.mode = "quantum".to_owned();
    let error = plan(&key(), &network, &[], &parent()).unwrap_err();
    assert!(error.to_string().contains("mode \"quantum\""), "{error}");
}

#[test]
fn the_default_route_follows_the_policy() {
    let dual = [grant("10.1.0.5"), grant("fd00::5")];
    let both = ["0.0.0.0/0 via 10.1.0.1", "::/0 via fe80::1"];
    let mut network = network();
    assert!(routes(&network, &dual).is_empty());
    network.default_route = "Always".to_owned();
    assert_eq!(routes(&network, &dual), both);
    network.default_route = "OnRequest".to_owned();
    assert!(routes(&network, &dual).is_empty());
    let mut asked = dual;
    asked[0].default_route = Some(Vec::new());
    assert_eq!(routes(&network, &asked), both);
    network.isolated = true;
    assert!(routes(&network, &asked).is_empty());
}

#[test]
fn requested_gateways_are_used_in_their_order() {
    let mut network = network();
    network.default_route = "OnRequest".to_owned();
    let mut grant = grant("10.1.0.5");
    grant.default_route = Some(vec![
        "10.1.0.9".parse().unwrap(),
        "10.1.0.8".parse().unwrap(),
    ]);
    let expected = ["0.0.0.0/0 via 10.1.0.9", "0.0.0.0/0 via 10.1.0.8 metric 1"];
    assert_eq!(routes(&network, &[grant]), expected);
}

#[test]
fn a_subnet_without_gateway_gives_no_default_route() {
    let mut network = network();
    network.default_route = "Always".to_owned();
    assert!(routes(&network, &[grant("10.2.0.5")]).is_empty());
}

#[test]
fn l3_routes_through_the_link_itself() {
    let mut network = network();
    network.kind = "Ipvlan".to_owned();
    network.mode = "l3".to_owned();
    network.default_route = "Always".to_owned();
    network.default_route_metric = Some(50);
    let grants = [grant("10.2.0.5"), grant("fd00::5")];
    assert_eq!(
        routes(&network, &grants),
        ["0.0.0.0/0 metric 50", "::/0 metric 50"]
    );
}

#[test]
fn routes_of_a_family_that_the_pod_lacks_are_left_out() {
    let mut network = network();
    network.routes = ["10.9.0.0/16", "fd09::/64"]
        .map(|destination| ServedRoute {
            destination: destination.parse().unwrap(),
            gateway: None,
            metric: None,
        })
        .into();
    assert_eq!(routes(&network, &[grant("10.1.0.5")]), ["10.9.0.0/16"]);
    assert_eq!(routes(&network, &[grant("fd00::5")]), ["fd09::/64"]);
    assert_eq!(routes(&network, &[]), ["10.9.0.0/16"]);
}

#[test]
fn sysctls_are_this_interfaces() {
    let mut network = network();
    let name = "ipv4.conf.IFNAME.rp_filter".to_owned();
    network.sysctls.insert(name, "0".to_owned());
    let link = planned(&network, &[grant("10.1.0.5")]);
    let own = link.settings.last().unwrap();
    assert_eq!(own.path, "ipv4/conf/net1/rp_filter");
}

#[test]
fn sysctls_of_ipv6_are_for_links_that_have_it() {
    let mut network = network();
    let name = "ipv6.conf.IFNAME.hop_limit".to_owned();
    network.sysctls.insert(name, "5".to_owned());
    let has = |address: &str| {
        let settings = planned(&network, &[grant(address)]).settings;
        settings
            .iter()
            .any(|s| s.path == "ipv6/conf/net1/hop_limit")
    };
    assert!(!has("10.1.0.5") && has("fd00::5"));
}

#[test]
fn a_network_that_is_not_announced_turns_the_kernels_announcements_off() {
    let mut network = network();
    network.announce.count = 0;
    let paths = |network: &ServedNetwork, address: &str| -> Vec<String> {
        let link = planned(network, &[grant(address)]);
        let mut settings = link.settings;
        settings.retain(|s| s.path.ends_with("_notify"));
        let settings = settings.into_iter();
        settings
            .map(|s| format!("{}={}", s.path, s.value))
            .collect()
    };
    assert_eq!(paths(&network, "10.1.0.5"), ["ipv4/conf/net1/arp_notify=0"]);
    let v6 = [
        "ipv4/conf/net1/arp_notify=0",
        "ipv6/conf/net1/ndisc_notify=0",
    ];
    assert_eq!(paths(&network, "fd00::5"), v6);
    let own = "ipv4.conf.IFNAME.arp_notify".to_owned();
    network.sysctls.insert(own, "1".to_owned());
    assert_eq!(paths(&network, "10.1.0.5"), ["ipv4/conf/net1/arp_notify=1"]);
}

#[test]
fn an_mtu_above_the_parents_is_an_error_that_names_both() {
    let mut network = network();
    network.mtu = Some(1500);
    assert_eq!(planned(&network, &[]).device.mtu, Some(1500));
    network.mtu = Some(9000);
    let error = plan(&key(), &network, &[], &parent()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("9000") && text.contains("eth1") && text.contains("1500"),
        "{text}"
    );
}
