//! An ADD that fails leaves nothing. The reference leaves the link, and then every second try finds the
//! name taken.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::{
    programs,
    rig::{Rig, both, ours},
};

/// Nothing is left of an ADD.
fn is_clean(rig: &Rig) {
    assert_eq!(rig.pod.links(), ["lo"]);
    assert!(rig.data.reserved().is_empty());
    assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
}

/// 11
#[test]
fn an_interface_may_be_called_as_one_of_the_host() {
    both(|rig| {
        let before = rig.host.link("eth0");
        let config = rig.simple("1.0.0");
        let call = |verb| rig.call(verb, &config).with("CNI_IFNAME", "eth0").run();
        call("ADD").done();
        assert_eq!(rig.host.link("eth0")["address"], before["address"]);
        let names = (rig.pod.links(), rig.host.links());
        call("DEL").silent();
        names
    });
}

/// 12
#[test]
fn a_name_that_is_taken_is_an_error_and_what_has_it_stays() {
    both(|rig| {
        rig.pod.ip("link add net1 type bridge");
        let (code, text) = rig.add(&rig.simple("1.0.0")).error();
        assert!(
            text.starts_with("failed to rename macvlan to \"net1\": file exists"),
            "{text}"
        );
        assert_eq!(rig.pod.link("net1")["linkinfo"]["info_kind"], "bridge");
        assert!(rig.data.reserved().is_empty());
        (code, rig.pod.links(), rig.host.links())
    });
    both(|rig| {
        let config = rig.simple("1.0.0");
        rig.add(&config).done();
        let code = rig.call("ADD", &config).run().error_code();
        (code, rig.data.reserved(), rig.pod.links())
    });
}

/// 13
#[test]
fn an_exhausted_range_is_told_with_ipams_words() {
    let config = |rig: &Rig, ipam: &str| {
        let range = json!({"subnet": "10.1.2.0/30"});
        let mut config = Rig::config("1.0.0", json!({"ipam": rig.host_local(range)}));
        config["ipam"]["type"] = json!(ipam);
        config
    };
    let exhaust = |rig: &Rig, ipam: &str| {
        let config = config(rig, ipam);
        let first = rig.call("ADD", &config).container("c0");
        first.with("CNI_IFNAME", "net0").run().done();
        rig.add(&config).error()
    };
    let theirs = both(|rig| exhaust(rig, "host-local"));
    for ipam in ["host-local", "landfall"] {
        ours(|rig| {
            assert_eq!(exhaust(rig, ipam), theirs);
            assert_eq!(rig.pod.links(), ["lo", "net0"]);
            assert_eq!(rig.data.reserved().len(), 1);
            let config = config(rig, ipam);
            let first = rig.call("DEL", &config).container("c0");
            first.with("CNI_IFNAME", "net0").run().silent();
            rig.add(&config).done();
        });
    }
}

/// 14, 15
#[test]
fn an_ipam_plugin_that_fails_in_any_way_leaves_no_link() {
    for (name, script) in [
        ("silent", "exit 3"),
        ("loud", "echo no >&2; exit 1"),
        ("garbage", "printf panic; exit 2"),
        (
            "coded",
            r#"echo '{"code": 11, "msg": "later", "details": "d"}'; exit 1"#,
        ),
        ("nothing", "true"),
        ("text", "echo hello"),
        ("empty", r#"echo '{"cniVersion": "1.0.0"}'"#),
        (
            "odd",
            r#"echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.1.2.3"}]}'"#,
        ),
        ("future", r#"echo '{"cniVersion": "9.9.9", "ips": []}'"#),
    ] {
        let fail = |rig: &Rig| {
            let program = rig.data.0.join(name);
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let config = Rig::config("1.0.0", json!({"ipam": {"type": name}}));
            let path = rig.data.0.display();
            let (code, text) = rig
                .call("ADD", &config)
                .with("CNI_PATH", path)
                .run()
                .error();
            // The words for what is wrong in JSON are each language's own.
            (code, text.split(':').next().unwrap_or_default().to_owned())
        };
        let (_, text) = match name {
            "odd" | "future" | "nothing" | "text" => {
                let codes = both(|rig| fail(rig).0);
                (codes, String::new())
            }
            _ => both(fail),
        };
        drop(text);
        ours(|rig| {
            fail(rig);
            is_clean(rig);
        });
    }
    let missing = Rig::config("1.0.0", json!({"ipam": {"type": "nope"}}));
    let (code, text) = both(|rig| rig.add(&missing).error());
    let folder = programs::reference().display();
    assert_eq!(code, 999);
    assert_eq!(
        text,
        format!("failed to find plugin \"nope\" in path [{folder}]")
    );
    ours(|rig| {
        rig.add(&missing).error();
        is_clean(rig);
    });
}

/// A static address.
fn with_address(address: &str, routes: Value) -> Value {
    let ipam = json!({"type": "static", "addresses": [{"address": address}], "routes": routes});
    Rig::config("1.0.0", json!({"ipam": ipam}))
}

#[test]
fn a_route_that_the_kernel_refuses_takes_the_whole_link_with_it() {
    for routes in [
        json!([{"dst": "10.9.0.0/16", "gw": "192.0.2.1"}]),
        json!([{"dst": "10.9.0.1/16"}]),
    ] {
        let config = with_address("10.1.2.3/24", routes);
        both(|rig| {
            let (code, text) = rig.add(&config).error();
            assert!(text.starts_with("failed to add route '"), "{text}");
            (
                code,
                text.rsplit(": ").next().unwrap_or_default().to_owned(),
            )
        });
        ours(|rig| {
            rig.add(&config).error();
            is_clean(rig);
        });
    }
}

/// 40
#[test]
fn a_mac_that_is_in_use_or_none_is_refused() {
    for mac in ["that of the parent", "02:00:00:00:00:07"] {
        let fail = |rig: &Rig| {
            let mac = match mac {
                "that of the parent" => rig.host.link("eth0")["address"].clone(),
                mac => json!(mac),
            };
            let mut config = rig.simple("1.0.0");
            config["mac"] = mac;
            let first = rig.call("ADD", &config).container("c0");
            let first = first.with("CNI_IFNAME", "net0").run();
            let (code, text) = if first.code == Some(0) {
                rig.add(&config).error()
            } else {
                first.error()
            };
            assert!(text.contains("UP: address already in use"), "{text}");
            code
        };
        both(fail);
        ours(|rig| {
            fail(rig);
            assert!(!rig.pod.links().contains(&"net1".to_owned()));
            assert!(
                rig.data
                    .reserved()
                    .iter()
                    .all(|(_, by)| by.starts_with("c0"))
            );
        });
    }
    both(|rig| {
        let mut config = rig.simple("1.0.0");
        config["mac"] = json!("01:00:5e:00:00:01");
        let (code, text) = rig.add(&config).error();
        assert!(text.contains("cannot assign requested address"), "{text}");
        code
    });
}
