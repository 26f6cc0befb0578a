//! Every address in every network namespace of every node, as the kernels show them.

use std::net::IpAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cluster::Cluster, pod::text, wait};

/// An address in a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The node; `lan` is the host on the LAN.
    pub node: String,
    /// The namespace's inode, unique on a kernel.
    pub netns: u64,
    /// The interface in it.
    pub interface: String,
    /// `macvlan`, `ipvlan`, `veth`, …; empty for none.
    pub kind: String,
    /// The address.
    pub address: IpAddr,
}

// === impl Live ===

impl Live {
    /// Whether it is on an interface that only we make in this cluster.
    pub fn is_attachment(&self) -> bool {
        ["macvlan", "ipvlan"].contains(&self.kind.as_str())
    }

    /// Its network namespace, for people too.
    pub(super) fn namespace(&self) -> String {
        format!("network namespace {} of {}", self.netns, self.node)
    }
}

/// A line for each network namespace that a process is in or that is kept in /run/netns (where
/// runtimes put those of sandboxes): its inode and its addresses. A file there that is no namespace
/// yet, or no longer, is on another file system.
const SCAN: &str = r#"
stat -Lc '%d %i %n' /proc/self/ns/net /run/netns/* /proc/[0-9]*/ns/net 2>/dev/null |
awk 'NR == 1 { nsfs = $1 } $1 == nsfs && $3 !~ /self/ && !seen[$2]++ { print $2, $3 }' |
while read -r inode file; do
    addresses=$(nsenter --net="$file" ip -d -j address 2>/dev/null) || addresses=gone
    echo "$inode $addresses"
done"#;

/// All addresses of global scope on all nodes that have power, and on the host on the LAN.
pub fn live(cluster: &Cluster) -> Result<Vec<Live>> {
    let mut live = Vec::new();
    for node in cluster.status()?.nodes {
        if node.power {
            live.extend(on_node(cluster, &node.name)?);
        }
    }
    let lan = cluster.on_node("lan", &["ip", "-d", "-j", "address"])?;
    live.extend(parse("lan", &format!("0 {lan}"))?);
    Ok(live)
}

/// A namespace whose process has ended between two commands may live on elsewhere: then all are
/// looked at again.
fn on_node(cluster: &Cluster, node: &str) -> Result<Vec<Live>> {
    let what = format!("{node} shows its network namespaces");
    wait::until(&what, 20, || {
        parse(node, &cluster.on_node(node, &["sh", "-c", SCAN])?)
    })
}

pub(super) fn parse(node: &str, scan: &str) -> Result<Vec<Live>> {
    let mut live = Vec::new();
    for line in scan.lines() {
        let (netns, links) = line.split_once(' ').with_context(|| line.to_owned())?;
        let netns = netns.parse().with_context(|| line.to_owned())?;
        let links: Vec<Value> =
            serde_json::from_str(links).with_context(|| format!("{node}: {line}"))?;
        for link in &links {
            let addresses = link.get("addr_info").and_then(Value::as_array);
            let global = addresses.into_iter().flatten();
            for address in global.filter(|address| text(address, "/scope") == "global") {
                let address = text(address, "/local");
                live.push(Live {
                    node: node.to_owned(),
                    netns,
                    interface: text(link, "/ifname").to_owned(),
                    kind: text(link, "/linkinfo/info_kind").to_owned(),
                    address: address.parse().with_context(|| address.to_owned())?,
                });
            }
        }
    }
    Ok(live)
}
