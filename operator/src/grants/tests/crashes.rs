//! Rows of "Crash and split-brain cases" (docs/ipam-protocol.md) that are the operator's alone.

use landfall_core::id::Seq;
use serde_json::json;

use super::{
    api::Fault,
    granted,
    rig::{NOW, Rig, Sees, pass},
    states,
};

/// Two operators, and one address for nodes a and b.
fn one_address() -> Rig {
    let range = json!([{"from": "10.20.0.1", "to": "10.20.0.1"}]);
    Rig::new(
        2,
        &["a", "b"],
        &json!([{"cidr": "10.20.0.0/29", "ranges": range}]),
    )
}

/// The first operator sees everything, writes `arrive` times, and then dies: what it sent last is under
/// way for a long time.
async fn dies_after(rig: &mut Rig, arrive: usize) {
    // The last of the list is the first write's.
    let mut faults = vec![Some(Fault::Late); 50];
    faults.extend(std::iter::repeat_n(None, arrive));
    rig.server.store().faults = faults;
    rig.turn(0, Sees::ALL).await;
    rig.server.store().faults.clear();
}

fn seq(rig: &Rig, node: &str) -> Seq {
    let node = rig.node(node).expect("an object");
    node.spec.grants[0].seq.expect("a seq")
}

/// Everybody but the operator that died carries on; it wakes up at the end, with what it knew.
async fn the_other_carries_on(rig: &mut Rig) {
    for _ in 0..4 {
        pass(40_000);
        rig.turn(1, Sees::ALL).await;
        rig.agent("a");
        rig.agent("b");
        rig.check();
    }
}

#[tokio::test]
async fn an_operator_dies_between_ledger_and_spec_write() {
    let mut rig = one_address();
    rig.settle().await;
    rig.bind("first", "a");
    // The epoch is drawn, the block made, the address granted in it.
    dies_after(&mut rig, 3).await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
    let entry = rig.blocks()[0].spec.entries.values().next().unwrap().seq;

    the_other_carries_on(&mut rig).await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(Some(seq(&rig, "a")), entry, "the same grant is pushed");

    assert_eq!(rig.server.store().deliver(), 0, "the late writes conflict");
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(Some(seq(&rig, "a")), entry);
}

#[tokio::test]
async fn an_operator_dies_between_ledger_free_and_spec_removal() {
    let mut rig = one_address();
    rig.bind("first", "a");
    rig.settle().await;
    rig.agent("a");
    let first = seq(&rig, "a");
    rig.delete("first");
    rig.end();
    rig.settle().await;
    rig.agent("a");
    dies_after(&mut rig, 1).await;
    assert_eq!(states(&rig), ["10.20.0.1 Cooling"]);
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"], "still listed");
    let recalls = rig.node("a").unwrap().spec.recalls;
    assert_eq!(recalls.len(), 1, "under recall");

    rig.bind("second", "b");
    the_other_carries_on(&mut rig).await;
    assert_eq!(granted(&rig, "a"), Vec::<String>::new());
    assert_eq!(granted(&rig, "b"), ["10.20.0.1"], "it lives elsewhere");
    assert!(seq(&rig, "b") > first);

    assert_eq!(rig.server.store().deliver(), 0, "the late writes conflict");
    rig.agent("a");
    rig.check();
    assert_eq!(granted(&rig, "b"), ["10.20.0.1"]);
}

/// An operator that starts after the clock was set, and one that runs on.
fn two_operators() -> Rig {
    Rig::new(2, &["a"], &json!([{"cidr": "10.20.0.0/29"}]))
}

#[tokio::test]
async fn a_clock_jump_touches_nothing_that_is_held() {
    let mut rig = two_operators();
    for pod in ["stays", "goes"] {
        rig.bind(pod, "a");
    }
    rig.settle().await;
    rig.agent("a");
    rig.delete("goes");
    rig.settle().await;
    let held = states(&rig);
    let recalling = |state: &&String| state.ends_with("Recalling");
    assert_eq!(held.iter().filter(recalling).count(), 1, "{held:?}");
    let now = NOW.get();
    for jump in [u64::from(u32::MAX) * 1000, 0, now] {
        NOW.set(jump);
        rig.settle().await;
        assert_eq!(states(&rig), held, "at {jump}");
    }
}

#[tokio::test]
async fn a_clock_jump_back_does_not_hold_what_rests() {
    let mut rig = two_operators();
    let day = 24 * 3_600_000;
    pass(day);
    rig.bind("web", "a");
    rig.turn(0, Sees::ALL).await;
    rig.agent("a");
    rig.delete("web");
    rig.end();
    rig.turn(0, Sees::ALL).await;
    rig.agent("a");
    rig.turn(0, Sees::ALL).await;
    assert_eq!(states(&rig), ["10.20.0.1 Cooling"]);
    NOW.set(NOW.get() - day);
    rig.turn(1, Sees::ALL).await;
    pass(31_000);
    rig.turn(1, Sees::ALL).await;
    assert_eq!(states(&rig), Vec::<String>::new());
}
