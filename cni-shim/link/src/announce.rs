//! Announcements: this address is at this MAC now.
//!
//! When a link goes up the kernel announces its addresses by itself (arp_notify, ndisc_notify). It does
//! so once, and not at all for a link without a carrier; this sends the others.

use std::{
    net::IpAddr,
    os::fd::{AsRawFd, OwnedFd},
};

use landfall_core::mac::Mac;
use nix::{
    errno::Errno,
    libc,
    sys::socket::{
        AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, sendto, socket,
    },
};

use crate::netns::{Netns, NetnsError};

pub(crate) mod frame;

/// An announcement that did not leave.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// No packet socket.
    #[error("cannot open a packet socket; CAP_NET_RAW is needed")]
    Open(#[source] Errno),
    /// The packet was not taken.
    #[error("cannot announce {address}")]
    Send {
        /// What.
        address: IpAddr,
        /// Why.
        #[source]
        source: Errno,
    },
}

/// Announces addresses once, from a link of a sandbox: ARP for IPv4, ND for IPv6.
pub fn announce(
    netns: &Netns,
    index: u32,
    mac: Mac,
    addresses: &[IpAddr],
) -> Result<(), AnnounceError> {
    // A packet socket belongs to its namespace like any other; it needs no thread once it is open.
    let socket = netns.enter(|_| open())?.map_err(AnnounceError::Open)?;
    for address in addresses {
        let frame = match address {
            IpAddr::V4(address) => frame::arp(mac, *address),
            IpAddr::V6(address) => frame::neighbor_advertisement(mac, *address),
        };
        send(&socket, index, &frame).map_err(|source| AnnounceError::Send {
            address: *address,
            source,
        })?;
    }
    Ok(())
}

/// Protocol 0: it sends, and receives nothing as long as it is not bound to another.
pub(crate) fn open() -> Result<OwnedFd, Errno> {
    socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
}

pub(crate) fn send(socket: &OwnedFd, index: u32, frame: &[u8]) -> Result<(), Errno> {
    let address = link_address(index, 0).ok_or(Errno::EINVAL)?;
    sendto(socket.as_raw_fd(), frame, &address, MsgFlags::empty()).map(drop)
}

/// The address of a link for sendto() and bind(): `protocol` is an EtherType. nix has no safe way to make
/// one.
#[expect(
    unsafe_code,
    reason = "nix's LinkAddr has no other constructor; sockaddr_ll is plain old data of that very type"
)]
pub(crate) fn link_address(index: u32, protocol: u16) -> Option<LinkAddr> {
    let raw = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).ok()?,
        sll_protocol: protocol.to_be(),
        sll_ifindex: i32::try_from(index).ok()?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = u32::try_from(size_of::<libc::sockaddr_ll>()).ok()?;
    // SAFETY: the pointer is to a sockaddr_ll that lives until the end of this function, `length` is
    // its size and sll_family says AF_PACKET; from_raw copies it.
    unsafe { LinkAddr::from_raw((&raw const raw).cast(), Some(length)) }
}

#[cfg(test)]
mod tests;
