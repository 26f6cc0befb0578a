//! `limits.perNamespace` on a server in memory.

use serde_json::json;

use super::{granted, pass, rig};

#[tokio::test]
async fn a_namespace_at_its_limit_is_told_and_goes_on_when_it_releases_or_may_have_more() {
    let mut rig = rig(1);
    rig.edit_network(|spec| spec["limits"] = json!({"perNamespace": 2}));
    for pod in ["p1", "p2", "p3"] {
        rig.bind(pod, "a");
    }
    rig.settle().await;
    assert_eq!(granted(&rig, "a").len(), 2);
    let refusals = rig.node("a").unwrap().spec.refusals;
    let [refusal] = &refusals[..] else {
        panic!("{refusals:?}");
    };
    assert_eq!(refusal.reason, "AddressPoolExhausted");
    assert!(!refusal.is_final);
    assert!(refusal.message.contains("namespace default"), "{refusal:?}");
    let told = rig.told();
    let about = |text: &&String| text.contains("AddressPoolExhausted Pod/p3");
    assert_eq!(told.iter().filter(about).count(), 1, "{told:?}");

    // The pod is gone, and its node has not released what it had: that still counts.
    rig.agent("a");
    rig.delete("p1");
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.refusals.len(), 1);
    rig.end();
    rig.agent("a");
    rig.settle().await;
    let node = rig.node("a").unwrap();
    assert_eq!(node.spec.refusals, []);
    assert_eq!(granted(&rig, "a").len(), 2);

    rig.bind("p4", "a");
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.refusals.len(), 1);
    rig.edit_network(|spec| spec["limits"] = json!({"perNamespace": 3}));
    rig.settle().await;
    assert_eq!(granted(&rig, "a").len(), 3);

    // A lower one takes nothing back, now or later.
    rig.edit_network(|spec| spec["limits"] = json!({"perNamespace": 1}));
    for _ in 0..3 {
        pass(40_000);
        rig.settle().await;
        rig.agent("a");
    }
    assert_eq!(granted(&rig, "a").len(), 3);
    rig.check();
}
