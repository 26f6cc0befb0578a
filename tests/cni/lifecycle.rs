//! ADD, CHECK and DEL in every version. Numbers are those of the cases in the design.

use serde_json::{Value, json};

use crate::{
    rig::{Rig, VERSIONS, both, both_of, ours},
    view,
};

/// 1
#[test]
fn an_attachment_is_made_and_taken_away_in_every_version() {
    is_made_and_taken_away("macvlan", &VERSIONS);
}

pub(crate) fn is_made_and_taken_away(driver: &'static str, versions: &[&str]) {
    for version in versions {
        let (result, link, reserved) = both_of(driver, |rig| {
            let config = rig.simple(version);
            if *version == "1.1.0" {
                rig.call("STATUS", &config).run().silent();
            }
            let printed = rig.add(&config).done();
            let result = view::result(rig, &printed);
            let link = view::link(&rig.pod, "net1");
            let reserved = rig.data.reserved();
            rig.del(&config).silent();
            assert_eq!(view::link(&rig.pod, "net1"), Value::Null);
            assert!(rig.data.reserved().is_empty());
            assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
            (result, link, reserved)
        });
        assert_eq!(result["cniVersion"], *version);
        assert_eq!(link["kind"], driver);
        assert_eq!(link["addresses"][0][0], "10.1.2.2");
        assert_eq!(link["up"], true);
        assert_eq!(reserved, [("10.1.2.2".to_owned(), "c1\r\nnet1".to_owned())]);
    }
}

/// 2
#[test]
fn a_del_of_what_was_never_there_succeeds_in_every_version() {
    is_not_there_to_delete("macvlan", &VERSIONS);
}

pub(crate) fn is_not_there_to_delete(driver: &'static str, versions: &[&str]) {
    for version in versions {
        both_of(driver, |rig| rig.del(&rig.simple(version)).silent());
    }
}

/// 3
#[test]
fn without_ipam_the_link_is_up_and_has_no_address() {
    for version in VERSIONS {
        for ipam in [json!({}), json!({"ipam": {}}), json!({"ipam": null})] {
            let config = Rig::config(version, ipam);
            if version < "0.3.0" {
                let error = both(|rig| rig.add(&config).error());
                assert_eq!(error.1, "cannot convert: no valid IP addresses");
                continue;
            }
            let (_, link) = both(|rig| {
                let printed = rig.add(&config).done();
                let result = view::result(rig, &printed);
                let shown = (result, view::link(&rig.pod, "net1"));
                rig.del(&config).silent();
                shown
            });
            assert_eq!(
                (&link["up"], &link["addresses"]),
                (&json!(true), &json!([]))
            );
        }
    }
}

/// 3: the reference leaves the link there.
#[test]
fn a_result_that_a_version_can_not_express_leaves_no_link() {
    ours(|rig| {
        rig.add(&Rig::config("0.2.0", json!({}))).error();
        assert_eq!(rig.pod.links(), ["lo"]);
    });
}

/// 4
#[test]
fn a_check_right_after_an_add_succeeds_from_0_4_0_on() {
    is_checked_after_its_add("macvlan", &VERSIONS);
}

pub(crate) fn is_checked_after_its_add(driver: &'static str, versions: &[&str]) {
    for version in versions {
        both_of(driver, |rig| {
            let mut config = rig.simple(version);
            let printed = rig.add(&config).done();
            config["prevResult"] = printed;
            let checked = rig.call("CHECK", &config).run();
            rig.del(&config).silent();
            if *version < "0.4.0" {
                checked.error()
            } else {
                checked.silent();
                (0, String::new())
            }
        });
    }
}

/// 16
#[test]
fn a_del_succeeds_with_the_sandbox_or_the_parent_gone_and_frees_the_address() {
    is_deleted_after_a_loss("macvlan");
}

pub(crate) fn is_deleted_after_a_loss(driver: &'static str) {
    type Loss = fn(&Rig);
    let losses: [Loss; 3] = [
        |_| {},
        |rig| drop(rig.host.ip("link del eth0")),
        |rig| drop(rig.host.ip("link set eth0 down")),
    ];
    for loss in losses {
        both_of(driver, |rig| {
            let config = rig.simple("1.0.0");
            rig.add(&config).done();
            loss(rig);
            for _ in 0..2 {
                rig.del(&config).silent();
                assert!(rig.data.reserved().is_empty());
            }
        });
    }
    both_of(driver, |rig| {
        let config = rig.simple("1.0.0");
        rig.add(&config).done();
        rig.call("DEL", &config).without("CNI_NETNS").run().silent();
        assert!(rig.data.reserved().is_empty());
    });
    both_of(driver, |rig| {
        let config = rig.simple("1.0.0");
        rig.del_after_its_sandbox(&config);
    });
}

/// 17: the reference gives the address back too, and both say what is wrong.
#[test]
fn a_del_in_what_is_no_namespace_is_an_error_and_frees_the_address() {
    both(|rig| {
        let config = rig.simple("1.0.0");
        rig.add(&config).done();
        let file = rig.data.0.join("file");
        std::fs::write(&file, "").unwrap();
        let del = rig.call("DEL", &config).with("CNI_NETNS", file.display());
        let (code, text) = del.run().error();
        assert!(rig.data.reserved().is_empty());
        assert!(text.contains("unknown FS magic on"), "{text}");
        code
    });
}

/// 18
#[test]
fn a_del_looks_at_no_result() {
    for previous in [
        json!(null),
        json!({"cniVersion": "9.9.9"}),
        json!({"ips": [7]}),
    ] {
        both(|rig| {
            let mut config = rig.simple("1.0.0");
            rig.add(&config).done();
            config["prevResult"] = previous.clone();
            rig.del(&config).silent();
            assert!(rig.data.reserved().is_empty());
        });
    }
    ours(|rig| {
        let mut config = rig.simple("1.0.0");
        rig.add(&config).done();
        config["prevResult"] = json!("no object");
        rig.del(&config).silent();
    });
}

/// The reference removes whatever has the name.
#[test]
fn a_del_leaves_a_link_that_the_plugin_does_not_make() {
    ours(|rig| {
        let config = rig.simple("1.0.0");
        rig.pod.ip("link add net1 type bridge");
        let deleted = rig.del(&config);
        deleted.silent();
        assert!(
            deleted.stderr.contains("it is a bridge link"),
            "{deleted:?}"
        );
        assert_eq!(rig.pod.link("net1")["linkinfo"]["info_kind"], "bridge");
    });
}

#[test]
fn ours_may_be_called_landfall_with_a_driver() {
    ours(|rig| {
        let mut config = rig.simple("1.1.0");
        config["type"] = json!("landfall");
        config["driver"] = json!("macvlan");
        let program = rig.folder().join("landfall");
        let call = |verb| rig.call(verb, &config).program(&program).run();
        call("ADD").done();
        assert_eq!(rig.pod.link("net1")["linkinfo"]["info_kind"], "macvlan");
        call("DEL").silent();
        assert_eq!(rig.pod.links(), ["lo"]);
    });
}
