//! VLANs: one that is there, which any plugin takes as its parent, and those that ours makes.

use serde_json::{Value, json};

use crate::{
    parents::parent,
    rig::{Namespace, Rig, both_of, ours, ours_of},
    view,
};

/// An attachment on a VLAN.
fn tagged(rig: &Rig, vlan: Value) -> Value {
    let mut config = rig.simple("1.0.0");
    config["vlan"] = vlan;
    config
}

fn vlan(rig: &Rig, name: &str) -> Value {
    rig.host.link(name)["linkinfo"].clone()
}

fn add(rig: &Rig, config: &Value, interface: &str) -> Value {
    let call = rig.call("ADD", config).with("CNI_IFNAME", interface);
    call.run().done()
}

fn del(rig: &Rig, config: &Value, interface: &str) {
    let call = rig.call("DEL", config).with("CNI_IFNAME", interface);
    call.run().silent();
}

#[test]
#[ignore = "tier uml"]
fn a_vlan_that_is_there_is_a_parent_by_its_name() {
    for driver in ["macvlan", "ipvlan"] {
        both_of(driver, |rig| {
            rig.host
                .ip("link add link eth0 name eth0.70 type vlan id 70");
            rig.host.ip("link set eth0.70 up");
            let mut config = rig.simple("1.0.0");
            config["master"] = json!("eth0.70");
            config["prevResult"] = rig.add(&config).done();
            assert_eq!(parent(rig, &rig.host), "eth0.70");
            rig.call("CHECK", &config).run().silent();
            let link = view::link(&rig.pod, "net1");
            rig.del(&config).silent();
            (link, rig.host.links())
        });
    }
}

/// 61
#[test]
#[ignore = "tier uml"]
fn a_vlan_is_made_for_the_first_attachment_and_removed_after_the_last() {
    for driver in ["macvlan", "ipvlan"] {
        ours_of(driver, |rig| {
            for protocol in ["802.1Q", "802.1ad"] {
                let config = tagged(rig, json!({"id": 70, "protocol": protocol}));
                add(rig, &config, "net1");
                let made = rig.host.link("eth0.70");
                let data = &made["linkinfo"]["info_data"];
                assert_eq!(
                    (&data["id"], &data["protocol"]),
                    (&json!(70), &json!(protocol))
                );
                assert_eq!(made["link"], "eth0");
                assert_eq!(made["ifalias"], "landfall:standalone");
                assert!(made["flags"].as_array().unwrap().contains(&json!("UP")));
                assert_eq!(parent(rig, &rig.host), "eth0.70");
                add(rig, &config, "net2");
                del(rig, &config, "net1");
                assert_ne!(vlan(rig, "eth0.70"), Value::Null, "net2 uses it");
                del(rig, &config, "net2");
                assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
                del(rig, &config, "net2");
            }
        });
    }
}

/// Its frames carry the tag: a host of the VLAN answers.
#[test]
#[ignore = "tier uml"]
fn a_host_of_the_vlan_is_reached_and_one_outside_is_not() {
    ours(|rig| {
        rig.host.ip("link add link up0 name up0.70 type vlan id 70");
        let (lan, outside) = (Namespace::new("lan"), Namespace::new("outside"));
        rig.host.ip(&format!("link set up0.70 netns {}", lan.name));
        lan.ip("link set up0.70 up");
        lan.ip("addr add 10.1.2.251/24 dev up0.70");
        rig.host.ip("link add link up0 name up0.71 type vlan id 71");
        rig.host
            .ip(&format!("link set up0.71 netns {}", outside.name));
        outside.ip("link set up0.71 up");
        outside.ip("addr add 10.1.2.252/24 dev up0.71");
        add(rig, &tagged(rig, json!({"id": 70})), "net1");
        assert!(rig.pod.pings("10.1.2.251"));
        assert!(!rig.pod.pings("10.1.2.252"));
    });
}

/// 62
#[test]
#[ignore = "tier uml"]
fn a_vlan_that_was_there_is_used_and_never_removed() {
    ours(|rig| {
        rig.host.ip("link add link eth0 name lan70 type vlan id 70");
        // Whatever it is called: a link has one VLAN of an id.
        let config = tagged(rig, json!({"id": 70}));
        add(rig, &config, "net1");
        assert_eq!(parent(rig, &rig.host), "lan70");
        del(rig, &config, "net1");
        assert_eq!(rig.host.links(), ["lo", "up0", "eth0", "lan70"]);
        let config = tagged(rig, json!({"id": 71, "name": "lan71"}));
        add(rig, &config, "net1");
        assert_eq!(parent(rig, &rig.host), "lan71");
        rig.host.ip("addr add 10.9.9.9/24 dev lan71");
        del(rig, &config, "net1");
        assert_ne!(vlan(rig, "lan71"), Value::Null, "somebody uses it");
    });
}

/// 63
#[test]
#[ignore = "tier uml"]
fn two_networks_share_a_vlan() {
    for last in ["net1", "net2"] {
        ours(|rig| {
            let one = tagged(rig, json!({"id": 40}));
            let mut two = one.clone();
            two["name"] = json!("second");
            two["mode"] = json!("private");
            add(rig, &one, "net1");
            add(rig, &two, "net2");
            let first = if last == "net1" { "net2" } else { "net1" };
            let of = |interface| if interface == "net1" { &one } else { &two };
            del(rig, of(first), first);
            assert_ne!(vlan(rig, "eth0.40"), Value::Null);
            del(rig, of(last), last);
            assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
        });
    }
}

/// The last link leaves with its sandbox, and a DEL without one has none to ask from.
#[test]
#[ignore = "tier uml"]
fn the_del_of_an_attachment_whose_sandbox_is_gone_removes_the_vlan() {
    ours(|rig| {
        let config = tagged(rig, json!({"id": 70}));
        rig.del_after_its_sandbox(&config);
        assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
    });
}

#[test]
#[ignore = "tier uml"]
fn an_add_that_fails_takes_the_vlan_that_it_made_with_it() {
    ours(|rig| {
        let mut config = tagged(rig, json!({"id": 70}));
        config["ipam"]["ranges"] = json!([[{"subnet": "10.1.2.0/30"}]]);
        let first = tagged(rig, json!({"id": 71}));
        add(rig, &first, "net1");
        let second = rig.call("ADD", &config).with("CNI_IFNAME", "net2");
        let (_, text) = second.run().error();
        assert!(text.contains("no IP addresses available"), "{text}");
        assert_eq!(vlan(rig, "eth0.70"), Value::Null);
        // Nor can it be made: the name is that of the link of another VLAN.
        let config = tagged(rig, json!({"id": 72, "name": "eth0.71"}));
        let (_, text) = rig
            .call("ADD", &config)
            .with("CNI_IFNAME", "net2")
            .run()
            .error();
        let says = "eth0.71 is there, but is no VLAN with id 72 (802.1Q) on eth0";
        assert!(text.starts_with(says), "{text}");
        assert_eq!(rig.pod.links(), ["lo", "net1"]);
    });
}

/// 64
#[test]
#[ignore = "tier uml"]
fn ids_and_parents_that_make_no_sense_are_refused() {
    ours(|rig| {
        for (odd, says) in [
            (json!({"id": 0}), "a VLAN needs an id from 1 to 4094"),
            (json!({"id": 4095}), "a VLAN needs an id from 1 to 4094"),
            (json!({"id": "abc"}), "vlan.id"),
            (json!({"id": 70, "protocol": "802.1X"}), "vlan.protocol"),
            (json!({"id": 70, "name": "eth0:10"}), "eth0:10"),
            (
                json!({"id": 70, "name": "sixteen-letters0"}),
                "sixteen-letters0",
            ),
        ] {
            let (_, text) = rig.add(&tagged(rig, odd.clone())).error();
            assert!(text.contains(says), "{odd}: {text}");
            assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
        }
        rig.host
            .ip("link add long-long-name type veth peer name other0");
        let mut config = tagged(rig, json!({"id": 4094}));
        config["master"] = json!("long-long-name");
        let (_, text) = rig.add(&config).error();
        assert!(
            text.ends_with("choose a name for it with vlan.name"),
            "{text}"
        );
        let mut config = tagged(rig, json!({"id": 70}));
        config["master"] = json!("nope0");
        let (_, text) = rig.add(&config).error();
        assert_eq!(text, "failed to lookup master \"nope0\": Link not found");
        // As the reference: a name alone makes no VLAN.
        let mut config = rig.simple("1.0.0");
        config["master"] = json!("eth0.70");
        let (_, text) = rig.add(&config).error();
        assert_eq!(text, "failed to lookup master \"eth0.70\": Link not found");
    });
}
