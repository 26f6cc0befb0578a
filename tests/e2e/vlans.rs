//! VLAN parents through the API, on nodes whose kernel has 802.1Q.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    kernel,
    manifest::with,
    node::{Undo, sh},
    outage,
    pod::{self, text},
    truth::Truth,
    wait::until,
};
use serde_json::{Value, json};

use crate::{
    cluster,
    traffic::{at_rest, killed_and_back},
};

/// Seconds in which an agent makes or removes a VLAN after the API was told.
const SEEN: u64 = 30;

/// A network of some hosts, in their own half of the test's addresses, on a VLAN of eth1. Of two interfaces
/// in one subnet either answers for the other's address, and a ping through one of them may miss the answer.
fn network(case: &Case<'_>, name: &str, hosts: (u8, u8), vlan: &Value) -> Result<String> {
    let parents = json!([{"interface": "eth1", "vlan": vlan}]);
    let half = hosts.0 & 0x80;
    let subnets = json!([
        {
            "cidr": format!("{}/25", case.ipv4(half)),
            "ranges": [{"from": case.ipv4(hosts.0), "to": case.ipv4(hosts.1)}],
        },
        {
            "cidr": format!("{}/121", case.ipv6(half)),
            "ranges": [{"from": case.ipv6(hosts.0), "to": case.ipv6(hosts.1)}],
        },
    ]);
    let spec = with(case.spec("eth1"), "/parents", parents);
    let spec = with(spec, "/ipam/subnets", subnets);
    // Nodes without 802.1Q can't serve it, and the network says so; these can.
    let name = case.network("MacvlanNetwork", name, &spec)?;
    until(&format!("{name} is Ready"), SEEN, || {
        let object = cluster().get(&["mvn", &name])?;
        let ready = pod::condition(&object, "Ready").context("no condition")?;
        ensure!(ready.0 == "True", "{ready:?}");
        Ok(())
    })?;
    Ok(name)
}

fn delete(network: &str) -> Result<()> {
    let words = ["delete", "mvn", network, "--timeout=60s"];
    cluster().kubectl(&words).map(drop)
}

/// A link of a node; null if there is none.
fn link(node: &str, name: &str) -> Result<Value> {
    let script = r#"ip -j -d link show "$1" 2>/dev/null || echo '[null]'"#;
    let said = sh(cluster(), node, script, &[name])?;
    let mut list: Vec<Value> = serde_json::from_str(&said)?;
    Ok(list.pop().unwrap_or_default())
}

/// Waits until a node has a VLAN that was made, with that id and protocol; its alias.
fn is_made(node: &str, name: &str, id: u16, protocol: &str) -> Result<String> {
    until(&format!("{node} has {name}"), SEEN, || {
        let link = link(node, name)?;
        ensure!(text(&link, "/link") == "eth1", "{link}");
        let data = link.pointer("/linkinfo/info_data").context("no data")?;
        ensure!(data["id"] == json!(id), "{link}");
        ensure!(text(data, "/protocol") == protocol, "{link}");
        let alias = text(&link, "/ifalias").to_owned();
        ensure!(alias.starts_with("landfall:"), "{link}");
        Ok(alias)
    })
}

fn is_removed(node: &str, name: &str) -> Result<()> {
    until(&format!("{node} has {name} no more"), SEEN, || {
        let link = link(node, name)?;
        ensure!(link.is_null(), "{link}");
        Ok(())
    })
}

/// Both pods reach each other through the VLAN.
fn reach_each_other(case: &Case<'_>, interface: &str) -> Result<()> {
    for (from, to) in [("one", "two"), ("two", "one")] {
        let to = kernel::one(cluster(), &case.namespace, to, interface)?;
        kernel::reaches(cluster(), &case.namespace, from, interface, &to.addresses)?;
    }
    Ok(())
}

fn restart_without_records(nodes: &[String]) -> Result<()> {
    for node in nodes {
        cluster().on_node(node, &["rm", "-rf", "/run/landfall"])?;
    }
    killed_and_back("agent", nodes)
}

#[test]
fn a_vlan_is_made_shared_kept_over_a_reboot_and_removed_after_its_last_network() -> Result<()> {
    case::alone(cluster(), "vlan", |case| {
        let nodes = cluster().ipvlan_nodes()?;
        let first = network(case, "first", (10, 99), &json!({"id": 70}))?;
        let alias = is_made(&nodes[0], "eth1.70", 70, "802.1Q")?;
        let uid = ["get", "mvn", &first, "-o", "jsonpath={.metadata.uid}"];
        let uid = cluster().kubectl(&uid)?;
        ensure!(alias == format!("landfall:{uid}"), "{alias} of {uid}");
        let second = network(case, "second", (140, 199), &json!({"id": 70}))?;
        for (pod, node) in [("one", &nodes[0]), ("two", &nodes[1])] {
            case.pod(pod, node, &format!("{first},{second}"))?;
        }
        case.ready(&["one", "two"])?;
        reach_each_other(case, "net1")?;
        reach_each_other(case, "net2")?;

        let off = outage::power_off(cluster(), &nodes[0])?;
        off.end()?;
        is_made(&nodes[0], "eth1.70", 70, "802.1Q")?;
        until("the pods reach each other again", 120, || {
            reach_each_other(case, "net1")
        })?;

        at_rest(case)?;
        delete(&first)?;
        // By the mark in the kernel alone; the network that it names is gone.
        restart_without_records(&nodes)?;
        for node in &nodes {
            is_made(node, "eth1.70", 70, "802.1Q")?;
        }
        delete(&second)?;
        for node in &nodes {
            is_removed(node, "eth1.70")?;
            ensure!(!link(node, "eth1")?.is_null(), "{node} has lost eth1");
        }
        Truth::of(case).nothing_held_at_rest()
    })
}

#[test]
fn a_vlan_that_was_there_before_is_used_under_its_name_and_stays() -> Result<()> {
    case::run(cluster(), "adopted", |case| {
        let nodes = cluster().ipvlan_nodes()?;
        let script = "ip link add link eth1 name lf-own type vlan id 71; ip link set lf-own up";
        let undo = "ip link del lf-own";
        let own = Undo::after(cluster(), &nodes[0], script, undo)?;
        let network = network(case, "net", (10, 99), &json!({"id": 71}))?;
        for (pod, node) in [("one", &nodes[0]), ("two", &nodes[1])] {
            case.pod(pod, node, &network)?;
        }
        case.ready(&["one", "two"])?;
        reach_each_other(case, "net1")?;
        ensure!(link(&nodes[0], "eth1.71")?.is_null(), "a second one");
        is_made(&nodes[1], "eth1.71", 71, "802.1Q")?;
        at_rest(case)?;
        delete(&network)?;
        is_removed(&nodes[1], "eth1.71")?;
        ensure!(!link(&nodes[0], "lf-own")?.is_null(), "it was not ours");
        own.now()
    })
}

#[test]
fn a_service_vlan_has_the_name_and_protocol_that_are_asked_for() -> Result<()> {
    case::run(cluster(), "service", |case| {
        let nodes = cluster().ipvlan_nodes()?;
        let vlan = json!({"id": 72, "name": "lf-service", "protocol": "802.1ad"});
        let network = network(case, "net", (10, 99), &vlan)?;
        for (pod, node) in [("one", &nodes[0]), ("two", &nodes[1])] {
            case.pod(pod, node, &network)?;
        }
        case.ready(&["one", "two"])?;
        is_made(&nodes[0], "lf-service", 72, "802.1ad")?;
        reach_each_other(case, "net1")?;
        at_rest(case)?;
        delete(&network)?;
        nodes
            .iter()
            .try_for_each(|node| is_removed(node, "lf-service"))
    })
}
