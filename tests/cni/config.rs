//! What a configuration and CNI_ARGS say.

use serde_json::{Value, json};

use crate::{
    rig::{Rig, both, ours},
    view,
};

/// What an ADD shows: the link, or code and text of the error.
fn shown(rig: &Rig, config: &Value, args: &str) -> Result<Value, (i64, String)> {
    let added = rig.call("ADD", config).args(args).run();
    if added.code != Some(0) {
        let (code, text) = added.error();
        // Ours adds what may help, in brackets.
        let text = text.split(" (").next().unwrap_or_default().to_owned();
        return Err((code, text));
    }
    let result = view::result(rig, &added.done());
    let link = view::link(&rig.pod, "net1");
    rig.call("DEL", config).args(args).run().silent();
    Ok(json!([result, link]))
}

fn layer2(more: Value) -> Value {
    Rig::config("1.0.0", more)
}

/// 7
#[test]
fn a_mac_comes_from_the_runtime_else_from_cni_args_else_from_the_configuration() {
    let of = |config: Value, args: &str| {
        let mac = |rig: &Rig| {
            let added = rig.call("ADD", &config).args(args).run();
            let printed = added.done()["interfaces"][0]["mac"].clone();
            assert_eq!(printed, rig.pod.link("net1")["address"]);
            printed
        };
        both(mac)
    };
    let args = "IgnoreUnknown=true;MAC=c2:11:22:33:44:02";
    assert_eq!(
        of(layer2(json!({"mac": "c2:11:22:33:44:01"})), ""),
        "c2:11:22:33:44:01"
    );
    assert_eq!(
        of(layer2(json!({"mac": "c2:11:22:33:44:01"})), args),
        "c2:11:22:33:44:02"
    );
    let all = json!({
        "mac": "c2:11:22:33:44:01", "capabilities": {"mac": true},
        "RuntimeConfig": {"mac": "C2-11-22-33-44-03"},
    });
    assert_eq!(of(layer2(all), args), "c2:11:22:33:44:03");
    assert_eq!(
        of(layer2(json!({"mac": "c211.2233.4404"})), ""),
        "c2:11:22:33:44:04"
    );
}

/// 24
#[test]
fn cni_args_are_read_as_the_reference_reads_them() {
    for (args, code) in [
        ("FOO=bar", 999),
        ("IgnoreUnknown=1;FOO=bar", 0),
        ("IgnoreUnknown=1;K8S_POD_NAME=p;", 999),
        ("IgnoreUnknown=maybe", 999),
        ("MAC=a=b", 999),
        ("MAC=", 0),
        ("mac=c2:11:22:33:44:55", 999),
    ] {
        let error = both(|rig| shown(rig, &layer2(json!({})), args)).err();
        assert_eq!(error.map_or(0, |error| error.0), code, "{args}");
    }
    both(|rig| shown(rig, &layer2(json!({})), "MAC=zz").unwrap_err());
}

/// 8
#[test]
fn every_mode_is_as_the_reference_makes_it_and_others_are_unknown() {
    for mode in ["", "bridge", "private", "vepa", "passthru"] {
        both(|rig| shown(rig, &layer2(json!({"mode": mode})), "").unwrap());
    }
    for mode in ["Bridge", "source", "l2"] {
        let error = both(|rig| shown(rig, &layer2(json!({"mode": mode})), "").unwrap_err());
        assert_eq!(error, (999, format!("unknown macvlan mode: {mode:?}")));
    }
}

/// 9
#[test]
fn an_mtu_is_at_most_that_of_the_parent() {
    for (mtu, is) in [
        (1400, Some(1400)),
        (0, Some(1500)),
        (9000, None),
        (-1, None),
    ] {
        let shown = both(|rig| {
            let shown = shown(rig, &layer2(json!({"mtu": mtu})), "");
            assert_eq!(rig.pod.links(), ["lo"]);
            shown
        });
        match is {
            Some(is) => assert_eq!(shown.unwrap()[1]["mtu"], is),
            None => assert!(shown.unwrap_err().1.starts_with("invalid MTU")),
        }
    }
    both(|rig| {
        rig.host.ip("link set eth0 mtu 9000");
        shown(rig, &layer2(json!({})), "").unwrap()
    });
}

/// 10
#[test]
fn the_length_of_the_broadcast_queue_can_be_chosen() {
    let link = both(|rig| shown(rig, &layer2(json!({"bcqueuelen": 5000})), "").unwrap());
    assert_eq!(link[1]["queue"], 5000);
}

/// 23, 26
#[test]
fn odd_but_legal_configurations_are_read_as_go_reads_them() {
    for odd in [
        json!({"MTU": 1400, "MODE": "vepa", "IPAM": {}}),
        json!({"mtu": null, "mode": null, "mac": null, "ipam": null, "dns": null, "args": null,
               "runtimeConfig": null, "prevResult": null, "linkInContainer": null,
               "bcqueuelen": null, "capabilities": null}),
        json!({"mode": "", "mac": "", "ipam": {"type": ""}, "dns": {}, "runtimeConfig": {"mac": ""},
               "linkInContainer": false, "bcqueuelen": 0}),
        json!({"args": {"cni": {"ips": ["10.9.9.9"]}}, "cni.dev/x": [1], "surprise": {"a": [{}]},
               "vlan_id": 7, "type": "whatever"}),
        json!({"dns": {"nameservers": ["10.0.0.1"], "search": ["a.test"], "domain": "b.test"}}),
        json!({"prevResult": {"cniVersion": "1.0.0", "interfaces": [{"name": "eth9"}]}}),
    ] {
        for version in ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
            let config = Rig::config(version, odd.clone());
            both(|rig| shown(rig, &config, "").unwrap());
        }
    }
    both(|rig| {
        let text = r#"{"cniVersion":"1.0.0","name":"x","NAME":"lan","type":"macvlan","master":"nope",
            "mtu":1400,"MASTER":"eth0","Mtu":1300}"#;
        rig.call("ADD", &json!({})).input(text).run().done();
        view::link(&rig.pod, "net1")
    });
}

#[test]
fn values_of_the_wrong_kind_are_errors_of_the_same_code() {
    for odd in [
        json!({"mtu": "1400"}),
        json!({"mtu": 1400.5}),
        json!({"master": 7}),
        json!({"mode": {}}),
        json!({"bcqueuelen": -1}),
        json!({"linkInContainer": "yes"}),
        json!({"ipam": "host-local"}),
        json!({"dns": {"nameservers": "10.0.0.1"}}),
        json!({"runtimeConfig": {"mac": 7}}),
        json!({"mac": "zz"}),
    ] {
        let code = both(|rig| {
            let code = rig.add(&layer2(odd.clone())).error_code();
            assert_eq!(rig.pod.links(), ["lo"]);
            code
        });
        assert_eq!(code, 999, "{odd}");
    }
}

/// Ours: a key of its own.
#[test]
fn a_passthru_link_may_leave_its_parent_without_promiscuity() {
    let promiscuity = |more: Value| {
        ours(|rig| {
            rig.add(&layer2(more.clone())).done();
            rig.host.link("eth0")["promiscuity"].clone()
        })
    };
    assert_eq!(promiscuity(json!({"mode": "passthru"})), 1);
    assert_eq!(
        promiscuity(json!({"mode": "passthru", "noPromiscuous": true})),
        0
    );
}
