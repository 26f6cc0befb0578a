//! The cases of macvlan with ipvlan, and those that only ipvlan has.

use serde_json::{Value, json};

use crate::{
    lifecycle,
    parents::parent,
    rig::{Namespace, Rig, both_of, ours_of},
    view,
};

const IPVLAN: &str = "ipvlan";

fn both<T: PartialEq + std::fmt::Debug>(case: impl Fn(&Rig) -> T) -> T {
    both_of(IPVLAN, case)
}

fn ours<T>(case: impl Fn(&Rig) -> T) -> T {
    ours_of(IPVLAN, case)
}

/// A configuration with a fixed address.
fn fixed(address: &str, more: Value) -> Value {
    let ipam = json!({"type": "static", "addresses": [{"address": address}]});
    let mut config = Rig::config("1.0.0", more);
    config["ipam"] = ipam;
    config
}

/// 52: 1, 2, 4
#[test]
#[ignore = "tier uml"]
fn an_attachment_is_made_checked_and_taken_away() {
    lifecycle::is_made_and_taken_away(IPVLAN, &["0.2.0", "1.1.0"]);
    lifecycle::is_not_there_to_delete(IPVLAN, &["1.0.0"]);
    lifecycle::is_checked_after_its_add(IPVLAN, &["0.3.1", "0.4.0"]);
}

/// 52: 16
#[test]
#[ignore = "tier uml"]
fn a_del_succeeds_with_the_sandbox_or_the_parent_gone_and_frees_the_address() {
    lifecycle::is_deleted_after_a_loss(IPVLAN);
}

/// 52: 5, 6
#[test]
#[ignore = "tier uml"]
fn the_parent_is_named_or_that_of_the_default_route_or_in_the_sandbox() {
    both(|rig| {
        let mut config = rig.simple("1.0.0");
        config["master"] = Value::Null;
        let without = rig.add(&config).error();
        rig.host.ip("route add default dev eth0");
        let printed = rig.add(&config).done();
        // An ipvlan link has the address of its parent.
        assert_eq!(
            printed["interfaces"][0]["mac"],
            rig.host.link("eth0")["address"]
        );
        assert_eq!(parent(rig, &rig.host), "eth0");
        without
    });
    both(|rig| {
        rig.pod.ip("link add eth1 type veth peer name up1");
        let mut config = rig.simple("1.0.0");
        config["master"] = json!("eth1");
        config["linkInContainer"] = json!(true);
        rig.add(&config).done();
        assert_eq!(parent(rig, &rig.pod), "eth1");
        let link = view::link(&rig.pod, "net1");
        rig.del(&config).silent();
        (link, rig.pod.links())
    });
}

/// The reference looks for a master by the name "", and needs a default route to delete.
#[test]
#[ignore = "tier uml"]
fn without_a_master_it_is_checked_and_deleted_too() {
    ours(|rig| {
        rig.host.ip("route add default dev eth0");
        let mut config = rig.simple("1.0.0");
        config["master"] = Value::Null;
        config["prevResult"] = rig.add(&config).done();
        rig.call("CHECK", &config).run().silent();
        rig.host.ip("route del default");
        rig.del(&config).silent();
        assert_eq!(rig.pod.links(), ["lo"]);
        assert!(rig.data.reserved().is_empty());
    });
}

/// 52: 11, 12, 13. The reference leaves links of names like veth1a2b3c4d.
#[test]
#[ignore = "tier uml"]
fn an_add_that_fails_leaves_nothing() {
    ours(|rig| {
        let config = rig.simple("1.0.0");
        let call = |verb| rig.call(verb, &config).with("CNI_IFNAME", "eth0").run();
        call("ADD").done();
        let (_, text) = call("ADD").error();
        assert!(
            text.starts_with("failed to rename ipvlan to \"eth0\": file exists"),
            "{text}"
        );
        assert_eq!(rig.pod.links(), ["lo", "eth0"]);
        call("DEL").silent();
        let mut config = rig.simple("1.0.0");
        config["ipam"]["ranges"] = json!([[{"subnet": "10.1.2.0/30"}]]);
        rig.add(&config).done();
        let second = rig.call("ADD", &config).container("c2");
        let (_, text) = second.with("CNI_IFNAME", "net2").run().error();
        assert!(text.contains("no IP addresses available"), "{text}");
        assert_eq!(rig.pod.links(), ["lo", "net1"]);
        assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
        assert_eq!(rig.data.reserved().len(), 1);
    });
}

/// 53
#[test]
#[ignore = "tier uml"]
fn every_mode_is_as_the_reference_makes_it() {
    let modes = both(|rig| {
        ["", "l2", "l3", "l3s"].map(|mode| {
            let mut config = rig.simple("1.0.0");
            config["mode"] = json!(mode);
            let result = rig.add(&config).done();
            let mut shown = view::link(&rig.pod, "net1");
            shown["flags"] = rig.pod.link("net1")["flags"].clone();
            // Each call has the next one.
            shown["addresses"] = shown["addresses"].as_array().unwrap().len().into();
            shown["routes"] = shown["routes"].as_array().unwrap().len().into();
            rig.del(&config).silent();
            (shown, result["interfaces"].as_array().map(Vec::len))
        })
    });
    let is = |n: usize, mode: &str, noarp: bool| {
        let link = &modes[n].0;
        assert_eq!(link["mode"], mode);
        assert_eq!(
            link["flags"].as_array().unwrap().contains(&json!("NOARP")),
            noarp
        );
    };
    is(0, "l2", false);
    is(1, "l2", false);
    is(2, "l3", true);
    is(3, "l3s", true);
    let error = both(|rig| {
        let mut config = rig.simple("1.0.0");
        config["mode"] = json!("L2");
        // The words after it list what there is, in ours alone.
        rig.add(&config).error()
    });
    assert_eq!(error, (999, "unknown ipvlan mode: \"L2\"".to_owned()));
}

/// 53: the reference has no flags.
#[test]
#[ignore = "tier uml"]
fn every_mode_can_have_every_flag() {
    ours(|rig| {
        for mode in ["l2", "l3", "l3s"] {
            for flag in ["bridge", "private", "vepa"] {
                let mut config = fixed("10.1.2.9/24", json!({"mode": mode, "flag": flag}));
                config["prevResult"] = rig.add(&config).done();
                let data = rig.pod.link("net1")["linkinfo"]["info_data"].clone();
                assert_eq!(data["mode"], mode);
                // ip prints the flag as a key without a value.
                assert!(data.get(flag).is_some(), "{flag}: {data}");
                rig.call("CHECK", &config).run().silent();
                let other = if flag == "vepa" { "private" } else { "vepa" };
                let mut changed = config.clone();
                changed["flag"] = json!(other);
                assert_eq!(rig.call("CHECK", &changed).run().error_code(), 999);
                rig.del(&config).silent();
            }
        }
        let (_, text) = rig
            .add(&fixed("10.1.2.9/24", json!({"flag": "none"})))
            .error();
        assert_eq!(text, "unknown ipvlan flag: \"none\"");
    });
}

/// 54
#[test]
#[ignore = "tier uml"]
fn after_another_plugin_it_takes_the_interface_and_the_addresses_of_the_result() {
    let chained = |more: Value| {
        let mut config = Rig::config("1.0.0", json!({"master": null}));
        config["prevResult"] = json!({
            "cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}],
            "ips": [{"address": "10.1.2.77/24", "interface": 0}],
        });
        for (key, value) in more.as_object().unwrap() {
            config["prevResult"][key] = value.clone();
        }
        config
    };
    both(|rig| {
        let config = chained(json!({}));
        let result = view::result(rig, &rig.add(&config).done());
        assert_eq!(parent(rig, &rig.host), "eth0");
        (result, view::link(&rig.pod, "net1"))
    });
    let none = both(|rig| {
        let two = chained(json!({"interfaces": [{"name": "eth0"}, {"name": "up0"}]}));
        let two = rig.add(&two).error();
        (two, rig.add(&chained(json!({"ips": []}))).error_code())
    });
    assert!(none.0.1.starts_with("chained master failure"), "{none:?}");
    ours(|rig| {
        rig.add(&chained(json!({"ips": []}))).error();
        assert_eq!(rig.pod.links(), ["lo"]);
    });
}

/// 55
#[test]
#[ignore = "tier uml"]
fn a_parent_carries_links_of_one_driver() {
    for (first, second) in [("macvlan", "ipvlan"), ("ipvlan", "macvlan")] {
        ours(|rig| {
            let call = |driver: &str, interface: &str| {
                let config = fixed("10.1.2.9/24", json!({}));
                let call = rig.call("ADD", &config).with("CNI_IFNAME", interface);
                call.program(&rig.folder().join(driver)).run()
            };
            call(first, "net1").done();
            let (_, text) = call(second, "net2").error();
            let says = format!(
                "failed to create {second}: device or resource busy (eth0 can't carry {second} \
                 links now: it carries links of the other kind"
            );
            assert!(text.starts_with(&says), "{text}");
            assert_eq!(rig.pod.links(), ["lo", "net1"]);
        });
    }
}

/// 57
#[test]
#[ignore = "tier uml"]
fn an_address_is_on_one_link_of_a_parent_and_free_as_soon_as_that_is_gone() {
    ours(|rig| {
        let other = Namespace::new("other");
        let config = fixed("10.1.2.9/24", json!({}));
        let second = |verb| rig.call(verb, &config).container("c2").pod(&other).run();
        rig.add(&config).done();
        let (_, text) = second("ADD").error();
        assert!(
            text.contains("address already in use (another ipvlan link of the same parent"),
            "{text}"
        );
        assert_eq!(other.links(), ["lo"]);
        for _ in 0..5 {
            rig.del(&config).silent();
            second("ADD").done();
            second("DEL").silent();
            rig.add(&config).done();
        }
    });
}

/// 58
#[test]
#[ignore = "tier uml"]
fn in_l3_a_default_route_needs_no_gateway_and_subnets_reach_each_other() {
    both(|rig| {
        let other = Namespace::new("other");
        let config = |address: &str| {
            let mut config = fixed(address, json!({"mode": "l3"}));
            config["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0"}]);
            config
        };
        rig.add(&config("10.1.2.9/24")).done();
        let second = config("10.1.3.9/24");
        let second = rig.call("ADD", &second).container("c2").pod(&other);
        second.run().done();
        assert!(rig.pod.pings("10.1.3.9"));
        view::link(&rig.pod, "net1")
    });
}

/// 59
#[test]
#[ignore = "tier uml"]
fn the_mtu_and_the_hardware_address_of_the_parent_are_those_of_its_links() {
    both(|rig| {
        rig.add(&fixed("10.1.2.9/24", json!({"mtu": 1400}))).done();
        let first = rig.pod.link("net1")["mtu"].clone();
        rig.host.ip("link set eth0 mtu 1300");
        rig.host.ip("link set eth0 address 02:00:00:00:00:07");
        let link = rig.pod.link("net1");
        assert_eq!(link["address"], "02:00:00:00:00:07");
        (first, link["mtu"].clone())
    });
}

/// 60: the reference takes no notice.
#[test]
#[ignore = "tier uml"]
fn a_hardware_address_that_is_asked_for_is_refused() {
    ours(|rig| {
        let mut config = fixed("10.1.2.9/24", json!({}));
        let args = "IgnoreUnknown=1;MAC=02:00:00:00:00:01";
        let of_args = rig.call("ADD", &config).args(args).run().error();
        config["runtimeConfig"] = json!({"mac": "02:00:00:00:00:01"});
        assert_eq!(rig.add(&config).error(), of_args);
        assert_eq!(of_args.0, 7);
        assert!(of_args.1.contains("of their parent"), "{of_args:?}");
        assert_eq!(rig.pod.links(), ["lo"]);
    });
}
