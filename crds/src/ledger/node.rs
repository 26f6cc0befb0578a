//! LandfallNode and [`NodeSpec`], [`NodeStatus`].

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    keys::condition,
    node::{AddressSeq, Grant, InUse, LandfallNodeSpec, LandfallNodeStatus, PodName, Refusal},
};
use landfall_core::{
    id::{Name, Seq, Uid},
    ledger::view::{self, NodeSpec, NodeStatus, View},
    mac::Mac,
    network::Network,
};

/// What a grant says beyond the ledger, for the agent and for people.
pub trait Names {
    /// The pod of an owner.
    fn pod(&self, owner: Uid) -> Option<PodName>;
    /// The gateways that the pod asked for on this interface.
    fn default_route(&self, owner: Uid, interface: &Name) -> Option<Vec<IpAddr>>;
}

/// The protocol's part of a node object's spec.
pub fn read_spec(spec: &LandfallNodeSpec) -> NodeSpec {
    let mut grants: Vec<view::Grant> = spec.grants.iter().map(read_grant).collect();
    grants.sort();
    let refusals = spec.refusals.iter().map(|refusal| {
        let read = view::Refusal {
            reason: refusal.reason.clone(),
            message: refusal.message.clone(),
            is_final: refusal.is_final,
        };
        (refusal.owner, read)
    });
    let mut fenced: Vec<view::Grant> = spec.fenced.iter().map(read_grant).collect();
    fenced.sort();
    NodeSpec {
        grants,
        recalls: keys(&spec.recalls),
        fenced,
        refusals: refusals.collect(),
        epoch: spec.ledger_epoch,
    }
}

/// The namespace of each owner that a node object's grants name.
pub fn namespaces(spec: &LandfallNodeSpec) -> BTreeMap<Uid, Name> {
    let grants = spec.grants.iter().chain(&spec.fenced);
    let named = grants.filter(|grant| !grant.pod.namespace.is_empty());
    named
        .map(|grant| (grant.owner, Name::from(grant.pod.namespace.as_str())))
        .collect()
}

/// The protocol's part of a node object's status.
///
/// An agent never says of one grant that it is attached and that it is released: that was written by
/// hand, and what it would free is in use.
pub fn read_status(status: &LandfallNodeStatus) -> NodeStatus {
    let mut released = keys(&status.released);
    released.retain(|(address, seq)| {
        let mut attached = status.attached.iter();
        !attached.any(|key| key.address == *address && key.seq == *seq)
    });
    NodeStatus {
        node_uid: status.node_uid.unwrap_or_default(),
        machine: status.machine_id.unwrap_or_default(),
        speaks_for: status.speaks_for.iter().copied().collect(),
        conflicts: conflicts(status),
        released,
        epoch: status.ledger_epoch,
        in_use: status.in_use.iter().flatten().map(read_in_use).collect(),
        suspects: status
            .conditions
            .iter()
            .any(|known| known.type_ == condition::RESTORE_SUSPECTED && known.status == "True"),
    }
}

fn read_in_use(used: &InUse) -> view::InUse {
    view::InUse {
        address: used.address,
        network: used.network,
        owner: used.owner,
        interface: Name::from(used.interface.as_str()),
    }
}

/// An agent always says who answered; a conflict that does not was written by hand.
fn conflicts(status: &LandfallNodeStatus) -> BTreeMap<(IpAddr, Seq), Mac> {
    let named = status.conflicts.iter();
    let named = named.filter_map(|met| Some(((met.address, met.seq), met.mac?)));
    named.collect()
}

/// Puts the protocol's part into a spec. A grant that the spec already lists stays as it is, word
/// for word: it may outlive its subnet, its network and its pod.
pub fn write_spec(new: &NodeSpec, into: &mut LandfallNodeSpec, view: &View, names: &impl Names) {
    let mut known: BTreeMap<view::Grant, Grant> = into
        .grants
        .drain(..)
        .map(|grant| (read_grant(&grant), grant))
        .collect();
    let grants = new.grants.iter().map(|grant| {
        known
            .remove(grant)
            .unwrap_or_else(|| write_grant(grant, view, names))
    });
    into.grants = grants.collect();
    let fenced = new.fenced.iter();
    into.fenced = fenced
        .map(|grant| write_grant(grant, view, names))
        .collect();
    into.ledger_epoch = new.epoch;
    let recalls = new.recalls.iter();
    into.recalls = recalls
        .map(|(address, seq)| AddressSeq {
            address: *address,
            seq: *seq,
        })
        .collect();
    let refusals = new.refusals.iter();
    into.refusals = refusals
        .map(|(owner, refusal)| Refusal {
            owner: *owner,
            interface: String::new(),
            reason: refusal.reason.clone(),
            message: refusal.message.clone(),
            is_final: refusal.is_final,
        })
        .collect();
}

/// (address, seq) in the ledger's form.
pub fn keys(list: &[AddressSeq]) -> BTreeSet<(IpAddr, Seq)> {
    list.iter().map(|key| (key.address, key.seq)).collect()
}

/// A grant in the ledger's form.
pub fn read_grant(grant: &Grant) -> view::Grant {
    view::Grant {
        owner: grant.owner,
        interface: Name::from(grant.interface.as_str()),
        network: grant.network,
        address: grant.address.zip(grant.seq),
        index: grant.index,
        mac: grant.mac,
    }
}

fn write_grant(grant: &view::Grant, view: &View, names: &impl Names) -> Grant {
    let network = view.networks.get(&grant.network).map(|n| &n.network);
    let address = grant.address.map(|(address, _)| address);
    Grant {
        address,
        prefix_length: address.and_then(|address| prefix_length(network?, address)),
        seq: grant.address.map(|(_, seq)| seq),
        network: grant.network,
        network_name: network.map(|n| n.name.to_string()).unwrap_or_default(),
        owner: grant.owner,
        pod: names.pod(grant.owner).unwrap_or_default(),
        interface: grant.interface.to_string(),
        index: grant.index,
        mac: grant.mac,
        default_route: names.default_route(grant.owner, &grant.interface),
    }
}

/// The prefix length of the subnet that an address is of, even if it is not handed out any more.
fn prefix_length(network: &Network, address: IpAddr) -> Option<u8> {
    let subnets = &network.ipam.subnets;
    let subnet = subnets.iter().find(|s| s.cidr.contains(&address))?;
    Some(subnet.cidr.prefix_len())
}
