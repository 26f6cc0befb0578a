//! The choice of one network's parent.

use std::{fmt, sync::Arc};

use landfall_core::network::{Clash, LinkMatch};
use landfall_crds::{
    keys::reason,
    node::{ServedNetwork, ServedParent},
};
use landfall_link::{Parent as HostLink, VlanLink};

use super::{Choice, link_match};

/// Why a network has no parent on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// None of the rules is for this node.
    NoRule,
    /// No link is meant by any of the rules.
    NoLink {
        /// What the rules look for.
        wanted: Vec<String>,
    },
    /// One rule means several links, so none.
    Ambiguous {
        /// What the rule looks for.
        wanted: String,
        /// What it found.
        found: Vec<String>,
    },
    /// The link carries no Ethernet frames.
    Unfit {
        /// The link.
        interface: String,
    },
    /// An older network is on the link, with which this one can't share it.
    Conflict {
        /// The link.
        interface: String,
        /// The other network.
        older: String,
        /// Why they can't share it.
        clash: Clash,
    },
    /// The VLAN is not there (yet).
    NoVlan {
        /// The link below it.
        interface: String,
        /// What is missing.
        vlan: VlanLink,
        /// Why it could not be made.
        why: Option<String>,
    },
}

/// The first rule that finds something decides: a later one is for nodes that lack the first's link.
pub(super) fn parent(network: &ServedNetwork, links: &[Arc<HostLink>]) -> Choice {
    if network.parents.is_empty() {
        return Err(Missing::NoRule);
    }
    for rule in &network.parents {
        let Some(wanted) = link_match(rule) else {
            continue;
        };
        let found: Vec<_> = links
            .iter()
            .filter(|link| is_meant(&wanted, link))
            .collect();
        let found = prefer_lowest_metric(&wanted, found);
        match found.as_slice() {
            [] => {}
            [link] => return fit(link, rule, links),
            many => {
                return Err(Missing::Ambiguous {
                    wanted: describe(rule),
                    found: many.iter().map(|link| link.name.to_string()).collect(),
                });
            }
        }
    }
    Err(Missing::NoLink {
        wanted: network.parents.iter().map(describe).collect(),
    })
}

/// Ports of a bridge or bond and links on top of others share addresses with it, and so do VLANs: a
/// hardware address means the link that is none of these, if there is one.
fn is_meant(wanted: &LinkMatch, link: &HostLink) -> bool {
    match wanted {
        LinkMatch::Interface(_) => wanted.matches_name(link.name.as_str()),
        LinkMatch::Mac(mac) => {
            let own = link.permanent_mac == Some(*mac) || link.mac == Some(*mac);
            own && link.below.is_none() && link.port_of.is_none()
        }
        LinkMatch::Pci(address) => link.pci.as_deref() == Some(address.as_str()),
        LinkMatch::Subnet(_) => link
            .addresses
            .iter()
            .any(|net| wanted.matches_address(net.addr())),
        LinkMatch::DefaultRoute => link.default_route.is_some(),
    }
}

/// Of several default routes the kernel takes the one with the lowest metric.
fn prefer_lowest_metric<'a>(
    wanted: &LinkMatch,
    mut found: Vec<&'a Arc<HostLink>>,
) -> Vec<&'a Arc<HostLink>> {
    if *wanted == LinkMatch::DefaultRoute {
        let lowest = found.iter().filter_map(|link| link.default_route).min();
        found.retain(|link| link.default_route == lowest);
    }
    found
}

fn fit(link: &Arc<HostLink>, rule: &ServedParent, links: &[Arc<HostLink>]) -> Choice {
    let interface = || link.name.to_string();
    if !link.ethernet {
        return Err(Missing::Unfit {
            interface: interface(),
        });
    }
    let Some(vlan) = &rule.vlan else {
        return Ok(Arc::clone(link));
    };
    let standard = format!("{}.{}", link.name, vlan.id);
    let name = vlan.name.as_deref().unwrap_or(&standard);
    let on_top =
        |other: &&Arc<HostLink>| other.below == Some(link.index) && other.name.as_str() == name;
    let found = links.iter().find(on_top).map(Arc::clone);
    found.ok_or_else(|| Missing::NoVlan {
        interface: interface(),
        vlan: VlanLink {
            name: name.into(),
            parent: link.index,
            id: vlan.id,
            protocol: vlan.protocol.parse().unwrap_or_default(),
        },
        why: None,
    })
}

fn describe(rule: &ServedParent) -> String {
    match link_match(rule) {
        Some(LinkMatch::Interface(name)) => name.to_string(),
        Some(LinkMatch::Mac(mac)) => format!("the MAC address {mac}"),
        Some(LinkMatch::Pci(address)) => format!("the PCI address {address}"),
        Some(LinkMatch::Subnet(subnet)) => format!("an address in {subnet}"),
        Some(LinkMatch::DefaultRoute) => "the default route".to_owned(),
        None => "something that this version of the agent does not know".to_owned(),
    }
}

// === impl Missing ===

impl Missing {
    /// The condition's reason.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoRule => "NoParentForNode",
            Self::NoLink { .. } => "ParentInterfaceMissing",
            Self::Ambiguous { .. } => "AmbiguousParent",
            Self::Unfit { .. } => "ParentUnfit",
            Self::Conflict { .. } => reason::PARENT_CONFLICT,
            Self::NoVlan { .. } => "VlanMissing",
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("no entry of spec.parents is for this node"),
            Self::NoLink { wanted } => {
                write!(f, "no link of this node is {}", wanted.join(" or "))
            }
            Self::Ambiguous { wanted, found } => write!(
                f,
                "{wanted} means {} of this node; name exactly one in spec.parents",
                found.join(" and ")
            ),
            Self::Unfit { interface } => write!(
                f,
                "{interface} carries no Ethernet frames, or is the loopback; choose another link"
            ),
            Self::Conflict {
                interface,
                older,
                clash,
            } => write!(
                f,
                "{older}, which is older, is on {interface}: {clash}; choose another link, or a VLAN"
            ),
            Self::NoVlan {
                interface,
                vlan,
                why,
            } => {
                let id = vlan.id;
                let why = why.as_deref().unwrap_or("it is being made");
                write!(f, "VLAN {id} on {interface} is not there: {why}")
            }
        }
    }
}
