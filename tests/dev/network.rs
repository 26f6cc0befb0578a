//! Namespaces, bridges and the wires between them. The machine's own interfaces are not touched.

use anyhow::Result;
use landfall_tests::netns::{add, ip, names};
pub(crate) use landfall_tests::netns::{answers, exists, path, remove};

use crate::{
    layout::{self, BRIDGE_CLUSTER, BRIDGE_LAN, NETNS_BRIDGES, NETNS_CONTROL, NETNS_LAN, Node},
    process,
};

/// Names of all namespaces that are ours.
pub(crate) fn ours() -> Vec<String> {
    names(layout::PREFIX)
}

/// Writes a sysctl of the namespace.
fn sysctl(netns: &str, key: &str, value: u8) -> Result<()> {
    let script = format!("echo {value} > /proc/sys/{key}");
    let mut nsenter = process::words(&format!("nsenter --net=/run/netns/{netns} sh -c"));
    process::run(nsenter.arg(script))
}

/// A wire from a bridge to interface `name` of a namespace.
fn wire(netns: &str, name: &str, mac: &str, bridge: &str, port: &str) -> Result<()> {
    unplug(port)?;
    ip(
        NETNS_BRIDGES,
        &[
            format!("link add {port} type veth peer name {name} address {mac} netns {netns}"),
            format!("link set {port} master {bridge} up"),
        ],
    )?;
    ip(netns, &[format!("link set {name} up")])
}

/// Removes the bridge's end of a wire and so the wire.
fn unplug(port: &str) -> Result<()> {
    if process::succeeds(&mut process::words(&format!(
        "ip -n {NETNS_BRIDGES} link show {port}"
    ))) {
        ip(NETNS_BRIDGES, &[format!("link del {port}")])?;
    }
    Ok(())
}

/// Bridges, the control plane's namespace and the host on the LAN: made anew if any is missing.
pub(crate) fn start() -> Result<()> {
    if [NETNS_BRIDGES, NETNS_CONTROL, NETNS_LAN]
        .into_iter()
        .all(exists)
    {
        return Ok(());
    }
    for netns in [NETNS_BRIDGES, NETNS_CONTROL, NETNS_LAN] {
        if path(netns).exists() {
            remove(netns)?;
        }
        add(netns)?;
    }
    let bridge = |name| format!("link add {name} type bridge forward_delay 0 mcast_snooping 0");
    let mut commands = vec![bridge(BRIDGE_CLUSTER), bridge(BRIDGE_LAN)];
    commands.extend([BRIDGE_CLUSTER, BRIDGE_LAN].map(|name| format!("link set {name} up")));
    ip(NETNS_BRIDGES, &commands)?;
    for table in ["iptables", "ip6tables", "arptables"] {
        // Bridged frames belong to nobody's firewall here; without br_netfilter there is no key.
        sysctl(
            NETNS_BRIDGES,
            &format!("net/bridge/bridge-nf-call-{table}"),
            0,
        )
        .unwrap_or_default();
    }
    wire(
        NETNS_CONTROL,
        "eth0",
        "02:1f:00:00:00:00",
        BRIDGE_CLUSTER,
        "control",
    )?;
    let mut commands = vec![address(layout::CONTROL_ADDRESS)];
    commands.extend(routes(None));
    ip(NETNS_CONTROL, &commands)?;
    lan_host()
}

fn lan_host() -> Result<()> {
    wire(NETNS_LAN, "eth0", "02:1f:00:00:01:00", BRIDGE_LAN, "host")?;
    let commands =
        layout::LAN_ADDRESSES.map(|address| format!("addr add {address} dev eth0 nodad"));
    ip(
        NETNS_LAN,
        &commands.map(|line| line.replace(" nodad", no_dad(&line))),
    )?;
    sysctl(NETNS_LAN, "net/ipv4/ip_forward", 1)?;
    sysctl(NETNS_LAN, "net/ipv6/conf/all/forwarding", 1)
}

/// Duplicate address detection exists for IPv6 only, and takes a second.
fn no_dad(line: &str) -> &'static str {
    if line.contains(':') { " nodad" } else { "" }
}

fn address(address: std::net::Ipv4Addr) -> String {
    format!("addr add {address}/{} dev eth0", layout::CLUSTER_PREFIX)
}

fn routes(own: Option<&Node>) -> Vec<String> {
    let routes = layout::pod_routes(own);
    routes
        .iter()
        .map(|(subnet, hop)| format!("route add {subnet} via {hop}"))
        .collect()
}

/// The namespace of a node, with eth0 on the cluster bridge and the rest on the LAN.
pub(crate) fn plug_node(node: &Node) -> Result<()> {
    unplug_node(node)?;
    let netns = node.netns();
    add(&netns)?;
    wire(&netns, "eth0", &node.mac(0), BRIDGE_CLUSTER, &node.port(0))?;
    for (index, name) in (1..).zip(layout::LAN_INTERFACES) {
        wire(
            &netns,
            name,
            &node.mac(index),
            BRIDGE_LAN,
            &node.port(index),
        )?;
    }
    let mut commands = vec![address(node.address())];
    // Without a default route ClusterIPs are "Network is unreachable" from the node itself.
    commands.push(format!("route add default via {}", layout::CONTROL_ADDRESS));
    commands.extend(routes(Some(node)));
    ip(&netns, &commands)?;
    sysctl(&netns, "net/ipv4/ip_forward", 1)
}

/// Pulls a node's wires and removes its namespace.
pub(crate) fn unplug_node(node: &Node) -> Result<()> {
    if path(NETNS_BRIDGES).exists() {
        for index in (0..).take(layout::LAN_INTERFACES.len().saturating_add(1)) {
            unplug(&node.port(index))?;
        }
    }
    if path(&node.netns()).exists() {
        remove(&node.netns())?;
    }
    Ok(())
}
