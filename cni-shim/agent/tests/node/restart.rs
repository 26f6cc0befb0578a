//! What a start finds.

use landfall_agent::records::Store;

use crate::{
    agent::{Agent, grants, lose, recalls},
    rig::Node,
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
    let mark = Store::open(&node.folder).unwrap().load().mark;
    assert!(mark.is_some());
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
