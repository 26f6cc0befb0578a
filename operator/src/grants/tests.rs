//! The shell on an API server in memory.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

mod api;
mod claims;
mod crashes;
mod hand;
mod leadership;
mod limit;
mod parents;
mod reclaim;
mod restore;
mod rig;
mod unattached;
mod unread;

use api::Fault;
use rig::{Rig, Sees, pass};

use crate::samples::Random;

const SUBNET: &str = "10.20.0.0/29";
/// The block that it is in.
const BLOCK: &str = "default-0a140000";

fn rig(operators: usize) -> Rig {
    Rig::new(operators, &["a", "b"], &json!([{"cidr": SUBNET}]))
}

/// The addresses that a node's object grants.
fn granted(rig: &Rig, node: &str) -> Vec<String> {
    let node = rig.node(node).expect("an object");
    let addresses = node.spec.grants.iter().filter_map(|grant| grant.address);
    addresses.map(|address| address.to_string()).collect()
}

fn states(rig: &Rig) -> Vec<String> {
    let blocks = rig.blocks();
    let entries = blocks.iter().flat_map(|block| &block.spec.entries);
    entries
        .map(|(address, entry)| format!("{address} {:?}", entry.state))
        .collect()
}

/// A pod `web` on node a, attached.
async fn attached() -> Rig {
    let mut rig = rig(1);
    rig.settle().await;
    rig.bind("web", "a");
    rig.settle().await;
    rig.agent("a");
    rig.agent("b");
    rig.settle().await;
    assert_eq!(rig.told(), Vec::<String>::new());
    rig
}

#[tokio::test]
async fn a_node_object_whose_write_is_not_answered_keeps_no_other_waiting() {
    let mut rig = rig(1);
    rig.settle().await;
    let silent = ("landfallnodes".to_owned(), "a".to_owned());
    rig.server.store().silent.insert(silent);
    rig.bind("first", "a");
    rig.bind("second", "b");
    let server = rig.server.clone();
    let b = ("landfallnodes".to_owned(), "b".to_owned());
    let holds = async |pods| {
        let is_there = |object: &Value| {
            let grants = object["spec"]["grants"].as_array();
            grants.is_some_and(|grants| grants.len() == pods)
        };
        while !server.store().objects.get(&b).is_some_and(is_there) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = rig.turn(0, Sees::ALL) => panic!("the write of a's object is under way"),
        () = holds(1) => {}
    }
    // And who comes while it still is.
    rig.bind("third", "b");
    tokio::select! {
        () = rig.turn(0, Sees::ALL) => panic!("it still is"),
        () = holds(2) => {}
    }
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
}

#[tokio::test]
async fn a_bound_pod_gets_an_address_and_gives_it_back() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    rig.agent("a");
    rig.delete("web");
    rig.end();
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.recalls.len(), 1);
    assert_eq!(states(&rig), ["10.20.0.1 Recalling"]);
    rig.agent("a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
    assert_eq!(states(&rig), ["10.20.0.1 Cooling"]);
    pass(30_000);
    rig.settle().await;
    assert_eq!(states(&rig), Vec::<String>::new());
}

#[tokio::test]
async fn an_address_of_another_host_is_left_alone_for_ten_minutes_and_pod_and_network_are_told() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    let spec = rig.node("a").expect("an object").spec;
    let key = json!({"address": spec.grants[0].address, "seq": spec.grants[0].seq});
    let mut conflict = key.clone();
    conflict["mac"] = json!("02:00:00:00:00:09");
    rig.edit("landfallnodes", "a", |object| {
        object["status"] = json!({
            "nodeUID": spec.node.uid,
            "machineID": spec.node.machine_id,
            "released": [key],
            "conflicts": [conflict],
        });
    });
    rig.told();
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Foreign", "10.20.0.2 Granted"]);
    assert_eq!(granted(&rig, "a"), ["10.20.0.2"]);
    let told = rig.told().join("\n");
    let says =
        "address 10.20.0.1 is used by a host of the LAN with hardware address 02:00:00:00:00:09";
    for of in ["Pod/web", "MacvlanNetwork/"] {
        let mut lines = told.lines();
        let is_told = |line: &str| line.contains(of) && line.contains(says);
        assert!(lines.any(is_told), "{of}: {told}");
    }
    assert!(!told.contains("LedgerRepaired"), "{told}");
    pass(600_000);
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.2 Granted"]);
}

#[tokio::test]
async fn pods_of_two_families_get_all_or_nothing() {
    let subnets = json!([{"cidr": "10.20.0.0/30"}, {"cidr": "fd00::/64"}]);
    let mut rig = Rig::new(1, &["a"], &subnets);
    for pod in ["p1", "p2", "p3"] {
        rig.bind(pod, "a");
    }
    rig.settle().await;
    let granted = granted(&rig, "a");
    assert_eq!(granted.len(), 4, "{granted:?}");
    let refusals = rig.node("a").unwrap().spec.refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].reason, "AddressPoolExhausted");
    let reserved = states(&rig)
        .iter()
        .filter(|s| s.ends_with("Reserved"))
        .count();
    assert_eq!(reserved, 0, "{:?}", states(&rig));
}

#[tokio::test]
async fn an_operator_with_old_caches_loses_and_tries_again_on_what_it_reads() {
    let mut rig = rig(2);
    rig.settle().await;
    rig.bind("p1", "a");
    rig.turn(0, Sees::ALL).await;
    rig.bind("p2", "b");
    // The second operator has seen nothing of what the first wrote.
    rig.turn(
        1,
        Sees {
            pods: 9,
            ..Sees::NOTHING
        },
    )
    .await;
    rig.settle().await;
    assert!(rig.server.store().conflicts > 0);
    assert_eq!(granted(&rig, "a").len(), 1);
    assert_eq!(granted(&rig, "b").len(), 1);
    assert_ne!(granted(&rig, "a"), granted(&rig, "b"));
}

#[tokio::test]
async fn a_block_deleted_by_hand_comes_back_with_what_the_nodes_hold() {
    let mut rig = rig(1);
    rig.bind("p1", "a");
    rig.settle().await;
    rig.agent("a");
    let seq = rig.node("a").unwrap().spec.grants[0].seq.unwrap();
    let block = rig.blocks()[0].metadata.name.clone().unwrap();
    rig.server.delete("addressblocks", &block);
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    let block = &rig.blocks()[0];
    assert!(
        block.spec.epoch > seq.epoch,
        "a new epoch is above every seq of the old one"
    );
    rig.bind("p2", "a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1", "10.20.0.2"]);
}

#[tokio::test]
async fn what_lasts_long_is_not_decided_again_and_again() {
    let mut rig = rig(1);
    rig.bind("p1", "a");
    rig.settle().await;
    let writes = rig.server.store().log.len();
    for _ in 0..5 {
        pass(31_000);
        rig.turn(0, Sees::ALL).await;
    }
    assert_eq!(rig.server.store().log.len(), writes);
}

/// The second operator knows a block from before its address came to another pod, and the node as it
/// is now. Without the push rule it would give the address to the first pod's node again, whose
/// sandbox may still start.
async fn push_from_an_old_block(setup: impl AsyncFn(&mut Rig), late: Sees) {
    let mut rig = rig(2);
    rig.settle().await;
    rig.bind("first", "a");
    setup(&mut rig).await;
    rig.turn(0, Sees::ALL).await;
    rig.delete("first");
    for _ in 0..3 {
        rig.turn(0, Sees::ALL).await;
        rig.agent("a");
        pass(30_000);
    }
    rig.bind("second", "b");
    rig.turn(0, Sees::ALL).await;
    rig.agent("b");
    assert_eq!(granted(&rig, "b"), ["10.20.0.1"]);
    rig.turn(1, late).await;
    rig.agent("a");
    rig.check();
}

#[tokio::test]
async fn nothing_is_pushed_from_a_block_that_was_read_before_the_node() {
    let setup = async |rig: &mut Rig| rig.turn(1, Sees::ALL).await;
    let late = Sees {
        nodes: usize::MAX,
        ..Sees::NOTHING
    };
    push_from_an_old_block(setup, late).await;
}

#[tokio::test]
async fn nothing_is_pushed_from_a_block_that_only_a_watch_has_seen() {
    let late = Sees {
        pods: 1,
        nodes: usize::MAX,
        // As far as the first pod's grant.
        blocks: 2,
    };
    push_from_an_old_block(async |_| (), late).await;
}

/// Two operators with caches of any age, lost writes and lost answers, pods that come and go.
async fn walk(start: u64) {
    let mut random = Random(start);
    let mut rig = rig(2);
    for step in 0..200 {
        match random.below(9) {
            0 if rig.pods.len() < 8 => {
                let node = if random.below(2) == 0 { "a" } else { "b" };
                rig.bind(&format!("p{step}"), node);
            }
            1 => {
                let names: Vec<String> = rig.pods.keys().cloned().collect();
                if let Some(name) = names.get(random.below(names.len().max(1))) {
                    rig.delete(name);
                }
            }
            2 if random.below(4) == 0 => rig.end(),
            3 | 4 => rig.agent(if random.below(2) == 0 { "a" } else { "b" }),
            _ => {
                let faults = (0..random.below(6)).map(|_| match random.below(10) {
                    0 => Some(Fault::Lost),
                    1 => Some(Fault::Unanswered),
                    _ => None,
                });
                rig.server.store().faults = faults.collect();
                let mut lag = || [0, 1, usize::MAX][random.below(3)];
                let sees = Sees {
                    pods: lag(),
                    nodes: lag(),
                    blocks: lag(),
                };
                rig.turn(random.below(2), sees).await;
                rig.server.store().faults.clear();
            }
        }
        pass([0, 500, 40_000][random.below(3)]);
        rig.check();
    }
    finish(rig).await;
}

/// Without further faults everybody gets what there is, and everything comes back.
async fn finish(mut rig: Rig) {
    rig.end();
    for _ in 0..20 {
        pass(40_000);
        rig.settle().await;
        rig.agent("a");
        rig.agent("b");
        rig.check();
    }
    let served: usize = ["a", "b"]
        .iter()
        .map(|node| granted(&rig, node).len())
        .sum();
    assert_eq!(served, rig.pods.len().min(6), "invariant 10");
    let names: Vec<String> = rig.pods.keys().cloned().collect();
    for name in names {
        rig.delete(&name);
    }
    rig.end();
    for _ in 0..20 {
        pass(40_000);
        rig.settle().await;
        rig.agent("a");
        rig.agent("b");
    }
    assert_eq!(states(&rig), Vec::<String>::new(), "invariant 10");
}

#[tokio::test]
async fn two_operators_with_old_caches_and_lost_writes_give_no_address_twice() {
    for seed in 0..40 {
        walk(seed).await;
    }
}
