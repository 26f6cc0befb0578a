//! A wave of deletions, and the attaches that come meanwhile. What it prints (`--nocapture`) is measured
//! on the way; what it asserts is that nothing is lost.

use std::{
    ops::RangeInclusive,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    agent::{Agent, grants, recalls},
    rig::{Namespace, Node},
};

/// Pods that go at once.
const WAVE: RangeInclusive<u8> = 1..=96;
/// Pods that come meanwhile, one after another.
const BESIDE: RangeInclusive<u8> = 101..=124;

fn owner(number: u8) -> String {
    format!("00000000-0000-0000-0000-0000000000{number:02x}")
}

fn all_grants(numbers: RangeInclusive<u8>) -> Vec<Value> {
    let of = |number| grants(&owner(number), number);
    numbers.flat_map(of).collect()
}

/// Attaches pods one after another; how long each took.
fn attach(agent: &Agent<'_>, numbers: RangeInclusive<u8>, pods: &[Namespace]) -> Vec<Duration> {
    let one = |(number, pod): (u8, &Namespace)| {
        let start = Instant::now();
        let added = agent.add(&format!("c{number}"), &owner(number), pod);
        added.unwrap();
        start.elapsed()
    };
    numbers.zip(pods).map(one).collect()
}

fn detach(agent: &Agent<'_>, number: u8, pod: &Namespace) {
    agent.del(&format!("c{number}"), Some(pod)).unwrap();
    let left = landfall_link::devices(&pod.open()).unwrap();
    assert!(left.is_empty(), "its address may be free now: {left:?}");
}

#[expect(clippy::print_stdout, reason = "measured on the way")]
fn tell(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |percent: usize| took.get((took.len() - 1) * percent / 100).unwrap();
    println!(
        "{what}: {} ADDs, p50 {:?}, p90 {:?}, slowest {:?}",
        took.len(),
        at(50),
        at(90),
        at(100)
    );
}

#[test]
fn a_wave_of_deletions_frees_every_address_after_its_link_and_attaches_go_on() {
    let node = Node::new();
    let going = all_grants(WAVE);
    let all = [going.clone(), all_grants(BESIDE)].concat();
    let agent = Agent::ready(&node, &all);
    let pods: Vec<Namespace> = WAVE.map(|_| node.pod()).collect();
    let beside: Vec<Namespace> = BESIDE.map(|_| node.pod()).collect();
    attach(&agent, WAVE, &pods);
    tell("alone", attach(&agent, BESIDE, &beside));
    for (number, pod) in BESIDE.zip(&beside) {
        detach(&agent, number, pod);
    }

    agent.see(2, &all, &recalls(&going));
    let wave = thread::scope(|scope| {
        let start = Instant::now();
        let deletions: Vec<_> = WAVE
            .zip(&pods)
            .map(|(number, pod)| {
                let agent = &agent;
                scope.spawn(move || detach(agent, number, pod))
            })
            .collect();
        tell("in the wave", attach(&agent, BESIDE, &beside));
        for deletion in deletions {
            deletion.join().unwrap();
        }
        start.elapsed()
    });
    println!(
        "the wave: {} DELs and what came meanwhile in {wave:?}",
        pods.len()
    );
    agent.until("all addresses are released", |state| {
        state.released.len() == going.len()
    });
    assert_eq!(agent.stored().len(), beside.len());
}
