//! CHECK.

use serde_json::{Value, json};

use crate::rig::{Folder, Rig, both, ours};

/// A configuration after its ADD, with what that printed.
fn added(rig: &Rig) -> Value {
    let ipam = rig.host_local(json!({
        "ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "fd00:1:2::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "10.9.0.0/16", "gw": "10.1.2.9"}],
    }));
    let mut config = Rig::config("1.0.0", json!({"ipam": ipam}));
    config["prevResult"] = rig.add(&config).done();
    config
}

fn check(rig: &Rig, config: &Value) -> Result<(), i64> {
    let checked = rig.call("CHECK", config).run();
    if checked.code == Some(0) {
        checked.silent();
        Ok(())
    } else {
        Err(checked.error_code())
    }
}

/// 44, 42
#[test]
fn a_check_finds_what_is_not_as_it_was_made() {
    type Change = fn(&Rig, &mut Value);
    let changes: [(&str, Change); 13] = [
        ("address", |rig, _| {
            drop(rig.pod.ip("addr del 10.1.2.2/24 dev net1"));
        }),
        ("IPv6 address", |rig, _| {
            drop(rig.pod.ip("addr del fd00:1:2::2/64 dev net1"));
        }),
        ("default route", |rig, _| {
            drop(rig.pod.ip("route del default"));
        }),
        ("route", |rig, _| drop(rig.pod.ip("route del 10.9.0.0/16"))),
        ("gateway", |rig, _| {
            drop(rig.pod.ip("route replace 10.9.0.0/16 via 10.1.2.8"));
        }),
        ("hardware address", |rig, _| {
            drop(rig.pod.ip("link set net1 address 02:00:00:00:00:99"));
        }),
        ("link", |rig, _| drop(rig.pod.ip("link del net1"))),
        ("kind", |rig, _| {
            rig.pod.ip("link del net1");
            drop(rig.pod.ip("link add net1 type bridge"));
        }),
        ("mode", |_, config| config["mode"] = json!("vepa")),
        ("parent", |rig, _| drop(rig.host.ip("link del eth0"))),
        ("prevResult", |_, config| config["prevResult"] = Value::Null),
        ("sandbox", |_, config| {
            config["prevResult"]["interfaces"][0]["sandbox"] = json!("/other");
        }),
        ("IPAM's file", |rig, _| {
            std::fs::remove_dir_all(rig.data.0.join("lan")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let checked = both(|rig| {
            let mut config = added(rig);
            assert_eq!(check(rig, &config), Ok(()));
            change(rig, &mut config);
            check(rig, &config)
        });
        assert_eq!(checked, Err(999), "{what}");
    }
}

/// 44
#[test]
fn more_than_was_made_is_no_difference() {
    both(|rig| {
        let config = added(rig);
        rig.pod.ip("addr add 10.7.0.1/24 dev net1");
        rig.pod.ip("route add 10.8.0.0/16 dev net1");
        rig.pod.ip("link set net1 mtu 1300");
        check(rig, &config).unwrap();
    });
}

#[test]
fn a_link_without_addresses_is_checked_too() {
    let checked = both(|rig| {
        let mut config = Rig::config("0.4.0", json!({}));
        config["prevResult"] = rig.add(&config).done();
        check(rig, &config).unwrap();
        rig.pod.ip("link del net1");
        check(rig, &config)
    });
    assert_eq!(checked, Err(999));
}

/// 43
#[test]
fn a_parent_whose_mtu_shrinks_takes_its_links_with_it() {
    both(|rig| {
        let config = added(rig);
        rig.host.ip("link set eth0 mtu 1300");
        let small = rig.pod.link("net1")["mtu"].clone();
        rig.host.ip("link set eth0 mtu 1500");
        check(rig, &config).unwrap();
        (small, rig.pod.link("net1")["mtu"].clone())
    });
}

/// The reference looks for the route of another table in the main one.
#[test]
fn a_route_of_another_table_does_not_fail_a_check() {
    ours(|rig| {
        let ipam = json!({"type": "static", "addresses": [{"address": "10.1.2.3/24"}],
            "routes": [{"dst": "10.9.0.0/16", "table": 77}]});
        let mut config = Rig::config("1.1.0", json!({"ipam": ipam}));
        config["prevResult"] = rig.add(&config).done();
        check(rig, &config).unwrap();
    });
}

#[test]
fn the_built_in_ipam_knows_its_addresses() {
    ours(|rig| {
        let mut config = rig.simple("1.0.0");
        config["ipam"]["type"] = json!("landfall");
        config["prevResult"] = rig.add(&config).done();
        check(rig, &config).unwrap();
        let other = Folder::new();
        config["ipam"]["dataDir"] = json!(other.0);
        check(rig, &config).unwrap_err();
    });
}
