use k8s_openapi::api::core::v1::Pod;
use landfall_core::id::Uid;
use serde_json::json;

use super::{asked, pod};
use crate::samples::{Objects, WEB};

fn mk_pod(uid: Uid, annotations: &serde_json::Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"uid": uid, "annotations": annotations},
        "spec": {"nodeName": "a", "containers": []},
    }))
    .unwrap()
}

#[test]
fn a_pod_is_told_with_what_it_has() {
    let object = mk_pod(WEB, &json!({"landfall.dev/networks": "lan"}));
    let answer = pod(&Objects::good().snapshot(), &asked("shop/web", &object));
    assert!(answer.is_good, "{}", answer.text);
    assert_eq!(answer.json["holdings"][0]["address"], "10.20.0.1");
    assert!(answer.text.contains("10.20.0.1"), "{}", answer.text);
}

#[test]
fn a_static_pod_is_known_by_the_uid_that_the_runtime_knows() {
    let mirror = WEB.to_string().replace('-', "");
    let object = mk_pod(
        Uid(5),
        &json!({"landfall.dev/networks": "lan", "kubernetes.io/config.mirror": mirror}),
    );
    let answer = pod(&Objects::good().snapshot(), &asked("shop/web", &object));
    assert_eq!(answer.json["holdings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_pod_that_was_refused_is_told_why() {
    let mut objects = Objects::good();
    objects.node["spec"]["refusals"] = json!([{
        "owner": Uid(5), "reason": "AddressPoolExhausted", "message": "there is none",
    }]);
    let object = mk_pod(Uid(5), &json!({"landfall.dev/networks": "lan"}));
    let answer = pod(&objects.snapshot(), &asked("shop/late", &object));
    let expected = "pod shop/late has no attachment\nAddressPoolExhausted: there is none\n";
    assert_eq!(answer.text, expected);
    assert!(!answer.is_good);
}

#[test]
fn a_pod_that_asks_for_nothing_has_what_it_asks_for() {
    let answer = pod(
        &Objects::good().snapshot(),
        &asked("shop/plain", &mk_pod(Uid(5), &json!({}))),
    );
    assert_eq!(answer.text, "pod shop/plain asks for no network\n");
    assert!(answer.is_good);
}

#[test]
fn a_pod_whose_node_object_cant_be_read_is_told_that_more_may_be_known_there() {
    let mut objects = Objects::good();
    objects.node["spec"]["refusals"] = json!("no");
    let object = mk_pod(Uid(5), &json!({"landfall.dev/networks": "lan"}));
    let answer = pod(&objects.snapshot(), &asked("shop/late", &object));
    let expected = "pod shop/late has no attachment\n\n\
                    This may be incomplete: LandfallNode/a can't be read\n";
    assert_eq!(answer.text, expected);
    assert!(!answer.is_good);
}
