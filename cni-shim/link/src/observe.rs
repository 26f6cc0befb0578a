//! What the kernel shows of a link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use landfall_core::{
    id::Name,
    link::{Device, Link, Observed, ObservedAddress},
    mac::Mac,
    network::Neighbor,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::AddressMessage,
    link::{LinkAttribute, LinkExtentMask, LinkMessage},
    neighbour::{NeighbourAttribute, NeighbourMessage},
};
use nix::{
    errno::Errno,
    libc::{
        self, IFF_ALLMULTI, IFF_UP, IFLA_ADDRESS, IFLA_IFALIAS, IFLA_IFNAME, IFLA_LINK,
        IFLA_LINKINFO, IFLA_MTU, IFLA_TXQLEN, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH,
    },
};

use crate::{
    driver,
    netns::{Netns, NetnsError},
    socket::{Attributes, Frame, NetlinkError, Socket, u32_at},
    sysctl::SysctlError,
};

mod route;

pub use route::routes_of;
pub(crate) use route::{other_defaults, routes, routes_with_link};

/// struct ifinfomsg.
pub(crate) const LINK_HEADER: usize = 16;
/// struct ifaddrmsg.
const ADDRESS_HEADER: usize = 8;
/// struct ndmsg.
const NEIGHBOR_HEADER: usize = 12;

/// The state of a link can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// The links can't be read.
    #[error("cannot read the links")]
    Links(#[source] NetlinkError),
    /// The addresses can't be read.
    #[error("cannot read the addresses")]
    Addresses(#[source] NetlinkError),
    /// The routes can't be read.
    #[error("cannot read the routes")]
    Routes(#[source] NetlinkError),
    /// The neighbours can't be read.
    #[error("cannot read the neighbours")]
    Neighbors(#[source] NetlinkError),
    /// A sysctl can't be read.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
}

/// All macvlan and ipvlan links of a namespace with their addresses, whoever made them: what the sweep
/// and a cold start look at. Routes, neighbours and sysctls are left out.
pub fn devices(netns: &Netns) -> Result<Vec<Observed>, ObserveError> {
    let mut socket = netns.socket()?;
    let mut devices: Vec<_> = links(&mut socket)
        .map_err(ObserveError::Links)?
        .iter()
        .filter_map(link)
        .filter(|link| matches!(link.driver, landfall_core::link::ObservedDriver::Ours(_)))
        .collect();
    if devices.is_empty() {
        return Ok(devices);
    }
    let all = addresses(&mut socket, 0).map_err(ObserveError::Addresses)?;
    for device in &mut devices {
        let own = all.iter().filter(|(index, _)| *index == device.index);
        device.addresses = own.map(|(_, address)| *address).collect();
    }
    Ok(devices)
}

/// The link of a device, found by its name, else by its index, as the pod may have renamed it; if
/// neither is the device, whatever has the name.
pub(crate) fn find(socket: &mut Socket, device: &Device) -> Result<Option<Observed>, NetlinkError> {
    let named = by_name(socket, device.name.as_str())?;
    if named.as_ref().is_some_and(|link| device.is(link)) {
        return Ok(named);
    }
    let renamed = by_index(socket, device.index)?;
    Ok(renamed.filter(|link| device.is(link)).or(named))
}

pub(crate) fn by_index(socket: &mut Socket, index: u32) -> Result<Option<Observed>, NetlinkError> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    get_link(socket, message)
}

pub(crate) fn by_name(socket: &mut Socket, name: &str) -> Result<Option<Observed>, NetlinkError> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
    get_link(socket, message)
}

pub(crate) fn get_link(
    socket: &mut Socket,
    mut message: LinkMessage,
) -> Result<Option<Observed>, NetlinkError> {
    // Without it the answer has 1 kB of counters.
    let skip = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    message.attributes.push(skip);
    match socket.get(RouteNetlinkMessage::GetLink(message)) {
        Ok(frame) => Ok(link(&frame)),
        Err(error) if error.errno() == Some(Errno::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fills in what [`find`] leaves out, but for the sysctls.
pub(crate) fn complete(
    observed: &mut Observed,
    socket: &mut Socket,
    wanted: &Link,
) -> Result<(), ObserveError> {
    let index = observed.index;
    observed.addresses = addresses(socket, index)
        .map_err(ObserveError::Addresses)?
        .into_iter()
        .map(|(_, address)| address)
        .collect();
    if !wanted.routes.is_empty() {
        observed.routes = routes(socket, index).map_err(ObserveError::Routes)?;
    }
    if !wanted.neighbors.is_empty() {
        observed.neighbors = neighbors(socket, index).map_err(ObserveError::Neighbors)?;
    }
    Ok(())
}

/// All links of a namespace.
pub(crate) fn links(socket: &mut Socket) -> Result<Vec<Frame>, NetlinkError> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])];
    socket.dump(&RouteNetlinkMessage::GetLink(message))
}

/// A link, without addresses, routes, neighbours and sysctls.
pub(crate) fn link(frame: &Frame) -> Option<Observed> {
    if frame.kind != RTM_NEWLINK {
        return None;
    }
    let index = u32_at(&frame.payload, 4)?;
    let flags = u32_at(&frame.payload, 8)?;
    let attributes = frame.attributes(LINK_HEADER);
    Some(Observed {
        name: Name::from(attributes.text(IFLA_IFNAME)?.as_str()),
        index,
        parent: attributes.u32(IFLA_LINK),
        driver: driver::observed(attributes.nested(IFLA_LINKINFO)),
        mac: mac(attributes, IFLA_ADDRESS),
        mtu: attributes.u32(IFLA_MTU).unwrap_or_default(),
        tx_queue_length: attributes.u32(IFLA_TXQLEN).unwrap_or_default(),
        up: flags & IFF_UP.cast_unsigned() != 0,
        all_multicast: flags & IFF_ALLMULTI.cast_unsigned() != 0,
        carrier: flags & libc::IFF_LOWER_UP.cast_unsigned() != 0,
        alias: attributes.text(IFLA_IFALIAS),
        addresses: Vec::new(),
        routes: Vec::new(),
        neighbors: Vec::new(),
        settings: Vec::new(),
    })
}

pub(crate) fn mac(attributes: Attributes<'_>, kind: u16) -> Option<Mac> {
    attributes.get(kind)?.try_into().ok().map(Mac)
}

/// The addresses of a link, or of all (index 0), with the link's index.
pub(crate) fn addresses(
    socket: &mut Socket,
    index: u32,
) -> Result<Vec<(u32, ObservedAddress)>, NetlinkError> {
    let mut message = AddressMessage::default();
    message.header.index = index;
    let frames = socket.dump(&RouteNetlinkMessage::GetAddress(message))?;
    Ok(frames
        .iter()
        .filter_map(address)
        .filter(|(found, _)| index == 0 || *found == index)
        .collect())
}

fn address(frame: &Frame) -> Option<(u32, ObservedAddress)> {
    if frame.kind != RTM_NEWADDR {
        return None;
    }
    let prefix = *frame.payload.get(1)?;
    let index = u32_at(&frame.payload, 4)?;
    let attributes = frame.attributes(ADDRESS_HEADER);
    // IFA_LOCAL is the link's own; IFA_ADDRESS may be a peer's. IPv6 has the latter alone.
    let own = attributes.get(libc::IFA_LOCAL);
    let address = ip(own.or_else(|| attributes.get(libc::IFA_ADDRESS))?)?;
    let flags = attributes.u32(libc::IFA_FLAGS).unwrap_or_default();
    Some((
        index,
        ObservedAddress {
            address: IpNet::new(address, prefix).ok()?,
            tentative: flags & libc::IFA_F_TENTATIVE != 0,
            duplicate: flags & libc::IFA_F_DADFAILED != 0,
        },
    ))
}

/// An address, a neighbour or a route in words.
#[cfg(feature = "datagram")]
pub(crate) fn read(frame: &Frame) -> Option<String> {
    let address = address(frame).map(|found| format!("{found:?}"));
    let neighbor = || neighbor(frame).map(|found| format!("{found:?}"));
    let route = || route::route(frame).map(|found| format!("{found:?}"));
    address.or_else(neighbor).or_else(route)
}

fn neighbors(socket: &mut Socket, index: u32) -> Result<Vec<Neighbor>, NetlinkError> {
    let mut message = NeighbourMessage::default();
    message.attributes = vec![NeighbourAttribute::IfIndex(index)];
    let frames = socket.dump(&RouteNetlinkMessage::GetNeighbour(message))?;
    Ok(frames
        .iter()
        .filter(|frame| u32_at(&frame.payload, 4) == Some(index))
        .filter_map(neighbor)
        .collect())
}

fn neighbor(frame: &Frame) -> Option<Neighbor> {
    let state = crate::socket::u16_at(&frame.payload, 8)?;
    if frame.kind != RTM_NEWNEIGH || state & libc::NUD_PERMANENT == 0 {
        return None;
    }
    let attributes = frame.attributes(NEIGHBOR_HEADER);
    Some(Neighbor {
        address: ip(attributes.get(libc::NDA_DST)?)?,
        mac: mac(attributes, libc::NDA_LLADDR)?,
    })
}

/// An address of four or sixteen bytes.
pub(crate) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

/// The family of a frame's object: its first byte, in all of rtnetlink's headers.
pub(crate) fn family(frame: &Frame) -> Option<AddressFamily> {
    frame.payload.first().map(|byte| AddressFamily::from(*byte))
}
