//! Fields of a network, from its user's object to the kernel.

use serde_json::json;

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";
const OTHER: &str = "00000000-0000-0000-0000-000000000002";

#[test]
fn sysctls_are_set_on_the_pods_interface_alone() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let spec = json!({"sysctls": {
        "net.ipv4.conf.IFNAME.arp_ignore": "2",
        "net.ipv4.conf.IFNAME.arp_notify": "0",
        "net.ipv4.neigh.IFNAME.gc_stale_time": "77",
        "net.ipv6.conf.IFNAME.hop_limit": "5",
    }});
    agent.see_network(2, &spec, &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    assert_eq!(pod.sysctl("ipv4/conf/net1/arp_ignore"), "2");
    assert_eq!(pod.sysctl("ipv4/conf/net1/arp_notify"), "0");
    assert_eq!(pod.sysctl("ipv4/neigh/net1/gc_stale_time"), "77");
    assert_eq!(pod.sysctl("ipv6/conf/net1/hop_limit"), "5");
    assert_eq!(pod.sysctl("ipv4/conf/lo/arp_ignore"), "0");
    assert_eq!(node.host.sysctl("ipv4/conf/eth1/arp_ignore"), "0");
}

#[test]
fn a_value_that_the_kernel_refuses_fails_the_add_and_leaves_nothing() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let spec = json!({"sysctls": {"net.ipv6.conf.IFNAME.hop_limit": "999"}});
    agent.see_network(2, &spec, &grants(POD, 5));
    let pod = node.pod();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert!(
        error.msg.contains("ipv6/conf/net1/hop_limit to 999"),
        "{error}"
    );
    assert_eq!(pod.addresses("net1"), None);
    assert!(agent.stored().is_empty());
}

#[test]
fn options_of_the_link_arrive() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let spec = json!({
        "mtu": 1400,
        "link": {"txQueueLength": 77, "allMulticast": true},
        "macvlan": {"broadcastQueueLength": 5000, "broadcastCutoff": 3},
        "neighbors": [
            {"address": "10.9.0.254", "mac": "02:00:00:00:00:09"},
            {"address": "fd00:9::254", "mac": "02:00:00:00:00:0a"},
        ],
        "ipam": {"subnets": [
            {"cidr": "10.9.0.0/24", "gateway": "10.9.0.1"},
            {"cidr": "fd00:9::/64", "gateway": "fd00:9::1"},
        ]},
        "defaultRoute": "Always",
        "defaultRouteMetric": 500,
    });
    agent.see_network(2, &spec, &grants(POD, 5));
    let pod = node.pod();
    let attached = agent.add("c1", POD, &pod).unwrap();
    assert_eq!(attached[0].mtu, Some(1400));
    let link = pod.link("net1");
    assert_eq!((&link["mtu"], &link["txqlen"]), (&json!(1400), &json!(77)));
    let flags = link["flags"].as_array().unwrap();
    assert!(flags.contains(&json!("ALLMULTI")), "{link}");
    let options = &link["linkinfo"]["info_data"];
    assert_eq!(options["bcqueuelen"], 5000, "{link}");
    let neighbors = pod.ip(&["neigh"]);
    for line in [
        "10.9.0.254 dev net1 lladdr 02:00:00:00:00:09 PERMANENT",
        "fd00:9::254 dev net1 lladdr 02:00:00:00:00:0a PERMANENT",
    ] {
        assert!(neighbors.contains(line), "{line} in {neighbors}");
    }
    let routes = pod.ip(&["route"]) + &pod.ip(&["-6", "route"]);
    for line in [
        "default via 10.9.0.1 dev net1 proto static metric 500",
        "default via fd00:9::1 dev net1 proto static metric 500",
    ] {
        assert!(routes.contains(line), "{line} in {routes}");
    }
}

#[test]
fn an_mtu_above_the_parents_fails_the_add_before_the_kernel_is_asked() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    agent.see_network(2, &json!({"mtu": 9000}), &grants(POD, 5));
    let pod = node.pod();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert!(error.msg.contains("lower spec.mtu"), "{error}");
    assert!(agent.stored().is_empty());
}

#[test]
fn a_network_of_one_family_leaves_ipv6_off() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let spec = json!({"ipam": {"subnets": [{"cidr": "10.9.0.0/24"}]}});
    agent.see_network(2, &spec, &grants(POD, 5)[..1]);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    assert_eq!(pod.sysctl("ipv6/conf/net1/disable_ipv6"), "1");
    assert_eq!(pod.sysctl("ipv6/conf/lo/disable_ipv6"), "0");
    assert!(!pod.ip(&["addr", "show", "net1"]).contains("inet6"));
}

#[test]
fn routers_are_heard_where_the_network_says_so() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let rows = [
        (json!({}), "0"),
        (json!({"acceptRouterAdvertisements": true}), "1"),
    ];
    for (turn, (ipv6, value)) in (0_u8..).zip(rows) {
        let owner = format!("00000000-0000-0000-0000-00000000000{turn}");
        let granted = grants(&owner, 5 + turn);
        agent.see_network(2 + u64::from(turn), &json!({"ipv6": ipv6}), &granted);
        let pod = node.pod();
        agent.add(&format!("c{turn}"), &owner, &pod).unwrap();
        for name in ["accept_ra", "autoconf"] {
            let path = format!("ipv6/conf/net1/{name}");
            assert_eq!(pod.sysctl(&path), value, "{name}");
        }
    }
}

#[test]
fn a_passthru_link_has_its_parent_for_itself() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let promiscuity = |mode: &serde_json::Value| mode["promiscuity"].as_u64().unwrap();
    for (turn, alone) in [(0_u8, false), (1, true)] {
        let spec = json!({"mode": "passthru", "macvlan": {"noPromiscuous": alone}});
        let granted = [grants(POD, 5), grants(OTHER, 6)].concat();
        agent.see_network(2 + u64::from(turn), &spec, &granted);
        let (one, two) = (node.pod(), node.pod());
        let (first, second) = (format!("a{turn}"), format!("b{turn}"));
        agent.add(&first, POD, &one).unwrap();
        assert_eq!(
            one.link("net1")["address"],
            node.host.link("eth1")["address"]
        );
        assert_eq!(
            one.link("net1")["linkinfo"]["info_data"]["mode"],
            "passthru"
        );
        assert_eq!(promiscuity(&node.host.link("eth1")), u64::from(!alone));
        assert!(one.pings("10.9.0.1") && one.pings("fd00:9::1"));

        let error = agent.add(&second, OTHER, &two).unwrap_err();
        assert_eq!(error.code.number(), 11);
        assert!(
            error.msg.contains("net1 of pod default/a is on it")
                && error
                    .msg
                    .contains("mode passthru shares its link with no other"),
            "{error}"
        );
        assert_eq!(two.addresses("net1"), None);
        agent.del(&first, Some(&one)).unwrap();
        agent.add(&second, OTHER, &two).unwrap();
        assert!(two.pings("10.9.0.1"));
        agent.del(&second, Some(&two)).unwrap();
    }
}

#[test]
fn a_mode_that_was_changed_waits_for_the_attachments_of_the_old_one() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let granted = [grants(POD, 5), grants(OTHER, 6)].concat();
    agent.see_network(2, &json!({"mode": "bridge"}), &granted);
    let (one, two) = (node.pod(), node.pod());
    agent.add("c1", POD, &one).unwrap();
    agent.see_network(3, &json!({"mode": "passthru"}), &granted);
    let error = agent.add("c2", OTHER, &two).unwrap_err();
    assert!(
        error.msg.contains("shares its link with no other"),
        "{error}"
    );
    assert!(one.pings("10.9.0.1"));
    agent.del("c1", Some(&one)).unwrap();
    agent.add("c2", OTHER, &two).unwrap();
}

#[test]
fn in_mode_source_only_those_on_the_list_are_heard() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let lan = node.lan.link("lan0")["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let stranger = "02:00:00:00:00:77".to_owned();
    for (turn, (allowed, heard)) in (0_u8..).zip([(lan, true), (stranger, false)]) {
        let spec = json!({"mode": "source", "macvlan": {"allowedSources": [allowed]}});
        let owner = format!("00000000-0000-0000-0000-00000000000{turn}");
        agent.see_network(2 + u64::from(turn), &spec, &grants(&owner, 5 + turn));
        let pod = node.pod();
        agent.add(&format!("c{turn}"), &owner, &pod).unwrap();
        assert_eq!(pod.pings("10.9.0.1"), heard, "{spec}");
    }
}

#[test]
fn several_addresses_of_a_family_and_a_requested_mac_arrive() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let mut granted = [grants(POD, 5), grants(POD, 6)].concat();
    for grant in &mut granted {
        grant["mac"] = json!("02:00:00:00:00:42");
    }
    agent.see_network(2, &json!({}), &granted);
    let pod = node.pod();
    let mut request =
        crate::agent::request(landfall_plugin::spec::Verb::Add, "c1", POD, Some(&pod));
    let element = json!([{
        "name": "storage", "mac": "02:00:00:00:00:42",
        "ips": ["10.9.0.5", "10.9.0.6", "fd00:9::5", "fd00:9::6"],
    }]);
    request.annotations.landfall = Some(element.to_string());
    let attached = agent.send(&request, Some(&pod)).unwrap();
    assert_eq!(attached[0].addresses.len(), 4, "{attached:?}");
    assert_eq!(pod.link("net1")["address"], "02:00:00:00:00:42");
    let mut addresses = pod.addresses("net1").unwrap();
    addresses.sort();
    assert_eq!(
        addresses,
        ["10.9.0.5", "10.9.0.6", "fd00:9::5", "fd00:9::6"]
    );
    agent.del("c1", Some(&pod)).unwrap();
}
