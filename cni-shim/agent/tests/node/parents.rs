//! Parents that go, come back and change below running pods.

use std::{
    thread,
    time::{Duration, Instant},
};

use landfall_core::id::Uid;
use landfall_tests::capture::Capture;
use serde_json::{Value, json};

use crate::{
    agent::{Agent, grants},
    rig::{Namespace, Node},
};

const POD: &str = "00000000-0000-0000-0000-000000000001";
const PATIENCE: Duration = Duration::from_secs(5);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A node with an agent, and a pod on it.
fn with_pod<'n>(node: &'n Node, pod: &Namespace, network: &Value) -> Agent<'n> {
    let agent = Agent::start(node);
    agent.see_served(1, network, &grants(POD, 5));
    agent.until("the agent is ready", |state| state.ready);
    agent.add("c1", POD, pod).unwrap();
    agent
}

fn field(link: &Value, name: &str) -> Value {
    link.get(name).cloned().unwrap_or_default()
}

fn index(link: &Value) -> u32 {
    let index = field(link, "ifindex").as_u64();
    index.and_then(|index| u32::try_from(index).ok()).unwrap()
}

/// Waits until the pod has what it had, on the parent of now.
fn is_back(node: &Node, pod: &Namespace, before: &Value) {
    until("the pod has its addresses", || {
        let addresses = pod.addresses("net1");
        addresses.is_some_and(|addresses| addresses == ["10.9.0.5", "fd00:9::5"])
    });
    let after = pod.link("net1");
    for same in ["address", "ifindex", "mtu"] {
        assert_eq!(field(&after, same), field(before, same), "{same}");
    }
    let parent = field(&node.host.link("eth1"), "ifindex");
    assert_eq!(field(&after, "link_index"), parent);
    until("it works", || {
        pod.pings("10.9.0.1") && pod.pings("fd00:9::1")
    });
}

#[test]
fn a_parent_that_returns_gives_a_running_pod_its_interface_back() {
    let node = Node::new();
    let pod = node.pod();
    let agent = with_pod(&node, &pod, &json!({}));
    let before = pod.link("net1");
    node.unplug();
    agent.until("the parent is missed", |state| !state.parents[0].ready);
    assert!(pod.link("net1").is_null());

    node.plug(None);

    is_back(&node, &pod, &before);
    agent.check("c1", &pod).unwrap();
    agent.del("c1", Some(&pod)).unwrap();
    assert!(pod.link("net1").is_null() && agent.stored().is_empty());
}

/// Between two looks the links are the same, but for the hardware address.
#[test]
fn a_parent_that_is_replaced_in_a_moment_and_has_the_same_index_is_noticed() {
    let node = Node::new();
    let pod = node.pod();
    let _agent = with_pod(&node, &pod, &json!({}));
    let before = pod.link("net1");

    node.plug(Some(index(&node.host.link("eth1"))));

    is_back(&node, &pod, &before);
}

#[test]
fn an_agent_that_was_away_meanwhile_repairs_too() {
    let node = Node::new();
    let pod = node.pod();
    let before = {
        let _agent = with_pod(&node, &pod, &json!({}));
        pod.link("net1")
    };
    node.unplug();
    let agent = Agent::start(&node);
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    node.plug(None);
    is_back(&node, &pod, &before);
    drop(agent);

    node.plug(None);
    let _agent = Agent::start(&node);
    is_back(&node, &pod, &before);
}

#[test]
fn a_pod_that_is_detached_while_the_parent_is_gone_stays_so() {
    let node = Node::new();
    let pod = node.pod();
    let agent = with_pod(&node, &pod, &json!({}));
    node.unplug();
    agent.until("the parent is missed", |state| !state.parents[0].ready);
    agent.del("c1", Some(&pod)).unwrap();
    node.plug(None);
    agent.until("the parent is found", |state| state.parents[0].ready);
    assert!(pod.link("net1").is_null() && agent.stored().is_empty());
}

#[test]
fn the_second_entry_takes_over_when_the_first_ones_parent_goes() {
    let node = Node::new();
    let pod = node.pod();
    let lan = &node.lan;
    let peer = ["peer", "name", "eth2", "netns", &node.host.name];
    lan.ip(&[&["link", "add", "lan1", "type", "veth"], &peer[..]].concat());
    node.host.ip(&["link", "set", "eth2", "up"]);
    lan.ip(&["link", "set", "lan1", "up"]);
    let parents = json!({"parents": [{"interface": "eth1"}, {"interface": "eth2"}]});
    let _agent = with_pod(&node, &pod, &parents);
    node.unplug();
    lan.ip(&["addr", "add", "10.9.0.1/24", "dev", "lan1"]);
    until("the pod is on eth2", || {
        pod.link("net1")["link_index"] == node.host.link("eth2")["ifindex"]
    });
    until("it works", || pod.pings("10.9.0.1"));
}

#[test]
fn a_nic_that_is_away_with_its_links_is_known_again() {
    let node = Node::new();
    let pod = node.pod();
    let agent = with_pod(&node, &pod, &json!({}));
    let (host, lan) = (&node.host, &node.lan);
    let before = pod.link("net1");
    host.ip(&["link", "set", "eth1", "netns", &lan.name]);
    agent.until("the parent is missed", |state| !state.parents[0].ready);
    assert!(!pod.link("net1").is_null(), "it lives");
    lan.ip(&["link", "set", "eth1", "netns", &host.name]);
    host.ip(&["link", "set", "eth1", "up"]);
    agent.until("the parent is found", |state| state.parents[0].ready);
    is_back(&node, &pod, &before);
    agent.del("c1", Some(&pod)).unwrap();
    assert!(pod.link("net1").is_null());
}

fn set_mtu(node: &Node, mtu: u32) {
    let mtu = mtu.to_string();
    node.lan.ip(&["link", "set", "lan0", "mtu", &mtu]);
    node.host.ip(&["link", "set", "eth1", "mtu", &mtu]);
}

#[test]
fn an_mtu_follows_the_parents_up_and_down() {
    let node = Node::new();
    let pod = node.pod();
    let agent = with_pod(&node, &pod, &json!({}));
    for mtu in [9000, 1400, 1500] {
        set_mtu(&node, mtu);
        until("the pod's follows", || pod.link("net1")["mtu"] == mtu);
        agent.until("it is told", |state| state.parents[0].mtu == Some(mtu));
    }
}

#[test]
fn an_mtu_of_the_networks_own_comes_back() {
    let node = Node::new();
    let pod = node.pod();
    let _agent = with_pod(&node, &pod, &json!({"mtu": 1450}));
    for (parents, own) in [(1400, 1400), (9000, 1450)] {
        set_mtu(&node, parents);
        until("the pod's follows", || pod.link("net1")["mtu"] == own);
    }
}

/// Of the kernel's notices about carriers there is one a second, so this one tells of nothing.
#[test]
fn a_carrier_that_was_gone_for_a_moment_is_told_to_the_lan() {
    let node = Node::new();
    let pod = node.pod();
    let agent = with_pod(
        &node,
        &pod,
        &json!({"announce": {"count": 2, "intervalMs": 10}}),
    );
    // The announcements of the attach are over.
    thread::sleep(Duration::from_millis(500));
    // One interface alone would end it when it is set down.
    let mut capture = Capture::start(&node.lan.name, "any", "arp").unwrap();

    node.lan.batch("link set lan0 down\nlink set lan0 up\n");

    let own = ["who-has 10.9.0.5 tell 10.9.0.5"];
    until("two announcements", || capture.count(&own) >= 2);
    drop(agent);
}

/// The other end of a veth is not below it.
#[test]
fn a_parent_is_found_by_each_way_to_name_it() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let host = &node.host;
    host.ip(&["addr", "add", "10.9.0.2/24", "dev", "eth1"]);
    host.ip(&["route", "add", "default", "via", "10.9.0.1"]);
    let mac = host.link("eth1")["address"].clone();
    let ways = [
        json!({"interface": "eth?"}),
        json!({"macAddress": mac}),
        json!({"subnet": "10.9.0.0/24"}),
        json!({"fromDefaultRoute": true}),
    ];
    for (generation, way) in (2..).zip(ways) {
        agent.see_served(generation, &json!({"parents": [way]}), &[]);
        agent.until("the parent is found", |state| {
            let parent = &state.parents[0];
            parent.network == Uid(0xaa) && parent.interface.as_deref() == Some("eth1")
        });
    }
    let bridge = ["link", "add", "br7", "type", "bridge"];
    host.ip(&bridge);
    host.ip(&["link", "set", "eth1", "master", "br7"]);
    agent.see_served(9, &json!({"parents": [{"interface": "eth1"}]}), &[]);
    agent.until("the holder is named", |state| {
        let message = state.parents[0].message.as_deref().unwrap_or_default();
        message.contains("a port of the bridge br7")
    });
}
