//! The node's own links: what networks may choose as a parent.

use ipnet::IpNet;
use landfall_core::{
    id::Name,
    link::{Observed, ObservedDriver, is_link_local, kernel_word},
    mac::Mac,
};
use nix::libc::{
    ARPHRD_ETHER, IFLA_CARRIER_UP_COUNT, IFLA_LINK_NETNSID, IFLA_LINKINFO, IFLA_MASTER,
};

use crate::{
    driver,
    observe::{self, LINK_HEADER, ObserveError, addresses, mac},
    socket::{Attributes, Frame, Socket, u16_at},
    vlan::{self, Tag},
};

mod pci;
mod sketch;

// linux/if_link.h, since Linux 5.5 and 5.14; libc has no names for these.
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PARENT_DEV_NAME: u16 = 56;
const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;
/// Kinds whose IFLA_LINK is the other end of a cable, not something below.
const CABLES: [&str; 3] = ["veth", "netkit", "vxcan"];

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
    /// How often the carrier has come, since the link was made. It tells of a carrier that went and came
    /// back between two looks: the kernel tells others of a change only once a second.
    pub carrier_ups: u32,
    /// The index of the link below it, in the same namespace: a VLAN's or a macvlan's parent.
    pub below: Option<u32>,
    /// What it tags its frames with, if it is a VLAN.
    pub tag: Option<Tag>,
    /// The index of the bridge or bond that it is a port of (IFLA_MASTER).
    pub port_of: Option<u32>,
    /// IFLA_IFALIAS.
    pub alias: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// The default route that leaves through it, the one that the kernel prefers if there are several.
    pub default_route: Option<DefaultRoute>,
}

/// A default route: the lesser of two is the one that counts. IPv4's is what people mean by the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultRoute {
    /// Of which family.
    pub is_ipv6: bool,
    /// Its metric.
    pub metric: u32,
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
        let found = DefaultRoute {
            is_ipv6: route.destination.addr().is_ipv6(),
            metric: route.metric.unwrap_or_default(),
        };
        if route.destination.prefix_len() == 0
            && let Some(parent) = parents.iter_mut().find(|parent| parent.index == index)
        {
            let best = parent.default_route.map_or(found, |other| other.min(found));
            parent.default_route = Some(best);
        }
    }
    Ok(parents)
}

pub(crate) fn parent(frame: &Frame) -> Option<Parent> {
    let link = observe::link(frame)?;
    let attributes = frame.attributes(LINK_HEADER);
    let below = below(&link, attributes);
    Some(Parent {
        ethernet: u16_at(&frame.payload, 2) == Some(ARPHRD_ETHER),
        permanent_mac: mac(attributes, IFLA_PERM_ADDRESS),
        pci: pci_address(attributes),
        port_of: attributes.u32(IFLA_MASTER),
        carrier_ups: attributes.u32(IFLA_CARRIER_UP_COUNT).unwrap_or_default(),
        tag: vlan::tag(attributes.nested(IFLA_LINKINFO)),
        driver: driver::observed(attributes.nested(IFLA_LINKINFO)),
        index: link.index,
        name: link.name,
        mac: link.mac,
        mtu: link.mtu,
        up: link.up,
        carrier: link.carrier,
        below: below.filter(|_| attributes.get(IFLA_LINK_NETNSID).is_none()),
        alias: link.alias,
        addresses: Vec::new(),
        default_route: None,
    })
}

/// IFLA_LINK is no link below where it is the other end of a cable or the link itself (as of a tunnel
/// that is bound to none).
fn below(link: &Observed, attributes: Attributes<'_>) -> Option<u32> {
    let kind = driver::kind(attributes.nested(IFLA_LINKINFO));
    let is_cable = CABLES.contains(&kind.as_str());
    link.parent
        .filter(|below| !is_cable && *below != 0 && *below != link.index)
}

fn pci_address(attributes: Attributes<'_>) -> Option<String> {
    let bus = attributes.text(IFLA_PARENT_DEV_BUS_NAME)?;
    let device = attributes.text(IFLA_PARENT_DEV_NAME)?;
    if bus == "pci" {
        return Some(device);
    }
    pci::below(&bus, &device)
}

// === impl Parent ===

impl Parent {
    /// Whether something of its own namespace uses it: a link on top of it, a port of it, a bridge or bond
    /// that it is a port of, an address. The kernel gives an IPv6 link-local one to every link.
    pub fn is_used<'l, L>(&self, links: L) -> bool
    where
        L: IntoIterator<Item = &'l Self>,
    {
        let mut links = links.into_iter();
        let index = Some(self.index);
        self.port_of.is_some()
            || links.any(|other| other.below == index || other.port_of == index)
            || self.addresses.iter().any(|net| !is_link_local(net.addr()))
    }

    /// IFLA_INFO_KIND: what drives it, empty for hardware.
    pub fn kind(&self) -> &str {
        match &self.driver {
            ObservedDriver::Ours(driver) => kernel_word(driver.kind()),
            ObservedDriver::Other(kind) => kind.as_str(),
        }
    }
}
