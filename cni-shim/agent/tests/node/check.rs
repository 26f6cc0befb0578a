//! CHECK finds each thing that is not as it was made, and says how it was and how it is.

use serde_json::{Value, json};

use crate::{
    agent::{Agent, grants},
    rig::{Namespace, Node},
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

/// All that a network can ask of a link.
fn everything() -> Value {
    json!({
        "mtu": 1400,
        "link": {"txQueueLength": 77, "allMulticast": true},
        "neighbors": [{"address": "10.9.0.254", "mac": "02:00:00:00:00:09"}],
        "routes": [{"destination": "10.30.0.0/16", "gateway": "10.9.0.1", "metric": 7}],
        "sysctls": {
            "net.ipv4.conf.IFNAME.rp_filter": "2",
            "net.ipv4.neigh.IFNAME.retrans_time_ms": "1001",
        },
    })
}

/// What a change does to the pod's interface, what takes it back, and what CHECK says of it.
const CHANGES: [[&str; 3]; 9] = [
    [
        "link set net1 mtu 1390",
        "link set net1 mtu 1400",
        "its MTU is 1390, not 1400",
    ],
    [
        "link set net1 txqueuelen 1000",
        "link set net1 txqueuelen 77",
        "its transmit queue has a length of 1000, not 77",
    ],
    [
        "link set net1 allmulticast off",
        "link set net1 allmulticast on",
        "its flag allmulticast is off, not on",
    ],
    [
        "link set net1 type macvlan mode private",
        "link set net1 type macvlan mode bridge",
        "it is a macvlan link in mode private, not a macvlan link in mode bridge",
    ],
    [
        "link set net1 alias mine",
        "link set net1 alias landfall:00000000-0000-0000-0000-0000000000aa",
        "its alias was changed",
    ],
    [
        "addr del fd00:9::5/64 dev net1",
        "addr add fd00:9::5/64 dev net1 nodad",
        "its address fd00:9::5/64 is missing",
    ],
    [
        "route del 10.30.0.0/16",
        "route add 10.30.0.0/16 via 10.9.0.1 metric 7",
        "its route to 10.30.0.0/16 through 10.9.0.1 is missing",
    ],
    [
        "neigh replace 10.9.0.254 lladdr 02:00:00:00:00:0a dev net1 nud permanent",
        "neigh replace 10.9.0.254 lladdr 02:00:00:00:00:09 dev net1 nud permanent",
        "its neighbour 10.9.0.254 with 02:00:00:00:00:09 is missing",
    ],
    [
        "link set net1 name mine",
        "link set mine name net1",
        "it was renamed to mine",
    ],
];

/// Sysctls: the user's, and those that every link has.
const SETTINGS: [[&str; 3]; 7] = [
    ["ipv4/conf/net1/rp_filter", "1", "2"],
    ["ipv4/neigh/net1/retrans_time_ms", "2000", "1001"],
    ["ipv4/conf/net1/arp_ignore", "0", "1"],
    ["ipv6/conf/net1/accept_ra", "2", "0"],
    ["ipv6/conf/net1/accept_dad", "1", "0"],
    ["ipv6/conf/net1/ndisc_notify", "0", "1"],
    ["ipv6/conf/net1/keep_addr_on_down", "0", "1"],
];

fn wrong(agent: &Agent<'_>, pod: &Namespace) -> String {
    let error = agent.check("c1", pod).unwrap_err();
    assert_eq!(error.code.number(), 101, "{error}");
    error.msg
}

#[test]
fn each_thing_that_was_changed_is_named_alone() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    agent.see_network(2, &everything(), &grants(POD, 5));
    let pod = node.pod();
    agent.check("older-than-the-chain", &pod).unwrap();
    agent.add("c1", POD, &pod).unwrap();
    agent.check("c1", &pod).unwrap();

    let says = |what: &str| {
        format!(
            "landfall on node node1: interface net1 of network storage is not as it was made: \
             {what}; put that back, or restart the pod"
        )
    };
    for [change, back, what] in CHANGES {
        pod.ip(&words(change));
        assert_eq!(wrong(&agent, &pod), says(what), "{change}");
        pod.ip(&words(back));
        agent.check("c1", &pod).unwrap();
    }
    for [path, other, own] in SETTINGS {
        pod.set_sysctl(path, other);
        let what = format!("net/{path} is {other}, not {own}");
        assert_eq!(wrong(&agent, &pod), says(&what));
        pod.set_sysctl(path, own);
        agent.check("c1", &pod).unwrap();
    }
}

#[test]
fn what_was_added_is_no_difference() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    for more in [
        "link set net1 mtu 1300 txqueuelen 5 allmulticast on",
        "addr add 192.0.2.7/24 dev net1",
        "route add 198.51.100.0/24 dev net1",
        "neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev net1 nud permanent",
    ] {
        pod.ip(&words(more));
    }
    agent.check("c1", &pod).unwrap();
}

/// What takes more than itself along: neighbours, addresses.
#[test]
fn a_link_that_is_another_down_off_ipv6_or_gone_is_told() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    pod.ip(&words("link set net1 address 02:00:00:00:00:42"));
    let text = wrong(&agent, &pod);
    let mac = "its hardware address is 02:00:00:00:00:42, not 0a:58:0a:09:00:05";
    assert!(text.contains(mac), "{text}");
    pod.ip(&words("link set net1 address 0a:58:0a:09:00:05"));
    agent.check("c1", &pod).unwrap();
    pod.ip(&words("link set net1 down"));
    let text = wrong(&agent, &pod);
    assert!(text.contains("it is down"), "{text}");
    pod.ip(&words("link set net1 up"));
    agent.check("c1", &pod).unwrap();
    pod.set_sysctl("ipv6/conf/net1/disable_ipv6", "1");
    let text = wrong(&agent, &pod);
    for what in [
        "net/ipv6/conf/net1/disable_ipv6 is 1, not 0",
        "its address fd00:9::5/64 is missing",
    ] {
        assert!(text.contains(what), "{text}");
    }
    pod.ip(&words("link del net1"));
    let text = wrong(&agent, &pod);
    assert!(text.contains("it does not exist"), "{text}");
}

#[test]
fn what_a_restarted_agent_reads_of_its_records_is_as_it_was_made() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    agent.see_network(2, &everything(), &grants(POD, 5));
    let pod = node.pod();
    agent.add("c1", POD, &pod).unwrap();
    agent.go_away();
    let agent = Agent::start(&node);
    agent.check("c1", &pod).unwrap();
    pod.set_sysctl("ipv4/conf/net1/rp_filter", "0");
    let text = wrong(&agent, &pod);
    assert!(text.contains("rp_filter is 0, not 2"), "{text}");
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}
