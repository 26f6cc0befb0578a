//! Steps as netlink requests.

use std::{
    net::{IpAddr, Ipv4Addr},
    os::fd::BorrowedFd,
};

use ipnet::IpNet;
use landfall_core::{
    link::Step,
    network::{Neighbor, Route},
};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressMessage},
    link::{LinkAttribute, LinkFlags},
    neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState},
    route::{
        RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol,
        RouteScope, RouteType,
    },
};

use crate::socket::Request;

mod link;

use link::{create, ipv4};
pub(crate) use link::{flag, remove, set_link};

/// How a step is asked for.
pub(crate) enum Asked<'a> {
    /// A request from the node's namespace.
    Node(Request),
    /// A request from the sandbox.
    Sandbox(Request),
    /// A write below /proc/sys, from a thread in the sandbox.
    Sysctl(&'a landfall_core::link::Setting),
}

/// The request for a step. `netns` is the sandbox.
pub(crate) fn request<'a>(step: &'a Step, netns: BorrowedFd<'_>) -> Asked<'a> {
    let request = match step {
        Step::Set(setting) => return Asked::Sysctl(setting),
        Step::Create(device) => return Asked::Node(create(device, netns)),
        Step::SetIpv4 { index, settings } => set_link(*index, [ipv4(settings)]),
        Step::Label { index, alias } => set_link(*index, [LinkAttribute::IfAlias(alias.clone())]),
        Step::SetMtu { index, to, .. } => set_link(*index, [LinkAttribute::Mtu(*to)]),
        Step::SetTxQueueLength { index, to, .. } => {
            set_link(*index, [LinkAttribute::TxQueueLen(*to)])
        }
        Step::SetAllMulticast { index, on } => flag(*index, LinkFlags::Allmulti, *on),
        Step::Up { index } => flag(*index, LinkFlags::Up, true),
        Step::Down { index } => flag(*index, LinkFlags::Up, false),
        Step::Remove { index } => remove(*index),
        Step::AddAddress {
            index,
            address,
            dad,
        } => Request {
            message: RouteNetlinkMessage::NewAddress(self::address(*index, *address, *dad)),
            flags: NLM_F_CREATE | NLM_F_EXCL,
        },
        Step::RemoveAddress { index, address } => Request {
            message: RouteNetlinkMessage::DelAddress(self::address(*index, *address, false)),
            flags: 0,
        },
        Step::AddRoute {
            index,
            route,
            on_link,
        } => Request {
            message: RouteNetlinkMessage::NewRoute(self::route(*index, route, *on_link)),
            flags: NLM_F_CREATE | NLM_F_EXCL,
        },
        Step::RemoveRoute { index, route } => Request {
            message: RouteNetlinkMessage::DelRoute(removal(*index, route)),
            flags: 0,
        },
        Step::AddNeighbor { index, neighbor } => Request {
            message: RouteNetlinkMessage::NewNeighbour(self::neighbor(*index, neighbor)),
            flags: NLM_F_CREATE | NLM_F_REPLACE,
        },
        Step::RemoveNeighbor { index, neighbor } => Request {
            message: RouteNetlinkMessage::DelNeighbour(self::neighbor(*index, neighbor)),
            flags: 0,
        },
    };
    Asked::Sandbox(request)
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn address(index: u32, net: IpNet, dad: bool) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(net.addr());
    message.header.prefix_len = net.prefix_len();
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(net.addr()),
        AddressAttribute::Address(net.addr()),
    ];
    match net {
        IpNet::V4(net) => {
            message
                .attributes
                .extend(broadcast(net).map(AddressAttribute::Broadcast));
        }
        // The ledger says that nobody else has it; asking the LAN would take 1 to 2 s.
        IpNet::V6(_) if !dad => {
            message
                .attributes
                .push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        IpNet::V6(_) => {}
    }
    message
}

/// RFC 3021: a /31 has no broadcast address, and neither has a single address.
fn broadcast(net: ipnet::Ipv4Net) -> Option<Ipv4Addr> {
    (net.prefix_len() < 31).then(|| net.broadcast())
}

fn route(index: u32, route: &Route, on_link: bool) -> RouteMessage {
    let destination = route.destination.trunc();
    let mut message = through(index, destination, route.gateway, route.metric);
    message.header.protocol = RouteProtocol::Static;
    // IPv4 wants to hear that a route without gateway ends on the link.
    message.header.scope = match (destination, route.gateway) {
        (IpNet::V4(_), None) => RouteScope::Link,
        _ => RouteScope::Universe,
    };
    if on_link {
        message.header.flags = RouteFlags::Onlink;
    }
    message
}

/// What every route through a link has, whoever makes it.
pub(crate) fn through(
    index: u32,
    destination: IpNet,
    gateway: Option<IpAddr>,
    metric: Option<u32>,
) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(destination.addr());
    message.header.destination_prefix_length = destination.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![RouteAttribute::Oif(index)];
    if destination.prefix_len() > 0 {
        let address = RouteAddress::from(destination.addr());
        message
            .attributes
            .push(RouteAttribute::Destination(address));
    }
    let gateway = gateway.map(RouteAddress::from);
    message
        .attributes
        .extend(gateway.map(RouteAttribute::Gateway));
    message
        .attributes
        .extend(metric.map(RouteAttribute::Priority));
    message
}

/// A route of another program too: whoever made it, and of whatever scope.
fn removal(index: u32, route: &Route) -> RouteMessage {
    let mut message = self::route(index, route, false);
    message.header.protocol = RouteProtocol::Unspec;
    message.header.scope = RouteScope::NoWhere;
    message.header.kind = RouteType::Unspec;
    message
}

fn neighbor(index: u32, neighbor: &Neighbor) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(neighbor.address);
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message.attributes = vec![
        NeighbourAttribute::Destination(neighbor.address.into()),
        NeighbourAttribute::LinkLayerAddress(neighbor.mac.0.to_vec()),
    ];
    message
}

#[cfg(test)]
mod tests;
