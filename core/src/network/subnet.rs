//! A subnet, and which of its addresses may be handed out.

use core::net::IpAddr;

use ipnet::IpNet;

use super::{Labels, Selector};
use crate::address::{Family, Range, RangeSet};

/// A subnet of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    /// The subnet; its length is the prefix length of addresses.
    pub cidr: IpNet,
    /// The router. Never handed out; an IPv6 one may be link-local.
    pub gateway: Option<IpAddr>,
    /// The nodes whose pods it serves; `None` is every node.
    pub nodes: Option<Selector>,
    /// What may be handed out, see [`usable`].
    pub usable: RangeSet,
}

/// Addresses that no host of a LAN can have as its own.
const RESERVED: [&str; 8] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/127",
    "::ffff:0:0/96",
    "fe80::/10",
    "ff00::/8",
];

/// The reserved addresses that a subnet reaches into, if it does.
pub fn reserved(cidr: IpNet) -> Option<&'static str> {
    let overlaps = |reserved: &&str| {
        let reserved = reserved.parse::<Range>();
        reserved.is_ok_and(|reserved| reserved.overlaps(&cidr.into()))
    };
    RESERVED.into_iter().find(|r| overlaps(r))
}

/// The addresses of a subnet that may be handed out: the ranges, or everything if there are none,
/// without the excluded ones, the gateway, and the addresses that have a meaning of their own
/// (invariant 9): in IPv4 up to /30 network and broadcast address, in IPv6 up to /126 the all-zeros
/// address, which is the routers' anycast address (RFC 4291, 2.6.1).
pub fn usable(
    cidr: IpNet,
    gateway: Option<IpAddr>,
    ranges: &[Range],
    exclude: &[Range],
) -> RangeSet {
    let whole = Range::from(cidr);
    let mut set: RangeSet = if ranges.is_empty() {
        whole.into()
    } else {
        ranges.iter().copied().collect()
    };
    for range in exclude {
        set.subtract(range);
    }
    let bits = Family::of(whole.first()).bits();
    if cidr.prefix_len() + 1 < bits {
        set.subtract(&Range::single(whole.first()));
    }
    if cidr.prefix_len() + 1 < bits && whole.family() == Family::V4 {
        set.subtract(&Range::single(whole.last()));
    }
    if let Some(gateway) = gateway {
        set.subtract(&Range::single(gateway));
    }
    set
}

// === impl Subnet ===

impl Subnet {
    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        Family::of(self.cidr.addr())
    }

    /// Whether it serves pods on a node with these labels.
    pub fn serves(&self, node: &Labels) -> bool {
        self.nodes.as_ref().is_none_or(|s| s.matches(node))
    }
}
