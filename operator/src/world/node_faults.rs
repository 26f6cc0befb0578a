//! Pods that wait because their node has nothing to hang their link from.

use landfall_core::id::Uid;
use landfall_crds::{
    keys::{event, reason},
    node::{LandfallNode, ServedNetwork},
};

use super::World;
use crate::{events::Notice, network_status::attached};

// === impl World ===

impl World {
    /// What to tell an owner's pod, if a network that it asks for has no parent on its node and it is
    /// not attached yet.
    pub(crate) fn missing_parent(&self, owner: Uid) -> Option<Notice> {
        let facts = self.pod_of(owner)?;
        let pod = self.view.pods.get(&owner)?;
        let node = self.node_objects.get(&pod.node)?;
        let mut wants = pod.wants.iter();
        let why = wants.find_map(|want| {
            let interface = want.interface.as_str();
            if attached(node, owner, interface).is_some() {
                return None;
            }
            let mut networks = node.spec.networks.iter();
            let network = networks.find(|network| network.uid == want.network)?;
            lacks_parent(node, network)
        })?;
        let message = format!(
            "on node {}, {why}: the pod starts by itself when there is one",
            pod.node
        );
        Some(Notice::warning(
            facts,
            event::PARENT_INTERFACE_MISSING,
            &message,
        ))
    }
}

/// Why the node has no parent for the network, if it has none.
fn lacks_parent(node: &LandfallNode, network: &ServedNetwork) -> Option<String> {
    let name = &network.name;
    if network.parents.is_empty() && !network.isolated {
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
