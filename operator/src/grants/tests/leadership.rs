//! Which of two operators decides.

use std::time::Duration;

use super::{
    SUBNET, granted, rig,
    rig::{Rig, Sees, pass},
    states,
};
use crate::samples::Random;

/// From now on this one leads, and the other does not.
fn lead(rig: &Rig, operator: usize) {
    for (index, one) in rig.operators.iter().enumerate() {
        let leadership = &one.shell.leadership;
        if index == operator {
            leadership.extend(Duration::MAX);
        } else {
            leadership.lose();
        }
    }
}

fn writes(rig: &Rig) -> usize {
    rig.server.store().log.len()
}

#[tokio::test]
async fn a_follower_writes_nothing_and_knows_all_when_it_leads() {
    let mut rig = rig(2);
    lead(&rig, 0);
    rig.bind("first", "a");
    rig.turn(1, Sees::ALL).await;
    assert_eq!(writes(&rig), 0);
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    let before = writes(&rig);
    rig.bind("second", "b");
    rig.turn(1, Sees::ALL).await;
    assert_eq!(writes(&rig), before);
    lead(&rig, 1);
    // Nothing new is seen: the watches have shown it all before.
    rig.turn(1, Sees::NOTHING).await;
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
}

/// It decided while it led, and was stopped before it wrote.
#[tokio::test]
async fn a_leader_that_was_stopped_for_a_minute_writes_nothing_of_what_it_decided() {
    let mut rig = rig(2);
    lead(&rig, 0);
    rig.settle().await;
    rig.bind("first", "a");
    let stopped = &mut rig.operators[0];
    stopped.see(&rig.server, &rig.pod_log, Sees::ALL);
    stopped.shell.world.settle();
    let decision = stopped.shell.decide();
    assert!(!decision.writes.is_empty());
    stopped.shell.leadership.extend(Duration::ZERO);
    pass(60_000);
    rig.operators[1].shell.leadership.extend(Duration::MAX);
    rig.turn(1, Sees::ALL).await;
    rig.bind("second", "b");
    rig.turn(1, Sees::ALL).await;
    let before = writes(&rig);
    rig.operators[0].shell.write(decision).await;
    rig.operators[0].shell.land().await;
    assert_eq!(writes(&rig), before);
    lead(&rig, 0);
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.2 Granted"]);
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
}

#[tokio::test]
async fn pods_are_served_and_addresses_come_back_whoever_leads() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut rig = rig(2);
        assert!(SUBNET.ends_with("/29"), "six addresses");
        for step in 0..60 {
            lead(&rig, random.below(2));
            if step % 3 == 0 && rig.pods.len() < 6 {
                rig.bind(&format!("p{step}"), ["a", "b"][random.below(2)]);
            } else if let Some(name) = rig.pods.keys().next().cloned()
                && random.below(3) == 0
            {
                rig.delete(&name);
                rig.end();
            }
            rig.turn(0, Sees::ALL).await;
            rig.turn(1, Sees::ALL).await;
            rig.agent("a");
            rig.agent("b");
            pass(1_000);
            rig.check();
        }
        for _ in 0..20 {
            pass(40_000);
            rig.settle().await;
            rig.agent("a");
            rig.agent("b");
        }
        let served = granted(&rig, "a").len() + granted(&rig, "b").len();
        assert_eq!(served, rig.pods.len(), "invariant 10");
    }
}
