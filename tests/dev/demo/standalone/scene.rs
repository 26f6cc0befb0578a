//! The host, its LAN and its sandboxes: network namespaces, made inside a host that is nobody else's.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::table::{self, Row};
use crate::process;

/// The sandboxes.
const SANDBOXES: [&str; 3] = ["red", "green", "blue"];

/// A network, as a configuration of the plugin.
struct Network {
    name: &'static str,
    driver: &'static str,
    master: &'static str,
    /// Each with the LAN host's address in it as gateway.
    subnets: &'static [&'static str],
    gateways: &'static [&'static str],
}

const NETWORKS: [Network; 3] = [
    Network {
        name: "storage",
        driver: "macvlan",
        master: "eth1",
        subnets: &["10.20.0.0/24", "fd00:20::/64"],
        gateways: &["10.20.0.1", "fd00:20::1"],
    },
    Network {
        name: "backup",
        driver: "ipvlan",
        master: "eth2",
        subnets: &["10.30.0.0/24"],
        gateways: &["10.30.0.1"],
    },
    Network {
        name: "tagged",
        driver: "macvlan",
        master: "eth1.70",
        subnets: &["10.70.0.0/24"],
        gateways: &["10.70.0.1"],
    },
];

/// The LAN: two NICs of the host, a host at the other end, and the VLAN 70 on the first.
const LAN: &str = "\
netns add lan
link add eth1 type veth peer name lan1 netns lan
link add eth2 type veth peer name lan2 netns lan
link set lo up
link set eth1 up
link set eth2 up
link add link eth1 name eth1.70 type vlan id 70
link set eth1.70 up
-n lan link set lan1 up
-n lan link set lan2 up
-n lan link add link lan1 name lan70 type vlan id 70
-n lan link set lan70 up
-n lan address add 10.20.0.1/24 dev lan1
-n lan address add fd00:20::1/64 dev lan1 nodad
-n lan address add 10.30.0.1/24 dev lan2
-n lan address add 10.70.0.1/24 dev lan70
";

/// What `internal standalone FOLDER` does. Its end is a file: of a machine with a kernel of its own nothing
/// else is left.
pub(crate) fn scene(folder: &Path) -> Result<()> {
    let status = match play(folder) {
        Ok(true) => "answered".to_owned(),
        Ok(false) => "unanswered".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    process::write(&folder.join("status"), status)
}

fn play(folder: &Path) -> Result<bool> {
    // Nothing of this is seen outside.
    process::line("mkdir -p /run/netns")?;
    process::line("mount -t tmpfs tmpfs /run/netns")?;
    LAN.lines()
        .try_for_each(|line| process::line(&format!("ip {line}")))?;
    let mut rows = Vec::new();
    for sandbox in SANDBOXES {
        process::line(&format!("ip netns add {sandbox}"))?;
        process::line(&format!("ip -n {sandbox} link set lo up"))?;
        for (index, network) in NETWORKS.iter().enumerate() {
            rows.extend(attach(folder, sandbox, network, index)?);
        }
    }
    let answered = ping(&mut rows)?;
    process::write(&folder.join("table"), table::text(&rows))?;
    for sandbox in SANDBOXES {
        for (index, network) in NETWORKS.iter().enumerate() {
            call(folder, "DEL", sandbox, network, index)?;
        }
        let left = process::output(&mut process::words(&format!("ip -n {sandbox} -o link")))?;
        if left.contains("net") {
            bail!("DEL has left links in {sandbox}: {left}");
        }
    }
    Ok(answered)
}

/// A line for each address.
fn attach(folder: &Path, sandbox: &str, network: &Network, index: usize) -> Result<Vec<Row>> {
    let start = Instant::now();
    let result = call(folder, "ADD", sandbox, network, index)?;
    let took = start.elapsed();
    let result: Value = serde_json::from_str(&result).context("the result of ADD")?;
    let text = |value: &Value, path: &str| {
        value
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let addresses = result
        .get("ips")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let rows = addresses.iter().map(|ip| Row {
        sandbox: sandbox.to_owned(),
        network: format!("{} {}", network.driver, network.name),
        interface: format!("net{}", index + 1),
        parent: network.master.to_owned(),
        address: text(ip, "/address")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
        gateway: text(ip, "/gateway"),
        mac: text(&result, "/interfaces/0/mac"),
        peer: None,
        lan: None,
        add: took,
    });
    Ok(rows.collect())
}

/// Executes the plugin as a runtime does.
fn call(
    folder: &Path,
    verb: &str,
    sandbox: &str,
    network: &Network,
    index: usize,
) -> Result<String> {
    let ranges: Vec<_> = network
        .subnets
        .iter()
        .zip(network.gateways)
        .map(|(subnet, gateway)| json!([{"subnet": subnet, "gateway": gateway}]))
        .collect();
    let configuration = json!({
        "cniVersion": "1.0.0", "name": network.name, "type": "landfall", "driver": network.driver,
        "master": network.master,
        "ipam": {"type": "landfall", "dataDir": folder.join("ipam"), "ranges": ranges},
    });
    let mut child = Command::new(folder.join("landfall"))
        .env("CNI_COMMAND", verb)
        .env("CNI_CONTAINERID", sandbox)
        .env("CNI_NETNS", format!("/run/netns/{sandbox}"))
        .env("CNI_IFNAME", format!("net{}", index + 1))
        .env("CNI_PATH", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take().context("no stdin")?;
    { stdin }.write_all(configuration.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{verb} of {} in {sandbox}: {said}", network.name);
    }
    Ok(said)
}

/// Each address pings the same network in the next sandbox, and the LAN's host.
fn ping(rows: &mut [Row]) -> Result<bool> {
    let others: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.sandbox.clone(),
                row.network.clone(),
                row.address.clone(),
            )
        })
        .collect();
    let mut answered = true;
    for row in rows {
        let is_peer = |(sandbox, network, address): &&(String, String, String)| {
            *sandbox != row.sandbox
                && *network == row.network
                && address.contains(':') == row.address.contains(':')
        };
        let peer = others.iter().find(is_peer).context("nobody to ping")?;
        row.peer = trip(row, &peer.2);
        row.lan = trip(row, &row.gateway);
        answered &= row.peer.is_some() && row.lan.is_some();
    }
    Ok(answered)
}

/// The round trip in ms. One answer within 3 s is enough: the first packet waits for a neighbour entry.
fn trip(row: &Row, to: &str) -> Option<f64> {
    let line = format!(
        "ip netns exec {} ping -n -c1 -w3 -I {} {to}",
        row.sandbox, row.interface
    );
    let said = process::output(&mut process::words(&line)).ok()?;
    let (_, rest) = said.split_once("time=")?;
    rest.split_once(' ')?.0.parse().ok()
}
