//! Requests about links.

use std::os::fd::{AsRawFd, BorrowedFd};

use landfall_core::link::{Device, Ipv4Setting};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkAttribute, LinkFlags, LinkMessage},
};
use nix::libc::IFLA_AF_SPEC;

use crate::{driver, socket::Request};

/// One request makes the device where it belongs, with its final name.
///
/// The chosen index does more than save a question: before Linux 6.15 the kernel looked for the wanted
/// name in the socket's own namespace and refused an `eth0` for a pod because the node has one, but a
/// request with an index is looked up by that index.
pub(super) fn create(device: &Device, netns: BorrowedFd<'_>) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = device.index;
    if device.all_multicast {
        message.header.flags = LinkFlags::Allmulti;
        message.header.change_mask = LinkFlags::Allmulti;
    }
    message.attributes = vec![
        LinkAttribute::IfName(device.name.as_str().to_owned()),
        LinkAttribute::Link(device.parent),
        LinkAttribute::NetNsFd(netns.as_raw_fd()),
    ];
    let mac = device.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec()));
    message.attributes.extend(mac);
    message
        .attributes
        .extend(device.mtu.map(LinkAttribute::Mtu));
    let length = device.tx_queue_length.map(LinkAttribute::TxQueueLen);
    message.attributes.extend(length);
    message.attributes.push(driver::info(&device.driver));
    Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
    }
}

pub(crate) fn remove(index: u32) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    Request {
        message: RouteNetlinkMessage::DelLink(message),
        flags: 0,
    }
}

pub(crate) fn set_link<const N: usize>(index: u32, attributes: [LinkAttribute; N]) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes = attributes.into();
    Request {
        message: RouteNetlinkMessage::SetLink(message),
        flags: 0,
    }
}

/// IFLA_AF_SPEC { AF_INET { IFLA_INET_CONF { setting = 1, … } } }. The crate knows this attribute only as
/// the kernel shows it, where it is an array of all settings.
pub(super) fn ipv4(settings: &[Ipv4Setting]) -> LinkAttribute {
    const AF_INET: u16 = 2;
    const IFLA_INET_CONF: u16 = 1;
    let on = |setting: &Ipv4Setting| {
        // include/uapi/linux/ip.h
        let kind = match setting {
            Ipv4Setting::ArpIgnore => 19,
            Ipv4Setting::ArpNotify => 22,
        };
        attribute(kind, &1_u32.to_ne_bytes())
    };
    let settings: Vec<u8> = settings.iter().flat_map(on).collect();
    let family = attribute(AF_INET, &attribute(IFLA_INET_CONF, &settings));
    LinkAttribute::Other(DefaultNla::new(IFLA_AF_SPEC, family))
}

/// struct nlattr and its value, whose length must be a multiple of four.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    const HEADER: usize = 4;
    let length = u16::try_from(value.len().saturating_add(HEADER)).unwrap_or(u16::MAX);
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes()[..], value].concat()
}

pub(crate) fn flag(index: u32, flag: LinkFlags, on: bool) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = if on { flag } else { LinkFlags::empty() };
    message.header.change_mask = flag;
    Request {
        message: RouteNetlinkMessage::SetLink(message),
        flags: 0,
    }
}
