//! The user's word that a machine is off, on a server in memory.

use landfall_core::id::Uid;
use landfall_crds::keys::annotation::RECLAIM;
use serde_json::json;

use super::{
    granted, rig,
    rig::{Rig, Sees},
    states,
};

/// A pod on node `a`, attached, and another one on `b`.
async fn attached() -> Rig {
    let mut rig = rig(1);
    for node in ["a", "b"] {
        rig.ready(node, "True");
    }
    rig.settle().await;
    rig.bind("web", "a");
    rig.settle().await;
    rig.bind("other", "b");
    rig.settle().await;
    for node in ["a", "b"] {
        rig.agent(node);
    }
    rig.settle().await;
    assert_eq!(rig.told(), Vec::<String>::new());
    rig
}

/// A user says of a node that the machine of the Node with this UID is off.
fn say(rig: &Rig, node: &str, uid: &str) {
    rig.edit("landfallnodes", node, |object| {
        object["metadata"]["annotations"] = json!({RECLAIM: uid});
    });
}

fn said(rig: &Rig, node: &str) -> bool {
    let annotations = rig.node(node).unwrap().metadata.annotations;
    annotations.is_some_and(|all| all.contains_key(RECLAIM))
}

fn uid(node: &str) -> String {
    Uid::of(node).to_string()
}

#[tokio::test]
async fn a_machine_that_is_off_is_reclaimed_and_the_word_is_taken_away() {
    let mut rig = attached().await;
    rig.ready("a", "Unknown");
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Quarantined", "10.20.0.2 Granted"]);
    say(&rig, "a", &uid("a"));
    rig.live.clear();
    rig.delete("web");
    rig.end();
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Cooling", "10.20.0.2 Granted"]);
    assert!(!said(&rig, "a"));
    let node = rig.node("a").unwrap();
    assert!(node.spec.grants.is_empty() && node.spec.fenced.is_empty());
    assert_eq!(rig.told(), Vec::<String>::new());
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
}

#[tokio::test]
async fn a_word_about_another_node_or_a_machine_that_is_on_is_refused_and_taken_away() {
    for (ready, uid, why) in [
        ("Unknown", uid("b"), "by a Node of UID"),
        ("Unknown", "off".to_owned(), "by a Node of UID"),
        ("True", uid("a"), "its machine is on"),
        ("False", uid("a"), "its machine is on"),
    ] {
        let mut rig = attached().await;
        rig.ready("a", ready);
        rig.settle().await;
        let before = states(&rig);
        say(&rig, "a", &uid);
        rig.settle().await;
        assert_eq!(states(&rig), before, "{why}");
        assert_eq!(granted(&rig, "a"), ["10.20.0.1"], "{why}");
        assert!(!said(&rig, "a"), "{why}");
        let told = rig.told();
        let refusal = |text: &String| {
            text.starts_with("Warning ReclaimRefused LandfallNode/a") && text.contains(why)
        };
        assert!(told.iter().any(refusal), "{why:?} is not in {told:?}");
        rig.check();
    }
}

/// The word is believed only if it still stands when everything else has been read.
#[tokio::test]
async fn a_word_that_is_taken_back_meanwhile_closes_nothing() {
    let mut rig = attached().await;
    rig.ready("a", "Unknown");
    rig.settle().await;
    say(&rig, "a", &uid("a"));
    rig.edit("landfallnodes", "a", |object| {
        object["metadata"]["annotations"] = json!({});
    });
    // The operator has seen the first of the two, and begins.
    let sees = Sees {
        nodes: 1,
        ..Sees::NOTHING
    };
    rig.turn(0, sees).await;
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Recalling", "10.20.0.2 Granted"]);
    rig.check();
}
