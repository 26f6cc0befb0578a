use serde_json::json;

use super::*;

fn object(spec: &serde_json::Value) -> LandfallNode {
    let machine = "1".repeat(32);
    let mut value = json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "LandfallNode",
        "metadata": {
            "name": "node1",
            "uid": "00000000-0000-0000-0000-000000000007",
            "generation": 3,
        },
        "spec": {"node": {"uid": "u", "machineID": machine}},
    });
    for (key, part) in spec.as_object().unwrap() {
        value["spec"][key] = part.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn a_grant() -> serde_json::Value {
    json!({
        "network": "2", "networkName": "storage", "owner": "3", "interface": "net1",
        "pod": {"namespace": "default", "name": "a"},
    })
}

#[test]
fn identity_and_generation_are_kept() {
    let snapshot = snapshot(&object(&json!({}))).unwrap();
    assert_eq!(snapshot.uid, Uid(7));
    assert_eq!(snapshot.generation, 3);
    assert_eq!(snapshot.machine, Uid::of(&"1".repeat(32)));
}

#[test]
fn an_object_that_no_server_has_seen_is_none() {
    let mut object = object(&json!({}));
    object.metadata.uid = None;
    assert_eq!(snapshot(&object), None);
}

#[test]
fn an_address_without_seq_is_no_grant() {
    let mut with = a_grant();
    with["address"] = json!("10.0.0.1");
    let snapshot = snapshot(&object(&json!({"grants": [with, a_grant()]}))).unwrap();
    assert_eq!(snapshot.grants.len(), 1);
    assert_eq!(snapshot.grants[0].address, None);
}

#[test]
fn a_final_refusal_wins() {
    let refusal = |text: &str, is_final: bool| json!({"owner": "3", "interface": text, "reason": "R", "message": text, "final": is_final});
    let list = json!([refusal("a", false), refusal("b", true), refusal("c", false)]);
    let snapshot = snapshot(&object(&json!({"refusals": list}))).unwrap();
    let refusal = snapshot.refusals.values().next().unwrap();
    assert_eq!((refusal.message.as_str(), refusal.is_final), ("b", true));
}
