//! Where it happens: a control plane, two places for operators, nodes and a LAN, each a network namespace.

use anyhow::Result;

use crate::{
    process,
    stage::{Stage, api::Servers},
};

/// The hammer's own.
pub(super) const STAGE: Stage = Stage {
    name: "hammer",
    prefix: "lfh-",
};
/// etcd and the API server, and the bridge that all others reach them by.
pub(super) const CONTROL: &str = "lfh-control";
/// The bridge that plays the LAN.
const LAN: &str = "lfh-lan";
/// The machines that run operators.
pub(super) const OPERATORS: [&str; 2] = ["op1", "op2"];
/// The parent of all links on a node.
pub(super) const PARENT: &str = "eth1";
/// Its address.
pub(super) const SERVERS: Servers = Servers {
    stage: STAGE,
    netns: CONTROL,
    address: "10.97.0.1",
};

/// The network namespace of a machine.
pub(super) fn netns(machine: &str) -> String {
    format!("{}{machine}", STAGE.prefix)
}

/// Makes all of it.
pub(super) fn wire(nodes: &[String]) -> Result<()> {
    for (netns, bridge) in [(CONTROL, "cluster"), (LAN, "lan")] {
        add(netns)?;
        batch(
            netns,
            &[
                format!("link add {bridge} type bridge forward_delay 0 mcast_snooping 0"),
                format!("link set {bridge} up"),
            ],
        )?;
    }
    let address = format!("addr add {}/24 dev cluster", SERVERS.address);
    batch(CONTROL, &[address])?;
    let operators = OPERATORS.map(str::to_owned);
    for (number, machine) in (11_u8..).zip(operators.iter().chain(nodes)) {
        let netns = netns(machine);
        add(&netns)?;
        plug(CONTROL, "cluster", machine, "eth0", &netns)?;
        let address = format!("addr add 10.97.0.{number}/24 dev eth0");
        batch(&netns, &[address])?;
    }
    for node in nodes {
        plug(LAN, "lan", node, PARENT, &netns(node))?;
    }
    Ok(())
}

/// Pulls a machine's wire to the API server, or plugs it in.
pub(super) fn set_wire(machine: &str, up: bool) -> Result<()> {
    let state = if up { "up" } else { "down" };
    process::line(&format!("ip -n {CONTROL} link set {machine} {state}"))
}

/// The same with a node's wire to the LAN.
pub(super) fn set_lan(node: &str, up: bool) -> Result<()> {
    let state = if up { "up" } else { "down" };
    process::line(&format!("ip -n {LAN} link set {node} {state}"))
}

fn add(netns: &str) -> Result<()> {
    process::line(&format!("ip netns add {netns}"))?;
    process::line(&format!("ip -n {netns} link set lo up"))
}

fn plug(at: &str, bridge: &str, port: &str, name: &str, netns: &str) -> Result<()> {
    batch(
        at,
        &[
            format!("link add {port} type veth peer name {name} netns {netns}"),
            format!("link set {port} master {bridge} up"),
        ],
    )?;
    batch(netns, &[format!("link set {name} up")])
}

fn batch(netns: &str, commands: &[String]) -> Result<()> {
    let mut ip = process::words(&format!("ip -n {netns} -batch -"));
    process::feed(&mut ip, &(commands.join("\n") + "\n"))
}
