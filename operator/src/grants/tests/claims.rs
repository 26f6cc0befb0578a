//! Claims through the shell.

use std::time::Duration;

use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::{
    granted, rig as make,
    rig::{Rig, object},
    states,
};
use crate::{
    claims::{ClaimFacts, SetKey, StatefulSetFacts},
    pods::PodFacts,
    samples,
    watches::Change,
};

const UID: &str = "00000000-0000-0000-0000-000000000050";

/// An AddressClaim as the watch shows it.
fn claim(owner: &Value, deleted: bool) -> ClaimFacts {
    let mut claim = json!({
        "metadata": {
            "namespace": "default", "name": "kept", "uid": UID, "generation": 1,
            "resourceVersion": "1", "finalizers": ["landfall.dev/addresses"],
        },
        "spec": {"network": "lan", "for": owner},
    });
    if deleted {
        claim["metadata"]["deletionTimestamp"] = json!("2026-11-28T00:00:00Z");
        claim["metadata"]["resourceVersion"] = json!("2");
    }
    ClaimFacts::address(object(claim))
}

fn see(rig: &mut Rig, change: impl Fn() -> Change) {
    for operator in &mut rig.operators {
        operator.shell.world.observe(change());
    }
}

fn see_claim(rig: &mut Rig, owner: &Value, deleted: bool) {
    see(rig, || Change::Claim(Event::Apply(claim(owner, deleted))));
}

fn for_pod() -> Value {
    json!({"type": "Pod", "pod": {"name": "web"}})
}

#[tokio::test]
async fn a_claimed_address_follows_its_pod_from_node_to_node_and_is_free_after_the_claim() {
    let mut rig = make(1);
    see_claim(&mut rig, &for_pod(), false);
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Claimed"]);
    for node in ["a", "b"] {
        rig.bind("web", node);
        rig.bind("other", node);
        rig.settle().await;
        assert_eq!(granted(&rig, node)[0], "10.20.0.1");
        rig.agent(node);
        rig.check();
        rig.delete("web");
        rig.delete("other");
        rig.end();
        rig.settle().await;
        rig.agent(node);
        rig.settle().await;
        assert_eq!(states(&rig)[0], "10.20.0.1 Claimed");
    }
    let world = &rig.operators[0].shell.world;
    assert!(world.is_kept_for(landfall_core::id::Uid::of(UID)));
    see_claim(&mut rig, &for_pod(), true);
    rig.settle().await;
    assert!(
        !states(&rig)
            .iter()
            .any(|state| state.starts_with("10.20.0.1 "))
    );
    let world = &rig.operators[0].shell.world;
    assert!(!world.is_kept_for(landfall_core::id::Uid::of(UID)));
}

#[tokio::test]
async fn the_ordinals_of_a_stateful_set_have_their_addresses_before_there_is_a_pod() {
    let mut rig = make(1);
    let owner = json!({"type": "StatefulSet", "statefulSet": {"name": "db"}});
    see_claim(&mut rig, &owner, false);
    rig.settle().await;
    assert_eq!(states(&rig), Vec::<String>::new());
    see(&mut rig, || {
        Change::StatefulSet(Event::Apply(StatefulSetFacts {
            key: SetKey {
                namespace: "default".to_owned(),
                name: "db".to_owned(),
            },
            first: 0,
            count: 3,
        }))
    });
    rig.settle().await;
    let ordinals = rig
        .blocks()
        .into_iter()
        .flat_map(|block| block.spec.entries.into_values());
    let ordinals: Vec<_> = ordinals.map(|entry| entry.claim.unwrap().ordinal).collect();
    assert_eq!(ordinals, [Some(0), Some(1), Some(2)]);
}

#[tokio::test]
async fn a_claim_that_no_watch_shows_is_looked_for_before_what_it_keeps_goes_back() {
    let mut rig = make(1);
    see_claim(&mut rig, &for_pod(), false);
    rig.settle().await;
    let key = ("addressclaims".to_owned(), "kept".to_owned());
    rig.server.store().put(
        &key,
        json!({
            "metadata": {"namespace": "default"},
            "spec": {"network": "lan", "for": for_pod()},
        }),
    );
    // A list from a cache does not name it. What is stored has another UID: it was made again.
    see(&mut rig, || Change::Claim(Event::Init));
    see(&mut rig, || Change::Claim(Event::InitDone));
    rig.settle().await;
    assert_eq!(states(&rig), Vec::<String>::new());
}

/// The claim as it is stored, under the UID that the server gave it.
fn stored(rig: &Rig) -> Value {
    let key = ("addressclaims".to_owned(), "kept".to_owned());
    rig.server.store().put(
        &key,
        json!({
            "metadata": {"namespace": "default", "finalizers": ["landfall.dev/addresses"]},
            "spec": {"network": "lan", "addresses": ["10.20.0.4"], "for": for_pod()},
        }),
    )
}

/// It leads after one that has kept addresses for a claim that its own watch has not shown yet.
#[tokio::test]
async fn an_operator_that_begins_to_lead_grants_a_claims_pod_nothing_else() {
    let mut rig = make(2);
    let claim = ClaimFacts::address(object(stored(&rig)));
    rig.operators[1].shell.leadership.lose();
    let first = &mut rig.operators[0].shell;
    first.world.observe(Change::Claim(Event::Apply(claim)));
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.4 Claimed"]);
    rig.operators[0].shell.leadership.lose();
    rig.operators[1].shell.leadership.extend(Duration::MAX);
    rig.bind("web", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.4"]);
}

/// It has led for long, and another operator, or one before it that does not know yet that it is not the
/// leader any more, has kept addresses for a claim that its watch has not shown.
#[tokio::test]
async fn a_claim_that_only_the_ledger_shows_is_read_before_its_pod_is_granted_anything() {
    let mut rig = make(2);
    rig.settle().await;
    let claim = ClaimFacts::address(object(stored(&rig)));
    let first = &mut rig.operators[0].shell;
    first.world.observe(Change::Claim(Event::Apply(claim)));
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.4 Claimed"]);
    rig.operators[0].shell.leadership.lose();
    rig.bind("web", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.4"]);
}

#[tokio::test]
async fn a_block_that_is_made_anew_keeps_what_claims_say_is_theirs() {
    let mut rig = make(1);
    see_claim(&mut rig, &for_pod(), false);
    rig.settle().await;
    let name = rig.blocks()[0].metadata.name.clone().unwrap();
    let key = ("addressclaims".to_owned(), "kept".to_owned());
    rig.server.store().put(
        &key,
        json!({
            "metadata": {"namespace": "default"},
            "spec": {"network": "lan", "for": {"type": "None"}},
            "status": {"addresses": ["10.20.0.4"]},
        }),
    );
    rig.server.delete("addressblocks", &name);
    rig.bind("other", "a");
    rig.settle().await;
    assert!(
        states(&rig).contains(&"10.20.0.4 Claimed".to_owned()),
        "{:?}",
        states(&rig)
    );
}

#[tokio::test]
async fn pods_of_another_namespace_do_not_get_a_claimed_address_by_asking() {
    let mut rig = make(1);
    see_claim(&mut rig, &for_pod(), false);
    rig.settle().await;
    let asks = |facts: &mut PodFacts| {
        facts.npwg = samples::pod(r#"[{"name": "lan", "ips": ["10.20.0.1"]}]"#).npwg;
    };
    rig.bind("thief", "a");
    let mut facts = rig.pods["thief"].clone();
    asks(&mut facts);
    facts.key.namespace = "other".to_owned();
    rig.pods.insert("thief".to_owned(), facts.clone());
    rig.pod_log.pop();
    rig.pod_log.push((facts, true));
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Claimed"]);
    let told = rig.told();
    assert!(
        told.iter()
            .any(|t| t.contains("kept by a claim of another namespace")),
        "{told:?}"
    );
}
