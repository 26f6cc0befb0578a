//! Pods reach each other across nodes, and the LAN.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel::{self, Interface},
    pod::{self, text},
};
use serde_json::Value;

use crate::cluster;

#[test]
fn macvlan_pods_on_two_nodes_reach_each_other_and_the_lan() -> Result<()> {
    case::run(cluster(), "macvlan", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let pods = two_pods(case, "MacvlanNetwork", "eth1", &nodes)?;
        for (name, interface) in &pods {
            let IpAddr::V4(ipv4) = interface.ipv4()? else {
                unreachable!("ipv4() is IPv4");
            };
            let [a, b, c, d] = ipv4.octets();
            let derived = format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
            ensure!(interface.mac == derived, "{name} has {interface:?}");
        }
        Ok(())
    })
}

#[test]
fn ipvlan_pods_on_two_nodes_reach_each_other_and_the_lan() -> Result<()> {
    case::run(cluster(), "ipvlan", |case| {
        let nodes = cluster().ipvlan_nodes()?;
        let pods = two_pods(case, "IpvlanNetwork", "eth2", &nodes)?;
        for ((name, interface), node) in pods.iter().zip(&nodes) {
            let words = ["cat", "/sys/class/net/eth2/address"];
            let parent = cluster().on_node(node, &words)?;
            ensure!(interface.mac == parent.trim(), "{name} has {interface:?}");
        }
        Ok(())
    })
}

/// A network with a pod on each of two nodes, which reach each other and the LAN; returns the pods'
/// interfaces.
fn two_pods(
    case: &Case<'_>,
    kind: &str,
    parent: &str,
    nodes: &[String],
) -> Result<[(&'static str, Interface); 2]> {
    case.lan_host()?;
    let network = case.ready_network(kind, "net", &case.spec(parent))?;
    case.pod("one", &nodes[0], &network)?;
    case.pod("two", &nodes[1], &network)?;
    case.ready(&["one", "two"])?;
    let interface = |pod| kernel::one(cluster(), &case.namespace, pod, "net1");
    let [one, two] = [interface("one")?, interface("two")?];
    for (from, to) in [("one", &two), ("two", &one)] {
        let lan = [case.ipv4(1).parse()?, case.ipv6(1).parse()?];
        let all = [to.ipv4()?, to.ipv6()?, lan[0], lan[1]];
        kernel::reaches(cluster(), &case.namespace, from, "net1", &all)?;
    }
    for (pod, interface) in [("one", &one), ("two", &two)] {
        tells_what_the_kernel_shows(case, pod, &network, interface)?;
    }
    Ok([("one", one), ("two", two)])
}

/// The network status: the cluster's own network first and as the default, then what was attached.
fn tells_what_the_kernel_shows(
    case: &Case<'_>,
    pod: &str,
    network: &str,
    interface: &Interface,
) -> Result<()> {
    let status = pod::network_status(cluster(), &case.namespace, pod)?;
    let [primary, ours] = status.as_slice() else {
        anyhow::bail!("two entries were expected: {status:?}");
    };
    ensure!(text(primary, "/interface") == "eth0", "{primary}");
    ensure!(
        primary.get("default") == Some(&Value::Bool(true)),
        "{primary}"
    );
    ensure!(ours.get("default").is_none(), "{ours}");
    ensure!(text(ours, "/name").ends_with(network), "{ours}");
    ensure!(text(ours, "/interface") == interface.name, "{ours}");
    // An ipvlan interface has its parent's hardware address: nothing to tell.
    let mac = text(ours, "/mac");
    ensure!(
        mac.is_empty() || mac == interface.mac,
        "{ours} {interface:?}"
    );
    let told = ours
        .get("ips")
        .and_then(Value::as_array)
        .context("no ips")?;
    let mut told: Vec<IpAddr> = told
        .iter()
        .filter_map(|ip| ip.as_str()?.parse().ok())
        .collect();
    let mut seen = interface.addresses.clone();
    told.sort();
    seen.sort();
    ensure!(told == seen, "{ours} {interface:?}");
    Ok(())
}
