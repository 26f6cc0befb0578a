//! Which host link a network's links hang from.

use alloc::{format, string::String};
use core::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;

use super::{Selector, VlanProtocol};
use crate::{id::Name, mac::Mac};

/// A parent, and the nodes that it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParentRule {
    /// The nodes; `None` is every node.
    pub nodes: Option<Selector>,
    /// The host link.
    pub parent: Parent,
}

/// How a node finds the host link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parent {
    /// What the link must have.
    pub link: LinkMatch,
    /// A VLAN on top of it.
    pub vlan: Option<Vlan>,
}

/// What identifies a host link. More than one match is no match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkMatch {
    /// A name, or a glob with `*` and `?`.
    Interface(Name),
    /// Its permanent or current hardware address.
    Mac(Mac),
    /// Its PCI address, for example `0000:3b:00.1`.
    Pci(Name),
    /// An address of it lies in this subnet.
    Subnet(IpNet),
    /// The node's default route leaves through it.
    DefaultRoute,
}

/// An 802.1Q or 802.1ad link on top of a parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vlan {
    /// One of [`Self::IDS`].
    pub id: u16,
    /// Its name; `None` is `<parent>.<id>`.
    pub name: Option<Name>,
    /// The tag's protocol.
    pub protocol: VlanProtocol,
}

// === impl Vlan ===

impl Vlan {
    /// What a frame's tag can say, but for 0 (none) and 4095 (reserved).
    pub const IDS: RangeInclusive<u16> = 1..=4094;

    /// What a VLAN is called that has no other name, `eth1.70`. Docker and ip(8) call it so too.
    pub fn standard_name(parent: &str, id: u16) -> String {
        format!("{parent}.{id}")
    }

    /// The parent and the id that a name of that form spells.
    pub fn spelled(name: &str) -> Option<(&str, u16)> {
        let (parent, id) = name.rsplit_once('.')?;
        // As it is printed: no sign, no zero before it.
        let is_number = id.bytes().all(|b| b.is_ascii_digit()) && !id.starts_with('0');
        let id = id.parse().ok().filter(|id| Self::IDS.contains(id))?;
        (is_number && !parent.is_empty()).then_some((parent, id))
    }
}

// === impl LinkMatch ===

impl LinkMatch {
    /// Whether a link with this name is meant. The other ways to match need more than a name.
    pub fn matches_name(&self, name: &str) -> bool {
        match self {
            Self::Interface(pattern) => glob(pattern.as_str().as_bytes(), name.as_bytes()),
            Self::Mac(_) | Self::Pci(_) | Self::Subnet(_) | Self::DefaultRoute => false,
        }
    }

    /// Whether a link with this address is meant.
    pub fn matches_address(&self, address: IpAddr) -> bool {
        match self {
            Self::Subnet(subnet) => subnet.contains(&address),
            Self::Interface(_) | Self::Mac(_) | Self::Pci(_) | Self::DefaultRoute => false,
        }
    }
}

/// `*` is any text, `?` one byte. Interface names have no more than 15 bytes, so going back to the
/// last `*` costs nothing.
fn glob(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            ([p, pattern_rest @ ..], [t, text_rest @ ..]) if *p == b'?' || p == t => {
                pattern = pattern_rest;
                text = text_rest;
            }
            ([], []) => return true,
            _ => {
                let Some((after_star, [_, shorter @ ..])) = retry else {
                    return false;
                };
                retry = Some((after_star, shorter));
                pattern = after_star;
                text = shorter;
            }
        }
    }
}
