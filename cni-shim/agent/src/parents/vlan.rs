//! VLANs that networks ask for.

use std::sync::Arc;

use landfall_core::{attachment::check_interface, network::Vlan};
use landfall_crds::node::{ServedNetwork, ServedParent, ServedVlan};
use landfall_link::{Parent as HostLink, Tag, VlanLink, vlan_alias};

use super::{Missing, link_match};

/// The VLAN on a link, whatever its name: the kernel has no second one of the same tag.
pub(super) fn on<'l>(
    network: &ServedNetwork,
    link: &HostLink,
    wanted: &ServedVlan,
    links: &'l [Arc<HostLink>],
) -> Result<&'l Arc<HostLink>, Missing> {
    let tag = Tag {
        id: wanted.id,
        protocol: wanted.protocol.parse().unwrap_or_default(),
    };
    let on_top = |other: &&Arc<HostLink>| other.below == Some(link.index) && other.tag == Some(tag);
    if let Some(found) = links.iter().find(on_top) {
        return Ok(found);
    }
    let standard = Vlan::standard_name(link.name.as_str(), wanted.id);
    let name = wanted.name.as_deref().unwrap_or(&standard);
    let taken = links.iter().any(|other| other.name.as_str() == name);
    let fault = match check_interface(name) {
        Err(fault) => Some(fault.to_string()),
        Ok(()) if taken => Some("another interface of the node has this name".to_owned()),
        Ok(()) => None,
    };
    let interface = link.name.to_string();
    Err(match fault {
        Some(fault) => Missing::VlanName {
            interface,
            id: wanted.id,
            name: name.to_owned(),
            fault,
        },
        None => Missing::NoVlan {
            interface,
            vlan: VlanLink {
                name: name.into(),
                parent: link.index,
                tag,
                alias: vlan_alias(network.uid),
            },
            why: None,
        },
    })
}

/// What the user may have meant by the name of an interface that is not there: `eth1.70` where there is
/// an eth1, which other programs take as the wish for a VLAN.
pub(super) fn spelled(rule: &ServedParent, links: &[Arc<HostLink>]) -> Option<(String, u16)> {
    link_match(rule)?;
    let (below, id) = Vlan::spelled(rule.interface.as_deref()?)?;
    let has = links.iter().any(|link| link.name.as_str() == below);
    (has && rule.vlan.is_none()).then(|| (below.to_owned(), id))
}
