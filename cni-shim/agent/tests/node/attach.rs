//! ADD, CHECK and DEL through the socket.

use std::{
    thread,
    time::{Duration, Instant},
};

use landfall_plugin::spec::Verb;

use crate::{
    agent::{Agent, grants, recalls},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_pod_gets_its_interface_and_loses_it() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    let attached = agent.add("c1", POD, &pod).unwrap();
    assert_eq!(attached[0].interface, "net1");
    assert_eq!(attached[0].mac.as_deref(), Some("0a:58:0a:09:00:05"));
    let expected = ["10.9.0.5", "fd00:9::5"].map(str::to_owned);
    assert_eq!(pod.addresses("net1").unwrap(), expected);
    assert!(pod.pings("10.9.0.1") && pod.pings("fd00:9::1"));
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    agent.check("c1", &pod).unwrap();
    agent.del("c1", Some(&pod)).unwrap();
    assert_eq!(pod.addresses("net1"), None);
    assert!(agent.stored().is_empty());
}

#[test]
fn the_same_add_again_gets_the_same_result() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    let first = agent.add("c1", POD, &pod).unwrap();
    assert_eq!(agent.add("c1", POD, &pod).unwrap(), first);
}

#[test]
fn a_newer_sandbox_of_the_pod_takes_the_address() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let (older, newer) = (node.pod(), node.pod());
    agent.add("c1", POD, &older).unwrap();
    agent.add("c2", POD, &newer).unwrap();
    assert_eq!(older.addresses("net1"), None);
    assert!(newer.pings("10.9.0.1"));
    agent.del("c1", Some(&older)).unwrap();
    assert!(newer.pings("10.9.0.1"));
    assert_eq!(agent.stored(), ["c2 Active".to_owned()].into());
}

#[test]
fn an_add_waits_for_its_grant_and_then_says_to_try_again() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let pod = node.pod();
    let start = Instant::now();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    let waited = start.elapsed();
    assert_eq!(error.code.number(), 11);
    assert!(error.msg.starts_with("landfall on node node1: "), "{error}");
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_millis(2300));
    let stream = agent.ask(Verb::Add, "c1", POD, Some(&pod));
    agent.see(2, &grants(POD, 5), &[]);
    let response = landfall_plugin::wire::receive_response(&stream).unwrap();
    response.into_result().unwrap();
}

#[test]
fn a_plugin_that_is_killed_leaves_nothing() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let pod = node.pod();
    drop(agent.ask(Verb::Add, "c1", POD, Some(&pod)));
    thread::sleep(Duration::from_millis(100));
    agent.see(2, &grants(POD, 5), &[]);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(pod.addresses("net1"), None);
    assert!(agent.stored().is_empty());
}

#[test]
fn a_taken_interface_name_fails_and_leaves_the_other_alone() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    pod.ip(&["link", "add", "net1", "type", "bridge"]);
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert_eq!(error.code.number(), 100);
    assert!(
        error.msg.contains("storage") && error.msg.contains("net1"),
        "{error}"
    );
    assert!(pod.addresses("net1").is_some());
    assert!(agent.stored().is_empty());
}

#[test]
fn a_recalled_address_is_released_after_the_del_and_never_attached_again() {
    let node = Node::new();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    agent.see(2, &granted, &recalls(&granted));
    assert!(agent.released() == 0);
    agent.del("c1", Some(&pod)).unwrap();
    agent.until("both are released", |state| state.released.len() == 2);
    assert_eq!(agent.add("c2", POD, &pod).unwrap_err().code.number(), 11);
}

#[test]
fn an_add_waits_for_a_parent_that_is_gone() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    node.host.ip(&["link", "set", "eth1", "name", "away"]);
    agent.until("the parent is missed", |state| !state.parents[0].ready);
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert_eq!(error.code.number(), 11);
    assert!(error.msg.contains("eth1"), "{error}");
    let stream = agent.ask(Verb::Add, "c1", POD, Some(&pod));
    thread::sleep(Duration::from_millis(300));
    node.host.ip(&["link", "set", "away", "name", "eth1"]);
    let response = landfall_plugin::wire::receive_response(&stream).unwrap();
    response.into_result().unwrap();
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn an_add_waits_for_a_hardware_address_that_is_still_taken() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let (older, pod) = (node.pod(), node.pod());
    let mac = "0a:58:0a:09:00:05";
    let words = ["link", "add", "m0", "link", "eth1", "address", mac];
    node.host
        .ip(&[&words[..], &["type", "macvlan", "mode", "bridge"]].concat());
    node.host.ip(&["link", "set", "m0", "netns", &older.name]);
    older.ip(&["link", "set", "m0", "up"]);
    let start = Instant::now();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert!(error.msg.contains("MAC address"), "{error}");
    assert_eq!(error.code.number(), 11, "what is in the way may go");
    assert!(start.elapsed() >= Duration::from_secs(2));
    let stream = agent.ask(Verb::Add, "c1", POD, Some(&pod));
    thread::sleep(Duration::from_millis(300));
    older.ip(&["link", "del", "m0"]);
    let response = landfall_plugin::wire::receive_response(&stream).unwrap();
    response.into_result().unwrap();
    assert!(pod.pings("10.9.0.1"));
}
