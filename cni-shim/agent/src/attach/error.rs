//! Why an attachment can't be planned.

use std::net::IpAddr;

use landfall_core::{id::Name, network::Clash};

/// A network or a grant from which no link can be planned.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The spec has no such network (any more).
    #[error("the network of {interface} is no longer served on this node")]
    NoNetwork {
        /// The interface in the pod.
        interface: Name,
    },
    /// No parent.
    #[error("network {network} has no parent on this node: {why}")]
    NoParent {
        /// The network.
        network: String,
        /// What is wrong.
        why: String,
    },
    /// A word that this version does not know.
    #[error(
        "network {network} has {field} {word:?}, which this agent does not know; update landfall-agent"
    )]
    Unknown {
        /// The network.
        network: String,
        /// Which field.
        field: &'static str,
        /// Its value.
        word: String,
    },
    /// A link beside which this one can't be.
    #[error(
        "network {network} can't use {parent} of this node now: interface {interface} of pod {pod} is \
         on it, and {clash}; it can when that pod has gone"
    )]
    InUse {
        /// The network.
        network: String,
        /// The parent's name.
        parent: Name,
        /// The other link's name in its pod.
        interface: Name,
        /// The other pod.
        pod: String,
        /// Why they can't share the parent.
        clash: Clash,
    },
    /// More than the parent carries. The kernel refuses that of macvlan alone.
    #[error(
        "network {network} has an MTU of {mtu}, and its parent {parent} on this node one of {limit}: \
         lower spec.mtu, or raise the parent's"
    )]
    Mtu {
        /// The network.
        network: String,
        /// The network's.
        mtu: u32,
        /// The parent's name.
        parent: Name,
        /// The parent's.
        limit: u32,
    },
    /// An address without the length of its prefix.
    #[error("the grant of {address} in network {network} has no prefix length")]
    NoPrefix {
        /// The network.
        network: String,
        /// The address.
        address: IpAddr,
    },
}

// === impl PlanError ===

impl PlanError {
    /// Whether the same request may succeed later without a change by the user: a link may come back.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NoParent { .. } | Self::NoNetwork { .. } | Self::InUse { .. } => true,
            Self::Unknown { .. } | Self::Mtu { .. } | Self::NoPrefix { .. } => false,
        }
    }
}
