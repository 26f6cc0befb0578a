//! The bytes of announcements.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_core::mac::Mac;

const BROADCAST: [u8; 6] = [0xff; 6];
/// ff02::1, all nodes.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ICMPV6: u8 = 58;

/// An ARP announcement (RFC 5227, 2.3): a request for one's own address.
pub(super) fn arp(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, [0x08, 0x06]);
    // Ethernet, IPv4, lengths 6 and 4, request.
    frame.extend([0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(address.octets());
    frame.extend([0; 6]);
    frame.extend(address.octets());
    frame
}

/// An unsolicited neighbour advertisement (RFC 4861, 7.2.6) with the override flag.
pub(super) fn neighbor_advertisement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    // Type 136, code, checksum, override flag, reserved.
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    // Option: target link-layer address, one unit of eight bytes.
    message.extend([2, 1]);
    message.extend(mac.0);
    let checksum = checksum(address, ALL_NODES, &message);
    for (byte, sum) in message.iter_mut().skip(2).zip(checksum.to_be_bytes()) {
        *byte = sum;
    }
    let mut frame = ethernet(ALL_NODES_MAC, mac, [0x86, 0xdd]);
    let length = u16::try_from(message.len()).unwrap_or_default();
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    // Receivers drop neighbour discovery whose hop limit shows that it came through a router.
    frame.extend([ICMPV6, 255]);
    frame.extend(address.octets());
    frame.extend(ALL_NODES.octets());
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
