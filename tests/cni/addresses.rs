//! Addresses, routes, sysctls and DNS of an attachment.

use serde_json::{Value, json};

use crate::{
    rig::{Rig, VERSIONS, both, ours},
    view,
};

/// What an ADD prints and makes.
fn shown(rig: &Rig, config: &Value) -> Value {
    let result = view::result(rig, &rig.add(config).done());
    let link = view::link(&rig.pod, "net1");
    rig.del(config).silent();
    json!([result, link])
}

fn with(rig: &Rig, version: &str, ipam: Value) -> Value {
    Rig::config(version, json!({"ipam": rig.host_local(ipam)}))
}

const DUAL: &str = r#"[[{"subnet": "10.1.2.0/24"}], [{"subnet": "fd00:1:2::/64"}]]"#;

fn dual() -> Value {
    serde_json::from_str(DUAL).unwrap()
}

/// 25, 29
#[test]
fn dual_stack_is_made_and_printed_alike_in_every_version() {
    for version in VERSIONS {
        let shown = both(|rig| shown(rig, &with(rig, version, json!({"ranges": dual()}))));
        assert_eq!(shown[1]["addresses"].as_array().unwrap().len(), 2);
        if version < "0.3.0" {
            assert_eq!(shown[0]["ip6"]["ip"], "fd00:1:2::2/64");
        }
    }
}

/// 25
#[test]
fn two_addresses_of_one_family_are_refused_in_the_oldest_versions() {
    let two = json!({"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "10.1.3.0/24"}]]});
    for version in ["0.1.0", "0.2.0"] {
        both(|rig| rig.add(&with(rig, version, two.clone())).error());
    }
    for version in ["0.3.0", "1.1.0"] {
        both(|rig| shown(rig, &with(rig, version, two.clone())));
    }
}

/// 27, 28
#[test]
fn routes_go_through_the_first_gateway_or_their_own() {
    for routes in [
        json!([{"dst": "0.0.0.0/0"}, {"dst": "172.16.0.0/12", "gw": "10.1.2.5"}]),
        json!([{"dst": "::/0"}, {"dst": "fd00:9::/64", "gw": "fd00:1:2::9"}]),
        json!([{"dst": "10.8.0.0/16", "priority": 77}, {"dst": "10.9.0.0/16", "table": 1234}]),
        json!([{"dst": "10.8.0.0/16", "table": 77, "priority": 5, "mtu": 1300, "advmss": 1200}]),
        json!([{"dst": "10.8.0.0/16", "gw": "10.1.2.5"}, {"dst": "10.8.0.0/16", "gw": "10.1.2.6"}]),
        json!([{"dst": "fd00:9::/64", "gw": "fd00:1:2::9"}, {"dst": "fd00:9::/64", "gw": "fd00:1:2::8"}]),
        json!([{"dst": "10.8.0.1/32", "scope": 0}]),
    ] {
        let ipam = json!({"ranges": dual(), "routes": routes});
        for version in ["0.2.0", "0.4.0", "1.1.0"] {
            both(|rig| shown(rig, &with(rig, version, ipam.clone())));
        }
    }
}

/// 28
#[test]
fn a_route_of_scope_link_has_no_gateway() {
    let routes = json!([{"dst": "10.8.0.0/16", "scope": 253}]);
    both(|rig| {
        let ipam = json!({"type": "static", "addresses": [{"address": "10.1.2.3/24"}],
            "routes": routes});
        shown(rig, &Rig::config("1.1.0", json!({"ipam": ipam})))
    });
}

/// 29
#[test]
fn ipv6_is_switched_on_where_the_sandbox_has_it_off() {
    both(|rig| {
        for interface in ["all", "default", "lo"] {
            rig.pod
                .set_sysctl(&format!("ipv6.conf.{interface}.disable_ipv6"), "1");
        }
        let shown = shown(rig, &with(rig, "1.0.0", json!({"ranges": dual()})));
        (shown, rig.pod.sysctl("ipv6/conf/lo/disable_ipv6"))
    });
    // Without IPv6 addresses it is left alone.
    both(|rig| {
        for interface in ["all", "default", "lo"] {
            rig.pod
                .set_sysctl(&format!("ipv6.conf.{interface}.disable_ipv6"), "1");
        }
        let shown = shown(rig, &rig.simple("1.0.0"));
        (shown, rig.pod.sysctl("ipv6/conf/lo/disable_ipv6"))
    });
}

/// 30
#[test]
fn only_the_new_interface_announces() {
    both(|rig| {
        let config = with(rig, "1.0.0", json!({"ranges": dual()}));
        rig.add(&config).done();
        let of = |name| {
            let v4 = rig.pod.sysctl(&format!("ipv4/conf/{name}/arp_notify"));
            (
                v4,
                rig.pod.sysctl(&format!("ipv6/conf/{name}/ndisc_notify")),
            )
        };
        (of("net1"), of("lo"), of("default"))
    });
}

/// 32: the reference waits for duplicate address detection; ours where `dad` is set.
#[test]
fn an_ipv6_address_is_usable_at_once_or_after_detection_as_configured() {
    let flags = |rig: &Rig| {
        let link = rig.pod.link("net1");
        let addresses = link["addr_info"].as_array().unwrap().clone();
        let mut own = addresses.into_iter();
        own.find(|address| address["local"] == "fd00:1:2::2")
            .unwrap()
    };
    for dad in [false, true] {
        ours(|rig| {
            let mut config = with(rig, "1.0.0", json!({"ranges": dual()}));
            config["dad"] = json!(dad);
            rig.add(&config).done();
            let address = flags(rig);
            assert_eq!(address["tentative"], Value::Null);
            assert_eq!(address["nodad"] == true, !dad, "{address}");
        });
    }
    ours(|rig| {
        rig.host.ip("addr add fd00:1:2::2/64 dev up0 nodad");
        let mut config = with(rig, "1.0.0", json!({"ranges": dual()}));
        config["dad"] = json!(true);
        let (code, text) = rig.add(&config).error();
        assert_eq!(code, 999);
        assert!(text.contains("fd00:1:2::2/64 in DADFAILED state"), "{text}");
        assert_eq!(rig.pod.links(), ["lo"]);
        assert!(rig.data.reserved().is_empty());
    });
}

/// 34
#[test]
fn addresses_that_are_asked_for_are_given_or_nothing_is() {
    let ask = |rig: &Rig, args: &str, more: Value| {
        let mut config = with(rig, "1.0.0", json!({"ranges": dual()}));
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        let added = rig.call("ADD", &config).args(args).run();
        if added.code == Some(0) {
            return Ok((view::result(rig, &added.json()), rig.data.reserved()));
        }
        assert!(rig.data.reserved().is_empty());
        Err(added.error())
    };
    for (args, more, given) in [
        ("IgnoreUnknown=1;IP=10.1.2.77", json!({}), true),
        ("IgnoreUnknown=1;IP=10.1.2.77/24", json!({}), true),
        ("IP=10.1.2.77", json!({}), false),
        (
            "",
            json!({"args": {"cni": {"ips": ["10.1.2.78", "fd00:1:2::78"]}}}),
            true,
        ),
        (
            "",
            json!({"runtimeConfig": {"ips": ["10.1.2.79", "fd00:1:2::79/64"]}}),
            true,
        ),
        ("", json!({"runtimeConfig": {"ips": ["10.1.2.1"]}}), false),
        ("", json!({"runtimeConfig": {"ips": ["192.0.2.1"]}}), false),
    ] {
        let asked = both(|rig| ask(rig, args, more.clone()));
        assert_eq!(asked.is_ok(), given, "{args} {more}");
        for _ in 0..1 {
            ours(|rig| {
                if ask(rig, args, more.clone()).is_err() {
                    assert_eq!(rig.pod.links(), ["lo"]);
                }
            });
        }
    }
    both(|rig| {
        rig.add(&with(rig, "1.0.0", json!({"ranges": dual()})))
            .done()["ips"]
            .clone()
    });
}

/// 35
#[test]
fn dns_is_that_of_the_configuration_or_else_that_of_ipam() {
    let dns = json!({"nameservers": ["10.0.0.1"], "domain": "a.test", "search": ["b.test"],
        "options": ["ndots:2"]});
    for version in VERSIONS {
        both(|rig| {
            let mut config = rig.simple(version);
            config["dns"] = dns.clone();
            shown(rig, &config)
        });
    }
    let of_ipam = |rig: &Rig| {
        let ipam = json!({"type": "static", "addresses": [{"address": "10.1.2.3/24"}],
            "dns": {"nameservers": ["10.0.0.2"]}});
        let config = Rig::config("1.0.0", json!({"ipam": ipam}));
        rig.add(&config).done()["dns"].clone()
    };
    assert_eq!(ours(of_ipam), json!({"nameservers": ["10.0.0.2"]}));
}

/// 50
#[test]
fn the_plugin_static_serves_ours_as_it_serves_the_reference() {
    let addresses = json!([
        {"address": "10.1.2.3/24", "gateway": "10.1.2.1"}, {"address": "10.1.3.3/24"},
        {"address": "fd00:1:2::3/64"},
    ]);
    let config = |more: Value| {
        let mut config = Rig::config(
            "1.0.0",
            json!({"ipam": {"type": "static", "addresses": addresses,
                "routes": [{"dst": "0.0.0.0/0"}]}}),
        );
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    };
    both(|rig| shown(rig, &config(json!({}))));
    for more in [
        json!({"args": {"cni": {"ips": ["10.1.2.9/24"]}}}),
        json!({"runtimeConfig": {"ips": ["10.1.2.9/24", "fd00:1:2::9/64"]}}),
    ] {
        both(|rig| shown(rig, &config(more.clone())));
    }
    both(|rig| {
        let args = "IgnoreUnknown=1;IP=10.1.4.9/24;GATEWAY=10.1.4.1";
        let added = rig.call("ADD", &config(json!({}))).args(args).run();
        view::result(rig, &added.done())
    });
    for more in [
        json!({"runtimeConfig": {"ips": ["10.1.2.9"]}}),
        json!({"ipam": {"type": "static", "addresses": [{"address": "10.1.2.3"}]}}),
        json!({"ipam": {"type": "static", "addresses": []}}),
    ] {
        both(|rig| rig.add(&config(more.clone())).error());
        ours(|rig| {
            rig.add(&config(more.clone())).error();
            assert_eq!(rig.pod.links(), ["lo"]);
        });
    }
}
