//! Frames: who reaches whom.

use serde_json::json;

use crate::rig::{Namespace, Rig, both};

/// 36, 37: whether a pod reaches another one, the LAN, and the host's own interface.
fn reaches(rig: &Rig, mode: &str) -> [bool; 3] {
    rig.host.ip("addr add 10.1.2.250/24 dev eth0");
    let lan = Namespace::new("lan");
    rig.host.ip(&format!("link set up0 netns {}", lan.name));
    lan.ip("link set up0 up");
    lan.ip("addr add 10.1.2.251/24 dev up0");
    let mut config = rig.simple("1.0.0");
    config["mode"] = json!(mode);
    let other = Namespace::new("other");
    rig.add(&config).done();
    rig.call("ADD", &config)
        .container("c2")
        .pod(&other)
        .run()
        .done();
    ["10.1.2.3", "10.1.2.251", "10.1.2.250"].map(|address| rig.pod.pings(address))
}

#[test]
fn in_mode_bridge_pods_of_a_parent_reach_each_other_and_in_mode_private_they_do_not() {
    assert_eq!(both(|rig| reaches(rig, "bridge")), [true, true, false]);
    assert_eq!(both(|rig| reaches(rig, "private")), [false, true, false]);
    assert_eq!(both(|rig| reaches(rig, "vepa")), [false, true, false]);
}

/// 38: the switch gives back what came from the port.
#[test]
fn in_mode_vepa_pods_reach_each_other_through_a_switch_that_reflects() {
    for hairpin in ["off", "on"] {
        let reached = both(|rig| {
            rig.host.ip("link add br0 type bridge");
            rig.host.ip("link set br0 up");
            rig.host.ip("link set up0 master br0");
            let port = format!("link set up0 type bridge_slave hairpin {hairpin}");
            rig.host.ip(&port);
            let mut config = rig.simple("1.0.0");
            config["mode"] = json!("vepa");
            let other = Namespace::new("other");
            rig.add(&config).done();
            let second = rig.call("ADD", &config).container("c2").pod(&other);
            second.run().done();
            rig.pod.pings("10.1.2.3")
        });
        assert_eq!(reached, hairpin == "on");
    }
}

/// 31
#[test]
fn neighbours_learn_at_once_that_an_address_has_moved() {
    both(|rig| {
        let lan = Namespace::new("lan");
        rig.host.ip(&format!("link set up0 netns {}", lan.name));
        lan.ip("link set up0 up");
        lan.ip("addr add 10.1.2.251/24 dev up0");
        let ipam = json!({"type": "static", "addresses": [{"address": "10.1.2.9/24"}]});
        let config = |mac: &str| Rig::config("1.0.0", json!({"ipam": ipam, "mac": mac}));
        rig.add(&config("02:00:00:00:00:01")).done();
        assert!(rig.pod.pings("10.1.2.251"));
        rig.del(&config("02:00:00:00:00:01")).silent();
        rig.add(&config("02:00:00:00:00:02")).done();
        let learned = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let neighbors = lan.json("neigh show dev up0");
            neighbors
                .iter()
                .any(|known| known["dst"] == "10.1.2.9" && known["lladdr"] == "02:00:00:00:00:02")
        });
        assert!(learned);
    });
}
