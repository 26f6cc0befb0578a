//! The node's own links: what networks may choose as a parent.

use ipnet::IpNet;
use landfall_core::{id::Name, link::ObservedDriver, mac::Mac};
use nix::libc::{ARPHRD_ETHER, IFLA_LINKINFO, IFLA_MASTER};

use crate::{
    driver,
    observe::{self, LINK_HEADER, ObserveError, addresses, mac},
    socket::{Frame, Socket, u16_at},
};

// linux/if_link.h, since Linux 5.5 and 5.14; libc has no names for these.
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PARENT_DEV_NAME: u16 = 56;
const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;

/// A link of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: Name,
    /// What drives it, where that is software; hardware is `Other("")`.
    pub driver: ObservedDriver,
    /// Whether it carries Ethernet frames and is not the loopback: what macvlan asks of a parent.
    pub ethernet: bool,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// The hardware address that it was built with.
    pub permanent_mac: Option<Mac>,
    /// Its PCI address, for example `0000:3b:00.1`.
    pub pci: Option<String>,
    /// Its MTU.
    pub mtu: u32,
    /// IFF_UP.
    pub up: bool,
    /// IFF_LOWER_UP: it has a carrier.
    pub carrier: bool,
    /// The index of the link below it: a VLAN's or a macvlan's parent.
    pub below: Option<u32>,
    /// The index of the bridge or bond that it is a port of (IFLA_MASTER).
    pub port_of: Option<u32>,
    /// IFLA_IFALIAS.
    pub alias: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// The metric of the default route that leaves through it, the lowest if there are several.
    pub default_route: Option<u32>,
}

/// All links of the namespace of a socket.
pub fn list(socket: &mut Socket) -> Result<Vec<Parent>, ObserveError> {
    let frames = observe::links(socket).map_err(ObserveError::Links)?;
    let mut parents: Vec<_> = frames.iter().filter_map(parent).collect();
    for (index, found) in addresses(socket, 0).map_err(ObserveError::Addresses)? {
        if let Some(parent) = parents.iter_mut().find(|parent| parent.index == index) {
            parent.addresses.push(found.address);
        }
    }
    for (index, route) in observe::routes_with_link(socket, 0).map_err(ObserveError::Routes)? {
        let metric = route.metric.unwrap_or_default();
        if route.destination.prefix_len() == 0
            && let Some(parent) = parents.iter_mut().find(|parent| parent.index == index)
        {
            let lowest = parent
                .default_route
                .map_or(metric, |other| other.min(metric));
            parent.default_route = Some(lowest);
        }
    }
    Ok(parents)
}

fn parent(frame: &Frame) -> Option<Parent> {
    let link = observe::link(frame)?;
    let attributes = frame.attributes(LINK_HEADER);
    let pci = attributes.text(IFLA_PARENT_DEV_BUS_NAME).as_deref() == Some("pci");
    Some(Parent {
        ethernet: u16_at(&frame.payload, 2) == Some(ARPHRD_ETHER),
        driver: driver::observed(attributes.nested(IFLA_LINKINFO)),
        permanent_mac: mac(attributes, IFLA_PERM_ADDRESS),
        pci: attributes.text(IFLA_PARENT_DEV_NAME).filter(|_| pci),
        port_of: attributes.u32(IFLA_MASTER),
        index: link.index,
        name: link.name,
        mac: link.mac,
        mtu: link.mtu,
        up: link.up,
        carrier: link.carrier,
        below: link.parent,
        alias: link.alias,
        addresses: Vec::new(),
        default_route: None,
    })
}
