//! Results in every version.

use serde_json::{Value, json};

use super::*;

fn dual_stack() -> CniResult {
    let ip = |address: &str, gateway: &str| Ip {
        interface: Some(0),
        address: address.parse().unwrap(),
        gateway: gateway.parse().ok(),
    };
    let route = |destination: &str, gateway: Option<&str>, priority| Route {
        destination: destination.parse().unwrap(),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        mtu: 0,
        advmss: 0,
        priority,
        table: None,
        scope: None,
    };
    CniResult {
        interfaces: vec![Interface {
            name: "net1".to_owned(),
            mac: "c2:11:22:33:44:55".to_owned(),
            sandbox: "/run/netns/x".to_owned(),
        }],
        ips: vec![
            ip("10.1.2.5/24", "10.1.2.1"),
            ip("fd00::5/64", ""),
            ip("10.1.2.6/24", ""),
        ],
        routes: vec![
            route("0.0.0.0/0", None, 0),
            route("::/0", Some("fe80::1"), 7),
        ],
        dns: Dns::default(),
    }
}

fn printed(result: &CniResult, version: Version) -> Value {
    serde_json::from_str(&result.print(version).unwrap()).unwrap()
}

#[test]
fn from_1_0_0_on_addresses_have_no_version_and_an_empty_dns_is_left_out() {
    assert_eq!(
        printed(&dual_stack(), Version::V1_1_0),
        json!({
            "cniVersion": "1.1.0",
            "interfaces": [{"name": "net1", "mac": "c2:11:22:33:44:55", "sandbox": "/run/netns/x"}],
            "ips": [
                {"interface": 0, "address": "10.1.2.5/24", "gateway": "10.1.2.1"},
                {"interface": 0, "address": "fd00::5/64"},
                {"interface": 0, "address": "10.1.2.6/24"},
            ],
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": "fe80::1", "priority": 7}],
        })
    );
}

#[test]
fn up_to_0_4_0_addresses_have_a_version_and_dns_is_always_there() {
    let result = printed(&dual_stack(), Version::V0_4_0);

    assert_eq!(result["ips"][1]["version"], "6");
    assert_eq!(result["dns"], json!({}));
    let text = dual_stack().print(Version::V0_3_1).unwrap();
    assert!(
        text.starts_with("{\n    \"cniVersion\": \"0.3.1\",\n"),
        "{text}"
    );
}

#[test]
fn up_to_0_2_0_there_is_one_address_a_family_with_its_routes() {
    assert_eq!(
        printed(&dual_stack(), Version::V0_2_0),
        json!({
            "cniVersion": "0.2.0",
            "ip4": {"ip": "10.1.2.5/24", "gateway": "10.1.2.1", "routes": [{"dst": "0.0.0.0/0"}]},
            "ip6": {"ip": "fd00::5/64", "routes": [{"dst": "::/0", "gw": "fe80::1"}]},
            "dns": {},
        })
    );
    let none = CniResult::default();
    assert_eq!(none.print(Version::V0_1_0), Err(Inexpressible));
}

#[test]
fn what_is_printed_is_read_again() {
    for version in [
        Version::V0_3_0,
        Version::V0_4_0,
        Version::V1_0_0,
        Version::V1_1_0,
    ] {
        let text = dual_stack().print(version).unwrap();
        assert_eq!(
            CniResult::read(&text, Version::V0_1_0).unwrap(),
            dual_stack()
        );
    }
    let text = dual_stack().print(Version::V0_2_0).unwrap();
    let old = CniResult::read(&text, Version::V1_1_0).unwrap();
    assert_eq!((old.ips.len(), old.routes.len()), (2, 2));
    assert_eq!(old.interfaces, []);
}

#[test]
fn a_result_without_a_version_has_that_of_the_configuration() {
    let text = r#"{"ips":[{"address":"10.0.0.1/8","gateway":""}],"ip4":{"ip":"10.0.0.2/8"}}"#;
    let address = |version| {
        CniResult::read(text, version).unwrap().ips[0]
            .address
            .to_string()
    };

    assert_eq!(address(Version::V1_0_0), "10.0.0.1/8");
    assert_eq!(address(Version::V0_2_0), "10.0.0.2/8");
}

#[test]
fn results_that_make_no_sense_are_errors() {
    for text in [
        "",
        "[]",
        r#"{"cniVersion":"9.9.9"}"#,
        r#"{"ips":[{"address":"10.0.0.1"}]}"#,
        r#"{"ips":[{"address":"10.0.0.1/8","gateway":"x"}]}"#,
        r#"{"routes":[{"dst":"default"}]}"#,
    ] {
        assert!(CniResult::read(text, Version::V1_0_0).is_err(), "{text}");
    }
}
