//! What a start finds.

use landfall_agent::{gc::Sweep, records::Store};
use landfall_core::agent::Phase;

use crate::{
    agent::{Agent, edit, grants, lose, recalls},
    rig::{Namespace, Node},
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_warm_agent_serves_without_the_cluster() {
    let node = Node::new();
    let pods = [node.pod(), node.pod()];
    let other = "00000000-0000-0000-0000-000000000002";
    let granted = [grants(POD, 5), grants(other, 6)].concat();
    let agent = Agent::ready(&node, &granted);
    agent.add("c1", POD, &pods[0]).unwrap();
    drop(agent);

    let agent = Agent::start(&node);
    assert!(agent.state().ready);
    assert!(pods[0].pings("10.9.0.1"));
    agent.add("c2", other, &pods[1]).unwrap();
    agent.del("c1", Some(&pods[0])).unwrap();
    assert_eq!(pods[0].addresses("net1"), None);
    assert_eq!(agent.stored(), ["c2 Active".to_owned()].into());
}

#[test]
fn a_lost_folder_blocks_what_lives_until_it_ends() {
    let node = Node::new();
    let pod = node.pod();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    agent.add("c1", POD, &pod).unwrap();
    drop(agent);
    lose(&node.folder);

    let agent = Agent::start(&node);
    assert!(!agent.state().ready);
    agent.see(2, &granted, &recalls(&granted));
    agent.until("it is ready", |state| state.ready);
    let state = agent.state();
    assert!(state.cold && state.released.is_empty());
    assert!(state.blocked.contains(&"10.9.0.5".parse().unwrap()));
    assert!(pod.pings("10.9.0.1"), "what lives is never removed");
    // The next start is cold as well: a warm one would not look for what lives, and give it back.
    let mark = Store::open(&node.folder).unwrap().load().mark;
    assert!(mark.is_none());
}

#[test]
fn a_pending_record_without_a_link_can_be_deleted() {
    let node = Node::new();
    let pod = node.pod();
    let agent = Agent::ready(&node, &grants(POD, 5));
    agent.add("c1", POD, &pod).unwrap();
    drop(agent);
    pod.ip(&["link", "del", "net1"]);

    let agent = Agent::start(&node);
    agent.del("c1", Some(&pod)).unwrap();
    assert!(agent.stored().is_empty());
}

#[test]
fn a_record_whose_link_is_gone_ends_with_a_start() {
    let node = Node::new();
    let pods = [node.pod(), node.pod(), node.pod()];
    let owner = |n: u8| format!("00000000-0000-0000-0000-00000000000{n}");
    let granted: Vec<_> = (1..4).flat_map(|n| grants(&owner(n), n)).collect();
    let agent = Agent::ready(&node, &granted);
    for (n, pod) in (1..4).zip(&pods) {
        agent.add(&format!("c{n}"), &owner(n), pod).unwrap();
    }
    drop(agent);
    pods[0].ip(&["link", "del", "net1"]);
    pods[1].ip(&["link", "del", "net1"]);
    pods[1].ip(&["link", "add", "net1", "type", "bridge"]);

    let agent = Agent::start(&node);
    assert_eq!(agent.stored(), ["c3 Active".to_owned()].into());
    assert!(pods[1].addresses("net1").is_some(), "a stranger stays");
    agent.see(2, &granted, &recalls(&granted));
    agent.until("two pods' are released", |state| state.released.len() == 4);
    assert!(pods[2].pings("10.9.0.1"));
}

/// An agent that died between the link and its answer.
fn crash_in_an_add<'a>(node: &'a Node, pod: &Namespace) -> Agent<'a> {
    let agent = Agent::ready(node, &grants(POD, 5));
    agent.add("c1", POD, pod).unwrap();
    drop(agent);
    edit(&node.folder, |entry| entry.record.phase = Phase::Pending);
    let agent = Agent::start(node);
    assert_eq!(agent.stored(), ["c1 Pending".to_owned()].into());
    agent
}

#[test]
fn a_pending_record_is_resolved_by_the_next_add() {
    let node = Node::new();
    let pod = node.pod();
    let agent = crash_in_an_add(&node, &pod);
    agent.add("c1", POD, &pod).unwrap();
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn a_pending_record_is_resolved_by_a_del() {
    let node = Node::new();
    let pod = node.pod();
    let agent = crash_in_an_add(&node, &pod);
    agent.del("c1", Some(&pod)).unwrap();
    assert!(agent.stored().is_empty());
    assert_eq!(pod.addresses("net1"), None);
}

#[test]
fn a_pending_record_of_a_lost_sandbox_is_resolved_by_the_sweep() {
    let node = Node::new();
    let pod = node.pod();
    let agent = crash_in_an_add(&node, &pod);
    let mut sweep = Sweep::default();
    assert_eq!(
        agent.sweep(&mut sweep) + agent.sweep(&mut sweep),
        0,
        "it lives"
    );
    drop(pod);
    assert_eq!(agent.sweep(&mut sweep), 0);
    assert_eq!(agent.sweep(&mut sweep), 1);
    assert!(agent.stored().is_empty());
}
