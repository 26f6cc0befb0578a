use super::*;
use crate::wire::Address;

const SANDBOX: &str = "/run/netns/a";

fn there() -> Attached {
    let address = |address: &str| Address {
        address: address.to_owned(),
        gateway: None,
    };
    Attached {
        network: "storage".to_owned(),
        interface: "net1".to_owned(),
        mac: Some("0a:58:0a:14:00:05".to_owned()),
        mtu: Some(1500),
        addresses: ["10.20.0.5/24", "fd00:20::5/64", "10.20.0.9/24"]
            .map(address)
            .into(),
        routes: vec![
            route("0.0.0.0/0", Some("10.20.0.1")),
            route("10.20.0.0/24", None),
            route("10.30.0.0/16", Some("10.20.0.254")),
        ],
    }
}

fn route(destination: &str, gateway: Option<&str>) -> Route {
    Route {
        destination: destination.to_owned(),
        gateway: gateway.map(str::to_owned),
        metric: None,
    }
}

/// The result with one text in place of another.
fn compared(what: &str, instead: &str) -> Result<(), CniError> {
    let text = r#"{"cniVersion":"1.1.0",
        "interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/a"},
                      {"name":"net1","mac":"0A:58:0a:14:00:05","mtu":1500,"sandbox":"/run/netns/a"}],
        "ips":[{"address":"10.1.0.5/24","interface":0},
               {"address":"10.20.0.5/24","gateway":"10.20.0.1","interface":1},
               {"address":"fd00:20:0::5/64","interface":1}],
        "routes":[{"dst":"0.0.0.0/0","gw":"10.20.0.1"},
                  {"dst":"10.30.1.0/16","gw":"10.20.0.254","priority":5}],
        "dns":{}}"#;
    assert!(text.contains(what));
    let raw: Box<RawValue> = serde_json::from_str(&text.replace(what, instead)).unwrap();
    compare(&raw, "net1", SANDBOX, &there())
}

#[test]
fn what_is_as_it_was_told_passes_with_more_beside_it() {
    compared("dns", "dns").unwrap();
}

#[test]
fn each_difference_is_named() {
    let cases = [
        ("\"net1\"", "\"net2\"", "no interface net1"),
        (
            "\"mtu\":1500,\"sandbox\":\"/run/netns/a\"",
            "\"sandbox\":\"/b\"",
            "no interface net1",
        ),
        (
            "0A:58:0a:14:00:05",
            "0a:58:0a:14:00:06",
            "hardware address 0a:58:0a:14:00:06",
        ),
        ("10.20.0.5/24", "10.20.0.6/24", "address 10.20.0.6/24"),
        ("10.20.0.5/24", "10.20.0.5/16", "address 10.20.0.5/16"),
        (
            "fd00:20:0::5/64",
            "fd00:20:0::6/64",
            "address fd00:20:0::6/64",
        ),
        (
            "10.30.1.0/16",
            "10.31.0.0/16",
            "route to 10.31.0.0/16 through 10.20.0.254",
        ),
        (
            "10.20.0.254",
            "10.20.0.253",
            "route to 10.30.1.0/16 through 10.20.0.253",
        ),
    ];
    for (what, instead, named) in cases {
        let error = compared(what, instead).unwrap_err();
        assert_eq!(error.code, Code::NOT_AS_MADE, "{error}");
        assert!(error.msg.contains(named), "{error}");
    }
}

#[test]
fn an_address_without_an_interface_is_of_the_only_one() {
    compared(",\"interface\":1},\n", "},\n").unwrap();
    let error = compared(
        "10.20.0.5/24\",\"gateway\":\"10.20.0.1\",\"interface\":1",
        "10.20.0.6/24\"",
    );
    assert!(error.unwrap_err().msg.contains("10.20.0.6/24"));
}

#[test]
fn null_is_as_good_as_nothing() {
    let text =
        r#"{"interfaces":[{"name":"net1","sandbox":"/run/netns/a"}],"ips":null,"routes":null}"#;
    let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
    compare(&raw, "net1", SANDBOX, &there()).unwrap();
}

#[test]
fn a_result_that_cant_be_read_is_error_6() {
    for text in [
        "7",
        r#"{"ips":7}"#,
        r#"{"interfaces":[1]}"#,
        r#"{"routes":[{}]}"#,
    ] {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        let error = compare(&raw, "net1", SANDBOX, &there()).unwrap_err();
        assert_eq!(error.code, Code::Decode, "{text}: {error}");
    }
}
