//! Results, byte for byte.

use serde_json::value::RawValue;

use super::*;

fn pass(prev_result: &str, version: Version) -> String {
    let raw: Box<RawValue> = serde_json::from_str(prev_result).unwrap();
    pass_through(&raw, version).unwrap().into_owned()
}

fn attached() -> Attached {
    let address = |address: &str, gateway: &str| Address {
        address: address.to_owned(),
        gateway: Some(gateway.to_owned()),
    };
    Attached {
        network: "storage".to_owned(),
        interface: "net1".to_owned(),
        mac: Some("0a:58:0a:14:00:05".to_owned()),
        mtu: Some(1500),
        addresses: vec![
            address("10.20.0.5/24", "10.20.0.1"),
            address("fd00:20::5/64", "fd00:20::1"),
        ],
        routes: vec![Route {
            destination: "10.30.0.0/16".to_owned(),
            gateway: None,
            metric: Some(5),
        }],
    }
}

#[test]
fn a_prev_result_comes_out_as_it_went_in() {
    let odd = "{ \"cniVersion\":\"1.0.0\",\n\t\"ips\": [ ], \"\\u00e4\":1.50, \"x\":{\"y\":12345678901234567890123} }";

    assert_eq!(pass(odd, Version::V1_0_0), odd);
}

#[test]
fn a_missing_version_is_put_in() {
    for (from, to) in [
        ("{}", r#"{"cniVersion":"1.0.0"}"#),
        ("{ }", r#"{"cniVersion":"1.0.0" }"#),
        (r#"{"ips":[]}"#, r#"{"cniVersion":"1.0.0","ips":[]}"#),
    ] {
        assert_eq!(pass(from, Version::V1_0_0), to);
    }
}

#[test]
fn a_prev_result_that_is_no_object_is_an_error() {
    for text in ["7", "[]", "\"x\""] {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();

        assert_eq!(
            pass_through(&raw, Version::V1_0_0).unwrap_err().code,
            Code::Decode,
            "{text}"
        );
    }
}

#[test]
fn a_delegates_result_is_of_the_configurations_version() {
    for (version, text) in [
        (
            Version::V1_1_0,
            r#"{"cniVersion":"1.1.0","interfaces":[{"name":"net1","mac":"0a:58:0a:14:00:05","mtu":1500,"sandbox":"/n"}],"ips":[{"interface":0,"address":"10.20.0.5/24","gateway":"10.20.0.1"},{"interface":0,"address":"fd00:20::5/64","gateway":"fd00:20::1"}],"routes":[{"dst":"10.30.0.0/16","priority":5}]}"#,
        ),
        (
            Version::V1_0_0,
            r#"{"cniVersion":"1.0.0","interfaces":[{"name":"net1","mac":"0a:58:0a:14:00:05","sandbox":"/n"}],"ips":[{"interface":0,"address":"10.20.0.5/24","gateway":"10.20.0.1"},{"interface":0,"address":"fd00:20::5/64","gateway":"fd00:20::1"}],"routes":[{"dst":"10.30.0.0/16"}]}"#,
        ),
        (
            Version::V0_4_0,
            r#"{"cniVersion":"0.4.0","interfaces":[{"name":"net1","mac":"0a:58:0a:14:00:05","sandbox":"/n"}],"ips":[{"version":"4","interface":0,"address":"10.20.0.5/24","gateway":"10.20.0.1"},{"version":"6","interface":0,"address":"fd00:20::5/64","gateway":"fd00:20::1"}],"routes":[{"dst":"10.30.0.0/16"}]}"#,
        ),
        (
            Version::V0_2_0,
            r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.20.0.5/24","gateway":"10.20.0.1","routes":[{"dst":"10.30.0.0/16"}]},"ip6":{"ip":"fd00:20::5/64","gateway":"fd00:20::1"}}"#,
        ),
    ] {
        assert_eq!(of_attachment(version, &attached(), "/n").unwrap(), text);
    }
}

#[test]
fn old_versions_can_not_say_everything() {
    let mut bare = attached();
    bare.addresses.clear();
    let mut two = attached();
    two.addresses[1] = two.addresses[0].clone();

    for attached in [bare, two] {
        let error = of_attachment(Version::V0_1_0, &attached, "/n").unwrap_err();

        assert!(error.msg.starts_with("cannot convert"), "{error}");
    }
}
