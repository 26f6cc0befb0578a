//! The choice of one network's parent.

use std::sync::Arc;

use landfall_core::{link::ObservedDriver, network::LinkMatch};
use landfall_crds::node::{ServedNetwork, ServedParent};
use landfall_link::{Parent as HostLink, is_vlan_alias};

use super::{Choice, Missing, isolated, link_match, vlan, with_index};

/// Links that take all packets of their ports, which then carry no macvlan or ipvlan. A VRF is none: its
/// ports keep their packets. Read in Linux 6.18 (callers of netdev_rx_handler_register); bridge tried.
const HOLDERS: [&str; 5] = ["bridge", "bond", "team", "openvswitch", "hsr"];

/// The first rule that finds something decides: a later one is for nodes that lack the first's link.
pub(super) fn parent(network: &ServedNetwork, links: &[Arc<HostLink>]) -> Choice {
    if network.node_local {
        return isolated::parent(network, links);
    }
    if network.parents.is_empty() {
        return Err(Missing::NoRule);
    }
    for rule in &network.parents {
        let Some(wanted) = link_match(rule) else {
            continue;
        };
        match meant(&wanted, links).as_slice() {
            [] => {}
            [link] => return fit(network, rule, link, links),
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
        vlan: network
            .parents
            .iter()
            .find_map(|rule| vlan::spelled(rule, links)),
    })
}

/// The links that a rule means.
fn meant<'l>(wanted: &LinkMatch, links: &'l [Arc<HostLink>]) -> Vec<&'l Arc<HostLink>> {
    let mut found: Vec<_> = links.iter().filter(|link| is_meant(wanted, link)).collect();
    match wanted {
        // Of several default routes the kernel takes the one with the lowest metric.
        LinkMatch::DefaultRoute => {
            let best = found.iter().filter_map(|link| link.default_route).min();
            found.retain(|link| link.default_route == best);
        }
        // A bond or bridge has the address of one of its ports, and a glob may mean ports too. What can
        // carry nothing is named only if there is nothing else.
        LinkMatch::Interface(_) | LinkMatch::Mac(_) => {
            let usable = |link: &&Arc<HostLink>| link.ethernet && holder(link, links).is_none();
            if found.iter().any(usable) {
                found.retain(usable);
            }
        }
        LinkMatch::Pci(_) | LinkMatch::Subnet(_) => {}
    }
    found
}

/// VLANs and other links on top share the hardware address of what is below: a hardware address means the
/// latter. A VLAN that was made for a network is nobody's NIC: a glob does not mean it, or the network
/// that asked for it by `eth*` would find two from then on.
fn is_meant(wanted: &LinkMatch, link: &HostLink) -> bool {
    match wanted {
        LinkMatch::Interface(pattern) => {
            *pattern == link.name || wanted.matches_name(link.name.as_str()) && !is_made(link)
        }
        LinkMatch::Mac(mac) => {
            let own = link.permanent_mac == Some(*mac) || link.mac == Some(*mac);
            own && link.below.is_none()
        }
        LinkMatch::Pci(address) => link.pci.as_deref() == Some(address.as_str()),
        LinkMatch::Subnet(_) => link
            .addresses
            .iter()
            .any(|net| wanted.matches_address(net.addr())),
        LinkMatch::DefaultRoute => link.default_route.is_some(),
    }
}

/// Whether a link was made for a network: a VLAN, or the parent of one that has none.
pub(crate) fn is_made(link: &HostLink) -> bool {
    (link.tag.is_some() || link.kind() == "bridge")
        && link.alias.as_deref().is_some_and(is_vlan_alias)
}

/// Who takes all packets of a link, if somebody does.
fn holder<'l>(link: &HostLink, links: &'l [Arc<HostLink>]) -> Option<&'l Arc<HostLink>> {
    let of = with_index(links, link.port_of?)?;
    HOLDERS.contains(&of.kind()).then_some(of)
}

/// What a network's links can hang from, or why they can't.
fn fit(
    network: &ServedNetwork,
    rule: &ServedParent,
    link: &Arc<HostLink>,
    links: &[Arc<HostLink>],
) -> Choice {
    if let Some(wanted) = &rule.vlan {
        can_carry(link)?;
        let vlan = vlan::on(network, link, wanted, links)?;
        return free(vlan, links);
    }
    let link = lowest(network, link, links)?;
    can_carry(link)?;
    free(link, links)
}

fn can_carry(link: &HostLink) -> Result<(), Missing> {
    if link.ethernet {
        return Ok(());
    }
    Err(Missing::Unfit {
        interface: link.name.to_string(),
    })
}

fn free(link: &Arc<HostLink>, links: &[Arc<HostLink>]) -> Choice {
    match holder(link, links) {
        None => Ok(Arc::clone(link)),
        Some(holder) => Err(Missing::Held {
            interface: link.name.to_string(),
            by: holder.name.to_string(),
            kind: holder.kind().to_owned(),
        }),
    }
}

/// A link on a macvlan is made on what is below that one (and ipvlan likewise), and shows the lower one as
/// its parent: Linux 6.18, tried with macvlan.
fn lowest<'l>(
    network: &ServedNetwork,
    link: &'l Arc<HostLink>,
    links: &'l [Arc<HostLink>],
) -> Result<&'l Arc<HostLink>, Missing> {
    let is_same_kind = match &link.driver {
        ObservedDriver::Ours(driver) => driver.kind().as_str() == network.kind,
        ObservedDriver::Other(_) => false,
    };
    if !is_same_kind {
        return Ok(link);
    }
    let below = link.below.and_then(|below| with_index(links, below));
    below.ok_or_else(|| Missing::Elsewhere {
        interface: link.name.to_string(),
        kind: link.kind().to_owned(),
    })
}

pub(super) fn describe(rule: &ServedParent) -> String {
    match link_match(rule) {
        Some(LinkMatch::Interface(name)) => name.to_string(),
        Some(LinkMatch::Mac(mac)) => format!("the MAC address {mac}"),
        Some(LinkMatch::Pci(address)) => format!("the PCI address {address}"),
        Some(LinkMatch::Subnet(subnet)) => format!("an address in {subnet}"),
        Some(LinkMatch::DefaultRoute) => "the default route".to_owned(),
        None => "something that this version of the agent does not know".to_owned(),
    }
}
