//! What an attach makes.

use landfall_core::{
    link::{Ipv6, Setting, next_index, settings},
    mac::Mac,
    network::{Driver, Macvlan, MacvlanMode, Neighbor},
};

use crate::rig::{IPV6, Namespace, Rig, index_of, macvlan, rename, route};

#[test]
fn a_link_is_made_in_the_pod_with_its_final_name_index_mac_and_mtu() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.mtu = Some(1400);
    link.device.tx_queue_length = Some(77);

    let made = rig.attach(&pod, &link).unwrap();

    assert!(made.created);
    let seen = pod.link("net1");
    assert_eq!(index_of(&seen), link.device.index);
    assert_eq!(seen["address"], "0a:58:0a:09:00:05");
    assert_eq!(seen["mtu"], 1400);
    assert_eq!(seen["txqlen"], 77);
    assert_eq!(seen["linkinfo"]["info_kind"], "macvlan");
    assert_eq!(seen["linkinfo"]["info_data"]["mode"], "bridge");
    assert_eq!(seen["link_index"], rig.parent());
    assert_eq!(
        seen["ifalias"],
        "landfall:00000000-0000-0000-0000-000000000001"
    );
    assert_eq!(seen["operstate"], "UP");
    assert_eq!(
        rig.node.json(&["link"]).as_array().unwrap().len(),
        2,
        "lo and eth1"
    );
}

#[test]
fn addresses_are_usable_when_attach_returns() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    // The interface's own accept_dad counts only while this one is off.
    run_sysctl(&pod, "net.ipv6.conf.all.accept_dad=1");

    rig.attach(&pod, &rig.link("c1", 5)).unwrap();

    let seen = pod.link("net1");
    let addresses = seen["addr_info"].as_array().unwrap();
    let has = |local: &str, prefix: u8| {
        let own = |a: &serde_json::Value| {
            a["local"] == local && a["prefixlen"] == prefix && a["tentative"].is_null()
        };
        addresses.iter().any(own)
    };
    assert!(has("10.9.0.5", 24) && has("fd00:9::5", 64), "{addresses:?}");
    assert!(pod.pings("10.9.0.1"));
    assert!(pod.pings("fd00:9::1"));
}

#[test]
fn of_two_interfaces_in_one_lan_each_answers_for_its_own_addresses() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.attach(&pod, &rig.link("c1", 5)).unwrap();
    let mut second = rig.link("c1", 6);
    rename(&mut second, "net2");
    second.device.index = next_index(second.device.index);
    rig.attach(&pod, &second).unwrap();

    // Linux by itself lets both answer for both.
    for round in 0..3 {
        rig.lan.ip(&["neigh", "flush", "dev", "lan0"]);
        for host in [5, 6] {
            let address = format!("10.9.0.{host}");
            assert!(rig.lan.pings(&address), "round {round}");
            let neighbor = rig.lan.ip(&["neigh", "show", &address]);
            let mac = format!("lladdr 0a:58:0a:09:00:{host:02x}");
            assert!(neighbor.contains(&mac), "round {round}: {neighbor}");
        }
    }
}

#[test]
fn two_pods_of_a_network_reach_each_other() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));

    rig.attach(&one, &rig.link("c1", 5)).unwrap();
    rig.attach(&two, &rig.link("c2", 6)).unwrap();

    assert!(one.pings("10.9.0.6"));
    assert!(two.pings("fd00:9::5"));
}

#[test]
fn pods_of_a_private_network_reach_only_the_lan() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    for (pod, container, host) in [(&one, "c1", 5), (&two, "c2", 6)] {
        let mut link = rig.link(container, host);
        link.device.driver = macvlan(MacvlanMode::Private);
        rig.attach(pod, &link).unwrap();
    }

    assert!(one.pings("10.9.0.1"));
    assert!(!one.pings("10.9.0.6"));
}

#[test]
fn every_mode_is_the_one_that_was_asked_for() {
    let words = [
        (MacvlanMode::Bridge, "bridge"),
        (MacvlanMode::Private, "private"),
        (MacvlanMode::Vepa, "vepa"),
        (MacvlanMode::Source, "source"),
        (MacvlanMode::Passthru, "passthru"),
    ];
    for (mode, word) in words {
        let rig = Rig::new();
        let pod = Namespace::new("pod");
        let mut link = rig.link("c1", 5);
        link.device.driver = macvlan(mode);
        // The kernel gives a passthru link its parent's.
        link.device.mac = link.device.mac.filter(|_| mode != MacvlanMode::Passthru);

        rig.attach(&pod, &link).unwrap();

        assert_eq!(pod.link("net1")["linkinfo"]["info_data"]["mode"], word);
    }
}

#[test]
fn options_of_macvlan_arrive() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.all_multicast = true;
    link.device.driver = Driver::Macvlan(Macvlan {
        mode: MacvlanMode::Source,
        broadcast_queue_length: Some(5000),
        allowed_sources: vec![Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])],
        ..Macvlan::default()
    });

    rig.attach(&pod, &link).unwrap();

    let seen = pod.link("net1");
    let data = &seen["linkinfo"]["info_data"];
    assert_eq!(data["bcqueuelen"], 5000, "{data}");
    assert_eq!(data["macaddr_count"], 2, "{data}");
    assert!(
        seen["flags"]
            .as_array()
            .unwrap()
            .contains(&"ALLMULTI".into())
    );
}

#[test]
fn routes_and_neighbours_are_set() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.routes = vec![
        route("0.0.0.0/0", Some("10.9.0.1"), Some(500)),
        route("::/0", Some("fe80::1"), None),
        route("10.30.0.0/16", Some("10.9.0.254"), None),
        route("10.31.0.0/16", None, None),
        // No address of the link has this gateway in its prefix.
        route("10.32.0.0/16", Some("192.0.2.1"), None),
    ];
    link.neighbors = vec![Neighbor {
        address: "10.9.0.254".parse().unwrap(),
        mac: Mac([2, 0, 0, 0, 0, 9]),
    }];

    rig.attach(&pod, &link).unwrap();

    let routes = pod.ip(&["route"]);
    for line in [
        "default via 10.9.0.1 dev net1 proto static metric 500",
        "10.30.0.0/16 via 10.9.0.254 dev net1 proto static",
        "10.31.0.0/16 dev net1 proto static scope link",
        "10.32.0.0/16 via 192.0.2.1 dev net1 proto static onlink",
    ] {
        assert!(routes.contains(line), "{line} in\n{routes}");
    }
    assert!(
        pod.ip(&["-6", "route"])
            .contains("default via fe80::1 dev net1")
    );
    assert!(
        pod.ip(&["neigh"])
            .contains("10.9.0.254 dev net1 lladdr 02:00:00:00:00:09 PERMANENT")
    );
}

#[test]
fn a_pod_link_may_have_the_name_of_a_node_link() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let before = rig.node.link("eth1");
    let mut link = rig.link("c1", 5);
    rename(&mut link, "eth1");

    rig.attach(&pod, &link).unwrap();

    assert_eq!(pod.link("eth1")["linkinfo"]["info_kind"], "macvlan");
    assert_eq!(rig.node.link("eth1")["ifindex"], before["ifindex"]);
}

#[test]
fn a_link_without_ipv6_has_none_at_all() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.settings = settings("net1", Ipv6::Off, Vec::new());
    link.addresses.truncate(1);

    rig.attach(&pod, &link).unwrap();

    let seen = pod.link("net1");
    assert_eq!(seen["addr_info"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(pod.sysctl("ipv6/conf/net1/disable_ipv6"), "1");
    assert_eq!(pod.sysctl("ipv6/conf/lo/disable_ipv6"), "0", "only ours");
}

#[test]
fn settings_are_ours_and_then_the_users() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    run_sysctl(&pod, "net.ipv6.conf.all.disable_ipv6=1");
    let mut link = rig.link("c1", 5);
    let users = vec![
        Setting::of("ipv4.conf.IFNAME.rp_filter", "net1", "2"),
        Setting::of("ipv6.conf.IFNAME.keep_addr_on_down", "net1", "0"),
    ];
    link.settings = settings("net1", IPV6, users);

    rig.attach(&pod, &link).unwrap();

    for (path, value) in [
        ("ipv4/conf/net1/arp_notify", "1"),
        ("ipv4/conf/net1/arp_ignore", "1"),
        ("ipv4/conf/net1/rp_filter", "2"),
        ("ipv6/conf/net1/accept_ra", "0"),
        ("ipv6/conf/net1/autoconf", "0"),
        ("ipv6/conf/net1/accept_dad", "0"),
        ("ipv6/conf/net1/ndisc_notify", "1"),
        ("ipv6/conf/net1/disable_ipv6", "0"),
        ("ipv6/conf/net1/keep_addr_on_down", "0"),
    ] {
        assert_eq!(pod.sysctl(path), value, "{path}");
    }
    assert_eq!(
        rig.node.sysctl("ipv4/conf/eth1/arp_notify"),
        "0",
        "the node's stay"
    );
}

#[test]
fn a_parent_that_is_down_delays_nothing() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.node.ip(&["link", "set", "eth1", "down"]);
    let mut link = rig.link("c1", 5);
    link.routes = vec![
        route("0.0.0.0/0", Some("10.9.0.1"), None),
        route("::/0", Some("fd00:9::1"), None),
    ];

    let started = std::time::Instant::now();
    let made = rig.attach(&pod, &link).unwrap();

    assert!(started.elapsed().as_millis() < 500);
    assert!(made.link.up && !made.link.carrier);
    rig.node.ip(&["link", "set", "eth1", "up"]);
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn sixteen_pods_attach_at_once() {
    let rig = Rig::new();
    let pods: Vec<_> = (10..26).map(|host| (host, Namespace::new("pod"))).collect();

    std::thread::scope(|scope| {
        for (host, pod) in &pods {
            let rig = &rig;
            scope.spawn(move || {
                let link = rig.link(&format!("c{host}"), *host);
                rig.attach(pod, &link).unwrap();
            });
        }
    });

    for (_, pod) in &pods {
        assert_eq!(pod.link("net1")["operstate"], "UP");
    }
}

fn run_sysctl(pod: &Namespace, setting: &str) {
    crate::rig::run(
        "ip",
        &["netns", "exec", &pod.name, "sysctl", "-qw", setting],
    );
}
