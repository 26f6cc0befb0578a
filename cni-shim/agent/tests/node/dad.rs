//! Networks whose addresses the LAN is asked for (`ipv6.dad`).

use serde_json::json;

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn an_add_returns_when_the_lan_has_been_asked() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    agent.see_network(2, &json!({"ipv6": {"dad": true}}), &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    let shown = pod.ip(&["-6", "addr", "show", "dev", "net1", "scope", "global"]);
    assert!(
        shown.contains("fd00:9::5/64") && !shown.contains("tentative"),
        "{shown}"
    );
    assert!(pod.pings("fd00:9::1"));
}

#[test]
fn an_address_that_another_host_has_fails_the_add_and_leaves_nothing() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    node.lan
        .ip(&["addr", "add", "fd00:9::5/64", "dev", "lan0", "nodad"]);
    agent.see_network(2, &json!({"ipv6": {"dad": true}}), &grants(POD, 5));
    let pod = node.pod();
    let error = agent.add("c1", POD, &pod).unwrap_err();
    let why = "another host in the LAN uses its address fd00:9::5/64";
    assert!(error.msg.contains(why), "{error}");
    assert_eq!(pod.addresses("net1"), None);
    assert!(agent.stored().is_empty());
}

#[test]
fn without_a_carrier_nobody_waits() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    node.lan.ip(&["link", "set", "lan0", "down"]);
    agent.see_network(2, &json!({"ipv6": {"dad": true}}), &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    assert_eq!(pod.addresses("net1").unwrap().len(), 2);
}
