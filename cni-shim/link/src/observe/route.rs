//! The routes of a link.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use landfall_core::{
    link::{ALIAS, Link},
    network::Route,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteHeader, RouteMessage},
};
use nix::{
    errno::Errno,
    libc::{RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PRIORITY, RTM_NEWROUTE},
};

use super::{ObserveError, family, ip, link, links};
use crate::{
    netns::Netns,
    socket::{Frame, NetlinkError, Socket},
};

/// struct rtmsg.
const HEADER: usize = 12;
/// In every namespace. What leads there is no way out.
const LOOPBACK: u32 = 1;

/// The routes of the main table that leave through a link of a namespace.
pub fn routes_of(netns: &Netns, index: u32) -> Result<Vec<Route>, ObserveError> {
    routes(&mut netns.socket()?, index).map_err(ObserveError::Routes)
}

/// The routes of the main table that leave through a link, or through any (index 0).
pub(crate) fn routes(socket: &mut Socket, index: u32) -> Result<Vec<Route>, NetlinkError> {
    Ok(routes_with_link(socket, index)?
        .into_iter()
        .map(|(_, route)| route)
        .collect())
}

/// As [`routes`], each with the index of its link.
pub(crate) fn routes_with_link(
    socket: &mut Socket,
    index: u32,
) -> Result<Vec<(u32, Route)>, NetlinkError> {
    let mut routes = Vec::new();
    for wanted in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut message = RouteMessage::default();
        message.header.address_family = wanted;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        if index != 0 {
            message.attributes = vec![RouteAttribute::Oif(index)];
        }
        let frames = match socket.dump(&RouteNetlinkMessage::GetRoute(message)) {
            // "FIB table does not exist": nobody has had an address here yet, not even lo.
            Err(error) if error.errno() == Some(Errno::ENOENT) => continue,
            frames => frames?,
        };
        // A kernel without IPv6 answers with what it has, once more.
        let own = frames.iter().filter(|frame| family(frame) == Some(wanted));
        routes.extend(own.filter_map(route));
    }
    routes.retain(|(found, _)| index == 0 || *found == index);
    Ok(routes)
}

/// The default routes through links that are not ours, if the wanted link is to have one.
pub(crate) fn other_defaults(
    socket: &mut Socket,
    wanted: &Link,
) -> Result<Vec<(u32, Route)>, ObserveError> {
    let is_default = |route: &Route| route.destination.prefix_len() == 0;
    if !wanted.routes.iter().any(is_default) {
        return Ok(Vec::new());
    }
    let mut found = routes_with_link(socket, 0).map_err(ObserveError::Routes)?;
    found.retain(|(index, route)| is_default(route) && *index != LOOPBACK);
    if found.is_empty() {
        return Ok(found);
    }
    let links = links(socket).map_err(ObserveError::Links)?;
    let ours: Vec<u32> = links
        .iter()
        .filter_map(link)
        .filter(|link| {
            link.alias
                .as_deref()
                .is_some_and(|alias| alias.starts_with(ALIAS))
        })
        .map(|link| link.index)
        .collect();
    found.retain(|(index, _)| *index != wanted.device.index && !ours.contains(index));
    Ok(found)
}

pub(super) fn route(frame: &Frame) -> Option<(u32, Route)> {
    if frame.kind != RTM_NEWROUTE || frame.payload.get(4)? != &RouteHeader::RT_TABLE_MAIN {
        return None;
    }
    let prefix = *frame.payload.get(1)?;
    let attributes = frame.attributes(HEADER);
    let destination = match attributes.get(RTA_DST) {
        Some(bytes) => ip(bytes)?,
        None if family(frame) == Some(AddressFamily::Inet) => Ipv4Addr::UNSPECIFIED.into(),
        None => Ipv6Addr::UNSPECIFIED.into(),
    };
    let route = Route {
        destination: IpNet::new(destination, prefix).ok()?,
        gateway: attributes.get(RTA_GATEWAY).and_then(ip),
        metric: attributes.u32(RTA_PRIORITY),
    };
    Some((attributes.u32(RTA_OIF)?, route))
}
