//! The parent of a network that has none on any node: a link that ends at the node, made for it.

use std::sync::Arc;

use landfall_core::id::{Name, Uid};
use landfall_crds::node::ServedNetwork;
use landfall_link::{BridgeLink, Parent as HostLink, vlan_alias};

use super::{Choice, Missing, is_made};

pub(super) fn parent(network: &ServedNetwork, links: &[Arc<HostLink>]) -> Choice {
    let name = name(network.uid);
    let found = links.iter().find(|link| link.name == name);
    match found {
        Some(link) if is_made(link) => Ok(Arc::clone(link)),
        other => Err(Missing::NoBridge {
            bridge: BridgeLink {
                name,
                mtu: network.mtu,
                alias: vlan_alias(network.uid),
            },
            why: other.map(|_| "another interface of the node has this name".to_owned()),
        }),
    }
}

/// The last twelve digits of the UID: an interface's name has no room for more.
fn name(network: Uid) -> Name {
    let digits = network.0 & 0xffff_ffff_ffff;
    Name::from(format!("lf-{digits:012x}").as_str())
}
