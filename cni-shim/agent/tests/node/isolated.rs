//! Networks without a way out.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";
const OTHER: &str = "00000000-0000-0000-0000-000000000002";
/// The last digits of the network's UID.
const BRIDGE: &str = "lf-0000000000aa";

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn links(node: &Node) -> Vec<Value> {
    serde_json::from_str(&node.host.ip(&["-j", "-d", "link"])).unwrap()
}

fn bridge(node: &Node) -> Option<Value> {
    let mut links = links(node).into_iter();
    links.find(|link| link["ifname"] == BRIDGE)
}

#[test]
fn without_a_parent_pods_of_a_node_reach_each_other_over_a_link_made_for_them() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let granted = [grants(POD, 5), grants(OTHER, 6)].concat();
    let spec = json!({"isolated": true, "parents": [], "mtu": 4000});
    agent.see_network(2, &spec, &granted);
    let (one, two) = (node.pod(), node.pod());
    let attached = agent.add("c1", POD, &one).unwrap();
    agent.add("c2", OTHER, &two).unwrap();
    assert_eq!(attached[0].mtu, Some(4000));
    let made = bridge(&node).unwrap();
    assert_eq!(
        made["ifalias"],
        "landfall:00000000-0000-0000-0000-0000000000aa"
    );
    assert_eq!(made["linkinfo"]["info_kind"], "bridge");
    assert!(one.pings("10.9.0.6") && two.pings("fd00:9::5"));
    assert!(!one.pings("10.9.0.1"), "the LAN is not there");
    assert_eq!(one.ip(&["route", "show", "default"]), "");

    // An agent that knows nothing any more knows the mark.
    agent.go_away();
    crate::agent::lose(&node.folder);
    let agent = Agent::start(&node);
    agent.see_network(3, &spec, &granted);
    assert_eq!(bridge(&node).unwrap()["ifindex"], made["ifindex"]);
    assert!(one.pings("10.9.0.6"));
}

#[test]
fn the_link_goes_with_its_last_user() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let granted = grants(POD, 5);
    agent.see_network(2, &json!({"isolated": true, "parents": []}), &granted);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    // The network gets a parent: what is attached stays.
    agent.see_network(3, &json!({}), &granted);
    thread::sleep(Duration::from_millis(300));
    assert!(bridge(&node).is_some());
    agent.del("c1", Some(&pod)).unwrap();
    eventually("the bridge goes", || bridge(&node).is_none());
    agent.add("c2", POD, &pod).unwrap();
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn an_interface_of_that_name_that_is_not_ours_is_left_alone() {
    let node = Node::new();
    node.host.ip(&["link", "add", BRIDGE, "type", "bridge"]);
    let agent = Agent::ready(&node, &[]);
    agent.see_network(
        2,
        &json!({"isolated": true, "parents": []}),
        &grants(POD, 5),
    );
    let pod = node.pod();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    assert_eq!(error.code.number(), 11);
    assert!(
        error
            .msg
            .contains("another interface of the node has this name"),
        "{error}"
    );
    assert!(bridge(&node).unwrap().get("ifalias").is_none());
}
