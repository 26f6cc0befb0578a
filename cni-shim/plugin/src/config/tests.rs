//! Configurations of runtimes and of those who want to break us.

use super::*;

fn read(text: &str) -> Result<Config<'_>, CniError> {
    Config::read(text.as_bytes(), None)
}

fn code(text: &str) -> u32 {
    read(text).unwrap_err().code.number()
}

fn asked(annotations: &str) -> Asked {
    let text = format!(
        r#"{{"name":"n","runtimeConfig":{{"io.kubernetes.cri.pod-annotations":{annotations}}}}}"#
    );
    read(&text).unwrap().asked().unwrap()
}

#[test]
fn keys_match_without_regard_to_case() {
    let text = r#"{"CNIVERSION":"1.0.0","Name":"n","PrevResult":{"a":1},
        "RuntimeConfig":{"IO.kubernetes.CRI.pod-annotations":{"landfall.dev/networks":"x"}}}"#;
    let config = read(text).unwrap();

    assert_eq!(config.version, Version::V1_0_0);
    assert_eq!(config.prev_result().unwrap().get(), r#"{"a":1}"#);
    assert!(matches!(config.asked(), Ok(Asked::Networks(_))));
}

#[test]
fn the_last_of_two_wins_and_null_is_absent() {
    let config = read(r#"{"name":"a","name":"b","prevResult":{},"prevResult":null}"#).unwrap();

    assert_eq!(config.name, "b");
    assert!(config.prev_result().is_none());
}

#[test]
fn an_absent_version_is_the_oldest() {
    for text in [r#"{"name":"n"}"#, r#"{"name":"n","cniVersion":""}"#] {
        assert_eq!(read(text).unwrap().version, Version::V0_1_0);
    }
}

#[test]
fn an_unknown_version_says_which_are_known() {
    let error = read(r#"{"name":"n","cniVersion":"9.9.9"}"#).unwrap_err();

    assert_eq!(error.code, Code::IncompatibleVersion);
    assert_eq!(
        error.details,
        r#"config is "9.9.9", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]"#
    );
}

#[test]
fn garbage_can_not_be_decoded() {
    for text in [
        "",
        " ",
        "[]",
        "7",
        "\"x\"",
        "{",
        r#"{"name":"n""#,
        r#"{"name":"n"} trailing"#,
        r#"{"name":7}"#,
        r#"{"name":"n","cniVersion":1}"#,
        r#"{"name":"n","network":{}}"#,
        "{\"name\":\"\u{0}\"}",
        r#"{"name":"n","x":[}"#,
    ] {
        assert_eq!(code(text), 6, "{text}");
    }
    assert_eq!(
        Config::read(b"{\"name\":\"\xff\"}", None).unwrap_err().code,
        Code::Decode
    );
    // Go reads null into a struct and leaves it as it is: what is missing is the name.
    assert_eq!(code("null"), 7);
}

/// A value of 4 MiB of brackets must not exhaust the stack.
#[test]
fn deep_nesting_can_not_be_decoded() {
    let text = format!("{{\"name\":\"n\",\"x\":{}", "[".repeat(4_000_000));

    assert_eq!(code(&text), 6);
}

#[test]
fn a_name_is_required_and_plain() {
    for text in [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":null}"#,
        r#"{"name":"e x"}"#,
    ] {
        assert_eq!(code(text), 7, "{text}");
    }
}

#[test]
fn verbs_have_a_first_version() {
    for (verb, version, allowed) in [
        (Verb::Check, "0.3.1", false),
        (Verb::Check, "0.4.0", true),
        (Verb::Gc, "1.0.0", false),
        (Verb::Status, "1.0.0", false),
        (Verb::Gc, "1.1.0", true),
        (Verb::Del, "0.1.0", true),
    ] {
        let text = format!(r#"{{"name":"n","cniVersion":"{version}"}}"#);

        assert_eq!(
            read(&text).unwrap().allows(verb).is_ok(),
            allowed,
            "{verb:?} {version}"
        );
    }
}

#[test]
fn the_door_is_in_the_configuration() {
    for (text, kind) in [
        (r#"{"name":"n"}"#, Kind::Chained),
        (
            r#"{"name":"n","network":"x"}"#,
            Kind::Delegate("x".to_owned()),
        ),
        (r#"{"name":"n","network":null}"#, Kind::Chained),
        (
            r#"{"name":"n","driver":"macvlan"}"#,
            Kind::StandAlone(NetworkKind::Macvlan),
        ),
        (
            r#"{"name":"n","driver":"macvlan","network":"x"}"#,
            Kind::StandAlone(NetworkKind::Macvlan),
        ),
    ] {
        assert_eq!(read(text).unwrap().kind, kind, "{text}");
    }
}

#[test]
fn annotations_that_ask_for_nothing() {
    for annotations in [
        "{}",
        r#"{"a":"b"}"#,
        r#"{"k8s.v1.cni.cncf.io/networks":""}"#,
        r#"{"k8s.v1.cni.cncf.io/networks":" \n"}"#,
        r#"{"landfall.dev/networks":" [ ] "}"#,
        r#"{"landfall.dev/networks":null}"#,
        // Case counts in a user's key.
        r#"{"Landfall.dev/networks":"x"}"#,
        r#"{"a":{"landfall.dev/networks":"x"}}"#,
    ] {
        assert_eq!(asked(annotations), Asked::Nothing, "{annotations}");
    }
}

#[test]
fn annotations_that_ask() {
    for (annotations, npwg, landfall) in [
        (r#"{"k8s.v1.cni.cncf.io/networks":"x"}"#, Some("x"), None),
        (
            r#"{"landfall.dev/networks":"[{\"name\":\"x\"}]"}"#,
            None,
            Some(r#"[{"name":"x"}]"#),
        ),
        (
            r#"{"landfall.dev/networks":"","k8s.v1.cni.cncf.io/networks":"a,b"}"#,
            Some("a,b"),
            Some(""),
        ),
        // Nonsense asks too: the agent says what is wrong with it.
        (r#"{"k8s.v1.cni.cncf.io/networks":"["}"#, Some("["), None),
    ] {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let wanted = Annotations {
            npwg: owned(npwg),
            landfall: owned(landfall),
        };

        assert_eq!(asked(annotations), Asked::Networks(wanted), "{annotations}");
    }
}

#[test]
fn a_runtime_that_hands_no_annotations_over_is_told_apart() {
    for text in [
        r#"{"name":"n"}"#,
        r#"{"name":"n","runtimeConfig":{}}"#,
        r#"{"name":"n","runtimeConfig":null}"#,
        r#"{"name":"n","runtimeConfig":{"io.kubernetes.cri.pod-annotations":null}}"#,
    ] {
        assert_eq!(read(text).unwrap().asked(), Ok(Asked::Unknown), "{text}");
    }
}

#[test]
fn annotations_of_a_wrong_type_are_an_error() {
    for annotations in ["7", "[]", r#"{"landfall.dev/networks":7}"#] {
        let text = format!(
            r#"{{"name":"n","runtimeConfig":{{"io.kubernetes.cri.pod-annotations":{annotations}}}}}"#
        );

        let error = read(&text).unwrap().asked().unwrap_err();

        assert_eq!(error.code, Code::Decode, "{annotations}");
    }
}

#[test]
fn a_delegates_wishes_are_read() {
    let text = r#"{"name":"n","network":"x","runtimeConfig":{"ips":["10.0.0.5/24"],"mac":"02:00:00:00:00:01"}}"#;
    let config = read(text).unwrap();

    assert_eq!(config.ips().unwrap(), ["10.0.0.5/24"]);
    assert_eq!(config.mac().unwrap().as_deref(), Some("02:00:00:00:00:01"));
}

#[test]
fn what_lives_is_read() {
    let text = r#"{"name":"n","cni.dev/valid-attachments":[{"containerID":"c","ifname":"eth0"}]}"#;

    let valid = read(text).unwrap().valid_attachments().unwrap();

    assert_eq!(valid[0].container_id, "c");
    assert_eq!(valid[0].interface, "eth0");
}
