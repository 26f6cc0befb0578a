use std::net::IpAddr;

use kube::{api::Patch, core::ObjectMeta};
use landfall_core::{
    agent::Identity,
    id::{Seq, Uid},
};
use serde_json::json;

use super::*;
use crate::engine::SilentGateway;

const MACHINE: Machine = Machine {
    id: Uid(1),
    boot: Uid(2),
};

fn time(seconds: i64) -> Time {
    Time(k8s_openapi::jiff::Timestamp::from_second(seconds).unwrap())
}

fn published() -> Published {
    Published {
        ready: true,
        generation: Some(4),
        identity: Some(Identity {
            node: Uid(3),
            speaks_for: [Uid(9)].into(),
        }),
        ..Published::default()
    }
}

fn composed(published: &Published) -> Option<LandfallNodeStatus> {
    compose(published, &Installed::default(), MACHINE, &[], &time(1))
}

#[test]
fn an_agent_that_is_not_ready_writes_nothing() {
    let mut cold = published();
    cold.ready = false;
    assert_eq!(composed(&cold), None);
    let mut unread = published();
    unread.identity = None;
    assert_eq!(composed(&unread), None);
}

#[test]
fn every_write_says_who_speaks() {
    let status = composed(&published()).unwrap();
    assert_eq!(status.node_uid, Some(Uid(3)));
    assert_eq!(status.machine_id, Some(Uid(1)));
    assert_eq!(status.speaks_for, [Uid(9)]);
    assert_eq!(status.observed_generation, Some(4));
}

#[test]
fn a_status_is_written_only_to_an_object_of_the_same_machine() {
    let status = composed(&published()).unwrap();
    let Patch::Json(patch) = patch(&status, MACHINE).unwrap() else {
        panic!("not a JSON patch");
    };
    let expected = json!([
        {"op": "test", "path": "/spec/node/machineID", "value": MACHINE.id},
        {"op": "add", "path": "/status", "value": status},
    ]);
    assert_eq!(serde_json::to_value(patch).unwrap(), expected);
}

#[test]
fn a_condition_keeps_its_time_while_its_status_lasts() {
    let missing = |message: &str| landfall_crds::node::ParentStatus {
        message: Some(message.to_owned()),
        ..landfall_crds::node::ParentStatus::default()
    };
    let mut now = published();
    let transition = |published: &Published, before: &[_], at| {
        let composed = compose(published, &Installed::default(), MACHINE, before, &time(at));
        composed.unwrap().conditions
    };
    let first = transition(&now, &[], 1);
    now.parents = vec![missing("a")];
    let second = transition(&now, &first, 2);
    now.parents = vec![missing("b")];
    let third = transition(&now, &second, 3);
    let times = |list: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]| {
        list.iter()
            .map(|c| (c.type_.clone(), c.last_transition_time.0.as_second()))
            .collect::<Vec<_>>()
    };
    let expected = |ready, parents| {
        vec![
            ("Ready".to_owned(), ready),
            ("ParentsReady".to_owned(), parents),
        ]
    };
    assert_eq!(times(&first), expected(1, 1));
    assert_eq!(times(&second), expected(1, 2));
    assert_eq!(times(&third), expected(1, 2));
    assert_eq!(third[1].message, "b");
}

#[test]
fn conflicts_are_said_with_what_is_released_and_silent_gateways_are_a_condition() {
    let mut published = published();
    let key = (
        "10.9.0.5".parse().unwrap(),
        Seq {
            epoch: 1,
            counter: 5,
        },
    );
    published.released.insert(key);
    published
        .conflicts
        .insert(key, "02:00:00:00:00:09".parse().unwrap());
    let status = composed(&published).unwrap();
    let expected = json!([{"address": "10.9.0.5", "seq": "1.5", "mac": "02:00:00:00:00:09"}]);
    assert_eq!(serde_json::to_value(&status.conflicts).unwrap(), expected);
    assert_eq!(status.released.len(), 1);
    assert_eq!(status.conditions.len(), 2);

    published.silent_gateways = (1..=4)
        .map(|host| SilentGateway {
            network: "storage".to_owned(),
            address: IpAddr::from([10, 9, host, 1]),
            parent: "eth1".to_owned(),
        })
        .collect();
    let status = composed(&published).unwrap();
    let silent = status.conditions.last().unwrap();
    assert_eq!(
        (silent.type_.as_str(), silent.status.as_str()),
        ("GatewaySilent", "True")
    );
    let first = "network storage: gateway 10.9.1.1 does not answer on eth1; ";
    assert!(silent.message.starts_with(first), "{}", silent.message);
    assert!(
        silent.message.ends_with("; and 1 more"),
        "{}",
        silent.message
    );
}

#[test]
fn an_object_made_again_gets_its_status_again() {
    let mut published = published();
    let status = composed(&published).unwrap();
    let written = Written::new(&published, status.clone(), Shown::default());
    assert!(written.is(&published, &status));
    published.object = Some(Uid(77));
    assert!(!written.is(&published, &status));
}

/// What the API server shows, in a version, of a node that has so many pods.
fn shown(version: &str, generation: i64) -> Shown {
    let object = json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "LandfallNode",
        "metadata": {"name": "a", "uid": "u", "resourceVersion": version},
        "spec": {},
        "status": {"observedGeneration": generation},
    });
    let object: LandfallNode = serde_json::from_value(object).unwrap();
    Shown::of(&object.metadata, object.status.as_ref())
}

#[test]
fn an_older_status_that_lands_late_is_written_over() {
    let written = shown("9", 2);
    assert!(written.is_lost_in(&shown("10", 1)));
}

#[test]
fn what_was_written_before_or_is_the_same_is_not_written_again() {
    let written = shown("10", 2);
    // The watch is behind.
    assert!(!written.is_lost_in(&shown("9", 1)));
    assert!(!written.is_lost_in(&shown("10", 2)));
    // The operator wrote the spec.
    assert!(!written.is_lost_in(&shown("11", 2)));
    assert!(!written.is_lost_in(&Shown::default()));
}

#[test]
fn nobody_waits_for_a_version_that_was_seen_a_count_what_is_detached_and_a_release_that_is_forgotten()
 {
    let key = |last| (IpAddr::from([10, 0, 0, last]), Seq::default());
    let mut published = published();
    published.released = [key(1), key(2)].into();
    published.attached = [key(4), key(5)].into();
    let before = composed(&published).unwrap();
    let mut later = published.clone();
    later.generation = Some(5);
    later.granted = 7;
    later.released = [key(2)].into();
    later.attached = [key(5)].into();
    let calm = composed(&later).unwrap();
    assert_ne!(calm, before);
    assert!(!calm::is_urgent(&before, &calm));
    later.released = [key(2), key(3)].into();
    assert!(calm::is_urgent(&before, &composed(&later).unwrap()));
    let mut later = published.clone();
    later.attached = [key(6)].into();
    assert!(calm::is_urgent(&before, &composed(&later).unwrap()));
    published.restore_suspected = true;
    assert!(calm::is_urgent(&before, &composed(&published).unwrap()));
}

/// Somebody edited the spec; the agent serves what it has read last, and goes on saying what it has.
#[tokio::test]
async fn a_write_to_an_object_whose_spec_cant_be_read_is_one() {
    let status = composed(&published()).unwrap();
    let object = json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
        "metadata": {"name": "node1", "uid": "u1", "resourceVersion": "9"},
        "spec": {
            "node": {"uid": "0b", "machineID": MACHINE.id},
            "grants": [{"address": "10.1.0.300"}],
        },
        "status": status,
    });
    serde_json::from_value::<LandfallNode>(object.clone()).unwrap_err();
    let answer = object.to_string();
    let path = "/apis/landfall.dev/v1alpha1/landfallnodes/node1/status";
    let router = axum::Router::new().route(path, patch_with(answer));
    let api = api(Client::new(router, "default"));
    let shown = write(&api, "node1", &status, MACHINE).await.unwrap();
    // Another status in a later version is seen to be another.
    let later = |status: &LandfallNodeStatus| {
        let mut meta: ObjectMeta = serde_json::from_value(object["metadata"].clone()).unwrap();
        meta.resource_version = Some("10".to_owned());
        Shown::of(&meta, Some(status))
    };
    assert!(!shown.is_lost_in(&later(&status)));
    assert!(shown.is_lost_in(&later(&LandfallNodeStatus::default())));
}

fn patch_with(answer: String) -> axum::routing::MethodRouter {
    axum::routing::patch(move || {
        let answer = answer.clone();
        async move { answer }
    })
}
