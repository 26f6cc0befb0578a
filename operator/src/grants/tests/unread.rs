//! Objects that can't be read: one is set aside and told, and all else goes on.

use kube::runtime::watcher::Event;
use landfall_core::id::Uid;
use landfall_crds::guarded::Unread;
use serde_json::json;

use super::{
    BLOCK, attached, granted, pass, rig,
    rig::{Rig, object},
    states,
};
use crate::{claims::ClaimFacts, watches::Change};

const SEQ: &str = "/spec/entries/10.20.0.1/seq";

/// What is told, after everybody has acted for a while.
async fn told(rig: &mut Rig) -> Vec<String> {
    for _ in 0..3 {
        pass(5_000);
        rig.settle().await;
    }
    rig.told()
}

fn version(rig: &Rig) -> usize {
    rig.server.store().log.len()
}

#[tokio::test]
async fn of_a_block_that_cannot_be_read_nothing_is_given_away_and_nothing_taken_back() {
    let mut rig = attached().await;
    let mut seq = json!(null);
    rig.edit("addressblocks", BLOCK, |block| {
        seq = std::mem::replace(block.pointer_mut(SEQ).unwrap(), json!("no"));
    });
    rig.bind("other", "b");
    rig.delete("web");
    rig.end();
    rig.settle().await;
    rig.agent("a");
    let told = told(&mut rig).await;
    let is_it = |sentence: &String| {
        sentence.starts_with("Warning ObjectUnreadable AddressBlock/default-0a140000: ")
            && sentence.contains("spec.entries.10.20.0.1.seq: ")
    };
    assert!(told.iter().any(is_it), "{told:#?}");
    let waits =
        |sentence: &String| sentence.contains("AddressBlock default-0a140000 can't be read");
    assert!(told.iter().any(waits), "the pod is told too: {told:#?}");
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(granted(&rig, "b"), Vec::<String>::new());
    let before = version(&rig);
    pass(60_000);
    rig.settle().await;
    assert_eq!(version(&rig), before, "nothing is written in vain");
    // An operator that starts now knows no more.
    rig.new_operators();
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    // Somebody mends it: all goes on.
    rig.edit("addressblocks", BLOCK, |block| {
        *block.pointer_mut(SEQ).unwrap() = seq;
    });
    rig.settle().await;
    rig.agent("a");
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Cooling", "10.20.0.2 Granted"]);
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
}

#[tokio::test]
async fn a_node_object_that_cannot_be_read_stops_nothing_on_other_nodes() {
    let mut rig = attached().await;
    let mut address = json!(null);
    rig.edit("landfallnodes", "a", |object| {
        let field = object.pointer_mut("/spec/grants/0/address").unwrap();
        address = std::mem::replace(field, json!("10.20.0.300"));
    });
    rig.bind("other", "b");
    rig.bind("another", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
    let told = told(&mut rig).await;
    let is_it = |sentence: &String| {
        sentence.starts_with("Warning ObjectUnreadable LandfallNode/a: ")
            && sentence.contains("spec.grants[0].address: ")
    };
    assert!(told.iter().any(is_it), "{told:#?}");
    rig.new_operators();
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.2 Granted"]);
    rig.edit("landfallnodes", "a", |object| {
        *object.pointer_mut("/spec/grants/0/address").unwrap() = address;
    });
    rig.settle().await;
    let mut all = granted(&rig, "a");
    all.sort();
    assert_eq!(all, ["10.20.0.1", "10.20.0.3"]);
}

/// The addresses of a block that was deleted may be in a node object that can't be read.
#[tokio::test]
async fn no_block_is_made_while_a_node_object_cannot_be_read() {
    let mut rig = rig(1);
    rig.settle().await;
    rig.edit("landfallnodes", "b", |object| {
        object["spec"]["grants"] = json!([{"address": "no"}]);
    });
    rig.bind("web", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
    assert_eq!(rig.blocks().len(), 0);
    let told = rig.told();
    let waits = "Warning AddressPoolExhausted Pod/web: LandfallNode b can't be read, and before it is mended \
                 AddressBlock default-0a140000 can't be made";
    assert!(told.iter().any(|text| text.starts_with(waits)), "{told:#?}");
    let before = version(&rig);
    pass(60_000);
    rig.settle().await;
    assert_eq!(version(&rig), before, "nothing is written in vain");
    rig.edit("landfallnodes", "b", |object| {
        object["spec"]["grants"] = json!([]);
    });
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
}

/// The addresses of a block that was deleted may be what the claim keeps.
#[tokio::test]
async fn no_block_is_made_while_a_claim_cannot_be_read() {
    let mut rig = rig(1);
    rig.settle().await;
    let claim = || {
        ClaimFacts::unread(Box::new(Unread {
            meta: object(json!({
                "namespace": "default", "name": "kept", "uid": Uid(9), "resourceVersion": "5",
            })),
            why: "spec.network: no text".to_owned(),
        }))
    };
    let see = |rig: &mut Rig, event| {
        let world = &mut rig.operators[0].shell.world;
        world.observe(Change::Claim(event));
    };
    see(&mut rig, Event::Apply(claim()));
    rig.bind("web", "a");
    rig.settle().await;
    assert_eq!(rig.blocks().len(), 0);
    let told = rig.told();
    let waits = "Warning AddressPoolExhausted Pod/web: AddressClaim default/kept can't be read, ";
    assert!(told.iter().any(|text| text.starts_with(waits)), "{told:#?}");
    see(&mut rig, Event::Delete(claim()));
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
}
