//! What a plan is made of.

use alloc::{string::String, vec::Vec};

use ipnet::IpNet;

use super::{Device, Ipv4Setting, Setting, is_link_local};
use crate::network::{Neighbor, Route};

/// One request to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the device, in the sandbox and with its final name.
    Create(Device),
    /// Write a sysctl.
    Set(Setting),
    /// Switch on settings of the link's IPv4. As the sysctls of their names, without a thread in the
    /// sandbox and a path among those of all sandboxes.
    SetIpv4 {
        /// The link.
        index: u32,
        /// Which.
        settings: Vec<Ipv4Setting>,
    },
    /// Set IFLA_IFALIAS, which RTM_NEWLINK ignores when it creates.
    Label {
        /// The link.
        index: u32,
        /// The text.
        alias: String,
    },
    /// Change the MTU.
    SetMtu {
        /// The link.
        index: u32,
        /// Before, for the way back.
        from: u32,
        /// After.
        to: u32,
    },
    /// Change the length of the transmit queue.
    SetTxQueueLength {
        /// The link.
        index: u32,
        /// Before, for the way back.
        from: u32,
        /// After.
        to: u32,
    },
    /// Listen to all multicast, or stop it.
    SetAllMulticast {
        /// The link.
        index: u32,
        /// Whether to.
        on: bool,
    },
    /// Add an address.
    AddAddress {
        /// The link.
        index: u32,
        /// The address and the length of its prefix.
        address: IpNet,
        /// Whether the kernel probes it first (IPv6 only).
        dad: bool,
    },
    /// Set the link up. The kernel announces the addresses that it has by then.
    Up {
        /// The link.
        index: u32,
    },
    /// Add a route.
    AddRoute {
        /// The link.
        index: u32,
        /// The route.
        route: Route,
        /// The gateway is on this link though no prefix says so (RTNH_F_ONLINK).
        on_link: bool,
    },
    /// Add a permanent neighbour.
    AddNeighbor {
        /// The link.
        index: u32,
        /// The neighbour.
        neighbor: Neighbor,
    },
    /// Remove the device with everything on it.
    Remove {
        /// The link.
        index: u32,
    },
    /// Remove an address.
    RemoveAddress {
        /// The link.
        index: u32,
        /// The address and the length of its prefix.
        address: IpNet,
    },
    /// Set the link down.
    Down {
        /// The link.
        index: u32,
    },
    /// Remove a route.
    RemoveRoute {
        /// The link.
        index: u32,
        /// The route.
        route: Route,
    },
    /// Remove a permanent neighbour.
    RemoveNeighbor {
        /// The link.
        index: u32,
        /// The neighbour.
        neighbor: Neighbor,
    },
}

// === impl Step ===

impl Step {
    /// The index of the device that this step makes.
    pub(super) const fn creates(&self) -> Option<u32> {
        if let Self::Create(device) = self {
            Some(device.index)
        } else {
            None
        }
    }

    /// The step that takes this one back, if there is something to take back.
    pub(super) fn reverse(&self) -> Option<Self> {
        match self {
            Self::Create(device) => Some(Self::Remove {
                index: device.index,
            }),
            Self::SetMtu { index, from, to } => Some(Self::SetMtu {
                index: *index,
                from: *to,
                to: *from,
            }),
            Self::SetTxQueueLength { index, from, to } => Some(Self::SetTxQueueLength {
                index: *index,
                from: *to,
                to: *from,
            }),
            Self::SetAllMulticast { index, on } => Some(Self::SetAllMulticast {
                index: *index,
                on: !on,
            }),
            Self::AddAddress { index, address, .. } => Some(Self::RemoveAddress {
                index: *index,
                address: *address,
            }),
            Self::Up { index } => Some(Self::Down { index: *index }),
            Self::AddRoute { index, route, .. } => Some(Self::RemoveRoute {
                index: *index,
                route: route.clone(),
            }),
            // Of another link, whose prefixes are not known here.
            Self::RemoveRoute { index, route } => Some(Self::AddRoute {
                index: *index,
                on_link: route.gateway.is_some_and(|gateway| !is_link_local(gateway)),
                route: route.clone(),
            }),
            Self::AddNeighbor { index, neighbor } => Some(Self::RemoveNeighbor {
                index: *index,
                neighbor: neighbor.clone(),
            }),
            Self::Set(_)
            | Self::SetIpv4 { .. }
            | Self::Label { .. }
            | Self::Remove { .. }
            | Self::RemoveAddress { .. }
            | Self::Down { .. }
            | Self::RemoveNeighbor { .. } => None,
        }
    }
}
