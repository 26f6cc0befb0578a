//! Parents of kinds that other kernels lack.

use serde_json::json;

use crate::{
    parents::parent,
    rig::{Rig, both_of, ours_of},
    view,
};

/// 41
#[test]
#[ignore = "tier uml"]
fn a_dummy_and_a_bond_are_parents_like_others() {
    for driver in ["macvlan", "ipvlan"] {
        for prepare in [
            &["link add nic0 type dummy", "link set nic0 up"][..],
            &[
                "link add nic0 type bond mode active-backup miimon 100",
                "link set eth0 down",
                "link set eth0 master nic0",
                "link set nic0 up",
            ],
        ] {
            both_of(driver, |rig| {
                for line in prepare {
                    rig.host.ip(line);
                }
                let mut config = rig.simple("1.0.0");
                config["master"] = json!("nic0");
                let mut config = config.clone();
                config["prevResult"] = rig.add(&config).done();
                assert_eq!(parent(rig, &rig.host), "nic0");
                let link = view::link(&rig.pod, "net1");
                rig.call("CHECK", &config).run().silent();
                rig.del(&config).silent();
                (link, rig.pod.links())
            });
        }
    }
}

/// 41
#[test]
#[ignore = "tier uml"]
fn the_bond_that_holds_a_parent_is_named() {
    for driver in ["macvlan", "ipvlan"] {
        ours_of(driver, |rig| {
            rig.host.ip("link add bond0 type bond");
            rig.host.ip("link set eth0 down");
            rig.host.ip("link set eth0 master bond0");
            let config = Rig::config(
                "1.0.0",
                json!({"ipam": rig.host_local(json!({"subnet": "10.1.2.0/24"}))}),
            );
            let (_, text) = rig.add(&config).error();
            assert!(text.contains("device or resource busy"), "{text}");
            assert!(text.contains("eth0 is a port of bond0"), "{text}");
            assert_eq!(rig.pod.links(), ["lo"]);
        });
    }
}
