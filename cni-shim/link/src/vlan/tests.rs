//! The request for a VLAN, and what is read of one, byte by byte as linux/if_link.h has them.

use super::*;

fn vlan(protocol: VlanProtocol) -> VlanLink {
    VlanLink {
        name: "eth1.70".into(),
        parent: 7,
        tag: Tag { id: 70, protocol },
        alias: vlan_alias(Uid(5)),
    }
}

/// The bytes of IFLA_LINKINFO in the request.
fn info(protocol: VlanProtocol) -> Vec<u8> {
    let request = create(&vlan(protocol));
    assert_eq!(request.flags, NLM_F_CREATE | NLM_F_EXCL);
    let mut message = netlink_packet_core::NetlinkMessage::from(request.message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    // After nlmsghdr and ifinfomsg.
    let attributes = Attributes(&bytes[16 + 16..]);
    assert_eq!(attributes.u32(nix::libc::IFLA_LINK), Some(7));
    let name = attributes.text(nix::libc::IFLA_IFNAME);
    assert_eq!(name.as_deref(), Some("eth1.70"));
    attributes.get(nix::libc::IFLA_LINKINFO).unwrap().to_vec()
}

#[test]
fn a_vlan_is_asked_for_with_its_id_and_the_protocol_in_network_order() {
    for (protocol, bytes) in [
        (VlanProtocol::Customer, [0x81, 0x00]),
        (VlanProtocol::Service, [0x88, 0xa8]),
    ] {
        let info = info(protocol);
        let data = Attributes(&info).nested(IFLA_INFO_DATA);
        assert_eq!(driver::kind(Attributes(&info)), "vlan");
        assert_eq!(data.u16(IFLA_VLAN_ID), Some(70));
        assert_eq!(data.get(IFLA_VLAN_PROTOCOL), Some(&bytes[..]));
    }
}

#[test]
fn what_is_asked_for_is_what_is_read_again() {
    for protocol in [VlanProtocol::Customer, VlanProtocol::Service] {
        let read = tag(Attributes(&info(protocol)));
        assert_eq!(read, Some(Tag { id: 70, protocol }));
    }
}

#[test]
fn another_kind_has_no_tag() {
    let bytes = driver::info(&landfall_core::network::Driver::Macvlan(
        landfall_core::network::Macvlan::default(),
    ));
    let mut message = LinkMessage::default();
    message.attributes = vec![bytes];
    let mut message =
        netlink_packet_core::NetlinkMessage::from(RouteNetlinkMessage::NewLink(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let info = Attributes(&bytes[32..]).nested(nix::libc::IFLA_LINKINFO);
    assert_eq!(tag(info), None);
}

#[test]
fn only_the_uid_of_a_network_marks_a_vlan_as_made_for_one() {
    assert!(is_vlan_alias(&vlan_alias(Uid(5))));
    for other in [
        "",
        "landfall:",
        "landfall:vlan",
        "uplink of rack 4",
        "landfall",
    ] {
        assert!(!is_vlan_alias(other), "{other:?}");
    }
}
