//! Rows of "Crash and split-brain cases" (docs/ipam-protocol.md) that are a node's alone.

use landfall_core::agent::Phase;
use landfall_plugin::{spec::Verb, wire};

use crate::{
    agent::{Agent, edit, grants, recalls},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn agent_dies_after_pending_and_before_netlink() {
    let node = Node::new();
    let pod = node.pod();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    agent.add("c1", POD, &pod).unwrap();
    drop(agent);
    pod.ip(&["link", "del", "net1"]);
    edit(&node.folder, |entry| entry.record.phase = Phase::Pending);

    let agent = Agent::start(&node);
    assert_eq!(agent.stored(), ["c1 Pending".to_owned()].into());
    agent.see(2, &granted, &recalls(&granted));
    assert!(agent.released() == 0, "PENDING holds it");
    // The runtime, which got no answer, gives the sandbox up.
    agent.del("c1", Some(&pod)).unwrap();
    assert!(agent.stored().is_empty());
    agent.until("it is released", |state| state.released.len() == 2);
}

#[test]
fn agent_dies_with_a_released_set() {
    let node = Node::new();
    let pod = node.pod();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    agent.see(2, &granted, &recalls(&granted));
    agent.until("both are released", |state| state.released.len() == 2);
    drop(agent);

    let agent = Agent::start(&node);
    assert_eq!(agent.state().released.len(), 2, "read before anything else");
    // An operator with an old view would grant it still; this node has given it back.
    agent.see(3, &granted, &[]);
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert_eq!(error.code.number(), 11, "{error}");
    assert_eq!(pod.addresses("net1"), None);
}

#[test]
fn add_times_out_and_kubelet_makes_a_new_sandbox() {
    let node = Node::new();
    let (older, newer) = (node.pod(), node.pod());
    let agent = Agent::ready(&node, &[]);
    assert_eq!(agent.add("c1", POD, &older).unwrap_err().code.number(), 11);
    agent.see(2, &grants(POD, 5), &[]);
    agent.add("c2", POD, &newer).unwrap();
    agent.del("c1", Some(&older)).unwrap();
    assert_eq!(older.addresses("net1"), None);
    assert!(newer.pings("10.9.0.1"));
}

#[test]
fn add_outlives_its_sandbox() {
    let node = Node::new();
    let (older, newer) = (node.pod(), node.pod());
    let agent = Agent::ready(&node, &[]);
    let late = agent.ask(Verb::Add, "c1", POD, Some(&older));
    agent.until("c1 waits", |state| state.waiting == 1);
    agent.del("c1", Some(&older)).unwrap();
    let ended = wire::receive_response(&late).unwrap().into_result();
    assert_eq!(ended.unwrap_err().code.number(), 11);

    agent.until("c1 waits no more", |state| state.waiting == 0);
    let late = agent.ask(Verb::Add, "c2", POD, Some(&older));
    agent.until("c2 waits", |state| state.waiting == 1);
    let new = agent.ask(Verb::Add, "c3", POD, Some(&newer));
    agent.see(2, &grants(POD, 5), &[]);
    wire::receive_response(&new).unwrap().into_result().unwrap();
    wire::receive_response(&late).unwrap().into_result().ok();
    assert_eq!(older.addresses("net1"), None, "the newer ADD has it");
    assert!(newer.pings("10.9.0.1"));
    assert_eq!(agent.stored(), ["c3 Active".to_owned()].into());
}

#[test]
fn late_repeated_or_reordered_del() {
    let node = Node::new();
    let (older, newer) = (node.pod(), node.pod());
    let agent = Agent::ready(&node, &grants(POD, 5));
    agent.del("c2", Some(&newer)).unwrap();
    agent.add("c1", POD, &older).unwrap();
    agent.add("c2", POD, &newer).unwrap();
    for container in ["c1", "c1", "never-seen"] {
        agent.del(container, Some(&older)).unwrap();
        agent.del(container, None).unwrap();
        assert!(newer.pings("10.9.0.1"), "after a DEL of {container}");
    }
    assert_eq!(agent.stored(), ["c2 Active".to_owned()].into());
}
