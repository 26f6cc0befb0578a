//! The MTU of a link that is there.

use netlink_packet_route::link::LinkAttribute;

use crate::{
    message,
    netns::{Netns, NetnsError},
    socket::NetlinkError,
};

/// An MTU that was not set.
#[derive(Debug, thiserror::Error)]
pub enum MtuError {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// The kernel refused.
    #[error("cannot set an MTU of {mtu}")]
    Set {
        /// The MTU.
        mtu: u32,
        /// Why.
        #[source]
        source: NetlinkError,
    },
}

/// Sets the MTU, in bytes, of a link of a namespace.
pub fn set_mtu(netns: &Netns, index: u32, mtu: u32) -> Result<(), MtuError> {
    let request = message::set_link(index, [LinkAttribute::Mtu(mtu)]);
    let answer = netns.socket()?.call(request);
    answer.map_err(|source| MtuError::Set { mtu, source })
}
