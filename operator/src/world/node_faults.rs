//! Pods whose node can't attach them: it has nothing to hang their link from, or its runtime does not
//! call the plugin.

use std::collections::BTreeMap;

use landfall_core::{
    id::Uid,
    ledger::view::{Pod, Want},
};
use landfall_crds::{
    keys::{condition, event, reason},
    node::{LandfallNode, ServedNetwork},
};

use super::World;
use crate::{events::Notice, network_status::attached};

// === impl World ===

impl World {
    /// What to tell an owner's pod, if its node can't attach it now and it is not attached yet.
    pub(crate) fn node_fault(&self, owner: Uid) -> Option<Notice> {
        let facts = self.pod_of(owner)?;
        let pod = self.view.pods.get(&owner)?;
        let node = self.node_objects.get(&pod.node)?;
        let (reason, message) = chain_blocked(node, owner, pod)
            .map(|message| (event::CHAIN_BLOCKED, message))
            .or_else(|| {
                let message = missing_parent(node, owner, pod)?;
                Some((event::PARENT_INTERFACE_MISSING, message))
            })?;
        let message = format!("on node {}, {message}", pod.node);
        Some(Notice::warning(facts, reason, &message))
    }

    /// What to tell an owner's pod, if it runs without an interface that was granted to it, and nothing
    /// that `node_fault` tells explains it.
    pub(crate) fn unattached(&self, owner: Uid) -> Option<Notice> {
        let facts = self.pod_of(owner)?;
        let pod = self.view.pods.get(&owner)?;
        let node = self.node_objects.get(&pod.node)?;
        if facts.addresses.is_empty() || self.node_fault(owner).is_some() {
            return None;
        }
        let is_granted = |want: &&Want| {
            let mut grants = node.spec.grants.iter();
            grants.any(|grant| {
                grant.owner == owner
                    && grant.network == want.network
                    && grant.interface == want.interface.as_str()
            })
        };
        let missing = unattached(node, owner, pod).find(is_granted)?;
        let message = format!(
            "on node {}, the pod runs without {}, which is granted: when it started, its runtime did \
             not call the plugin, for example because another program had just written the CNI \
             configuration anew; delete the pod, so that a new one starts with it",
            pod.node, missing.interface
        );
        Some(Notice::warning(facts, event::NOT_ATTACHED, &message))
    }

    /// Whether an owner's node would say now that something is attached.
    pub(crate) fn is_heard(&self, owner: Uid) -> bool {
        let pod = self.view.pods.get(&owner);
        let node = pod.and_then(|pod| self.view.nodes.get(&pod.node));
        node.is_some_and(|node| node.live && node.reachable)
    }
}

/// What the pod asks for and has not got.
fn unattached<'p>(node: &LandfallNode, owner: Uid, pod: &'p Pod) -> impl Iterator<Item = &'p Want> {
    let is_attached = move |want: &&Want| attached(node, owner, want.interface.as_str()).is_some();
    pod.wants.iter().filter(move |want| !is_attached(want))
}

/// Nothing else tells of it: the runtime starts the pod without a call of the plugin.
fn chain_blocked(node: &LandfallNode, owner: Uid, pod: &Pod) -> Option<String> {
    let why = blocked_chain(node)?;
    let missing = unattached(node, owner, pod).next()?;
    Some(format!(
        "the pod starts without {}: {why}; delete the pod when the node's condition ChainBlocked has gone",
        missing.interface
    ))
}

/// The message of the node's condition `ChainBlocked`, while that is true.
pub(super) fn blocked_chain(node: &LandfallNode) -> Option<&str> {
    let mut conditions = node.status.as_ref()?.conditions.iter();
    let blocked = conditions.find(|condition| condition.type_ == condition::CHAIN_BLOCKED)?;
    (blocked.status == "True").then_some(blocked.message.as_str())
}

/// Networks that the node has no parent for, and why.
pub(super) fn without_parent(node: &LandfallNode) -> BTreeMap<Uid, String> {
    let networks = node.spec.networks.iter();
    let lacking = networks.filter_map(|network| Some((network.uid, lacks_parent(node, network)?)));
    lacking.collect()
}

fn missing_parent(node: &LandfallNode, owner: Uid, pod: &Pod) -> Option<String> {
    let why = unattached(node, owner, pod).find_map(|want| {
        let mut networks = node.spec.networks.iter();
        let network = networks.find(|network| network.uid == want.network)?;
        lacks_parent(node, network)
    })?;
    Some(format!("{why}: the pod starts by itself when there is one"))
}

/// Why the node has no parent for the network, if it has none.
fn lacks_parent(node: &LandfallNode, network: &ServedNetwork) -> Option<String> {
    let name = &network.name;
    if network.parents.is_empty() && !network.node_local {
        return Some(format!(
            "network {name} has no parent: no entry of its spec.parents selects the node"
        ));
    }
    let parents = &node.status.as_ref()?.parents;
    let parent = parents
        .iter()
        .find(|parent| parent.network == network.uid)?;
    let message = parent.message.as_deref().or(parent.reason.as_deref());
    let message = message.unwrap_or("it does not say why");
    let says = if parent.reason.as_deref() == Some(reason::PARENT_CONFLICT) {
        "is not served"
    } else {
        "has no parent"
    };
    (!parent.ready).then(|| format!("network {name} {says} ({message})"))
}
