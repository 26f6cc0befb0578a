//! 802.1Q and 802.1ad links on top of a parent, where a network asks for one that is missing.

use landfall_core::{
    id::{Name, Uid},
    link::ALIAS,
    network::VlanProtocol,
};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{self, InfoData, InfoKind, InfoVlan, LinkAttribute, LinkInfo, LinkMessage},
};
use nix::{
    errno::Errno,
    libc::{ETH_P_8021AD, ETH_P_8021Q, IFLA_INFO_DATA},
};

use crate::{
    attach::Node,
    driver, message,
    socket::{Attributes, NetlinkError, Request},
};

// linux/if_link.h; libc has no names for these.
const IFLA_VLAN_ID: u16 = 1;
const IFLA_VLAN_PROTOCOL: u16 = 5;

/// What a VLAN writes into its frames. A link carries one VLAN of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// 1 to 4094.
    pub id: u16,
    /// The tag's protocol.
    pub protocol: VlanProtocol,
}

/// A VLAN to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanLink {
    /// Its name.
    pub name: Name,
    /// The index of the link below.
    pub parent: u32,
    /// What it tags its frames with.
    pub tag: Tag,
    /// Its IFLA_IFALIAS, by which whoever made it knows that he may remove it: see [`vlan_alias`].
    pub alias: String,
}

/// What `ip link` shows of a VLAN that was made for a network. The mark is in the kernel alone: it is
/// there as long as the VLAN is.
pub fn vlan_alias(network: Uid) -> String {
    format!("{ALIAS}{network}")
}

/// Whether a VLAN has the alias of one that was made for a network, whichever.
pub fn is_vlan_alias(alias: &str) -> bool {
    let uid = alias.strip_prefix(ALIAS);
    uid.is_some_and(|uid| Uid::of(uid).to_string() == uid)
}

/// A VLAN that was not made or not removed.
#[derive(Debug, thiserror::Error)]
pub enum VlanError {
    /// The kernel refused to make it.
    #[error("cannot make the VLAN {name} with id {id}{}", hint(.source))]
    Make {
        /// Its name.
        name: Name,
        /// Its id.
        id: u16,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// The kernel refused to change its MTU.
    #[error("cannot give the VLAN with index {index} an MTU of {mtu}")]
    Mtu {
        /// Its index.
        index: u32,
        /// The MTU.
        mtu: u32,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// The kernel refused to remove it.
    #[error("cannot remove the VLAN with index {index}")]
    Remove {
        /// Its index.
        index: u32,
        /// Why.
        #[source]
        source: NetlinkError,
    },
}

fn hint(error: &NetlinkError) -> &'static str {
    match error.errno() {
        Some(Errno::EEXIST) => " (the parent has a VLAN of this id, or the name is taken)",
        Some(Errno::EOPNOTSUPP) => " (this kernel has no VLANs; load the module 8021q)",
        Some(Errno::ENODEV) => " (the parent is gone)",
        _ => "",
    }
}

// === impl VlanLink ===

impl VlanLink {
    /// Whether it is the same link, for whichever network.
    pub fn is(&self, other: &Self) -> bool {
        (&self.name, self.parent, self.tag) == (&other.name, other.parent, other.tag)
    }
}

// === impl Node ===

impl Node {
    /// Makes a VLAN on the node, sets it up and returns its index. A parent that is up is not required.
    pub fn make_vlan(&mut self, vlan: &VlanLink) -> Result<u32, VlanError> {
        let failed = |source| VlanError::Make {
            name: vlan.name.clone(),
            id: vlan.tag.id,
            source,
        };
        self.make_marked(create(vlan), &vlan.name, &vlan.alias)
            .map_err(failed)
    }

    /// Gives a VLAN an MTU, in bytes. The kernel lowers it with its parent's and never raises it.
    pub fn set_vlan_mtu(&mut self, index: u32, mtu: u32) -> Result<(), VlanError> {
        let request = message::set_link(index, [LinkAttribute::Mtu(mtu)]);
        let answer = self.host().call(request);
        answer.map_err(|source| VlanError::Mtu { index, mtu, source })
    }

    /// Removes a VLAN that we made, with every link on top of it. One that is gone is removed.
    pub fn remove_vlan(&mut self, index: u32) -> Result<(), VlanError> {
        let removed = self.remove_link(index);
        removed.map_err(|source| VlanError::Remove { index, source })
    }
}

/// What IFLA_LINKINFO says of a VLAN's tag.
pub(crate) fn tag(info: Attributes<'_>) -> Option<Tag> {
    if driver::kind(info) != "vlan" {
        return None;
    }
    let data = info.nested(IFLA_INFO_DATA);
    // In the order of the network.
    let protocol = data.u16(IFLA_VLAN_PROTOCOL).map(u16::from_be);
    let protocol = match protocol.map(i32::from) {
        Some(ETH_P_8021AD) => VlanProtocol::Service,
        Some(ETH_P_8021Q) | None => VlanProtocol::Customer,
        Some(_) => return None,
    };
    let id = data.u16(IFLA_VLAN_ID)?;
    Some(Tag { id, protocol })
}

fn create(vlan: &VlanLink) -> Request {
    let protocol = match vlan.tag.protocol {
        VlanProtocol::Customer => link::VlanProtocol::Ieee8021Q,
        VlanProtocol::Service => link::VlanProtocol::Ieee8021Ad,
    };
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(vlan.name.as_str().to_owned()),
        LinkAttribute::Link(vlan.parent),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vlan),
            LinkInfo::Data(InfoData::Vlan(vec![
                InfoVlan::Id(vlan.tag.id),
                InfoVlan::Protocol(protocol),
            ])),
        ]),
    ];
    Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
    }
}

#[cfg(test)]
mod tests;
