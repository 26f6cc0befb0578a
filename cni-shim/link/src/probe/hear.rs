//! What frames of others say about addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_core::mac::Mac;

/// What somebody says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It has it.
    Has,
    /// It asks for it, to use it if nobody has it.
    Wants,
}

/// Somebody has said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// About which address.
    pub address: IpAddr,
    /// What.
    pub says: Says,
    /// Its hardware address.
    pub mac: Mac,
}

/// Reads a frame of ARP or neighbour discovery; anything else says nothing.
pub(super) fn read(frame: &[u8]) -> Option<Heard> {
    match frame.get(12..14)? {
        [0x08, 0x06] => arp(frame),
        [0x86, 0xdd] => discovery(frame),
        _ => None,
    }
}

/// RFC 5227, 2.1.1: any packet whose sender address is the one asked for, and a probe for it.
fn arp(frame: &[u8]) -> Option<Heard> {
    // Ethernet, IPv4, lengths 6 and 4.
    if frame.get(14..20)? != [0, 1, 0x08, 0x00, 6, 4] {
        return None;
    }
    let mac = mac(frame, 22)?;
    let (sender, target) = (ipv4(frame, 28)?, ipv4(frame, 38)?);
    let (address, says) = if sender.is_unspecified() {
        (target, Says::Wants)
    } else {
        (sender, Says::Has)
    };
    let address = IpAddr::V4(address);
    Some(Heard { address, says, mac })
}

/// RFC 4862, 5.4.3 and 5.4.4: an advertisement of the address, and a solicitation from `::`.
fn discovery(frame: &[u8]) -> Option<Heard> {
    /// IPv6 behind Ethernet, ICMPv6 behind that.
    const IP: usize = 14;
    const ICMP: usize = IP + 40;
    const OPTIONS: usize = ICMP + 24;
    const ICMPV6: u8 = 58;
    // A hop limit below 255 came through a router and is none of this link.
    if *frame.get(IP + 6)? != ICMPV6 || *frame.get(IP + 7)? != 255 || *frame.get(ICMP + 1)? != 0 {
        return None;
    }
    let address = ipv6(frame, ICMP + 8)?;
    let (says, mac) = match *frame.get(ICMP)? {
        // The option names who has it, where another answers for it.
        136 => (
            Says::Has,
            target_mac(frame, OPTIONS).or_else(|| mac(frame, 6))?,
        ),
        135 if ipv6(frame, IP + 8)?.is_unspecified() => (Says::Wants, mac(frame, 6)?),
        _ => return None,
    };
    let address = IpAddr::V6(address);
    Some(Heard { address, says, mac })
}

/// The option "target link-layer address", which is the first of an advertisement that has it.
fn target_mac(frame: &[u8], at: usize) -> Option<Mac> {
    (frame.get(at..at + 2)? == [2, 1])
        .then(|| mac(frame, at + 2))
        .flatten()
}

fn mac(frame: &[u8], at: usize) -> Option<Mac> {
    frame.get(at..at + 6)?.try_into().ok().map(Mac)
}

fn ipv4(frame: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = frame.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

fn ipv6(frame: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = frame.get(at..at + 16)?.try_into().ok()?;
    Some(octets.into())
}
