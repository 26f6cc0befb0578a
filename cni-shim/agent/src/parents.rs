//! Which link of this node each network hangs from.
//!
//! Level-triggered: from the networks of the spec and the node's links as they are now, anew at every
//! change of either.

use std::{collections::BTreeMap, sync::Arc};

use landfall_core::{id::Uid, network::LinkMatch};
use landfall_crds::node::{ParentStatus, ServedNetwork, ServedParent};
use landfall_link::{Parent as HostLink, VlanLink};

mod choose;
mod watch;

pub use choose::Missing;
pub use watch::watch;

/// The parents of all networks on this node, by network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parents(BTreeMap<Uid, Choice>);

/// What was found for one network.
pub type Choice = Result<Arc<HostLink>, Missing>;

// === impl Parents ===

impl Parents {
    /// Finds the parent of each network.
    pub fn resolve(networks: &[ServedNetwork], links: &[Arc<HostLink>]) -> Self {
        let choices = networks
            .iter()
            .map(|network| (network.uid, choose::parent(network, links)));
        Self(choices.collect())
    }

    /// The parent of a network; `None` if the network is not in the spec.
    pub fn of(&self, network: Uid) -> Option<&Choice> {
        self.0.get(&network)
    }

    /// The links that networks hang from.
    pub fn chosen(&self) -> impl Iterator<Item = &Arc<HostLink>> {
        self.0.values().filter_map(|choice| choice.as_ref().ok())
    }

    /// The VLANs that would have to be made.
    pub fn missing_vlans(&self) -> impl Iterator<Item = &VlanLink> {
        let missing = self.0.values().filter_map(|choice| choice.as_ref().err());
        missing.filter_map(Missing::vlan)
    }

    /// Notes why a VLAN could not be made.
    pub fn explain(&mut self, failed: &VlanLink, because: &str) {
        for choice in self.0.values_mut() {
            if let Err(Missing::NoVlan { vlan, why, .. }) = choice
                && vlan == failed
            {
                *why = Some(because.to_owned());
            }
        }
    }

    /// For `status.parents`.
    pub fn status(&self) -> Vec<ParentStatus> {
        self.0
            .iter()
            .map(|(network, choice)| status(*network, choice))
            .collect()
    }
}

fn status(network: Uid, choice: &Choice) -> ParentStatus {
    match choice {
        Ok(link) => ParentStatus {
            network,
            interface: Some(link.name.as_str().to_owned()),
            ready: true,
            reason: None,
            message: None,
        },
        Err(missing) => ParentStatus {
            network,
            interface: None,
            ready: false,
            reason: Some(missing.reason().to_owned()),
            message: Some(missing.to_string()),
        },
    }
}

/// What a rule says of links; `None` if it names nothing that this agent knows.
fn link_match(rule: &ServedParent) -> Option<LinkMatch> {
    if let Some(name) = &rule.interface {
        return Some(LinkMatch::Interface(name.as_str().into()));
    }
    if let Some(mac) = rule.mac_address {
        return Some(LinkMatch::Mac(mac));
    }
    if let Some(pci) = &rule.pci_address {
        return Some(LinkMatch::Pci(pci.as_str().into()));
    }
    if let Some(subnet) = rule.subnet {
        return Some(LinkMatch::Subnet(subnet));
    }
    rule.from_default_route.then_some(LinkMatch::DefaultRoute)
}

#[cfg(test)]
mod tests;
