extern crate std;
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use std::format;

use proptest::prelude::*;

use super::{LANDFALL_KEY, MAX_REQUESTS, NPWG_KEY, Request, check_interface, requests};

fn npwg(text: &str) -> Vec<Request> {
    requests(Some(text), None).unwrap()
}

fn fault(text: &str) -> String {
    requests(Some(text), None).unwrap_err().to_string()
}

/// `ns/name@interface` of each request.
fn short(requests: &[Request]) -> Vec<String> {
    let one = |r: &Request| {
        let namespace = r.namespace.as_ref().map_or("-", |n| n.as_str());
        format!("{namespace}/{}@{}", r.name, r.interface)
    };
    requests.iter().map(one).collect()
}

#[test]
fn nothing_asks_for_nothing() {
    for text in ["", "  \n", "[]", " [ ] "] {
        assert_eq!(requests(Some(text), Some(text)), Ok(Vec::new()), "{text:?}");
    }
    assert_eq!(requests(None, None), Ok(Vec::new()));
}

#[test]
fn the_comma_list() {
    let rows: [(&str, &[&str]); 5] = [
        ("storage", &["-/storage@net1"]),
        ("a, b ,c", &["-/a@net1", "-/b@net2", "-/c@net3"]),
        ("infra/storage", &["infra/storage@net1"]),
        (
            "infra/storage@data0,a",
            &["infra/storage@data0", "-/a@net2"],
        ),
        ("a,a", &["-/a@net1", "-/a@net2"]),
    ];
    for (text, expected) in rows {
        assert_eq!(short(&npwg(text)), expected, "{text}");
    }
}

#[test]
fn the_json_list() {
    let text = r#"[
        {"name": "storage", "namespace": "infra", "interface": "data0",
         "ips": ["10.20.0.5/24", "fd00::5"], "mac": "02:00:00:00:00:05",
         "default-route": ["10.20.0.1"], "org.example.key": {"a": 1}},
        {"Name": "b", "namespace": null, "ipam-claim-reference": "vm.b"},
        {"name": "c", "interfaceRequest": "old0", "default-route": null, "bandwidth": {}, "ip": []}
    ]"#;
    let read = npwg(text);
    assert_eq!(
        short(&read),
        ["infra/storage@data0", "-/b@net2", "-/c@old0"]
    );
    let [a, b, c] = read.as_slice() else {
        panic!("three requests");
    };
    let addresses: Vec<_> = a
        .ips
        .iter()
        .map(|i| (i.address.to_string(), i.prefix_length))
        .collect();
    assert_eq!(
        addresses,
        [
            ("10.20.0.5".to_owned(), Some(24)),
            ("fd00::5".to_owned(), None)
        ]
    );
    assert_eq!(a.mac.unwrap().to_string(), "02:00:00:00:00:05");
    assert_eq!(a.default_route.as_deref().unwrap().len(), 1);
    assert!(a.unserved.is_empty(), "keys with a dot are somebody else's");
    assert_eq!(b.ipam_claim_reference.as_ref().unwrap().as_str(), "vm.b");
    assert_eq!((b.key, c.default_route.as_ref()), (NPWG_KEY, None));
    assert_eq!(c.unserved, ["bandwidth", "ip"]);
}

#[test]
fn an_empty_default_route_is_one_and_the_newer_interface_key_wins() {
    let read =
        npwg(r#"[{"name":"a","default-route":[],"interfaceRequest":"x0","interface":"y0"}]"#);
    assert_eq!(read[0].default_route, Some(Vec::new()));
    assert_eq!(read[0].interface.as_str(), "y0");
    let read = npwg(r#"[{"name":"a","interface":"","interfaceRequest":"x0"}]"#);
    assert_eq!(read[0].interface.as_str(), "x0");
}

#[test]
fn interfaces_are_counted_over_both_annotations() {
    let read = requests(Some("a@x0,b"), Some(r#"[{"name":"c"}]"#)).unwrap();
    assert_eq!(short(&read), ["-/a@x0", "-/b@net2", "-/c@net3"]);
    assert_eq!((read[1].key, read[2].key), (NPWG_KEY, LANDFALL_KEY));
}

const FAULTS: &[(&str, &str)] = &[
    ("a,,b", "item 2 is empty"),
    ("a,", "item 2 is empty"),
    ("a/b/c", "more than one '/' or '@'"),
    ("a@b@c", "more than one '/' or '@'"),
    ("a@b/c", "more than one '/' or '@'"),
    ("Storage", "name: \"Storage\" is no such name"),
    ("a b", "name: \"a b\" is no such name"),
    (
        "Infra/a",
        "annotation k8s.v1.cni.cncf.io/networks, a: namespace: \"Infra\"",
    ),
    ("a@a-name-of-16-chr", "more than the 15"),
    ("a@eth0", "\"eth0\" is taken in every pod"),
    ("a@lo", "taken in every pod"),
    ("a@..", "the kernel refuses it"),
    (
        "a@net2,b",
        "annotation k8s.v1.cni.cncf.io/networks, b: interface: \"net2\" is already that of a",
    ),
    (r#"{"name":"a"}"#, "no JSON list of objects"),
    (r#"["a"]"#, "expected an object such as"),
    (r#"[{"name":"a"}"#, "no JSON list of objects"),
    (r#"[{"name":"a"}] x"#, "trailing characters"),
    (r#"[{"namespace":"a"}]"#, "element 1 has no name"),
    (r#"[{"name":"a"},{"name":""}]"#, "element 2 has no name"),
    (
        r#"[{"name":"a","ips":"10.0.0.1"}]"#,
        "\"ips\": invalid type: string",
    ),
    (
        r#"[{"name":"a","ips":["10.0.0"]}]"#,
        "ips: \"10.0.0\" is no address",
    ),
    (r#"[{"name":"a","ips":["10.0.0.1/33"]}]"#, "is no address"),
    (r#"[{"name":"a","ips":["10.0.0.1/+4"]}]"#, "is no address"),
    (r#"[{"name":"a","ips":["010.0.0.1"]}]"#, "is no address"),
    (
        r#"[{"name":"a","ips":["fd00::1","fd00:0::1/64"]}]"#,
        "stands there twice",
    ),
    (
        r#"[{"name":"a","ips":["10.0.0.1"],"ipam-claim-reference":"c"}]"#,
        "exclude each other",
    ),
    (
        r#"[{"name":"a","mac":"02:00:00:00:00"}]"#,
        "expected six pairs",
    ),
    (r#"[{"name":"a","mac":"03:00:00:00:00:01"}]"#, "multicast"),
    (r#"[{"name":"a","mac":"00:00:00:00:00:00"}]"#, "all-zeros"),
    (
        r#"[{"name":"a","default-route":["x"]}]"#,
        "default-route: \"x\" is no address",
    ),
    (
        r#"[{"name":"a","default-route":[]},{"name":"b","default-route":[]}]"#,
        "b: default-route: a asks for it already",
    ),
];

#[test]
fn faults_say_where_and_what() {
    for (text, expected) in FAULTS {
        let fault = fault(text);
        assert!(fault.contains(expected), "{text}\n{fault}");
        assert!(fault.starts_with("annotation k8s.v1.cni.cncf.io/networks"));
    }
}

#[test]
fn a_requested_name_may_not_meet_a_counted_one_of_the_other_annotation() {
    let error = requests(Some("a@net2"), Some("b")).unwrap_err();
    assert_eq!(error.key, LANDFALL_KEY);
}

#[test]
fn hostile_texts_are_bounded() {
    let many = ["a"; MAX_REQUESTS + 1].join(",");
    assert!(fault(&many).contains("at most 64"));
    assert_eq!(npwg(&["a"; MAX_REQUESTS].join(",")).len(), MAX_REQUESTS);
    let json = format!("[{}]", [r#"{"name":"a"}"#; MAX_REQUESTS + 1].join(","));
    assert!(fault(&json).contains("at most 64"), "{}", fault(&json));
    let half = ["a"; 40].join(",");
    assert!(requests(Some(&half), Some(&half)).is_err());
    assert!(fault(&"[".repeat(200_000)).contains("no JSON list"));
    assert!(fault(&"x".repeat(300_000)).contains("more than 262144 bytes"));
    let long = fault(&"X".repeat(200_000));
    assert!(long.len() < 400, "{}", long.len());
    let long = fault(&format!(r#"[{{"name":"a","ips":["{}"]}}]"#, "\u{1b}"));
    assert!(!long.contains('\u{1b}'));
}

#[test]
fn interface_names_are_the_kernels() {
    for good in ["net1", "a", "eth0.5", "a-b_c", "abcdefghijklmno"] {
        assert_eq!(check_interface(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "a:b",
        "a b",
        "a\tb",
        "net%d",
        "abcdefghijklmnop",
        "né",
    ] {
        assert!(check_interface(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(npwg in ".{0,80}", landfall in "[\\[\\]{}\":,a-z@/ 0-9.]{0,80}") {
        if let Ok(requests) = requests(Some(&npwg), Some(&landfall)) {
            for request in requests {
                prop_assert!(check_interface(request.interface.as_str()).is_ok());
            }
        }
    }
}
