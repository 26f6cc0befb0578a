//! Who holds what: an entry of the ledger, with what the node's object adds to it.

use std::net::IpAddr;

use landfall_core::{
    id::{Name, Seq, Uid},
    mac::Mac,
};
use landfall_crds::{
    block::Entry,
    node::{Grant, LandfallNode},
};
use serde::Serialize;

use crate::{
    snapshot::Snapshot,
    table::{or_dash, table},
};

/// One address that is not free, or one interface without an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holding {
    /// `None` of a network without addresses of ours.
    pub(crate) address: Option<IpAddr>,
    /// The L2 that it is unique in.
    pub(crate) segment: Option<String>,
    /// The network's name; its UID if it is gone.
    pub(crate) network: String,
    /// As the ledger has it: `Granted`, `Recalling`, …
    pub(crate) state: String,
    pub(crate) node: Option<String>,
    /// `namespace/name`, if the node's object tells it.
    pub(crate) pod: Option<String>,
    /// The pod's UID.
    pub(crate) owner: Option<Uid>,
    pub(crate) interface: Option<String>,
    pub(crate) mac: Option<Mac>,
    pub(crate) seq: Option<Seq>,
    /// Since when it is in this state, RFC 3339.
    pub(crate) since: Option<String>,
    /// Whether the node's agent says that it is in place.
    pub(crate) attached: bool,
}

// === impl Holding ===

impl Holding {
    /// All of a snapshot, by address.
    pub(crate) fn all(snapshot: &Snapshot) -> Vec<Self> {
        let mut all = Vec::new();
        for (id, object) in &snapshot.blocks {
            for (address, entry) in &object.spec.entries {
                let segment = id.segment.as_str();
                all.push(Self::of_entry(snapshot, segment, *address, entry));
            }
        }
        for node in snapshot.nodes.values() {
            let links = node.spec.grants.iter().filter(|g| g.address.is_none());
            all.extend(links.map(|grant| Self::of_link(snapshot, node, grant)));
        }
        all
    }

    fn of_entry(snapshot: &Snapshot, segment: &str, address: IpAddr, entry: &Entry) -> Self {
        let name = entry.node.as_deref();
        let node = name.and_then(|name| snapshot.nodes.get(&Name::from(name)));
        let is_same = |grant: &&Grant| grant.address == Some(address) && grant.seq == entry.seq;
        let grant = node.and_then(|node| {
            let spec = &node.spec;
            spec.grants.iter().chain(&spec.fenced).find(is_same)
        });
        let status = node.and_then(|node| node.status.as_ref());
        let network = entry.network.unwrap_or_default();
        Self {
            address: Some(address),
            segment: Some(segment.to_owned()),
            network: snapshot.network_name(network),
            state: format!("{:?}", entry.state),
            node: entry.node.clone(),
            pod: grant.and_then(pod_of),
            owner: entry.owner,
            interface: entry.interface.clone(),
            mac: grant.and_then(|grant| mac_of(node?, grant)).or(entry.mac),
            seq: entry.seq,
            since: Some(entry.since.0.to_string()),
            attached: status.is_some_and(|status| {
                let mut attached = status.attached.iter();
                attached.any(|key| key.address == address && Some(key.seq) == entry.seq)
            }),
        }
    }

    fn of_link(snapshot: &Snapshot, node: &LandfallNode, grant: &Grant) -> Self {
        let status = node.status.as_ref();
        Self {
            address: None,
            segment: None,
            network: snapshot.network_name(grant.network),
            state: "Granted".to_owned(),
            node: node.metadata.name.clone(),
            pod: pod_of(grant),
            owner: Some(grant.owner),
            interface: Some(grant.interface.clone()),
            mac: mac_of(node, grant),
            seq: None,
            since: None,
            attached: status.is_some_and(|status| {
                let mut links = status.attached_links.iter();
                links.any(|link| {
                    link.owner == grant.owner
                        && link.network == grant.network
                        && link.interface == grant.interface
                })
            }),
        }
    }

    /// Whether a node may have it in use.
    pub(crate) fn is_held(&self) -> bool {
        matches!(
            self.state.as_str(),
            "Granted" | "Recalling" | "Quarantined" | "Fencing"
        )
    }

    /// Many, as a table.
    pub(crate) fn table(holdings: &[Self]) -> String {
        let rows = holdings.iter().map(|holding| {
            vec![
                or_dash(holding.address),
                holding.network.clone(),
                holding.state.clone(),
                or_dash(holding.node.as_ref()),
                or_dash(holding.pod.clone().or_else(|| {
                    let owner = holding.owner?;
                    Some(format!("UID {owner}"))
                })),
                or_dash(holding.interface.as_ref()),
                or_dash(holding.mac),
                if holding.attached { "yes" } else { "no" }.to_owned(),
                or_dash(holding.since.as_ref()),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let head = [
            "ADDRESS",
            "NETWORK",
            "STATE",
            "NODE",
            "POD",
            "INTERFACE",
            "MAC",
            "ATTACHED",
            "SINCE",
        ];
        table(&head, &rows)
    }
}

fn pod_of(grant: &Grant) -> Option<String> {
    let pod = &grant.pod;
    (!pod.name.is_empty()).then(|| format!("{}/{}", pod.namespace, pod.name))
}

/// An interface of ipvlan has its parent's.
fn mac_of(node: &LandfallNode, grant: &Grant) -> Option<Mac> {
    let parents = node.status.iter().flat_map(|status| &status.parents);
    let mut own = parents.filter(|parent| parent.network == grant.network);
    grant.mac.or_else(|| own.find_map(|parent| parent.mac))
}
