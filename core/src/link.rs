//! A link in a sandbox: what is wanted, what is there, and the steps from one to the other.
//!
//! ```text
//! Link (wanted) ─┐
//!                ├─ plan_attach ─> [Step] ─ execute ─> Observed ─ check ─> [] (nothing differs)
//! Observed ──────┘                    └─ on error: undo, last step first
//! ```
//!
//! A plan leaves its executor no choice: each [`Step`] is one request to the kernel with all its
//! values. A plan made from what a finished plan left behind is empty: that is CHECK, and a
//! repeated ADD.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;

use crate::{
    id::Name,
    mac::Mac,
    network::{Driver, Neighbor, NetworkKind, Route},
};

mod check;
mod index;
mod plan;
mod setting;
mod sketch;
mod step;

pub use check::{Difference, check};
pub use index::{index, next_index};
pub use plan::{Conflict, plan_attach, plan_detach, take_over_default, undo};
pub use setting::{Ipv4Setting, Setting, settings};
pub use step::Step;

/// A link as an attachment wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is fixed when the link is made.
    pub device: Device,
    /// Its sysctls, one value each ([`settings`]).
    pub settings: Vec<Setting>,
    /// Whether the kernel asks the LAN for an IPv6 address before it uses it.
    pub dad: bool,
    /// Addresses with the length of their subnet's prefix.
    pub addresses: Vec<IpNet>,
    /// Routes, the default routes among them.
    pub routes: Vec<Route>,
    /// Permanent neighbours.
    pub neighbors: Vec<Neighbor>,
}

/// The device below a link: what RTM_NEWLINK is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The interface's name in the sandbox. It is the final one from the start.
    pub name: Name,
    /// The interface's index in the sandbox, chosen by us ([`index`]): every later request can be
    /// written before the kernel has answered the first.
    pub index: u32,
    /// The parent's index in the node's own network namespace.
    pub parent: u32,
    /// macvlan or ipvlan, and its options.
    pub driver: Driver,
    /// The hardware address; `None` leaves it to the kernel: random for macvlan, the parent's for
    /// ipvlan and for mode passthru, which take no other.
    pub mac: Option<Mac>,
    /// The MTU; `None` is the parent's.
    pub mtu: Option<u32>,
    /// IFLA_TXQLEN, packets; `None` is the kernel's default.
    pub tx_queue_length: Option<u32>,
    /// IFF_ALLMULTI.
    pub all_multicast: bool,
    /// IFLA_IFALIAS, for people and for the sweep: `landfall:<network UID>`.
    pub alias: Option<String>,
}

/// What the kernel may do with IPv6 on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ipv6 {
    /// Nothing, not even a link-local address (disable_ipv6).
    Off,
    /// Use it.
    On {
        /// Addresses and routes from the LAN's routers too (accept_ra, autoconf).
        router_advertisements: bool,
        /// Duplicate address detection: an address is usable only after 1 to 2 s.
        dad: bool,
    },
}

/// A link as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Its name.
    pub name: Name,
    /// Its index in the sandbox.
    pub index: u32,
    /// The index of the link below, in the namespace of that link (IFLA_LINK).
    pub parent: Option<u32>,
    /// What drives it.
    pub driver: ObservedDriver,
    /// Its hardware address; `None` where it has none of six bytes.
    pub mac: Option<Mac>,
    /// Its MTU.
    pub mtu: u32,
    /// IFLA_TXQLEN, packets.
    pub tx_queue_length: u32,
    /// IFF_UP.
    pub up: bool,
    /// IFF_ALLMULTI.
    pub all_multicast: bool,
    /// IFF_LOWER_UP: the parent is up and has a carrier.
    pub carrier: bool,
    /// IFLA_IFALIAS.
    pub alias: Option<String>,
    /// Its addresses.
    pub addresses: Vec<ObservedAddress>,
    /// The routes of the main table that leave through it.
    pub routes: Vec<Route>,
    /// Its permanent neighbours.
    pub neighbors: Vec<Neighbor>,
    /// The values of those sysctls that the observer was asked about.
    pub settings: Vec<Setting>,
}

/// What drives a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedDriver {
    /// One of ours. Options that the kernel does not show have their default.
    Ours(Driver),
    /// IFLA_INFO_KIND of another, empty for hardware.
    Other(Name),
}

/// An address as the kernel shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservedAddress {
    /// The address and the length of its prefix.
    pub address: IpNet,
    /// Duplicate address detection runs, or waits for a carrier.
    pub tentative: bool,
    /// Another host answered duplicate address detection; the kernel does not use the address.
    pub duplicate: bool,
}

/// What IFLA_IFALIAS starts with on every link of ours.
pub const ALIAS: &str = "landfall:";

/// Whether an address is of one link alone: IPv6's, which every interface may have.
pub const fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// The kernel's word for a kind of link (IFLA_INFO_KIND).
pub const fn kernel_word(kind: NetworkKind) -> &'static str {
    match kind {
        NetworkKind::Macvlan => "macvlan",
        NetworkKind::Ipvlan => "ipvlan",
    }
}

// === impl Link ===

impl Link {
    /// Whether a gateway needs RTNH_F_ONLINK: no address of this link has it in its prefix. An
    /// IPv6 link-local gateway is on every link.
    fn needs_on_link(&self, gateway: IpAddr) -> bool {
        !is_link_local(gateway) && !self.addresses.iter().any(|net| net.contains(&gateway))
    }

    /// Whether the kernel still asks the LAN for an address of the link. Without a carrier it asks when
    /// that comes, whenever: nobody can wait for it.
    pub fn is_probed(&self, observed: &Observed) -> bool {
        let mut own = observed.addresses.iter();
        let asks = |found: &ObservedAddress| {
            found.tentative && !found.duplicate && self.addresses.contains(&found.address)
        };
        self.dad && observed.carrier && own.any(asks)
    }
}

// === impl Ipv6 ===

impl Ipv6 {
    /// Whether duplicate address detection runs.
    pub const fn has_dad(self) -> bool {
        matches!(self, Self::On { dad: true, .. })
    }
}

// === impl Device ===

impl Device {
    /// Whether a link is this device: the same driver on the same parent, under the index that we
    /// chose or, where that is gone, with the same name and hardware address. A name alone proves
    /// nothing, and a pod with NET_ADMIN may rename what is ours.
    pub fn is(&self, observed: &Observed) -> bool {
        let same_driver = match &observed.driver {
            ObservedDriver::Ours(driver) => driver.kind() == self.driver.kind(),
            ObservedDriver::Other(_) => false,
        };
        let same_parent = observed.parent == Some(self.parent);
        let same_mac = self.mac.is_none() || observed.mac == self.mac;
        let same_name = observed.name == self.name && same_mac;
        same_driver && same_parent && (observed.index == self.index || same_name)
    }

    /// Whether a link is this device, under the name that it was given.
    pub fn is_in_place(&self, observed: &Observed) -> bool {
        self.is(observed) && observed.name == self.name
    }
}

#[cfg(test)]
mod tests;
