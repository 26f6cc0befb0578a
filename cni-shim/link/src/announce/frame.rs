//! The bytes of announcements and probes.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_core::mac::Mac;

const BROADCAST: [u8; 6] = [0xff; 6];
/// ff02::1, all nodes.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ICMPV6: u8 = 58;

/// An ARP announcement (RFC 5227, 2.3): a request for one's own address.
pub(crate) fn arp(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp_request(mac, address, address)
}

/// An ARP probe (RFC 5227, 2.1.1): a request whose sender says no address, so that nobody learns one.
pub(crate) fn arp_probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp_request(mac, Ipv4Addr::UNSPECIFIED, address)
}

fn arp_request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, [0x08, 0x06]);
    // Ethernet, IPv4, lengths 6 and 4, request.
    frame.extend([0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// An unsolicited neighbour advertisement (RFC 4861, 7.2.6) with the override flag.
pub(crate) fn neighbor_advertisement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    // Type 136, code, checksum, override flag, reserved.
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    // Option: target link-layer address, one unit of eight bytes.
    message.extend([2, 1]);
    message.extend(mac.0);
    discovery((ALL_NODES_MAC, mac), address, ALL_NODES, message)
}

/// A neighbour solicitation of duplicate address detection (RFC 4862, 5.4.2): from no address.
pub(crate) fn neighbor_probe(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    // Type 135, code, checksum, reserved.
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(address.octets());
    let (group, group_mac) = solicited_node(address);
    discovery((group_mac, mac), Ipv6Addr::UNSPECIFIED, group, message)
}

/// The group in which whoever has the address listens (RFC 4291, 2.7.1), and its hardware address.
pub(crate) fn solicited_node(address: Ipv6Addr) -> (Ipv6Addr, [u8; 6]) {
    let [.., a, b, c] = address.octets();
    let [ab, bc] = [u16::from_be_bytes([0xff, a]), u16::from_be_bytes([b, c])];
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, ab, bc);
    (group, [0x33, 0x33, 0xff, a, b, c])
}

/// A message of neighbour discovery, whose checksum is still zero, between two hardware addresses.
fn discovery(
    (to_mac, from_mac): ([u8; 6], Mac),
    from: Ipv6Addr,
    to: Ipv6Addr,
    mut message: Vec<u8>,
) -> Vec<u8> {
    let checksum = checksum(from, to, &message);
    for (byte, sum) in message.iter_mut().skip(2).zip(checksum.to_be_bytes()) {
        *byte = sum;
    }
    let mut frame = ethernet(to_mac, from_mac, [0x86, 0xdd]);
    let length = u16::try_from(message.len()).unwrap_or_default();
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    // Receivers drop neighbour discovery whose hop limit shows that it came through a router.
    frame.extend([ICMPV6, 255]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(message);
    frame
}

fn ethernet(to: [u8; 6], from: Mac, kind: [u8; 2]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(86);
    frame.extend(to);
    frame.extend(from.0);
    frame.extend(kind);
    frame
}

/// RFC 4443, 2.3: over a pseudo-header and the message, whose own checksum is zero.
fn checksum(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or_default();
    let mut bytes = Vec::new();
    bytes.extend(from.octets());
    bytes.extend(to.octets());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, ICMPV6]);
    bytes.extend(message);
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        sum += u32::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}
