//! Pods whose node has no parent for their network.

use landfall_core::id::Uid;
use serde_json::json;

use super::{granted, rig, rig::Rig, states};

/// Node a's agent says whether the network has a parent there.
fn say(rig: &Rig, ready: bool) {
    rig.edit("landfallnodes", "a", |node| {
        node["status"]["parents"] = json!([{
            "network": Uid(7), "ready": ready,
            "reason": "ParentInterfaceMissing", "message": "there is no eth1",
        }]);
    });
}

#[tokio::test]
async fn a_pod_holds_no_address_before_its_node_has_a_parent() {
    let mut rig = rig(1);
    rig.settle().await;
    rig.agent("a");
    say(&rig, false);
    rig.bind("web", "a");
    rig.bind("other", "b");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    assert_eq!(granted(&rig, "b"), ["10.20.0.1"]);
    let waits = "Warning ParentInterfaceMissing Pod/web: on node a, network lan has no parent (there is no \
                 eth1): the pod starts by itself when there is one";
    assert_eq!(rig.told(), [waits], "it is told once");
    let object = rig.node("a").unwrap();
    assert_eq!(object.spec.refusals.len(), 1, "an ADD says the same");
    say(&rig, true);
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.2"]);
    // The parent goes, and the pod keeps what it has.
    say(&rig, false);
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.2"]);
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.2 Granted"]);
}
