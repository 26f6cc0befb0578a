//! Sandboxes that end without a DEL, and DELs without a namespace.

use landfall_agent::gc::Sweep;

use crate::{
    agent::{Agent, grants, recalls},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_sandbox_that_is_gone_is_detached_on_the_second_look() {
    let node = Node::new();
    let pod = node.pod();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    agent.add("c1", POD, &pod).unwrap();
    agent.see(2, &granted, &recalls(&granted));
    let mut sweep = Sweep::default();
    let mut look = || {
        let records = agent.runtime.block_on(agent.server.records());
        sweep.observe(&records, &node.roots()).unwrap()
    };
    assert!(look().is_empty() && look().is_empty(), "it lives");
    drop(pod);
    assert!(look().is_empty());
    let gone = look();
    assert_eq!(gone.len(), 1);
    for container in gone {
        let detached = agent.server.del(container, None, None);
        agent.runtime.block_on(detached).unwrap();
    }
    assert!(agent.stored().is_empty());
    agent.until("both are released", |state| state.released.len() == 2);
}

#[test]
fn a_del_after_the_namespace_is_gone_is_confirmed_by_the_kernel() {
    let node = Node::new();
    let pod = node.pod();
    let agent = Agent::ready(&node, &grants(POD, 5));
    agent.add("c1", POD, &pod).unwrap();
    drop(pod);
    agent.del("c1", None).unwrap();
    assert!(agent.stored().is_empty());
}

#[test]
fn a_del_of_a_namespace_that_only_a_descriptor_keeps_removes_the_link() {
    let node = Node::new();
    let pod = node.pod();
    let agent = Agent::ready(&node, &grants(POD, 5));
    agent.add("c1", POD, &pod).unwrap();
    let kept = pod.open();
    drop(pod);
    assert_eq!(landfall_link::devices(&kept).unwrap().len(), 1);
    agent.del("c1", None).unwrap();
    assert!(landfall_link::devices(&kept).unwrap().is_empty());
    assert!(agent.stored().is_empty());
}
