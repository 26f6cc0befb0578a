//! The parent of a network that has none: a bridge without ports. Links hang from it as from a NIC, and
//! what they send ends there. A dummy would do as well, but a kernel that runs containers may lack it.

use landfall_core::id::Name;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
};
use nix::errno::Errno;

use crate::{
    attach::Node,
    socket::{NetlinkError, Request},
};

/// A bridge to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeLink {
    /// Its name.
    pub name: Name,
    /// Its MTU in bytes; `None` is the kernel's.
    pub mtu: Option<u32>,
    /// Its IFLA_IFALIAS, by which whoever made it knows that he may remove it.
    pub alias: String,
}

/// A bridge that was not made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the bridge {name}{}", hint(.source))]
pub struct BridgeError {
    /// Its name.
    pub name: Name,
    /// Why.
    #[source]
    pub source: NetlinkError,
}

fn hint(error: &NetlinkError) -> &'static str {
    match error.errno() {
        Some(Errno::EEXIST) => " (the name is taken)",
        Some(Errno::EOPNOTSUPP) => " (this kernel has no bridges; load the module bridge)",
        _ => "",
    }
}

impl Node {
    /// Makes a bridge on the node and sets it up.
    pub fn make_bridge(&mut self, bridge: &BridgeLink) -> Result<u32, BridgeError> {
        let made = self.make_marked(create(bridge), &bridge.name, &bridge.alias);
        made.map_err(|source| BridgeError {
            name: bridge.name.clone(),
            source,
        })
    }
}

fn create(bridge: &BridgeLink) -> Request {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(bridge.name.as_str().to_owned())];
    let mtu = bridge.mtu.map(LinkAttribute::Mtu);
    message.attributes.extend(mtu);
    let kind = LinkInfo::Kind(InfoKind::Bridge);
    message.attributes.push(LinkAttribute::LinkInfo(vec![kind]));
    Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
    }
}
