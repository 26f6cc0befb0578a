//! Networks whose addresses the LAN is asked for before their first use (`ipam.conflictProbe`).

use std::time::{Duration, Instant};

use landfall_core::mac::Mac;
use serde_json::{Value, json};

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

fn see(agent: &Agent<'_>, generation: u64, grants: &[Value]) {
    agent.see_network(
        generation,
        &json!({"ipam": {
            "subnets": [{"cidr": "10.9.0.0/24", "gateway": "10.9.0.1"}, {"cidr": "fd00:9::/64"}],
            "conflictProbe": true,
        }}),
        grants,
    );
}

fn probes(agent: &Agent<'_>) -> [u64; 3] {
    let counts = agent.state().probes;
    [counts.clear, counts.foreign, counts.not_asked]
}

fn lan_mac(node: &Node) -> Mac {
    let link = node.lan.link("lan0");
    link["address"].as_str().unwrap().parse().unwrap()
}

#[test]
fn an_add_waits_for_the_end_of_its_probe_and_none_that_comes_later_does() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let first = grants(POD, 5);
    see(&agent, 2, &first);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    // The counts are published a moment after the answer.
    agent.until("both were asked for", |state| state.probes.clear == 2);
    assert_eq!(probes(&agent), [2, 0, 0]);
    assert_eq!(pod.addresses("net1").unwrap(), ["10.9.0.5", "fd00:9::5"]);

    let other = "00000000-0000-0000-0000-000000000002";
    see(&agent, 3, &[first, grants(other, 6)].concat());
    agent.until("the LAN was asked", |state| state.probes.clear == 4);
    let (start, second) = (Instant::now(), node.pod());
    agent.add("c2", other, &second).unwrap();
    println!("an ADD after its probe: {:?}", start.elapsed());
    assert_eq!(probes(&agent), [4, 0, 0], "nothing was asked again");
    // The pod's next sandbox has the same address, which it has had.
    agent.add("c3", other, &node.pod()).unwrap();
    assert_eq!(probes(&agent), [4, 0, 0]);
    assert!(agent.state().silent_gateways.is_empty());
}

#[test]
fn a_host_that_has_the_address_keeps_it_and_the_next_grant_attaches() {
    for address in ["10.9.0.5/24", "fd00:9::5/64"] {
        let node = Node::new();
        let agent = Agent::ready(&node, &[]);
        let nodad = if address.contains(':') {
            &["nodad"][..]
        } else {
            &[]
        };
        node.lan
            .ip(&[&["addr", "add", address, "dev", "lan0"], nodad].concat());
        see(&agent, 2, &grants(POD, 5));
        agent.until("the host has answered", |state| !state.conflicts.is_empty());
        let state = agent.state();
        let met: Vec<_> = state.conflicts.iter().collect();
        let [((conflict, _), mac)] = met[..] else {
            panic!("{met:?}");
        };
        assert!(address.starts_with(&format!("{conflict}/")), "{conflict}");
        assert_eq!(*mac, lan_mac(&node));
        assert!(
            state
                .conflicts
                .keys()
                .all(|key| state.released.contains(key))
        );
        assert_eq!(agent.released(), 1);

        // The operator grants another; the ADD waits for both ends.
        let pod = node.pod();
        let mut next = grants(POD, 6);
        next.extend(grants(POD, 5));
        next.retain(|grant| {
            let of_family = grant["address"].as_str().unwrap().contains(':') == conflict.is_ipv6();
            of_family == (grant["seq"] == "1.6")
        });
        see(&agent, 3, &next);
        agent.add("c1", POD, &pod).unwrap();
        let mine = pod.addresses("net1").unwrap();
        assert!(
            mine.len() == 2 && !mine.contains(&conflict.to_string()),
            "{mine:?}"
        );
        // Nobody's table has learnt anything else of the host's address.
        let bare = conflict.to_string();
        assert!(pod.pings(&bare));
        assert!(node.host.ip(&["neigh", "show", &bare]).is_empty());
    }
}

#[test]
fn an_address_of_the_node_itself_is_found_without_asking() {
    let node = Node::new();
    node.host.ip(&["addr", "add", "10.9.0.5/24", "dev", "eth1"]);
    let agent = Agent::ready(&node, &[]);
    see(&agent, 2, &grants(POD, 5));
    agent.until("the node has it", |state| state.conflicts.len() == 1);
}

#[test]
fn a_gateway_that_is_silent_is_told_and_fails_no_add() {
    let node = Node::new();
    node.lan.ip(&["addr", "del", "10.9.0.1/24", "dev", "lan0"]);
    let agent = Agent::ready(&node, &[]);
    see(&agent, 2, &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    agent.until("the gateway is silent", |state| {
        let mut silent = state.silent_gateways.iter();
        silent.any(|gateway| gateway.address.to_string() == "10.9.0.1" && gateway.parent == "eth1")
    });
    node.lan.ip(&["addr", "add", "10.9.0.1/24", "dev", "lan0"]);
    agent
        .server
        .engine
        .tell(landfall_agent::engine::Input::Retry);
    agent.until("it answers", |state| state.silent_gateways.is_empty());
}

#[test]
fn a_parent_that_is_down_keeps_no_pod_from_starting() {
    let node = Node::new();
    node.host.ip(&["link", "set", "eth1", "down"]);
    let agent = Agent::ready(&node, &[]);
    see(&agent, 2, &grants(POD, 5));
    agent.until("nobody could be asked", |state| state.probes.not_asked == 2);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
}

#[test]
fn an_agent_that_restarts_asks_again_only_for_what_is_not_attached() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let other = "00000000-0000-0000-0000-000000000002";
    let all = [grants(POD, 5), grants(other, 6)].concat();
    see(&agent, 2, &all);
    agent.until("the LAN was asked", |state| state.probes.clear == 4);
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    agent.go_away();
    let agent = Agent::start(&node);
    see(&agent, 3, &all);
    agent.until("the LAN was asked again", |state| state.probes.clear == 2);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(probes(&agent), [2, 0, 0]);
}
