//! The bytes of announcements.

use landfall_core::mac::Mac;

use super::frame::{arp, neighbor_advertisement};

const MAC: Mac = Mac([0x0a, 0x58, 10, 9, 0, 5]);

#[test]
fn an_arp_announcement_asks_for_its_own_address() {
    let frame = arp(MAC, [10, 9, 0, 5].into());

    assert_eq!(
        frame,
        *b"\xff\xff\xff\xff\xff\xff\x0a\x58\x0a\x09\0\x05\x08\x06\
           \0\x01\x08\0\x06\x04\0\x01\
           \x0a\x58\x0a\x09\0\x05\x0a\x09\0\x05\
           \0\0\0\0\0\0\x0a\x09\0\x05"
    );
}

#[test]
fn a_neighbour_advertisement_adds_up() {
    let frame = neighbor_advertisement(MAC, "fd00:9::5".parse().unwrap());

    assert_eq!(frame.len(), 14 + 40 + 32);
    assert_eq!(frame[21], 255, "hop limit");
    // The receiver's check: everything, with the checksum in it, sums up to all ones.
    let mut covered = frame[22..54].to_vec();
    covered.extend([0, 0, 0, 32, 0, 0, 0, 58]);
    covered.extend(&frame[54..]);
    let mut sum: u32 = covered
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    assert_eq!(sum, 0xffff);
}
