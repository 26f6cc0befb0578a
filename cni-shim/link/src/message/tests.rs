//! Requests, read again by the codec.

use std::{fs::File, os::fd::AsFd};

use super::*;
use landfall_core::{
    id::Name,
    link::{Device, Ipv4Setting},
    mac::Mac,
    network::{Driver, Macvlan},
};

fn asked(step: &Step) -> Request {
    let file = File::open("/dev/null").unwrap();
    match request(step, file.as_fd()) {
        Asked::Node(request) | Asked::Sandbox(request) => request,
        Asked::Sysctl(setting) => panic!("{setting:?}"),
    }
}

fn address_of(net: &str, dad: bool) -> AddressMessage {
    let step = Step::AddAddress {
        index: 7,
        address: net.parse().unwrap(),
        dad,
    };
    let RouteNetlinkMessage::NewAddress(message) = asked(&step).message else {
        panic!("{step:?}")
    };
    message
}

fn route_of(destination: &str, gateway: Option<&str>) -> RouteMessage {
    let step = Step::AddRoute {
        index: 7,
        route: Route {
            destination: destination.parse().unwrap(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            metric: None,
        },
        on_link: false,
    };
    let RouteNetlinkMessage::NewRoute(message) = asked(&step).message else {
        panic!("{step:?}")
    };
    message
}

#[test]
fn a_link_without_wishes_leaves_them_to_the_kernel() {
    let device = Device {
        name: Name::from("net1"),
        index: 70_000,
        parent: 3,
        driver: Driver::Macvlan(Macvlan::default()),
        mac: None,
        mtu: None,
        tx_queue_length: None,
        all_multicast: false,
        alias: None,
    };

    let request = asked(&Step::Create(device));

    assert_eq!(request.flags, NLM_F_CREATE | NLM_F_EXCL);
    let RouteNetlinkMessage::NewLink(message) = request.message else {
        panic!("{request:?}")
    };
    assert_eq!(message.header.index, 70_000);
    assert!(
        message.header.flags.is_empty(),
        "up comes after the addresses"
    );
    assert_eq!(
        message.attributes.len(),
        4,
        "name, parent, netns, info: {message:?}"
    );
}

#[test]
fn only_ipv4_prefixes_that_have_one_get_a_broadcast_address() {
    for (net, broadcast) in [
        ("10.20.0.5/24", Some(Ipv4Addr::new(10, 20, 0, 255))),
        ("10.20.0.5/30", Some(Ipv4Addr::new(10, 20, 0, 7))),
        ("10.20.0.4/31", None),
        ("10.20.0.5/32", None),
    ] {
        let attributes = address_of(net, false).attributes;
        let is_one = |a: &&AddressAttribute| matches!(a, AddressAttribute::Broadcast(_));
        let found = attributes.iter().find(is_one);

        let broadcast = broadcast.map(AddressAttribute::Broadcast);
        assert_eq!(found, broadcast.as_ref(), "{net}");
    }
}

#[test]
fn only_ipv6_skips_duplicate_address_detection_and_only_if_told() {
    let nodad = AddressAttribute::Flags(AddressFlags::Nodad);
    let skips = |net, dad| address_of(net, dad).attributes.contains(&nodad);

    assert!(skips("fd00::5/64", false));
    assert!(!skips("fd00::5/64", true));
    assert!(!skips("10.20.0.5/24", false));
}

#[test]
fn an_ipv4_route_without_gateway_ends_on_the_link() {
    let scope = |destination, gateway| route_of(destination, gateway).header.scope;

    assert_eq!(scope("10.30.0.0/16", None), RouteScope::Link);
    assert_eq!(
        scope("10.30.0.0/16", Some("10.20.0.1")),
        RouteScope::Universe
    );
    assert_eq!(scope("fd00:30::/64", None), RouteScope::Universe);
}

#[test]
fn host_bits_of_a_destination_are_cut() {
    let message = route_of("10.30.1.2/16", None);

    let destination = RouteAttribute::Destination(RouteAddress::Inet(Ipv4Addr::new(10, 30, 0, 0)));
    assert!(message.attributes.contains(&destination), "{message:?}");
}

#[test]
fn a_neighbour_is_permanent() {
    let step = Step::AddNeighbor {
        index: 7,
        neighbor: Neighbor {
            address: "10.20.0.9".parse().unwrap(),
            mac: Mac([2, 0, 0, 0, 0, 9]),
        },
    };

    let RouteNetlinkMessage::NewNeighbour(message) = asked(&step).message else {
        panic!()
    };
    assert_eq!(message.header.state, NeighbourState::Permanent);
}

/// struct nlattr inside struct nlattr, as `ip -d link` would show it to be.
#[test]
fn settings_of_ipv4_go_in_one_attribute() {
    let step = Step::SetIpv4 {
        index: 7,
        settings: vec![Ipv4Setting::ArpNotify, Ipv4Setting::ArpIgnore],
    };
    let mut message = netlink_packet_core::NetlinkMessage::from(asked(&step).message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let ne = |number: u16| number.to_ne_bytes();
    let expected = [
        ne(28),
        ne(nix::libc::IFLA_AF_SPEC),
        ne(24),
        ne(2), // AF_INET
        ne(20),
        ne(1), // IFLA_INET_CONF
        ne(8),
        ne(22), // IPV4_DEVCONF_ARP_NOTIFY
    ];
    let one = 1_u32.to_ne_bytes();
    let ignore = [ne(8), ne(19)].concat(); // IPV4_DEVCONF_ARP_IGNORE
    let expected = [&expected.concat()[..], &one, &ignore, &one].concat();
    assert_eq!(bytes[16 + 16..], expected, "after both headers");
}
