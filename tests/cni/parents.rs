//! Which link is the parent, and which can't be.

use serde_json::{Value, json};

use crate::{
    rig::{Rig, both, ours},
    view,
};

fn layer2(more: Value) -> Value {
    Rig::config("1.0.0", more)
}

/// A configuration without a master.
fn bare() -> Value {
    layer2(json!({"master": null}))
}

/// The name of the parent of the pod's link, in a namespace.
pub(crate) fn parent(rig: &Rig, of: &crate::rig::Namespace) -> Value {
    let index = rig.pod.link("net1")["link_index"].clone();
    let name = rig.pod.link("net1")["link"].clone();
    let links = of.json("link show");
    let found = links.iter().find(|link| link["ifindex"] == index);
    found.map_or(name, |link| link["ifname"].clone())
}

/// 5
#[test]
fn without_a_master_the_link_of_the_default_route_is_the_parent() {
    for route in ["10.0.0.0/8", "fd00:1::/64"] {
        let error = both(|rig| {
            rig.host.ip(&format!("route add {route} dev eth0"));
            rig.add(&bare()).error()
        });
        assert_eq!(error, (999, "no default route interface found".to_owned()));
    }
    for default in ["default", "::/0"] {
        let name = both(|rig| {
            rig.host.ip(&format!("route add {default} dev eth0"));
            rig.add(&bare()).done();
            parent(rig, &rig.host)
        });
        assert_eq!(name, "eth0");
    }
}

/// 6
#[test]
fn the_parent_may_be_in_the_sandbox() {
    let config = layer2(json!({"master": "eth1", "linkInContainer": true}));
    let prepare = |rig: &Rig| {
        rig.pod.ip("link add eth1 type veth peer name up1");
        rig.pod.ip("link set eth1 up");
    };
    both(|rig| {
        prepare(rig);
        let result = view::result(rig, &rig.add(&config).done());
        assert_eq!(parent(rig, &rig.pod), "eth1");
        let link = view::link(&rig.pod, "net1");
        rig.del(&config).silent();
        (result, link, rig.pod.links())
    });
    both(|rig| {
        prepare(rig);
        let config = layer2(json!({"master": "", "linkInContainer": true}));
        let without = rig.add(&config).error();
        rig.pod.ip("route add default dev eth1");
        rig.add(&config).done();
        assert_eq!(parent(rig, &rig.pod), "eth1");
        without
    });
    let plain = layer2(json!({"master": "eth1", "linkInContainer": false}));
    both(|rig| {
        prepare(rig);
        rig.add(&plain).error_code()
    });
}

#[test]
fn a_parent_that_is_not_there_is_an_error_that_names_it() {
    both(|rig| {
        let (code, text) = rig.add(&layer2(json!({"master": "nope"}))).error();
        assert!(text.ends_with("Link not found"), "{text}");
        code
    });
    ours(|rig| {
        let (_, text) = rig.add(&layer2(json!({"master": "nope"}))).error();
        assert_eq!(text, "failed to lookup master \"nope\": Link not found");
    });
}

/// 39
#[test]
fn a_passthru_link_is_alone_on_its_parent() {
    let add = |rig: &Rig, mode: &str, interface: &str| {
        let config = layer2(json!({"mode": mode}));
        rig.call("ADD", &config).with("CNI_IFNAME", interface).run()
    };
    for (first, second) in [
        ("passthru", "bridge"),
        ("bridge", "passthru"),
        ("passthru", "passthru"),
    ] {
        both(|rig| {
            let printed = add(rig, first, "net1").done();
            if first == "passthru" {
                let parent = rig.host.link("eth0")["address"].clone();
                assert_eq!(printed["interfaces"][0]["mac"], parent);
            }
            let (code, text) = add(rig, second, "net2").error();
            assert!(text.contains("invalid argument"), "{text}");
            (code, rig.pod.links())
        });
    }
}

/// 41
#[test]
fn who_holds_the_parent_is_named() {
    both(|rig| {
        rig.host.ip("link add br0 type bridge");
        rig.host.ip("link set eth0 master br0");
        let (code, text) = rig.add(&layer2(json!({}))).error();
        assert!(text.contains("device or resource busy"), "{text}");
        code
    });
    ours(|rig| {
        rig.host.ip("link add br0 type bridge");
        rig.host.ip("link set eth0 master br0");
        let (_, text) = rig.add(&layer2(json!({}))).error();
        assert!(text.contains("eth0 is a port of br0"), "{text}");
    });
    both(|rig| {
        rig.host.ip("link add br0 type bridge");
        rig.host.ip("link set br0 up");
        rig.add(&layer2(json!({"master": "br0"}))).done();
        parent(rig, &rig.host)
    });
    both(|rig| {
        rig.host
            .ip("link add mv0 link eth0 type macvlan mode bridge");
        rig.add(&layer2(json!({"master": "mv0"}))).done();
        parent(rig, &rig.host)
    });
    both(|rig| rig.add(&layer2(json!({"master": "lo"}))).error_code());
}

/// 33: the reference waits 5 s for it with an IPv6 gateway.
#[test]
fn a_parent_that_is_down_or_has_no_carrier_is_good_enough() {
    for down in ["eth0", "up0"] {
        both(|rig| {
            rig.host.ip(&format!("link set {down} down"));
            rig.add(&rig.simple("1.0.0")).done();
            view::link(&rig.pod, "net1")
        });
    }
}
