//! Sandboxes that end without a DEL, and DELs without a namespace.

use landfall_agent::gc::Sweep;

use crate::{
    agent::{Agent, edit, grants, recalls},
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
    assert_eq!(
        agent.sweep(&mut sweep) + agent.sweep(&mut sweep),
        0,
        "it lives"
    );
    drop(pod);
    assert_eq!(agent.sweep(&mut sweep), 0, "once may be a mistake");
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    assert_eq!(agent.sweep(&mut sweep), 1);
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

#[test]
fn a_namespace_that_cant_be_found_is_not_gone_and_its_record_stays_detaching() {
    let node = Node::new();
    let pod = node.pod();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    agent.add("c1", POD, &pod).unwrap();
    drop(agent);
    // As if no number could be given to the sandbox: then only a path leads to it.
    edit(&node.folder, |entry| {
        entry.facts.as_mut().unwrap().number = None;
    });
    let agent = Agent::start(&node);
    agent.see(2, &granted, &recalls(&granted));
    let (name, kept) = (pod.name.clone(), pod.open());
    drop(pod);

    agent.del("c1", None).unwrap();
    let mut sweep = Sweep::default();
    agent.sweep(&mut sweep);
    agent.sweep(&mut sweep);
    assert_eq!(agent.stored(), ["c1 Detaching".to_owned()].into());
    agent.until("it is reported", |state| state.phases == [0, 0, 1]);
    assert!(agent.released() == 0);
    assert_eq!(landfall_link::devices(&kept).unwrap().len(), 1);

    node.show(&name, &kept);
    agent.sweep(&mut sweep);
    assert!(landfall_link::devices(&kept).unwrap().is_empty());
    assert!(agent.stored().is_empty());
    agent.until("both are released", |state| state.released.len() == 2);
}
