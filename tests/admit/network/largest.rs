//! The largest network: each list is as long as it may be, and each text, so that the rules cost
//! what they may cost at most.

use landfall_tests::{
    admission,
    manifest::{landfall, with},
};
use serde_json::{Value, json};

use super::good;
use crate::cluster;

/// An IPv6 address that is as long as a text as it can be.
fn address(subnet: u16, host: u16) -> String {
    format!("fd00:{subnet:04x}:0000:0000:0000:0000:0000:{host:04x}")
}

/// A list of `count` elements.
fn list(count: u16, element: impl Fn(u16) -> Value) -> Value {
    (0..count).map(element).collect()
}

fn selector() -> Value {
    let key = "k".repeat(317);
    let values = vec!["v".repeat(63); 32];
    json!({"matchExpressions": [{"key": key, "operator": "In", "values": values}]})
}

fn range(subnet: u16, index: u16) -> Value {
    let from = 0x1000 + 4 * index;
    json!({"from": address(subnet, from), "to": address(subnet, from + 1)})
}

fn subnet(number: u16) -> Value {
    json!({
        "cidr": format!("{}/64", address(number, 0)),
        "gateway": address(number, 1),
        "nodeSelector": selector(),
        "ranges": list(64, |index| range(number, index)),
        "exclude": list(64, |index| range(number, index)),
    })
}

fn largest() -> Value {
    let destination = |index| format!("{}/64", address(index, 0));
    let route = |index| json!({"destination": destination(index), "gateway": address(index, 1)});
    let neighbor = |index| json!({"address": address(0, index), "mac": "02:00:00:00:00:01"});
    let spec = json!({
        "namespaces": selector(),
        "segment": "s".repeat(63),
        "mode": "source",
        "macvlan": {"allowedSources": vec!["02:00:00:00:00:01"; 256]},
        "parents": list(16, |index| json!({"nodeSelector": selector(), "subnet": destination(index)})),
        "ipam": {"subnets": list(16, subnet)},
        "routes": list(64, route),
        "neighbors": list(64, neighbor),
    });
    landfall("MacvlanNetwork", &"n".repeat(63), &spec)
}

#[test]
fn the_largest_legal_network_is_accepted() {
    let verdict = admission::verdict(cluster(), &largest()).expect("kubectl create");
    assert!(verdict.is_ok(), "{}", verdict.expect_err("refused"));
}

#[test]
fn one_element_more_is_too_many() {
    let range = json!({"cidr": "10.20.0.8/29"});
    let parent = json!({"interface": "eth1"});
    let rows = [
        ("/spec/ipam/subnets", list(17, subnet), 16),
        (
            "/spec/ipam/subnets/0/ranges",
            json!(vec![range.clone(); 65]),
            64,
        ),
        ("/spec/ipam/subnets/0/exclude", json!(vec![range; 65]), 64),
        ("/spec/parents", json!(vec![parent; 17]), 16),
    ];
    for (pointer, value, most) in rows {
        let object = with(good("MacvlanNetwork"), pointer, value);
        let verdict = admission::verdict(cluster(), &object).expect("kubectl create");
        let message = verdict.expect_err(pointer);
        let says = format!("must have at most {most} items");
        assert!(message.contains(&says), "{pointer}: {message}");
    }
}
