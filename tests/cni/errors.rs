//! What is wrong before anything is done: environment, configuration, versions, namespaces.

use serde_json::{Value, json};

use crate::rig::{Rig, both, ours};

/// 20
#[test]
fn what_is_missing_in_the_environment_is_listed() {
    let all = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];
    for verb in ["ADD", "CHECK", "DEL", "GC", "STATUS"] {
        for missing in all {
            both(|rig| {
                let config = Rig::config("1.1.0", json!({}));
                let call = rig.call(verb, &config).without(missing).run();
                (call.code, call.code == Some(1) && call.error_code() == 4)
            });
        }
        both(|rig| {
            let mut call = rig.call(verb, &json!({}));
            for missing in all {
                call = call.without(missing);
            }
            call.run().error()
        });
    }
}

/// 20
#[test]
fn names_that_make_no_sense_are_refused_with_the_same_words() {
    for (variable, values) in [
        ("CNI_CONTAINERID", &["a b", "-a", "a/b", "ä"][..]),
        (
            "CNI_IFNAME",
            &[
                "sixteen-letters0",
                ".",
                "..",
                "a/b",
                "a:b",
                "a b",
                "a\u{a0}b",
            ][..],
        ),
    ] {
        for value in values {
            let error = both(|rig| {
                let config = Rig::config("1.0.0", json!({}));
                rig.call("ADD", &config).with(variable, value).run().json()
            });
            assert_eq!(error["code"], 4, "{value}");
        }
    }
}

/// 20
#[test]
fn without_a_command_it_says_what_it_is_and_with_an_unknown_one_it_fails() {
    both(|rig| {
        let call = rig.call("ADD", &json!({})).without("CNI_COMMAND").run();
        let versions = call.stderr.lines().last().unwrap_or_default().to_owned();
        (call.code, call.stdout, versions)
    });
    both(|rig| {
        rig.call("FOO", &Rig::config("1.0.0", json!({})))
            .run()
            .error()
    });
}

/// 21
#[test]
fn configurations_that_can_not_be_used_have_the_codes_of_the_specification() {
    for (input, code) in [
        ("", 6),
        ("{", 6),
        ("[]", 6),
        (r#"{"name": 7}"#, 6),
        (r#"{"name": "n", "cniVersion": 1}"#, 6),
        ("{}", 7),
        ("null", 7),
        (r#"{"name": ""}"#, 7),
        (r#"{"name": "e x"}"#, 7),
        (r#"{"name": "n", "cniVersion": "9.9.9"}"#, 1),
        (r#"{"name": "n", "cniVersion": "v1.0.0"}"#, 1),
    ] {
        let is = both(|rig| rig.call("ADD", &json!({})).input(input).run().error_code());
        assert_eq!(is, code, "{input}");
    }
    both(|rig| {
        let input = r#"{"name": "n", "cniVersion": "9.9.9"}"#;
        rig.call("ADD", &json!({})).input(input).run().json()
    });
}

/// 21
#[test]
fn a_verb_that_a_version_lacks_is_refused() {
    for (verb, version) in [
        ("CHECK", "0.3.1"),
        ("CHECK", "0.1.0"),
        ("GC", "1.0.0"),
        ("GC", "0.4.0"),
        ("STATUS", "1.0.0"),
        ("STATUS", "0.2.0"),
    ] {
        let error = both(|rig| rig.call(verb, &rig.simple(version)).run().error());
        let text = format!("config version does not allow {verb}");
        assert_eq!(error, (1, text));
    }
}

/// 22
#[test]
fn version_needs_nothing_and_prints_the_same() {
    both(|rig| {
        let mut call = rig.call("VERSION", &json!({})).input("");
        for variable in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"] {
            call = call.without(variable);
        }
        let version: Value = call.run().done();
        version
    });
}

/// 19: the reference makes the link first, prints the result, and then fails.
#[test]
fn in_the_plugins_own_namespace_nothing_is_made_unless_it_is_told_to() {
    let config = Rig::config("1.0.0", json!({}));
    for verb in ["ADD", "DEL"] {
        ours(|rig| {
            let error = rig.call(verb, &config).pod(&rig.host).run().error();
            assert_eq!(error.0, 8);
            assert_eq!(
                error.1,
                "plugin's netns and netns from CNI_NETNS should not be the same"
            );
            assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
        });
    }
    for word in ["1", "true", "TRUE"] {
        both(|rig| {
            let call = |verb| {
                let call = rig.call(verb, &config).pod(&rig.host);
                call.with("CNI_NETNS_OVERRIDE", word).run()
            };
            call("ADD").done();
            let links = rig.host.links().len();
            call("DEL").silent();
            (links, rig.host.links())
        });
    }
}

#[test]
fn a_sandbox_that_is_none_is_an_error() {
    for path in ["/nowhere", "/etc/passwd"] {
        let code = both(|rig| {
            let call = rig.call("ADD", &rig.simple("1.0.0"));
            call.with("CNI_NETNS", path).run().error_code()
        });
        assert_eq!(code, 999, "{path}");
    }
}
