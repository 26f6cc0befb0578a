//! CHECK, GC and STATUS, for each door.

use landfall_plugin::spec::Verb;

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_container_that_only_multus_should_know_fails_its_check() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    agent.check("c1", &pod).unwrap();
    let error = agent.delegate(Verb::Check, "c1", Some(&pod)).unwrap_err();
    assert_eq!(error.code.number(), 3);
    agent.add("c1", POD, &pod).unwrap();
    agent.delegate(Verb::Check, "c1", Some(&pod)).unwrap();
    pod.ip(&["link", "set", "net1", "down"]);
    agent.delegate(Verb::Check, "c1", Some(&pod)).unwrap_err();
}

#[test]
fn a_gc_takes_what_is_gone_and_never_what_lives() {
    let node = Node::new();
    let other = "00000000-0000-0000-0000-000000000002";
    let granted = [grants(POD, 5), grants(other, 6)].concat();
    let agent = Agent::ready(&node, &granted);
    let (lives, ends) = (node.pod(), node.pod());
    agent.add("c1", POD, &lives).unwrap();
    agent.add("c2", other, &ends).unwrap();
    agent.gc(&[]).unwrap();
    assert!(
        lives.pings("10.9.0.1") && ends.pings("10.9.0.1"),
        "another runtime's"
    );
    drop(ends);
    agent.gc(&["c1", "c2"]).unwrap();
    assert_eq!(agent.stored().len(), 2, "the runtime knows it");
    agent.gc(&["c1"]).unwrap();
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    assert!(lives.pings("10.9.0.1"));
}

#[test]
fn only_multus_hears_that_the_agent_is_not_ready() {
    let node = Node::new();
    let agent = Agent::start(&node);
    agent.status().unwrap();
    let error = agent.delegate(Verb::Status, "", None).unwrap_err();
    assert_eq!(error.code.number(), 50);
    agent.see(1, &[], &[]);
    agent.until("the agent is ready", |state| state.ready);
    agent.status().unwrap();
    agent.delegate(Verb::Status, "", None).unwrap();
}
