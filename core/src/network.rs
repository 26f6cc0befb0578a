//! A network as its user wants it, checked: what `landfall-crds` makes of a MacvlanNetwork or an
//! IpvlanNetwork.
//!
//! Nothing in here can be wrong by itself: gateways lie in their subnets, ranges too, and what may
//! be handed out is computed once. Only what needs other objects (overlaps inside a segment, taken
//! names, parents that are not there) is still open.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    address::Family,
    id::{Name, Uid},
    mac::Mac,
};

mod parent;
mod selector;
mod sharing;
mod sketch;
mod subnet;
mod sysctl;
mod words;

pub use parent::{LinkMatch, Parent, ParentRule, Vlan};
pub use selector::{Labels, Operator, Requirement, Selector};
pub use sharing::Clash;
pub use subnet::{Subnet, reserved, usable};
pub use sysctl::SYSCTLS;
pub use words::{
    DefaultRoute, IpamType, IpvlanFlag, IpvlanMode, MacvlanMode, NetworkKind, NodeDeletion,
    UnknownWord, VlanProtocol,
};

/// The kernel driver of a network's links, with what belongs to it alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Driver {
    /// A link with a hardware address of its own.
    Macvlan(Macvlan),
    /// A link that shares the parent's hardware address.
    Ipvlan {
        /// Where packets are routed.
        mode: IpvlanMode,
        /// Who may talk to whom.
        flag: IpvlanFlag,
    },
}

/// The options of macvlan. `None` is the kernel's default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Macvlan {
    /// Who may talk to whom.
    pub mode: MacvlanMode,
    /// The first two bytes of derived hardware addresses.
    pub prefix: [u8; 2],
    /// IFLA_MACVLAN_BC_QUEUE_LEN, packets.
    pub broadcast_queue_length: Option<u32>,
    /// IFLA_MACVLAN_BC_CUTOFF.
    pub broadcast_cutoff: Option<i32>,
    /// MACVLAN_FLAG_NOPROMISC.
    pub no_promiscuous: bool,
    /// The peers of mode source.
    pub allowed_sources: Vec<Mac>,
}

/// How addresses come to an attachment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipam {
    /// Who gives addresses.
    pub kind: IpamType,
    /// Where addresses come from, in the order of the user. Empty unless `kind` is Cluster.
    pub subnets: Vec<Subnet>,
    /// How long a released address rests, if the pool has others.
    pub reuse_preferred_ms: u64,
    /// How long it rests in any case; at most `reuse_preferred_ms`.
    pub reuse_minimum_ms: u64,
    /// Whether the LAN is asked for an address before its first use.
    pub conflict_probe: bool,
    /// How long an address is left alone that another host was found to use.
    pub foreign_ms: u64,
}

/// How long an address is left alone that another host was found to use: ten minutes, the time after which
/// networks forget who had an address (a switch's table, five; a router's, minutes to hours).
pub const FOREIGN_MS: u64 = 600_000;

/// A route of the attachment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: IpNet,
    /// Through whom; `None` is on the link.
    pub gateway: Option<IpAddr>,
    /// The priority; `None` is the kernel's.
    pub metric: Option<u32>,
}

/// A permanent neighbour of the attachment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Neighbor {
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
}

/// How an attachment tells the LAN that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Announce {
    /// How often; 0 is never.
    pub count: u8,
    /// The time between two.
    pub interval_ms: u64,
}

/// A network that one object shows to be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of the user's object"
)]
pub struct Network {
    /// The object's UID.
    pub uid: Uid,
    /// The object's name.
    pub name: Name,
    /// macvlan or ipvlan, and its options.
    pub driver: Driver,
    /// The L2 it is on: addresses are unique in a segment.
    pub segment: Name,
    /// Which namespaces may attach.
    pub namespaces: Selector,
    /// Where its links hang, tried in order.
    pub parents: Vec<ParentRule>,
    /// The links' MTU; `None` follows the parent.
    pub mtu: Option<u32>,
    /// IFLA_TXQLEN.
    pub tx_queue_length: Option<u32>,
    /// IFF_ALLMULTI.
    pub all_multicast: bool,
    /// How addresses come to an attachment.
    pub ipam: Ipam,
    /// Whether the link listens to router advertisements.
    pub accept_router_advertisements: bool,
    /// Whether the kernel probes IPv6 addresses before their use.
    pub duplicate_address_detection: bool,
    /// Routes of every attachment.
    pub routes: Vec<Route>,
    /// Permanent neighbours of every attachment.
    pub neighbors: Vec<Neighbor>,
    /// Whether the attachment takes the pod's default route.
    pub default_route: DefaultRoute,
    /// The priority of that default route; `None` is the kernel's.
    pub default_route_metric: Option<u32>,
    /// How an attachment tells the LAN that it is there.
    pub announce: Announce,
    /// Whether the node reaches its own pods on this network.
    pub host_access: bool,
    /// No gateway, no default route, no parent needed.
    pub isolated: bool,
    /// Values of the interface's sysctls by their name below `net`, with `IFNAME` for the interface.
    pub sysctls: BTreeMap<String, String>,
    /// No new grants; what is attached stays.
    pub paused: bool,
    /// How many addresses of this network one namespace may hold.
    pub limit_per_namespace: Option<u32>,
    /// When a deleted Node proves that its machine is off.
    pub node_deletion: NodeDeletion,
    /// In which namespaces a NetworkAttachmentDefinition is rendered.
    pub attachment_definition: Option<Selector>,
}

// === impl Driver ===

impl Driver {
    /// The kind of the user's object.
    pub const fn kind(&self) -> NetworkKind {
        match self {
            Self::Macvlan(_) => NetworkKind::Macvlan,
            Self::Ipvlan { .. } => NetworkKind::Ipvlan,
        }
    }

    /// The mode in the kernel's spelling.
    pub const fn mode(&self) -> &'static str {
        match self {
            Self::Macvlan(macvlan) => macvlan.mode.as_str(),
            Self::Ipvlan { mode, .. } => mode.as_str(),
        }
    }

    /// Whether links have a hardware address of their own. Those of ipvlan and of mode passthru have their
    /// parent's and take no other.
    pub fn has_own_mac(&self) -> bool {
        match self {
            Self::Macvlan(macvlan) => macvlan.mode != MacvlanMode::Passthru,
            Self::Ipvlan { .. } => false,
        }
    }

    /// Whether the parent's namespace routes, so that the way out is the link itself, whatever the gateway.
    pub const fn is_routed(&self) -> bool {
        match self {
            Self::Macvlan(_) => false,
            Self::Ipvlan { mode, .. } => matches!(mode, IpvlanMode::L3 | IpvlanMode::L3s),
        }
    }

    /// The flag, which only ipvlan has.
    pub const fn flag(&self) -> Option<IpvlanFlag> {
        match self {
            Self::Macvlan(_) => None,
            Self::Ipvlan { flag, .. } => Some(*flag),
        }
    }
}

impl Default for Macvlan {
    fn default() -> Self {
        Self {
            mode: MacvlanMode::Bridge,
            prefix: crate::mac::DEFAULT_PREFIX,
            broadcast_queue_length: None,
            broadcast_cutoff: None,
            no_promiscuous: false,
            allowed_sources: Vec::new(),
        }
    }
}

// === impl Network ===

impl Network {
    /// The families that an attachment needs an address of: all that have a subnet somewhere, also
    /// where no subnet of one family serves the pod's node (dual stack is all or nothing).
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        Family::ALL
            .into_iter()
            .filter(|f| self.ipam.subnets.iter().any(|s| s.family() == *f))
    }

    /// Whether it has no parent on any node: each node's pods are among themselves.
    pub const fn is_node_local(&self) -> bool {
        self.isolated && self.parents.is_empty()
    }

    /// The subnets that may serve a pod on a node with these labels, in the user's order.
    pub fn subnets_for<'a>(
        &'a self,
        family: Family,
        node: &'a Labels,
    ) -> impl Iterator<Item = &'a Subnet> {
        self.ipam
            .subnets
            .iter()
            .filter(move |s| s.family() == family && s.serves(node))
    }

    /// The subnet that hands this address out.
    pub fn subnet_of(&self, address: IpAddr) -> Option<&Subnet> {
        let handing_out = |s: &&Subnet| s.usable.contains(address);
        self.ipam.subnets.iter().find(handing_out)
    }

    /// The parents that a node with these labels tries, in order.
    pub fn parents_for<'a>(&'a self, node: &'a Labels) -> impl Iterator<Item = &'a Parent> {
        self.parents
            .iter()
            .filter(|rule| rule.nodes.as_ref().is_none_or(|s| s.matches(node)))
            .map(|rule| &rule.parent)
    }

    /// How many addresses of a family may be handed out, at most `u128::MAX`. Subnets of one
    /// network don't overlap.
    pub fn capacity(&self, family: Family) -> u128 {
        self.ipam
            .subnets
            .iter()
            .filter(|s| s.family() == family)
            .fold(0, |sum: u128, s| sum.saturating_add(s.usable.count()))
    }
}

#[cfg(test)]
mod tests;
