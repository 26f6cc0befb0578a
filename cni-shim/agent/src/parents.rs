//! Which link of this node each network hangs from.
//!
//! Level-triggered: from the networks of the spec and the node's links as they are now, anew at every
//! change of either.

use std::{collections::BTreeMap, sync::Arc};

use landfall_core::{
    id::Uid,
    network::{Driver, LinkMatch},
};
use landfall_crds::node::{ParentStatus, ServedNetwork, ServedParent};
use landfall_link::Parent as HostLink;

use crate::attach;

mod choose;
mod isolated;
mod missing;
mod vlan;
mod watch;

pub(crate) use choose::is_made;
pub use missing::{Missing, NodeLink};
pub use watch::watch;

/// The parents of all networks on this node, by network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parents(BTreeMap<Uid, Choice>);

/// What was found for one network.
pub type Choice = Result<Arc<HostLink>, Missing>;

// === impl Parents ===

impl Parents {
    /// Finds the parent of each network. The spec lists the oldest first: a younger network that can't
    /// share the link with it has none.
    pub fn resolve(networks: &[ServedNetwork], links: &[Arc<HostLink>]) -> Self {
        let mut claims: BTreeMap<u32, Vec<Claim<'_>>> = BTreeMap::new();
        let mut choices = BTreeMap::new();
        for network in networks {
            let found = choose::parent(network, links);
            let choice = found.and_then(|link| claim(network, link, &mut claims));
            choices.insert(network.uid, choice);
        }
        Self(choices)
    }

    /// The parent of a network; `None` if the network is not in the spec.
    pub fn of(&self, network: Uid) -> Option<&Choice> {
        self.0.get(&network)
    }

    /// The link that a network hangs from, if there is one.
    pub fn link_of(&self, network: Uid) -> Option<&Arc<HostLink>> {
        self.of(network)?.as_ref().ok()
    }

    /// The links that networks hang from.
    pub fn chosen(&self) -> impl Iterator<Item = &Arc<HostLink>> {
        self.0.values().filter_map(|choice| choice.as_ref().ok())
    }

    /// The links that would have to be made.
    pub fn to_make(&self) -> impl Iterator<Item = NodeLink> {
        let missing = self.0.values().filter_map(|choice| choice.as_ref().err());
        missing.filter_map(Missing::to_make)
    }

    /// Notes why a link could not be made.
    pub fn explain(&mut self, failed: &NodeLink, because: &str) {
        let choices = self.0.values_mut();
        for missing in choices.filter_map(|choice| choice.as_mut().err()) {
            missing.explain(failed, because);
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

/// A network on a link. Of a word that this agent does not know nothing follows: its attaches fail by
/// themselves.
struct Claim<'n> {
    network: &'n ServedNetwork,
    driver: Driver,
}

fn claim<'n>(
    network: &'n ServedNetwork,
    link: Arc<HostLink>,
    claims: &mut BTreeMap<u32, Vec<Claim<'n>>>,
) -> Choice {
    let Ok(driver) = attach::driver(network) else {
        return Ok(link);
    };
    let older = claims.entry(link.index).or_default();
    let mut clashes = older
        .iter()
        .filter_map(|older| Some((older, driver.clash(&older.driver)?)));
    if let Some((older, clash)) = clashes.next() {
        return Err(Missing::Conflict {
            interface: link.name.to_string(),
            older: format!("{}Network {}", older.network.kind, older.network.name),
            clash,
        });
    }
    older.push(Claim { network, driver });
    Ok(link)
}

fn status(network: Uid, choice: &Choice) -> ParentStatus {
    match choice {
        Ok(link) => ParentStatus {
            network,
            interface: Some(link.name.as_str().to_owned()),
            mtu: Some(link.mtu),
            mac: link.mac,
            ready: true,
            reason: silent(link).map(|(reason, _)| reason.to_owned()),
            message: silent(link).map(|(_, message)| message),
        },
        Err(missing) => ParentStatus {
            network,
            interface: None,
            mtu: None,
            mac: None,
            ready: false,
            reason: Some(missing.reason().to_owned()),
            message: Some(missing.to_string()),
        },
    }
}

/// Why a link that pods can attach to carries nothing, if it does not.
fn silent(link: &HostLink) -> Option<(&'static str, String)> {
    let name = &link.name;
    if !link.up {
        return Some(("ParentDown", format!("{name} is down")));
    }
    (!link.carrier).then(|| ("NoCarrier", format!("{name} has no carrier")))
}

/// The link of that index.
pub(crate) fn with_index(links: &[Arc<HostLink>], index: u32) -> Option<&Arc<HostLink>> {
    links.iter().find(|link| link.index == index)
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
