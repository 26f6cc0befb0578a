//! From the API's LandfallNode to what core decides on.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use landfall_core::{
    address::Family,
    agent::{Served, Snapshot},
    id::{Name, Seq, Uid},
    ledger::view::{Grant, Refusal},
};
use landfall_crds::node::{self, AddressSeq, LandfallNode, ServedNetwork};

/// The part of the object that core decides on. `None`: it never came from an API server.
pub fn snapshot(object: &LandfallNode) -> Option<Snapshot> {
    let uid = Uid::of(object.metadata.uid.as_deref()?);
    let generation = u64::try_from(object.metadata.generation?).ok()?;
    let spec = &object.spec;
    let released = object.status.as_ref().map(|status| &status.released);
    Some(Snapshot {
        uid,
        generation,
        epoch: spec.ledger_epoch,
        machine: spec.node.machine_id,
        networks: spec
            .networks
            .iter()
            .map(|network| (network.uid, served(network)))
            .collect(),
        grants: spec.grants.iter().filter_map(grant).collect(),
        recalls: pairs(&spec.recalls),
        refusals: refusals(&spec.refusals),
        not_ours: spec.not_ours.iter().map(not_ours).collect(),
        status_released: released.map(|list| pairs(list)).unwrap_or_default(),
    })
}

fn served(network: &ServedNetwork) -> Served {
    let ours = network.ipam == "Cluster";
    let subnets = network.subnets.iter().filter(|_| ours);
    Served {
        name: Name::from(network.name.as_str()),
        families: subnets.map(|s| Family::of(s.cidr.addr())).collect(),
        // Behind a parent that was made for one node's pods there is no LAN; routed packets are not asked for.
        is_probed: network.conflict_probe && !network.node_local && !network.mode.starts_with("l3"),
    }
}

fn pairs(list: &[AddressSeq]) -> BTreeSet<(IpAddr, Seq)> {
    list.iter().map(|item| (item.address, item.seq)).collect()
}

fn not_ours(element: &node::NotOurs) -> (Uid, Name, Name) {
    let name = |text: &String| Name::from(text.as_str());
    (element.owner, name(&element.interface), name(&element.name))
}

/// An address without seq can't be acknowledged, so it is not a grant.
fn grant(grant: &node::Grant) -> Option<Grant> {
    let address = match (grant.address, grant.seq) {
        (Some(address), Some(seq)) => Some((address, seq)),
        (None, _) => None,
        (Some(address), None) => {
            tracing::warn!(%address, pod = %grant.pod.name, "a grant without seq is ignored");
            return None;
        }
    };
    Some(Grant {
        owner: grant.owner,
        interface: Name::from(grant.interface.as_str()),
        network: grant.network,
        address,
        index: grant.index,
        mac: grant.mac,
    })
}

/// One refusal an owner: a final one says more than one that may pass.
fn refusals(list: &[node::Refusal]) -> BTreeMap<Uid, Refusal> {
    let mut by_owner: BTreeMap<Uid, Refusal> = BTreeMap::new();
    for refusal in list {
        let new = Refusal {
            reason: refusal.reason.clone(),
            message: refusal.message.clone(),
            is_final: refusal.is_final,
        };
        let known = by_owner.entry(refusal.owner).or_insert_with(|| new.clone());
        if new.is_final && !known.is_final {
            *known = new;
        }
    }
    by_owner
}

#[cfg(test)]
mod tests;
